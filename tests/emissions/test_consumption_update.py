"""`/v1/consumptions/{id}`: changes, what counts, deletion, and who may."""

from contextlib import suppress
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.core.exceptions import ValidationError

from emissions.models import Consumption
from tests.cases import each
from tests.conftest import Person
from tests.emissions.bills import GAS, LIST, REQUIRED, VERBS, path, post, total, without
from tests.facilities.cups import cups
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

# PUT and PATCH


CHANGES: dict[str, Any] = {
    "external_id": "INV-2",
    "quantity": Decimal("2000.5"),
    "unit": "MWh",
    "start_date": "2023-02-01",
    "end_date": "2023-04-30",
    "supplier": "ABOUTWHITE SL",
    "cups": cups(1),
    "data_quality": "estimated",
    "status": "inactive",
    "note": "Read by the caretaker",
}
COMPUTED = ("co2e", "co2e_market", "co2e_biomass", "co2e_status", "co2e_reason", "updated_at")


@each("verb", VERBS)
@each("name", CHANGES)
def test_one_field_changes_and_the_others_stay(
    erin: Person, facility: dict[str, Any], verb: str, name: str
) -> None:
    before = post(erin, facility, external_id="INV-1", cups=cups(2), note="Old").body
    answer = erin.call(verb, path(before), {name: CHANGES[name]})
    assert answer.status == 200, answer.body
    assert answer.body[name] == CHANGES[name]
    assert without(answer.body, name, "warnings", *COMPUTED) == without(before, name, *COMPUTED)
    assert answer.body["updated_at"] > before["updated_at"]
    read = erin.get(path(before))
    assert read.body == without(answer.body, "warnings")
    assert read.headers["ETag"] == answer.headers["ETag"]
    assert total(erin, facility) == (answer.body["co2e"] or 0)


@pytest.mark.parametrize("verb", VERBS)
def test_a_category_and_its_activity_change_together(
    erin: Person, facility: dict[str, Any], verb: str
) -> None:
    bill = post(erin, facility).body
    assert refused(erin.call(verb, path(bill), {"category": "heat"})) == ["activity"]
    answer = erin.call(verb, path(bill), GAS)
    assert (answer.status, answer.body["co2e"]) == (200, 182)
    assert total(erin, facility) == 182
    answer = erin.call(verb, path(bill), {"category": "electricity", "activity": None})
    assert (answer.body["activity"], answer.body["co2e"]) == ("grid", Decimal("169.28"))


@each(
    ("change", "named"),
    [
        *(({name: None}, name) for name in REQUIRED),
        ({"status": None}, "status"),
        ({"data_quality": None}, "data_quality"),
        ({"facility_id": str(uuid4())}, "facility_id"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"unit": "kw"}, "unit"),
        ({"activity": "gird"}, "activity"),
        ({"start_date": "2023-04-01"}, "end_date"),
        ({"end_date": "2023-02-28"}, "end_date"),
        ({"end_date": "2023-3-31"}, "end_date"),
        ({"cups": cups(9)}, "cups"),
    ],
)
def test_a_bad_value_is_refused_and_nothing_changes(
    erin: Person, facility: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    before = post(erin, facility).body
    for verb in VERBS:
        assert refused(erin.call(verb, path(before), {"note": "New", **change})) == [named]
    assert erin.get(path(before)).body == before
    assert total(erin, facility) == Decimal("169.28")


def test_an_answer_can_be_sent_back_whole(erin: Person, facility: dict[str, Any]) -> None:
    before = post(erin, facility, cups=cups(1), supplier="Somebody", note="x").body
    answer = erin.call("PUT", path(before), before)
    assert answer.status == 200
    assert without(answer.body, "updated_at", "warnings") == without(before, "updated_at")


def test_an_etag_is_the_version_that_if_match_asks_for(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility)
    first = bill.headers["ETag"]
    changed = erin.patch(path(bill.body), {"quantity": 1}, **{"if-match": first})
    assert changed.status == 200
    assert changed.headers["ETag"] != first
    for verb in ("PUT", "PATCH", "DELETE"):
        late = erin.call(verb, path(bill.body), {"note": "late"}, **{"if-match": first})
        assert (late.status, late.body["code"]) == (412, "precondition_failed")
    assert erin.get(path(bill.body)).body == without(changed.body, "warnings")
    erin.patch(f"/v1/facilities/{facility['id']}", {"categories": []})
    late = erin.delete(path(bill.body), **{"if-match": changed.headers["ETag"]})
    assert late.status == 412  # its figure has gone, so it is another version
    version = erin.get(path(bill.body)).headers["ETag"]
    assert erin.delete(path(bill.body), **{"if-match": version}).status == 204


def test_a_note_can_change_after_its_category_was_disabled(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility).body
    erin.patch(f"/v1/facilities/{facility['id']}", {"categories": ["heat"]})
    for change in ({"note": "Late"}, {"note": "Later", "category": "electricity"}):
        answer = erin.patch(path(bill), change)
        assert (answer.status, answer.body["note"]) == (200, change["note"])
        assert answer.body["co2e_reason"] == "category_disabled"


def test_a_note_can_change_after_its_activitys_factor_was_deleted(
    erin: Person, facility: dict[str, Any]
) -> None:
    husks = {"category": "heat", "activity": "sunflower_husks"}
    factor = erin.factor(**husks, method=None)
    bill = post(erin, facility, **husks).body
    assert bill["co2e"] == 500
    assert erin.delete(f"/v1/emission-factors/{factor['id']}").status == 204
    for change in ({"note": "Late"}, {"note": "Later", **husks}, {"note": "Last", "quantity": 9}):
        answer = erin.patch(path(bill), change)
        assert (answer.status, answer.body["note"]) == (200, change["note"])
        assert (answer.body["co2e"], answer.body["activity"]) == (None, "sunflower_husks")
        assert answer.body["co2e_reason"].startswith("no_factor: ")
    assert refused(post(erin, facility, **husks)) == ["activity"]
    assert refused(erin.patch(path(bill), {"activity": "hulls"})) == ["activity"]


def test_a_note_can_change_after_its_cups_left_the_facility(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, cups=cups(1)).body
    erin.patch(f"/v1/facilities/{facility['id']}", {"cups_list": []})
    answer = erin.patch(path(bill), {"note": "Late", "cups": cups(1)})
    assert (answer.status, answer.body["cups"]) == (200, cups(1))
    assert refused(post(erin, facility, cups=cups(1))) == ["cups"]


def test_moving_to_another_facility_moves_both_totals(
    erin: Person, facility: dict[str, Any]
) -> None:
    abroad = erin.facility(country="FR")
    moves, _ = post(erin, facility).body, post(erin, facility, quantity=500)
    assert total(erin, facility) == Decimal("253.92")
    answer = erin.patch(path(moves), {"facility_id": abroad["id"]})
    assert (answer.status, answer.body["facility_id"]) == (200, abroad["id"])
    assert 0 < answer.body["co2e"] < Decimal("169.28")
    assert total(erin, facility) == Decimal("84.64")
    assert total(erin, abroad) == answer.body["co2e"]
    erin.patch(path(moves), {"facility_id": facility["id"]})
    assert (total(erin, facility), total(erin, abroad)) == (Decimal("253.92"), 0)


def test_a_move_is_held_to_the_new_facilitys_rules(
    erin: Person, charlie: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, cups=cups(1)).body
    gone = erin.facility()
    erin.delete(f"/v1/facilities/{gone['id']}")
    for there, named in (
        (erin.facility(categories=["heat"], cups_list=[cups(7)]), {"category", "cups"}),
        (erin.facility(cups_list=[cups(3)]), {"cups"}),
        (charlie.facility(cups_list=[cups(1)]), {"facility_id"}),
        (gone, {"facility_id"}),
    ):
        assert set(refused(erin.patch(path(bill), {"facility_id": there["id"]}))) == named
    assert erin.get(path(bill)).body == bill
    there = erin.facility(cups_list=[cups(5)])
    answer = erin.patch(path(bill), {"facility_id": there["id"], "cups": cups(5)})
    assert (answer.status, answer.body["cups"]) == (200, cups(5))


# What counts


def test_an_inactive_bill_has_no_figure_and_counts_nowhere(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, status="inactive").body
    assert (bill["co2e"], bill["co2e_market"], bill["co2e_biomass"]) == (None, None, None)
    assert (bill["co2e_status"], bill["co2e_reason"]) == ("not_calculated", "inactive")
    held = erin.get(f"/v1/facilities/{facility['id']}").body
    assert (held["co2e"], held["co2e_status"]) == (0, "complete")
    body = erin.patch(path(bill), {"status": "active"}).body
    assert (body["co2e"], body["co2e_status"]) == (Decimal("169.28"), "calculated")
    assert body["co2e_reason"] is None
    assert total(erin, facility) == Decimal("169.28")
    assert erin.patch(path(bill), {"status": "inactive"}).body["co2e_reason"] == "inactive"
    assert total(erin, facility) == 0


def test_a_disabled_category_says_so_on_its_bills(erin: Person, facility: dict[str, Any]) -> None:
    bill, inactive = post(erin, facility).body, post(erin, facility, status="inactive").body
    place = f"/v1/facilities/{facility['id']}"
    assert erin.patch(place, {"categories": ["heat"]}).body["co2e_status"] == "complete"
    body = erin.get(path(bill)).body
    assert (body["co2e"], body["co2e_status"]) == (None, "not_calculated")
    assert body["co2e_reason"] == "category_disabled"
    assert erin.get(path(inactive)).body["co2e_reason"] == "inactive"
    assert erin.patch(place, {"categories": ["electricity"]}).body["co2e"] == Decimal("169.28")
    assert erin.get(path(bill)).body["co2e"] == Decimal("169.28")


def test_two_equal_factors_leave_a_bill_without_a_figure_and_say_so(
    erin: Person, facility: dict[str, Any]
) -> None:
    for unit in ("MWh", "GJ"):
        erin.factor(unit=unit)
    bill = post(erin, facility).body
    assert (bill["co2e"], bill["co2e_status"]) == (None, "not_calculated")
    assert bill["co2e_reason"].startswith("ambiguous_factor: ")
    held = erin.get(f"/v1/facilities/{facility['id']}").body
    assert (held["co2e"], held["co2e_status"]) == (0, "incomplete")


# DELETE


def test_a_deleted_bill_is_seen_no_more_and_counts_no_more(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill, stays = post(erin, facility, external_id="INV-1").body, post(erin, facility).body
    answer = erin.delete(path(bill))
    assert (answer.status, answer.body) == (204, b"")
    for verb in ("GET", "PUT", "PATCH", "DELETE"):
        assert erin.call(verb, path(bill), {"note": "x"}).status == 404
    assert erin.get(f"{path(bill)}/calculation").status == 404
    assert [one["id"] for one in erin.get(LIST).body["items"]] == [stays["id"]]
    assert erin.get(f"{LIST}?external_id=INV-1").body["total"] == 0
    assert total(erin, facility) == Decimal("169.28")


def test_deleting_the_only_bill_without_a_figure_makes_the_facility_complete(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, unit="m3").body
    place = f"/v1/facilities/{facility['id']}"
    assert erin.get(place).body["co2e_status"] == "incomplete"
    erin.delete(path(bill))
    assert erin.get(place).body["co2e_status"] == "complete"


def test_a_restored_bill_counts_again(erin: Person, facility: dict[str, Any]) -> None:
    bill = post(erin, facility, external_id="INV-1").body
    erin.delete(path(bill))
    Consumption.objects.get(pk=bill["id"]).restore()
    assert without(erin.get(path(bill)).body, "updated_at") == without(bill, "updated_at")
    assert total(erin, facility) == Decimal("169.28")


def test_a_bill_whose_external_id_was_taken_meanwhile_stays_deleted(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, external_id="INV-1").body
    erin.delete(path(bill))
    post(erin, facility, external_id="INV-1", quantity=1)
    with pytest.raises(ValidationError, match="INV-1"):
        Consumption.objects.get(pk=bill["id"]).restore()
    assert erin.get(path(bill)).status == 404
    assert total(erin, facility) == Decimal("0.16928")


def test_a_bill_of_a_deleted_facility_cannot_come_back_without_it(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility).body
    erin.delete(f"/v1/facilities/{facility['id']}")
    with suppress(ValidationError):
        Consumption.objects.get(pk=bill["id"]).restore()
    assert erin.get(path(bill)).status == 404
    assert erin.get(LIST).body["total"] == 0


# Who may


def test_a_viewer_reads_and_writes_nothing(
    bob: Person, erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility).body
    assert bob.get(path(bill)).body == bill
    assert bob.get(LIST).body["items"] == [bill]
    assert post(bob, facility).status == 403
    for verb in ("PUT", "PATCH", "DELETE"):
        assert bob.call(verb, path(bill), {"note": "x"}).status == 403
    assert erin.get(path(bill)).body == bill


@each("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_somebody_elses_is_404_as_if_there_were_none(
    erin: Person, charlie: Person, verb: str
) -> None:
    theirs = post(charlie, charlie.facility()).body
    answer = erin.call(verb, path(theirs), {"note": "Mine"})
    assert answer.status == 404
    assert answer.body == erin.call(verb, f"{LIST}/{uuid4()}", {"note": "Mine"}).body
    assert charlie.get(path(theirs)).body == theirs
    assert erin.get(f"{LIST}?facility_id={theirs['facility_id']}").body["items"] == []
