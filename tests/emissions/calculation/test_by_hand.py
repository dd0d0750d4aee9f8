"""Figures worked out by hand from emissions/data/emission_factors.csv, through HTTP."""

from decimal import Decimal
from typing import Any

import pytest

from tests.cases import each
from tests.conftest import Person
from tests.emissions.figures import (
    NOTHING,
    OVER_NEW_YEAR,
    again,
    change,
    completeness,
    exactly,
    flags,
    gas,
    kg,
    ledger,
    lines_of,
    refill,
    total,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

# Heat


@each(
    ("quantity", "unit", "expected"),
    [
        # 1,000 × 0.18292893 (heat,natural_gas,GB,kWh,2023)
        ("1000", "kWh", "182.92893"),
        # 1,000 × 0.20267142 (heat,natural_gas,GB,kWh_net,2023)
        ("1000", "kWh_net", "202.67142"),
        # 3.6 GJ_net = 1,000 kWh_net
        ("3.6", "GJ_net", "202.67142"),
        # 100 × 105,505,585.262 J / 3,600,000 J = 2,930.7107017222… kWh × 0.18292893 = 536.11177280…
        ("100", "therm", "536.111773"),
        # 10 therm = 293.07107017222… kWh × 0.18292893 = 53.611177280…
        ("1", "MMBtu", "53.611177"),
        # 277.7777… kWh × 0.18292893 = 50.8135916666…
        ("1", "GJ", "50.813592"),
        # 36 GJ = 10,000 kWh
        ("36", "GJ", "1829.2893"),
        # 100 × 2.03839031 (m3)
        ("100", "m3", "203.839031"),
        # 2.8316846592 m3 × 2.03839031 = 5.77207857028…
        ("1", "ccf", "5.772079"),
        # 1 t × 2562.57441074 (t), rounded half up
        ("1000", "kg", "2562.574411"),
        # 2,000 × 0.45359237 kg = 0.90718474 t × 2562.57441074 = 2324.72840053…
        ("2000", "lb", "2324.728401"),
    ],
)
def test_british_gas_of_2023_in_every_way_it_is_billed(
    erin: Person, quantity: str, unit: str, expected: str
) -> None:
    site = erin.facility(country="GB")
    bill = gas(erin, site, quantity=Decimal(quantity), unit=unit)
    assert kg(bill) == exactly(expected) == total(erin, site)
    [line] = lines_of(erin, bill)
    assert (line["scope"], line["location"]["fallbacks"]) == (1, [])


def test_net_energy_is_not_taken_for_gross_where_there_is_no_net_factor(erin: Person) -> None:
    site = erin.facility(country="ES")
    bill = gas(erin, site, unit="kWh_net")
    assert kg(bill) == NOTHING
    assert bill["co2e_reason"].startswith("no_factor: ")
    assert "net energy" in bill["co2e_reason"]


@pytest.mark.parametrize(
    ("country", "quantity", "unit", "fossil", "biogenic", "fallbacks"),
    [
        # 1,000 × 0.171 and × 2.025 (heat,wood_pellets,ES,kg,2023)
        ("ES", 1000, "kg", "171", "2025", []),
        # 1 × 51.56192 and × 1677.18 (GB,t,2023)
        ("GB", 1, "t", "51.56192", "1677.18", []),
        # 1,000 × 0.01074 and × 0.35 (GB,kWh,2023)
        ("GB", 1000, "kWh", "10.74", "350", []),
        # 500 kg = 0.5 t × 55.19389 and × 1677.18 (world,t)
        ("DE", 500, "kg", "27.596945", "838.59", ["world"]),
    ],
)
def test_wood_pellets_keep_their_biogenic_part_apart(
    erin: Person,
    country: str,
    quantity: int,
    unit: str,
    fossil: str,
    biogenic: str,
    fallbacks: list[str],
) -> None:
    site = erin.facility(country=country)
    bill = erin.consumption(
        site, category="heat", activity="wood_pellets", quantity=quantity, unit=unit
    )
    assert kg(bill) == exactly(fossil, biomass=biogenic) == total(erin, site)
    assert flags(erin, bill) == [(fallbacks, fallbacks)]


def test_district_heating_is_scope_2(erin: Person) -> None:
    bill = erin.consumption(
        erin.facility(country="GB"), category="heat", activity="district_heating"
    )
    assert kg(bill) == exactly("179.64657")  # 1,000 × 0.17964657
    assert [line["scope"] for line in lines_of(erin, bill)] == [2]


# Refrigerants


def test_a_refill_follows_the_organizations_gwp_set(erin: Person) -> None:
    site = erin.facility()
    bill, power = refill(erin, site), erin.consumption(site)
    assert kg(bill) == exactly("5640")  # 2.5 × 2256 (AR6)
    for gwp_set, expected in (("AR4", "5220"), ("AR5", "4810"), ("AR6", "5640")):
        # 2.5 × 2088 (AR4), × 1924 (AR5)
        erin.organization.gwp_set = gwp_set
        erin.organization.save()
        assert kg(again(erin, bill)) == exactly(expected)
        [line] = lines_of(erin, bill)
        assert line["location"]["factor"]["gwp_set"] == gwp_set
        assert line["location"]["fallbacks"] == []
        # and 1,000 kWh × 0.16928, × 0.26 beside it
        assert total(erin, site)[0] == Decimal(expected) + Decimal("169.28")
    assert [counts for *_, counts in ledger(bill)] == [False, False, False, True]
    assert len(ledger(power)) == 1


def test_a_refill_in_pounds_is_converted_exactly(erin: Person) -> None:
    # 0.45359237 kg × 2256 = 1023.30438672
    assert kg(refill(erin, erin.facility(), quantity=1, unit="lb")) == exactly("1023.304387")


def test_a_refrigerant_without_a_gwp_in_the_set_takes_an_older_one(erin: Person) -> None:
    # recharge,R-412A has no row of AR6: 1 × 2172 (AR5), not 2286 (AR4)
    bill = refill(erin, erin.facility(), activity="R-412A", quantity=1)
    assert kg(bill) == exactly("2172")
    assert flags(erin, bill) == [(["older_gwp_set"], ["older_gwp_set"])]


# Electricity

"""Ten days of each year."""


def test_a_bill_over_new_year_uses_both_factors(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site, **OVER_NEW_YEAR)
    # location: 500 × 0.21713 = 108.565 and 500 × 0.16928 = 84.64
    # market, the residual mix: 500 × 0.273 = 136.5 and 500 × 0.26 = 130
    assert kg(bill) == exactly("193.205", "266.5") == total(erin, site)
    old, new = lines_of(erin, bill)
    assert (old["month"], old["days"], old["quantity"]) == ("2022-12", 10, 500)
    assert (new["month"], new["days"], new["quantity"]) == ("2023-01", 10, 500)
    assert kg(old) == exactly("108.565", "136.5")
    assert kg(new) == exactly("84.64", "130")
    assert flags(erin, bill) == [([], []), ([], [])]


def test_days_that_do_not_divide_leave_the_remainder_to_the_last_part(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site, start_date="2022-12-15", end_date="2023-02-03")
    lines = lines_of(erin, bill)
    assert [(line["days"], line["quantity"]) for line in lines] == [
        (17, Decimal("333.333333333333")),  # 1,000 × 17 / 51 = 333.3333333333333…
        (31, Decimal("607.843137254902")),  # 1,000 × 31 / 51 = 607.84313725490196…
        (3, Decimal("58.823529411765")),  # 1,000 less both
    ]
    assert [kg(line) for line in lines] == [
        exactly("72.376667", "91"),  # × 0.21713 = 72.37666666…; × 0.273 = 90.99999999…
        exactly("102.895686", "158.039216"),  # × 0.16928 = 102.89568627…; × 0.26 = 158.03921568…
        # × 0.16928 = 9.95764705…; × 0.26 = 15.29411764…, of which 0.00000031 was given before
        exactly("9.957647", "15.294117"),
    ]
    assert kg(bill) == exactly("185.23", "264.333333") == total(erin, site)


def test_megawatt_hours_are_a_thousand_kilowatt_hours(erin: Person) -> None:
    bill = erin.consumption(erin.facility(), quantity=1, unit="MWh")
    assert kg(bill) == exactly("169.28", "260")
    [line] = lines_of(erin, bill)
    assert (line["location"]["conversion"], line["location"]["unit"]) == (1000, "kWh")
    assert line["location"]["converted_quantity"] == 1000


def test_gigajoules_on_a_factor_per_kwh_show_how_they_were_converted(erin: Person) -> None:
    bill = erin.consumption(erin.facility(), quantity=Decimal("7.2"), unit="GJ")
    # 7.2 GJ = 2,000 kWh × 0.16928 and × 0.26
    assert kg(bill) == exactly("338.56", "520")
    [line] = lines_of(erin, bill)
    used = line["location"]
    assert used["conversion_exact"] == "1 GJ = 2500/9 kWh"
    assert used["conversion"] == Decimal("277." + "7" * 28)
    assert (used["converted_quantity"], used["unit"]) == (2000, "kWh")
    assert used["product"] == Decimal("338.56")


def test_the_named_suppliers_label_makes_the_market_figure(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site, supplier="iberdrola clientes,  s.a.u.", **OVER_NEW_YEAR)
    # 500 × 0.27 = 135 (2022) and 500 × 0.241 = 120.5 (2023); the location figure as without it
    assert kg(bill) == exactly("193.205", "255.5")
    for line in lines_of(erin, bill):
        assert line["market"]["factor"]["supplier"] == "IBERDROLA CLIENTES, S.A.U."
        assert line["market"]["asked"]["supplier"] == "iberdrola clientes, s.a.u."
        assert line["location"]["factor"]["supplier"] is None
    assert flags(erin, bill) == [([], []), ([], [])]


def test_a_supplier_that_nobody_knows_takes_the_residual_mix(erin: Person) -> None:
    bill = erin.consumption(erin.facility(), supplier="Nobody S.L.")
    assert kg(bill) == exactly("169.28", "260")
    assert flags(erin, bill) == [([], [])]


def test_a_green_suppliers_market_figure_is_zero_and_not_missing(erin: Person) -> None:
    # electricity,grid,ES,ACCIONA GREEN ENERGY DEVELOPMENTS SL,market,2023: 0
    site = erin.facility()
    bill = erin.consumption(site, supplier="Acciona Green Energy Developments SL")
    assert kg(bill) == exactly("169.28", "0") == total(erin, site)
    assert bill["co2e_status"] == "calculated"


def test_without_any_market_factor_the_grid_stands_in_and_says_so(erin: Person) -> None:
    bill = erin.consumption(erin.facility(country="FR"), supplier="EDF")
    assert kg(bill) == exactly("55.28")  # 1,000 × 0.05528
    assert flags(erin, bill) == [([], ["location_for_market"])]
    [line] = lines_of(erin, bill)
    assert line["market"]["factor"]["method"] == "location"


def test_a_bill_of_a_later_year_takes_the_nearest_earlier_factor(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site, start_date="2025-05-01", end_date="2025-05-31")
    # location 2025: 0.15326; market: the residual mix of 2024, 0.283
    assert kg(bill) == exactly("153.26", "283")
    assert flags(erin, bill) == [([], ["earlier_year"])]
    bill = erin.consumption(site, start_date="2026-05-01", end_date="2026-05-31")
    assert kg(bill) == exactly("153.26", "283")
    assert flags(erin, bill) == [(["earlier_year"], ["earlier_year"])]


def test_a_us_site_takes_its_egrid_subregion(erin: Person) -> None:
    site = erin.facility(country="US", region="eGRID:CAMX")
    bill = erin.consumption(site)
    assert kg(bill) == exactly("198.741")  # 1,000 × 0.198741 (eGRID:CAMX, 2023)
    assert flags(erin, bill) == [([], ["location_for_market"])]
    # 2024: the subregion's own, earlier, before the country's 0.38355
    after = erin.consumption(site, start_date="2024-03-01", end_date="2024-03-31")
    assert kg(after) == exactly("198.741")
    assert flags(erin, after) == [(["earlier_year"], ["location_for_market", "earlier_year"])]
    # 2022: the subregion's is later, so the country's: 1,000 × 0.41037
    before = erin.consumption(site, start_date="2022-03-01", end_date="2022-03-31")
    assert kg(before) == exactly("410.37")
    assert flags(erin, before) == [(["wider_region"], ["location_for_market", "wider_region"])]


def test_giving_a_site_its_region_recomputes_it(erin: Person) -> None:
    site = erin.facility(country="US")
    bill = erin.consumption(site)
    assert kg(bill) == exactly("392.85")  # 1,000 × 0.39285 (US, 2023)
    change(erin, "facilities", site, region="eGRID:CAMX")
    assert kg(again(erin, bill)) == exactly("198.741") == total(erin, site)
    change(erin, "facilities", site, region=None)
    assert kg(again(erin, bill)) == exactly("392.85") == total(erin, site)


def test_biogenic_carbon_of_electricity_follows_the_location_factor(erin: Person) -> None:
    erin.factor(co2e=Decimal("0.1"), co2e_biomass=Decimal("0.02"))
    erin.factor(co2e=Decimal("0.3"), co2e_biomass=Decimal("0.04"), method="market")
    site = erin.facility()
    assert kg(erin.consumption(site)) == exactly("100", "300", "20") == total(erin, site)


# Water


@each(
    ("country", "activity", "quantity", "unit", "expected", "fallbacks"),
    [
        ("GB", None, 100, "m3", "17.6685", []),  # supply unless set: 100 × 0.176685
        ("GB", "treatment", 100, "m3", "20.1318", []),  # 100 × 0.201318
        ("ES", "supply", 100, "m3", "19.13", ["world"]),  # 100 × 0.1913
        ("ES", "treatment", 100000, "L", "17.088", ["world"]),  # 100 m3 × 0.17088
        # 3.785411784 m3 × 0.1913 = 0.72414927…
        ("US", "supply", 1, "kgal_us", "0.724149", ["world"]),
    ],
)
def test_water_is_supplied_and_treated(
    erin: Person,
    country: str,
    activity: str | None,
    quantity: int,
    unit: str,
    expected: str,
    fallbacks: list[str],
) -> None:
    bill = erin.consumption(
        erin.facility(country=country),
        category="water",
        activity=activity,
        quantity=quantity,
        unit=unit,
    )
    assert bill["activity"] == (activity or "supply")
    assert kg(bill) == exactly(expected)
    assert flags(erin, bill) == [(fallbacks, fallbacks)]
    assert [line["scope"] for line in lines_of(erin, bill)] == [3]


# Quantities


def test_nothing_consumed_is_zero_and_calculated(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site, quantity=0, **OVER_NEW_YEAR)
    assert kg(bill) == exactly("0") == total(erin, site)
    assert (bill["co2e_status"], bill["co2e_reason"]) == ("calculated", None)
    assert [line["quantity"] for line in lines_of(erin, bill)] == [0, 0]


def test_an_adjustment_takes_off(erin: Person) -> None:
    site = erin.facility()
    erin.consumption(site)
    bill = erin.consumption(site, quantity=-100, data_quality="adjustment")
    # −100 × 0.16928 and × 0.26; the totals 900 × both
    assert kg(bill) == exactly("-16.928", "-26")
    lines_of(erin, bill)
    assert total(erin, site) == exactly("152.352", "234")


def test_an_adjustment_of_the_whole_bill_leaves_exactly_nothing(erin: Person) -> None:
    site = erin.facility()
    period = {"start_date": "2021-12-07", "end_date": "2023-02-03"}
    quantity = Decimal("1234.567891")
    bill = erin.consumption(site, quantity=quantity, **period)
    back = erin.consumption(site, quantity=-quantity, data_quality="adjustment", **period)
    assert [kg(line) for line in lines_of(erin, back)] == [
        [-one for one in kg(line)] for line in lines_of(erin, bill)
    ]
    assert total(erin, site) == exactly("0")


# No factor


def test_a_country_without_a_factor_is_kept_without_a_figure(erin: Person) -> None:
    site = erin.facility(country="LI")
    bill = erin.consumption(site)
    assert (kg(bill), bill["co2e_status"]) == (NOTHING, "not_calculated")
    assert bill["co2e_reason"].startswith("no_factor: ")
    for word in ("electricity/grid", "kWh", "LI", "2023-03-01"):
        assert word in bill["co2e_reason"]
    assert completeness(erin, site) == "incomplete"
    assert total(erin, site) == exactly("0")
    explained = erin.get(f"/v1/consumptions/{bill['id']}/calculation").body
    assert (explained["lines"], kg(explained)) == ([], NOTHING)
    assert explained["reason"] == bill["co2e_reason"]

    factor = erin.factor(country="LI")
    assert kg(again(erin, bill)) == exactly("500") == total(erin, site)
    assert completeness(erin, site) == "complete"
    assert erin.delete(f"/v1/emission-factors/{factor['id']}").status == 204
    assert again(erin, bill)["co2e_reason"] == bill["co2e_reason"]
    assert completeness(erin, site) == "incomplete"


def test_the_rest_of_an_incomplete_facility_counts(erin: Person) -> None:
    site = erin.facility(country="LI")
    erin.consumption(site)
    refill(erin, site)
    assert total(erin, site) == exactly("5640")
    assert completeness(erin, site) == "incomplete"


@each("way", ["inactive", "deleted", "disabled", "another country"])
def test_a_facility_is_complete_again_when_the_missing_figure_is_not_asked_for(
    erin: Person, way: str
) -> None:
    site = erin.facility(country="LI")
    bill = erin.consumption(site)
    if way == "inactive":
        change(erin, "consumptions", bill, status="inactive")
    elif way == "deleted":
        erin.delete(f"/v1/consumptions/{bill['id']}")
    elif way == "disabled":
        change(erin, "facilities", site, categories=["heat"])
    else:
        change(erin, "facilities", site, country="CH")
    assert completeness(erin, site) == "complete"


def stones(person: Person, site: dict[str, Any], start: str, end: str, quantity: int) -> Any:
    """Olive stones in kg; Spain alone has a factor, 0.153 and biogenic 2.022, 2018 to 2024."""
    period = {"start_date": start, "end_date": end}
    return person.consumption(
        site, category="heat", activity="olive_stones", quantity=quantity, unit="kg", **period
    )


def test_a_factor_serves_five_years_past_its_end_and_not_a_day_more(erin: Person) -> None:
    site = erin.facility()
    last = stones(erin, site, "2029-12-01", "2029-12-31", 100)
    assert kg(last) == exactly("15.3", biomass="202.2")
    assert flags(erin, last) == [(["earlier_year"], ["earlier_year"])]
    for start in ("2029-12-31", "2030-01-01"):
        late = stones(erin, site, start, "2030-01-01", 100)
        assert kg(late) == NOTHING
        assert late["co2e_reason"].startswith("no_factor: ")
        assert "2030-01-01" in late["co2e_reason"]


def test_a_later_factor_is_never_used(erin: Person) -> None:
    late = stones(erin, erin.facility(), "2017-12-31", "2018-01-01", 100)
    assert kg(late) == NOTHING
    assert "2017-12-31" in late["co2e_reason"]


def test_past_the_five_years_the_world_is_next(erin: Person) -> None:
    site = erin.facility()
    before = gas(erin, site, start_date="2029-12-31", end_date="2029-12-31")
    after = gas(erin, site, start_date="2030-01-01", end_date="2030-01-01")
    assert kg(before) == exactly("182")  # 1,000 × 0.182 (ES, 2024)
    assert flags(erin, before) == [(["earlier_year"], ["earlier_year"])]
    assert kg(after) == exactly("181.2342")  # 1,000 × 0.1812342 (world, without an end)
    assert flags(erin, after) == [(["world"], ["world"])]


def test_one_missing_year_leaves_the_whole_bill_without_a_figure(erin: Person) -> None:
    site = erin.facility()
    own = erin.factor(
        category="heat",
        activity="olive_stones",
        method=None,
        unit="kg",
        valid_from="2011-01-01",
        valid_to="2011-12-31",
        co2e=Decimal("0.2"),
    )
    # 2016 from the own factor of 2011, 2017 from nothing, 2018 from the published one
    bill = stones(erin, site, "2016-07-01", "2018-06-30", 730)
    assert kg(bill) == NOTHING
    assert "2017-01-01" in bill["co2e_reason"]
    assert ledger(bill) == []
    assert completeness(erin, site) == "incomplete"

    change(erin, "emission-factors", own, valid_to="2012-12-31")
    # a kg a day: (184 + 365) × 0.2 = 109.8 and 181 × 0.153 = 27.693; biogenic 181 × 2.022
    assert kg(again(erin, bill)) == exactly("137.493", biomass="365.982")
    assert len(lines_of(erin, bill)) == 24
    assert completeness(erin, site) == "complete"
