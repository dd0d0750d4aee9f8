"""`import_consumption`: the rules of the API, what only a file shows, and the right figures."""

import signal
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import call_command
from django.utils import timezone
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emissions.models import Consumption, Emission
from facilities.models import Facility
from organizations.models import Import, Organization
from tests.cases import each
from tests.conftest import Person
from tests.examples import examples
from tests.facilities.cups import cups
from tests.importing import Outcome, json_numbers, kill, run, undone, write_csv

pytestmark = pytest.mark.django_db

BILL = {
    "external_id": "B-1",
    "facility_id": "MAD-01",
    "category": "electricity",
    "activity": "",
    "quantity": "1000.5",
    "unit": "kWh",
    "start_date": "2023-01-01",
    "end_date": "2023-01-31",
    "supplier": "",
    "cups": "",
    "data_quality": "actual",
    "status": "",
    "note": "",
}
FEBRUARY = {"external_id": "B-2", "start_date": "2023-02-01", "end_date": "2023-02-28"}
WITHOUT_ID = {name: text for name, text in BILL.items() if name != "external_id"}


@pytest.fixture
def madrid(alice: Person) -> dict[str, Any]:
    return alice.facility(external_id="MAD-01", cups_list=[cups(1), cups(2)])


def load(path: Path, rows: list[dict[str, Any]], whose: Organization, *options: str) -> Outcome:
    outcome = run("import_consumption", write_csv(path / "c.csv", rows), whose, *options)
    call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())
    return outcome


def codes(outcome: Outcome) -> list[tuple[int, str, str]]:
    """(line, column, code) of each reported fault."""
    found = []
    for one in outcome.messages.splitlines():
        if one.startswith("line "):
            line, _, rest = one.removeprefix("line ").partition(": ")
            found.append((int(line), rest.split()[0], rest.rsplit("[", 1)[1][:-1]))
    return found


def everything() -> list[list[tuple]]:
    """Every stored row that an import could touch."""
    models: list[Any] = [Consumption, Emission, Facility]
    return [list(model.objects.order_by("id").values_list()) for model in models]


def test_a_file_is_stored_and_computed_as_the_api_would(
    tmp_path: Path, organization: Organization, alice: Person, madrid: dict[str, Any]
) -> None:
    row = {**BILL, "start_date": "2022-12-15", "end_date": "2023-01-14", "cups": cups(1).lower()}
    outcome = load(tmp_path, [row], organization)
    assert (outcome.status, outcome.counts) == (
        0,
        "created 1, changed 0, unchanged 0, rejected 0",
    )
    [imported] = alice.get("/v1/consumptions").body["items"]
    posted = alice.consumption(
        madrid,
        quantity=Decimal("1000.5"),
        start_date="2022-12-15",
        end_date="2023-01-14",
        cups=cups(1),
    )
    same = set(posted) - {"id", "external_id", "created_at", "updated_at"}
    assert {name: imported[name] for name in same} == {name: posted[name] for name in same}
    assert imported["co2e_status"] == "calculated"
    one, two = (
        [
            {name: value for name, value in line.items() if name != "recorded_at"}
            for line in alice.get(f"/v1/consumptions/{row['id']}/calculation").body["lines"]
        ]
        for row in (imported, posted)
    )
    assert len(one) == 2
    assert one == two
    facility = alice.get(f"/v1/facilities/{madrid['id']}").body
    assert facility["co2e"] == imported["co2e"] + posted["co2e"]


@each("name", ["facility", "facility_id"])
@each("by", ["external_id", "id", "cups"])
def test_a_facility_is_named_by_external_id_id_or_cups(
    tmp_path: Path, organization: Organization, madrid: dict[str, Any], name: str, by: str
) -> None:
    text = madrid["cups_list"][0].lower() if by == "cups" else madrid[by]
    row = {name: text, **{k: v for k, v in BILL.items() if k != "facility_id"}}
    assert load(tmp_path, [row], organization).status == 0
    assert str(Consumption.objects.get().facility_id) == madrid["id"]


def test_a_name_of_two_facilities_is_refused(
    tmp_path: Path, organization: Organization, alice: Person, madrid: dict[str, Any]
) -> None:
    alice.facility(external_id=cups(1))
    outcome = load(tmp_path, [{**BILL, "facility_id": cups(1)}], organization)
    assert codes(outcome) == [(2, "facility_id", "ambiguous")]


@each(
    ("text", "hint"),
    [
        ("Madrid Office", "Did you mean “Madrid Office”? Its external_id is “MAD-01”."),
        ("madrid óffice", "Did you mean “Madrid Office”? Its external_id is “MAD-01”."),
        ("MAD_O1", "Did you mean “Madrid Office”? Its external_id is “MAD-01”."),
        (
            "St. Mary. North",
            "Did you mean “St. Mary North”? It has no external_id; its id is {id}.",
        ),
        ("St. Mary", "“St. Mary North”? It has no external_id; its id is {id}."),
        ("Vladivostok", "; import the facilities first."),
    ],
)
def test_a_site_that_is_named_otherwise_is_told_its_code(
    alice: Person, organization: Organization, madrid: Any, tmp_path: Path, text: str, hint: str
) -> None:
    """A file often has the name of a facility, which is no code."""
    nameless = alice.facility(name="St. Mary North", external_id=None)
    outcome = load(tmp_path, [{**BILL, "facility_id": text}], organization)
    assert codes(outcome) == [(2, "facility_id", "does_not_exist")]
    assert f"CUPS or meter “{text}”" in outcome.messages
    assert hint.format(id=nameless["id"]) in outcome.messages


def test_another_organizations_facility_does_not_exist(
    tmp_path: Path, organization: Organization, charlie: Person
) -> None:
    theirs = charlie.facility(external_id="MAD-01")
    rows = [BILL, {**BILL, **FEBRUARY, "facility_id": theirs["id"]}]
    assert codes(load(tmp_path, rows, organization)) == [
        (2, "facility_id", "does_not_exist"),
        (3, "facility_id", "does_not_exist"),
    ]


@pytest.mark.usefixtures("madrid")
@pytest.mark.parametrize("first", [BILL, WITHOUT_ID], ids=["external_id", "natural key"])
def test_the_same_file_again_writes_nothing_and_one_changed_row_changes_one(
    tmp_path: Path, organization: Organization, first: dict[str, str]
) -> None:
    rows = [first, {**first, **{k: v for k, v in FEBRUARY.items() if k in first}}]
    load(tmp_path, rows, organization)
    before = everything()
    outcome = load(tmp_path, rows, organization)
    assert outcome.counts == "created 0, changed 0, unchanged 2, rejected 0"
    assert everything() == before
    rows[1] = {**rows[1], "quantity": "2000"}
    outcome = load(tmp_path, rows, organization)
    assert outcome.counts == "created 0, changed 1, unchanged 1, rejected 0"
    bills = everything()[0]
    assert bills[0] == before[0][0]
    assert Consumption.objects.get(start_date="2023-02-01").quantity == 2000
    assert Consumption.objects.count() == 2


@pytest.mark.usefixtures("madrid")
def test_a_bill_moves_to_another_facility_with_its_figures(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    lisbon = alice.facility(external_id="LIS-01", country="PT")
    load(tmp_path, [BILL], organization)
    outcome = load(tmp_path, [{**BILL, "facility_id": "LIS-01"}], organization)
    assert outcome.counts == "created 0, changed 1, unchanged 0, rejected 0"
    assert Facility.objects.get(external_id="MAD-01").co2e == 0
    assert Facility.objects.get(pk=lisbon["id"]).co2e == Consumption.objects.get().co2e > 0


BAD = [
    ({"facility_id": ""}, "facility_id", "required"),
    ({"facility_id": "LIS-01"}, "facility_id", "does_not_exist"),
    ({"category": "steam"}, "category", "invalid_choice"),
    ({"category": "heat"}, "activity", "required"),
    ({"category": "heat", "activity": "natural gas"}, "activity", "unknown_activity"),
    ({"quantity": ""}, "quantity", "required"),
    ({"quantity": "1.2.3"}, "quantity", "invalid"),
    ({"quantity": "12 %"}, "quantity", "percent"),
    ({"quantity": "12 €"}, "quantity", "currency"),
    ({"quantity": "N/A"}, "quantity", "no_value"),
    ({"quantity": "-"}, "quantity", "no_value"),
    ({"quantity": "1.5 MWh"}, "quantity", "contradictory_units"),
    ({"external_id": "2.31E+13"}, "external_id", "spoiled_code"),
    ({"facility_id": "2.31E+13"}, "facility_id", "spoiled_code"),
    ({"quantity": "-1"}, "quantity", "min_value"),
    ({"quantity": "0.0000004"}, "quantity", "too_small"),
    ({"quantity": "999999999999", "unit": "GWh"}, "quantity", "too_large"),
    ({"unit": "kw"}, "unit", "invalid_choice"),
    ({"unit": "Mcf"}, "unit", "ambiguous_unit"),
    ({"start_date": "01/02/2023"}, "start_date", "ambiguous_date"),
    ({"start_date": "44927"}, "start_date", "invalid"),
    ({"end_date": "2023-02-30"}, "end_date", "invalid"),
    ({"end_date": "2022-12-31"}, "end_date", "reversed_period"),
    ({"start_date": "1899-12-31"}, "start_date", "out_of_range"),
    ({"start_date": "2012-01-01"}, "end_date", "period_too_long"),
    ({"end_date": "2023-01-01"}, "end_date", "zero_length"),
    ({"end_date": "2190-01-01", "start_date": "2189-12-01"}, "end_date", "future_period"),
    (
        {"category": "recharge", "activity": "R-410A", "unit": "kg"},
        "end_date",
        "refill_is_one_day",
    ),
    ({"cups": "ES12"}, "cups", "invalid_cups"),
    ({"cups": cups(9)}, "cups", "not_of_facility"),
    ({"data_quality": "guess"}, "data_quality", "invalid_choice"),
    ({"status": "gone"}, "status", "invalid_choice"),
    ({"note": "x" * 501}, "note", "max_length"),
]


@pytest.mark.usefixtures("madrid")
@each(("cells", "column", "code"), BAD, ids=[code for _, _, code in BAD])
def test_a_bad_row_is_named_and_nothing_is_stored(
    tmp_path: Path, organization: Organization, cells: dict[str, str], column: str, code: str
) -> None:
    before = everything()
    outcome = load(tmp_path, [{**BILL, **FEBRUARY}, {**BILL, **cells}], organization)
    assert (3, column, code) in codes(outcome)
    assert outcome.counts == "created 0, changed 0, unchanged 0, rejected 1"
    assert outcome.status == 1
    assert everything() == before


@pytest.mark.usefixtures("madrid")
def test_skip_stores_every_good_row_and_reports_every_bad_one(
    tmp_path: Path, organization: Organization
) -> None:
    bad = [{**BILL, "external_id": f"X-{n}", **cells} for n, (cells, _, _) in enumerate(BAD)]
    rows = [*bad, BILL, {**BILL, **FEBRUARY}]
    outcome = load(tmp_path, rows, organization, "--on-error=skip")
    assert outcome.counts == f"created 2, changed 0, unchanged 0, rejected {len(BAD)}"
    assert {line for line, _, _ in codes(outcome)} == set(range(2, len(BAD) + 2))


@pytest.mark.usefixtures("madrid")
@pytest.mark.parametrize("first", [BILL, WITHOUT_ID], ids=["external_id", "natural key"])
def test_a_duplicate_names_both_lines(
    tmp_path: Path, organization: Organization, first: dict[str, str]
) -> None:
    rows = [first, {**first, "quantity": "7"}]
    outcome = load(tmp_path, rows, organization)
    [(line, _, code)] = codes(outcome)
    assert (line, code) == (3, "duplicate")
    assert "Line 2 has the same" in outcome.messages


@pytest.mark.usefixtures("madrid")
def test_actual_bills_of_one_supply_may_share_one_day(
    tmp_path: Path, organization: Organization
) -> None:
    touching = {**BILL, **FEBRUARY, "start_date": "2023-01-31"}
    other_cups = {**BILL, "external_id": "B-3", "cups": cups(1)}
    estimated = {**BILL, "external_id": "B-4", "data_quality": "estimated"}
    inactive = {**BILL, "external_id": "B-5", "status": "inactive"}
    rows = [BILL, touching, other_cups, estimated, inactive]
    assert load(tmp_path, rows, organization).status == 0


@pytest.mark.usefixtures("madrid")
@pytest.mark.parametrize("in_file", [True, False])
def test_actual_bills_that_share_two_days_are_refused_unless_allowed(
    tmp_path: Path, organization: Organization, in_file: bool
) -> None:
    other = {**BILL, **FEBRUARY, "start_date": "2023-01-30"}
    if not in_file:
        load(tmp_path, [BILL], organization)
    rows = [BILL, other] if in_file else [other]
    outcome = load(tmp_path, rows, organization)
    assert codes(outcome) == [(len(rows) + 1, "start_date", "overlap")]
    assert ("line 2" if in_file else "a stored bill") in outcome.messages
    assert "2023-01-01 to 2023-01-31" in outcome.messages
    outcome = load(tmp_path, rows, organization, "--allow=overlap")
    assert outcome.status == 0
    assert "warning, line" in outcome.messages
    assert load(tmp_path, rows, organization).counts.startswith("created 0, changed 0")


@pytest.mark.usefixtures("madrid")
def test_a_file_may_move_all_periods_of_what_it_has_itself(
    tmp_path: Path, organization: Organization
) -> None:
    load(tmp_path, [BILL, {**BILL, **FEBRUARY}], organization)
    moved = [
        {**BILL, "start_date": "2023-02-01", "end_date": "2023-02-28"},
        {**BILL, **FEBRUARY, "start_date": "2023-03-01", "end_date": "2023-03-31"},
    ]
    outcome = load(tmp_path, moved, organization)
    assert outcome.counts == "created 0, changed 2, unchanged 0, rejected 0"


@pytest.mark.usefixtures("madrid")
@pytest.mark.parametrize("first", [BILL, WITHOUT_ID], ids=["external_id", "natural key"])
def test_a_new_bill_is_held_against_stored_ones_that_the_file_repeats(
    tmp_path: Path, organization: Organization, first: dict[str, str]
) -> None:
    load(tmp_path, [first], organization)
    new = {**first, "start_date": "2023-01-10", "end_date": "2023-02-10"}
    new |= {"external_id": "N"} if "external_id" in first else {}
    assert [code for _, _, code in codes(load(tmp_path, [first, new], organization))] == ["overlap"]
    assert [code for _, _, code in codes(load(tmp_path, [new, first], organization))] == ["overlap"]


@pytest.mark.usefixtures("madrid")
def test_daily_readings_of_last_year_are_taken_when_allowed(
    tmp_path: Path, organization: Organization
) -> None:
    first = timezone.localdate() + timedelta(days=1)
    rows = [
        {**BILL, "external_id": f"D-{n}", "start_date": first + timedelta(days=n),
         "end_date": first + timedelta(days=n)}
        for n in range(3)
    ]  # fmt: skip
    allowed = ["--allow=zero_length", "--allow=future_period"]
    assert load(tmp_path, rows, organization).status == 1
    outcome = load(tmp_path, rows, organization, *allowed)
    assert outcome.counts == "created 3, changed 0, unchanged 0, rejected 0"
    assert Import.objects.first() is not None
    assert Import.objects.filter(warnings=6).exists()


@pytest.mark.usefixtures("madrid")
@each(
    ("quantity", "unit", "suspicious"),
    [
        ("1000500", "kWh", True),
        ("1000.5", "MWh", True),
        ("1.0005", "kWh", True),
        ("1.0005", "MWh", False),
    ],
)
def test_a_quantity_a_thousand_times_off_is_a_warning(
    tmp_path: Path, organization: Organization, quantity: str, unit: str, suspicious: bool
) -> None:
    load(tmp_path, [BILL], organization)
    row = {**BILL, **FEBRUARY, "quantity": quantity, "unit": unit}
    outcome = load(tmp_path, [row], organization)
    assert ("warning, line 2: quantity" in outcome.messages) == suspicious
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert "warning" not in load(tmp_path, [row], organization).messages


@pytest.mark.usefixtures("madrid")
def test_what_was_used_years_ago_counts_and_a_mistake_that_the_file_corrects_does_not(
    tmp_path: Path, organization: Organization
) -> None:
    years_ago = {**BILL, "start_date": "2019-01-01", "end_date": "2019-01-31"}
    load(tmp_path, [years_ago], organization)
    wrong = {**BILL, **FEBRUARY, "quantity": "1000500"}
    assert "warning, line 2: quantity" in load(tmp_path, [wrong], organization).messages
    right = {**BILL, **FEBRUARY}
    outcome = load(tmp_path, [right], organization)
    assert outcome.counts == "created 0, changed 1, unchanged 0, rejected 0"
    assert "warning" not in outcome.messages


@pytest.mark.usefixtures("madrid")
def test_stored_bills_that_begin_before_the_file_or_end_after_it_claim_their_days(
    tmp_path: Path, organization: Organization
) -> None:
    autumn = {**BILL, "start_date": "2022-10-01", "end_date": "2023-01-05"}
    spring = {**BILL, "external_id": "B-0", "start_date": "2023-01-27", "end_date": "2023-05-31"}
    load(tmp_path, [autumn, spring], organization)
    whole = {**BILL, "external_id": "B-3"}
    assert codes(load(tmp_path, [whole], organization)) == [(2, "start_date", "overlap")]
    between = {**whole, "start_date": "2023-01-05", "end_date": "2023-01-27"}
    assert load(tmp_path, [between], organization).status == 0


@pytest.mark.usefixtures("madrid")
def test_an_activity_without_a_factor_is_stored_and_the_facility_incomplete(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    alice.factor(activity="tidal", category="heat", method=None, unit="kWh", country="PT")
    row = {**BILL, "category": "heat", "activity": "tidal"}
    assert load(tmp_path, [row], organization).status == 0
    assert Consumption.objects.get().co2e_reason.startswith("no_factor: ")
    assert Facility.objects.get().co2e_status == "incomplete"


@pytest.mark.usefixtures("madrid")
def test_a_dry_run_stores_nothing(tmp_path: Path, organization: Organization) -> None:
    before = everything()
    outcome = load(tmp_path, [BILL, {**BILL, **FEBRUARY}], organization, "--dry-run")
    assert (outcome.status, outcome.counts) == (
        0,
        "created 2, changed 0, unchanged 0, rejected 0",
    )
    assert everything() == before


@pytest.mark.usefixtures("madrid")
def test_a_workbook_with_real_dates_and_numbers_is_the_same_as_a_csv(
    tmp_path: Path, organization: Organization
) -> None:
    book = openpyxl.Workbook()
    sheet: Any = book.active
    row: dict[str, Any] = {
        **BILL,
        "quantity": 0.1,
        "start_date": date(2023, 1, 1),
        "end_date": date(2023, 1, 31),
    }
    sheet.append(list(row))
    sheet.append([text or None for text in row.values()])
    book.save(tmp_path / "c.xlsx")
    outcome = run("import_consumption", tmp_path / "c.xlsx", organization)
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert Consumption.objects.get().quantity == Decimal("0.1")
    file = write_csv(tmp_path / "c.csv", [{**BILL, "quantity": "0.10"}], delimiter=";")
    outcome = run("import_consumption", file, organization)
    assert outcome.counts == "created 0, changed 0, unchanged 1, rejected 0"


CELLS: dict[str, Any] = {
    "external_id": st.sampled_from(["", "A-1", "x" * 101]),
    "facility_id": st.sampled_from(["MAD-01", "MAD-01", "MAD-01", "none", ""]),
    "category": st.sampled_from(["electricity", "heat", "water", "recharge", "steam", ""]),
    "activity": st.sampled_from(["", "grid", "natural_gas", "R-410A", "supply", "coal fire"]),
    "quantity": st.sampled_from(
        ["0", "1", "1000.5", "1e3", "-1", "-0", "", "1.2.3", "01", "1.1234567", "1e12", "9e11"]
    ),
    "unit": st.sampled_from(["kWh", "GWh", "m3", "kg", "kwh", ""]),
    "start_date": st.sampled_from(["2023-01-01", "2022-12-15", "2012-01-01", "1/1/x", ""]),
    "end_date": st.sampled_from(["2023-01-31", "2023-01-01", "1899-01-01", "2023-02-29", ""]),
    "supplier": st.sampled_from(["", "IBERDROLA  CLIENTES, S.A.U.", "x" * 201]),
    "cups": st.sampled_from(["", cups(1), cups(1).lower(), cups(9), "ES12", "x" * 65]),
    "data_quality": st.sampled_from(["", "actual", "estimated", "adjustment", "guess"]),
    "status": st.sampled_from(["", "active", "inactive", "gone"]),
    "note": st.sampled_from(["", "ñ", " padded ", "x" * 501]),
}
STORED = st.fixed_dictionaries(
    {
        **{name: st.just(BILL[name]) for name in BILL},
        "category": st.sampled_from(["electricity", "heat"]),
        "activity": st.sampled_from(["grid", "natural_gas"]),
        "cups": st.sampled_from(["", cups(1)]),
        "data_quality": st.sampled_from(["estimated", "adjustment"]),
        "note": st.sampled_from(["", "note"]),
    }
)
FILE_ONLY = ("overlap", "future_period", "zero_length")
RULES = {
    ("activity", "required"),
    ("activity", "unknown_activity"),
    ("category", "category_disabled"),
    ("cups", "invalid_cups"),
    ("cups", "not_of_facility"),
    ("end_date", "period_too_long"),
    ("end_date", "refill_is_one_day"),
    ("end_date", "reversed_period"),
    ("quantity", "min_value"),
    ("start_date", "out_of_range"),
    ("end_date", "out_of_range"),
}
"""What is asked of a row once its cells can be read."""


@settings(
    max_examples=examples(20),
    deadline=None,
)
@given(cells=st.fixed_dictionaries(CELLS), before=st.none() | STORED)
def test_the_import_and_the_api_refuse_and_store_the_same(
    cells: dict[str, str],
    before: dict[str, str] | None,
    tmp_path: Path,
    organization: Organization,
    alice: Person,
) -> None:
    """A new row is a POST, and one with a known external_id a PUT."""
    assume(any(cells.values()))
    if not Facility.objects.exists():
        enabled = ["electricity", "heat"]
        alice.facility(external_id="MAD-01", cups_list=[cups(1)], categories=enabled)
    ids = {one.external_id: str(one.pk) for one in Facility.objects.all()}

    def body(row: dict[str, str]) -> dict[str, Any]:
        sent: dict[str, Any] = {name: text for name, text in row.items() if text}
        sent |= json_numbers(sent, "quantity")
        if "facility_id" in sent:
            sent["facility_id"] = ids.get(sent["facility_id"], str(organization.pk))
        return sent

    columns = [field.attname for field in Consumption._meta.concrete_fields]
    columns = [one for one in columns if one not in ("id", "created_at", "updated_at")]
    rows = Consumption.objects.order_by("id").values(*columns)
    allow = [f"--allow={code}" for code in FILE_ONLY]
    with undone():
        target = "/v1/consumptions"
        if before is None:
            answer = alice.post(target, body(cells))
        else:
            needed = ("facility_id", "category", "quantity", "unit", "start_date", "end_date")
            assume(all(cells[name] for name in needed))
            cells = {**cells, "external_id": before["external_id"]}
            answer = alice.post(target, body(before))
            assume(answer.status == 201)
            blank = dict.fromkeys(("supplier", "cups", "note", "activity"), "")
            answer = alice.call("PUT", f"{target}/{answer.body['id']}", blank | body(cells))
        by_api = list(rows)
    with undone():
        if before is not None:
            assert alice.post(target, body(before)).status == 201
        outcome = load(tmp_path, [cells], organization, "--on-error=skip", *allow)
        by_import = list(rows)
        faults = Import.objects.get().first_rejects
    if answer.status in (200, 201):
        assert outcome.counts.endswith("rejected 0"), outcome.messages
        assert by_import == by_api
    else:
        assert answer.status == 422
        expected = {(one["field"].split(".")[0], one["code"]) for one in answer.body["errors"]}
        # A file's rules are asked once its cells can be read; the API names both at once.
        named = {(one["column"], one["code"]) for one in faults}
        assert named
        assert named in (expected, {one for one in expected if one not in RULES})


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("seconds", [0.0, 0.15, 0.4])
def test_an_import_that_is_killed_leaves_the_database_as_before(
    tmp_path: Path, organization: Organization, alice: Person, seconds: float
) -> None:
    alice.facility(external_id="MAD-01")
    rows = [
        {**BILL, "external_id": f"B-{n}", "cups": "", "data_quality": "estimated", "note": n}
        for n in range(20_000)
    ]
    file = write_csv(tmp_path / "c.csv", rows)
    before = everything()
    kill("import_consumption", file, organization, seconds)
    assert everything() == before
    assert not Import.objects.exists()


@pytest.mark.usefixtures("committed")
def test_ctrl_c_says_that_nothing_was_stored(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    alice.facility(external_id="MAD-01")
    rows = [{**BILL, "external_id": f"B-{n}", "cups": "", "note": n} for n in range(20_000)]
    file = write_csv(tmp_path / "c.csv", rows)
    before = everything()
    status, said = kill("import_consumption", file, organization, 0.2, signal.SIGINT)
    assert status == 130
    assert said.splitlines()[-1].endswith("interrupted, nothing was stored")
    assert "Traceback" not in said
    assert everything() == before
