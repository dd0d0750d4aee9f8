"""GET /v1/reports/inventory: a year by the GHG Protocol, whose parts add up to its totals."""

from decimal import Decimal
from fractions import Fraction
from io import BytesIO
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import load_workbook

from emissions.models import EmissionFactor
from emissions.reports.inventory.change import explained
from tests.conftest import Person
from tests.emissions.figures import FIGURES, gas, kg, refill

pytestmark = pytest.mark.django_db

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@pytest.fixture
def sites(erin: Person) -> list[dict[str, Any]]:
    """Three facilities with two years of a bit of everything."""
    home = erin.facility(name="Home", external_id="HOME")
    away = erin.facility(name="Away", country="FR", type="depot")
    for year in (2022, 2023):
        days = {"start_date": f"{year}-03-01", "end_date": f"{year}-03-31"}
        erin.consumption(home, quantity=1000 * (year - 2021), **days)
        gas(erin, home, **days)
    refill(erin, home)
    erin.consumption(home, category="water", activity="supply", quantity=40, unit="m3")
    erin.consumption(
        home, category="heat", activity="heating_oil", quantity=100, unit="L", status="inactive"
    )
    erin.consumption(away, data_quality="estimated")
    erin.consumption(erin.facility(name="Ice", country="AQ"))
    return [home, away]


def report(person: Person, **query: Any) -> dict[str, Any]:
    query = {"year": 2023, **query}
    address = "&".join(f"{name}={value}" for name, value in query.items())
    answer = person.get(f"/v1/reports/inventory?{address}")
    assert answer.status == 200, answer.body
    return answer.body


def test_every_part_adds_up_to_the_totals(erin: Person, sites: Any) -> None:
    body = report(erin)
    total = erin.get("/v1/emissions?start_date=2023-01-01&end_date=2023-12-31").body
    assert (body["total_location"], body["total_market"]) == (total["co2e"], total["co2e_market"])
    assert body["biogenic"] == total["co2e_biomass"]
    for part in ("by_scope", "by_category", "by_fuel", "by_country", "by_facility", "by_month",
                 "data_quality"):  # fmt: skip
        for name in (*FIGURES, "energy_kwh"):
            assert sum(one[name] for one in body[part]) == total[name], (part, name)
        assert not any("region" in one for one in body[part]), f"{part} is not by region"
    assert body["scope_1"] + body["scope_2_location"] + body["scope_3"] == body["total_location"]
    assert body["coverage"] == total["coverage"]
    assert sum(one["mwh"] for one in body["energy"]["mix"]) == body["energy"]["total_mwh"]
    assert body["energy"]["total_mwh"] * 1000 == total["energy_kwh"]


def test_what_is_missing_comes_first(erin: Person, sites: Any) -> None:
    body = report(erin)
    assert list(body).index("missing") < list(body).index("scope_1")
    assert body["missing"] == [
        {
            "category": "electricity",
            "activity": "grid",
            "country": "AQ",
            "reason": "no_factor",
            "consumptions": 1,
            "facilities": 1,
        }
    ]


def test_a_bill_that_came_too_late_is_missing_everywhere(alice: Person) -> None:
    site = alice.facility()
    alice.consumption(site)
    assert alice.post("/v1/periods/2023/close", None).status == 200
    alice.consumption(site, external_id="LATE", start_date="2023-04-01", end_date="2023-04-30")
    body = report(alice)
    [late] = body["missing"]
    assert (late["reason"], late["consumptions"], late["country"]) == ("period_closed", 1, "ES")
    assert body["coverage"]["missing"]["count"] == 1
    answer = alice.get("/v1/reports/inventory?year=2023", accept=XLSX)
    _, row = load_workbook(BytesIO(answer.body))["Without figure"].iter_rows(values_only=True)
    assert row == tuple(late.values())


def test_refrigerants_are_told_by_gas_and_energy_by_carrier(erin: Person, sites: Any) -> None:
    body = report(erin)
    [one] = body["refrigerants"]
    pool = next(row for row in body["by_fuel"] if row["category"] == "recharge")
    assert (one["gas"], one["refilled_kg"], one["co2e"]) == ("R-410A", Decimal("2.5"), pool["co2e"])
    points = body["energy"]["esrs_e1_5"]
    assert points["purchased_electricity_mwh"] == 3
    assert points["natural_gas_mwh"] == points["fossil_fuels_mwh"] == 1


def test_a_fuel_billed_by_volume_is_told_by_volume(erin: Person) -> None:
    site = erin.facility()
    erin.consumption(site, category="heat", activity="heating_oil", quantity=100, unit="L")
    energy = report(erin)["energy"]
    assert energy["total_mwh"] == 0
    assert energy["not_in_energy_units"] == [
        {"activity": "heating_oil", "unit": "L", "quantity": 100}
    ]


def test_the_change_since_the_base_year_is_explained_to_the_milligram(
    erin: Person, sites: Any
) -> None:
    body = report(erin, base_year=2022)["base_year"]
    base = report(erin, year=2022)
    for method, total in (("co2e", "total_location"), ("co2e_market", "total_market")):
        change = body[method]
        assert change["base_kg"] == base[total]
        assert change["change_kg"] == change["kg"] - change["base_kg"]
        for unit in ("kg", "percent"):
            parts = (part[unit] for part in change["explained"].values())
            assert sum(parts) == change[f"change_{unit}"]
    # Away and its grid came new; the home doubled its electricity, the refill is activity.
    away = next(one for one in report(erin)["by_facility"] if one["name"] == "Away")
    assert body["co2e"]["explained"]["structure"]["kg"] == away["co2e"]
    assert body["co2e"]["explained"]["factor"]["kg"] != 0


milligrams = st.integers(-(10**12), 10**12).map(lambda one: Decimal(one).scaleb(-6))
streams = st.dictionaries(
    st.tuples(st.integers(0, 2), st.just("heat"), st.sampled_from("ab"), st.just("energy")),
    st.tuples(st.fractions(0, 10**6, max_denominator=10**6), milligrams),
    max_size=6,
)


@given(before=streams, after=streams)
def test_the_three_causes_add_up_to_any_change(before: Any, after: Any) -> None:
    total = sum(kg for _, kg in after.values()) - sum(kg for _, kg in before.values())
    assert sum(explained(before, after).values()) == total


def test_a_doubled_quantity_is_activity_and_a_doubled_factor_is_factor() -> None:
    one = (UUID(int=1), "heat", "gas", "energy")
    twice = explained({one: (Fraction(5), Decimal(10))}, {one: (Fraction(10), Decimal(20))})
    assert twice == {"activity": 10, "factor": 0, "structure": 0}
    dirty = explained({one: (Fraction(5), Decimal(10))}, {one: (Fraction(5), Decimal(20))})
    assert dirty == {"activity": 0, "factor": 10, "structure": 0}


def test_every_factor_is_named_with_its_source(erin: Person, sites: Any) -> None:
    factors = report(erin)["factors"]
    assert sum(one["co2e"] for one in factors) == report(erin)["total_location"]
    assert sum(one["co2e_market"] for one in factors) == report(erin)["total_market"]
    for one in factors:
        stored = EmissionFactor.objects.get(pk=one["factor_id"])
        assert one["co2e_per_unit"] == stored.co2e
        assert one["source"]["licence"]


def test_it_says_whether_spain_was_computed_with_official_factors(erin: Person) -> None:
    assert report(erin)["spain"]["all_factors_official"] is None
    site = erin.facility()
    gas(erin, site)
    spain = report(erin)["spain"]
    [used] = report(erin)["factors"]
    assert spain["all_factors_official"] is used["source"]["id"].startswith("miteco")
    erin.consumption(erin.facility(country="FR"))
    assert report(erin)["spain"]["facilities"] == 1
    erin.factor(category="heat", activity="natural_gas", method=None, co2e=Decimal("0.2"))
    spain = report(erin)["spain"]
    assert spain["all_factors_official"] is False
    assert [one["own"] for one in spain["not_official"]] == [True]


def test_it_says_whether_the_year_is_closed(alice: Person) -> None:
    assert report(alice)["status"] == "open"
    alice.post("/v1/periods/2023/close", None)
    body = report(alice)
    assert body["status"] == "closed"
    assert body["closed_by"].startswith("alice")


def test_a_workbook_says_the_same(erin: Person, sites: Any) -> None:
    body = report(erin, base_year=2022)
    answer = erin.get("/v1/reports/inventory?year=2023&base_year=2022", accept=XLSX)
    assert answer.status == 200
    assert 'filename="inventory-2023.xlsx"' in answer.headers["content-disposition"]
    book = load_workbook(BytesIO(answer.body))
    assert book.sheetnames[:2] == ["Summary", "Without figure"]
    said = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True) if row[1:]}
    assert Decimal(str(said["Scope 1, kg CO2e"])) == body["scope_1"]
    location, market = _rows(book["Base year"])
    for row, name in ((location, "co2e"), (market, "co2e_market")):
        change = body["base_year"][name]
        assert Decimal(str(row["change_kg"])) == change["change_kg"]
        for cause, part in change["explained"].items():
            assert Decimal(str(row[f"{cause}_kg"])) == part["kg"]
            assert Decimal(str(row[f"{cause}_percent"])) == part["percent"]
    points = {row["data_point"]: row["value"] for row in _rows(book["ESRS E1"])}
    assert points.keys() == {**body["energy"]["esrs_e1_5"], **body["esrs_e1_6"]}.keys()
    assert Decimal(str(points["total_market_t"])) * 1000 == body["total_market"]
    marked = [row["factor_id"] for row in _rows(book["Factors"]) if row["not_official_in_spain"]]
    assert marked == [one["factor_id"] for one in body["spain"]["not_official"]]
    assert marked
    names, *rows, total = book["By facility"].iter_rows(values_only=True)
    at = names.index("co2e")
    assert sum(Decimal(str(row[at])) for row in rows) == body["total_location"]
    letter = book["By facility"].cell(1, at + 1).column_letter
    assert total[at] == f"=SUM({letter}2:{letter}{len(rows) + 1})"


def _rows(sheet: Any) -> list[dict[str, Any]]:
    names, *rows = sheet.iter_rows(values_only=True)
    return [dict(zip(names, row, strict=True)) for row in rows]


def test_gross_emissions_are_told_in_tonnes(erin: Person, sites: Any) -> None:
    body = report(erin)
    points = body["esrs_e1_6"]
    assert points["gross_scope_1_t"] * 1000 == body["scope_1"]
    assert points["gross_scope_2_market_t"] * 1000 == body["scope_2_market"]
    gross = ("gross_scope_1_t", "gross_scope_2_location_t", "gross_scope_3_t")
    assert sum(points[name] for name in gross) == points["total_location_t"]


def test_no_text_of_a_workbook_is_a_formula(erin: Person) -> None:
    erin.consumption(erin.facility(name="=1+1", type="@x"))
    answer = erin.get("/v1/reports/inventory?year=2023", accept=XLSX)
    sheet = load_workbook(BytesIO(answer.body))["By facility"]
    assert "'=1+1" in [cell.value for cell in sheet[2]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("", "year"), ("year=x", "year"), ("year=2023.0", "year"),
        ("year=２０２３", "year"), ("year=99999", "year"), ("year=2023&x=1", "x"),
        ("year=2023&base_year=", "base_year"), ("year=2023&year=2022", "year"),
    ],
)  # fmt: skip
def test_what_is_not_known_is_refused(erin: Person, query: str, field: str) -> None:
    answer = erin.get(f"/v1/reports/inventory?{query}")
    assert (answer.status, answer.fields) == (422, [field])


def test_an_organization_may_emit_gigatonnes(alice: Person) -> None:
    """A facility may not, and so it is with energy; every report says what they are together."""
    factor = {"country": "AQ", "valid_from": "2022-01-01", "co2e": Decimal(1)}
    own = alice.factor(**factor)
    sites = [alice.facility(name=name, country="AQ") for name in ("One", "Two")]
    alice.consumption(sites[0], quantity=Decimal("0.000001"), start_date="2022-03-01",
                      end_date="2022-03-31")  # fmt: skip
    most = Decimal("999999999999.5")
    for site in sites:
        alice.consumption(site, quantity=most, external_id=site["id"])
    body = report(alice, base_year=2022)
    assert body["total_location"] == body["scope_2_location"] == 2 * most
    assert body["energy"]["total_mwh"] == 2 * most / 1000
    change = body["base_year"]["co2e"]
    assert change["change_percent"] == (change["change_kg"] * 10**8).to_integral_value()
    preview = alice.post("/v1/emission-factors/preview", {"id": own["id"], "co2e": Decimal("0.5")})
    assert preview.body["before"]["co2e"] == 2 * most + Decimal("0.000001")
    assert alice.post("/v1/periods/2023/close", None).status == 200
    for site in sites:
        [bill] = alice.get(f"/v1/consumptions?external_id={site['id']}").body["items"]
        assert alice.patch(f"/v1/consumptions/{bill['id']}", {"status": "inactive"}).status == 200
    assert alice.get("/v1/periods/2023/restatements").body["before"]["co2e"] == 2 * most
    assert alice.get("/v1/periods/2023").body["co2e"] == 2 * most
    for unit in ("L", "MMcf"):
        alice.consumption(alice.facility(country="AQ"), category="heat", activity="heating_oil",
                          unit=unit, quantity=most)  # fmt: skip
    [key] = alice.get("/v1/missing-factors").body["items"]
    assert key["quantity"] > most * 10**7


def test_another_organization_sees_its_own(erin: Person, charlie: Person, sites: Any) -> None:
    body = report(charlie)
    assert body["organization"]["name"] == "Charlie SA"
    assert (body["total_location"], body["factors"], body["missing"]) == (0, [], [])
    assert kg(erin.get("/v1/emissions").body)[0] > 0
