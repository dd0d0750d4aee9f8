"""Units of measure and the exact ratios between them. Pure: no Django.

Each unit is a whole or decimal multiple of one unit of its dimension, exact by definition:
1 kWh = 3.6 MJ (SI); 1 Btu = 1055.05585262 J (International Table, ISO 31-4) and 1 therm =
100,000 Btu, 1 ton-hour of refrigeration = 12,000 Btu (ASHRAE); 1 US gallon = 231 in³ =
3.785411784 L and 1 ft³ = 28.316846592 L, 1 lb = 0.45359237 kg (international yard and pound
agreement, 1959) and 1 short ton = 2,000 lb; 1 UK gallon = 4.54609 L (Units of Measurement
Regulations 1995). How people spell them is in `spellings`.

Energy is gross calorific value, as fuels are billed. Net is a dimension of its own, because the
ratio of the two is a property of the fuel and not of the unit.
"""

from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from functools import lru_cache


class Dimension(StrEnum):
    ENERGY = "energy"
    NET_ENERGY = "net energy"
    VOLUME = "volume"
    MASS = "mass"


_JOULES_PER_BTU = Decimal("1055.05585262")

UNITS: dict[str, tuple[Dimension, Decimal]] = {
    "Wh": (Dimension.ENERGY, Decimal(3600)),
    "kWh": (Dimension.ENERGY, Decimal(3600) * 10**3),
    "MWh": (Dimension.ENERGY, Decimal(3600) * 10**6),
    "GWh": (Dimension.ENERGY, Decimal(3600) * 10**9),
    "MJ": (Dimension.ENERGY, Decimal(10**6)),
    "GJ": (Dimension.ENERGY, Decimal(10**9)),
    "TJ": (Dimension.ENERGY, Decimal(10**12)),
    "kBtu": (Dimension.ENERGY, _JOULES_PER_BTU * 10**3),
    "MMBtu": (Dimension.ENERGY, _JOULES_PER_BTU * 10**6),
    "therm": (Dimension.ENERGY, _JOULES_PER_BTU * 10**5),
    "ton_hour": (Dimension.ENERGY, _JOULES_PER_BTU * 12_000),
    "kWh_net": (Dimension.NET_ENERGY, Decimal(3600) * 10**3),
    "MWh_net": (Dimension.NET_ENERGY, Decimal(3600) * 10**6),
    "GJ_net": (Dimension.NET_ENERGY, Decimal(10**9)),
    "L": (Dimension.VOLUME, Decimal(1)),
    "m3": (Dimension.VOLUME, Decimal(1000)),
    "gal_us": (Dimension.VOLUME, Decimal("3.785411784")),
    "kgal_us": (Dimension.VOLUME, Decimal("3785.411784")),
    "gal_uk": (Dimension.VOLUME, Decimal("4.54609")),
    "ft3": (Dimension.VOLUME, Decimal("28.316846592")),
    "ccf": (Dimension.VOLUME, Decimal("2831.6846592")),
    "kcf": (Dimension.VOLUME, Decimal("28316.846592")),
    "MMcf": (Dimension.VOLUME, Decimal("28316846.592")),
    "g": (Dimension.MASS, Decimal("0.001")),
    "kg": (Dimension.MASS, Decimal(1)),
    "t": (Dimension.MASS, Decimal(1000)),
    "lb": (Dimension.MASS, Decimal("0.45359237")),
    "klb": (Dimension.MASS, Decimal("453.59237")),
    "short_ton": (Dimension.MASS, Decimal("907.18474")),
}
"""Unit → its dimension, and its size in joules, litres or kilograms."""


def dimension(unit: str) -> Dimension:
    """What a unit measures. Raises KeyError for an unknown unit."""
    return UNITS[unit][0]


@lru_cache
def same_dimension(unit: str) -> tuple[str, ...]:
    """The units that convert to and from this one, itself included."""
    return tuple(other for other in UNITS if dimension(other) is dimension(unit))


@lru_cache
def ratio(unit: str, into: str) -> Fraction:
    """How many `into` one `unit` is, exactly. Raises ValueError across dimensions."""
    if dimension(unit) is not dimension(into):
        raise ValueError(f"{unit} is {dimension(unit)} and {into} is {dimension(into)}")
    return Fraction(UNITS[unit][1]) / Fraction(UNITS[into][1])
