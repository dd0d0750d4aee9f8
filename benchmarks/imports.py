"""Importing facilities and bills, against COPY of the finished rows into the same tables.

Ours reads a CSV, holds every row to the rules of the API, looks for what is stored, computes, and
writes bills, lines and totals. The limit knows the answer: `COPY FROM` a text file of exactly the
rows that ours has stored, as `psql \\copy` would, in one transaction. `save()` and `bulk_create`
are the two stock ways: the first with the signals that compute, the second of model instances that
somebody else has computed.
"""

import csv
import tempfile
from calendar import monthrange
from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

from django.core.management import call_command
from django.db import connection, models, transaction

from benchmarks.frame import Row, compare, interleaved, say
from emissions.models import Consumption, Emission
from facilities.models import Facility, SupplyPoint
from organizations.models import Import, Organization

BILLS_PER_FACILITY = 20
SAVED = 400
"""So many rows are enough to know the rate of `save()`, which is the same for each."""

PLACES = [("ES", ""), ("PT", ""), ("DE", ""), ("FR", ""), ("GB", ""), ("CA", "CA-ON"), ("US", "")]
KINDS = [
    ("electricity", "grid", "kWh", "IBERDROLA CLIENTES, S.A.U."),
    ("heat", "natural_gas", "kWh", ""),
    ("water", "supply", "m3", ""),
    ("electricity", "grid", "MWh", ""),
]


def rows(quick: bool) -> Iterable[Row]:
    """What is compared, with what is required."""
    with tempfile.TemporaryDirectory(prefix="facilities-import-") as folder:
        stage = Stage(Path(folder), facilities=1_000 if quick else 50_000)
        rounds = 2
        facilities = interleaved(
            {"ours": stage.import_facilities, "copy": stage.copy_facilities}, rounds
        )
        limit = ("psycopg COPY of the finished rows", facilities["copy"])
        count = f"{stage.facilities:,}"
        required = "" if quick else "≥ 0.4"  # a thousand take less than the start of a command
        yield compare(
            f"import of {count} facilities", "rows/s", facilities["ours"], limit, required
        )
        stage.import_facilities()
        bills = interleaved(
            {
                "ours": stage.import_bills,
                "again": stage.import_bills_again,
                "copy": stage.copy_bills,
                "bulk_create": stage.bulk_create_bills,
                "save": stage.save_bills,
            },
            rounds,
        )
        count = f"{stage.bills:,}"
        for name, rival, required in (
            ("copy", "psycopg COPY of the finished rows and lines", "≥ 0.4"),
            ("bulk_create", "bulk_create of the finished instances", ""),
            ("save", "save() with signals", "≥ 40"),
        ):
            yield compare(
                f"import of {count} bills", "rows/s", bills["ours"], (rival, bills[name]), required
            )
        first = ("the first import", bills["ours"])
        yield compare(f"the same {count} bills again", "rows/s", bills["again"], first, "≥ 1")


class Stage:
    """An organization with files to import, and its finished rows as COPY takes them."""

    def __init__(self, folder: Path, facilities: int) -> None:
        self.organization = Organization.objects.create(name="Imports")
        self.folder = folder
        self.facilities, self.bills = facilities, facilities * BILLS_PER_FACILITY
        self._write("facilities.csv", facility_rows(facilities))
        self._write("bills.csv", bill_rows(facilities))

    def import_facilities(self) -> float:
        self._empty(Emission, Consumption, SupplyPoint, Facility)
        rate = self._import("import_facilities", "facilities.csv", self.facilities)
        self._keep(Facility, SupplyPoint)
        return rate

    def copy_facilities(self) -> float:
        self._empty(Emission, Consumption, SupplyPoint, Facility)
        return self._copy(self.facilities, Facility, SupplyPoint)

    def import_bills(self) -> float:
        self._empty(Emission, Consumption)
        rate = self._import("import_consumption", "bills.csv", self.bills)
        self._keep(Consumption, Emission)
        return rate

    def import_bills_again(self) -> float:
        """The file of bills that are stored already."""
        if Consumption.objects.count() != self.bills:
            self.import_bills()
        return self._import("import_consumption", "bills.csv", self.bills, created=False)

    def copy_bills(self) -> float:
        if not (self.folder / Consumption._meta.db_table).exists():
            self.import_bills()
        self._empty(Emission, Consumption)
        return self._copy(self.bills, Consumption, Emission)

    def bulk_create_bills(self) -> float:
        """A tenth of the bills with their lines, which are read before the clock starts."""
        if Consumption.objects.count() != self.bills:
            self.import_bills()
        count = self.bills // 10
        bills = list(Consumption.objects.order_by("id")[:count])
        lines = list(Emission.objects.filter(consumption__in=[one.pk for one in bills]))
        self._empty(Emission, Consumption)

        def create() -> None:
            Consumption.objects.bulk_create(bills, batch_size=1000)
            Emission.objects.bulk_create(lines, batch_size=1000)

        return self._timed(count, create)

    def save_bills(self) -> float:
        """The first bills of the file, one by one, each in a transaction as from the API."""
        self._empty(Emission, Consumption)
        ids = dict(Facility.objects.values_list("external_id", "id")[:1000])
        sites = dict(Facility.objects.in_bulk(list(ids.values())))
        bills = [
            Consumption(
                organization=self.organization,
                facility=sites[ids[row["facility_id"]]],
                external_id=row["external_id"],
                category=row["category"],
                activity=row["activity"],
                quantity=Decimal(row["quantity"]),
                unit=row["unit"],
                start_date=date.fromisoformat(row["start_date"]),
                end_date=date.fromisoformat(row["end_date"]),
                supplier=row["supplier"],
            )
            for row in bill_rows(self.facilities)
            if row["facility_id"] in ids
        ][:SAVED]

        def save() -> None:
            for one in bills:
                one.save()

        return self._timed(len(bills), save)

    def _import(self, command: str, name: str, count: int, *, created: bool = True) -> float:
        out = StringIO()
        started = perf_counter()
        call_command(
            command, str(self.folder / name), organization=str(self.organization.pk), stdout=out,
            stderr=StringIO(),
        )  # fmt: skip
        seconds = perf_counter() - started
        word = "created" if created else "unchanged"
        assert f"{word} {count}," in out.getvalue(), out.getvalue()
        return count / seconds

    def _copy(self, count: int, *tables: type[models.Model]) -> float:
        def copy() -> None:
            with transaction.atomic(), connection.cursor() as cursor:
                for model in tables:
                    name = model._meta.db_table
                    with (
                        (self.folder / name).open("rb") as file,
                        cursor.copy(f"COPY {name} FROM STDIN") as target,
                    ):
                        while block := file.read(1 << 20):
                            target.write(block)

        return self._timed(count, copy)

    def _keep(self, *tables: type[models.Model]) -> None:
        """Writes the finished rows as COPY gives them."""
        with connection.cursor() as cursor:
            for model in tables:
                name = model._meta.db_table
                with (
                    (self.folder / name).open("wb") as file,
                    cursor.copy(f"COPY {name} TO STDOUT") as source,
                ):
                    for block in source:
                        file.write(block)

    def _timed(self, count: int, work: Callable[[], None]) -> float:
        started = perf_counter()
        work()
        return count / (perf_counter() - started)

    def _empty(self, *tables: type[models.Model]) -> None:
        """Tables as if nothing had ever been in them, and everything else at rest."""
        Import.objects.all().delete()
        names = ", ".join(model._meta.db_table for model in tables)
        with connection.cursor() as cursor:
            cursor.execute(f"TRUNCATE {names} CASCADE")
            cursor.execute(
                "UPDATE facilities_facility SET co2e = 0, co2e_market = 0, co2e_biomass = 0"
            )
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")

    def _write(self, name: str, rows: Iterable[dict[str, Any]]) -> None:
        say(f"writing {name}")
        with (self.folder / name).open("w", encoding="utf-8", newline="") as file:
            writer: csv.DictWriter | None = None
            for row in rows:
                if writer is None:
                    writer = csv.DictWriter(file, list(row))
                    writer.writeheader()
                writer.writerow(row)


def facility_rows(count: int) -> Iterable[dict[str, Any]]:
    for number in range(count):
        country, region = PLACES[number % len(PLACES)]
        yield {
            "external_id": f"SITE-{number:06d}",
            "name": f"Site {number}",
            "type": ("office", "warehouse", "factory")[number % 3],
            "country": country,
            "region": region,
            "address": f"{number % 300} High Street, Town {number % 977}",
            "categories": "",
            "logistic_factor": "0.8",
            "status": "active",
        }


def bill_rows(facilities: int) -> Iterable[dict[str, Any]]:
    """Month by month, as bills come: each facility has one kind of bill a month."""
    for month in range(BILLS_PER_FACILITY):
        first = date(2022 + month // 12, month % 12 + 1, 1)
        last = first.replace(day=monthrange(first.year, first.month)[1])
        for number in range(facilities):
            category, activity, unit, supplier = KINDS[number % len(KINDS)]
            quantity = Decimal(number * 7919 % 900_000 + 1000 + month * 17) / 100
            yield {
                "external_id": f"BILL-{number:06d}-{month:02d}",
                "facility_id": f"SITE-{number:06d}",
                "category": category,
                "activity": activity,
                "quantity": quantity,
                "unit": unit,
                "start_date": first.isoformat(),
                "end_date": last.isoformat(),
                "supplier": supplier if PLACES[number % len(PLACES)][0] == "ES" else "",
                "cups": "",
                "data_quality": "actual",
                "note": "",
            }
