"""GET /v1/facilities: pages, sorting and filters."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from facilities.models import Facility, SupplyPoint
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
SORTED_BY = [
    "id", "external_id", "name", "type", "country", "region", "address", "logistic_factor",
    "status", "co2e", "co2e_market", "co2e_biomass", "co2e_status", "created_at", "updated_at",
]  # fmt: skip


def store(organization: Organization, *rows: dict[str, Any]) -> list[Facility]:
    """Facilities written straight to the database, one day younger each."""
    made = [
        Facility(
            **{
                "organization": organization,
                "name": f"Site {number:03d}",
                "type": "office",
                "country": "ES",
                "created_at": NOON + timedelta(days=number),
                "updated_at": NOON + timedelta(days=number),
                **row,
            }
        )
        for number, row in enumerate(rows)
    ]
    return Facility.objects.bulk_create(made)


def hold(facility: Facility, *numbers: int) -> None:
    """Gives a facility its CUPS."""
    SupplyPoint.objects.bulk_create(
        SupplyPoint(organization_id=facility.organization_id, facility=facility, cups=cups(number))
        for number in numbers
    )


def names(person: Person, query: str = "") -> list[str]:
    answer = person.get(f"/v1/facilities?{query}")
    assert answer.status == 200, answer.body
    assert answer.body["total"] == len(answer.body["items"])
    return [one["name"] for one in answer.body["items"]]


def test_a_page_has_exactly_these_members(erin: Person) -> None:
    assert erin.get("/v1/facilities").body == {
        "items": [], "total": 0, "page": 1, "size": 50, "pages": 0,
    }  # fmt: skip
    facility = erin.facility(cups_list=[cups(1)])
    assert erin.get("/v1/facilities").body == {
        "items": [facility], "total": 1, "page": 1, "size": 50, "pages": 1,
    }  # fmt: skip


@each(
    ("query", "count", "page", "size", "pages"),
    [
        ("", 50, 1, 50, 3),
        ("page=3", 5, 3, 50, 3),
        ("size=100", 100, 1, 100, 2),
        ("size=100&page=2", 5, 2, 100, 2),
        ("size=1&page=105", 1, 105, 1, 105),
        ("size=35&page=3", 35, 3, 35, 3),
        ("page=4", 0, 4, 50, 3),
        (f"page={10**17}", 0, 10**17, 50, 3),
        (f"page={10**17}&size=100", 0, 10**17, 100, 2),
    ],
)
def test_lists_come_in_pages_and_a_page_past_the_end_is_empty(
    bob: Person, query: str, count: int, page: int, size: int, pages: int
) -> None:
    store(bob.organization, *[{}] * 105)
    body = bob.get(f"/v1/facilities?{query}").body
    assert len(body.pop("items")) == count
    assert body == {"total": 105, "page": page, "size": size, "pages": pages}


@each(
    "value",
    ["0", "-1", "abc", "", "1.5", "1e1", "%2B1", "0x10", "%D9%A1", "%C2%B2", "%00", " ", "null"],
)
def test_a_page_or_size_that_is_no_whole_number_is_refused(bob: Person, value: str) -> None:
    for name in ("page", "size"):
        assert refused(bob.get(f"/v1/facilities?{name}={value}")) == [name]


def test_a_size_is_100_at_most(bob: Person) -> None:
    for value in ("101", "1000", "9" * 400):
        assert refused(bob.get(f"/v1/facilities?size={value}")) == ["size"]


@each("query", ["", "sort=country&", "sort=-co2e,type&"])
def test_the_order_is_total_and_newest_first_where_nothing_else_decides(
    bob: Person, query: str
) -> None:
    """Rows of one moment and of one kind: their pages hold each of them once, in one order."""
    ids = [uuid4() for _ in range(9)]
    rows = store(bob.organization, {}, {}, *[{"id": pk, "created_at": NOON} for pk in ids])
    rows.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
    listed = [
        one["id"]
        for page in range(1, 12)
        for one in bob.get(f"/v1/facilities?{query}size=1&page={page}").body["items"]
    ]
    assert listed == [str(row.pk) for row in rows]


@each("name", SORTED_BY)
def test_a_list_sorts_by_each_field_both_ways_nulls_last_ties_newest_first(
    bob: Person, name: str
) -> None:
    store(
        bob.organization,
        {"external_id": "b", "region": "sur", "address": "calle 2", "co2e": 9, "country": "PT"},
        {"external_id": "a", "region": "", "address": "", "co2e": 10, "type": "depot"},
        {"region": "norte", "co2e": Decimal("-0.5"), "co2e_status": "incomplete"},
        {"external_id": "c", "address": "avenida", "co2e_market": 3, "status": "archived"},
        {"name": "alpha", "logistic_factor": Decimal("0.15"), "co2e_biomass": 100},
        {"name": "beta", "logistic_factor": 1, "co2e_market": 20, "updated_at": NOON},
        {"name": "alpha", "logistic_factor": 0, "co2e_biomass": Decimal("20.5")},
    )
    newest_first = bob.get("/v1/facilities").body["items"]
    given = [one for one in newest_first if one[name] is not None]
    for sign in ("", "-"):
        expected = sorted(given, key=lambda one: one[name], reverse=sign == "-")
        expected += [one for one in newest_first if one[name] is None]
        listed = bob.get(f"/v1/facilities?sort={sign}{name}").body["items"]
        assert [one[name] for one in listed] == [one[name] for one in expected]
        assert [one["id"] for one in listed] == [one["id"] for one in expected]


def test_a_list_sorts_by_several_fields(bob: Person) -> None:
    store(
        bob.organization,
        {"name": "a", "country": "PT", "co2e": 1},
        {"name": "b", "country": "ES", "co2e": 1},
        {"name": "c", "country": "ES", "co2e": 2},
        {"name": "d", "country": "PT", "co2e": 2},
    )
    assert names(bob, "sort=country,-co2e") == ["c", "b", "d", "a"]
    assert names(bob, "sort=-co2e,country") == ["c", "d", "b", "a"]
    assert names(bob, "sort=-co2e") == ["d", "c", "b", "a"]


@each(
    "value",
    [
        "colour", "cups_list", "organization", "organization_id", "deleted_at", "name,colour",
        "name,name", "name,-name", "--name", "-", ",", "name,", ",name",
        "%2Bname", "Name", "name%00", "name desc", "?",
        "supply_points__cups", "organization__name", "x" * 5000,
    ],
)  # fmt: skip
def test_an_unknown_sort_is_refused(bob: Person, value: str) -> None:
    assert refused(bob.get(f"/v1/facilities?sort={value}")) == ["sort"]


@pytest.fixture
def sites(bob: Person, elsewhere: Organization) -> list[Facility]:
    """Three sites to choose among, a deleted one, and another organization's."""
    made = store(
        bob.organization,
        {
            "name": "Madrid Office",
            "external_id": "MAD-01",
            "region": "Centro",
            "co2e": 100,
            "co2e_status": "incomplete",
        },
        {
            "name": "ÁVILA Depot",
            "type": "warehouse",
            "status": "archived",
            "categories": ["heat"],
            "external_id": "AVI-01",
            "region": "Norte",
        },
        {
            "name": "Lisboa 100%_'\"\\ .*",
            "country": "PT",
            "categories": ["water", "recharge"],
            "co2e": Decimal("50.5"),
        },
        {"name": "Madrid Gone", "external_id": "MAD-02", "deleted_at": NOON},
    )
    hold(made[0], 1, 2)
    hold(made[1], 3)
    store(elsewhere, {"name": "Madrid Elsewhere", "external_id": "MAD-01", "region": "Centro"})
    return made


LETTERS = {"M": "Madrid Office", "A": "ÁVILA Depot", "L": "Lisboa 100%_'\"\\ .*"}
DAY2 = "2024-01-02T12:00:00"


@each(
    ("query", "found"),
    [
        ("", "LAM"),
        ("name=madrid", "M"),
        ("name=OFFICE", "M"),
        ("name=d", "AM"),
        ("name=ávila", "A"),
        ("name=ÁVILA", "A"),
        ("name=áVILA dEPOT", "A"),
        ("name=avila", "A"),
        ("name=A%CC%81vila", "A"),
        ("name=%EF%BC%A1vila", "A"),
        ("name=%25", "L"),
        ("name=100%25_", "L"),
        ("name=_", "L"),
        ("name='", "L"),
        ('name="', "L"),
        ("name=\\", "L"),
        ("name=.*", "L"),
        ("name=d_i", ""),
        ("name=%C3%81%25", ""),
        ("name=Á.*", ""),
        ("name=^", ""),
        ("name=", "LAM"),
        ("name=nowhere", ""),
        ("country=ES", "AM"),
        ("country=es", "AM"),
        ("country=Prt", "L"),
        ("country=FR", ""),
        ("country=ES&country=PT", "LAM"),
        ("country[]=FR&country[]=PT", "L"),
        ("type=office", "LM"),
        ("type=Office", ""),
        ("type=off", ""),
        ("type=warehouse&type=factory", "A"),
        ("status=active", "LM"),
        ("status=archived", "A"),
        ("status[]=archived", "A"),
        ("status%5B%5D=archived", "A"),
        ("status=active&status=archived", "LAM"),
        ("status[]=active&status[]=archived", "LAM"),
        ("status[]=active&status=archived", "LAM"),
        ("category=heat", "AM"),
        ("category=water", "LM"),
        ("category=electricity", "M"),
        ("category=heat&category=recharge", "LAM"),
        ("category[]=electricity&category[]=recharge", "LM"),
        (f"cups={cups(1)}", "M"),
        (f"cups={cups(3).lower()}", "A"),
        (f"cups={cups(3)[:6]} {cups(3)[6:]}", "A"),
        (f"cups={cups(9)}", ""),
        (f"cups={cups(1)[:19]}", ""),
        (f"cups={cups(1)}&cups={cups(3)}", "AM"),
        (f"cups={cups(1)}&cups={cups(2)}", "M"),
        (f"cups[]={cups(2)}&cups[]={cups(1)}&cups[]={cups(9)}", "M"),
        ("external_id=MAD-01", "M"),
        ("external_id=mad-01", ""),
        ("external_id=MAD-02", ""),
        ("external_id=MAD-01&external_id=AVI-01", "AM"),
        ("region=Centro", "M"),
        ("region=Centro&region=Norte", "AM"),
        ("co2e_status=incomplete", "M"),
        ("co2e_status=complete", "LA"),
        ("co2e_status=recalculating", ""),
        ("co2e_status=complete&co2e_status=incomplete", "LAM"),
        ("co2e_min=50.5", "LM"),
        ("co2e_min=50.500001", "M"),
        ("co2e_max=50.5", "LA"),
        ("co2e_max=50.499999", "A"),
        ("co2e_min=0&co2e_max=0", "A"),
        ("co2e_min=-1", "LAM"),
        ("co2e_min=60&co2e_max=40", ""),
        (f"created_after={DAY2}Z", "LA"),
        (f"created_after={DAY2}.000001Z", "L"),
        (f"created_before={DAY2}Z", "AM"),
        ("created_before=2024-01-02T11:59:59.999999Z", "M"),
        (f"created_after={DAY2}", "LA"),
        ("created_after=2024-01-02T14:00:00%2B02:00", "LA"),
        ("created_after=2024-01-02T14:00:00%2B01:00", "L"),
        ("created_before=2024-01-02T10:00:00-02:00", "AM"),
        ("created_before=2024-01-02T10:00:00-01:00", "M"),
        (f"updated_after={DAY2}Z", "LA"),
        (f"updated_before={DAY2}Z", "AM"),
        (f"updated_after={DAY2}Z&updated_before={DAY2}Z", "A"),
        ("country=ES&status=active", "M"),
        ("country=ES&category=heat&name=depot", "A"),
        ("country=PT&status=archived", ""),
        (f"cups={cups(1)}&status=archived", ""),
    ],
)
def test_a_filter_finds_what_it_names(
    bob: Person, sites: list[Facility], query: str, found: str
) -> None:
    assert names(bob, quote(query, safe="=&%+:[]")) == [LETTERS[letter] for letter in found]


@each(
    ("query", "named"),
    [
        ("colour=green", "colour"),
        ("Name=madrid", "Name"),
        ("name__contains=a", "name__contains"),
        ("organization=1", "organization"),
        ("organization_id=1", "organization_id"),
        ("deleted_at=", "deleted_at"),
        ("id=1", "id"),
        ("=", ""),
        ("status=closed", "status"),
        ("status=Active", "status"),
        ("status=active&status=closed", "status"),
        ("status[]=closed", "status"),
        ("status=", "status"),
        ("category=steam", "category"),
        ("category=heat,water", "category"),
        ("category=", "category"),
        ("country=XX", "country"),
        ("country=ES&country=Spain", "country"),
        ("country=", "country"),
        ("co2e_status=unknown", "co2e_status"),
        ("created_after=yesterday", "created_after"),
        ("created_after=2024-13-01T00:00:00Z", "created_after"),
        ("created_before=2024-02-30T00:00:00Z", "created_before"),
        ("created_before=2024-01-01T25:00:00Z", "created_before"),
        ("updated_after=", "updated_after"),
        ("updated_before=1704067200", "updated_before"),
        ("co2e_min=much", "co2e_min"),
        ("co2e_min=NaN", "co2e_min"),
        ("co2e_max=Infinity", "co2e_max"),
        ("co2e_max=-inf", "co2e_max"),
        ("co2e_max=", "co2e_max"),
        ("co2e_min=0.0000001", "co2e_min"),
        ("co2e_min=1e400", "co2e_min"),
        ("co2e_min=1&co2e_min=2", "co2e_min"),
        ("name=a&name=b", "name"),
        ("page=1&page=2", "page"),
        ("sort=name&sort=type", "sort"),
    ],
)
def test_an_unknown_parameter_or_value_is_refused_by_its_name(
    bob: Person, sites: list[Facility], query: str, named: str
) -> None:
    answer = bob.get(f"/v1/facilities?{query}")
    assert set(refused(answer)) == {named or "body"}


def test_what_is_wrong_is_named_together(bob: Person) -> None:
    answer = bob.get("/v1/facilities?colour=green&shape=round&status=active")
    assert sorted(refused(answer)) == ["colour", "shape"]
    answer = bob.get("/v1/facilities?status=closed&country=XX&co2e_min=much")
    assert sorted(refused(answer)) == ["co2e_min", "country", "status"]


@pytest.mark.parametrize("query", ["page[]=2", "size[]=1", "sort[]=name"])
def test_paging_and_sorting_in_brackets_are_honoured_or_refused_but_not_ignored(
    bob: Person, query: str
) -> None:
    store(bob.organization, {"name": "b"}, {"name": "a"}, {"name": "c"})
    answer = bob.get(f"/v1/facilities?{query}")
    plain = bob.get(f"/v1/facilities?{query.replace('[]', '')}")
    assert answer.status == 422 or answer.body == plain.body


TEXTS = ["%00", "a%00b", "%FF", "%ED%A0%80", "%25", "%25s%25d", "\\", "[", "x" * 3000, "%C3%9F"]
NUMBERS = [
    "%00",
    "9" * 400,
    "1e400",
    "1e-400",
    "1e99999999999999999999",
    "sNaN",
    "-0",
    "%25",
    "%20",
]
MOMENTS = [
    "0001-01-01T00:00:00", "0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00", "%00",
    "10000-01-01T00:00:00Z", "2024-01-01T00:00:00+02:00", "2024-01-01T00:00:00%2B99:99", "%25",
]  # fmt: skip
NASTY = {
    **dict.fromkeys(
        ("name", "country", "type", "status", "category", "cups", "external_id"), TEXTS
    ),
    **dict.fromkeys(("region", "co2e_status", "sort", "%00", "%FF", "%25", "[]", "name[0]"), TEXTS),
    **dict.fromkeys(("co2e_min", "co2e_max", "page", "size"), NUMBERS),
    **dict.fromkeys(
        ("created_after", "created_before", "updated_after", "updated_before"), MOMENTS
    ),
}


@each("name", NASTY)
def test_no_value_makes_a_server_error(bob: Person, sites: list[Facility], name: str) -> None:
    for value in NASTY[name]:
        answer = bob.get(f"/v1/facilities?{name}={value}")
        assert answer.status in (200, 422), value
        if answer.status == 422:
            assert answer.body["errors"], value


def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(bob: Person) -> None:
    rows = store(bob.organization, *[{}] * 60)
    for number, row in enumerate(rows):
        hold(row, 2 * number, 2 * number + 1)
    bob.get("/v1/facilities")  # the first use of a key writes when it was
    costs = []
    for size in (1, 50):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            items = bob.get(f"/v1/facilities?size={size}").body["items"]
        assert [len(one["cups_list"]) for one in items] == [2] * size
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 5, queries.captured_queries


def test_one_422_names_every_parameter_that_is_wrong(alice: Person) -> None:
    answer = alice.get("/v1/facilities?page=0&size=1000&sort=shoe&shoe=1&country=Q&status=")
    assert answer.status == 422
    fields = {one["field"] for one in answer.body["errors"]}
    assert fields == {"page", "size", "sort", "shoe", "country", "status"}
    wrong = alice.get("/v1/emissions?page=0&group_by=shoe&shoe=1")
    assert {one["field"] for one in wrong.body["errors"]} == {"page", "group_by", "shoe"}
