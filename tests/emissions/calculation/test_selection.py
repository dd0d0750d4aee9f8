"""Which factor applies: the order of DESIGN section 4, rule 2, with hand-made factors. Pure."""

import csv
from collections import defaultdict
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from django.conf import settings

from emissions.calculation import selection as rules
from emissions.calculation.selection import Choice, Factor, Key, Missing, Timeline
from emissions.calculation.units import same_dimension

DATA = Path(settings.BASE_DIR) / "emissions" / "data"
US = UUID(int=1)
THEM = UUID(int=2)
ids = count(100)

# The day and the place of every key here unless a test says otherwise.
DAY = date(2023, 6, 15)


def key(**fields: Any) -> Key:
    return Key(
        **{
            "organization_id": US,
            "category": "heat",
            "activity": "natural_gas",
            "unit": "kWh",
            "country": "ES",
            "region": "",
            "supplier": "",
            "gwp_set": "AR6",
            **fields,
        }
    )


def market(**fields: Any) -> Key:
    return key(category="electricity", activity="grid", method="market", **fields)


def refill(**fields: Any) -> Key:
    return key(category="recharge", activity="R-410A", unit="kg", **fields)


def factor(**fields: Any) -> Factor:
    """Published, Spanish, for natural gas per kWh in 2023."""
    return Factor(
        **{
            "id": UUID(int=next(ids)),
            "organization_id": None,
            "category": "heat",
            "activity": "natural_gas",
            "country": "ES",
            "region": "",
            "supplier": "",
            "method": "",
            "gwp_set": "",
            "unit": "kWh",
            "valid_from": date(2023, 1, 1),
            "valid_to": date(2023, 12, 31),
            "co2e": Decimal("0.5"),
            "co2e_biomass": Decimal(0),
            "scope": 1,
            **fields,
        }
    )


def power(**fields: Any) -> Factor:
    """A market-based factor of grid electricity; a residual mix unless it names a supplier."""
    given = {"category": "electricity", "activity": "grid", "method": "market", "scope": 2}
    return factor(**{**given, **fields})


def gas(gwp_set: str, **fields: Any) -> Factor:
    """The GWP of R-410A in the world, without an end."""
    given = {"category": "recharge", "activity": "R-410A", "unit": "kg", "country": ""}
    return factor(**{"valid_to": None, **given, **fields}, gwp_set=gwp_set)


def year(number: int) -> dict[str, date]:
    return {"valid_from": date(number, 1, 1), "valid_to": date(number, 12, 31)}


def on(day: date, asked: Key, *factors: Factor) -> Choice | Missing:
    """The answer of a day, the same whatever the order the factors are given in."""
    [span] = Timeline(asked, factors).between(day, day)
    [mirrored] = Timeline(asked, factors[::-1]).between(day, day)
    if isinstance(span.answer, Choice):
        assert span.answer == mirrored.answer
    else:
        assert isinstance(mirrored.answer, Missing)
        assert span.answer.code == mirrored.answer.code
    return span.answer


def chosen(asked: Key, *factors: Factor, day: date = DAY) -> tuple[Factor, list[str]]:
    answer = on(day, asked, *factors)
    assert isinstance(answer, Choice), answer
    return answer.factor, list(answer.fallbacks)


def missing(asked: Key, *factors: Factor, day: date = DAY) -> str:
    """The code of a day without an answer."""
    answer = on(day, asked, *factors)
    assert isinstance(answer, Missing), answer
    return answer.code


# Supplier, residual mix, location


def test_the_named_suppliers_factor_comes_first() -> None:
    acme, other = power(supplier="Acme"), power(supplier="Other")
    residual, grid = power(), power(method="location")
    assert chosen(market(supplier="Acme"), residual, other, acme, grid) == (acme, [])


@pytest.mark.parametrize(
    "name", ["ACME ENERGÍA", "acme energía", "  Acme   Energía ", "Acme\tEnergía"]
)
def test_suppliers_names_are_compared_without_case_and_spacing(name: str) -> None:
    acme = power(supplier="Acme Energía")
    assert chosen(market(supplier=name), acme, power()) == (acme, [])


def test_a_supplier_whose_name_only_begins_alike_is_another_one() -> None:
    residual = power()
    assert chosen(market(supplier="Acme"), power(supplier="Acme Green"), residual)[0] == residual


def test_a_supplier_counts_for_the_market_figure_alone() -> None:
    acme, grid = power(supplier="Acme"), power(method="location")
    location = key(category="electricity", activity="grid", method="location", supplier="Acme")
    assert chosen(location, acme, power(), grid) == (grid, [])


def test_without_a_supplier_the_market_figure_takes_the_residual_mix() -> None:
    residual = power()
    assert chosen(market(), power(supplier="Acme"), residual, power(method="location")) == (
        residual,
        [],
    )


def test_an_unknown_supplier_takes_the_residual_mix() -> None:
    residual = power()
    assert chosen(market(supplier="Nobody"), power(supplier="Acme"), residual) == (residual, [])


def test_without_any_market_factor_the_location_factor_stands_in_and_is_flagged() -> None:
    grid = power(method="location")
    for supplier in ("", "Acme"):
        asked = market(supplier=supplier)
        assert chosen(asked, power(supplier="Other"), grid) == (grid, ["location_for_market"])


def test_the_location_figure_never_takes_a_market_factor() -> None:
    location = key(category="electricity", activity="grid", method="location")
    assert missing(location, power(), power(supplier="Acme")) == "no_factor"


def test_the_suppliers_earlier_factor_comes_before_this_years_residual_mix() -> None:
    acme = power(supplier="Acme", **year(2021))
    assert chosen(market(supplier="Acme"), acme, power()) == (acme, ["earlier_year"])


def test_the_earlier_residual_mix_comes_before_this_years_location_factor() -> None:
    residual = power(**year(2019))
    assert chosen(market(), residual, power(method="location")) == (residual, ["earlier_year"])


def test_the_published_supplier_comes_before_the_own_residual_mix() -> None:
    acme = power(supplier="Acme")
    assert chosen(market(supplier="Acme"), power(organization_id=US), acme) == (acme, [])


def test_every_step_away_is_flagged_together() -> None:
    grid = power(method="location", country="", **year(2020))
    answer, flags = chosen(market(), grid)
    assert answer == grid
    assert sorted(flags) == ["earlier_year", "location_for_market", "world"]


# Own before published


def test_the_own_factor_comes_before_the_published_one() -> None:
    own = factor(organization_id=US)
    assert chosen(key(), factor(), own) == (own, [])


def test_the_own_factor_of_an_earlier_year_comes_before_this_years_published_one() -> None:
    own = factor(organization_id=US, **year(2020))
    assert chosen(key(), factor(), own) == (own, ["earlier_year"])


def test_the_own_factor_of_a_wider_place_comes_before_the_published_one_of_the_place() -> None:
    asked = key(region="Cataluña")
    own, published = factor(organization_id=US), factor(region="Cataluña")
    assert chosen(asked, published, own) == (own, ["wider_region"])
    own = factor(organization_id=US, country="")
    assert chosen(asked, published, own) == (own, ["world"])


def test_an_own_factor_that_is_too_old_gives_way_to_the_published_one() -> None:
    published = factor()
    assert chosen(key(), factor(organization_id=US, **year(2017)), published) == (published, [])


def test_another_organizations_factor_does_not_exist() -> None:
    assert missing(key(), factor(organization_id=THEM)) == "no_factor"
    published = factor(country="")
    assert chosen(key(), factor(organization_id=THEM), published) == (published, ["world"])


# Region, country, world


def test_the_region_comes_before_the_country_and_the_country_before_the_world() -> None:
    region, country, world = factor(region="Cataluña"), factor(), factor(country="")
    asked = key(region="Cataluña")
    assert chosen(asked, world, country, region) == (region, [])
    assert chosen(asked, world, country) == (country, ["wider_region"])
    answer, flags = chosen(asked, world)
    assert answer == world
    assert "world" in flags


def test_a_facility_without_a_region_takes_its_country_without_a_flag() -> None:
    country = factor()
    assert chosen(key(), country, factor(country=""), factor(region="Cataluña")) == (country, [])


def test_the_world_is_flagged_where_there_is_no_factor_of_the_country() -> None:
    world = factor(country="")
    assert chosen(key(), world, factor(country="FR")) == (world, ["world"])


def test_another_region_or_country_is_never_taken() -> None:
    asked = key(region="Cataluña")
    assert missing(asked, factor(region="Aragón"), factor(country="FR")) == "no_factor"
    assert missing(asked, factor(country="FR", region="Cataluña")) == "no_factor"


def test_the_regions_earlier_factor_comes_before_the_countrys_of_this_year() -> None:
    region = factor(region="Cataluña", **year(2019))
    assert chosen(key(region="Cataluña"), factor(), region) == (region, ["earlier_year"])


def test_the_countrys_earlier_factor_comes_before_the_worlds_that_covers() -> None:
    country = factor(**year(2019))
    assert chosen(key(), factor(country="", valid_to=None), country) == (country, ["earlier_year"])


# Validity


def test_the_factor_that_covers_the_day_comes_before_an_earlier_one() -> None:
    covering = factor()
    assert chosen(key(), factor(**year(2022)), covering, factor(**year(2024))) == (covering, [])


def test_a_factor_covers_its_first_and_its_last_day() -> None:
    one = factor(**year(2023))
    assert chosen(key(), one, day=date(2023, 1, 1)) == (one, [])
    assert chosen(key(), one, day=date(2023, 12, 31)) == (one, [])
    assert chosen(key(), one, day=date(2024, 1, 1)) == (one, ["earlier_year"])
    assert missing(key(), one, day=date(2022, 12, 31)) == "no_factor"


def test_a_factor_without_an_end_covers_every_day_from_its_first() -> None:
    one = factor(valid_from=date(2000, 1, 1), valid_to=None)
    assert chosen(key(), one, day=date(2000, 1, 1)) == (one, [])
    assert chosen(key(), one, day=date(2199, 12, 31)) == (one, [])
    assert missing(key(), one, day=date(1999, 12, 31)) == "no_factor"


def test_of_the_earlier_factors_the_nearest_is_taken() -> None:
    nearest = factor(**year(2021))
    assert chosen(key(), factor(**year(2019)), nearest, factor(**year(2020))) == (
        nearest,
        ["earlier_year"],
    )


def test_a_later_factor_is_never_taken() -> None:
    later = factor(valid_from=DAY + timedelta(days=1), valid_to=None)
    assert missing(key(), later) == "no_factor"


@pytest.mark.parametrize(
    ("ends", "last_day"),
    [
        (date(2018, 6, 15), date(2023, 6, 15)),
        (date(2017, 12, 31), date(2022, 12, 31)),
        (date(2020, 2, 29), date(2025, 2, 28)),  # 2025 has no 29 February
        (date(2019, 2, 28), date(2024, 2, 28)),  # 29 February 2024 is a day too late
        (date(2019, 3, 1), date(2024, 3, 1)),
    ],
)
def test_an_earlier_factor_serves_five_years_to_the_day(ends: date, last_day: date) -> None:
    one = factor(valid_from=date(2010, 1, 1), valid_to=ends)
    assert chosen(key(), one, day=last_day) == (one, ["earlier_year"])
    assert missing(key(), one, day=last_day + timedelta(days=1)) == "no_factor"


def test_the_answers_over_a_period_change_on_the_very_day() -> None:
    old, new = factor(**year(2022)), factor(**year(2023))
    spans = list(Timeline(key(), [new, old]).between(date(2022, 12, 30), date(2023, 1, 2)))
    assert [(span.start, span.answer) for span in spans] == [
        (date(2022, 12, 30), Choice(old, ())),
        (date(2023, 1, 1), Choice(new, ())),
    ]


def test_a_gap_between_two_factors_is_an_earlier_year_of_the_first() -> None:
    old = factor(valid_from=date(2022, 1, 1), valid_to=date(2022, 3, 31))
    new = factor(valid_from=date(2022, 4, 11), valid_to=None)
    spans = list(Timeline(key(), [old, new]).between(date(2022, 3, 1), date(2022, 5, 1)))
    assert [(span.start, span.answer) for span in spans] == [
        (date(2022, 3, 1), Choice(old, ())),
        (date(2022, 4, 1), Choice(old, ("earlier_year",))),
        (date(2022, 4, 11), Choice(new, ())),
    ]


# Units


def test_the_consumptions_own_unit_comes_before_a_convertible_one() -> None:
    per_kwh, per_mwh, per_gj = (factor(unit=unit) for unit in ("kWh", "MWh", "GJ"))
    for unit, expected in (("kWh", per_kwh), ("MWh", per_mwh), ("GJ", per_gj)):
        assert chosen(key(unit=unit), per_gj, per_mwh, per_kwh) == (expected, [])


def test_a_convertible_unit_that_covers_comes_before_the_own_unit_of_an_earlier_year() -> None:
    covering = factor(unit="MWh")
    assert chosen(key(), factor(unit="kWh", **year(2022)), covering) == (covering, [])


def test_of_two_earlier_years_the_nearer_comes_before_the_own_unit() -> None:
    nearer = factor(unit="MWh", **year(2021))
    assert chosen(key(), factor(unit="kWh", **year(2020)), nearer) == (nearer, ["earlier_year"])


@pytest.mark.parametrize("unit", ["kWh_net", "m3", "kg"])
def test_a_factor_of_another_dimension_is_never_taken(unit: str) -> None:
    assert missing(key(unit="kWh"), factor(unit=unit)) == "no_factor"
    assert missing(key(unit=unit), factor(unit="kWh")) == "no_factor"
    world = factor(country="", unit="MWh")
    assert chosen(key(unit="kWh"), factor(unit=unit), world) == (world, ["world"])


def test_another_category_or_activity_is_never_taken() -> None:
    others = [factor(activity="lpg"), factor(category="water"), factor(activity="Natural_gas")]
    assert missing(key(), *others) == "no_factor"


# Ties


def test_a_tie_is_not_chosen_from_and_the_reason_names_both() -> None:
    one, other = factor(gwp_set="AR4"), factor(gwp_set="AR5", co2e=Decimal("0.625"))
    timeline = Timeline(key(), [one, other])
    [span] = timeline.between(DAY, DAY)
    assert isinstance(span.answer, Missing)
    assert set(span.answer.tied) == {one, other}
    reason = timeline.reason(span.answer, DAY)
    assert reason.startswith("ambiguous_factor: ")
    for named in (str(one.id), str(other.id), "0.5 per kWh", "0.625 per kWh", "2023-06-15"):
        assert named in reason


def test_two_convertible_units_tie_where_neither_is_the_consumptions_own() -> None:
    tied = factor(unit="MWh"), factor(unit="GJ")
    assert missing(key(unit="kWh"), *tied) == "ambiguous_factor"
    assert chosen(key(unit="GJ"), *tied) == (tied[1], [])


def test_two_earlier_factors_that_end_on_one_day_tie() -> None:
    tied = [factor(gwp_set=one, **year(2022)) for one in ("AR4", "AR5")]
    assert missing(key(), *tied) == "ambiguous_factor"


def test_two_spellings_of_one_supplier_tie() -> None:
    tied = [power(supplier="Acme"), power(supplier="ACME")]
    assert missing(market(supplier="acme"), *tied, power()) == "ambiguous_factor"


def test_a_tie_further_down_the_order_does_not_matter() -> None:
    own = factor(organization_id=US)
    tied = [factor(gwp_set="AR4"), factor(gwp_set="AR5")]
    assert chosen(key(), *tied, own) == (own, [])


# Refrigerants


def test_a_refill_takes_the_organizations_gwp_set() -> None:
    sets = {one: gas(one) for one in ("AR4", "AR5", "AR6")}
    for one, expected in sets.items():
        assert chosen(refill(gwp_set=one), *sets.values()) == (expected, [])


def test_a_refill_takes_the_newest_older_set_where_its_own_is_missing() -> None:
    ar4, ar5 = gas("AR4"), gas("AR5")
    assert chosen(refill(gwp_set="AR6"), ar4, ar5) == (ar5, ["older_gwp_set"])
    assert chosen(refill(gwp_set="AR6"), ar4) == (ar4, ["older_gwp_set"])
    assert chosen(refill(gwp_set="AR5"), ar4, gas("AR6")) == (ar4, ["older_gwp_set"])


def test_a_refill_never_takes_a_newer_set() -> None:
    assert missing(refill(gwp_set="AR4"), gas("AR5"), gas("AR6")) == "no_factor"
    assert missing(refill(gwp_set="AR5"), gas("AR6")) == "no_factor"


def test_the_organizations_set_comes_before_its_own_factor_of_an_older_set() -> None:
    ar6 = gas("AR6")
    assert chosen(refill(), gas("AR5", organization_id=US), ar6) == (ar6, [])
    own = gas("AR6", organization_id=US)
    assert chosen(refill(), gas("AR5"), ar6, own) == (own, [])


def test_a_gwp_is_the_same_everywhere_so_neither_world_nor_region_is_flagged() -> None:
    world, country = gas("AR6"), gas("AR6", country="ES")
    assert chosen(refill(region="Cataluña"), world) == (world, [])
    assert chosen(refill(region="Cataluña"), world, country) == (country, [])


def test_the_gwp_set_of_other_categories_is_not_asked_for() -> None:
    one = factor(gwp_set="AR4")
    assert chosen(key(gwp_set="AR6"), one) == (one, [])


# The reason


def test_the_reason_says_what_was_searched() -> None:
    def reason(asked: Key) -> str:
        timeline = Timeline(asked, [])
        [span] = timeline.between(DAY, DAY)
        assert isinstance(span.answer, Missing)
        return timeline.reason(span.answer, DAY)

    searched = reason(key(region="Cataluña", unit="kWh_net"))
    assert searched.startswith("no_factor: ")
    for word in ("heat/natural_gas", "net energy", "kWh_net", "Cataluña", "ES", "world"):
        assert word in searched
    assert "2023-06-15" in searched
    assert "5 years" in searched
    assert "GWP" not in searched
    assert "location-based" in reason(
        key(category="electricity", activity="grid", method="location")
    )
    refrigerant = reason(refill(gwp_set="AR5"))
    assert "recharge/R-410A" in refrigerant
    assert "mass" in refrigerant
    assert "AR5 or AR4" in refrigerant
    assert "AR6" not in refrigerant


# What ships


def shipped() -> list[Factor]:
    with (DATA / "emission_factors.csv").open(encoding="utf-8-sig", newline="") as file:
        return [
            factor(
                **{
                    name: row[name]
                    for name in ("category", "activity", "country", "region", "supplier")
                },
                method=row["method"],
                gwp_set=row["gwp_set"],
                unit=row["unit"],
                valid_from=date.fromisoformat(row["valid_from"]),
                valid_to=date.fromisoformat(row["valid_to"]) if row["valid_to"] else None,
                co2e=Decimal(row["co2e"]),
                co2e_biomass=Decimal(row["co2e_biomass"] or "0"),
                scope=int(row["scope"]),
            )
            for row in csv.DictReader(file)
        ]


def shipped_keys(factors: list[Factor]) -> set[Key]:
    """Every key that the shipped factors tell apart, in every unit that a bill of it may have."""
    keys = set()
    for one in factors:
        for unit in {one.unit, *(same_dimension(one.unit) if not one.supplier else ())}:
            for gwp_set in rules.GWP_SETS if one.category == "recharge" else ("AR6",):
                keys.add(
                    key(
                        category=one.category,
                        activity=one.activity,
                        unit=unit,
                        country=one.country or "ZZ",
                        region=one.region,
                        supplier=one.supplier,
                        gwp_set=gwp_set,
                        method=one.method,
                    )
                )
    return keys


def test_no_shipped_factors_are_ambiguous_on_any_day() -> None:
    factors = shipped()
    at: defaultdict[tuple[str, str, str], list[Factor]] = defaultdict(list)
    for one in factors:
        at[one.category, one.activity, one.country].append(one)
    keys = shipped_keys(factors)
    assert len(keys) > 2000
    ambiguous = []
    for asked in keys:
        place = (asked.category, asked.activity)
        timeline = Timeline(asked, at[*place, asked.country] + at[*place, ""])
        ambiguous += [
            timeline.reason(span.answer, span.start)
            for span in timeline.spans
            if isinstance(span.answer, Missing) and span.answer.tied
        ]
    assert ambiguous == []


def test_every_shipped_factor_is_the_answer_to_its_own_key_throughout_its_validity() -> None:
    """Also that no two rows of one key overlap, and none is hidden by another."""
    factors = shipped()
    at: defaultdict[tuple[str, ...], list[Factor]] = defaultdict(list)
    for one in factors:
        at[one.category, one.activity, one.country, one.region, one.supplier, one.method].append(
            one
        )
    for one in factors:
        asked = key(
            category=one.category,
            activity=one.activity,
            unit=one.unit,
            country=one.country,
            region=one.region,
            supplier=one.supplier,
            gwp_set=one.gwp_set or "AR6",
            method=one.method,
        )
        place = (one.category, one.activity, one.country, one.region, one.supplier, one.method)
        timeline = Timeline(asked, at[place])
        last = one.valid_to or date.max
        flags = () if one.country or one.category == "recharge" else ("world",)
        answers = [span.answer for span in timeline.between(one.valid_from, last)]
        assert answers == [Choice(one, flags)]
