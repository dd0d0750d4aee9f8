"""`import_facilities`: the rules of the API, every bad row named, nothing written twice."""

import csv
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from emissions.signals import FACILITY_INPUTS
from facilities.importing.facilities import INPUTS
from facilities.models import Facility, SupplyPoint
from organizations.models import Import, Organization
from tests.cases import each
from tests.conftest import Person
from tests.examples import examples
from tests.facilities.cups import cups
from tests.importing import Outcome, json_numbers, kill, run, undone, write_csv

pytestmark = pytest.mark.django_db

MADRID = {
    "external_id": "MAD-01",
    "name": "Madrid Office",
    "type": "office",
    "country": "ESP",
    "region": "",
    "address": "Calle Mayor 1",
    "categories": "electricity|heat",
    "cups_list": f"{cups(1)}|{cups(2)}",
    "logistic_factor": "0.5",
    "status": "active",
}
WINDHOEK = {"external_id": "WDH-01", "name": "Windhoek Depot", "type": "depot", "country": "NA"}


def load(path: Path, rows: list[dict[str, Any]], whose: Organization, *options: str) -> Outcome:
    return run("import_facilities", write_csv(path / "f.csv", rows), whose, *options)


def stored(organization: Organization) -> list[dict[str, Any]]:
    names = [field.attname for field in Facility._meta.concrete_fields]
    return list(Facility.objects.for_organization(organization.pk).order_by("id").values(*names))


def test_a_file_is_stored_as_the_api_would(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    outcome = load(tmp_path, [MADRID, WINDHOEK], organization)
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 0"
    assert outcome.status == 0
    items = alice.get("/v1/facilities?sort=external_id").body["items"]
    madrid, windhoek = items
    assert madrid["country"] == "ES"
    assert madrid["categories"] == ["heat", "electricity"]
    assert madrid["cups_list"] == [cups(1), cups(2)]
    assert madrid["logistic_factor"] == Decimal("0.5")
    assert windhoek["country"] == "NA"
    assert windhoek["categories"] == ["heat", "electricity", "water", "recharge"]
    assert windhoek["logistic_factor"] == Decimal("0.8")
    assert windhoek["co2e"] == 0
    assert windhoek["co2e_status"] == "complete"


def test_the_same_file_again_writes_nothing(tmp_path: Path, organization: Organization) -> None:
    nameless = {"name": "Shed", "type": "shed", "country": "ES"}
    load(tmp_path, [MADRID, WINDHOEK, nameless], organization)
    before = stored(organization)
    outcome = load(tmp_path, [MADRID, WINDHOEK, nameless], organization)
    assert outcome.counts == "created 0, changed 0, unchanged 3, rejected 0"
    assert stored(organization) == before


def test_one_changed_row_changes_one_row(tmp_path: Path, organization: Organization) -> None:
    load(tmp_path, [MADRID, WINDHOEK], organization)
    before = stored(organization)
    outcome = load(tmp_path, [{**MADRID, "name": "Madrid"}, WINDHOEK], organization)
    assert outcome.counts == "created 0, changed 1, unchanged 1, rejected 0"
    after = stored(organization)
    assert [one["name"] for one in after] == ["Madrid", "Windhoek Depot"]
    assert after[1] == before[1]
    assert {k for k in after[0] if after[0][k] != before[0][k]} == {"name", "updated_at"}


def test_a_cups_moves_within_a_file(tmp_path: Path, organization: Organization) -> None:
    load(tmp_path, [MADRID, WINDHOEK], organization)
    rows = [{**MADRID, "cups_list": cups(1)}, {**WINDHOEK, "cups_list": cups(2)}]
    outcome = load(tmp_path, rows, organization)
    assert outcome.counts == "created 0, changed 2, unchanged 0, rejected 0"
    held = SupplyPoint.objects.values_list("facility__external_id", "cups")
    assert set(held) == {("MAD-01", cups(1)), ("WDH-01", cups(2))}


def test_a_facilitys_figures_follow_its_country(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    load(tmp_path, [MADRID], organization)
    facility = alice.get("/v1/facilities").body["items"][0]
    alice.consumption(facility)
    before = Facility.objects.get().co2e
    outcome = load(tmp_path, [{**MADRID, "country": "PL"}], organization)
    assert outcome.counts == "created 0, changed 1, unchanged 0, rejected 0"
    assert Facility.objects.get().co2e > before > 0
    assert {*INPUTS, "deleted_at"} == set(FACILITY_INPUTS)


def test_many_that_move_are_computed_together(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    """As a PATCH of each would, and by far fewer statements."""
    rows: list[dict[str, Any]] = [
        {"external_id": f"F-{n}", "name": f"Site {n}", "type": "office", "country": "ES"}
        for n in range(22)
    ]
    load(tmp_path, rows, organization)
    sites = alice.get("/v1/facilities?size=100").body["items"]
    for site in sites:
        alice.consumption(site)
    counts = []
    for some in (rows[:2], rows[2:]):
        moved = [{**row, "country": "PL", "type": "shop"} for row in some]
        with CaptureQueriesContext(connection) as queries:
            outcome = load(tmp_path, moved, organization)
        assert outcome.counts == f"created 0, changed {len(some)}, unchanged 0, rejected 0"
        counts.append(len(queries))
    assert counts[1] < 3 * counts[0], counts
    by_patch = alice.facility(country="PL")
    alice.consumption(by_patch)
    assert set(Facility.objects.values_list("co2e", "country")) == {
        (Facility.objects.get(pk=by_patch["id"]).co2e, "PL")
    }
    assert {one.type for one in Facility.history.filter(history_type="~")} == {"shop"}
    call_command("recalculate_co2e", check=True, stderr=StringIO())


def test_cells_that_are_empty_unset_text_and_leave_the_rest(
    tmp_path: Path, organization: Organization
) -> None:
    load(tmp_path, [MADRID], organization)
    empty = {"address": "", "categories": "", "cups_list": "", "logistic_factor": "", "status": ""}
    load(tmp_path, [{**MADRID, **empty}], organization)
    facility = Facility.objects.get()
    assert facility.address == ""
    assert facility.categories == ["heat", "electricity"]
    assert facility.logistic_factor == Decimal("0.5")
    assert facility.supply_points.count() == 2


BAD = [
    ({"name": ""}, "name", "required"),
    ({"name": "x" * 256}, "name", "max_length"),
    ({"country": "Spain"}, "country", "unknown_country"),
    ({"categories": "heat|steam"}, "categories", "invalid_choice"),
    ({"cups_list": "ES1234"}, "cups_list", "invalid_cups"),
    ({"cups_list": f"{cups(1)}|{cups(1)}"}, "cups_list", "duplicate"),
    ({"logistic_factor": "80 %"}, "logistic_factor", "percent"),
    ({"logistic_factor": "half"}, "logistic_factor", "invalid"),
    ({"logistic_factor": "1.5"}, "logistic_factor", "max_value"),
    ({"logistic_factor": "0.0000004"}, "logistic_factor", "too_small"),
    ({"status": "open"}, "status", "invalid_choice"),
    ({"name": "a\0b"}, "name", "null_characters_not_allowed"),
]


@each(("cells", "column", "code"), BAD)
def test_a_bad_row_is_named_with_line_column_value_code_and_sentence(
    tmp_path: Path, organization: Organization, cells: dict[str, str], column: str, code: str
) -> None:
    outcome = load(tmp_path, [WINDHOEK, {**MADRID, **cells}], organization)
    assert outcome.status == 1
    assert outcome.counts == "created 0, changed 0, unchanged 0, rejected 1"
    [line] = [one for one in outcome.messages.splitlines() if one.startswith("line ")]
    assert line.startswith(f"line 3: {column} “{cells[column][:60]}".split("\0")[0])
    assert line.endswith(f"[{code}]")
    assert not Facility.objects.exists()


def test_a_decimal_comma_is_read_where_the_column_proves_it(
    tmp_path: Path, organization: Organization
) -> None:
    load(tmp_path, [{**MADRID, "logistic_factor": "0,5"}], organization)
    assert Facility.objects.get().logistic_factor == Decimal("0.5")
    outcome = load(tmp_path, [{**MADRID, "logistic_factor": "1,000"}], organization)
    assert "[ambiguous_number]" in outcome.messages


def test_every_bad_row_is_reported_and_skip_stores_the_good_ones(
    tmp_path: Path, organization: Organization
) -> None:
    rows = [{**WINDHOEK, **cells, "external_id": f"B{n}"} for n, (cells, _, _) in enumerate(BAD)]
    outcome = load(tmp_path, [*rows, MADRID], organization)
    assert outcome.counts == f"created 0, changed 0, unchanged 0, rejected {len(BAD)}"
    outcome = load(tmp_path, [*rows, MADRID], organization, "--on-error=skip")
    assert outcome.counts == f"created 1, changed 0, unchanged 0, rejected {len(BAD)}"
    assert outcome.status == 1
    assert Facility.objects.get().external_id == "MAD-01"


def test_rejects_can_be_mended_and_imported_again(
    tmp_path: Path, organization: Organization
) -> None:
    rejects = tmp_path / "rejects.csv"
    rows = [MADRID, {**WINDHOEK, "country": "Namibia", "type": ""}]
    load(tmp_path, rows, organization, "--on-error=skip", f"--rejects={rejects}")
    with rejects.open(newline="") as file:
        [row] = csv.DictReader(file)
    assert row["line"] == "3"
    assert (row["column"], row["code"]) == ("type", "required")
    assert row["reason"] == "This cell is needed and empty."
    mended = rejects.read_text().replace("Namibia", "NA").replace("Depot,,", "Depot,depot,")
    rejects.write_text(mended)
    outcome = run("import_facilities", rejects, organization)
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"


def test_the_rejects_are_never_written_over_the_file(
    tmp_path: Path, organization: Organization
) -> None:
    outcome = load(tmp_path, [MADRID], organization, f"--rejects={tmp_path / 'f.csv'}")
    assert outcome.status == 1
    assert "MAD-01" in (tmp_path / "f.csv").read_text()


def test_what_is_twice_in_a_file_names_both_lines(
    tmp_path: Path, organization: Organization
) -> None:
    rows = [MADRID, {**WINDHOEK, "cups_list": cups(2)}, {**MADRID, "cups_list": ""}]
    outcome = load(tmp_path, rows, organization)
    lines = [one for one in outcome.messages.splitlines() if one.startswith("line ")]
    assert [one.split()[1] for one in lines] == ["3:", "4:"]
    assert "Line 2 has the CUPS" in lines[0]
    assert "Line 2 is the same facility" in lines[1]


def test_another_facilitys_cups_is_taken(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    alice.facility(cups_list=[cups(1)])
    outcome = load(tmp_path, [MADRID], organization)
    assert outcome.messages.splitlines()[0].endswith("[taken]")


def test_a_dry_run_says_what_would_be_and_stores_nothing(
    tmp_path: Path, organization: Organization
) -> None:
    outcome = load(tmp_path, [MADRID, WINDHOEK], organization, "--dry-run")
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 0"
    assert outcome.status == 0
    assert not Facility.objects.exists()
    assert not Import.objects.exists()


def test_rows_with_too_few_cells_or_bytes_that_are_no_text_are_refused_alone(
    tmp_path: Path, organization: Organization
) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes(
        b"external_id,name,type,country\nA,Caf\xc3\xa9,office,ES\nB,Two\n"
        b"C,Caf\xe9,office,ES\nD,Four,office,ES,extra\n"
    )
    rejects = tmp_path / "rejects.csv"
    outcome = run(
        "import_facilities", file, organization, "--on-error=skip", f"--rejects={rejects}"
    )
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 3"
    assert "[wrong_number_of_cells]" in outcome.messages
    assert "[undecodable]" in outcome.messages
    assert b"C,Caf\xe9,office,ES,4,name,undecodable," in rejects.read_bytes()


def test_an_import_leaves_a_record(tmp_path: Path, organization: Organization) -> None:
    load(tmp_path, [MADRID], organization)
    load(tmp_path, [{**MADRID, "status": "open"}], organization)
    refused, done = Import.objects.for_organization(organization.pk)
    assert (done.kind, done.file_name, done.outcome, done.created) == (
        "facilities",
        "f.csv",
        "stored",
        1,
    )
    assert (refused.outcome, refused.rejected) == ("refused", 1)
    assert refused.first_rejects[0]["column"] == "status"
    assert done.finished_at
    assert done.started_at <= done.finished_at


def test_an_unknown_column_is_named_and_the_computed_are_not_for_writing(
    tmp_path: Path, organization: Organization
) -> None:
    outcome = load(tmp_path, [{**MADRID, "co2e": "1"}], organization)
    assert (outcome.status, outcome.counts) == (1, "")
    assert "there is no column “co2e”" in outcome.messages


def test_a_cell_of_a_workbook_with_an_error_is_refused_and_unsets_nothing(
    tmp_path: Path, organization: Organization
) -> None:
    load(tmp_path, [MADRID], organization)
    book = openpyxl.Workbook()
    sheet: Any = book.active
    sheet.append(["external_id", "name", "type", "country", "address", "region"])
    sheet.append(["MAD-01", "Madrid Office", "office", "ES", "#REF!", "=A1"])
    book.save(tmp_path / "f.xlsx")
    rejects = tmp_path / "rejects.csv"
    outcome = run("import_facilities", tmp_path / "f.xlsx", organization, f"--rejects={rejects}")
    assert outcome.counts == "created 0, changed 0, unchanged 0, rejected 1"
    assert "address “#REF!”: The spreadsheet has the error #REF! here" in outcome.messages
    assert "region “=A1”: This formula was never calculated" in outcome.messages
    assert Facility.objects.get().address == "Calle Mayor 1"
    with rejects.open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["address"], row["code"]) == ("#REF!", "no_value|no_value")


def test_the_hint_of_a_header_is_a_column_that_can_be_written(
    tmp_path: Path, organization: Organization
) -> None:
    outcome = load(tmp_path, [{**MADRID, "co2e": "1"}], organization)
    assert "there is no column “co2e”. The columns are external_id, name, " in outcome.messages
    assert "reason" not in outcome.messages


def test_an_unquoted_comma_is_named_where_it_makes_a_cell_more(
    tmp_path: Path, organization: Organization
) -> None:
    (tmp_path / "f.csv").write_text("name,type,country,logistic_factor\nA,office,ES,0,5\n")
    outcome = run("import_facilities", tmp_path / "f.csv", organization)
    assert (
        "5 cells and the header 4. A cell with “,” in it is written in quotes" in outcome.messages
    )


@pytest.mark.parametrize("changed", [{}, {"country": "XX"}, {"name": ""}])
def test_rows_of_a_batch_are_the_same_whatever_stands_beside_them(
    tmp_path: Path, organization: Organization, changed: dict[str, str]
) -> None:
    """Columns and rows, the two ways through a batch, store the same."""
    rows: list[dict[str, Any]] = [
        {**MADRID, "external_id": "A"},
        {**WINDHOEK, "external_id": "B", "categories": "", "cups_list": cups(3)},
        {"external_id": "", "name": "Shed", "type": "shed", "country": "esp"},
        {**WINDHOEK, "external_id": "C", **changed},
    ]
    load(tmp_path, rows, organization, "--on-error=skip")
    found = Facility.objects.exclude(external_id="C").order_by("external_id")
    assert [
        (one.external_id, one.name, one.country, one.categories, one.logistic_factor)
        for one in found
    ] == [
        ("", "Shed", "ES", ["heat", "electricity", "water", "recharge"], Decimal("0.8")),
        ("A", "Madrid Office", "ES", ["heat", "electricity"], Decimal("0.5")),
        ("B", "Windhoek Depot", "NA", ["heat", "electricity", "water", "recharge"], Decimal("0.8")),
    ]
    held = SupplyPoint.objects.order_by("id").values_list("facility__external_id", "cups")
    assert list(held) == [("A", cups(1)), ("A", cups(2)), ("B", cups(3))]


CELLS: dict[str, Any] = {
    "external_id": st.sampled_from(["", "A-1", " A-1 ", "x" * 101, "a\0"]),
    "name": st.sampled_from(["", " ", "Office", "x" * 255, "x" * 256, "Ünï"]),
    "type": st.sampled_from(["", "office", "x" * 101]),
    "country": st.sampled_from(["", "ES", "esp", "NA", "Spain", "XX", "é"]),
    "region": st.sampled_from(["", "CA-ON", "x" * 65]),
    "categories": st.sampled_from(["", "heat", "water|heat", "steam", "heat|", "heat|heat"]),
    "cups_list": st.sampled_from(["", cups(7), cups(7).lower(), f"{cups(7)}|{cups(7)}", "ES12"]),
    "logistic_factor": st.sampled_from(
        ["", "0.5", "1", "1.0", "1e0", "-0", "-1", "2", "1.2.3", "abc", "0.1234567"]
    ),
    "status": st.sampled_from(["", "active", "archived", "open", " active"]),
}


RULES = {("country", "unknown_country"), ("external_id", "taken"), ("cups_list", "taken")}
"""What is asked of a row once its cells can be read."""


def as_body(cells: dict[str, str]) -> dict[str, Any]:
    """What a client would send for the row."""
    lists = ("categories", "cups_list")
    body: dict[str, Any] = {name: text for name, text in cells.items() if text}
    body |= {name: body[name].split("|") for name in lists if name in body}
    return body | json_numbers(body, "logistic_factor")


@settings(
    max_examples=examples(20),
    deadline=None,
)
@given(cells=st.fixed_dictionaries(CELLS))
def test_the_import_and_the_api_refuse_and_store_the_same(
    cells: dict[str, str], tmp_path: Path, organization: Organization, alice: Person
) -> None:
    assume(any(cells.values()))  # a blank line is no row
    with undone():
        answer = alice.post("/v1/facilities", as_body(cells))
        by_api = stored(organization)
    with undone():
        outcome = load(tmp_path, [cells], organization, "--on-error=skip")
        by_import = stored(organization)
        faults = Import.objects.get().first_rejects
    if answer.status == 201:
        assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
        for one in (*by_api, *by_import):
            for name in ("id", "created_at", "updated_at"):
                del one[name]
        assert by_import == by_api
    else:
        assert answer.status == 422
        expected = {(one["field"].split(".")[0], one["code"]) for one in answer.body["errors"]}
        # A file's rules are asked once its cells can be read; the API names both at once.
        named = {(one["column"], one["code"]) for one in faults}
        assert named
        assert named in (expected, {one for one in expected if one not in RULES})


def test_one_changed_row_of_many_batches_changes_one_row(
    tmp_path: Path, organization: Organization
) -> None:
    rows = [{**WINDHOEK, "external_id": f"F-{n}", "name": f"Site {n}"} for n in range(4500)]
    load(tmp_path, rows, organization)
    before = stored(organization)
    rows[3210] = {**rows[3210], "address": "Elsewhere 1"}
    outcome = load(tmp_path, rows, organization)
    assert outcome.counts == "created 0, changed 1, unchanged 4499, rejected 0"
    after = stored(organization)
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert [(one["external_id"], one["address"]) for one in moved] == [("F-3210", "Elsewhere 1")]


def test_duplicates_and_cups_are_found_across_batches(
    tmp_path: Path, organization: Organization
) -> None:
    rows = [{**WINDHOEK, "external_id": f"F-{n}", "cups_list": ""} for n in range(4500)]
    rows[10]["cups_list"] = rows[4000]["cups_list"] = cups(1)
    rows[4400]["external_id"] = "F-20"
    outcome = load(tmp_path, rows, organization, "--on-error=skip")
    assert outcome.counts == "created 4498, changed 0, unchanged 0, rejected 2"
    lines = [one for one in outcome.messages.splitlines() if one.startswith("line ")]
    assert [one.rsplit("[", 1)[1] for one in lines] == ["taken]", "duplicate]"]
    assert "line 4002: cups_list" in lines[0]
    assert "Line 12 has the CUPS" in lines[0]
    assert "line 4402: external_id" in lines[1]
    assert "Line 22 is the same facility" in lines[1]


@pytest.mark.usefixtures("committed")
@pytest.mark.parametrize("seconds", [0.0, 0.2])
def test_an_import_that_is_killed_leaves_the_database_as_before(
    tmp_path: Path, organization: Organization, seconds: float
) -> None:
    load(tmp_path, [MADRID], organization)
    rows = [{**WINDHOEK, "external_id": f"F-{n}", "address": n} for n in range(50_000)]
    file = write_csv(tmp_path / "many.csv", [{**MADRID, "name": "Changed", "cups_list": ""}, *rows])
    before = stored(organization)
    kill("import_facilities", file, organization, seconds)
    assert stored(organization) == before
    assert SupplyPoint.objects.count() == 2
    assert Import.objects.count() == 1
