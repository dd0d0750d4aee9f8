"""How much energy a bill is, in kWh: what is billed in a unit of energy, and nothing else.

Gross and net stay what they were billed as: 1 MWh is 1,000 kWh and 1 MWh_net is 1,000 kWh, net, as
neither is ever turned into the other. A litre of oil or a m3 of gas has no figure here: its energy
is a property of the fuel, which the bill does not say. Pure: no Django.
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from emissions.calculation.formula import convert, rounded
from emissions.calculation.units import Dimension, dimension, ratio

KWH = {Dimension.ENERGY: "kWh", Dimension.NET_ENERGY: "kWh_net"}
NONE = Decimal("0.000000")


@lru_cache
def kwh_per(unit: str) -> Fraction | None:
    """How many kWh one unit is, exactly; None for a unit that does not measure energy."""
    kwh = KWH.get(dimension(unit))
    return ratio(unit, kwh) if kwh else None


def kilowatt_hours(quantity: Decimal, unit: str) -> Decimal:
    """The kWh of a quantity, rounded half up to 6 decimals; 0 where it does not measure energy."""
    per_unit = kwh_per(unit)
    return NONE if per_unit is None else rounded(convert(quantity, per_unit))


def kilowatt_hours_of(parts: Iterable[Decimal], unit: str) -> Iterator[Decimal]:
    """The kWh of each part of a bill in one year: the differences of the rounded running total.

    They add up to their kWh rounded once: 1,000 kWh over three months is 1,000.
    """
    quantity, before = Decimal(0), NONE
    for part in parts:
        quantity += part
        total = kilowatt_hours(quantity, unit)
        yield total - before
        before = total
