"""Files as utilities and spreadsheets make them: a year of hours, and a long workbook.

Nobody beside us reads them; what is required is a time, memory and room on disk.
"""

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter
from typing import Any

from django.core.management import call_command
from django.db import connection
from openpyxl import Workbook
from openpyxl.cell import WriteOnlyCell

from benchmarks.files import bill_rows, cups, facility_rows, write
from benchmarks.frame import NotMeasured, Row, figure, say
from benchmarks.loads import peak_of
from benchmarks.peak import STATUS
from benchmarks.stage import Stage
from emissions.models import Consumption

FIRST, DAYS = date(2023, 1, 1), 365
SHORT, LONG = date(2023, 3, 26), date(2023, 10, 29)
"""The days of 23 and of 25 hours."""

CHANGED = 3
"""The hour that the one does not have and the other has twice."""

SHOWN = {"quantity": '#,##0.00 "{unit}"', "start_date": "dd/mm/yyyy", "end_date": "dd/mm/yyyy"}
"""How a workbook's cells are shown; a unit that stands there is read."""


def rows(quick: bool) -> Iterator[Row]:
    if not STATUS.exists():
        raise NotMeasured("The memory of a process is read from Linux's /proc.")
    with tempfile.TemporaryDirectory(prefix="facilities-meters-") as folder:
        stage = Stage(Path(folder), facilities=1_000 if quick else 4_000)
        yield from hours(stage, 20 if quick else 500)
        stage.import_facilities()
        yield from workbook(stage, 10 if quick else 50)


def hours(stage: Stage, meters: int) -> Iterator[Row]:
    """A year of Datadis, a line for each hour and CUPS, in one file."""
    codes = [cups(number) for number in range(meters)]
    sites = stage.folder / "sites.csv"
    write(sites, ({**site, "country": "ES", "region": "", "cups_list": code}
                  for site, code in zip(facility_rows(meters), codes, strict=True)))  # fmt: skip
    call_command("import_facilities", str(sites), organization=str(stage.organization.pk))
    file = stage.folder / "hours.csv"
    count = write_hours(file, codes)
    before, started = size(), perf_counter()
    peak = peak_of("import_consumption", str(file), stage)
    seconds, grown = perf_counter() - started, (size() - before) / 10**6
    assert Consumption.objects.count() == 12 * meters
    name = f"{count:,} hours of {meters} meters"
    yield taken(name, seconds, "s", "≤ 120")
    yield taken(f"{name}, memory", peak, "MiB", "≤ 400")
    yield taken(f"{name}, room in the database", grown, "MB", "≤ 25")


def write_hours(file: Path, codes: Sequence[str]) -> int:
    say("writing hours.csv")
    count = 0
    with file.open("w", encoding="utf-8") as target:
        target.write("CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion\n")
        for at, code in enumerate(codes):
            for day in range(DAYS):
                of = FIRST + timedelta(days=day)
                for hour in hours_of(of):
                    watts = (at * 7919 + day * 104_729 + hour * 31) % 5_000
                    target.write(f"{code};{of:%Y/%m/%d};{hour:02}:00;0,{watts:04};Real\n")
                    count += 1
    return count


def hours_of(day: date) -> Iterable[int]:
    """The names of its hours: one that does not exist is left out, one that comes twice is."""
    known = range(1, 25)
    if day == SHORT:
        return (hour for hour in known if hour != CHANGED)
    return sorted([*known, CHANGED]) if day == LONG else known


def workbook(stage: Stage, months: int) -> Iterator[Row]:
    """Bills of all facilities, with days as Excel has them and units in the formats."""
    file = stage.folder / "bills.xlsx"
    stage.empty_bills()
    count = write_workbook(file, bill_rows(stage.facilities, range(months)))
    peak = peak_of("import_consumption", str(file), stage)
    assert Consumption.objects.count() == count
    yield taken(f"a workbook of {count:,} rows, memory", peak, "MiB", "≤ 300")


def write_workbook(file: Path, bills: Iterable[dict[str, Any]]) -> int:
    say("writing bills.xlsx")
    book = Workbook(write_only=True)
    sheet = book.create_sheet("Bills")
    count = 0
    for count, bill in enumerate(bills, 1):
        if count == 1:
            sheet.append(list(bill))
        sheet.append([as_cell(sheet, name, value, bill) for name, value in bill.items()])
    book.save(file)
    return count


def as_cell(sheet: Any, name: str, value: Any, bill: dict[str, Any]) -> Any:
    if name not in SHOWN:
        return value
    cell = WriteOnlyCell(sheet, value if name == "quantity" else date.fromisoformat(value))
    cell.number_format = SHOWN[name].format(unit=bill["unit"])
    return cell


def size() -> int:
    """Bytes of the database."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_database_size(current_database())")
        return int(cursor.fetchone()[0])


def taken(name: str, value: float, unit: str, required: str) -> Row:
    return Row(name, figure(value, unit), "", value, required, "")
