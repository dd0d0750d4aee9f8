import copy
import csv
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser

from emissions.importing.factor_rows import (
    COLUMNS,
    IDENTITY,
    Change,
    Periods,
    store_factors,
    store_sources,
)
from emissions.importing.release import preview_of
from emissions.models import EmissionFactor, FactorSource, ShippedRow
from organizations.database.clock import moment
from organizations.database.tenant import about
from organizations.tenancy import atomic_with_retry, pass_gate

DATA = Path(__file__).resolve().parents[2] / "data"

Row = dict[str, str]
"""A row of the file, each column as text."""


class Command(BaseCommand):
    help = (
        "Loads the published factors that ship with the project. New rows are added; a row that "
        "is not what it was when it was last loaded updates its factor and everything computed "
        "from it. What staff have changed or deleted stays until then. Run again, it changes "
        "nothing."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--data",
            type=Path,
            default=DATA,
            metavar="DIR",
            help="Where emission_factors.csv and factor_sources.csv are.",
        )
        parser.add_argument(
            "--preview",
            action="store_true",
            help="Store nothing: say on stdout what would be added, changed and closed, and what "
            "that moves, by organization and year.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        sources = list(read(options["data"] / "factor_sources.csv"))
        rows = read(options["data"] / "emission_factors.csv")
        known = {row["source_id"] for row in sources}
        factors = [parse(line, row, known) for line, row in enumerate(rows, 2)]
        if options["preview"]:
            for line in preview(factors):
                self.stdout.write(line)
            self.stderr.write("nothing was stored")
            return
        with about(None):  # they are everybody's
            done = load(sources, factors)
        counts = ", ".join(f"{name} {done[name]}" for name in ("created", "changed", "unchanged"))
        kept = f", kept as staff have them {done['kept']}" if done["kept"] else ""
        self.stderr.write(f"factors: {counts}{kept}")


def read(path: Path) -> Iterator[dict[str, str]]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from csv.DictReader(file)
    except OSError as error:
        raise CommandError(f"{path}: {error.strerror}.") from error


def parse(line: int, row: dict[str, str], sources: set[str]) -> EmissionFactor:
    """A published factor from a row, every rule of the model checked but overlap.

    Raises CommandError naming the line, the column and what is wrong.
    """
    try:
        factor = EmissionFactor(
            **{name: row[name] for name in EmissionFactor.KEY if name in row},
            valid_from=date.fromisoformat(row["valid_from"]),
            valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
            co2e=Decimal(row["co2e"]),
            co2e_biomass=Decimal(row["co2e_biomass"] or "0"),
            scope=int(row["scope"]),
            source_id=row["source_id"],
            source_ref=row["source_ref"],
            note=row["note"],
        )
        factor.clean_fields(exclude=["source"])
        factor.check_alone()
        if factor.source_id not in sources:
            raise ValidationError({"source_id": "It is not in factor_sources.csv."})
    except (KeyError, ValueError, ArithmeticError) as error:
        raise CommandError(f"emission_factors.csv, line {line}: {error!r}.") from error
    except ValidationError as error:
        raise CommandError(f"emission_factors.csv, line {line}: {error.message_dict}.") from error
    return factor


@atomic_with_retry
def load(sources: Iterable[dict[str, str]], rows: Sequence[EmissionFactor]) -> Counter[str]:
    """Stores what the file says anew and recomputes what it touches.

    How many rows were `created`, `changed`, `unchanged`, or `kept` as staff have them. Raises
    CommandError when rows overlap each other or a factor that is as it was shipped.
    """
    pass_gate(None, exclusive=True)
    store_sources(FactorSource(id=row.pop("source_id"), **row) for row in map(dict, sources))
    shipped = dict(ShippedRow.objects.values_list("factor_id", "row"))
    release = compared(rows, shipped)
    store_factors(release.created, release.changes, "load_emission_factors", moment())
    stored = [*release.created, *(change.after for change in release.changes)]
    remember([*release.settled, *((factor, as_row(factor)) for factor in stored)], shipped)
    return release.counts + Counter(created=len(release.created), changed=len(release.changes))


def preview(rows: Sequence[EmissionFactor]) -> Iterator[str]:
    """What `load` would do, in lines of text; nothing is stored or locked.

    Raises CommandError as `load` does, and where a figure would be too large.
    """
    release = compared(rows, dict(ShippedRow.objects.values_list("factor_id", "row")))
    try:
        yield from preview_of(release.created, release.changes)
    except ValidationError as error:
        raise CommandError("; ".join(error.messages)) from error


class Release(NamedTuple):
    """What a file says that is not stored so, and how many rows are `unchanged` or `kept`."""

    created: list[EmissionFactor]
    changes: list[Change]
    settled: list[tuple[EmissionFactor, Row]]
    counts: Counter[str]


def compared(rows: Sequence[EmissionFactor], shipped: dict[UUID, Row]) -> Release:
    """The rows beside what is stored. Raises CommandError when rows overlap."""
    published = EmissionFactor.objects.filter(organization=None)
    known = factors_by_row(published, shipped)
    count: Counter[str] = Counter()
    created: list[EmissionFactor] = []
    changes: list[Change] = []
    settled: list[tuple[EmissionFactor, Row]] = []
    for factor in rows:
        row = as_row(factor)
        existing = known.get(told_by(row))
        if existing is None:
            created.append(factor)
        elif existing.deleted_at:
            count["unchanged"] += 1
        elif as_row(existing) == row or shipped.get(existing.pk, row) == row:
            count["unchanged" if as_row(existing) == row else "kept"] += 1
            settled.append((existing, row))
        else:
            changes.append(Change(existing, updated(existing, factor)))

    refuse_overlaps(rows)
    changing = {change.before.pk for change in changes}
    standing = Periods(
        one for one in published if one.deleted_at is None and one.pk not in changing
    )
    for change in [*changes]:
        if taken(change.after, standing, shipped):
            changes.remove(change)
            standing.add(change.before)
            count["kept"] += 1
    for factor in [*created]:
        if taken(factor, standing, shipped):
            created.remove(factor)
            count["kept"] += 1
    return Release(created, changes, settled, count)


def factors_by_row(
    published: Iterable[EmissionFactor], shipped: dict[UUID, Row]
) -> dict[tuple[str, ...], EmissionFactor]:
    """The factor of each row: the one that it made, whatever staff have made of it since.

    A row that made none is the factor that has its key and first day, a live one before others.
    """
    last_wins = sorted(published, key=lambda one: (one.pk in shipped, one.deleted_at is None))
    return {told_by(shipped.get(one.pk) or as_row(one)): one for one in last_wins}


def as_row(factor: EmissionFactor) -> Row:
    """What a file would say of a factor."""
    return {name: as_text(getattr(factor, name)) for name in COLUMNS}


def as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else str(value)


def told_by(row: Row) -> tuple[str, ...]:
    """The columns that say which factor a row is."""
    return tuple(row[name] for name in IDENTITY if name in row)


def updated(existing: EmissionFactor, factor: EmissionFactor) -> EmissionFactor:
    """The stored factor as its row says."""
    after = copy.copy(existing)
    for name in COLUMNS:
        setattr(after, name, getattr(factor, name))
    return after


def refuse_overlaps(rows: Iterable[EmissionFactor]) -> None:
    """Raises CommandError when two rows of one key share a day."""
    periods = Periods()
    for factor in rows:
        if other := periods.rival(factor):
            raise overlapping(other, factor)
        periods.add(factor)


def taken(factor: EmissionFactor, standing: Periods, shipped: dict[UUID, Row]) -> bool:
    """Whether a factor that staff have made or changed stands where a row would go.

    Raises CommandError when one that is as it was shipped does.
    """
    other = standing.rival(factor)
    if other and shipped.get(other.pk) == as_row(other):
        raise overlapping(other, factor)
    return other is not None


def overlapping(one: EmissionFactor, other: EmissionFactor) -> CommandError:
    return CommandError(f"“{one}” and “{other}” overlap in time; nothing was stored.")


def remember(said: Iterable[tuple[EmissionFactor, Row]], shipped: dict[UUID, Row]) -> None:
    """Notes what the file says of factors, to know it from what it will say."""
    ShippedRow.objects.bulk_create(
        [
            ShippedRow(factor=factor, row=row)
            for factor, row in said
            if shipped.get(factor.pk) != row
        ],
        batch_size=500,
        update_conflicts=True,
        unique_fields=["factor"],
        update_fields=["row"],
    )
