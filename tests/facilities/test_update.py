"""PUT and PATCH /v1/facilities/{id}: both change what the body names and nothing else."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db.models.signals import pre_save

from facilities.models import Facility
from tests.cases import each
from tests.conftest import Person
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

VERBS = ["PUT", "PATCH"]
CHANGES: dict[str, Any] = {
    "external_id": "MAD-01",
    "name": "Madrid Depot",
    "type": "warehouse",
    "country": "PT",
    "region": "Norte",
    "address": "Calle Gran Vía 1",
    "categories": ["water"],
    "cups_list": ["ES1234123456789012JY"],
    "logistic_factor": Decimal("0.25"),
    "status": "archived",
}


def without(facility: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in facility.items() if name not in names}


@each("verb", VERBS)
@each("name", CHANGES)
def test_one_field_changes_and_the_others_stay(erin: Person, verb: str, name: str) -> None:
    before = erin.facility(external_id="OLD", region="Sur", address="Old road 1")
    path = f"/v1/facilities/{before['id']}"
    answer = erin.call(verb, path, {name: CHANGES[name]})
    assert answer.status == 200
    assert answer.body[name] == CHANGES[name]
    assert without(answer.body, name, "updated_at") == without(before, name, "updated_at")
    assert answer.body["updated_at"] > before["updated_at"]
    read = erin.get(path)
    assert read.body == answer.body
    assert read.headers["ETag"] == answer.headers["ETag"]


@pytest.mark.parametrize("verb", VERBS)
def test_an_empty_body_changes_nothing(erin: Person, verb: str) -> None:
    before = erin.facility(**CHANGES)
    answer = erin.call(verb, f"/v1/facilities/{before['id']}", {})
    assert answer.status == 200
    assert without(answer.body, "updated_at") == without(before, "updated_at")


@each(
    ("name", "value"),
    [
        ("name", None), ("name", ""), ("name", " "), ("name", "x" * 256),
        ("type", None), ("type", ""), ("type", 7),
        ("country", None), ("country", ""), ("country", "XX"),
        ("categories", None), ("categories", "heat"),
        ("cups_list", None), ("cups_list", "ES1234123456789012JY"),
        ("logistic_factor", None), ("logistic_factor", "0.5"), ("logistic_factor", Decimal("1.1")),
        ("status", None), ("status", ""), ("status", "closed"),
    ],
)  # fmt: skip
def test_a_bad_value_is_refused_and_nothing_changes(erin: Person, name: str, value: Any) -> None:
    before = erin.facility()
    path = f"/v1/facilities/{before['id']}"
    for verb in VERBS:
        assert refused(erin.call(verb, path, {"address": "Elsewhere", name: value})) == [name]
    assert erin.get(path).body == before


@each("name", ["external_id", "region", "address"])
def test_null_and_blank_unset_what_is_optional(erin: Person, name: str) -> None:
    path = f"/v1/facilities/{erin.facility()['id']}"
    for value in (None, "", " "):
        assert erin.patch(path, {name: "set"}).body[name] == "set"
        assert erin.patch(path, {name: value}).body[name] is None


@pytest.mark.parametrize("verb", VERBS)
def test_read_only_and_unknown_fields_are_ignored(erin: Person, charlie: Person, verb: str) -> None:
    before = erin.facility()
    path = f"/v1/facilities/{before['id']}"
    body = {
        "id": str(uuid4()),
        "organization_id": str(charlie.organization.pk),
        "co2e": 7,
        "co2e_market": 7,
        "co2e_biomass": 7,
        "co2e_status": "incomplete",
        "created_at": "2001-01-01T00:00:00Z",
        "deleted_at": "2001-01-01T00:00:00Z",
        "colour": "green",
    }
    answer = erin.call(verb, path, body)
    assert answer.status == 200
    assert without(answer.body, "updated_at") == without(before, "updated_at")
    assert erin.get(path).status == 200


def test_an_answer_can_be_sent_back_whole(erin: Person) -> None:
    before = erin.facility(**CHANGES)
    answer = erin.call("PUT", f"/v1/facilities/{before['id']}", before)
    assert answer.status == 200
    assert without(answer.body, "updated_at") == without(before, "updated_at")


def test_a_taken_external_id_is_refused_and_ones_own_is_not(erin: Person) -> None:
    erin.facility(external_id="MAD-01")
    other = erin.facility(external_id="MAD-02")
    path = f"/v1/facilities/{other['id']}"
    answer = erin.patch(path, {"external_id": "MAD-01"})
    assert (answer.status, answer.error("external_id")["code"]) == (422, "taken")
    assert erin.patch(path, {"external_id": "MAD-02"}).status == 200


def test_an_etag_is_the_version_that_if_match_asks_for(erin: Person) -> None:
    facility = erin.facility()
    path = f"/v1/facilities/{facility['id']}"
    first = erin.get(path).headers["ETag"]
    changed = erin.patch(path, {"name": "Second"}, **{"if-match": first})
    assert changed.status == 200
    assert changed.headers["ETag"] != first
    for verb in ("PUT", "PATCH", "DELETE"):
        late = erin.call(verb, path, {"name": "Third"}, **{"if-match": first})
        assert (late.status, late.body["code"]) == (412, "precondition_failed")
        assert "errors" not in late.body
    assert erin.get(path).body == changed.body
    for good in ('"other", {}', "W/{}", "*", "{}"):
        version = erin.get(path).headers["ETag"]
        answer = erin.patch(path, {"name": "Third"}, **{"if-match": good.format(version)})
        assert answer.status == 200, good
    version = erin.get(path).headers["ETag"]
    assert erin.delete(path, **{"if-match": version}).status == 204


def test_a_bill_moves_the_version_because_it_moves_the_totals(erin: Person) -> None:
    facility = erin.facility()
    path = f"/v1/facilities/{facility['id']}"
    before = erin.get(path)
    erin.consumption(facility)
    late = erin.patch(path, {"name": "Late"}, **{"if-match": before.headers["ETag"]})
    assert late.status == 412
    assert erin.get(path).body["updated_at"] > before.body["updated_at"]


@pytest.mark.parametrize("verb", VERBS)
def test_a_change_moves_only_the_columns_it_names(erin: Person, verb: str) -> None:
    """Another request renames the facility between this one's reading and its writing."""
    facility = erin.facility()

    def rename(instance: Facility, **kwargs: Any) -> None:
        Facility.objects.filter(pk=instance.pk).update(name="Renamed", co2e=Decimal(7))

    pre_save.connect(rename, Facility)
    try:
        answer = erin.call(verb, f"/v1/facilities/{facility['id']}", {"address": "New road 1"})
    finally:
        pre_save.disconnect(rename, Facility)
    names = ("name", "address", "co2e")
    assert [answer.body[name] for name in names] == ["Renamed", "New road 1", 7]


def test_an_archived_facility_keeps_its_totals_and_stays_visible(erin: Person) -> None:
    facility = erin.facility()
    erin.consumption(facility)
    path = f"/v1/facilities/{facility['id']}"
    before = erin.get(path).body
    assert before["co2e"] == Decimal("169.28")
    after = erin.patch(path, {"status": "archived"}).body
    names = ("co2e", "co2e_market", "co2e_biomass", "co2e_status")
    assert {name: after[name] for name in names} == {name: before[name] for name in names}
    assert [one["id"] for one in erin.get("/v1/facilities").body["items"]] == [facility["id"]]
    assert erin.get("/v1/consumptions").body["total"] == 1
    assert erin.patch(path, {"status": "active"}).body["status"] == "active"


def test_disabling_a_category_takes_its_co2e_away_until_it_is_enabled(erin: Person) -> None:
    facility = erin.facility()
    bill = erin.consumption(facility)
    path = f"/v1/facilities/{facility['id']}"
    answer = erin.patch(path, {"categories": ["heat", "water"]}).body
    assert (answer["co2e"], answer["co2e_market"], answer["co2e_status"]) == (0, 0, "complete")
    hidden = erin.get(f"/v1/consumptions/{bill['id']}").body
    assert (hidden["co2e"], hidden["co2e_reason"]) == (None, "category_disabled")
    answer = erin.patch(path, {"categories": ["electricity"]}).body
    assert (answer["co2e"], answer["co2e_market"]) == (Decimal("169.28"), 260)
    assert erin.get(f"/v1/consumptions/{bill['id']}").body["co2e"] == Decimal("169.28")


def test_a_new_country_is_computed_before_the_answer(erin: Person) -> None:
    facility = erin.facility()
    bill = erin.consumption(facility)
    answer = erin.patch(f"/v1/facilities/{facility['id']}", {"country": "FRA"}).body
    assert (answer["country"], answer["co2e_status"]) == ("FR", "complete")
    assert 0 < answer["co2e"] < Decimal("169.28")
    assert erin.get(f"/v1/consumptions/{bill['id']}").body["co2e"] == answer["co2e"]


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_what_is_not_there_is_404(erin: Person, verb: str) -> None:
    for pk in (uuid4(), "none", "0", "%00", "é", "a" * 5000):
        answer = erin.call(verb, f"/v1/facilities/{pk}", {"name": "Nowhere"})
        assert (answer.status, answer.body["code"]) == (404, "not_found"), pk


@each("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_somebody_elses_is_404_as_if_there_were_none(
    erin: Person, charlie: Person, verb: str
) -> None:
    theirs = charlie.facility()
    path = f"/v1/facilities/{theirs['id']}"
    answer = erin.call(verb, path, {"name": "Mine"})
    assert answer.status == 404
    assert answer.body == erin.call(verb, f"/v1/facilities/{uuid4()}", {"name": "Mine"}).body
    assert charlie.get(path).body == theirs
