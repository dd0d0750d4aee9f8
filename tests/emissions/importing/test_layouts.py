"""Layouts: somebody else's file becomes bills, with exact sums and right days."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest
from django.core.management import call_command

from emissions.models import Consumption, Intervals
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.importing import Outcome, run

pytestmark = pytest.mark.django_db

CASES = Path(__file__).parent / "cases"
CUPS = "ES0021000000000001RK"
Load = Callable[..., Outcome]


@pytest.fixture
def load(tmp_path: Path, organization: Organization) -> Load:
    """Imports a text, a case of the folder, or another file of consumption."""

    def import_(content: str | bytes | Path, *options: str) -> Outcome:
        path = content if isinstance(content, Path) else tmp_path / "bills.csv"
        if isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        outcome = run("import_consumption", path, organization, *options)
        call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())
        return outcome

    return import_


def bills() -> list[tuple[str, Decimal, str, date, date, str]]:
    rows = Consumption.objects.order_by("start_date", "activity", "quantity")
    return list(
        rows.values_list("activity", "quantity", "unit", "start_date", "end_date", "data_quality")
    )


def january(day: int) -> date:
    return date(2023, 1, day)


@each("layout", ["datadis", "uk", "wide", "ours"])
def test_one_meter_is_one_whatever_the_spaces_in_its_code(
    load: Load, alice: Person, layout: str
) -> None:
    alice.facility(external_id="OFI", country="ES", cups_list=[CUPS], meter_list=["1200012345678"])
    heads = {
        "datadis": "CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion",
        "uk": f"MPAN;Date;{';'.join(f'{one // 2:02}:{one % 2 * 30:02}' for one in range(48))}",
        "wide": "Building;Meter;Category;Unit;Jan-23;Feb-23",
        "ours": "facility_id;category;unit;quantity;start_date;end_date",
    }
    rows = {
        "datadis": [f"{{}};2023/01/{day};01:00;1;Real" for day in (1, 2)],
        "uk": [f"{{}};{day}/01/2023;{';'.join(['1'] * 48)}" for day in (1, 2)],
        "wide": [f"OFI;{{}};electricity;kWh;{cells}" for cells in ("1;", ";2")],
        "ours": [f"{{}};electricity;kWh;5;2023-0{one}-01;2023-0{one}-28" for one in (1, 2)],
    }
    spellings = [CUPS.lower(), " ".join([CUPS[:4], CUPS[4:]])]
    if layout in ("uk", "wide"):
        spellings = ["1200012345678", "12 0001 2345 678"]
    lines = [row.format(code) for row, code in zip(rows[layout], spellings, strict=True)]
    text = "\n".join([heads[layout], *lines])
    assert load(text).counts.endswith("changed 0, unchanged 0, rejected 0")
    found = set(Consumption.objects.values_list("cups", "meter"))
    assert found == {
        "datadis": {(CUPS, "")}, "ours": {("", "")},
        "uk": {("", "1200012345678")}, "wide": {("", "1200012345678")},
    }[layout]  # fmt: skip
    count = Consumption.objects.count()
    assert count == (1 if layout in ("datadis", "uk") else 2)
    other = "\n".join([heads[layout], *(row.format(spellings[0]) for row in rows[layout])])
    assert load(other).counts == f"created 0, changed 0, unchanged {count}, rejected 0"


def test_datadis(load: Load, alice: Person) -> None:
    alice.facility(external_id="OFI", country="ES", cups_list=[CUPS])
    outcome = load(CASES / "datadis.csv")
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert "missing" not in outcome.messages
    days = (date(2023, 3, 25), date(2023, 3, 26))
    assert bills() == [("grid", Decimal("23.5"), "kWh", *days, "estimated")]
    assert Consumption.objects.get().cups == CUPS
    assert load(CASES / "datadis.csv").counts.endswith("unchanged 1, rejected 0")


def test_enedis(load: Load, alice: Person) -> None:
    alice.facility(external_id="PAR", country="FR")
    outcome = load(CASES / "enedis.csv", "--facility=PAR")
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert bills() == [("grid", Decimal(12), "kWh", january(1), january(1), "actual")]
    assert Consumption.objects.get().external_id == "09876543210987 2023-01"
    assert "missing" not in outcome.messages


def test_green_button(load: Load, alice: Person) -> None:
    alice.facility(external_id="NYC", country="US")
    outcome = load(CASES / "green_button.xml")
    assert "--facility" in outcome.messages
    outcome = load(CASES / "green_button.xml", "--facility=NYC")
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 0"
    february = date(2023, 2, 1)
    assert bills() == [
        ("grid", Decimal("18.276"), "kWh", january(31), january(31), "actual"),
        ("grid", Decimal("18.852"), "kWh", february, february, "actual"),
    ]
    [first, *_] = Intervals.objects.order_by("start")[0].each()
    assert first.start.isoformat() == "2023-01-31T00:00:00-05:00"


def test_uk_half_hourly(load: Load, alice: Person) -> None:
    alice.facility(external_id="LDN", country="GB")
    outcome = load(CASES / "uk_half_hourly.csv", "--facility=LDN")
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    days = (date(2024, 6, 1), date(2024, 6, 2))
    assert bills() == [("grid", Decimal(120), "kWh", *days, "actual")]
    assert "missing" not in outcome.messages


def test_wide_months(load: Load, alice: Person) -> None:
    for site in ("SITE-1", "SITE-2"):
        alice.facility(external_id=site, country="GB")
    said = ("--set=category=electricity", "--set=activity=grid", "--set=unit=kWh")
    outcome = load(CASES / "wide_months.csv", *said)
    assert outcome.counts == "created 5, changed 0, unchanged 0, rejected 0"
    february, march = (date(2023, 2, 1), date(2023, 2, 28)), (date(2023, 3, 1), date(2023, 3, 31))
    found = [(quantity, *days) for _, quantity, _, *days, _ in bills()]
    assert found == [
        (0, january(1), january(31)),
        (1200, january(1), january(31)),
        (35, *february),
        (Decimal("1100.5"), *february),
        (40, *march),
    ]
    outcome = load(CASES / "wide_months.csv", *said)
    assert outcome.counts == "created 0, changed 0, unchanged 5, rejected 0"


def test_wide_months_without_meter_and_activity_are_of_the_usual_one(
    load: Load, alice: Person
) -> None:
    alice.facility(external_id="HQ")
    said = ("--set=category=electricity", "--set=unit=kWh")
    text = "Building,Jan-23,Feb-23\nHQ,100,200\n"
    outcome = load(text, *said)
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 0"
    assert [(activity, quantity) for activity, quantity, *_ in bills()] == [
        ("grid", 100), ("grid", 200),
    ]  # fmt: skip
    assert load(text, *said).counts.endswith("unchanged 2, rejected 0")
    heat = load(text, "--set=category=heat", "--set=unit=kWh")
    assert "[required]" in heat.messages
    assert heat.counts.startswith("created 0, changed 0")


@each(
    ("text", "starts"),
    [
        ("Energy of our sites\nYear: 2023\nBuilding,Jan,Feb\nHQ,1,2\n", ["2023-01", "2023-02"]),
        ("Consumos 2022;;\n;;\nSede;ene.;feb.\nHQ;1;2\n", ["2022-01", "2022-02"]),
        (",2022,,2023\nBuilding,Nov,Dec,Jan\nHQ,1,2,3\n", ["2022-11", "2022-12", "2023-01"]),
        ("Building,Year,Jan,Feb\nHQ,2022,1,\nHQ,2023,2,3\n", ["2022-01", "2023-01", "2023-02"]),
        ("2023\nStandort,Jän,Feb,Mär\nHQ,1,2,3\n", ["2023-01", "2023-02", "2023-03"]),
        ("2023\nBuilding,Jan,Febr?,Mar\nHQ,1,2,3\n", "header is not right"),
        ("Building,Jan-23,F-23,Mar-23\nHQ,1,2,3\n", "header is not right"),
        ("Building,Año,Jan,Feb\nHQ,23,1,\n", "[invalid]"),
        ("Energy\nBuilding,Jan,Feb\nHQ,1,2\n", "header is not right"),
        ("Report of 15/01/2024\nBuilding,Jan,Feb\nHQ,1,2\n", "header is not right"),
        ("Exported in 2024\nBuilding,Jan,Feb\nHQ,1,2\n", "header is not right"),
        ("2023/24\nBuilding,Jan,Feb\nHQ,1,2\n", "header is not right"),
        ("2023\nGoal 2030\nBuilding,Jan,Feb\nHQ,1,2\n", "header is not right"),
        ("2023\nBuilding,Apr,Dec,Jan\nHQ,1,2,3\n", "header is not right"),
        ("FY 2023\nBuilding,Jan,Feb\nHQ,1,2\n", "header is not right"),
    ],
)
def test_months_have_their_year_from_above_or_a_column(
    load: Load, alice: Person, text: str, starts: list[str] | str
) -> None:
    alice.facility(external_id="HQ")
    outcome = load(text, "--set=category=electricity", "--set=unit=kWh")
    if isinstance(starts, str):
        assert starts in outcome.messages
        assert bills() == []
    else:
        assert outcome.counts.startswith(f"created {len(starts)},"), outcome.messages
        assert [f"{start:%Y-%m}" for _, _, _, start, _, _ in bills()] == starts
        assert [quantity for _, quantity, *_ in bills()] == list(range(1, len(starts) + 1))


def test_wide_months_without_category_says_what_is_missing(load: Load, alice: Person) -> None:
    assert "category" in load(CASES / "wide_months.csv").messages


def test_portfolio_manager(load: Load, alice: Person) -> None:
    alice.facility(external_id="4117", country="US")
    outcome = load(CASES / "portfolio_manager.csv")
    assert outcome.counts == "created 7, changed 0, unchanged 0, rejected 0", outcome.messages
    assert "warning, line 8: Usage/Quantity “12”" in outcome.messages
    assert "[large]" in outcome.messages or "[jump]" in outcome.messages
    quantities = {
        (activity, quantity, unit, quality) for activity, quantity, unit, _, _, quality in bills()
    }
    assert quantities == {
        ("grid", Decimal("12450.5"), "kWh", "actual"),
        ("grid", Decimal(11020), "kWh", "estimated"),
        ("natural_gas", Decimal(820), "ccf", "actual"),
        ("natural_gas", Decimal(12), "MMcf", "actual"),
        ("propane", Decimal(500), "gal_us", "actual"),
        ("propane", Decimal(320), "gal_us", "actual"),
        ("supply", Decimal(41), "kgal_us", "actual"),
    }  # fmt: skip
    assert load(CASES / "portfolio_manager.csv").counts.endswith("unchanged 7, rejected 0")


ENTRIES = (
    "Property Id,Portfolio Manager Meter ID,Meter Type,Start Date,End Date,Delivery Date,"
    "Usage/Quantity,Usage Units,Estimation"
)


@each(
    ("cells", "bill"),
    [
        ("Propane,,,01/10/2023,5,Gallons (US),No", ("propane", "2023-01-10", "actual")),
        ("Coke,Not Available,Not Available,01/10/2023,5,pounds,Y",
         ("coal_coke", "2023-01-10", "estimated")),
        ("Fuel Oil No 2,01/10/2023,01/10/2023,,5,Gallons (US),",
         ("gas_oil", "2023-01-10", "actual")),
    ],
)  # fmt: skip
def test_a_delivery_of_portfolio_manager_has_one_day(
    load: Load, alice: Person, cells: str, bill: tuple[str, str, str]
) -> None:
    alice.facility(external_id="4117", country="US")
    assert load(f"{ENTRIES}\n4117,9,{cells}").counts.startswith("created 1")
    activity, day, quality = bill
    [(what, quantity, _, first, last, told)] = bills()
    assert (what, quantity, str(first), str(last), told) == (activity, 5, day, day, quality)


@each("text", [
    "Category,Unit,Jan-23,Feb-23\nelectricity,kWh,1,2",
    "Energy 2023\nCategory;Unit;Jan;Feb\nelectricity;kWh;1;2",
    "Meter ID,Meter Type,Start Date,End Date,Usage,Usage Units,Estimation"
    "\n9,Electric - Grid,01/01/2023,01/31/2023,1,kWh,No"
    "\n9,Electric - Grid,02/01/2023,02/28/2023,2,kWh,No",
])  # fmt: skip
def test_a_file_of_one_facility_need_not_name_it(load: Load, alice: Person, text: str) -> None:
    alice.facility(external_id="HQ", country="US")
    assert load(text, "--facility=HQ").counts == "created 2, changed 0, unchanged 0, rejected 0"
    assert [(one[1], one[3]) for one in bills()] == [
        (1, january(1)), (2, date(2023, 2, 1)),
    ]  # fmt: skip


SHEET: dict[str, Any] = {
    "name": "Spanish bills",
    "kind": "consumption",
    "columns": {
        "facility_id": "CUPS",
        "cups": "CUPS",
        "start_date": "Fecha inicio",
        "end_date": "Fecha fin",
        "quantity": "Consumo (kWh)",
        "supplier": "Comercializadora",
    },
    "constants": {"category": "electricity", "unit": "kWh"},
}


@pytest.mark.parametrize("options", [(), ("--layout=Spanish bills",)], ids=["found", "named"])
def test_a_saved_layout_reads_its_file(load: Load, alice: Person, options: tuple[str, ...]) -> None:
    alice.facility(external_id="OFI", country="ES", cups_list=[CUPS])
    assert alice.post("/v1/import-layouts", SHEET).status == 201
    outcome = load(CASES / "bill_sheet_es.csv", *options)
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 0", outcome.messages
    found = [(quantity, *days) for _, quantity, _, *days, _ in bills()]
    assert found == [
        (Decimal("1047.5"), date(2023, 12, 15), date(2024, 1, 14)),
        (998, date(2024, 1, 15), date(2024, 2, 14)),
    ]
    assert Consumption.objects.first().supplier == "IBERDROLA CLIENTES, S.A.U."  # type: ignore[union-attr]


def test_another_organizations_layout_does_not_exist(
    load: Load, alice: Person, charlie: Person
) -> None:
    assert charlie.post("/v1/import-layouts", SHEET).status == 201
    alice.facility(external_id="OFI", country="ES", cups_list=[CUPS])
    assert "There is no layout “Spanish bills”" in load(
        CASES / "bill_sheet_es.csv", "--layout=Spanish bills"
    ).messages  # fmt: skip
    assert "header is not right" in load(CASES / "bill_sheet_es.csv").messages


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"columns": {}}, "columns", "required"),
        ({"columns": {**SHEET["columns"], "amount": "x"}}, "columns", "unknown_column"),
        ({"columns": {"quantity": "x"}}, "columns", "required"),
        ({"constants": {"category": "steam", "unit": "kWh"}}, "constants", "invalid_choice"),
        ({"units": {"Kilowatt": "horses"}}, "units", "invalid_choice"),
        ({"activities": {"Gas": ["natural_gas"]}}, "activities", "invalid"),
        ({"activities": {"Gas": {"category": "hot"}}}, "activities", "invalid_choice"),
        ({"kind": "facilities", "sum_by": "month"}, "sum_by", "not_applicable"),
        ({"name": "datadis"}, "name", "taken"),
        ({"name": ""}, "name", "blank"),
        ({"decimal": "dot"}, "decimal", "invalid_choice"),
    ],
)
def test_a_wrong_layout_is_refused_by_field(
    alice: Person, change: dict[str, Any], field: str, code: str
) -> None:
    answer = alice.post("/v1/import-layouts", SHEET | change)
    assert answer.status == 422
    assert code in {one["code"] for one in answer.body["errors"] if one["field"].startswith(field)}


def test_the_shipped_layouts_are_listed_and_read_only(alice: Person) -> None:
    alice.post("/v1/import-layouts", SHEET)
    items = alice.get("/v1/import-layouts").body["items"]
    assert [(one["name"], one["own"]) for one in items] == [
        ("Spanish bills", True),
        ("datadis", False),
        ("enedis", False),
        ("green_button", False),
        ("portfolio_manager", False),
        ("uk_half_hourly", False),
        ("wide_months", False),
    ]
    path = f"/v1/import-layouts/{items[1]['id']}"
    assert alice.get(path).body["columns"]["cups"] == "CUPS"
    assert alice.call("PATCH", path, {"name": "mine"}).status == 403
    assert alice.call("DELETE", path).status == 403
    again = alice.post("/v1/import-layouts", SHEET)
    assert again.error("name")["code"] == "taken"


def datadis(days: dict[str, list[str]]) -> str:
    """A file of Datadis: the hours of each day, as “HH:00 quantity” with an R or E."""
    rows = ["CUPS;Fecha;Hora;Consumo_kWh;Metodo_obtencion"]
    for day, hours in days.items():
        for one in hours:
            hour, quantity, *estimated = one.split()
            rows.append(f"{CUPS};{day};{hour};{quantity};{'Estimada' if estimated else 'Real'}")
    return "\n".join(rows)


def hours(*left_out: int, last: int = 24, quantity: str = "1,5") -> list[str]:
    return [f"{n:02}:00 {quantity}" for n in range(1, last + 1) if n not in left_out]


def intervals(alice: Person) -> Any:
    [pk] = Consumption.objects.values_list("pk", flat=True)
    return alice.get(f"/v1/consumptions/{pk}/intervals").body


@pytest.fixture
def office(alice: Person) -> None:
    alice.facility(external_id="OFI", country="ES", cups_list=[CUPS])


@pytest.mark.usefixtures("office")
@each(
    ("day", "found", "count", "missing"),
    [
        ("2023/03/26", hours(3), 23, 0),
        ("2023/03/26", hours(last=23), 23, 0),
        ("2023/03/26", hours(3, 7, 8), 21, 2),
        ("2023/10/29", [*hours()[:3], "03:00 1,5", *hours()[3:]], 25, 0),
        ("2023/10/29", hours(last=25), 25, 0),
        ("2023/10/29", hours(), 24, 1),
        ("2023/10/30", hours(5), 23, 1),
    ],
)
def test_days_of_23_and_25_hours_count_right(
    load: Load, alice: Person, day: str, found: list[str], count: int, missing: int
) -> None:
    outcome = load(datadis({day: found}))
    assert outcome.counts.startswith("created 1"), outcome.messages
    assert (f"{missing} of the" in outcome.messages) == bool(missing)
    answer = intervals(alice)
    assert len(answer["items"]) == count
    assert answer["quantity"] == Consumption.objects.get().quantity == count * Decimal("1.5")
    starts = [one["start"] for one in answer["items"]]
    assert len(set(starts)) == count
    assert starts[0].startswith(f"{day.replace('/', '-')}T00:00:00+0")
    assert {one[:10] for one in starts} == {day.replace("/", "-")}
    assert ("missing" in outcome.messages) == bool(missing)


@pytest.mark.parametrize(
    ("long_day", "filling", "counts"),
    [
        (["1"] * 50, ["", ""], "created 1, changed 0, unchanged 0, rejected 0"),
        (["1"] * 48 + ["0", "0"], ["0", "0"], "created 1, changed 0, unchanged 0, rejected 0"),
        (["1"] * 50, ["0", "1"], "created 0, changed 0, unchanged 0, rejected 1"),
    ],
)
def test_the_50_half_hours_of_the_longest_day_are_all_on_it(
    load: Load, alice: Person, long_day: list[str], filling: list[str], counts: str
) -> None:
    alice.facility(external_id="LDN", country="GB", meter_list=["1200012345678"])
    names = [f"HH{number}" for number in range(1, 51)]
    days = {"26/10/2024": ["1"] * 48 + filling, "27/10/2024": long_day}
    lines = [["MPAN", "Date", *names]]
    lines += [["1200012345678", day, *values] for day, values in days.items()]
    outcome = load("\n".join(map(",".join, lines)))
    assert outcome.counts == counts, outcome.messages
    if counts.startswith("created 1"):
        assert "missing" not in outcome.messages
        bill = Consumption.objects.get()
        assert (bill.start_date, bill.end_date) == (date(2024, 10, 26), date(2024, 10, 27))
        assert bill.quantity == 48 + sum(map(int, long_day))


def test_tens_of_minutes_add_up_to_their_bill(load: Load, alice: Person) -> None:
    """A sixth of a kilowatt never ends, and a thousand of them are still one bill."""
    alice.facility(external_id="PAR", country="FR", meter_list=["09876543210987"])
    times = [
        f"2023-01-{n // 144 + 1:02}T{n // 6 % 24:02}:{n % 6}0:00+01:00" for n in range(1, 1001)
    ]
    head = (CASES / "enedis.csv").read_text(encoding="utf-8-sig").splitlines()[:3]
    outcome = load("\n".join([*head, *(f"{one};500" for one in times)]))
    assert outcome.counts.startswith("created 1"), outcome.messages
    answer = intervals(alice)
    assert answer["quantity"] == Consumption.objects.get().quantity == Decimal("83.333333")
    total = sum(one["quantity"] for one in answer["items"])
    assert total == Decimal("83.333333333")
    assert {one["quantity"] for one in answer["items"]} == {
        Decimal("0.083333333"),
        Decimal("0.083333334"),
    }


@pytest.mark.usefixtures("office")
def test_a_second_file_extends_the_month_and_the_same_again_changes_nothing(
    load: Load, alice: Person
) -> None:
    first, second = datadis({"2023/05/01": hours()}), datadis({"2023/05/02": hours()})
    assert load(first).counts.startswith("created 1")
    assert load(first).counts == "created 0, changed 0, unchanged 1, rejected 0"
    assert load(second).counts == "created 0, changed 1, unchanged 0, rejected 0"
    assert load(second).counts == "created 0, changed 0, unchanged 1, rejected 0"
    assert load(first).counts == "created 0, changed 0, unchanged 1, rejected 0"
    days = (date(2023, 5, 1), date(2023, 5, 2))
    assert bills() == [("grid", Decimal(72), "kWh", *days, "actual")]
    assert len(intervals(alice)["items"]) == 48


@pytest.mark.usefixtures("office")
def test_a_corrected_interval_corrects_the_bill_even_where_the_sum_stays(
    load: Load, alice: Person
) -> None:
    load(datadis({"2023/05/01": ["01:00 1,5", "02:00 2,5"]}))
    outcome = load(datadis({"2023/05/01": ["01:00 2,5", "02:00 1,5"]}))
    assert outcome.counts == "created 0, changed 1, unchanged 0, rejected 0"
    assert [one["quantity"] for one in intervals(alice)["items"]] == [
        Decimal("2.5"),
        Decimal("1.5"),
    ]


@pytest.mark.usefixtures("office")
def test_two_different_quantities_of_one_interval_in_a_file_are_refused(load: Load) -> None:
    outcome = load(datadis({"2023/05/01": ["01:00 1,5", "01:00 2,5", "02:00 1"]}))
    assert "[duplicate]" in outcome.messages
    assert bills() == []


@pytest.mark.usefixtures("office")
@each(
    ("line", "code"),
    [
        ("05:00 x", "invalid"),
        ("26:00 1,5", "invalid"),
        ("05:00 -1,5", "min_value"),
        ("05:00 1.5", "contradictory_numbers"),
    ],
)
def test_a_reading_that_cannot_be_read_is_refused_by_line(load: Load, line: str, code: str) -> None:
    outcome = load(datadis({"2023/05/01": [*hours(), line]}))
    assert outcome.messages.startswith("line 26: ")
    assert f"[{code}]" in outcome.messages
    assert bills() == []


@pytest.mark.usefixtures("office")
def test_intervals_go_and_come_back_with_their_bill(load: Load, alice: Person) -> None:
    load(datadis({"2023/05/01": ["01:00 0,123", "02:00 1,5 E"]}))
    [pk] = Consumption.objects.values_list("pk", flat=True)
    path = f"/v1/consumptions/{pk}/intervals"
    assert alice.get(path).body["items"][1] == {
        "start": "2023-05-01T01:00:00+02:00",
        "end": "2023-05-01T02:00:00+02:00",
        "quantity": Decimal("1.5"),
        "unit": "kWh",
        "estimated": True,
    }
    assert alice.call("DELETE", f"/v1/consumptions/{pk}").status == 204
    assert alice.get(path).status == 404
    Consumption.objects.get().restore()
    assert len(alice.get(path).body["items"]) == 2


def test_a_bill_without_intervals_has_none(alice: Person) -> None:
    bill = alice.consumption(alice.facility())
    answer = alice.get(f"/v1/consumptions/{bill['id']}/intervals")
    assert (answer.status, answer.body["items"], answer.body["missing"]) == (200, [], 0)


READINGS: dict[str, Any] = {
    "name": "Building system",
    "kind": "consumption",
    "columns": {"facility_id": "Point", "start_date": "Time", "quantity": "Value"},
    "constants": {"category": "electricity", "activity": "grid", "unit": "kWh"},
    "dates": "dmy",
}


@each(
    ("sum_by", "times", "found"),
    [
        (
            "month",
            ["01/02/2023 00:00;1.5", "01/02/2023 00:15;2", "28/02/2023 23:45;1"],
            [(Decimal("4.5"), date(2023, 2, 1), date(2023, 2, 28))],
        ),
        (
            "month",
            ["31/01/2023;1.5", "01/02/2023;2", "02/02/2023;1"],
            [(Decimal("1.5"), january(31), january(31)), (3, date(2023, 2, 1), date(2023, 2, 2))],
        ),
        (
            "day",
            ["31/01/2023 22:00;1.5", "31/01/2023 23:00;2", "01/02/2023 00:00;1"],
            [(Decimal("3.5"), january(31), january(31)), (1, date(2023, 2, 1), date(2023, 2, 1))],
        ),
        (
            "month",
            ["2023-01-31T23:00:00Z;1.5", "2023-02-01T00:00:00Z;2"],
            [(Decimal("3.5"), date(2023, 2, 1), date(2023, 2, 1))],
        ),
        (
            "month",
            ["2023-03-12T01:00:00-05:00;1.5", "2023-03-12T03:00:00-04:00;2"],
            [(Decimal("3.5"), date(2023, 3, 12), date(2023, 3, 12))],
        ),
    ],
    ids=["quarters", "days", "by day", "moments", "moments elsewhere"],
)
def test_readings_in_a_layout_of_ones_own_are_added_up(
    load: Load, alice: Person, sum_by: str, times: list[str], found: list[Any]
) -> None:
    country = "US" if "-05:00" in times[0] else "ES"
    alice.facility(external_id="P1", country=country)
    assert alice.post("/v1/import-layouts", READINGS | {"sum_by": sum_by}).status == 201
    text = "\n".join(["Point;Time;Value", *(f"P1;{one}" for one in times)])
    outcome = load(text)
    assert outcome.counts.startswith(f"created {len(found)},"), outcome.messages
    assert [(quantity, *days) for _, quantity, _, *days, _ in bills()] == found
    assert load(text).counts.endswith(f"unchanged {len(found)}, rejected 0")


def test_a_month_of_moments_is_that_of_the_offset_where_no_zone_is_known(
    load: Load, alice: Person
) -> None:
    alice.facility(external_id="P1", country="US")
    assert alice.post("/v1/import-layouts", READINGS | {"sum_by": "month"}).status == 201
    times = ["2023-01-31T22:00:00-05:00;1", "2023-01-31T23:00:00-05:00;2"]
    load("\n".join(["Point;Time;Value", *(f"P1;{one}" for one in times)]))
    assert bills() == [("grid", Decimal(3), "kWh", january(31), january(31), "actual")]


def test_readings_of_several_fuels_of_a_site_are_a_bill_each(load: Load, alice: Person) -> None:
    alice.facility(external_id="P1", country="ES")
    layout = READINGS | {
        "columns": READINGS["columns"] | {"activity": "Fuel"},
        "constants": {"unit": "kWh"},
        "activities": {
            "Gas": {"category": "heat", "activity": "natural_gas"},
            "Power": {"category": "electricity", "activity": "grid"},
        },
        "sum_by": "month",
    }
    assert alice.post("/v1/import-layouts", layout).status == 201
    lines = ["P1;2023-01-01;1.5;Gas", "P1;2023-01-01;2;Power", "P1;2023-01-02;3;Gas"]
    text = "\n".join(["Point;Time;Value;Fuel", *lines])
    assert load(text).counts.startswith("created 2,")
    assert [one[:2] for one in bills()] == [("grid", Decimal(2)), ("natural_gas", Decimal("4.5"))]
    assert load(text).counts.endswith("unchanged 2, rejected 0")
    wrong = load(text + "\nP1;2023-01-02;3;Steam")
    assert "[unknown_word]" in wrong.messages
    assert "[unknown_activity]" not in wrong.messages


WIDE = """Building,Meter,Category,Unit,Jan-23,Feb-23
{},Main,electricity,kWh,1,2
"""


def test_a_meter_called_alike_at_two_sites_is_two_meters(load: Load, alice: Person) -> None:
    for name in ("A", "B"):
        alice.facility(external_id=name, country="US")
    feed = (
        (CASES / "green_button.xml")
        .read_text()
        .replace("<entry>", '<entry><link rel="self" href="https://x/UsagePoint/01"/>', 1)
    )
    for name in ("A", "B"):
        assert load(feed, f"--facility={name}").counts.startswith("created 2, changed 0")
        assert load(WIDE.format(name)).counts.startswith("created 2, changed 0")
    for name in ("A", "B"):
        assert load(feed, f"--facility={name}").counts.endswith("unchanged 2, rejected 0")
        assert load(WIDE.format(name)).counts.endswith("unchanged 2, rejected 0")
    both = WIDE.format("A") + WIDE.format("B").splitlines()[1]
    assert load(both).counts.endswith("unchanged 4, rejected 0")
    twice = WIDE.format("A") + WIDE.format("A").splitlines()[1]
    assert "[duplicate]" in load(twice).messages


def test_an_entry_of_a_meter_is_of_its_property(load: Load, alice: Person) -> None:
    for name in ("A", "B"):
        alice.facility(external_id=name, country="US")
    lines = (CASES / "portfolio_manager.csv").read_text().splitlines()[:2]
    for name in ("A", "B", "A", "B"):
        load(f"{lines[0]}\n{lines[1].replace('4117', name)}")
    sites = Consumption.objects.values_list("facility__external_id", flat=True)
    assert sorted(sites) == ["A", "B"]


def test_one_word_of_a_file_may_say_category_and_activity(load: Load, alice: Person) -> None:
    alice.facility(external_id="A", country="ES")
    layout = {
        "name": "kinds",
        "kind": "consumption",
        "columns": {
            "facility_id": "Site", "category": "Kind", "quantity": "Used",
            "start_date": "From", "end_date": "To",
        },
        "constants": {"unit": "kWh"},
        "activities": {
            "G": {"category": "heat", "activity": "natural_gas"},
            "E": {"category": "electricity"},
        },
    }  # fmt: skip
    assert alice.post("/v1/import-layouts", layout).status == 201
    days = "2023-01-01,2023-01-31"
    text = f"Site,Kind,Used,From,To\nA,G,1,{days}\nA,E,2,{days}\n"
    assert load(text).counts.startswith("created 2")
    assert [one[:2] for one in bills()] == [("grid", 2), ("natural_gas", 1)]


def test_meters_of_several_countries_in_one_file_keep_their_own_clocks(
    load: Load, alice: Person
) -> None:
    for name, country in (("P1", "ES"), ("P2", "PT")):
        alice.facility(external_id=name, country=country)
    assert alice.post("/v1/import-layouts", READINGS | {"sum_by": "month"}).status == 201
    times = [f"{site};01/07/2023 0{hour}:00;1" for site in ("P1", "P2") for hour in (0, 1)]
    assert load("\n".join(["Point;Time;Value", *times])).counts.startswith("created 2")
    zones = Intervals.objects.order_by("consumption__facility__external_id")
    assert list(zones.values_list("zone", flat=True)) == ["Europe/Madrid", "Europe/Lisbon"]


def half_hours(day: str, count: int = 48, *, empty: tuple[int, ...] = (), named: str = "") -> str:
    """A file of one day of half hours of 1.5 kWh, named by their beginning or counted."""
    times = [f"{n // 2:02}:{n % 2 * 30:02}" for n in range(48)]
    if named == "ends":
        times = [*times[1:], "24:00"]
    if named == "counted":
        times = [f"HH{n + 1:02}" for n in range(count)]
    values = ["" if n in empty else "1.5" for n in range(len(times))]
    header = ",".join(["MPAN", "Date", *times])
    return f"Half hourly data\n\n{header}\n{','.join(['1200012345678', day, *values])}\n"


@each(
    ("content", "count", "missing"),
    [
        (half_hours("01/06/2024", named="ends"), 48, 0),
        (half_hours("01/06/2024", named="counted"), 48, 0),
        (half_hours("2024-06-01"), 48, 0),
        (half_hours("31/03/2024", empty=(2, 3)), 46, 0),
        (half_hours("31/03/2024", 46, named="counted"), 46, 0),
        (half_hours("27/10/2024", 50, named="counted"), 50, 0),
        (half_hours("27/10/2024"), 48, 2),
        (half_hours("01/06/2024", empty=(7,)), 47, 1),
    ],
)
def test_half_hours_of_short_and_long_days(
    load: Load, alice: Person, content: str, count: int, missing: int
) -> None:
    alice.facility(external_id="LDN", country="GB")
    outcome = load(content, "--facility=LDN")
    assert outcome.counts.startswith("created 1"), outcome.messages
    assert (f"{missing} of the" in outcome.messages) == bool(missing)
    answer = intervals(alice)
    assert len(answer["items"]) == count
    assert Consumption.objects.get().quantity == count * Decimal("1.5")
    starts = [one["start"] for one in answer["items"]]
    assert len(set(starts)) == count


def test_half_hours_in_an_hour_that_the_clock_leaves_out_are_refused(
    load: Load, alice: Person
) -> None:
    alice.facility(external_id="LDN", country="GB")
    outcome = load(half_hours("31/03/2024"), "--facility=LDN")
    assert "[no_such_time]" in outcome.messages
    assert bills() == []


ENEDIS = """Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;\
Grandeur metier;Etape metier;Unite;Pas en minutes
{prm};Courbe de charge;01/01/2023;02/01/2023;{kind};{use};Comptage Brut;{unit};{step}
Horodate;Valeur
{readings}
"""


def enedis(prm: str = "01", **said: str) -> str:
    usual = {"kind": "Energie active", "use": "Consommation", "unit": "W", "step": ""}
    usual["readings"] = "2023-01-01T00:10:00+01:00;600\n2023-01-01T00:20:00+01:00;601"
    return ENEDIS.format(prm=prm, **(usual | said))


def test_power_of_ten_minutes_is_summed_exactly(load: Load, alice: Person) -> None:
    """600 W and 601 W for ten minutes each are 1201/6 Wh, rounded once."""
    alice.facility(external_id="PAR", country="FR")
    outcome = load(enedis(), "--facility=PAR")
    assert outcome.counts.startswith("created 1"), outcome.messages
    assert Consumption.objects.get().quantity == Decimal("0.200167")
    assert [one["quantity"] for one in intervals(alice)["items"]] == [
        Decimal("0.1"),
        Decimal("0.100166667"),
    ]


def test_several_prms_may_stand_in_one_file(load: Load, alice: Person) -> None:
    alice.facility(external_id="PAR", country="FR")
    outcome = load(enedis("0001") + enedis("0002", unit="kW"), "--facility=PAR")
    assert outcome.counts.startswith("created 2"), outcome.messages
    ids = Consumption.objects.order_by("external_id").values_list("external_id", "quantity")
    assert list(ids) == [
        ("0001 2023-01", Decimal("0.200167")),
        ("0002 2023-01", Decimal("200.166667")),
    ]


ON_EACH_LINE = (
    "Identifiant PRM;Date de début;Date de fin;Grandeur physique;Grandeur métier;Etape métier;"
    "Unité;Horodate;Valeur;Nature;Pas;Indice de vraisemblance;Etat complémentaire"
)


@each(("day", "count"), [("2023-05-01", 48), ("2023-03-26", 46), ("2023-10-29", 50)])
def test_what_stands_beside_each_reading_of_enedis_is_read(
    load: Load, alice: Person, day: str, count: int
) -> None:
    alice.facility(external_id="PAR", country="FR", meter_list=["09876543210987"])
    begin = datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("Europe/Paris")).astimezone(UTC)
    ends = [begin + timedelta(minutes=30 * (one + 1)) for one in range(count)]
    walls = [f"{one.astimezone(ZoneInfo('Europe/Paris')):%Y-%m-%d %H:%M:%S}" for one in ends]
    lines = [
        f"09876543210987;{day} 00:00:00;2024-01-01 00:00:00;PA;CONS;BRUT;W;{wall};{at};B;PT30M;0;0"
        for at, wall in enumerate(walls)
    ]
    outcome = load("\n".join([ON_EACH_LINE, *lines]))
    assert (outcome.counts, outcome.messages) == (
        "created 1, changed 0, unchanged 0, rejected 0", ""
    )  # fmt: skip
    total = Decimal(sum(range(count))) / 2000
    assert bills() == [("grid", total, "kWh", *[date.fromisoformat(day)] * 2, "actual")]
    refused = load("\n".join([ON_EACH_LINE, lines[0].replace("CONS", "PROD")]))
    assert "not consumption" in refused.messages


def test_the_workbook_of_the_customers_portal(load: Load, alice: Person, tmp_path: Path) -> None:
    alice.facility(external_id="PAR", country="FR", meter_list=["09876543210987"])
    titles = [
        [None, "Export des données"],
        [None, "Point Référence Mesure (PRM) : ", "09876543210987", "Type de comptage : ",
         "Consommation Quotidienne"],
        [],
    ]  # fmt: skip
    days = [[None, "Date", "Valeur (en kWh)"], [None, "01/02/2024", 6.329],
            [None, "02/02/2024", "NA"], [None, "03/02/2024", 1]]  # fmt: skip
    half_hours = [[None, None, "Début", "Fin", "Valeur (en kW)"], *(
        [None, None, f"05/03/2024 00:{minute}:00", "", 0.6] for minute in ("00", "30")
    )]  # fmt: skip
    for rows in (days, half_hours):
        book = openpyxl.Workbook()
        assert book.active is not None
        book.active.append(["Page de garde"])
        sheet = book.create_sheet("Export Consommation")
        for cells in [*titles, *rows]:
            sheet.append(cells)
        book.save(tmp_path / "export.xlsx")
        outcome = load(tmp_path / "export.xlsx")
        assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0", outcome
    assert bills() == [
        ("grid", Decimal("7.329"), "kWh", date(2024, 2, 1), date(2024, 2, 3), "actual"),
        ("grid", Decimal("0.6"), "kWh", date(2024, 3, 5), date(2024, 3, 5), "actual"),
    ]


def test_a_reading_of_enedis_under_no_header_is_not_passed_over(load: Load, alice: Person) -> None:
    alice.facility(external_id="PAR", country="FR", meter_list=["09876543210987"])
    lines = (CASES / "enedis.csv").read_text(encoding="utf-8-sig").splitlines()
    again = [*lines, *lines[:2], "2023-01-03T00:30:00+01:00;600"]
    assert "No line above says what these cells are" in load("\n".join(again)).messages


@each(
    ("said", "words"),
    [
        ({"use": "Production"}, "not consumption"),
        ({"kind": "Energie réactive positive"}, "not active energy"),
        ({"unit": "VAr"}, "W and kW are read"),
        ({"readings": "2023-01-01 00:10:00;600"}, "no moment with its offset"),
        ({"readings": "2023-01-01T00:10:00+01:00;much"}, "[invalid]"),
    ],
)
def test_what_is_not_consumption_of_active_energy_is_refused(
    load: Load, alice: Person, said: dict[str, str], words: str
) -> None:
    alice.facility(external_id="PAR", country="FR")
    assert words in load(enedis(**said), "--facility=PAR").messages
    assert bills() == []


DAILY = """Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;\
Grandeur metier;Etape metier;Unite
0001;Index;28/10/2023;02/11/2023;Energie active;Consommation;Comptage Brut;Wh

Horodate;Type de releve;EAS F1;EAS F2;EAS T
{indexes}
Periode;Identifiant calendrier fournisseur;Libelle calendrier fournisseur
Du 2023-10-28T00:00:00+02:00 au;FC000007;Base
Identifiant PRM;Type de donnees;Date de debut;Date de fin;Grandeur physique;\
Grandeur metier;Etape metier;Unite
0001;Puissance maximale quotidienne;28/10/2023;02/11/2023;Puissance maximale atteinte;\
Consommation;Comptage Brut;VA
Horodate;Valeur
2023-10-28T19:00:00+02:00;6000
"""
INDEXES = {
    "2023-10-28T00:00:00+02:00": "1000000",
    "2023-10-29T00:00:00+02:00": "1002500",
    "2023-10-30T00:00:00+01:00": "1006000",
    "2023-10-31T00:00:00+01:00": "",
    "2023-11-01T00:00:00+01:00": "1009001",
    "2023-11-02T00:00:00+01:00": "1010000",
}


def daily(*more: str, kind: str = "Arrêté quotidien", **other: str) -> str:
    """A daily file of Enedis, whose indexes are the meter's at the beginning of each day."""
    lines = [f"{at};{kind};{n};;{n}" for at, n in (INDEXES | other).items()]
    return DAILY.format(indexes="\n".join([*lines, *more]))


def test_daily_indexes_are_the_difference_of_each_day(load: Load, alice: Person) -> None:
    alice.facility(external_id="PAR", country="FR")
    outcome = load(daily(), "--facility=PAR")
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 0", outcome.messages
    assert "missing" not in outcome.messages
    assert "[passed_over]" in outcome.messages
    october = (date(2023, 10, 28), date(2023, 10, 31))
    november = (date(2023, 11, 1), date(2023, 11, 1))
    assert bills() == [
        ("grid", Decimal("9.001"), "kWh", *october, "estimated"),
        ("grid", Decimal("0.999"), "kWh", *november, "actual"),
    ]
    assert load(daily(), "--facility=PAR").counts.endswith("unchanged 2, rejected 0")


@each(
    ("content", "words"),
    [
        (daily("2023-11-03T00:00:00+01:00;Arrêté quotidien;9;;9"), "[contradictory_numbers]"),
        (daily("2023-11-03T00:00:00+01:00;Arrêté quotidien;9"), "[wrong_number_of_cells]"),
        (daily("2023-11-02T23:00:00+01:00;Arrêté quotidien;;;1010001"), "at midnight"),
        (daily().replace(";Wh", ";varh"), "Wh and kWh are read"),
        (daily().replace("Consommation", "Production"), "not consumption"),
        (daily() + enedis("0001"), "[mixed_intervals]"),
    ],
)
def test_an_index_that_is_none_of_a_day_is_refused(
    load: Load, alice: Person, content: str, words: str
) -> None:
    alice.facility(external_id="PAR", country="FR")
    assert words in load(content, "--facility=PAR").messages
    assert bills() == []


def test_a_day_on_which_a_meter_was_changed_is_missing(load: Load, alice: Person) -> None:
    alice.facility(external_id="PAR", country="FR")
    changed = "2023-10-29T11:00:00+01:00;Arrêté après reprogrammation;0;;0"
    outcome = load(daily(changed), "--facility=PAR")
    assert "1 of the 4 intervals" in outcome.messages
    assert [one[1] for one in bills()] == [Decimal("5.501"), Decimal("0.999")]


def green_button(*readings: str, uom: str = "72", kind: str = "0", more: str = "") -> str:
    """A Green Button file; a reading is “start duration value [quality]”."""
    blocks = ""
    for one in readings:
        start, duration, value, *quality = one.split()
        said = "".join(
            f"<ReadingQuality><quality>{one}</quality></ReadingQuality>" for one in quality
        )
        blocks += (
            f"<IntervalReading>{said}<timePeriod><duration>{duration}</duration>"
            f"<start>{start}</start></timePeriod><value>{value}</value></IntervalReading>"
        )
    entries = [
        f"<UsagePoint><ServiceCategory><kind>{kind}</kind></ServiceCategory></UsagePoint>",
        f"<ReadingType>{more}<uom>{uom}</uom></ReadingType>",
        "<LocalTimeParameters><dstOffset>3600</dstOffset><tzOffset>-18000</tzOffset>"
        "</LocalTimeParameters>",
        f"<IntervalBlock>{blocks}</IntervalBlock>",
    ]
    space = 'xmlns="http://naesb.org/espi"'
    made = "".join(
        f"<entry><content>{one.replace('>', f' {space}>', 1)}</content></entry>" for one in entries
    )
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{made}</feed>'


SUMMER = 1_688_184_000
"""2023-07-01 00:00 in New York, four hours behind UTC."""


@each(
    ("content", "activity", "quantity", "unit", "quality"),
    [
        (green_button(f"{SUMMER} 3600 750"), "grid", "0.75", "kWh", "actual"),
        (green_button(f"{SUMMER} 3600 750 8"), "grid", "0.75", "kWh", "estimated"),
        (
            green_button(
                f"{SUMMER} 3600 75",
                more="<powerOfTenMultiplier>3</powerOfTenMultiplier>",
            ),
            "grid",
            "75",
            "kWh",
            "actual",
        ),
        (
            green_button(f"{SUMMER} 3600 7", uom="169", kind="1"),
            "natural_gas",
            "7",
            "therm",
            "actual",
        ),
        (green_button(f"{SUMMER} 900 7", uom="42", kind="2"), "supply", "7", "m3", "actual"),
    ],
)
def test_green_button_of_every_service(
    load: Load, alice: Person, content: str, activity: str, quantity: str, unit: str, quality: str
) -> None:
    alice.facility(external_id="NYC", country="US")
    outcome = load(content, "--facility=NYC")
    assert outcome.counts.startswith("created 1"), outcome.messages
    day = date(2023, 7, 1)
    assert bills() == [(activity, Decimal(quantity), unit, day, day, quality)]


@each(
    ("content", "words"),
    [
        (green_button(f"{SUMMER} 3600 7", uom="38"), "which are not read"),
        (green_button(f"{SUMMER} 3600 7", more="<flowDirection>19</flowDirection>"), "fed in"),
        (green_button(f"{SUMMER} 3600 7", f"{SUMMER} 3600 8"), "[duplicate]"),
        (green_button(f"{SUMMER} 3600 7", f"{SUMMER + 3600} 900 8"), "[mixed_intervals]"),
        (green_button("x 3600 7"), "XML cannot be read"),
    ],
)
def test_a_wrong_green_button_file_is_refused(
    load: Load, alice: Person, content: str, words: str
) -> None:
    alice.facility(external_id="NYC", country="US")
    assert words in load(content, "--facility=NYC").messages
    assert bills() == []
