"""GET /v1/missing-factors: what waits for a factor, and which come nearest."""

from decimal import Decimal
from typing import Any

import pytest

from tests.cases import each
from tests.conftest import Answer, Person, created
from tests.emissions.figures import again, gas, refill

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

LIST = "/v1/missing-factors"
LONG_AGO = {"start_date": "1990-03-01", "end_date": "1990-03-31"}
FIELDS = [
    "key", "reason", "dimension", "consumptions", "facilities", "quantity", "first_day",
    "last_day", "nearest",
]  # fmt: skip


def test_what_waits_is_grouped_by_the_exact_key(erin: Person) -> None:
    home, away = erin.facility(), erin.facility(country="FR", region="IDF")
    gas(erin, home, **LONG_AGO, quantity=10)
    gas(erin, home, **LONG_AGO, quantity=1, unit="MWh")
    gas(erin, home, **LONG_AGO, quantity=3, status="inactive")
    gas(erin, away, **LONG_AGO, quantity=5, unit="m3")
    gas(erin, home)
    body = erin.get(LIST).body
    assert [list(item) for item in body["items"]] == [FIELDS] * 2
    first, second = body["items"]
    assert first["key"] == {
        "category": "heat", "activity": "natural_gas", "country": "ES", "region": None,
        "method": None, "gwp_set": None, "unit": first["key"]["unit"],
        "valid_from": "1990-01-01", "valid_to": "1990-12-31",
    }  # fmt: skip
    assert (first["consumptions"], first["facilities"], first["dimension"]) == (2, 1, "energy")
    kwh = {"kWh": Decimal(1), "MWh": Decimal(1000)}[first["key"]["unit"]]
    assert first["quantity"] * kwh == 1010
    assert (first["first_day"], first["last_day"]) == ("1990-03-01", "1990-03-01")
    assert (second["key"]["country"], second["key"]["region"]) == ("FR", "IDF")
    assert (second["consumptions"], second["quantity"], second["dimension"]) == (1, 5, "volume")
    assert (body["total"], body["pages"]) == (2, 1)
    assert erin.get(f"{LIST}?size=1&page=2").body["items"] == [second]


def why(item: dict[str, Any]) -> list[set[str]]:
    assert len(item["nearest"]) <= 3
    return [{one["code"] for one in near["why"]} for near in item["nearest"]]


def only(person: Person, query: str = "") -> dict[str, Any]:
    [item] = person.get(f"{LIST}?{query}").body["items"]
    return item


def test_the_nearest_factors_say_why_they_do_not_fit(erin: Person) -> None:
    peat = {"category": "heat", "activity": "lava", "method": None, "country": "ES"}
    later = erin.factor(**peat, valid_from="2024-01-01", valid_to=None)
    erin.factor(**{**peat, "country": "FR"})
    erin.factor(**peat, region="ES-AN")
    site = erin.facility()
    erin.consumption(site, category="heat", activity="lava")
    item = only(erin)
    assert {frozenset(codes) for codes in why(item)} == {
        frozenset({"later"}),
        frozenset({"other_region"}),
        frozenset({"other_country"}),
    }
    near = next(one for one in item["nearest"] if one["why"][0]["code"] == "later")
    assert near["factor"] == again(erin, later, "emission-factors")
    assert near["why"] == [
        {
            "field": "valid_from",
            "code": "later",
            "detail": "It is valid from 2024-01-01, after 2023-03-01; a later factor is never "
            "used.",
        }
    ]


def test_each_reason_has_its_code(erin: Person) -> None:
    lava = {"category": "heat", "activity": "lava", "method": None, "country": None}
    erin.factor(**lava, unit="kg", valid_from="2010-01-01", valid_to="2010-12-31")
    erin.consumption(erin.facility(), category="heat", activity="lava")
    assert why(only(erin)) == [{"other_dimension", "too_old"}]
    grid = {"country": "AQ", "method": "market"}
    erin.factor(**grid)
    erin.consumption(erin.facility(country="AQ"))
    electric = only(erin, "category=electricity")
    assert electric["key"]["method"] == "location"
    assert {"market_based"} in why(electric)


def test_a_refrigerant_with_a_newer_gwp_set_does_not_fit(alice: Person) -> None:
    alice.organization.gwp_set = "AR4"
    alice.organization.save()
    alice.factor(
        category="recharge", activity="R-mine", gwp_set="AR6", unit="kg", method=None, country=None
    )
    refill(alice, alice.facility(), activity="R-mine")
    item = only(alice)
    assert item["key"]["gwp_set"] == "AR4"
    assert why(item) == [{"newer_gwp_set"}]


def test_where_several_fit_equally_they_are_named_and_one_has_to_go(erin: Person) -> None:
    south = erin.facility(country="AQ")
    tied = [erin.factor(country="AQ", unit=unit) for unit in ("kWh", "MWh")]
    bill = erin.consumption(south, quantity=2, unit="GWh")
    gas(erin, south, **LONG_AGO)
    item, other = erin.get(LIST).body["items"]
    if item["reason"] == "no_factor":
        item, other = other, item
    assert (item["reason"], other["reason"]) == ("ambiguous_factor", "no_factor")
    assert (item["key"]["method"], item["key"]["unit"]) == ("location", "GWh")
    assert (item["consumptions"], item["quantity"]) == (1, 2)
    assert (item["first_day"], item["last_day"]) == ("2023-03-01", "2023-03-01")
    named = {near["factor"]["id"] for near in item["nearest"]}
    assert named == {one["id"] for one in tied}
    assert why(item) == [{"tied"}, {"tied"}]
    assert erin.delete(f"/v1/emission-factors/{tied[0]['id']}").status == 204
    assert erin.get(LIST).body["items"] == [other]
    assert again(erin, bill)["co2e_status"] == "calculated"


def test_market_based_factors_that_fit_equally_are_a_group_of_their_own(erin: Person) -> None:
    south = erin.facility(country="AQ")
    erin.factor(country="AQ")
    for unit in ("kWh", "MWh"):
        erin.factor(country="AQ", unit=unit, method="market", supplier="Acme")
    erin.consumption(south, quantity=2, unit="GWh", supplier="Acme")
    item = only(erin)
    assert (item["reason"], item["key"]["method"]) == ("ambiguous_factor", "market")
    assert {near["factor"]["supplier"] for near in item["nearest"]} == {"Acme"}


def test_adding_the_factor_resolves_the_group_and_says_so(erin: Person) -> None:
    site = erin.facility()
    bills = [gas(erin, site, **LONG_AGO, quantity=10, unit=unit) for unit in ("kWh", "MWh")]
    key = only(erin)["key"]
    answer = erin.post("/v1/emission-factors", {**key, "co2e": 2})
    assert said(answer) == ("2", "2")
    assert erin.get(LIST).body["items"] == []
    assert all(again(erin, bill)["co2e_status"] == "calculated" for bill in bills)
    path = f"/v1/emission-factors/{created(answer)['id']}"
    assert said(erin.patch(path, {"co2e": 3})) == ("2", "0")
    assert said(erin.patch(path, {"note": "as billed"})) == ("0", "0")
    assert said(erin.get(path)) == (None, None)


def said(answer: Answer) -> tuple[str | None, str | None]:
    """How many consumptions have other figures, and how many have their first."""
    names = ("Consumptions-Changed", "Consumptions-Calculated")
    changed, calculated = (answer.headers.get(name) for name in names)
    return changed, calculated


@each(
    ("query", "count"),
    [
        ("category=heat", 1),
        ("category=water", 0),
        ("activity=natural_gas&activity=lpg", 1),
        ("country=FRA", 0),
        ("country=ES", 1),
    ],
)
def test_what_is_missing_is_filtered(erin: Person, query: str, count: int) -> None:
    gas(erin, erin.facility(), **LONG_AGO)
    assert erin.get(f"{LIST}?{query}").body["total"] == count


@pytest.mark.parametrize("query", ["nope=1", "sort=year", "category=gas", "country=Spain"])
def test_what_is_not_known_is_refused(erin: Person, query: str) -> None:
    answer = erin.get(f"{LIST}?{query}")
    assert (answer.status, answer.fields) == (422, [query.split("=", maxsplit=1)[0]])
