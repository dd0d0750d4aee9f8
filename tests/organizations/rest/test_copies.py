"""`?cursor=`: a list as what has changed, in the order of `updated_at, id`."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from emissions.models import Consumption, EmissionFactor, FactorSource, Recalculation
from facilities.models import Facility
from organizations.models import GWPSet, Organization
from tests.cases import each
from tests.conftest import Person
from tests.copies import Copy, assert_equal, stamps_held
from tests.facilities.cups import cups
from tests.wire import assert_refused

pytestmark = pytest.mark.django_db

LISTS = ["facilities", "consumptions", "emission-factors", "recalculations"]
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
OWN = "include_deleted=true&own=true"


def some(organization: Organization, count: int, **fields: Any) -> list[Facility]:
    """Facilities that have all been changed at one moment, as an import stores them."""
    return Facility.objects.bulk_create(
        Facility(
            organization=organization,
            name=f"Site {number}",
            type="office",
            country="ES",
            updated_at=NOON,
            **fields,
        )
        for number in range(count)
    )


def ids(rows: Iterable[dict[str, Any]]) -> list[str]:
    return [one["id"] for one in rows]


def test_a_copy_is_read_page_by_page_until_there_is_no_cursor(erin: Person) -> None:
    one, two, three = (erin.facility(name=name) for name in "abc")
    first = erin.get("/v1/facilities?cursor=&size=2").body
    assert first.keys() == {"items", "next_cursor"}
    assert first["items"] == [one, two]
    second = erin.get(f"/v1/facilities?cursor={first['next_cursor']}&size=2").body
    assert second["items"] == [three]
    end = erin.get(f"/v1/facilities?cursor={second['next_cursor']}&size=2").body
    assert end == {"items": [], "next_cursor": None}


@pytest.mark.parametrize("name", LISTS)
def test_a_copy_of_nothing_is_empty_and_begins_anew(bob: Person, name: str) -> None:
    query = "&own=true" if name == "emission-factors" else ""
    assert bob.get(f"/v1/{name}?cursor={query}").body == {"items": [], "next_cursor": None}


def test_from_the_last_cursor_comes_only_what_has_changed_since(erin: Person) -> None:
    one, two = erin.facility(name="One"), erin.facility(name="Two")
    copy = Copy(erin, "facilities")
    assert ids(copy.walk()) == ids([one, two])
    assert copy.walk() == []
    three = erin.facility(name="Three")
    erin.patch(f"/v1/facilities/{one['id']}", {"name": "First"})
    assert [row["name"] for row in copy.walk()] == ["Three", "First"]
    erin.patch(f"/v1/facilities/{three['id']}", {"type": "depot"})
    assert ids(copy.walk()) == [three["id"]]
    assert copy.walk() == []
    assert_equal(copy)


def test_rows_of_one_moment_come_once_each_in_the_order_of_their_ids(bob: Person) -> None:
    made = some(bob.organization, 23)
    copy = Copy(bob, "facilities")
    assert ids(copy.walk(size=4)) == sorted(str(one.pk) for one in made)


def test_rows_of_before_and_after_a_full_second_stand_in_their_order(bob: Person) -> None:
    """SQLite keeps moments as text, and whole seconds without a fraction."""
    made = some(bob.organization, 3)
    for row, microseconds in zip(made, (-1, 0, 1), strict=True):
        moment = NOON + timedelta(microseconds=microseconds)
        Facility.objects.filter(pk=row.pk).update(updated_at=moment)
    assert ids(Copy(bob, "facilities").walk(size=1)) == [str(one.pk) for one in made]


def test_deleted_rows_come_if_they_are_asked_for(erin: Person) -> None:
    site = erin.facility(external_id="MAD-01", cups_list=[cups(1)])
    bill = erin.consumption(site, external_id="B-1")
    factor = erin.factor()
    copies = [Copy(erin, name) for name in ("facilities", "consumptions")]
    copies.append(Copy(erin, "emission-factors", OWN))
    for copy in copies:
        copy.walk()
    without = Copy(erin, "facilities", "include_deleted=false")
    without.walk()
    erin.delete(f"/v1/facilities/{site['id']}")
    erin.delete(f"/v1/emission-factors/{factor['id']}")
    external_ids = ["MAD-01", "B-1", None]
    for copy, one, external_id in zip(copies, (site, bill, factor), external_ids, strict=True):
        [gone] = copy.walk()
        assert gone.keys() == {"id", "external_id", "deleted_at", "updated_at"}
        assert (gone["id"], gone["external_id"]) == (one["id"], external_id)
        assert gone["deleted_at"] <= gone["updated_at"]
        assert_equal(copy, "own=true" if copy.name == "emission-factors" else "")
    assert without.walk() == []
    Facility.objects.get().restore()
    for copy in [*copies[:2], without]:
        assert len(copy.walk()) == 1
        if copy is not without:
            assert_equal(copy)


def test_a_copy_of_deleted_rows_alone_ends_too(bob: Person) -> None:
    some(bob.organization, 9, deleted_at=NOON)
    assert bob.get("/v1/facilities?cursor=").body == {"items": [], "next_cursor": None}
    assert len(Copy(bob, "facilities").walk(size=4)) == 9


def test_the_filters_of_the_list_choose_what_a_copy_is_of(erin: Person) -> None:
    spain, france = erin.facility(country="ES"), erin.facility(country="FR")
    bills = [erin.consumption(spain), erin.consumption(france)]
    copy = Copy(erin, "facilities", "country=FR")
    assert ids(copy.walk()) == [france["id"]]
    erin.facility(country="ES")
    assert copy.walk() == []
    moment = bills[1]["updated_at"].replace("Z", "%2B00:00")
    later = Copy(erin, "consumptions", f"updated_after={moment}")
    assert ids(later.walk()) == [bills[1]["id"]]
    mine = Copy(erin, "consumptions", f"facility_id={spain['id']}&category=electricity")
    assert ids(mine.walk()) == [bills[0]["id"]]


def test_a_deleted_facility_is_still_told_by_the_codes_it_had(erin: Person) -> None:
    site = erin.facility(cups_list=[cups(1)], meter_list=["M 1"])
    copies = [
        Copy(erin, "facilities", f"include_deleted=true&cups={cups(1)}"),
        Copy(erin, "facilities", "include_deleted=true&meter=M1"),
    ]
    for copy in copies:
        assert ids(copy.walk()) == [site["id"]]
    erin.delete(f"/v1/facilities/{site['id']}")
    for copy in copies:
        assert ids(copy.walk()) == [site["id"]]
        assert copy.gone


def test_bills_of_a_country_hear_that_their_facility_has_moved_there(erin: Person) -> None:
    site = erin.facility(country="DE")
    bill = erin.consumption(site, status="inactive")
    copy = Copy(erin, "consumptions", "country=ES")
    assert copy.walk() == []
    erin.patch(f"/v1/facilities/{site['id']}", {"country": "ES"})
    assert ids(copy.walk()) == [bill["id"]]


def test_published_factors_and_own_ones_are_one_copy_and_nobody_elses(
    erin: Person, charlie: Person
) -> None:
    charlie.factor()
    mine = erin.factor()
    published = EmissionFactor.objects.filter(organization=None)
    copy = Copy(erin, "emission-factors", "")
    came = copy.walk(size=100)
    assert len(came) == published.count() + 1
    assert {one["id"] for one in came if one["own"]} == {mine["id"]}
    first = published.first()
    assert first
    first.note = "Checked"
    first.save()
    erin.patch(f"/v1/emission-factors/{mine['id']}", {"note": "Mine"})
    assert [one["note"] for one in copy.walk()] == ["Checked", "Mine"]


def test_what_a_source_says_of_itself_comes_with_all_of_its_factors(erin: Person) -> None:
    source = FactorSource.objects.get(pk="ember")
    copy = Copy(erin, "emission-factors", "source=ember&country=ES&method=location")
    assert len(copy.walk()) > 1
    source.attribution = "Ember"
    source.save()
    assert {one["source"]["attribution"] for one in copy.walk()} == {"Ember"}
    assert set(copy.rows) == {version[0] for version in copy.seen}


def test_a_copy_of_recalculations_shows_how_far_they_are(bob: Person) -> None:
    row = Recalculation.objects.create(
        organization=bob.organization, cause="a change", reaches=[], facilities=1, consumptions=1
    )
    copy = Copy(bob, "recalculations", "")
    assert ids(copy.walk()) == [str(row.pk)]
    row.state = "running"
    row.save()
    assert [one["state"] for one in copy.walk()] == ["running"]


def test_a_bill_keeps_its_stored_reason_while_its_facility_is_recalculated(erin: Person) -> None:
    """The facility says it; its bills are not all written twice to say it too."""
    site = erin.facility()
    erin.consumption(site)
    inactive = erin.consumption(site, status="inactive")
    Facility.objects.update(co2e_status="recalculating")
    listed = erin.get("/v1/consumptions").body["items"]
    assert {one["co2e_reason"].partition(":")[0] for one in listed} == {"recalculating"}
    copied = {one["id"]: one["co2e_reason"] for one in Copy(erin, "consumptions").walk()}
    assert copied.pop(inactive["id"]) == "inactive"
    assert list(copied.values()) == [None]


def change_everything(alice: Person) -> Iterable[str]:
    """Changes of every kind, one after the other."""
    site, other = alice.facility(external_id="S-1"), alice.facility(country="FR")
    bill = alice.consumption(site, external_id="B-1")
    alice.consumption(site, start_date="1950-01-01", end_date="1950-01-31")
    refill = {"activity": "R-410A", "unit": "kg", "quantity": 2, "end_date": "2023-03-01"}
    alice.consumption(site, category="recharge", **refill)
    yield "created"
    for name, value in {
        "name": "New", "country": "PT", "categories": ["electricity"], "cups_list": [cups(1)],
        "meter_list": ["M-1"], "status": "archived", "logistic_factor": Decimal("0.5"),
    }.items():  # fmt: skip
        alice.patch(f"/v1/facilities/{site['id']}", {name: value})
        yield f"facility {name}"
    for name, value in {
        "quantity": 7, "facility_id": other["id"], "status": "inactive", "note": "Read",
    }.items():  # fmt: skip
        alice.patch(f"/v1/consumptions/{bill['id']}", {name: value})
        yield f"bill {name}"
    alice.patch(f"/v1/consumptions/{bill['id']}", {"status": "active"})
    factor = alice.factor(country="FR")
    yield "factor created"
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": 1})
    yield "factor changed"
    alice.delete(f"/v1/emission-factors/{factor['id']}")
    yield "factor deleted"
    row = EmissionFactor.objects.get(pk=factor["id"])
    row.restore()
    yield "factor restored"
    published = EmissionFactor.objects.filter(country="FR", activity="grid", organization=None)
    for one in published.filter(valid_from__year__gte=2022):
        one.co2e += 1
        one.save()
    yield "published factors changed"
    organization = Organization.objects.get(pk=alice.organization.pk)
    organization.gwp_set = GWPSet.AR4
    organization.save()
    yield "GWP set changed"
    sites = [{"external_id": "S-1", "name": "Imported", "type": "x", "country": "ES"}]
    alice.post("/v1/imports?kind=facilities", sites)
    yield "facility imported"
    alice.post("/v1/imports?kind=facilities", [{**sites[0], "name": "Once more"}])
    yield "facility imported again"
    rows = [
        {
            "external_id": name, "facility_id": other["id"], "category": "electricity",
            "quantity": 11, "unit": "kWh", "start_date": start, "end_date": end,
        }
        for name, start, end in (
            ("B-1", "2023-03-01", "2023-03-31"), ("B-2", "2023-05-01", "2023-05-31"),
        )
    ]  # fmt: skip
    assert alice.post("/v1/imports?kind=consumption", rows).body["created"] == 1
    yield "bills imported"
    alice.delete(f"/v1/facilities/{other['id']}")
    yield "facility deleted"
    Facility.objects.get(pk=other["id"]).restore()
    yield "facility restored"
    alice.delete(f"/v1/consumptions/{bill['id']}")
    yield "bill deleted"
    Consumption.objects.get(pk=bill["id"]).restore()
    yield "bill restored"


def test_every_change_moves_its_row_and_comes_to_the_copy(alice: Person) -> None:
    copies = [Copy(alice, "facilities"), Copy(alice, "consumptions")]
    copies.append(Copy(alice, "emission-factors", OWN))
    with stamps_held():
        for what in change_everything(alice):
            for copy in copies:
                copy.walk(size=3)
                try:
                    assert_equal(copy, "own=true" if copy.name == "emission-factors" else "")
                except AssertionError as error:
                    raise AssertionError(f"{what}: {error}") from error


@each("name", LISTS)
@each(
    "cursor",
    ["x", "null", "%00", "A" * 44, "=" * 44, "Ab8mILqtItEGAAZhQBsrygIBohyy-5VwKrGgxXIEV90",
     "%C3%A9", "0", "a" * 4000, "_" * 44, " "],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_what_is_no_cursor_is_refused(bob: Person, name: str, cursor: str) -> None:
    assert_refused(bob.get(f"/v1/{name}?cursor={cursor}"), "cursor")


def test_a_cursor_is_taken_as_it_was_given_and_no_other_way(bob: Person) -> None:
    some(bob.organization, 2)
    good = bob.get("/v1/facilities?cursor=&size=1").body["next_cursor"]
    assert bob.get(f"/v1/facilities?cursor={good}").status == 200
    assert bob.get(f"/v1/facilities?cursor[]={good}").status == 200
    assert_refused(bob.get(f"/v1/facilities?cursor={good}&cursor={good}"), "cursor")
    for bad in (good[:-1], good + "A", good + "=", f"{good}%0A", "B" + good[1:]):
        assert_refused(bob.get(f"/v1/facilities?cursor={bad}"), "cursor")
    far = urlsafe_b64encode(bytes([1]) + bytes(8) + bytes([127]) * 8 + UUID(int=1).bytes).decode()
    assert_refused(bob.get(f"/v1/facilities?cursor={far}"), "cursor")


@each(
    "query",
    ["country=ES", "status=active", "include_deleted=true", "updated_after=2023-01-01T00:00:00Z",
     "name=site", "co2e_max=1"],
)  # fmt: skip
def test_a_cursor_of_other_filters_is_refused(bob: Person, query: str) -> None:
    some(bob.organization, 2)
    for before, after in (("", query), (query, "")):
        cursor = bob.get(f"/v1/facilities?cursor=&size=1&{before}").body["next_cursor"]
        assert_refused(bob.get(f"/v1/facilities?cursor={cursor}&{after}"), "cursor")
        assert bob.get(f"/v1/facilities?cursor={cursor}&{before}").status == 200


def test_a_cursor_of_another_list_or_organization_is_refused(erin: Person, charlie: Person) -> None:
    erin.consumption(erin.facility())
    charlie.facility()
    cursors = {
        name: erin.get(f"/v1/{name}?cursor=&size=1").body["next_cursor"] for name in LISTS[:3]
    }
    for name in LISTS[:3]:
        for other, cursor in cursors.items():
            expected = 200 if name == other else 422
            assert erin.get(f"/v1/{name}?cursor={cursor}").status == expected
        assert_refused(charlie.get(f"/v1/{name}?cursor={cursors[name]}"), "cursor")


def test_the_same_filters_written_otherwise_and_another_size_go_on(bob: Person) -> None:
    some(bob.organization, 5)
    begin = "status=active&country=ES&country=PT&include_deleted=false"
    cursor = bob.get(f"/v1/facilities?cursor=&size=2&{begin}").body["next_cursor"]
    again = f"country[]=prt&country[]=es&status[]=active&size=100&cursor={cursor}"
    assert len(bob.get(f"/v1/facilities?{again}").body["items"]) == 3


@each("name", LISTS)
def test_a_copy_has_no_pages_and_no_other_order(bob: Person, name: str) -> None:
    for parameter in ("page=1", "page=2", "page[]=1", "sort=id", "sort=-updated_at"):
        field = parameter.partition("=")[0].removesuffix("[]")
        assert_refused(bob.get(f"/v1/{name}?cursor=&{parameter}"), field)
    for parameter in ("size=0", "size=101", "size=x", "nope=1"):
        assert_refused(bob.get(f"/v1/{name}?cursor=&{parameter}"), parameter.partition("=")[0])


def test_one_answer_names_everything_that_is_wrong(bob: Person) -> None:
    query = "cursor=x&page=1&sort=id&size=0&include_deleted=perhaps&country=Spain"
    answer = bob.get(f"/v1/facilities?{query}")
    expected = {"cursor", "page", "sort", "size", "include_deleted", "country"}
    assert set(answer.fields) == expected


def test_deleted_rows_come_with_a_copy_alone(bob: Person) -> None:
    for name in LISTS[:3]:
        assert_refused(bob.get(f"/v1/{name}?include_deleted=true"), "include_deleted")
        assert_refused(bob.get(f"/v1/{name}?include_deleted=x"), "include_deleted")
        assert_refused(bob.get(f"/v1/{name}?cursor=&include_deleted="), "include_deleted")
        assert bob.get(f"/v1/{name}?include_deleted=false").body.keys() > {"total", "pages"}
    assert_refused(bob.get("/v1/recalculations?cursor=&include_deleted=true"), "include_deleted")


def test_lists_without_a_copy_do_not_know_a_cursor(alice: Person) -> None:
    for name in ("api-keys", "imports", "import-layouts", "missing-factors"):
        assert_refused(alice.get(f"/v1/{name}?cursor="), "cursor")


def test_a_copy_is_of_the_callers_rows_whatever_the_cursor_says(
    bob: Person, charlie: Person
) -> None:
    some(charlie.organization, 3)
    some(bob.organization, 3)
    copy = Copy(bob, "facilities")
    mine = {str(pk) for pk in Facility.objects.for_organization(bob.organization.pk).values_list(
        "pk", flat=True
    )}  # fmt: skip
    assert set(ids(copy.walk(size=1))) == mine
    assert bob.get(f"/v1/facilities?cursor=&external_id={uuid4()}").body["items"] == []
