"""`cups_list`: the supply points of a facility."""

import random
from typing import Any
from uuid import UUID

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from facilities.models import Facility, SupplyPoint
from tests.cases import each
from tests.conftest import Answer, Person
from tests.facilities.cups import cups
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

REAL = "ES1234123456789012JY"


def create(person: Person, cups_list: Any) -> Answer:
    body = {"name": "Madrid Office", "type": "office", "country": "ES", "cups_list": cups_list}
    return person.post("/v1/facilities", body)


@each(
    ("given", "stored"),
    [
        (REAL, REAL),
        (f"{REAL}1F", f"{REAL}1F"),
        ("es1234123456789012jy", REAL),
        ("  ES 1234 1234 5678 9012 JY ", REAL),
        ("ES-1234-1234-5678-9012-JY", REAL),
        ("es 1234-1234 5678-9012 jy 1f", f"{REAL}1F"),
        ("ES 12 34 12 34 56 78 90 12 JY 1 F", f"{REAL}1F"),
        (cups(21000000000001, "9Z"), cups(21000000000001, "9Z")),
        *((f"{REAL}0{letter}", f"{REAL}0{letter}") for letter in "FPRCXYZ"),
    ],
)
def test_a_cups_is_stored_normalised(erin: Person, given: str, stored: str) -> None:
    answer = create(erin, [given])
    assert answer.status == 201
    assert answer.body["cups_list"] == [stored]
    assert erin.get(answer.headers["Location"]).body["cups_list"] == [stored]


@pytest.mark.parametrize(
    ("given", "right"),
    [
        ("ES1234123456789012XY", "JY"),
        ("ES1234123456789012YJ", "JY"),
        ("ES1234123456789012XY1F", "JY"),
        ("ES1234123456789013JY", cups(1234123456789013)[-2:]),
        ("es 0000 0000 0000 0000 aa", "TT"),
    ],
)
def test_wrong_check_letters_are_refused_with_the_right_ones(
    erin: Person, given: str, right: str
) -> None:
    answer = create(erin, [given])
    assert refused(answer) == ["cups_list.0"]
    error = answer.error("cups_list.0")
    assert error["code"] == "invalid_cups"
    assert f"should be {right}." in error["detail"]
    assert given in error["detail"]


@each(
    "given",
    [
        "", " ", "-", "ES", "ES1234123456789012J", f"{REAL}1", f"{REAL}1FF", f"{REAL}1A",
        f"{REAL}F1", "FR1234123456789012JY", "ES12341234567890A2JY",
        f"{REAL}\0", "\ud800", "ñ" * 20, "E" * 5000, None, 7, True, [REAL], {"cups": REAL},
    ],
)  # fmt: skip
def test_what_has_not_the_shape_of_a_cups_is_refused(erin: Person, given: Any) -> None:
    answer = create(erin, [cups(1), given])
    assert refused(answer) == ["cups_list.1"]
    assert erin.get("/v1/facilities").body["total"] == 0


@pytest.mark.parametrize("given", [REAL, {REAL: True}, {"0": REAL}, 7, True, None, [[]]])
def test_cups_list_is_a_list_of_strings(erin: Person, given: Any) -> None:
    answer = create(erin, given)
    assert refused(answer) == ["cups_list.0" if given == [[]] else "cups_list"]


def test_every_wrong_cups_of_a_list_is_named(erin: Person) -> None:
    answer = create(erin, ["ES", cups(1), "ES1234123456789012XY", cups(2), None])
    assert refused(answer) == ["cups_list.0", "cups_list.2", "cups_list.4"]


@pytest.mark.parametrize("again", [REAL, "es 1234-1234 5678-9012 jy"])
def test_a_cups_twice_in_one_list_is_refused_at_the_second(erin: Person, again: str) -> None:
    answer = create(erin, [cups(1), REAL, cups(2), again])
    assert refused(answer) == ["cups_list.3"]
    assert answer.error("cups_list.3")["code"] == "duplicate"
    assert REAL in answer.error("cups_list.3")["detail"]


def test_a_supply_point_and_its_border_point_are_two_cups(erin: Person) -> None:
    assert create(erin, [REAL, f"{REAL}1F", f"{REAL}1P"]).status == 201


def test_a_list_may_be_long_but_not_endless(erin: Person) -> None:
    numbers = list(range(1, 101))
    random.Random(1).shuffle(numbers)
    given = [cups(number) for number in numbers]
    answer = create(erin, given)
    assert answer.status == 201
    assert answer.body["cups_list"] == given
    answer = create(erin, [cups(number) for number in range(1001, 1102)])
    assert refused(answer) == ["cups_list"]


@pytest.mark.parametrize("verb", ["PUT", "PATCH"])
def test_a_written_list_replaces_the_stored_one_and_keeps_its_order(
    erin: Person, verb: str
) -> None:
    path = create(erin, [cups(1), cups(2), cups(3)]).headers["Location"]
    for given in (
        [cups(3), cups(1), cups(2)],
        [cups(2)],
        [cups(5), cups(2), cups(4)],
        [cups(5), cups(2), cups(4)],
        [],
        [cups(1)],
    ):
        answer = erin.call(verb, path, {"cups_list": given})
        assert (answer.status, answer.body["cups_list"]) == (200, given)
        assert erin.get(path).body["cups_list"] == given
    assert create(erin, [cups(5), cups(2), cups(4), cups(3)]).status == 201


def test_a_change_of_something_else_leaves_the_list(erin: Person) -> None:
    path = create(erin, [cups(2), cups(1)]).headers["Location"]
    points = list(SupplyPoint.objects.values_list("pk", flat=True))
    assert erin.patch(path, {"name": "Renamed"}).body["cups_list"] == [cups(2), cups(1)]
    assert erin.patch(path, {"cups_list": [cups(2), cups(1)]}).status == 200
    assert list(SupplyPoint.objects.values_list("pk", flat=True)) == points


def test_a_refused_list_leaves_the_stored_one(erin: Person) -> None:
    path = create(erin, [cups(1)]).headers["Location"]
    create(erin, [cups(2)])
    for given in ([cups(3), cups(2)], [cups(3), "ES"], [cups(3), cups(3)]):
        assert refused(erin.patch(path, {"cups_list": given})) == ["cups_list.1"]
    assert erin.get(path).body["cups_list"] == [cups(1)]


@pytest.mark.parametrize("status", ["active", "archived"])
def test_a_cups_of_another_facility_is_refused_where_it_stands(erin: Person, status: str) -> None:
    held = create(erin, [cups(1), cups(2)])
    erin.patch(held.headers["Location"], {"status": status})
    free = create(erin, []).headers["Location"]
    given = [cups(3), cups(2).lower(), cups(4), cups(1)]
    for answer in (create(erin, given), erin.patch(free, {"cups_list": given})):
        assert sorted(refused(answer)) == ["cups_list.1", "cups_list.3"]
        assert answer.error("cups_list.1")["code"] == "taken"
        assert cups(2) in answer.error("cups_list.1")["detail"]
    assert erin.get(free).body["cups_list"] == []


def test_a_cups_is_free_when_its_facility_lets_it_go_or_is_deleted(erin: Person) -> None:
    first = create(erin, [cups(1), cups(2)]).headers["Location"]
    erin.patch(first, {"cups_list": [cups(2)]})
    second = create(erin, [cups(1)]).headers["Location"]
    assert refused(erin.patch(second, {"cups_list": [cups(1), cups(2)]})) == ["cups_list.1"]
    assert erin.delete(first).status == 204
    answer = erin.patch(second, {"cups_list": [cups(1), cups(2)]})
    assert answer.body["cups_list"] == [cups(1), cups(2)]


def test_a_cups_belongs_to_one_facility_of_each_organization(erin: Person, charlie: Person) -> None:
    assert create(erin, [REAL]).status == create(charlie, [REAL]).status == 201
    theirs = charlie.get("/v1/facilities").body["items"]
    assert [one["cups_list"] for one in theirs] == [[REAL]]


def point(facility_id: str, cups: str = REAL, **fields: Any) -> SupplyPoint:
    """A supply point stored past every check but the database's."""
    organization_id = Facility.objects.values_list("organization_id", flat=True).get(pk=facility_id)
    with transaction.atomic():
        return SupplyPoint.objects.create(
            facility_id=UUID(facility_id), organization_id=organization_id, cups=cups, **fields
        )


@pytest.mark.parametrize("same_facility", [True, False])
def test_the_database_itself_holds_a_cups_to_one_facility(
    erin: Person, charlie: Person, same_facility: bool
) -> None:
    first, second, theirs = erin.facility(), erin.facility(), charlie.facility()
    point(first["id"])
    with pytest.raises(IntegrityError, match=r"supply_point_cups_unique|UNIQUE constraint failed"):
        point((first if same_facility else second)["id"])
    point(second["id"], cups(2))
    point(second["id"], released_at=timezone.now())
    point(theirs["id"])


@pytest.mark.parametrize("value", ["", "ES1234", f"{REAL}1"])
def test_the_database_itself_holds_the_length(erin: Person, value: str) -> None:
    facility = erin.facility()
    with pytest.raises(IntegrityError, match="supply_point_cups_length"):
        point(facility["id"], value)
