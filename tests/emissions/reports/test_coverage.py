"""GET /v1/facilities/{id}/coverage: which days of a year are billed, by whom."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emissions.reports.coverage import STATES, _by_state
from tests.conftest import Person
from tests.emissions.figures import gas, refill
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db


def covered(person: Person, site: dict[str, Any], year: int = 2023) -> list[dict[str, Any]]:
    answer = person.get(f"/v1/facilities/{site['id']}/coverage?year={year}")
    assert answer.status == 200, answer.body
    body = answer.body
    assert (body["facility_id"], body["year"]) == (site["id"], year)
    assert body["days"] == (366 if year % 4 == 0 else 365)
    for item in body["items"]:
        assert list(item) == ["category", "activity", "cups", "meter", *STATES]
        assert sum(item[state]["days"] for state in STATES) == body["days"]
    return body["items"]


def days(first: str, last: str) -> dict[str, str]:
    return {"start_date": first, "end_date": last}


def test_each_day_has_an_actual_bill_an_estimate_two_bills_or_none(erin: Person) -> None:
    site = erin.facility(categories=["electricity"], cups_list=[cups(1), cups(2)])
    erin.consumption(site, cups=cups(1), **days("2022-12-15", "2023-01-20"))
    erin.consumption(
        site, cups=cups(1), data_quality="estimated", **days("2023-01-20", "2023-02-10")
    )
    erin.consumption(
        site, cups=cups(1), data_quality="adjustment", **days("2023-05-01", "2023-05-09")
    )
    erin.consumption(site, cups=cups(1), status="inactive", **days("2023-06-01", "2023-06-09"))
    erin.consumption(site, cups=cups(2), **days("2022-01-01", "2022-12-31"))
    first, second = covered(erin, site)
    assert (first["cups"], second["cups"]) == tuple(sorted([cups(1), cups(2)]))
    first, second = (first, second) if first["cups"] == cups(1) else (second, first)
    assert first["actual"] == {"days": 19, "ranges": [days("2023-01-01", "2023-01-19")]}
    assert first["twice"] == {"days": 1, "ranges": [days("2023-01-20", "2023-01-20")]}
    assert first["estimated"] == {"days": 21, "ranges": [days("2023-01-21", "2023-02-10")]}
    assert first["none"] == {"days": 324, "ranges": [days("2023-02-11", "2023-12-31")]}
    assert second["none"] == {"days": 365, "ranges": [days("2023-01-01", "2023-12-31")]}
    assert covered(erin, site, 2024)[0]["none"]["days"] == 366


def test_each_meter_of_a_facility_has_its_own_days(erin: Person) -> None:
    site = erin.facility(categories=["electricity"], meter_list=["M-1", "M-2"])
    erin.consumption(site, meter="M-1", **days("2023-01-01", "2023-01-31"))
    erin.consumption(site, meter="M-2", **days("2023-01-01", "2023-01-10"))
    erin.consumption(site, **days("2023-01-01", "2023-01-05"))
    found = {one["meter"]: one for one in covered(erin, site)}
    assert {meter: one["actual"]["days"] for meter, one in found.items()} == {
        None: 5,
        "M-1": 31,
        "M-2": 10,
    }
    assert all(one["twice"]["days"] == 0 for one in found.values())


def test_an_enabled_category_without_a_bill_is_there_and_a_disabled_one_is_not(
    erin: Person,
) -> None:
    site = erin.facility(categories=["heat", "electricity", "water", "recharge"])
    gas(erin, site)
    refill(erin, site)
    pellets = {"category": "heat", "activity": "wood_pellets", "unit": "kg"}
    erin.consumption(site, **pellets, **days("2023-03-03", "2023-03-10"))
    found = [(one["category"], one["activity"]) for one in covered(erin, site)]
    assert found == [
        ("electricity", None),
        ("heat", "natural_gas"),
        ("heat", "wood_pellets"),
        ("water", None),
    ]
    erin.patch(f"/v1/facilities/{site['id']}", {"categories": ["heat"]})
    assert {one["category"] for one in covered(erin, site)} == {"heat"}


@pytest.mark.parametrize(
    "query",
    ["year=now", "year=1899", "year=2023.0", "year=２０２３", "year=2023&year=2024", "month=1"],
)
def test_another_year_than_one_is_refused(erin: Person, query: str) -> None:
    answer = erin.get(f"/v1/facilities/{erin.facility()['id']}/coverage?{query}")
    assert (answer.status, answer.fields) == (422, [query.split("=", maxsplit=1)[0]])


FIRST, LAST = date(2023, 1, 1), date(2023, 1, 31)
A_BILL = st.tuples(st.dates(FIRST, LAST), st.dates(FIRST, LAST), st.sampled_from(STATES[:2])).map(
    lambda one: (min(one[:2]), max(one[:2]), one[2])
)


@settings(database=None)
@given(st.lists(A_BILL, max_size=5))
def test_the_days_are_those_of_a_calendar(bills: list[tuple[date, date, str]]) -> None:
    expected: dict[str, list[str]] = {state: [] for state in STATES}
    for number in range(31):
        day = FIRST + timedelta(days=number)
        kinds = [kind for start, end, kind in bills if start <= day <= end]
        state = "twice" if len(kinds) > 1 else kinds[0] if kinds else "none"
        expected[state].append(str(day))
    for state, found in _by_state(FIRST, LAST, bills).items():
        listed = [
            str(one["start_date"] + timedelta(days=number))
            for one in found["ranges"]
            for number in range((one["end_date"] - one["start_date"]).days + 1)
        ]
        assert listed == expected[state]
        assert found["days"] == len(listed)
