"""What the database writes is what the serializers would: the same bytes for the same request."""

import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from emissions.models import Consumption
from emissions.serializers import ConsumptionSerializer
from facilities.categories import COMBINATIONS
from facilities.models import Facility, SupplyPoint
from facilities.serializers import FacilitySerializer
from organizations.database.projection import json_row
from tests.conftest import Person
from tests.examples import examples
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db

POSTGRESQL = connection.vendor == "postgresql"
NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
NASTY = '"\\/\b\f\n\r\t\x01\x1f\x7f\u2028\ufeff“é”\U0001f3ed {},:[]%s%% $1'
Ask = Callable[[str], bytes]

many = settings(
    max_examples=examples(20),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
"""The database is put back after each example, so that they may share the cast."""


@pytest.fixture(scope="module")
def client() -> Client:
    return Client()


@pytest.fixture
def ask(client: Client, bob: Person) -> Ask:
    """The body of an answer to Bob, as it was sent, with what an answer to him must have."""

    def get(path: str) -> bytes:
        response = client.get(path, headers=bob.headers)
        assert response.status_code == 200, response.content
        assert response.headers["content-type"] == "application/json"
        return response.content

    return get


@pytest.fixture
def twice(client: Client, bob: Person, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Asks once as it is and once with serializers alone, and compares all of both answers."""

    def compare(path: str) -> None:
        answers = []
        for by_serializers in (False, True):
            with monkeypatch.context() as patch:
                if by_serializers:
                    patch.setattr("organizations.rest.viewsets.json_row", lambda serializer: None)
                answers.append(client.get(path, headers=bob.headers))
        written, expected = answers
        assert written.content == expected.content, path
        assert written.status_code == expected.status_code
        told = [{**one.headers, "x-request-id": None} for one in answers]
        assert told[0] == told[1]

    return compare


def text(longest: int, least: int = 0) -> st.SearchStrategy[str]:
    """Whatever a column of this length can hold."""
    stored = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    anything = st.text(stored, min_size=least, max_size=longest)
    return anything | st.sampled_from([NASTY[: max(longest, 1)], "null", "0", " "])


def decimals(digits: int, places: int) -> st.SearchStrategy[Decimal]:
    largest = 10**digits - 1
    steps = st.integers(-largest, largest) | st.integers(-3, 3) | st.just(largest)
    return steps.map(lambda number: Decimal(number).scaleb(-places))


kilograms = decimals(18, 6)
moments = st.datetimes(
    datetime(1, 1, 2), datetime(9999, 12, 30), timezones=st.just(UTC)
) | st.sampled_from([NOON, NOON + timedelta(microseconds=1), NOON.replace(microsecond=500_000)])
days = st.dates(date(1, 1, 1), date(9998, 12, 31))

facilities = st.fixed_dictionaries(
    {
        "external_id": st.just("") | text(100, 1),
        "name": text(255),
        "type": text(100),
        "country": st.sampled_from(["ES", "NA", "XK"]),
        "region": text(64),
        "address": text(500),
        "categories": st.sampled_from(COMBINATIONS).map(lambda one: one.split(",") if one else []),
        "logistic_factor": st.integers(0, 10**6).map(lambda step: Decimal(step).scaleb(-6)),
        "status": st.sampled_from(["active", "archived"]),
        "co2e": kilograms,
        "co2e_market": kilograms,
        "co2e_biomass": kilograms,
        "co2e_status": st.sampled_from(["complete", "incomplete", "recalculating"]),
        "created_at": moments,
        "updated_at": moments,
    }
)


@st.composite
def bills(draw: st.DrawFn) -> dict[str, Any]:
    figure: list[Any] = draw(st.just([None] * 3) | st.lists(kilograms, min_size=3, max_size=3))
    first = draw(days)
    return {
        "external_id": "",
        "category": "heat",
        "activity": draw(text(50)),
        "quantity": draw(decimals(18, 6)),
        "unit": draw(st.sampled_from(["kWh", "m3", "MWh_net"])),
        "start_date": first,
        "end_date": first + timedelta(days=draw(st.integers(0, 300))),
        "supplier": draw(text(200)),
        "cups": draw(text(30)),
        "data_quality": "adjustment",
        "status": draw(st.sampled_from(["active", "inactive"])),
        "note": draw(text(500)),
        **dict(zip(("co2e", "co2e_market", "co2e_biomass"), figure, strict=True)),
        "co2e_status": "not_calculated" if figure[0] is None else "calculated",
        "co2e_reason": draw(text(300)),
        "created_at": draw(moments),
        "updated_at": draw(moments),
    }


def held(ask: Ask, path: str, serializer: Any, row: Any) -> None:
    """One and the list of one are what the serializer says of the row, decimals digit by digit."""
    row = type(row).objects.get(pk=row.pk)
    expected = serializer(row).data
    one = ask(f"{path}/{row.pk}")
    assert ask(path) == b'{"items":[' + one + b'],"total":1,"page":1,"size":50,"pages":1}'
    answered = json.loads(one, parse_float=Decimal)
    assert list(answered) == list(expected)
    for name, value in answered.items():
        said = expected[name]
        assert value == (str(said) if isinstance(value, str) else said), name
        if isinstance(said, Decimal):
            assert Decimal(value) == getattr(row, name)


@many
@given(facilities, st.lists(st.integers(1, 999), unique=True, max_size=4))
@example(
    {
        "name": NASTY, "type": NASTY, "country": "ES", "address": NASTY, "created_at": NOON,
        "co2e": Decimal("999999999999.999999"), "co2e_market": Decimal("-0.000001"),
        "co2e_biomass": Decimal(100), "logistic_factor": Decimal(1), "updated_at": NOON,
    },
    [],
)  # fmt: skip
def test_a_facility_is_written_as_its_serializer_says(
    ask: Ask,
    twice: Callable[[str], None],
    bob: Person,
    values: dict[str, Any],
    numbers: list[int],
) -> None:
    with transaction.atomic():
        [row] = Facility.objects.bulk_create([Facility(organization=bob.organization, **values)])
        points = [
            SupplyPoint(organization=bob.organization, facility=row, cups=cups(number))
            for number in numbers
        ]
        SupplyPoint.objects.bulk_create(points)
        held(ask, "/v1/facilities", FacilitySerializer, row)
        twice("/v1/facilities")
        twice(f"/v1/facilities/{row.pk}")
        transaction.set_rollback(True)


@many
@given(bills())
def test_a_consumption_is_written_as_its_serializer_says(
    ask: Ask, twice: Callable[[str], None], erin: Person, bob: Person, values: dict[str, Any]
) -> None:
    with transaction.atomic():
        facility = Facility.objects.create(
            organization=bob.organization, name="Site", type="office", country="ES"
        )
        [row] = Consumption.objects.bulk_create(
            [Consumption(organization=bob.organization, facility=facility, **values)]
        )
        held(ask, "/v1/consumptions", ConsumptionSerializer, row)
        twice("/v1/consumptions")
        twice(f"/v1/consumptions/{row.pk}")
        transaction.set_rollback(True)


QUERIES = [
    "", "page=2", "size=3", "size=3&page=3", "page=99", f"page={10**90}&size=100", "page[]=2",
    "page=0", "size=101", "page=1&page=2", "page=1&page[]=1", "colour=green", "colour=green&page=0",
    "sort=name", "sort=-co2e,type", "sort=region&size=4&page=2", "sort=-external_id", "sort=colour",
    "name=SITE", "name=Á", "name=%25", "name=x'y", "country=ES&status=active", "category=heat",
    "cups=" + cups(1), "co2e_min=2.5&sort=co2e", "created_after=2024-01-03T00:00:00Z&size=2&page=2",
    "region=", "external_id=", "external_id=E3", "status=closed",
]  # fmt: skip


def test_every_list_is_answered_alike(bob: Person, twice: Callable[[str], None]) -> None:
    categories: list[Any] = [["heat"], []]
    rows = Facility.objects.bulk_create(
        Facility(
            organization=bob.organization,
            name=f"{'Site' if number % 2 else 'Ávila x'}'y 100% {number % 5}",
            type="office" if number % 3 else "depot",
            country="ES" if number % 4 else "PT",
            region="" if number % 3 else f"R{number % 6}",
            external_id=f"E{number}" if number % 2 else "",
            co2e=Decimal(number) / 4,
            categories=categories[number % 7 == 0],
            status="active" if number % 5 else "archived",
            created_at=NOON + timedelta(days=number // 2),
            deleted_at=None if number % 6 else NOON,
        )
        for number in range(64)
    )
    SupplyPoint.objects.create(organization=bob.organization, facility=rows[7], cups=cups(1))
    for query in QUERIES:
        twice(f"/v1/facilities?{query}")


def test_what_is_not_there_is_answered_alike(
    bob: Person, charlie: Person, erin: Person, twice: Callable[[str], None]
) -> None:
    mine, gone, theirs = erin.facility(), erin.facility(), charlie.facility()
    assert erin.delete(f"/v1/facilities/{gone['id']}").status == 204
    pk = mine["id"]
    twice(f"/v1/facilities/{pk}")
    for one in (pk.upper(), pk.replace("-", ""), f"{{{pk}}}", f"urn:uuid:{pk}", f"{pk}?colour=1"):
        twice(f"/v1/facilities/{one}")
    for one in (
        gone["id"],
        theirs["id"],
        uuid4(),
        "1",
        "x" * 5000,
        f"{pk}0",
        "%00",
        "%F0%9F%8F%AD",
    ):
        twice(f"/v1/facilities/{one}")
        assert bob.get(f"/v1/facilities/{one}").status == 404


@pytest.mark.skipif(not POSTGRESQL, reason="there two statements authenticate and read")
def test_a_read_is_one_query_that_says_who_asks_too_and_two_where_it_is_filtered(
    erin: Person,
) -> None:
    facility = erin.facility(cups_list=[cups(1)])
    one = f"/v1/facilities/{facility['id']}"
    for path, queries in (("/v1/facilities", 1), (one, 1), ("/v1/facilities?sort=name", 2)):
        erin.get(path)
        with CaptureQueriesContext(connection) as captured:
            assert erin.get(path).status == 200
        assert len(captured) == queries, captured.captured_queries
        assert "caller_by_key" in captured[0]["sql"]
        assert "row_to_json" in captured[-1]["sql"]


@pytest.mark.skipif(not POSTGRESQL, reason="there two statements authenticate and read")
def test_what_is_read_while_a_caller_is_authenticated_is_not_answered_to_another(
    erin: Person, charlie: Person
) -> None:
    """Neither their own rows nor the other organization's, whose id stands in the header."""
    mine = erin.facility()
    theirs = charlie.facility()
    for path in (
        "/v1/facilities",
        f"/v1/facilities/{mine['id']}",
        f"/v1/facilities/{theirs['id']}",
    ):
        theirs_named = {"x-organization-id": str(charlie.organization.pk)}
        assert erin.get(path, **theirs_named).status == 404
    assert erin.get(f"/v1/facilities/{theirs['id']}").status == 404
    assert [one["id"] for one in erin.get("/v1/facilities").body["items"]] == [mine["id"]]


def test_a_filtered_list_that_another_organization_has_asked_for_shows_ones_own(
    erin: Person, charlie: Person
) -> None:
    mine, theirs = erin.facility(name="Same"), charlie.facility(name="Same")
    for _ in range(2):
        for person, its in ((erin, mine), (charlie, theirs)):
            found = person.get("/v1/facilities?name=same&sort=-co2e").body
            assert [one["id"] for one in found["items"]] == [its["id"]]
            assert found["total"] == 1
            assert person.get("/v1/facilities?name=same&sort=-co2e&page=0").status == 422


def test_the_database_can_write_what_is_listed_most() -> None:
    assert json_row(FacilitySerializer)
    assert json_row(ConsumptionSerializer)


@pytest.mark.skipif(not POSTGRESQL, reason="SQLite has no such index")
def test_the_search_by_name_can_use_its_index(bob: Person) -> None:
    """Where no wall forbids it: LIKE could tell of rows that are not to be seen."""
    search = Facility.objects.filter(name__mentions="Officé")
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        assert "name_folded" in search.explain()
        cursor.execute("ALTER TABLE facilities_facility DISABLE ROW LEVEL SECURITY")
        assert "facility_name_search" in search.explain()
