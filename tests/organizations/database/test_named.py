"""Statements about an organization's rows say whose they are, whoever writes them."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.conf import settings
from django.db import connection, models
from django.test.utils import CaptureQueriesContext

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility, SupplyPoint
from organizations.database import wall
from organizations.database.tenant import about
from organizations.models import Membership, Organization
from tests import named
from tests.conftest import Person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(connection.vendor != "postgresql", reason="Citus is PostgreSQL"),
]
ROW, MINE = UUID(int=1), UUID(int=2)
QUERIES: dict[str, Callable[[], object]] = {
    "a row by its id": lambda: list(Facility.objects.filter(pk=ROW)),
    "whether there is one": lambda: Facility.objects.filter(pk=ROW).exists(),
    "a count": lambda: Facility.objects.count(),
    "a sum": lambda: Facility.objects.aggregate(models.Sum("co2e")),
    "a sum of a part": lambda: Facility.objects.order_by("pk")[:2].aggregate(models.Max("co2e")),
    "a group": lambda: list(Facility.objects.values("country").annotate(models.Count("pk"))),
    "a group with a condition": lambda: list(
        Facility.objects.values("country").annotate(n=models.Count("pk")).filter(n__gt=1)
    ),
    "two together": lambda: list(
        Facility.objects.filter(pk=ROW).values("pk").union(Facility.objects.values("pk"))
    ),
    "what a row refers to": lambda: list(Consumption.objects.select_related("facility")),
    "what refers to a row": lambda: list(Facility.objects.filter(supply_points__cups="ES1")),
    "what may refer to a row": lambda: list(Facility.objects.order_by("supply_points__cups")),
    "what refers to none": lambda: list(Facility.objects.exclude(consumptions__unit="kWh")),
    "a row under a lock": lambda: list(Facility.objects.filter(pk=ROW).select_for_update()),
    "what is about a row": lambda: list(Facility.history.filter(id=ROW)),
    "a change": lambda: Facility.objects.filter(pk=ROW).update(name="x"),
    "a change of what is joined": lambda: SupplyPoint.objects.filter(facility__country="ES").update(
        released_at=None
    ),
    "a deletion": lambda: SupplyPoint.objects.filter(pk=ROW).delete(),
    "a deletion by what is joined": lambda: SupplyPoint.objects.filter(
        facility__country="ES"
    )._raw_delete("default"),
    "an organization": lambda: list(Organization.objects.filter(name="x")),
    "a factor": lambda: list(EmissionFactor.objects.filter(pk=ROW)),
    "an own factor": lambda: list(EmissionFactor.objects.exclude(organization=None)),
}


@pytest.mark.parametrize("what", QUERIES)
def test_what_is_asked_for_an_organization_names_it(what: str) -> None:
    with CaptureQueriesContext(connection) as captured, about(MINE):
        QUERIES[what]()
    sent = [one["sql"] for one in captured.captured_queries]
    assert sent
    for sql in sent:
        assert named.unnamed(sql) == (), sql
        assert MINE.hex in sql


@pytest.mark.parametrize("what", sorted(set(QUERIES) - {"an organization"}))
def test_what_is_asked_for_nobody_in_particular_does_not(what: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        QUERIES[what]()
    assert any(named.unnamed(one["sql"]) for one in captured.captured_queries)


def test_whose_rows_the_wall_shows_are_named_too() -> None:
    two = [MINE, uuid4()]
    with CaptureQueriesContext(connection) as captured, wall.seeing(wall.organizations(two)):
        Facility.objects.filter(pk=ROW).exists()
    assert all(one.hex in captured.captured_queries[-1]["sql"] for one in two)


def test_an_organization_that_a_query_names_itself_is_not_named_twice() -> None:
    with CaptureQueriesContext(connection) as captured, about(MINE):
        list(Facility.objects.for_organization(MINE).filter(pk=ROW))
        list(EmissionFactor.objects.usable_by(MINE).filter(pk=ROW))
    assert [one["sql"].count(MINE.hex) for one in captured.captured_queries] == [1, 1]


def test_rows_are_kept_though_nothing_is_joined_to_them(alice: Person) -> None:
    site = alice.facility(cups_list=[])
    with about(alice.organization.pk):
        found = Facility.objects.order_by("supply_points__cups").values_list("pk", flat=True)
        assert list(map(str, found)) == [site["id"]]


def test_published_factors_are_there_for_everybody(alice: Person, charlie: Person) -> None:
    mine, theirs = alice.factor()["id"], charlie.factor()["id"]
    with about(alice.organization.pk):
        seen = set(map(str, EmissionFactor.objects.values_list("pk", flat=True)))
    assert mine in seen
    assert theirs not in seen
    assert len(seen) > 4000


def test_what_is_compiled_for_one_organization_answers_another(
    alice: Person, charlie: Person
) -> None:
    for person in (alice, charlie):
        site = person.facility()
        person.consumption(site)
        listed = person.get("/v1/consumptions").body["items"]
        assert [one["facility_id"] for one in listed] == [site["id"]]


SAID = {
    'SELECT "f"."id" FROM "facilities_facility" "f" WHERE "f"."organization_id" = %s': (),
    "UPDATE facilities_facility SET name = %s WHERE organization_id = %s AND id = %s": (),
    "INSERT INTO facilities_facility (id, organization_id) VALUES (%s, %s)": (),
    "INSERT INTO facilities_facility (id) VALUES (%s)": ("facilities_facility",),
    'SELECT 1 FROM "facilities_facility" WHERE "facilities_facility"."id" = %s': (
        "facilities_facility",
    ),
    'SELECT 1 FROM "facilities_meter" INNER JOIN "facilities_facility" ON'
    ' ("facilities_meter"."facility_id" = "facilities_facility"."id")'
    ' WHERE "facilities_meter"."organization_id" = %s': ("facilities_facility",),
    'SELECT 1 FROM "facilities_meter" INNER JOIN "facilities_facility" ON'
    ' ("facilities_meter"."organization_id" = "facilities_facility"."organization_id")': (
        "facilities_facility",
        "facilities_meter",
    ),
    'DELETE FROM "facilities_meter" WHERE "facilities_meter"."id" IN (SELECT U0."id" FROM'
    ' "facilities_meter" U0 WHERE U0."organization_id" = %s)': ("facilities_meter",),
    'SELECT 1 FROM "organizations_organization" WHERE "organizations_organization"."id" = %s': (),
    'SELECT 1 FROM "facilities_facility" WHERE NOT ("facilities_facility"."organization_id" IS'
    " NULL)": ("facilities_facility",),
    "SELECT 1 FROM organizations_user": (),
}


@pytest.mark.parametrize("sql", SAID)
def test_what_names_no_organization_is_found(sql: str) -> None:
    assert named.unnamed(sql) == SAID[sql]


def test_what_the_product_sends_without_it_fails_a_test() -> None:
    """Code as if it stood in the product; what this test itself sends is its own."""
    place = Path(settings.BASE_DIR) / "facilities" / "forgetful.py"
    scope: dict[str, Any] = {"Membership": Membership}
    exec(compile("def forget(): return Membership.objects.first()", place, "exec"), scope)
    Membership.objects.first()
    assert named.found == []
    scope["forget"]()
    [found] = named.found
    assert "facilities/forgetful.py:1 forget" in found
    named.found.clear()
