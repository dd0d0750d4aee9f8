"""DELETE /v1/facilities/{id}, and what staff can put back."""

from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from emissions.models import Consumption, Emission
from facilities.models import Facility
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db


def deleted(person: Person, facility: dict[str, Any]) -> Facility:
    """The facility, deleted through the API."""
    answer = person.delete(f"/v1/facilities/{facility['id']}")
    assert (answer.status, answer.body) == (204, b"")
    return Facility.objects.get(pk=facility["id"])


def test_a_deleted_facility_is_seen_no_more(erin: Person) -> None:
    facility = erin.facility(external_id="MAD-01", cups_list=[cups(1)])
    stays = erin.facility(name="Stays")
    deleted(erin, facility)
    path = f"/v1/facilities/{facility['id']}"
    for verb in ("GET", "PUT", "PATCH", "DELETE"):
        assert erin.call(verb, path, {"name": "Back"}).status == 404
    assert erin.get(f"{path}/emissions").status == 404
    for query in ("", "?external_id=MAD-01", f"?cups={cups(1)}", "?status=active"):
        ids = [one["id"] for one in erin.get(f"/v1/facilities{query}").body["items"]]
        assert facility["id"] not in ids
    assert [one["id"] for one in erin.get("/v1/facilities").body["items"]] == [stays["id"]]


def test_its_consumption_goes_with_it_and_others_stay(erin: Person) -> None:
    facility, other = erin.facility(), erin.facility()
    bill, stays = erin.consumption(facility, external_id="INV-1"), erin.consumption(other)
    deleted(erin, facility)
    path = f"/v1/consumptions/{bill['id']}"
    assert erin.get(path).status == erin.patch(path, {"note": "x"}).status == 404
    assert erin.get(f"{path}/calculation").status == erin.delete(path).status == 404
    listed = erin.get("/v1/consumptions").body
    assert [one["id"] for one in listed["items"]] == [stays["id"]]
    assert erin.get(f"/v1/consumptions?facility_id={facility['id']}").body["total"] == 0
    assert not Emission.objects.current().filter(facility=facility["id"]).exists()
    assert erin.get(f"/v1/facilities/{other['id']}").body["co2e"] == Decimal("169.28")


def test_its_codes_are_free_again(erin: Person) -> None:
    facility = erin.facility(external_id="MAD-01", cups_list=[cups(1), cups(2)])
    erin.consumption(facility, external_id="INV-1")
    deleted(erin, facility)
    new = erin.facility(external_id="MAD-01", cups_list=[cups(2), cups(1)])
    assert new["cups_list"] == [cups(2), cups(1)]
    assert erin.consumption(new, external_id="INV-1")["external_id"] == "INV-1"


def test_a_viewer_may_not_delete(bob: Person, erin: Person) -> None:
    facility = erin.facility()
    assert bob.delete(f"/v1/facilities/{facility['id']}").status == 403
    assert bob.get(f"/v1/facilities/{facility['id']}").status == 200


def test_a_restored_facility_is_what_it_was(erin: Person) -> None:
    points = [cups(3), cups(1), cups(2)]
    facility = erin.facility(external_id="MAD-01", cups_list=points)
    bill = erin.consumption(facility, external_id="INV-1", cups=cups(1))
    gone = erin.consumption(facility)
    assert erin.delete(f"/v1/consumptions/{gone['id']}").status == 204
    path = f"/v1/facilities/{facility['id']}"
    before = erin.get(path).body
    deleted(erin, facility).restore()
    after = erin.get(path).body
    assert {**after, "updated_at": None} == {**before, "updated_at": None}
    assert (after["co2e"], after["cups_list"]) == (Decimal("169.28"), points)
    back = erin.get(f"/v1/consumptions/{bill['id']}").body
    assert (back["co2e"], back["cups"]) == (Decimal("169.28"), cups(1))
    assert erin.get(f"/v1/consumptions/{gone['id']}").status == 404
    answer = erin.post("/v1/facilities", {**before, "external_id": None})
    assert refused(answer)[0] == "cups_list.0"


@each("code", ["external_id", "cups", "consumption"])
def test_a_facility_whose_codes_were_taken_meanwhile_stays_deleted(erin: Person, code: str) -> None:
    facility = erin.facility(external_id="MAD-01", cups_list=[cups(1), cups(2)])
    erin.consumption(facility, external_id="INV-1")
    row = deleted(erin, facility)
    taker = erin.facility(
        external_id="MAD-01" if code == "external_id" else None,
        cups_list=[cups(2)] if code == "cups" else [],
    )
    bill = erin.consumption(taker, external_id="INV-1" if code == "consumption" else None)
    taken = {"external_id": "MAD-01", "cups": cups(2), "consumption": "INV-1"}[code]
    with pytest.raises(ValidationError, match=taken):
        row.restore()
    assert erin.get(f"/v1/facilities/{facility['id']}").status == 404
    assert erin.get("/v1/facilities").body["total"] == 1
    assert erin.get("/v1/consumptions").body["total"] == 1
    assert erin.get(f"/v1/facilities/{taker['id']}").body["co2e"] == bill["co2e"]
    assert erin.facility(cups_list=[cups(1)])["cups_list"] == [cups(1)]


def test_a_deleted_facility_can_be_restored_when_what_took_its_codes_is_gone(
    erin: Person,
) -> None:
    facility = erin.facility(external_id="MAD-01", cups_list=[cups(1)])
    row = deleted(erin, facility)
    taker = erin.facility(external_id="MAD-01", cups_list=[cups(1)])
    with pytest.raises(ValidationError):
        row.restore()
    later = deleted(erin, taker)
    Facility.objects.get(pk=row.pk).restore()
    back = erin.get(f"/v1/facilities/{facility['id']}").body
    assert (back["external_id"], back["cups_list"]) == ("MAD-01", [cups(1)])
    with pytest.raises(ValidationError):
        later.restore()


def test_every_bill_that_goes_or_comes_back_with_it_is_a_new_version(erin: Person) -> None:
    """An inactive one too, whose figures do not change: a copy kept elsewhere must hear of it."""
    site = erin.facility()
    bill = erin.consumption(site, status="inactive")
    row = Consumption.objects.get(pk=bill["id"])
    before = row.updated_at
    erin.delete(f"/v1/facilities/{site['id']}")
    row.refresh_from_db()
    assert row.updated_at > before
    before = row.updated_at
    Facility.objects.get(pk=site["id"]).restore()
    row.refresh_from_db()
    assert row.updated_at > before
