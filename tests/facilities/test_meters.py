"""Meters: any code of a supply point, of one live facility per organization."""

from pathlib import Path
from typing import Any

import pytest

from facilities.models import Facility, Meter
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups
from tests.importing import run, write_csv

pytestmark = pytest.mark.django_db


def test_a_list_of_meters_is_kept_without_spaces_and_replaced(alice: Person) -> None:
    site = alice.facility(meter_list=["12 0001 2345 678", "PRM-09"])
    assert site["meter_list"] == ["1200012345678", "PRM-09"]
    path = f"/v1/facilities/{site['id']}"
    assert alice.get(path).body["meter_list"] == ["1200012345678", "PRM-09"]
    assert alice.patch(path, {"name": "Other"}).body["meter_list"] == ["1200012345678", "PRM-09"]
    assert alice.patch(path, {"meter_list": ["PRM-09"]}).body["meter_list"] == ["PRM-09"]
    assert alice.get("/v1/facilities").body["items"][0]["meter_list"] == ["PRM-09"]


@each(
    ("meters", "field", "code"),
    [
        (["x" * 51], "meter_list.0", "invalid_meter"),
        (["A|B"], "meter_list.0", "invalid_meter"),
        (["A", "A"], "meter_list.1", "duplicate"),
        (["A", "  "], "meter_list.1", "blank"),
        (["B", "taken"], "meter_list.1", "taken"),
        ([7], "meter_list.0", "invalid"),
    ],
)
def test_a_wrong_meter_is_refused_by_its_place(
    alice: Person, meters: list[Any], field: str, code: str
) -> None:
    alice.facility(meter_list=["taken"])
    body = {"name": "Depot", "type": "depot", "country": "ES", "meter_list": meters}
    answer = alice.post("/v1/facilities", body)
    assert answer.status == 422
    assert answer.error(field)["code"] == code


def test_a_deleted_facilitys_meters_are_free_until_it_is_restored(alice: Person) -> None:
    site = alice.facility(meter_list=["A"])
    alice.delete(f"/v1/facilities/{site['id']}")
    other = alice.facility(meter_list=["A"])
    assert other["meter_list"] == ["A"]
    deleted = Facility.objects.get(pk=site["id"])
    with pytest.raises(Exception, match="belongs to another facility"):
        deleted.restore()
    alice.patch(f"/v1/facilities/{other['id']}", {"meter_list": []})
    deleted.restore()
    assert alice.get(f"/v1/facilities/{site['id']}").body["meter_list"] == ["A"]


def test_facilities_and_bills_are_found_by_their_meter(alice: Person, charlie: Person) -> None:
    site = alice.facility(meter_list=["A 1"])
    alice.facility(meter_list=["B"])
    charlie.facility(meter_list=["A1"])
    found = alice.get("/v1/facilities?meter=A1").body["items"]
    assert [one["id"] for one in found] == [site["id"]]
    bill = alice.consumption(site, meter="A 1")
    assert bill["meter"] == "A1"
    alice.consumption(site)
    found = alice.get("/v1/consumptions?meter=A1").body["items"]
    assert [one["id"] for one in found] == [bill["id"]]


def test_a_bills_meter_is_one_of_its_facilitys(alice: Person) -> None:
    site, other = alice.facility(meter_list=["A"]), alice.facility(meter_list=["B"])
    body = {
        "facility_id": site["id"], "category": "electricity", "quantity": 1, "unit": "kWh",
        "start_date": "2024-01-01", "end_date": "2024-01-31",
    }  # fmt: skip
    answer = alice.post("/v1/consumptions", {**body, "meter": "B"})
    assert answer.error("meter")["code"] == "not_of_facility"
    bill = alice.post("/v1/consumptions", {**body, "meter": "A"}).body
    path = f"/v1/consumptions/{bill['id']}"
    assert alice.patch(path, {"facility_id": other["id"]}).error("meter")["code"] == (
        "not_of_facility"
    )
    assert alice.patch(path, {"meter": None}).body["meter"] is None


ROW = {"external_id": "A", "name": "One", "type": "office", "country": "ES"}


def test_meters_come_by_file_with_the_rules_of_cups(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    def load(*rows: dict[str, Any]) -> Any:
        return run("import_facilities", write_csv(tmp_path / "f.csv", rows), organization)

    first = {**ROW, "meter_list": "M 1|M2", "cups_list": cups(1)}
    assert load(first).counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert load(first).counts == "created 0, changed 0, unchanged 1, rejected 0"
    assert alice.get("/v1/facilities").body["items"][0]["meter_list"] == ["M1", "M2"]
    second = {**ROW, "external_id": "B", "meter_list": "M2"}
    assert "[taken]" in load(second).messages
    moved = load({**first, "meter_list": "M1"}, second)
    assert moved.counts == "created 1, changed 1, unchanged 0, rejected 0", moved.messages
    assert "[taken]" in load({**ROW, "external_id": "C", "meter_list": "Z"},
                             {**ROW, "external_id": "D", "meter_list": "Z"}).messages  # fmt: skip
    assert Meter.objects.count() == 2


BILL = {
    "category": "electricity", "quantity": "10.5", "unit": "kWh",
    "start_date": "2024-01-01", "end_date": "2024-01-31",
}  # fmt: skip


def test_a_files_facility_may_be_named_by_a_meter_and_two_meters_do_not_overlap(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    site = alice.facility(meter_list=["M1", "M2"])
    rows = [
        {"facility_id": "M 1", "meter": "M1", **BILL},
        {"facility_id": "M2", "meter": "M2", **BILL},
    ]
    file = write_csv(tmp_path / "c.csv", rows)
    assert run("import_consumption", file, organization).counts.startswith("created 2")
    assert run("import_consumption", file, organization).counts.endswith("unchanged 2, rejected 0")
    items = alice.get("/v1/consumptions").body["items"]
    assert {(one["facility_id"], one["meter"]) for one in items} == {
        (site["id"], "M1"),
        (site["id"], "M2"),
    }
    again = [{**rows[0], "start_date": "2024-01-15", "end_date": "2024-02-15"}]
    outcome = run("import_consumption", write_csv(tmp_path / "d.csv", again), organization)
    assert "[overlap]" in outcome.messages
    wrong = [{**rows[0], "meter": "M3"}]
    outcome = run("import_consumption", write_csv(tmp_path / "d.csv", wrong), organization)
    assert "[not_of_facility]" in outcome.messages


def test_a_code_that_is_one_sites_external_id_and_anothers_meter_is_ambiguous(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    alice.facility(meter_list=["X"])
    alice.facility(external_id="X")
    file = write_csv(tmp_path / "c.csv", [{"facility_id": "X", **BILL}])
    assert "[ambiguous]" in run("import_consumption", file, organization).messages
