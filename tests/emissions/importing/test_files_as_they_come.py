"""Files that utilities, landlords and spreadsheets make: read right, or refused by name."""

import csv
import io
import zipfile
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emissions.models import Consumption
from facilities.models import Facility
from organizations.models import Import, Organization
from tests.cases import each
from tests.conftest import Person
from tests.examples import examples
from tests.importing import Outcome, run, undone
from tests.organizations.importing.test_proof import written

pytestmark = pytest.mark.django_db

CASES = Path(__file__).parent / "cases"
HEADER = "facility_id,category,quantity,unit,start_date,end_date"
Load = Callable[..., Outcome]


@pytest.fixture
def load(tmp_path: Path, organization: Organization, alice: Person) -> Load:
    """Imports a text, bytes or one of the cases for an organization with the facility S3."""
    alice.facility(external_id="S3", country="ES")

    def import_(content: str | bytes | Path, *options: str) -> Outcome:
        path = content if isinstance(content, Path) else tmp_path / "bills.csv"
        if isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        return run("import_consumption", path, organization, *options)

    return import_


def bills() -> list[tuple[Decimal, date, date]]:
    rows = Consumption.objects.order_by("start_date", "id")
    return list(rows.values_list("quantity", "start_date", "end_date"))


def row(**cells: str) -> str:
    """One line under HEADER, in S3, whose cells are quoted."""
    usual = {
        "facility_id": "S3",
        "category": "electricity",
        "quantity": "10.5",
        "unit": "kWh",
        "start_date": "2024-01-01",
        "end_date": "2024-01-31",
    }
    return ",".join(f'"{cell}"' for cell in (usual | cells).values())


def table(*rows: str, header: str = HEADER) -> str:
    return "\n".join([header, *rows])


def test_a_local_file_is_read_as_it_proves_itself(load: Load) -> None:
    assert load(CASES / "our_columns_local.csv").counts.startswith("created 2")
    assert bills() == [
        (Decimal("1047.5"), date(2023, 12, 15), date(2024, 1, 14)),
        (Decimal(1200), date(2024, 2, 3), date(2024, 3, 4)),
    ]


def test_what_nothing_proves_is_refused_with_the_option_that_decides(load: Load) -> None:
    outcome = load(CASES / "not_proved.csv")
    assert outcome.status == 1
    assert "[ambiguous_number]" in outcome.messages
    assert "--decimal point" in outcome.messages
    assert outcome.messages.count("[ambiguous_date]") == 2
    assert "--dates dmy" in outcome.messages
    assert bills() == []
    load(CASES / "not_proved.csv", "--decimal=point", "--dates=mdy")
    assert bills() == [
        (Decimal(1200), date(2024, 1, 1), date(2024, 1, 31)),
        (Decimal(900), date(2024, 3, 4), date(2024, 5, 4)),
    ]


def test_an_option_that_the_file_contradicts_is_refused(load: Load) -> None:
    outcome = load(CASES / "our_columns_local.csv", "--decimal=point")
    assert outcome.messages.count("[contradictory_numbers]") == 2
    outcome = load(CASES / "our_columns_local.csv", "--dates=mdy")
    assert outcome.messages.count("[contradictory_dates]") == 4
    assert bills() == []


def test_a_column_that_contradicts_itself_is_refused_with_two_lines(load: Load) -> None:
    rows = [
        row(quantity="1.5"),
        row(quantity="1,5", start_date="2024-02-01", end_date="2024-02-28"),
    ]
    outcome = load(table(*rows))
    assert outcome.messages.count("[contradictory_numbers]") == 2
    assert "line 2 has “1.5” and line 3 has “1,5”" in outcome.messages


def test_spoiled_codes_are_refused_and_zeros_are_kept(organization: Organization) -> None:
    outcome = run("import_facilities", CASES / "spoiled_codes.csv", organization, "--on-error=skip")
    assert "line 2: external_id “2.31282E+13”" in outcome.messages
    assert "[spoiled_code]" in outcome.messages
    assert Facility.objects.get().external_id == "0012"


def test_an_unknown_header_answers_with_what_was_found_and_the_nearest_columns(
    load: Load,
) -> None:
    outcome = load(CASES / "bill_sheet_es.csv")
    assert outcome.status == 1
    assert "“Fecha inicio” (did you mean “start_date”?)" in outcome.messages
    assert "“Consumo (kWh)” (did you mean “quantity”?)" in outcome.messages
    assert "Found: “Sede”, “CUPS”" in outcome.messages
    assert "The nearest layout is datadis." in outcome.messages


@pytest.mark.parametrize(
    ("header", "layout", "guesses"),
    [
        ("CUPS;Fecha;Hora;Consumo;Metodo", "datadis", {"Consumo": "quantity"}),
        (f"{HEADER},colour", "", {}),
        ("MPAN,Read on,00:00,00:30", "uk_half_hourly", {"MPAN": "meter"}),
        ("Building,Unit,January,February", "wide_months", {"Building": "facility_id"}),
        (
            "Numéro de PDL;Date de début;Date de fin;Conso (kWh)",
            "",
            {"Numéro de PDL": "meter", "Date de début": "start_date", "Date de fin": "end_date"},
        ),
        (
            "Zählpunkt;Periodo desde;Periodo hasta;Energía consumida kWh",
            "",
            {"Periodo desde": "start_date", "Energía consumida kWh": "quantity"},
        ),
    ],
)
def test_the_nearest_layout_and_columns_of_other_headers(
    load: Load, header: str, layout: str, guesses: dict[str, str]
) -> None:
    messages = load(f"{header}\nx").messages
    assert ("The nearest layout is" in messages) == bool(layout)
    assert layout in messages
    for theirs, ours in guesses.items():
        assert f"“{theirs}” (did you mean “{ours}”?)" in messages


def test_a_dash_is_no_activity(load: Load) -> None:
    content = table(row() + ",-", header=f"{HEADER},activity")
    assert load(content).counts.startswith("created 1")
    assert Consumption.objects.get().activity == "grid"


@each(
    ("name", "content"),
    [
        ("titles", f"Bills of 2024\n\n,,,\n{table(row())}"),
        ("any case", table(row(), header=HEADER.upper().replace(",", " , "))),
        ("spaces", table(row(), header=HEADER.replace("_", " ").title())),
        ("tabs", table(row()).replace(",", "\t")),
        ("pipes", table(row()).replace(",", "|")),
        ("blank lines", f"{HEADER}\n\n{row()}\n,,,,,\n\n"),
        ("header again", table(row(), HEADER, row(facility_id="s3"))[: -len(row()) - 1]),
        ("a total", table(row(), "Total,,10.5,kWh,,")),
        ("a short total", table(row(), "TOTAL:,10.5")),
        ("padded", table(row(quantity=" 10.5 ", start_date=" 2024-01-01"))),
        ("unit in the cell", table(row(quantity="10.5 kWh"))),
        ("unit in the cell alone", table(row(quantity="10.5 kWh", unit=""))),
        ("date and midnight", table(row(start_date="2024-01-01 00:00:00"))),
    ],
)
def test_the_same_bill_is_read_however_its_file_is_made(
    load: Load, name: str, content: str
) -> None:
    outcome = load(content)
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0", outcome.messages
    assert bills() == [(Decimal("10.5"), date(2024, 1, 1), date(2024, 1, 31))]


def test_a_total_and_a_repeated_header_are_passed_over_with_a_word(load: Load) -> None:
    outcome = load(table(row(), HEADER, "Suma,,10.5,,,"))
    assert outcome.counts.startswith("created 1,")
    assert "[repeated_header]" in outcome.messages
    assert "[total_row]" in outcome.messages


@each(
    ("cells", "code"),
    [
        ({"quantity": "NULL"}, "no_value"),
        ({"quantity": "—"}, "no_value"),
        ({"quantity": "12 %"}, "percent"),
        ({"quantity": "€ 12"}, "currency"),
        ({"quantity": "10.5 MWh"}, "contradictory_units"),
        ({"quantity": "10.5 parsecs"}, "invalid_choice"),
        ({"start_date": "45292"}, "invalid"),
        ({"start_date": "2024-01-01 13:15"}, "invalid"),
        ({"facility_id": "=cmd|'/c calc'!A0"}, "does_not_exist"),
    ],
)
def test_what_is_no_value_is_refused_by_name(load: Load, cells: dict[str, str], code: str) -> None:
    outcome = load(table(row(**cells)))
    assert outcome.status == 1
    assert f"[{code}]" in outcome.messages


def test_where_a_value_may_be_left_out_a_word_for_nothing_is_an_empty_cell(load: Load) -> None:
    cells = '"N/A","-","NULL"'
    load(table(f"{row()},{cells}", header=f"{HEADER},supplier,data_quality,cups"))
    stored = Consumption.objects.get()
    assert (stored.supplier, stored.data_quality, stored.cups) == ("", "actual", "")


def test_one_facility_may_be_said_for_a_whole_file(load: Load) -> None:
    content = table(row(), header=HEADER).replace("facility_id,", "").replace('"S3",', "")
    assert load(content, "--facility=S3").counts.startswith("created 1")
    outcome = load(content, "--facility=nowhere")
    assert "[does_not_exist]" in outcome.messages


def workbook(path: Path, rows: list[list[Any]], **settings: Any) -> Path:
    book = openpyxl.Workbook()
    for name, value in settings.items():
        setattr(book, name, value)
    for cells in rows:
        book.active.append(cells)
    book.save(path / "bills.xlsx")
    return path / "bills.xlsx"


WORKBOOK_HEADER: list[Any] = HEADER.split(",")


def test_numbers_of_a_workbook_prove_nothing_of_its_text(load: Load, tmp_path: Path) -> None:
    """12.345 is a real number, and “1.200” beside it is text that could be 1200."""
    days = [date(2024, 1, 1), date(2024, 1, 31)]
    outcome = load(
        workbook(tmp_path, [
            WORKBOOK_HEADER,
            ["S3", "electricity", 12.345, "kWh", *days],
            ["S3", "heat", "1.200", "kWh", *days],
        ]),
        "--on-error=skip",
    )  # fmt: skip
    assert bills() == [(Decimal("12.345"), *days)]
    assert "line 3: quantity “1.200”" in outcome.messages
    assert "[ambiguous_number]" in outcome.messages


def test_days_of_a_workbook_that_counts_from_1904_are_the_days_that_it_shows(
    load: Load, tmp_path: Path
) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 31)]
    rows = [WORKBOOK_HEADER, ["S3", "electricity", 1.5, "kWh", *days]]
    load(workbook(tmp_path, rows, epoch=openpyxl.utils.datetime.CALENDAR_MAC_1904))
    assert bills() == [(Decimal("1.5"), *days)]


@pytest.mark.parametrize(
    ("shown", "value", "found"),
    [
        ("0%", 0.5, "[percent]"),
        ('#,##0.00 "€"', 50, "[currency]"),
        ("[$$-409]#,##0.00", 50, "[currency]"),
        ('0.00 "MWh"', 1.5, "[contradictory_units]"),
        ('0.00 "kWh"', 1.5, Decimal("1.5")),
        ("#,##0.00;[Red]-#,##0.00", 1.5, Decimal("1.5")),
        ("[$-C0A]#,##0.00", 1.5, Decimal("1.5")),
    ],
)
def test_what_a_workbook_shows_beside_a_number_counts(
    load: Load, tmp_path: Path, shown: str, value: float, found: Any
) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 31)]
    rows = [WORKBOOK_HEADER, ["S3", "electricity", value, "kWh", *days]]
    book = openpyxl.load_workbook(workbook(tmp_path, rows))
    book.active["C2"].number_format = shown
    book.save(tmp_path / "bills.xlsx")
    outcome = load(tmp_path / "bills.xlsx")
    if isinstance(found, str):
        assert found in outcome.messages
    else:
        assert bills() == [(found, *days)], outcome.messages


def test_a_code_keeps_the_zeros_that_a_workbook_shows(
    load: Load, tmp_path: Path, alice: Person
) -> None:
    alice.facility(external_id="0042")
    alice.facility(external_id="42")
    days = [date(2024, 1, 1), date(2024, 1, 31)]
    rows = [WORKBOOK_HEADER, [42, "electricity", 1.5, "kWh", *days]]
    book = openpyxl.load_workbook(workbook(tmp_path, rows))
    book.active["A2"].number_format = "0000"
    book.save(tmp_path / "bills.xlsx")
    assert load(tmp_path / "bills.xlsx").counts.startswith("created 1")
    assert Consumption.objects.get().facility.external_id == "0042"


def test_a_workbook_may_begin_with_other_sheets(load: Load, tmp_path: Path) -> None:
    days = [date(2024, 1, 1), date(2024, 1, 31)]
    rows = [WORKBOOK_HEADER, ["S3", "electricity", 1.5, "kWh", *days]]
    book = openpyxl.load_workbook(workbook(tmp_path, rows))
    book.create_sheet("Empty", 0)
    book.create_sheet("Read me", 0).append(["How to use", "this"])
    book.save(tmp_path / "bills.xlsx")
    assert load(tmp_path / "bills.xlsx").counts.startswith("created 1")
    assert bills() == [(Decimal("1.5"), *days)]


def test_a_serial_number_in_the_place_of_a_day_is_refused(load: Load, tmp_path: Path) -> None:
    rows = [WORKBOOK_HEADER, ["S3", "electricity", 1.5, "kWh", 45292, date(2024, 1, 31)]]
    assert "number that a spreadsheet keeps for a day" in load(workbook(tmp_path, rows)).messages


@pytest.mark.parametrize(
    ("code", "kept"), [("0012", "0012"), (12, "12"), (12.0, "12"), (4117.5, "4117.5")]
)
def test_codes_of_a_workbook_are_what_it_shows(
    tmp_path: Path, organization: Organization, code: Any, kept: str
) -> None:
    path = workbook(tmp_path, [["external_id", "name", "type", "country"], [code, "A", "b", "ES"]])
    assert run("import_facilities", path, organization).status == 0
    assert Facility.objects.get().external_id == kept


@pytest.mark.parametrize("code", [1234567890123456789, 2.31282e22, date(2024, 3, 1)])
def test_codes_that_a_workbook_cannot_hold_are_spoiled(
    tmp_path: Path, organization: Organization, code: Any
) -> None:
    path = workbook(tmp_path, [["external_id", "name", "type", "country"], [code, "A", "b", "ES"]])
    assert "[spoiled_code]" in run("import_facilities", path, organization).messages


def test_a_formula_that_an_export_has_made_harmless_comes_back_as_it_was(
    tmp_path: Path, organization: Organization
) -> None:
    path = tmp_path / "f.csv"
    path.write_text("name,type,country,address\n'=1+1,office,ES,'-x\n")
    assert run("import_facilities", path, organization).status == 0
    facility = Facility.objects.get()
    assert (facility.name, facility.address) == ("=1+1", "-x")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (bytes(range(256)) * 40, "no table of text"),
        (",".join(f"c{n}" for n in range(10_000)).encode() + b"\n1\n", "10000 columns"),
        (f"{HEADER}\n".encode() + b"x" * 300_000, "a cell has more than 100,000 characters"),
        (f"{HEADER}\n".encode() + b"x" * 3_000_000, "A line has over a million characters"),
        (b"PK\x03\x04garbage", "workbook cannot be read"),
    ],
    ids=["garbage", "columns", "cell", "line", "zip"],
)
def test_what_is_no_file_of_ours_is_refused_as_a_whole(
    load: Load, content: bytes, words: str
) -> None:
    outcome = load(content)
    assert outcome.status == 1
    assert words in outcome.messages
    assert len(outcome.messages) < 2000
    assert not Import.objects.exists()


def test_deliveries_of_one_day_are_stored_as_they_are(
    alice: Person, organization: Organization
) -> None:
    alice.facility(external_id="S1", country="US")
    outcome = run("import_consumption", CASES / "deliveries.csv", organization)
    assert outcome.counts == "created 3, changed 0, unchanged 0, rejected 0"
    assert sum(quantity for quantity, _, _ in bills()) == 1320
    again = run("import_consumption", CASES / "deliveries.csv", organization)
    assert again.counts == "created 0, changed 0, unchanged 3, rejected 0"


@each(
    ("cells", "refused"),
    [
        ({"category": "heat", "activity": "propane", "unit": "kg"}, False),
        ({"category": "heat", "activity": "wood_pellets", "unit": "short tons"}, False),
        ({"category": "heat", "activity": "propane", "unit": "kWh"}, True),
        ({"category": "heat", "activity": "natural_gas", "unit": "m3"}, True),
        ({"category": "heat", "activity": "district_heating", "unit": "GJ"}, True),
        ({"category": "electricity", "activity": "grid", "unit": "kWh"}, True),
    ],
)
def test_only_fuel_that_is_delivered_may_come_on_one_day(
    load: Load, cells: dict[str, str], refused: bool
) -> None:
    header = "facility_id,category,quantity,unit,start_date,end_date,activity"
    one_day = {"start_date": "2024-01-10", "end_date": "2024-01-10"}
    usual = {"facility_id": "S3", "quantity": "10.5"}
    ordered = {**usual, **one_day, **cells}
    line = ",".join(ordered[name] for name in header.split(","))
    outcome = load(table(line, header=header))
    assert ("zero_length" in outcome.messages) is refused
    assert Consumption.objects.exists() is not refused


@each(
    ("activity", "unit", "refused"),
    [
        ("propane", "m3", True),
        ("butane", "ft3", True),
        ("lpg", "ccf", True),
        ("propane", "L", False),
        ("natural_gas", "m3", False),
    ],
)
def test_a_volume_of_what_may_be_gas_or_liquid_is_refused(
    alice: Person, activity: str, unit: str, refused: bool
) -> None:
    site = alice.facility(external_id="S3")
    bill = {"facility_id": "S3", "category": "heat", "activity": activity, "quantity": 10}
    bill |= {"unit": unit, "start_date": "2023-03-01", "end_date": "2023-03-31"}
    outcome = alice.post("/v1/imports?kind=consumption", [bill]).body
    codes = [(one["column"], one["code"]) for one in outcome["faults"]]
    assert codes == ([("unit", "ambiguous_unit")] if refused else [])
    answer = alice.post("/v1/consumptions", bill | {"facility_id": site["id"]})
    if refused:
        assert answer.error("unit")["code"] == "ambiguous_unit"
    else:
        assert answer.status == 201


def test_a_zip_bomb_is_refused_before_it_is_read(load: Load, tmp_path: Path) -> None:
    path = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"\0" * (80 << 20))
    assert "unpacks to 83,886,084 bytes" in load(path).messages


def test_a_sheet_with_a_cell_at_its_far_end_is_refused(load: Load, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["XFD1048576"] = "facility_id", "x"
    book.save(tmp_path / "vast.xlsx")
    assert "row 1,048,576 and column 16,384" in load(tmp_path / "vast.xlsx").messages
    book.create_sheet("first", 0).append(WORKBOOK_HEADER)
    book.save(tmp_path / "vast.xlsx")
    assert "row 1,048,576 and column 16,384" in load(tmp_path / "vast.xlsx").messages


ROW = '<row r="1"><c r="A1" t="str"><v>facility_id</v></c></row>'
FAR = {
    "letters": '<row r="2"><c r="ZZZZZZ2"><v>1</v></c></row>',
    "small letters": "<row r='2'><c r='zzzzz2'><v>1</v></c></row>",
    "a cell's own row": '<row r="2"><c\n a="&lt;>" r = "A99999999"><v>1</v></c></row>',
    "rows that do not say which": "<row><c><v>1</v></c></row>" * 2000
    + '<row><c r="XFD2002"><v>1</v></c></row>',
    "cells that do not": f'<row>{"<c/>" * 40}<c><v>1</v></c></row><row r="999999"/>',
    "an entity": '<row r="2"><c r="&a;2"><v>1</v></c></row>',
    "no XML": '<row r="2"><c a="<" r="ZZZZZZ2"><v>1</v></c></row>',
}


@pytest.mark.parametrize("rows", FAR.values(), ids=list(FAR))
def test_however_a_sheet_says_where_its_cells_are_it_does_not_fill_the_memory(
    load: Load, tmp_path: Path, rows: str
) -> None:
    book, path = tmp_path / "book.xlsx", tmp_path / "vast.xlsx"
    openpyxl.Workbook().save(book)
    entity = '<!DOCTYPE worksheet [<!ENTITY a "A">]>' if "&a;" in rows else ""
    name = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    sheet = f'{entity}<worksheet xmlns="{name}"><sheetData>{ROW}{rows}</sheetData></worksheet>'
    with zipfile.ZipFile(book) as made, zipfile.ZipFile(path, "w") as changed:
        for part in made.namelist():
            is_sheet = part == "xl/worksheets/sheet1.xml"
            changed.writestr(part, sheet.encode() if is_sheet else made.read(part))
    outcome = load(path)
    assert outcome.status == 1
    assert "The sheet goes to row" in outcome.messages or "cannot be read" in outcome.messages


BOMB = """<?xml version="1.0"?><!DOCTYPE feed [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]>
<feed xmlns="http://www.w3.org/2005/Atom"><entry>&b;</entry></feed>"""
OUTSIDE = BOMB.replace('"aaaaaaaaaa"', 'SYSTEM "file:///etc/passwd"')


@pytest.mark.parametrize(
    "content", [BOMB, OUTSIDE, "<feed>", "<html></html>", "<feed/>", "<"], ids=str
)
def test_xml_with_entities_or_without_readings_is_refused(load: Load, content: str) -> None:
    outcome = load(content, "--facility=S3")
    assert outcome.status == 1
    assert "XML" in outcome.messages
    assert "root:" not in outcome.messages


QUANTITIES = st.decimals(0, 999_999, places=3) | st.integers(0, 9_999_999).map(Decimal)
ORDERS = ["%Y-%m-%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%y", "%Y%m%d", "%d %B %Y", "%m-%d-%Y"]


@settings(
    max_examples=examples(20),
    deadline=None,
)
@given(
    rows=st.lists(
        st.tuples(QUANTITIES, st.dates(date(2000, 1, 1), date(2019, 1, 1)), st.integers(1, 300)),
        min_size=1,
        max_size=6,
    ),
    style=st.sampled_from(["point", "comma"]),
    thousands=st.sampled_from(["", "other", " ", "'"]),
    first=st.sampled_from(ORDERS),
    last=st.sampled_from(ORDERS),
    divider=st.sampled_from([",", ";", "\t", "|"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    titles=st.sampled_from(["", "Facturación 2023\n", "\n\nReport;of,all|bills\t\n\n"]),
)
def test_what_is_stored_is_what_was_written_or_the_row_is_refused(
    load: Load,
    rows: list[tuple[Decimal, date, int]],
    style: str,
    thousands: str,
    first: str,
    last: str,
    divider: str,
    encoding: str,
    titles: str,
) -> None:
    """Numbers and days in every style, each column for itself: never read as something else."""
    expected = {}
    text = io.StringIO()
    text.write(titles)
    writer = csv.writer(text, delimiter=divider)
    writer.writerow(["external_id", *HEADER.split(",")])
    for number, (quantity, start, days) in enumerate(rows):
        end = start + timedelta(days)
        expected[f"B{number}"] = (quantity, start, end)
        cells = [written(quantity, style, thousands), "kWh", f"{start:{first}}", f"{end:{last}}"]
        writer.writerow([f"B{number}", "S3", "electricity", *cells])
    with undone():
        outcome = load(
            text.getvalue().encode(encoding, "replace"), "--on-error=skip", "--allow=overlap"
        )
        stored = Consumption.objects.values_list(
            "external_id", "quantity", "start_date", "end_date"
        )
        for external_id, *values in stored:
            assert tuple(values) == expected[external_id]
        refused = outcome.messages.count("[ambiguous_") + outcome.messages.count("[wrong_")
        assert outcome.counts.startswith(f"created {len(stored)},")
        assert len(stored) == len(rows) or refused
