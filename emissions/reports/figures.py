"""Figures explained, always from the current lines of the ledger."""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from itertools import groupby
from typing import Any

from emissions.calculation.formula import EXACT, RunningTotal, convert, product
from emissions.calculation.units import ratio
from emissions.ledger.bills import Kilograms
from emissions.models import Consumption, Emission, EmissionFactor
from facilities.categories import Category

SHOWN = Decimal(1).scaleb(-28)
"""Unrounded numbers are shown to 28 decimals, which is all of them unless the ratio has no end."""


def explanation(consumption: Consumption) -> dict[str, Any]:
    """Every line of a consumption with what was asked, what was used and how it was multiplied.

    The consumption is read together with its lines, by one query, so that a write in between
    cannot make them disagree.
    """
    related = [
        "consumption",
        "facility",
        "organization",
        "location_factor__source",
        "market_factor__source",
    ]
    current = Emission.objects.current().filter(consumption=consumption).select_related(*related)
    while not (lines := list(current.all())):
        consumption = Consumption.objects.get(pk=consumption.pk)
        if consumption.co2e is None:
            break
    else:
        consumption = lines[0].consumption
        consumption.facility = lines[0].facility
    return {
        "consumption": consumption,
        "lines": _explained(lines),
        **Kilograms.of(consumption)._asdict(),
        "reason": consumption.co2e_reason or None,
    }


def _explained(lines: Iterable[Emission]) -> list[dict[str, Any]]:
    """Each line with how it came about; what rounding leaves over is carried within a year."""
    explained: list[dict[str, Any]] = []
    for _, of_year in groupby(lines, key=lambda line: line.month.year):
        totals = {"location": RunningTotal(), "market": RunningTotal()}
        explained += [_line(line, totals) for line in of_year]
    return explained


def _line(line: Emission, totals: dict[str, RunningTotal]) -> dict[str, Any]:
    return {
        "month": f"{line.month:%Y-%m}",
        "start_date": line.start_date,
        "end_date": line.end_date,
        "days": (line.end_date - line.start_date).days + 1,
        "quantity": line.quantity,
        "unit": line.unit,
        "scope": line.scope,
        **{method: _figure(line, method, total) for method, total in totals.items()},
        **Kilograms.of(line)._asdict(),
    }


def _figure(line: Emission, method: str, total: RunningTotal) -> dict[str, Any]:
    factor: EmissionFactor = getattr(line, f"{method}_factor")
    factor.co2e = getattr(line, f"{method}_value")
    factor.unit = getattr(line, f"{method}_unit")
    fallbacks = getattr(line, f"{method}_fallbacks")
    conversion = ratio(line.unit, factor.unit)
    electric = line.category == Category.ELECTRICITY
    carried = total.carried
    total.next(line.quantity, line.unit, factor.co2e, factor.unit)
    return {
        "asked": {
            "category": line.category,
            "activity": line.activity,
            "method": method if electric else None,
            "unit": line.unit,
            "country": line.facility.country,
            "region": line.facility.region or None,
            "supplier": line.consumption.supplier or None
            if electric and method == "market"
            else None,
            "gwp_set": line.organization.gwp_set if line.category == Category.RECHARGE else None,
            "start_date": line.start_date,
            "end_date": line.end_date,
        },
        "factor": factor,
        "converted_quantity": shown(convert(line.quantity, conversion)),
        "unit": factor.unit,
        "conversion": shown(convert(Decimal(1), conversion)),
        "conversion_exact": f"1 {line.unit} = {conversion} {factor.unit}",
        "product": shown(product(line.quantity, conversion, factor.co2e)),
        "carried": shown(carried),
        "fallbacks": fallbacks.split(",") if fallbacks else [],
    }


def shown(number: Decimal) -> Decimal:
    """Cut, not rounded, so that rounding what is shown gives what is stored."""
    return number.quantize(SHOWN, ROUND_DOWN, context=EXACT).normalize(EXACT)
