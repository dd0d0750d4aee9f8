"""The evidence pack of an organization's year: a ZIP of CSVs that proves itself.

Its own checker, `verify.py`, imports nothing of ours and recomputes every line, bill, facility and
total. The same figures give the same bytes.
"""

import csv
import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.db.models import Count

from emissions.calculation.units import UNITS
from emissions.ledger.bills import Kilograms
from emissions.models import Consumption, EmissionFactor
from emissions.reports.inventory.quantities import added_up
from emissions.reports.missing import without_figure
from emissions.reports.periods import Period
from emissions.reports.totals import Question
from facilities.models import Facility
from organizations.database.decimals import ExactSum
from organizations.models import Organization
from organizations.rest.escaping import harmless

AT_ONCE = 2000
FIGURES = Kilograms._fields
CHECKER = Path(__file__).with_name("verify.py")
LINE = (
    "id", "consumption_id", "facility_id", "category", "activity", "scope", "facility_type",
    "country", "region", "supplier", "gwp_set", "start_date", "end_date", "data_quality",
    "quantity", "unit", "location_factor_id", "location_value", "location_biomass",
    "location_unit", "location_fallbacks", "market_factor_id", "market_value", "market_unit",
    "market_fallbacks", *FIGURES, "recorded_at",
)  # fmt: skip
BILL = (
    "external_id", "category", "activity", "unit", "start_date", "end_date", "cups", "meter",
    "data_quality", "status", "note",
)  # fmt: skip
PLACE = ("external_id", "name", "type", "country", "region", "address")
FACTOR = (
    "category", "activity", "country", "region", "supplier", "method", "gwp_set", "valid_from",
    "valid_to", "scope", "source_ref", "note",
)  # fmt: skip
SOURCE = ("id", "title", "url", "licence", "attribution")
ABOUT = """Evidence of the greenhouse gas figures of {name}, {year}

lines.csv           every line of the ledger: part of a bill in one month under one factor
bills.csv           every bill with lines in the year, with what they add up to in it
facilities.csv      every facility, likewise
totals.csv          the year by scope and category
factors.csv         every factor as it was used, with its source and licence
units.csv           the size of each unit in the first unit of its dimension (J, L, kg)
without_figure.csv  what ought to have a figure and has none: it is in no total
verify.py           recomputes all of it: python3 verify.py
SHA256SUMS          of each file: sha256sum -c SHA256SUMS

kg CO2e. co2e is location-based, co2e_market market-based; co2e_biomass is biogenic CO2, outside
the scopes.
"""

Row = Sequence[Any]


def write_pack(organization: Organization, year: int, file: Path) -> dict[str, int]:
    """Writes the ZIP and says how many rows each CSV has. Call it in one snapshot.

    Raises OSError where the file cannot be written.
    """
    question = Question(organization.pk, Period.of_year(year))
    counts: dict[str, int] = {}
    with TemporaryDirectory() as folder, ZipFile(file, "w", ZIP_DEFLATED) as archive:
        digests = []
        for name, columns, rows in _tables(question):
            path = Path(folder) / name
            counts[name] = _write(path, columns, rows())
            digests.append((name, _digest(path)))
            with path.open("rb") as source, archive.open(_entry(name, path), "w") as target:
                while block := source.read(1 << 20):
                    target.write(block)
            path.unlink()
        about = ABOUT.format(name=organization.name, year=year).encode()
        for name, content in (("README.txt", about), ("verify.py", CHECKER.read_bytes())):
            digests.append((name, hashlib.sha256(content).hexdigest()))
            archive.writestr(_entry(name), content)
        listed = "".join(f"{digest}  {name}\n" for name, digest in digests)
        archive.writestr(_entry("SHA256SUMS"), listed)
    return counts


def _tables(question: Question) -> Iterator[tuple[str, Row, Callable[[], Iterable[Row]]]]:
    yield "lines.csv", ("line_id", *LINE[1:]), lambda: _lines(question)
    yield (
        "bills.csv",
        ("consumption_id", "facility_id", *BILL, "quantity_in_year", "lines", *FIGURES),
        lambda: _bills(question),
    )
    yield "facilities.csv", ("facility_id", *PLACE, *FIGURES), lambda: _facilities(question)
    yield "totals.csv", ("scope", "category", *FIGURES), lambda: _totals(question)
    yield (
        "factors.csv",
        ("factor_id", "used_for", "value", "biomass", "unit", "own", *FACTOR,
         *(f"source_{name}" for name in SOURCE)),
        lambda: _factors(question),
    )  # fmt: skip
    yield (
        "units.csv",
        ("unit", "dimension", "size"),
        lambda: ((unit, str(measured), size) for unit, (measured, size) in UNITS.items()),
    )
    yield (
        "without_figure.csv",
        ("consumption_id", "facility_id", *BILL, "quantity", "co2e_reason"),
        lambda: _without_figure(question),
    )


def _lines(question: Question) -> Iterator[Row]:
    """By bill and day, as the checker reads them."""
    rows = question.lines().order_by("consumption_id", "start_date")
    yield from rows.values_list(*LINE).iterator(AT_ONCE)


def _bills(question: Question) -> Iterator[Row]:
    """What a bill is today, with its lines' sums at each facility they are at."""
    keys = ("consumption_id", "facility_id")
    counted = question.lines().order_by().values_list(*keys).annotate(count=Count("pk"))
    counts = {(bill, place): count for bill, place, count in counted}
    for some in _chunks(added_up(question.lines(), keys, FIGURES)):
        stored = Consumption.objects.in_bulk([row[0] for row in some])
        for bill, place, quantity, *figures in some:
            one = stored[bill]
            told = [getattr(one, name) for name in BILL]
            yield [bill, place, *told, quantity, counts[bill, place], *figures]


def _facilities(question: Question) -> Iterator[Row]:
    sums = {f"sum_{name}": ExactSum(name) for name in FIGURES}
    rows = question.lines().order_by().values_list("facility_id").annotate(**sums)
    for some in _chunks(rows.order_by("facility_id").iterator(AT_ONCE)):
        stored = Facility.objects.in_bulk([row[0] for row in some])
        for pk, *figures in some:
            yield [pk, *(getattr(stored[pk], name) for name in PLACE), *figures]


def _totals(question: Question) -> Iterable[Row]:
    sums = {f"sum_{name}": ExactSum(name) for name in FIGURES}
    rows = question.lines().order_by().values_list("scope", "category").annotate(**sums)
    return rows.order_by("scope", "category")


def _factors(question: Question) -> Iterator[Row]:
    used: set[tuple[UUID, str, Decimal, Decimal | str, str]] = set()
    lines = question.lines().order_by()
    location = ("location_factor_id", "location_value", "location_biomass", "location_unit")
    for pk, value, biomass, unit in lines.values_list(*location).distinct():
        used.add((pk, "location", value, biomass, unit))
    market = ("market_factor_id", "market_value", "market_unit")
    for pk, value, unit in lines.values_list(*market).distinct():
        used.add((pk, "market", value, "", unit))
    factors = EmissionFactor.objects.select_related("source").in_bulk({one[0] for one in used})
    for pk, used_for, value, biomass, unit in sorted(used, key=lambda one: tuple(map(str, one))):
        factor, source = factors[pk], factors[pk].source
        yield [
            pk, used_for, value, biomass, unit, str(factor.own).lower(),
            *(getattr(factor, name) for name in FACTOR),
            *(getattr(source, name, None) for name in SOURCE),
        ]  # fmt: skip


def _without_figure(question: Question) -> Iterator[Row]:
    columns = ("id", "facility_id", *BILL, "quantity", "co2e_reason")
    rows = without_figure(question.bills()).order_by("id")
    yield from rows.values_list(*columns).iterator(AT_ONCE)


def _chunks(rows: Iterable[Any]) -> Iterator[list[Any]]:
    some: list[Any] = []
    for row in rows:
        some.append(row)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _write(path: Path, columns: Row, rows: Iterable[Row]) -> int:
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in rows:
            writer.writerow(map(_text, row))
            count += 1
    return count


def _text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | datetime):
        return value.isoformat()
    return "" if value is None else str(harmless(value))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _entry(name: str, path: Path | None = None) -> ZipInfo:
    """A ZIP's entry without a clock, so that the same figures give the same bytes."""
    entry = ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    if path:
        entry.file_size = path.stat().st_size
    return entry
