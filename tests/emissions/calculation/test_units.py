"""Units of measure: every definition against constants that come from elsewhere. Pure."""

from decimal import Decimal
from fractions import Fraction
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissions.calculation.units import UNITS, Dimension, dimension, ratio, same_dimension

INCH_CUBED_IN_ML = Fraction("2.54") ** 3  # the inch is 25.4 mm
BTU_IN_JOULES = Fraction("4186.8") * Fraction("0.45359237") * Fraction(5, 9)
"""The heat that warms a pound of water by a degree Fahrenheit: 4.1868 J per gram and kelvin."""

DEFINITIONS = {
    "Wh": ("MJ", Fraction(36, 10_000)),
    "kWh": ("MJ", Fraction(18, 5)),
    "MWh": ("kWh", Fraction(1000)),
    "GWh": ("MWh", Fraction(1000)),
    "MJ": ("kWh", Fraction(5, 18)),
    "GJ": ("kWh", Fraction(2500, 9)),
    "TJ": ("GJ", Fraction(1000)),
    "kBtu": ("MJ", 1000 * BTU_IN_JOULES / 10**6),
    "MMBtu": ("therm", Fraction(10)),
    "therm": ("kBtu", Fraction(100)),
    "ton_hour": ("kBtu", Fraction(12)),
    "kWh_net": ("GJ_net", Fraction(36, 10_000)),
    "MWh_net": ("kWh_net", Fraction(1000)),
    "GJ_net": ("kWh_net", Fraction(2500, 9)),
    "L": ("m3", Fraction(1, 1000)),
    "m3": ("L", Fraction(1000)),
    "gal_us": ("L", 231 * INCH_CUBED_IN_ML / 1000),
    "kgal_us": ("gal_us", Fraction(1000)),
    "gal_uk": ("L", Fraction("4.54609")),
    "ft3": ("L", 12**3 * INCH_CUBED_IN_ML / 1000),
    "ccf": ("ft3", Fraction(100)),
    "kcf": ("ft3", Fraction(1000)),
    "MMcf": ("kcf", Fraction(1000)),
    "g": ("kg", Fraction(1, 1000)),
    "kg": ("g", Fraction(1000)),
    "t": ("kg", Fraction(1000)),
    "lb": ("g", Fraction("453.59237")),
    "klb": ("lb", Fraction(1000)),
    "short_ton": ("lb", Fraction(2000)),
}
"""Unit → another one and how many of it one unit is, from the definition of each."""

IN_HANDBOOKS = [
    # NIST Special Publication 811 (2008), appendix B.8, to its seven digits.
    ("kBtu", "MJ", "1.055056"),
    ("MMBtu", "GJ", "1.055056"),
    ("gal_us", "L", "3.785412"),
    ("kgal_us", "m3", "3.785412"),
    ("ft3", "L", "28.31685"),
    ("ccf", "m3", "2.831685"),
    ("lb", "kg", "0.4535924"),
    # What bills and calculators print.
    ("therm", "kWh", "29.30711"),
    ("MMBtu", "kWh", "293.0711"),
    ("kBtu", "kWh", "0.2930711"),
    ("GJ", "kWh", "277.7778"),
    ("TJ", "MWh", "277.7778"),
    ("GWh", "TJ", "3.600000"),
    ("GJ", "therm", "9.478171"),
    ("ccf", "gal_us", "748.0519"),
    ("m3", "ft3", "35.31467"),
    ("m3", "gal_us", "264.1721"),
    ("t", "lb", "2204.623"),
    ("short_ton", "kg", "907.1847"),
    ("gal_uk", "gal_us", "1.200950"),
    ("kcf", "m3", "28.31685"),
    ("ton_hour", "kWh", "3.516853"),
    ("GJ_net", "MWh_net", "0.2777778"),
]

DIMENSIONS = {
    Dimension.ENERGY: "Wh kWh MWh GWh MJ GJ TJ kBtu MMBtu therm ton_hour",
    Dimension.NET_ENERGY: "kWh_net MWh_net GJ_net",
    Dimension.VOLUME: "L m3 gal_us kgal_us gal_uk ft3 ccf kcf MMcf",
    Dimension.MASS: "g kg t lb klb short_ton",
}

three_of_a_dimension = st.sampled_from(sorted(DIMENSIONS)).flatmap(
    lambda one: st.lists(st.sampled_from(DIMENSIONS[one].split()), min_size=3, max_size=3)
)


def test_the_units_are_those_of_the_contract() -> None:
    assert {one: tuple(names.split()) for one, names in DIMENSIONS.items()} == {
        one: tuple(unit for unit in UNITS if dimension(unit) is one) for one in Dimension
    }


def test_every_unit_has_a_definition_to_be_held_to() -> None:
    assert DEFINITIONS.keys() == UNITS.keys()


@pytest.mark.parametrize("unit", DEFINITIONS)
def test_a_unit_is_what_its_definition_says(unit: str) -> None:
    other, expected = DEFINITIONS[unit]
    assert ratio(unit, other) == expected


@pytest.mark.parametrize(("unit", "into", "printed"), IN_HANDBOOKS)
def test_a_ratio_is_the_one_that_handbooks_print(unit: str, into: str, printed: str) -> None:
    last_digit = Fraction(10) ** int(Decimal(printed).as_tuple().exponent)
    assert abs(ratio(unit, into) - Fraction(printed)) <= last_digit / 2


def test_a_therm_is_29_3071_kilowatt_hours_exactly() -> None:
    # 1 therm = 100,000 Btu of 1055.05585262 J = 105,505,585.262 J; 1 kWh = 3,600,000 J
    assert Fraction("1055.05585262") == BTU_IN_JOULES
    assert ratio("therm", "kWh") == Fraction("105505585.262") / 3_600_000
    assert round(float(ratio("therm", "kWh")), 10) == 29.3071070172


@given(three_of_a_dimension)
def test_there_and_back_is_one_and_a_way_round_is_no_longer(three: list[str]) -> None:
    unit, over, into = three
    assert ratio(unit, into) * ratio(into, unit) == 1
    assert ratio(unit, over) * ratio(over, into) == ratio(unit, into)


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_converts_to_exactly_those_of_its_dimension(unit: str) -> None:
    inside = same_dimension(unit)
    assert unit in inside
    assert ratio(unit, unit) == 1
    for other in UNITS:
        if other in inside:
            assert dimension(other) is dimension(unit)
            assert ratio(unit, other) > 0
        else:
            with pytest.raises(ValueError, match=f"{unit} is .* and {other} is"):
                ratio(unit, other)


def test_net_energy_never_converts_to_gross_nor_back() -> None:
    net, gross = (DIMENSIONS[one].split() for one in (Dimension.NET_ENERGY, Dimension.ENERGY))
    for one, other in [*product(net, gross), *product(gross, net)]:
        with pytest.raises(ValueError, match="net energy"):
            ratio(one, other)


@pytest.mark.parametrize("name", ["kwh", "KWH", "m³", "", "gallon", "kWh_gross"])
def test_an_unknown_unit_is_not_guessed(name: str) -> None:
    with pytest.raises(KeyError):
        dimension(name)
    with pytest.raises(KeyError):
        ratio(name, "kWh")
