"""The explanation of a consumption and the breakdown of a facility, against figures by hand."""

from decimal import Decimal
from itertools import combinations
from typing import Any

import pytest

from tests.cases import each
from tests.conftest import Person
from tests.emissions.figures import FIGURES, OVER_NEW_YEAR, again, exactly, gas, kg, refill, total

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

# The explanation


def test_a_line_has_the_fields_of_the_contract(erin: Person) -> None:
    bill = erin.consumption(erin.facility(), quantity=1, unit="MWh")
    body = erin.get(f"/v1/consumptions/{bill['id']}/calculation").body
    assert {"consumption", "lines", *FIGURES, "reason"} <= body.keys()
    [line] = body["lines"]
    assert {
        "month", "start_date", "end_date", "days", "quantity", "scope", "location", "market",
        *FIGURES,
    } <= line.keys()  # fmt: skip
    for method, per_kwh, publisher in (
        ("location", "0.16928", "ember"),
        ("market", "0.26", "miteco-v31"),
    ):
        used = line[method]
        assert {
            "factor", "converted_quantity", "unit", "conversion", "product", "fallbacks",
        } <= used.keys()  # fmt: skip
        factor = again(erin, used["factor"], "emission-factors")
        assert used["factor"] == factor
        assert factor["co2e"] == Decimal(per_kwh)
        assert factor["source"]["id"] == publisher
        assert {"id", "title", "url", "licence", "attribution"} == factor["source"].keys()


# The breakdown of a facility

KEYS = ("category", "activity", "scope", "month", "year")


@pytest.fixture
def site(erin: Person) -> dict[str, Any]:
    """A Spanish facility with a bit of everything in December 2022 and January 2023.

    | category, activity         | scope | 2022-12       | 2023-01     |
    | electricity grid           | 2     | 108.565/136.5 | 84.64/130   |
    | heat natural_gas, 100 kWh  | 1     |               | 18.2        |
    | heat wood_pellets, 10 kg   | 1     | 1.71 (20.25)  |             |
    | water supply, 10 m3        | 3     |               | 1.913       |
    | recharge R-410A, 0.5 kg    | 1     |               | 1128        |
    """
    site = erin.facility()
    january = {"start_date": "2023-01-01", "end_date": "2023-01-31"}
    december = {"start_date": "2022-12-01", "end_date": "2022-12-31"}
    erin.consumption(site, **OVER_NEW_YEAR)
    gas(erin, site, quantity=100, **january)
    pellets = {"category": "heat", "activity": "wood_pellets", "unit": "kg"}
    erin.consumption(site, quantity=10, **pellets, **december)
    erin.consumption(site, category="water", quantity=10, unit="m3", **january)
    day = {"start_date": "2023-01-15", "end_date": "2023-01-15"}
    refill(erin, site, quantity=Decimal("0.5"), **day)
    # what does not count is in no group
    erin.consumption(site, status="inactive", **january)
    gone = erin.consumption(site, **january)
    erin.delete(f"/v1/consumptions/{gone['id']}")
    return site


def breakdown(person: Person, site: dict[str, Any], query: str = "") -> dict[str, Any]:
    answer = person.get(f"/v1/facilities/{site['id']}/emissions?{query}")
    assert answer.status == 200, answer.body
    body = answer.body
    for name in FIGURES:
        assert sum((item[name] for item in body["items"]), Decimal(0)) == body[name]
    return body


def grouped(body: dict[str, Any], *keys: str) -> dict[Any, list[Any]]:
    groups = {tuple(item[key] for key in keys): kg(item) for item in body["items"]}
    assert len(groups) == len(body["items"])
    assert all(item.keys() == {*keys, *FIGURES} for item in body["items"])
    return {one[0] if len(keys) == 1 else one: figures for one, figures in groups.items()}


def test_every_breakdown_adds_up_to_the_facilitys_totals(erin: Person, site: dict) -> None:
    # 193.205 + 19.91 + 1.913 + 1128 and 266.5 + 19.91 + 1.913 + 1128
    expected = exactly("1343.028", "1416.323", "20.25")
    assert total(erin, site) == expected
    for length in range(1, len(KEYS) + 1):
        for keys in combinations(KEYS, length):
            body = breakdown(erin, site, "&".join(f"group_by={key}" for key in keys))
            assert kg(body) == expected, keys
            grouped(body, *keys)


def test_the_groups_hold_what_the_hand_finds(erin: Person, site: dict) -> None:
    by_category = {
        "heat": exactly("19.91", biomass="20.25"),
        "electricity": exactly("193.205", "266.5"),
        "water": exactly("1.913"),
        "recharge": exactly("1128"),
    }
    assert grouped(breakdown(erin, site), "category") == by_category
    assert grouped(breakdown(erin, site, "group_by=category"), "category") == by_category
    assert grouped(breakdown(erin, site, "group_by=activity"), "activity") == {
        "grid": exactly("193.205", "266.5"),
        "natural_gas": exactly("18.2"),
        "wood_pellets": exactly("1.71", biomass="20.25"),
        "supply": exactly("1.913"),
        "R-410A": exactly("1128"),
    }
    assert grouped(breakdown(erin, site, "group_by=scope"), "scope") == {
        1: exactly("1147.91", biomass="20.25"),
        2: exactly("193.205", "266.5"),
        3: exactly("1.913"),
    }
    december = exactly("110.275", "138.21", "20.25")  # 108.565 + 1.71 and 136.5 + 1.71
    january = exactly("1232.753", "1278.113")  # 84.64 + 18.2 + 1.913 + 1128; 130 for 84.64
    assert grouped(breakdown(erin, site, "group_by=month"), "month") == {
        "2022-12": december,
        "2023-01": january,
    }
    assert grouped(breakdown(erin, site, "group_by=year"), "year") == {
        2022: december,
        2023: january,
    }
    by_both = breakdown(erin, site, "group_by=year&group_by=category")
    assert grouped(by_both, "year", "category")[2023, "electricity"] == exactly("84.64", "130")


@each(
    ("query", "expected"),
    [
        ("end_date=2022-12-31", exactly("110.275", "138.21", "20.25")),
        ("start_date=2023-01-01", exactly("1232.753", "1278.113")),
        # the electricity ends on the 10th, the refill is on the 15th; gas and water have 21 of
        # their 31 days: 18.2 - 5.870968 + 1.913 - 0.617097 + 1128
        ("start_date=2023-01-11", exactly("1141.624935")),
        # 16 of 31 days: 18.2 - 8.806452 + 1.913 - 0.925645
        ("start_date=2023-01-16", exactly("10.380903")),
        # a tenth of the electricity, 8.464 or 13; 5 of 31 days of gas and water: 8.219355 less
        # 5.283871 (9 days: 14 less 9), and 0.863935 less 0.555387
        ("start_date=2023-01-10&end_date=2023-01-14", exactly("11.708032", "16.244032")),
        ("start_date=2024-01-01", exactly("0")),
        ("end_date=2022-11-30", exactly("0")),
    ],
)
def test_a_breakdown_holds_the_days_of_its_period(
    erin: Person, site: dict, query: str, expected: list[Decimal]
) -> None:
    for keys in ("group_by=month", "group_by=category&group_by=scope"):
        assert kg(breakdown(erin, site, f"{query}&{keys}")) == expected


def test_a_facility_without_consumption_breaks_down_into_nothing(erin: Person) -> None:
    body = breakdown(erin, erin.facility())
    assert (body["items"], kg(body)) == ([], exactly("0"))
