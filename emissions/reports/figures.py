"""Figures explained, always from the lines of the ledger."""

from collections.abc import Iterable
from datetime import datetime
from decimal import ROUND_DOWN, Decimal
from functools import reduce
from itertools import groupby
from typing import Any

from emissions.calculation.formula import EXACT, RunningTotal, convert, product
from emissions.calculation.units import ratio
from emissions.ledger.bills import Kilograms
from emissions.models import CalculationStatus, Consumption, Emission, EmissionFactor
from emissions.reports.moments import as_it_was
from emissions.reports.reasons import reason_at
from facilities.categories import Category

SHOWN = Decimal(1).scaleb(-28)
"""Unrounded numbers are shown to 28 decimals, which is all of them unless the ratio has no end."""


RELATED = ("consumption__facility", "location_factor__source", "market_factor__source")


def explanation(consumption: Consumption, as_of: datetime | None = None) -> dict[str, Any]:
    """Every line of a consumption with what was asked, what was used and how it was multiplied.

    With `as_of`, as it stood at that moment. The consumption is read together with its lines, by
    one query, so that a write in between cannot make them disagree.
    """
    if as_of:
        return _past(consumption, as_of)
    current = Emission.objects.current().filter(consumption=consumption).select_related(*RELATED)
    while not (lines := list(current.all())):
        consumption = Consumption.objects.get(pk=consumption.pk)
        if consumption.co2e is None:
            break
    else:
        consumption = lines[0].consumption
    return {
        "consumption": consumption,
        "lines": _explained(lines),
        **Kilograms.of(consumption)._asdict(),
        "as_of": None,
        "reason": consumption.co2e_reason or None,
    }


def _past(consumption: Consumption, moment: datetime) -> dict[str, Any]:
    """The explanation as it would have been given at a moment."""
    lines = list(
        Emission.objects.counted_at(moment).filter(consumption=consumption).select_related(*RELATED)
    )
    then = as_it_was(consumption, moment)
    figures: Kilograms | tuple[None, None, None] = (None, None, None)
    reason = "At this moment it was not recorded yet."
    if lines:
        figures = reduce(Kilograms.plus, [Kilograms.of(line) for line in lines])
    if then is not None:
        facility = as_it_was(then.facility, moment) or then.facility
        reason = reason_at(moment, then, facility, lines)
    consumption.co2e, consumption.co2e_market, consumption.co2e_biomass = figures
    consumption.co2e_status = (
        CalculationStatus.CALCULATED if lines else CalculationStatus.NOT_CALCULATED
    )
    consumption.co2e_reason = reason
    return {
        "consumption": consumption,
        "lines": _explained(lines),
        **Kilograms.of(consumption)._asdict(),
        "as_of": moment,
        "reason": reason or None,
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
        "recorded_at": line.recorded_at,
        "superseded_at": line.superseded_at,
        "superseded_by": line.superseded_by or None,
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
            "country": line.country,
            "region": line.region or None,
            "supplier": line.supplier or None if method == "market" else None,
            "gwp_set": line.gwp_set or None,
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
