"""Which days of a year a facility has bills for, meter by meter, and which it has not."""

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple

from django.db.models import F, Q

from emissions.calculation.units import UNITS, Dimension, dimension
from emissions.models import Consumption, ConsumptionStatus, DataQuality
from facilities.categories import Category
from facilities.models import Facility

ACTUAL, ESTIMATED, TWICE, NONE = "actual", "estimated", "twice", "none"
STATES = (ACTUAL, ESTIMATED, TWICE, NONE)
"""What a day is: it has one actual bill, one estimate, more than one of either, or none."""

CONTINUOUS = (Category.HEAT, Category.ELECTRICITY, Category.WATER)
"""What is used every day; a refill happens on one."""

DELIVERED_IN = [unit for unit in UNITS if dimension(unit) in (Dimension.MASS, Dimension.VOLUME)]


class Stretch(NamedTuple):
    """Days in a row, both bounds included."""

    start_date: date
    end_date: date


class Stream(NamedTuple):
    """What is billed again and again; an activity is unset where nothing of a category is billed.

    `cups` and `meter` are unset for bills that name none.
    """

    category: str
    activity: str
    cups: str
    meter: str


def covered(facility: Facility, year: int) -> list[dict[str, Any]]:
    """Every stream that the facility ever had with the days of a year in each of STATES.

    A correction is no bill of its days, and a delivery of fuel none of the days it lasts for:
    neither is looked at. An enabled category without any bill is a stream without an activity.
    """
    first, last = date(year, 1, 1), date(year, 12, 31)
    rows = Consumption.objects.live().filter(
        facility=facility,
        status=ConsumptionStatus.ACTIVE,
        category__in=[one for one in CONTINUOUS if one in facility.categories],
    )
    delivery = Q(category=Category.HEAT, start_date=F("end_date"), unit__in=DELIVERED_IN)
    rows = rows.exclude(delivery).exclude(data_quality=DataQuality.ADJUSTMENT)
    streams: dict[Stream, list[tuple[date, date, str]]] = {}
    seen = rows.order_by().values_list(*Stream._fields).distinct()
    for key in seen:
        streams[Stream(*key)] = []
    days = rows.filter(end_date__gte=first, start_date__lte=last)
    for *key, start, end, quality in days.values_list(
        *Stream._fields, "start_date", "end_date", "data_quality"
    ):
        streams[Stream(*key)].append((max(start, first), min(end, last), quality))
    for category in CONTINUOUS:
        if category in facility.categories and all(one.category != category for one in streams):
            streams[Stream(category, "", "", "")] = []
    return [
        {
            **{name: value or None for name, value in stream._asdict().items()},
            **_by_state(first, last, bills),
        }
        for stream, bills in sorted(streams.items())
    ]


def _by_state(
    first: date, last: date, bills: Iterable[tuple[date, date, str]]
) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {state: {"days": 0, "ranges": []} for state in STATES}
    for state, stretch in _stretches(first, last, bills):
        found[state]["days"] += (stretch.end_date - stretch.start_date).days + 1
        found[state]["ranges"].append(stretch._asdict())
    return found


def _stretches(
    first: date, last: date, bills: Iterable[tuple[date, date, str]]
) -> Iterator[tuple[str, Stretch]]:
    """The year cut into days in a row that are in one state."""
    day_count = (last - first).days + 1
    actual, estimated = [0] * (day_count + 1), [0] * (day_count + 1)
    for start, end, quality in bills:
        counts = estimated if quality == DataQuality.ESTIMATED else actual
        counts[(start - first).days] += 1
        counts[(end - first).days + 1] -= 1
    states = []
    of_actual = of_estimated = 0
    for day in range(day_count):
        of_actual += actual[day]
        of_estimated += estimated[day]
        if of_actual + of_estimated > 1:
            states.append(TWICE)
        else:
            states.append(ACTUAL if of_actual else ESTIMATED if of_estimated else NONE)
    for state, days in groupby(range(day_count), key=states.__getitem__):
        stretch = list(days)
        yield (
            state,
            Stretch(first + timedelta(days=stretch[0]), first + timedelta(days=stretch[-1])),
        )
