"""`Accept: text/csv` on a list: every row that is chosen, as its import reads it."""

import csv
from decimal import Decimal
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from openpyxl import load_workbook

from facilities.models import Facility
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups
from tests.importing import run

pytestmark = pytest.mark.django_db

CSV = "text/csv"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LISTS = ("facilities", "consumptions", "emission-factors")


@pytest.fixture
def rows(erin: Person) -> None:
    """What spreadsheets and encodings stumble over."""
    home = erin.facility(
        external_id="HOME", name="=1+1", address="Calle “Mayor”, 1\nMadrid", region="ES-MD",
        cups_list=[cups(1), cups(2)], meter_list=["=M1", "1e5"], categories=["heat", "electricity"],
    )  # fmt: skip
    erin.facility(external_id="'=X", name="Ñandú; 東京", country="FR", logistic_factor=0)
    erin.consumption(home, external_id="001", note="-5 °C", quantity=Decimal("1234.5"))
    erin.consumption(home, external_id="1-2", cups=cups(1), start_date="2023-04-01",
                     end_date="2023-04-30", quantity=Decimal("0.000001"))  # fmt: skip
    erin.factor(note="@home", supplier="Luz, S.A.", method="market")
    erin.factor(country="FR", valid_to=None)


def table(person: Person, path: str) -> list[dict[str, str]]:
    answer = person.get(path, accept=CSV)
    assert answer.status == 200, answer.body
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    return list(csv.DictReader(StringIO(answer.body.decode())))


@each(
    ("path", "command", "name"),
    [
        ("facilities", "facilities", "facilities"),
        ("consumptions", "consumption", "consumptions"),
        ("emission-factors?own=true", "emission_factors", "emission-factors"),
    ],
)
def test_what_is_exported_and_imported_again_is_unchanged(
    erin: Person, organization: Organization, rows: None, tmp_path: Path,
    path: str, command: str, name: str,
) -> None:  # fmt: skip
    answer = erin.get(f"/v1/{path}", accept=CSV)
    assert f'filename="{name}.csv"' in answer.headers["content-disposition"]
    file = tmp_path / "again.csv"
    file.write_bytes(answer.body)
    assert run(f"import_{command}", file, organization).counts == (
        "created 0, changed 0, unchanged 2, rejected 0"
    )
    out = StringIO()
    call_command(f"export_{command}", str(organization.pk), stdout=out, stderr=StringIO())
    said, listed = (
        sorted(csv.reader(StringIO(text))) for text in (out.getvalue(), answer.body.decode())
    )
    assert said == listed


def test_filters_choose_and_sorting_orders_all_rows(erin: Person, rows: None) -> None:
    names = [row["external_id"] for row in table(erin, "/v1/facilities?sort=country")]
    assert names == ["HOME", "''=X"]
    assert [row["external_id"] for row in table(erin, "/v1/facilities?country=FR")] == ["''=X"]
    page = table(erin, "/v1/consumptions?size=1&page=2")
    assert len(page) == 2
    answer = erin.get("/v1/facilities?country=Spain", accept=CSV)
    assert (answer.status, answer.fields) == (422, ["country"])


@each("name", LISTS)
def test_a_workbook_has_the_same_rows(erin: Person, rows: None, name: str) -> None:
    answer = erin.get(f"/v1/{name}", accept=XLSX)
    assert answer.status == 200
    [sheet] = load_workbook(BytesIO(answer.body))
    header, *values = sheet.iter_rows(values_only=True)
    listed = table(erin, f"/v1/{name}")
    assert list(header) == list(listed[0])
    assert len(values) == len(listed)


@each("path", ["facilities", "emissions/logistics", "reports/inventory?year=2023"])
def test_a_character_that_no_workbook_can_hold_costs_nobody_the_file(
    erin: Person, rows: None, path: str
) -> None:
    """Of a name that a file has brought, or a keyboard."""
    Facility.objects.filter(external_id="HOME").update(name="Home\x01\x0b\uffff")
    answer = erin.get(f"/v1/{path}", accept=XLSX)
    assert answer.status == 200
    cells = [
        cell
        for sheet in load_workbook(BytesIO(answer.body))
        for row in sheet.iter_rows(values_only=True)
        for cell in row
    ]
    assert "Home\ufffd\ufffd\ufffd" in cells


@each("name", LISTS)
def test_json_is_what_comes_unless_a_table_is_asked_for(
    erin: Person, rows: None, name: str
) -> None:
    for accept in ("*/*", "application/json", "application/json, text/csv;q=0.5"):
        answer = erin.get(f"/v1/{name}", accept=accept)
        assert answer.headers["content-type"] == "application/json"
    first = erin.get(f"/v1/{name}").body["items"][0]
    assert erin.get(f"/v1/{name}/{first['id']}", accept=CSV).status == 406
    assert erin.call("POST", f"/v1/{name}", {}, accept=CSV).status == 406
    assert erin.call("HEAD", f"/v1/{name}", accept=CSV).status == 200


def test_a_copy_is_no_table(erin: Person, rows: None) -> None:
    answer = erin.get("/v1/facilities?cursor=", accept=CSV)
    assert (answer.status, answer.fields) == (422, ["cursor"])


def test_another_organization_exports_its_own(erin: Person, charlie: Person, rows: None) -> None:
    assert table(charlie, "/v1/facilities") == []
    assert table(charlie, "/v1/consumptions") == []
    assert table(charlie, "/v1/emission-factors?own=true") == []


def test_an_export_is_in_the_audit(alice: Person, rows: None) -> None:
    table(alice, "/v1/consumptions?category=heat")
    [event] = alice.get("/v1/audit-events?event=exported").body["items"]
    assert (event["object_id"], event["details"]) == (
        "consumptions",
        {"format": "csv", "query": "category=heat"},
    )


def test_any_number_of_rows_takes_as_little_memory(
    erin: Person, rows: None, django_assert_max_num_queries: Any
) -> None:
    """Rows are read while they are sent: the answer is a stream, not a body."""
    with django_assert_max_num_queries(12):
        assert len(table(erin, "/v1/facilities")) == 2
