"""GET /v1/emissions: any grouping, any days, any filter, against a plain model of the ledger."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from io import BytesIO, StringIO
from itertools import pairwise
from typing import Any, NamedTuple
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.db.models import Value
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from emissions.models import Emission
from organizations.database.decimals import Share, kilograms
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.emissions.figures import FIGURES, gas, kg, refill
from tests.examples import examples
from tests.facilities.cups import cups

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

AMOUNTS = (*FIGURES, "energy_kwh")
SUMS = (*AMOUNTS, "consumptions")
KEYS = (
    "category", "activity", "scope", "month", "year", "country", "region", "type", "facility",
    "data_quality",
)  # fmt: skip
PARTS = ("consumptions", "calculated", "missing", "exact", "earlier_year", "wider", "estimated")


def emissions(person: Person, **query: Any) -> dict[str, Any]:
    answer = person.get(f"/v1/emissions?{urlencode(query, doseq=True)}")
    assert answer.status == 200, answer.body
    return answer.body


def all_items(person: Person, **query: Any) -> list[dict[str, Any]]:
    """The items of every page."""
    items: list[dict[str, Any]] = []
    while True:
        page = emissions(person, **query, size=100, page=len(items) // 100 + 1)
        items += page["items"]
        if len(items) == page["total"]:
            return items


@pytest.fixture
def sites(erin: Person) -> list[dict[str, Any]]:
    """Three facilities with a bit of everything from December 2022 to February 2023."""
    home = erin.facility(external_id="ES-1", cups_list=[cups(1)])
    away = erin.facility(name="Depot", type="depot", country="CA", region="CA-ON")
    idle = erin.facility(name="Idle", status="archived", type="depot", country="FR")
    erin.consumption(home, start_date="2022-12-22", end_date="2023-02-10", quantity=1000)
    erin.consumption(away, start_date="2023-01-05", end_date="2023-02-28", unit="MWh", quantity=7)
    gas(erin, home, quantity=123, data_quality="estimated")
    gas(erin, away, quantity=Decimal("0.000001"), start_date="2023-02-01", end_date="2023-02-09")
    gas(erin, idle, quantity=-77, data_quality="adjustment", unit="GJ", start_date="2023-01-31")
    erin.consumption(idle, category="water", quantity=10, unit="m3", start_date="2023-01-17")
    refill(erin, idle, start_date="2023-02-14", end_date="2023-02-14")
    erin.consumption(home, status="inactive")
    gone = erin.consumption(home)
    erin.delete(f"/v1/consumptions/{gone['id']}")
    return [home, away, idle]


# What is answered


def test_the_answer_has_the_fields_of_the_contract(erin: Person, sites: Any) -> None:
    body = emissions(erin)
    assert list(body) == ["items", *SUMS, "coverage", "total", "page", "size", "pages"]
    assert [one["category"] for one in body["items"]] == [
        "electricity", "heat", "recharge", "water",
    ]  # fmt: skip
    assert all(list(one) == ["category", *SUMS] for one in body["items"])
    assert list(body["coverage"]) == list(PARTS)
    assert all(list(one) == ["count", "kg"] for one in body["coverage"].values())
    assert (body["total"], body["page"], body["size"], body["pages"]) == (4, 1, 50, 1)


def test_an_organization_without_consumption_emits_nothing(erin: Person) -> None:
    body = emissions(erin)
    assert (body["items"], body["total"], body["pages"]) == ([], 0, 0)
    assert [body[name] for name in SUMS] == [0, 0, 0, 0, 0]
    assert body["coverage"]["missing"] == {"count": 0, "kg": None}
    assert body["coverage"]["exact"] == {"count": 0, "kg": 0}


def test_the_total_is_that_of_all_facilities(erin: Person, sites: Any) -> None:
    listed = erin.get("/v1/facilities").body["items"]
    body = emissions(erin)
    assert kg(body) == [sum(one[name] for one in listed) for name in FIGURES]
    assert body["consumptions"] == 7
    # 1,000 kWh and 7 MWh; 123 kWh, 0.000001 kWh and -77 GJ of gas, which is 21,388.888889 kWh
    assert body["energy_kwh"] == Decimal("-13265.888888")


def test_a_facilitys_own_emissions_say_the_same(erin: Person, sites: Any) -> None:
    for bounds in ({}, {"start_date": "2023-01-20"}, {"end_date": "2023-02-03"}):
        for site in sites:
            query = {"group_by": ["month", "activity"], **bounds}
            own = erin.get(f"/v1/facilities/{site['id']}/emissions?{urlencode(query, doseq=True)}")
            body = emissions(erin, **query, facility_id=site["id"])
            assert kg(own.body) == kg(body)
            found = [
                {name: one[name] for name in ("month", "activity", *FIGURES)}
                for one in body["items"]
            ]
            assert own.body["items"] == found


# A plain model of the ledger


class Piece(NamedTuple):
    """What one line emits on one day of it."""

    keys: dict[str, Any]
    day: date
    amounts: tuple[Decimal, ...]
    consumption: Any


def half_up(number: Fraction) -> Decimal:
    steps = Decimal(number.numerator * 10**6) / Decimal(number.denominator)
    return steps.quantize(Decimal(1), ROUND_HALF_UP).scaleb(-6)


def pieces() -> Iterator[Piece]:
    """Every current line day by day: the differences of its rounded running total."""
    for line in Emission.objects.current().select_related("facility", "consumption"):
        site = line.facility
        keys = {
            "category": line.category,
            "activity": line.activity,
            "scope": line.scope,
            "month": f"{line.month:%Y-%m}",
            "year": line.month.year,
            "country": site.country,
            "region": site.region or None,
            "type": site.type,
            "facility": str(site.pk),
            "data_quality": line.consumption.data_quality,
        }
        days = (line.end_date - line.start_date).days + 1
        before = [Decimal(0)] * len(AMOUNTS)
        for day in range(1, days + 1):
            now = [half_up(Fraction(getattr(line, one)) * day / days) for one in AMOUNTS]
            amounts = tuple(b - a for a, b in zip(before, now, strict=True))
            yield Piece(keys, line.start_date + timedelta(day - 1), amounts, line.consumption_id)
            before = now


def model(
    every: list[Piece], keys: Any, start: date | None, end: date | None
) -> list[dict[str, Any]]:
    """What `/v1/emissions` should answer as items, in any order."""
    found: defaultdict[Any, list[Piece]] = defaultdict(list)
    for piece in every:
        if (start is None or piece.day >= start) and (end is None or piece.day <= end):
            found[tuple(piece.keys[key] for key in keys)].append(piece)
    return [
        {
            **dict(zip(keys, values, strict=True)),
            **{
                name: sum((one.amounts[at] for one in some), Decimal(0))
                for at, name in enumerate(AMOUNTS)
            },
            "consumptions": len({one.consumption for one in some}),
        }
        for values, some in found.items()
    ]


def in_any_order(items: list[dict[str, Any]]) -> list[str]:
    return sorted(str(sorted((name, str(value)) for name, value in one.items())) for one in items)


def normal(items: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Numbers written alike: 0 and 0.000000 are one."""
    return [
        {name: Fraction(value) if name in AMOUNTS else value for name, value in one.items()}
        for one in items
    ]


DAYS = st.dates(date(2022, 12, 15), date(2023, 3, 3))


def test_any_grouping_of_any_days_is_what_the_model_says(erin: Person, sites: Any) -> None:
    every = list(pieces())

    @settings(deadline=None, max_examples=examples(20), database=None)
    @given(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4), DAYS, DAYS, st.integers(0, 3))
    def holds(keys: list[str], one: date, other: date, open_ends: int) -> None:
        keys = list(dict.fromkeys(keys))
        start = None if open_ends & 1 else min(one, other)
        end = None if open_ends & 2 else max(one, other)
        bounds = {"start_date": start, "end_date": end}
        query = {"group_by": keys, **{name: day for name, day in bounds.items() if day}}
        items = all_items(erin, **query)
        assert in_any_order(normal(items)) == in_any_order(normal(model(every, keys, start, end)))
        body = emissions(erin, **query)
        for name in AMOUNTS:
            assert sum(item[name] for item in items) == body[name]

    holds()


def test_adjoining_periods_add_up_to_their_union(erin: Person, sites: Any) -> None:
    @settings(deadline=None, max_examples=examples(15), database=None)
    @given(st.lists(DAYS, min_size=2, max_size=5, unique=True).map(sorted))
    def holds(cuts: list[date]) -> None:
        whole = emissions(erin, start_date=cuts[0], end_date=cuts[-1] - timedelta(1))
        parts = [
            emissions(erin, start_date=start, end_date=following - timedelta(1))
            for start, following in pairwise(cuts)
        ]
        for name in AMOUNTS:
            assert sum(part[name] for part in parts) == whole[name]

    holds()


@settings(deadline=None, max_examples=examples(20), suppress_health_check=list(HealthCheck))
@given(
    st.integers(-(10**18) + 1, 10**18 - 1),
    st.integers(1, 31).flatmap(lambda whole: st.tuples(st.integers(0, whole), st.just(whole))),
)
def test_a_share_is_rounded_once_half_up(milligrams: int, share: tuple[int, int]) -> None:
    row, _ = Organization.objects.get_or_create(name="Shares")
    value = Value(Decimal(milligrams).scaleb(-6), kilograms(""))
    [found] = Organization.objects.filter(pk=row.pk).values_list(Share(value, *share), flat=True)
    exact = Fraction(milligrams) * Fraction(*share)
    steps = int(abs(exact) + Fraction(1, 2))
    assert found == Decimal(steps if exact >= 0 else -steps).scaleb(-6)


# Filters


@each(
    ("query", "kept"),
    [
        ("country=ES", {"ES-1"}),
        ("country=ESP&country=CA", {"ES-1", "Depot"}),
        ("type=depot", {"Depot", "Idle"}),
        ("status=archived", {"Idle"}),
        ("status[]=archived&status[]=active", {"ES-1", "Depot", "Idle"}),
        ("name=dEp", {"Depot"}),
        ("external_id=ES-1", {"ES-1"}),
        ("region=CA-ON", {"Depot"}),
        (f"cups={cups(1)}", {"ES-1"}),
        ("co2e_status=complete", {"ES-1", "Depot", "Idle"}),
        ("co2e_status=incomplete", set()),
        ("co2e_min=0", {"ES-1", "Depot", "Idle"}),
        ("created_after=2000-01-01T00:00:00Z", {"ES-1", "Depot", "Idle"}),
        ("name=nowhere", set()),
    ],
)
def test_the_filters_of_facilities_choose_whose_figures_count(
    erin: Person, sites: Any, query: str, kept: set[str]
) -> None:
    names = {one["id"]: one["external_id"] or one["name"] for one in sites}
    answer = erin.get(f"/v1/emissions?group_by=facility&{query}")
    assert answer.status == 200, answer.body
    assert {names[item["facility"]] for item in answer.body["items"]} == kept


@each(
    ("query", "key", "kept"),
    [
        ("category=water&category=recharge", "category", {"water", "recharge"}),
        ("activity=natural_gas", "activity", {"natural_gas"}),
        ("scope=2", "scope", {2}),
        ("scope=1&scope[]=3", "scope", {1, 3}),
    ],
)
def test_what_is_consumed_is_filtered(
    erin: Person, sites: Any, query: str, key: str, kept: set[Any]
) -> None:
    body = erin.get(f"/v1/emissions?group_by={key}&{query}").body
    assert {item[key] for item in body["items"]} == kept
    assert body["co2e"] == sum(item["co2e"] for item in body["items"])


@each(
    ("query", "field"),
    [
        ("nope=1", "nope"),
        ("sort=co2e", "sort"),
        ("group_by=nope", "group_by"),
        ("group_by=", "group_by"),
        ("category=gas", "category"),
        ("scope=4", "scope"),
        ("facility_id=1", "facility_id"),
        ("country=Spain", "country"),
        ("start_date=2023-02-30", "start_date"),
        ("start_date=2023-01-01&start_date=2023-01-02", "start_date"),
        ("start_date=2023-02-01&end_date=2023-01-31", "end_date"),
        ("size=101", "size"),
        ("page=0", "page"),
    ],
)
def test_what_is_not_known_is_refused(erin: Person, query: str, field: str) -> None:
    for accept in ("application/json", "text/csv"):
        answer = erin.get(f"/v1/emissions?{query}", accept=accept)
        assert answer.status == 422
        assert answer.fields == [field]


def test_a_facilitys_period_that_ends_before_it_starts_is_refused(erin: Person) -> None:
    site = erin.facility()
    query = "start_date=2023-02-01&end_date=2023-01-31"
    answer = erin.get(f"/v1/facilities/{site['id']}/emissions?{query}")
    assert (answer.status, answer.fields) == (422, ["end_date"])
    assert answer.error("end_date")["code"] == "reversed_period"


# How much of it is there, and how good


def test_coverage_says_what_has_a_figure_and_how_good_it_is(erin: Person) -> None:
    site = erin.facility(country="CA", region="CA-ON")
    exact = erin.consumption(erin.facility())
    wider = erin.consumption(site)
    later = {"start_date": "2030-01-01", "end_date": "2030-01-31"}
    erin.factor(country="CA", region="CA-ON", valid_from="2029-01-01", valid_to="2029-12-31")
    earlier = erin.consumption(site, **later, data_quality="estimated")
    gone = {"start_date": "2040-01-01", "end_date": "2040-01-31"}
    erin.consumption(site, **gone)
    erin.consumption(site, **gone, status="inactive")
    everything = emissions(erin)["coverage"]
    kilos = exact["co2e"] + wider["co2e"] + earlier["co2e"]
    assert everything == {
        "consumptions": {"count": 4, "kg": kilos},
        "calculated": {"count": 3, "kg": kilos},
        "missing": {"count": 1, "kg": None},
        "exact": {"count": 1, "kg": exact["co2e"]},
        "earlier_year": {"count": 1, "kg": earlier["co2e"]},
        "wider": {"count": 1, "kg": wider["co2e"]},
        "estimated": {"count": 1, "kg": earlier["co2e"]},
    }
    assert emissions(erin, end_date="2039-12-31")["coverage"]["missing"]["count"] == 0
    assert emissions(erin, category="heat")["coverage"]["consumptions"]["count"] == 0
    assert emissions(erin, country="CA")["coverage"]["exact"]["count"] == 0


def test_what_data_quality_becomes_is_seen_at_once(erin: Person) -> None:
    bill = erin.consumption(erin.facility())
    erin.patch(f"/v1/consumptions/{bill['id']}", {"data_quality": "estimated"})
    [item] = emissions(erin, group_by="data_quality")["items"]
    assert (item["data_quality"], item["co2e"]) == ("estimated", bill["co2e"])


def test_a_bills_energy_is_rounded_once_however_many_months_it_has(erin: Person) -> None:
    site = erin.facility()
    year = {"start_date": "2023-01-01", "end_date": "2023-12-31"}
    erin.consumption(site, quantity=1000, **year)
    assert emissions(erin)["energy_kwh"] == 1000
    gas(erin, site, quantity=1, unit="GJ", **year)
    assert emissions(erin, category="heat")["energy_kwh"] == Decimal("277.777778")
    gas(erin, site, quantity=1, unit="m3", **year)
    assert emissions(erin, category="heat")["energy_kwh"] == Decimal("277.777778")


# Pages and tables


def test_pages_hold_every_group_once(erin: Person, sites: Any) -> None:
    query = {"group_by": ["month", "facility", "activity"]}
    whole = emissions(erin, **query)
    assert whole["total"] == len(whole["items"]) > 6
    paged = [emissions(erin, **query, size=2, page=page) for page in range(1, 7)]
    assert [one for page in paged for one in page["items"]] == whole["items"][:12]
    past = emissions(erin, **query, page=99)
    assert (past["items"], past["total"], past["co2e"]) == ([], whole["total"], whole["co2e"])


def test_a_csv_has_every_group(erin: Person, sites: Any) -> None:
    query = "group_by=month&group_by=facility&end_date=2023-02-05"
    body = erin.get(f"/v1/emissions?{query}").body
    answer = erin.get(f"/v1/emissions?{query}&size=1", accept="text/csv")
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="emissions.csv"'
    rows = list(csv.DictReader(StringIO(answer.body.decode())))
    assert list(rows[0]) == ["month", "facility", *SUMS]
    items = [{name: str(value) for name, value in item.items()} for item in body["items"]]
    assert rows == items


def test_a_workbook_has_every_group_as_numbers(erin: Person, sites: Any) -> None:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    body = emissions(erin, group_by=["month", "region"])
    answer = erin.get("/v1/emissions?group_by=month&group_by=region", accept=kind)
    assert (answer.status, answer.headers["content-type"]) == (200, kind)
    header, *rows = load_workbook(BytesIO(answer.body)).active.values
    assert list(header) == ["month", "region", *SUMS]
    for row, item in zip(rows, body["items"], strict=True):
        assert row[:2] == (item["month"], item["region"])
        for cell, name in zip(row[2:], SUMS, strict=True):
            assert abs(Decimal(str(cell)) - item[name]) < Decimal("0.000001")


def test_no_cell_of_a_table_starts_a_formula(erin: Person) -> None:
    evil = '=cmd|"/C calc"!A0'
    erin.consumption(erin.facility(type=evil, region="+1"))
    query = "/v1/emissions?group_by=type&group_by=region"
    [row] = csv.DictReader(StringIO(erin.get(query, accept="text/csv").body.decode()))
    assert (row["type"], row["region"]) == (f"'{evil}", "'+1")
    assert erin.get(query).body["items"][0]["type"] == evil


def test_what_is_neither_json_nor_a_table_is_406(erin: Person) -> None:
    answer = erin.get("/v1/emissions", accept="text/html")
    assert (answer.status, answer.body["code"]) == (406, "not_acceptable")


def test_an_answer_takes_as_many_queries_whatever_it_holds(erin: Person, sites: Any) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            emissions(erin, group_by=["facility", "month"])
        return len(captured)

    few = queries()
    for number in range(5):
        erin.consumption(erin.facility(name=f"Site {number}"))
    assert queries() == few
