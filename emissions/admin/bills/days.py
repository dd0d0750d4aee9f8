"""Which days of a year a facility has bills for, as its page draws them."""

from datetime import date
from typing import Any

from emissions.models import Consumption
from emissions.names import activity_name
from emissions.reports.coverage import NONE, STATES, covered
from facilities.models import Facility
from facilities.names import category_name

GAPS = 3
"""So many stretches without a bill are named."""


def coverage_of(facility: Facility, asked: str, today: date) -> dict[str, Any] | None:
    """A year's days, meter by meter; without a year that is asked for, that of the newest bill
    up to today. Nothing for a facility without bills."""
    rows = Consumption.objects.live().filter(facility=facility).order_by("end_date")
    ends = rows.filter(end_date__year__lte=today.year).values_list("end_date", flat=True)
    newest = ends.last() or rows.values_list("end_date", flat=True).first()
    if newest is None:
        return None
    year = int(asked) if asked.isdecimal() and 1900 <= int(asked) <= 2199 else newest.year
    return {
        "year": year,
        "before": year - 1,
        "after": year + 1,
        "streams": [drawn(one) for one in covered(facility, year)],
    }


def drawn(stream: dict[str, Any]) -> dict[str, Any]:
    """A stream's year as stretches in order, with the days of each state and the first gaps."""
    stretches = sorted(
        (one["start_date"], one["end_date"], state)
        for state in STATES
        for one in stream[state]["ranges"]
    )
    gaps = stream[NONE]["ranges"]
    return {
        "category": category_name(stream["category"]),
        "activity": activity_name(stream["activity"] or ""),
        "code": stream["cups"] or stream["meter"] or "",
        "stretches": [
            {"start": start, "end": end, "state": state, "days": (end - start).days + 1}
            for start, end, state in stretches
        ],
        "days": {state: stream[state]["days"] for state in STATES},
        "gaps": gaps[:GAPS],
        "more_gaps": max(len(gaps) - GAPS, 0),
    }
