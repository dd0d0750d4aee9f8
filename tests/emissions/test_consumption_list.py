"""GET `/v1/consumptions`: pages, sorting and filters."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from emissions.models import Consumption
from tests.cases import each
from tests.conftest import Person
from tests.emissions.bills import FIELDS, GAS, LIST, without
from tests.facilities.cups import cups
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def store(facility: dict[str, Any], person: Person, *rows: dict[str, Any]) -> list[Consumption]:
    """Consumption written straight to the database, one day younger each."""
    made = []
    for number, row in enumerate(rows):
        moment = NOON + timedelta(days=number)
        fields = {
            "organization": person.organization,
            "facility_id": UUID(facility["id"]),
            "category": "electricity",
            "activity": "grid",
            "quantity": Decimal(1000),
            "unit": "kWh",
            "start_date": date(2024, 1, 1),
            "end_date": date(2024, 1, 31),
            "created_at": moment,
            "updated_at": moment,
            "note": str(number),
            **row,
        }
        if "co2e" in row:
            fields |= {"co2e_market": 0, "co2e_biomass": 0, "co2e_status": "calculated", **row}
        made.append(Consumption(**fields))
    return Consumption.objects.bulk_create(made)


@pytest.fixture
def bills(erin: Person, charlie: Person, facility: dict[str, Any]) -> dict[str, str]:
    """Bills to choose among, by letter; a deleted one and another organization's besides."""
    other = erin.facility()
    electricity = {"external_id": "INV-1", "supplier": "Somebody, S.L.", "cups": cups(1), "co2e": 5}
    gas: dict[str, Any] = {**GAS, "status": "inactive", "cups": cups(2)}
    gas |= {"start_date": date(2024, 2, 1), "end_date": date(2024, 2, 29), "external_id": "INV-2"}
    water: dict[str, Any] = {"category": "water", "activity": "supply", "supplier": "Canal"}
    water |= {"start_date": date(2023, 12, 15), "end_date": date(2024, 1, 15)}
    store(facility, erin, electricity, gas, {"deleted_at": NOON, "external_id": "INV-1"})
    store(other, erin, {**water, "created_at": NOON + timedelta(days=9)})
    store(charlie.facility(), charlie, electricity)
    return {"there": facility["id"], "other": other["id"]}


LETTERS = {"E": "electricity", "G": "heat", "W": "water"}


@each(
    ("query", "found"),
    [
        ("", "WGE"),
        ("facility_id={there}", "GE"),
        ("facility_id={other}", "W"),
        ("facility_id={other}&facility_id={there}", "WGE"),
        ("facility_id[]={other}", "W"),
        ("facility_id=00000000-0000-0000-0000-000000000000", ""),
        ("category=heat", "G"),
        ("category=heat&category=water", "WG"),
        ("category[]=heat&category[]=electricity", "GE"),
        ("category=recharge", ""),
        ("activity=grid", "E"),
        ("activity=grid&activity=supply", "WE"),
        ("activity=GRID", ""),
        ("status=active", "WE"),
        ("status=inactive", "G"),
        ("status[]=active&status[]=inactive", "WGE"),
        ("co2e_status=calculated", "E"),
        ("co2e_status=not_calculated", "WG"),
        ("cups={cups}", "E"),
        ("cups={spaced}", "E"),
        ("cups=nothing", ""),
        ("supplier=Canal", "W"),
        ("supplier=Somebody, S.L.", "E"),
        ("supplier=Canal&supplier=Somebody, S.L.", "WE"),
        ("supplier=Some", ""),
        ("external_id=INV-1", "E"),
        ("external_id=INV-1&external_id=INV-2", "GE"),
        ("external_id=inv-1", ""),
        ("start_date=2024-01-15", "WGE"),
        ("start_date=2024-01-16", "GE"),
        ("start_date=2024-01-31", "GE"),
        ("start_date=2024-02-01", "G"),
        ("start_date=2024-03-01", ""),
        ("end_date=2024-02-01", "WGE"),
        ("end_date=2024-01-31", "WE"),
        ("end_date=2024-01-01", "WE"),
        ("end_date=2023-12-31", "W"),
        ("end_date=2023-12-14", ""),
        ("start_date=2024-01-16&end_date=2024-01-31", "E"),
        ("start_date=2023-12-31&end_date=2023-12-31", "W"),
        ("facility_id={there}&status=active", "E"),
        ("category=water&status=inactive", ""),
        ("data_quality=actual&data_quality=estimated", "WGE"),
        ("data_quality=adjustment", ""),
        ("unit=m3", ""),
        ("unit=kWh&category=electricity", "E"),
        ("country=es", "WGE"),
        ("country=FR", ""),
        ("created_after={eighth}", "W"),
        ("created_before={eighth}", "GE"),
        ("updated_after={eighth}", ""),
        ("updated_before={eighth}", "WGE"),
        ("created_after=2000-01-01T00:00:00Z", "WGE"),
        ("created_before=2000-01-01T00:00:00Z", ""),
        ("updated_after=2100-01-01T00:00:00Z", ""),
        ("updated_before=2100-01-01T00:00:00Z", "WGE"),
    ],
)
def test_a_filter_finds_what_it_names(
    erin: Person, bills: dict[str, str], query: str, found: str
) -> None:
    spaced = f"es {cups(1)[2:10]}-{cups(1)[10:]}"
    eighth = (NOON + timedelta(days=8)).isoformat()
    filled = query.format(**bills, cups=cups(1), spaced=spaced, eighth=eighth)
    query = quote(filled, safe="=&[]")
    answer = erin.get(f"{LIST}?{query}")
    assert answer.status == 200, answer.body
    assert [one["category"] for one in answer.body["items"]] == [LETTERS[one] for one in found]
    assert answer.body["total"] == len(found)


@each(
    ("query", "named"),
    [
        ("colour=green", "colour"),
        ("note=x", "note"),
        ("facility=x", "facility"),
        ("name=x", "name"),
        ("facility_id=x", "facility_id"),
        ("facility_id=", "facility_id"),
        ("facility_id=%25", "facility_id"),
        ("facility_id=%00", "facility_id"),
        ("category=gas", "category"),
        ("category=", "category"),
        ("status=archived", "status"),
        ("status=active&status=x", "status"),
        ("co2e_status=complete", "co2e_status"),
        ("start_date=2024-02-30", "start_date"),
        ("start_date=yesterday", "start_date"),
        ("start_date=2024-1-1", "start_date"),
        ("end_date=２０２４-01-01", "end_date"),
        ("start_date=20240101", "start_date"),
        ("start_date=2024-01-01T00:00:00Z", "start_date"),
        ("end_date=", "end_date"),
        ("end_date=2024-01-01&end_date=2024-01-02", "end_date"),
        ("external_id=%00", "external_id"),
        ("supplier=%00", "supplier"),
        ("activity=%00", "activity"),
        ("cups=%00", "cups"),
        ("sort=note", "sort"),
        ("sort=colour", "sort"),
        ("page=0", "page"),
        ("size=101", "size"),
    ],
)
def test_an_unknown_parameter_or_value_is_refused_by_its_name(
    erin: Person, bills: dict[str, str], query: str, named: str
) -> None:
    assert set(refused(erin.get(f"{LIST}?{query}"))) == {named}


@each("name", sorted(FIELDS - {"note", "co2e_reason"}))
def test_a_list_sorts_by_each_field_both_ways_nulls_last_ties_newest_first(
    erin: Person, facility: dict[str, Any], name: str
) -> None:
    store(
        facility,
        erin,
        {"external_id": "b", "supplier": "other", "cups": cups(2), "quantity": 9, "co2e": 9},
        {"external_id": "a", "supplier": "", "cups": "", "quantity": 10, "co2e": 10},
        {"category": "heat", "activity": "coal", "unit": "t", "data_quality": "estimated"},
        {"supplier": "another", "cups": cups(1), "co2e": Decimal("-0.5"), "status": "inactive"},
        {"start_date": date(2023, 1, 1), "co2e": 0, "co2e_market": 3, "co2e_biomass": 20},
        {"end_date": date(2025, 1, 1), "co2e": 0, "co2e_market": 20, "co2e_biomass": 3},
        {"updated_at": NOON, "category": "water", "activity": "supply"},
    )
    store(erin.facility(), erin, {"external_id": "c"})
    newest_first = erin.get(LIST).body["items"]
    given = [one for one in newest_first if one[name] is not None]
    for sign in ("", "-"):
        expected = sorted(given, key=lambda one: one[name], reverse=sign == "-")
        expected += [one for one in newest_first if one[name] is None]
        listed = erin.get(f"{LIST}?sort={sign}{name}").body["items"]
        assert [one[name] for one in listed] == [one[name] for one in expected]
        assert [one["id"] for one in listed] == [one["id"] for one in expected]


def test_the_default_order_is_newest_first_and_the_page_has_its_members(
    erin: Person, facility: dict[str, Any]
) -> None:
    rows = store(facility, erin, {}, {}, *[{"created_at": NOON}] * 3)
    rows.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
    pages = [erin.get(f"{LIST}?size=2&page={page}").body for page in range(1, 5)]
    assert [one["id"] for page in pages for one in page["items"]] == [str(row.pk) for row in rows]
    for number, page in enumerate(pages, 1):
        assert without(page, "items") == {"total": 5, "page": number, "size": 2, "pages": 3}


def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(
    erin: Person, facility: dict[str, Any]
) -> None:
    store(facility, erin, *[{"co2e": 1, "cups": cups(1)}] * 50)
    erin.get(LIST)  # the first use of a key writes when it was
    costs = []
    for size in (1, 50):
        with CaptureQueriesContext(connection) as queries:
            assert len(erin.get(f"{LIST}?size={size}").body["items"]) == size
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 3, queries.captured_queries
