"""The inventory report as a workbook: a sheet for each part, with numbers as numbers.

A total is a formula where it recomputes what stands above it, and a number everywhere else.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import IO, Any

from django.http import FileResponse
from openpyxl import Workbook
from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter

from organizations.rest.tables import XLSXTable, as_cell

BOLD, HEADER = Font(bold=True), PatternFill("solid", fgColor="DDE7DD")
TITLE = Font(bold=True, size=14)
KG, SHARE = "#,##0.000000", "0.00%"
NOT_ADDED = {"co2e_per_unit", "share", "consumptions", "lines", "scope", "year"}
NO_TOTAL = {"missing", "fuels", "esrs", "base_year", "factors"}
WIDEST = 48


def write_inventory(file: IO[bytes], report: dict[str, Any]) -> None:
    """Writes the workbook of a report, as `inventory` gives it."""
    workbook = Workbook()
    summary = workbook.active
    summary.title = "Summary"
    _summary(summary, report)
    for title, name, rows in (
        ("Without figure", "missing", report["missing"]),
        ("By scope", "by_scope", report["by_scope"]),
        ("By category", "by_category", report["by_category"]),
        ("By fuel", "by_fuel", report["by_fuel"]),
        ("By country", "by_country", report["by_country"]),
        ("By facility", "by_facility", report["by_facility"]),
        ("By month", "by_month", report["by_month"]),
        ("Data quality", "data_quality", report["data_quality"]),
        ("Energy", "energy", report["energy"]["mix"]),
        ("Fuels by quantity", "fuels", report["energy"]["not_in_energy_units"]),
        ("Refrigerants", "refrigerants", report["refrigerants"]),
        ("ESRS E1", "esrs", list(_data_points(report))),
        ("Base year", "base_year", list(_changes(report["base_year"]))),
        ("Factors", "factors", list(_factors(report))),
    ):
        _table(workbook.create_sheet(title), rows, added=name not in NO_TOTAL)
    workbook.save(file)


def workbook_of(report: dict[str, Any]) -> FileResponse:
    """The workbook as an answer; who sends it records that."""
    file = TemporaryFile()  # noqa: SIM115 - the answer closes it when it is sent
    write_inventory(file, report)
    file.seek(0)
    name = f'attachment; filename="inventory-{report["year"]}.xlsx"'
    return FileResponse(
        file, content_type=XLSXTable.media_type, headers={"Content-Disposition": name}
    )


def _summary(sheet: Any, report: dict[str, Any]) -> None:
    sheet.append([f"Greenhouse gas inventory {report['year']}"])
    sheet["A1"].font = TITLE
    sheet.append([as_cell(report["organization"]["name"])])
    state = "closed" if report["status"] == "closed" else "open: figures may still change"
    sheet.append([f"The year is {state}."])
    sheet.append([])
    missing = sum(one["consumptions"] for one in report["missing"])
    rows: list[tuple[str, Any]] = [
        ("Consumption without a figure (sheet Without figure)", missing),
        ("Scope 1, kg CO2e", report["scope_1"]),
        ("Scope 2 location-based, kg CO2e", report["scope_2_location"]),
        ("Scope 2 market-based, kg CO2e", report["scope_2_market"]),
        ("Scope 3 (water), kg CO2e", report["scope_3"]),
        ("Total with scope 2 location-based, kg CO2e", report["total_location"]),
        ("Total with scope 2 market-based, kg CO2e", report["total_market"]),
        ("Biogenic CO2 outside the scopes, kg", report["biogenic"]),
        ("Energy, MWh", report["energy"]["total_mwh"]),
    ]
    if change := report["base_year"]:
        location = change["co2e"]
        rows += [
            (f"Base year {change['year']}, kg CO2e", location["base_kg"]),
            ("Change since then, kg CO2e", location["change_kg"]),
            *(
                (f"… by {name}, kg CO2e", part["kg"])
                for name, part in location["explained"].items()
            ),
        ]
    official = report["spain"]["all_factors_official"]
    if official is not None:
        word = "yes" if official else "no, see not_official_in_spain on the sheet Factors"
        rows.append((f"Spain: all factors are MITECO's ({report['spain']['rule']})", word))
    for label, value in rows:
        sheet.append([label, as_cell(value)])
        sheet.cell(sheet.max_row, 1).font = BOLD
        if isinstance(value, Decimal):
            sheet.cell(sheet.max_row, 2).number_format = KG
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 56, 26


def _table(sheet: Any, rows: Sequence[dict[str, Any]], *, added: bool) -> None:
    if not rows:
        sheet.append(["Nothing."])
        return
    names = list(rows[0])
    sheet.append(names)
    for cell in sheet[1]:
        cell.font, cell.fill = BOLD, HEADER
        cell.alignment = Alignment(wrap_text=True, vertical="top")
    for row in rows:
        sheet.append([_cell(row[name]) for name in names])
    for position, name in enumerate(names, 1):
        letter = get_column_letter(position)
        numbers = isinstance(rows[0][name], Decimal)
        widest = max(len(str(row[name])) for row in (*rows[:200], {name: name}))
        sheet.column_dimensions[letter].width = min(widest + 4, WIDEST)
        if not numbers:
            continue
        for cell in sheet[letter][1:]:
            cell.number_format = SHARE if name == "share" else KG
        if added and name not in NOT_ADDED:
            total = sheet.cell(len(rows) + 2, position, f"=SUM({letter}2:{letter}{len(rows) + 1})")
            total.font, total.number_format = BOLD, KG
    if added:
        sheet.cell(len(rows) + 2, 1, "Total").font = BOLD
    sheet.freeze_panes = "A2"


def _data_points(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The data points of ESRS E1, whose names end with their unit."""
    for standard, points in (
        ("E1-5", report["energy"]["esrs_e1_5"]), ("E1-6", report["esrs_e1_6"]),
    ):  # fmt: skip
        for name, value in points.items():
            yield {"standard": standard, "data_point": name, "value": value}


def _changes(base_year: dict[str, Any] | None) -> Iterator[dict[str, Any]]:
    """The change since the base year under each method, and what explains it, in kg and %."""
    if base_year is None:
        return
    for method, name in (("location", "co2e"), ("market", "co2e_market")):
        change = dict(base_year[name])
        causes = change.pop("explained")
        parts = {f"{cause}_{unit}": kg for cause in causes for unit, kg in causes[cause].items()}
        yield {"base_year": base_year["year"], "method": method, **change, **parts}


def _factors(report: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Each with its source, and whether it is one of those that are not official in Spain."""
    for factor in report["factors"]:
        source = factor["source"] or dict.fromkeys(("id", "title", "url", "licence"))
        yield {
            **{name: value for name, value in factor.items() if name != "source"},
            "not_official_in_spain": factor in report["spain"]["not_official"],
            **{f"source_{name}": value for name, value in source.items()},
        }


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, datetime):
        return value.replace(tzinfo=None)
    return as_cell(value) if not isinstance(value, date) else value
