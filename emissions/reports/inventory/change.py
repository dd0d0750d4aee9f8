"""How a year differs from a base year, and how much of that is activity, factors and structure.

Of a stream (a facility's consumption of one activity) that both years have, the change is
q₁·f₀ - c₀ by activity and c₁ - q₁·f₀ by factor, f₀ being what a unit emitted in the base year. What
belongs to facilities with figures in only one of the years is structure (GHG Protocol, Corporate
Standard, chapter 5). The three add up to the change exactly.
"""

from decimal import Decimal
from fractions import Fraction
from operator import add
from typing import Any
from uuid import UUID

from emissions.calculation.formula import convert, rounded
from emissions.calculation.units import UNITS
from emissions.reports.inventory.quantities import added_up
from emissions.reports.periods import Period
from emissions.reports.totals import Question

Stream = tuple[UUID, str, str, str]
"""Facility, category, activity, what its unit measures."""

METHODS = ("co2e", "co2e_market")


def change_between(organization_id: UUID, base_year: int, year: int) -> dict[str, Any]:
    """The base year's totals, the change in kg and %, and what explains it, by method."""
    before = Question(organization_id, Period.of_year(base_year))
    after = Question(organization_id, Period.of_year(year))
    totals = before.total(), after.total()
    streams = _streams(before), _streams(after)
    answer: dict[str, Any] = {"year": base_year}
    for at, method in enumerate(METHODS):
        first, last = (getattr(one, method) for one in totals)
        answer[method] = {
            "base_kg": first,
            "kg": last,
            "change_kg": last - first,
            "change_percent": percent(last - first, first),
            "explained": _with_percent(
                explained(*(_under_method(some, at) for some in streams)), first
            ),
        }
    return answer


def _with_percent(causes: dict[str, Decimal], whole: Decimal) -> dict[str, dict[str, Any]]:
    """The kg of each cause with its part of the base year in %, which add up exactly too: each is
    the difference of the rounded running total."""
    answer, total, so_far = {}, Decimal(0), percent(Decimal(0), whole)
    for name, kg in causes.items():
        total += kg
        until = percent(total, whole)
        part = None if until is None or so_far is None else until - so_far
        answer[name], so_far = {"kg": kg, "percent": part}, until
    return answer


def percent(part: Decimal, whole: Decimal) -> Decimal | None:
    """Rounded half up to 6 decimals; of nothing there is no percentage."""
    return rounded(part * 100 / whole) if whole else None


def explained(
    before: dict[Stream, tuple[Fraction, Decimal]], after: dict[Stream, tuple[Fraction, Decimal]]
) -> dict[str, Decimal]:
    """The kg of the change by activity, factor and structure, given quantity and kg by stream."""
    stayed = {one[0] for one in before} & {one[0] for one in after}
    kg = {"activity": Decimal(0), "factor": Decimal(0), "structure": Decimal(0)}
    for stream in before.keys() | after.keys():
        (q0, c0), (q1, c1) = (some.get(stream, NONE) for some in (before, after))
        if stream[0] not in stayed:
            kg["structure"] += c1 - c0
            continue
        by_activity = c1 - c0
        if q0 and q1:
            by_activity = rounded(convert(Decimal(1), q1 * Fraction(c0) / q0)) - c0
        kg["activity"] += by_activity
        kg["factor"] += c1 - c0 - by_activity
    return kg


NONE = (Fraction(), Decimal(0))


def _streams(question: Question) -> dict[Stream, tuple[Fraction, list[Decimal]]]:
    """The quantity of each stream, and its kg under each of METHODS."""
    keys = ("facility_id", "category", "activity", "unit")
    found: dict[Stream, tuple[Fraction, list[Decimal]]] = {}
    for facility_id, category, activity, unit, quantity, *kg in added_up(
        question.lines(), keys, METHODS
    ):
        measured, size = UNITS[unit]
        stream, used = (
            (facility_id, category, activity, str(measured)),
            Fraction(quantity) * Fraction(size),
        )
        if stream in found:
            before, emitted = found[stream]
            used, kg = before + used, list(map(add, emitted, kg))
        found[stream] = (used, kg)
    return found


def _under_method(
    streams: dict[Stream, tuple[Fraction, list[Decimal]]], at: int
) -> dict[Stream, tuple[Fraction, Decimal]]:
    return {stream: (used, kg[at]) for stream, (used, kg) in streams.items()}
