"""How a bill's figure comes about: quantity → conversion → factor → figure, one step a factor."""

from collections.abc import Iterable
from decimal import Decimal
from itertools import groupby
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from emissions.calculation.formula import convert
from emissions.calculation.units import ratio
from emissions.models import EmissionFactor
from emissions.names import unit_name
from emissions.reports.figures import shown

METHODS = {"location": _("Location-based"), "market": _("Market-based")}
BOTH = _("Location-based and market-based")


class Way(NamedTuple):
    """What a step multiplies by one of the methods."""

    method: Any
    conversion: str
    """1 kWh = 9/2500 GJ, or nothing where the factor is per unit of the bill."""

    converted: Decimal
    """The quantity in the factor's unit."""

    factor: EmissionFactor
    """With the value that was used."""

    fallbacks: list[str]
    co2e: Decimal
    """kg, the sum of the lines."""


class Step(NamedTuple):
    """The lines in a row that one factor, or one pair of them, gives."""

    first: Any
    last: Any
    quantity: Decimal
    unit: str
    ways: list[Way]
    biomass: Decimal
    lines: list[dict[str, Any]]


def steps(lines: Iterable[dict[str, Any]]) -> list[Step]:
    """The lines of an explanation, those of one factor folded into one step."""
    return [step(list(some)) for _, some in groupby(lines, key=used)]


def used(line: dict[str, Any]) -> tuple[Any, ...]:
    """What a line was computed with, by both methods."""
    ways = (line[name] for name in METHODS)
    return tuple((one["factor"].pk, one["factor"].co2e, *one["fallbacks"]) for one in ways)


def step(lines: list[dict[str, Any]]) -> Step:
    quantity = sum((line["quantity"] for line in lines), Decimal(0))
    unit = lines[0]["unit"]
    ways = [way(lines, name, quantity, unit) for name in METHODS]
    location, market = ways
    if location.factor == market.factor and location.co2e == market.co2e:
        ways = [location._replace(method=BOTH)]
    return Step(
        lines[0]["start_date"],
        lines[-1]["end_date"],
        quantity,
        unit,
        ways,
        sum((line["co2e_biomass"] for line in lines), Decimal(0)),
        lines,
    )


def in_words(unit: str, other: str) -> str:
    """How two units convert, exactly: 1 kWh = 9/2500 GJ."""
    return f"1 {unit_name(unit)} = {ratio(unit, other)} {unit_name(other)}"


def way(lines: list[dict[str, Any]], name: str, quantity: Decimal, unit: str) -> Way:
    first = lines[0][name]
    figure = "co2e" if name == "location" else "co2e_market"
    return Way(
        METHODS[name],
        "" if first["unit"] == unit else in_words(unit, first["unit"]),
        shown(convert(quantity, ratio(unit, first["unit"]))),
        first["factor"],
        first["fallbacks"],
        sum((line[figure] for line in lines), Decimal(0)),
    )
