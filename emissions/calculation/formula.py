"""How kg CO2e is computed from one consumption: split, convert, multiply. Pure: no Django.

DESIGN section 4, rules 1, 3 and 4. Everything is exact until the one rounding of each line.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import NamedTuple

from emissions.calculation.selection import (
    LOCATION,
    MARKET,
    ONE_DAY,
    Choice,
    Factor,
    Key,
    Missing,
    Timeline,
)
from emissions.calculation.units import ratio

RESULT_STEP = Decimal("0.000001")
"""Stored results have 6 decimals: a milligram."""

QUANTITY_STEP = Decimal("0.000000000001")
"""A part of a split quantity has 12 decimals: a tonne's part is off by a microgram at most."""

EXACT = Context(prec=60, rounding=ROUND_DOWN)
"""Cuts where a ratio has no end (1 GJ = 2500/9 kWh); a half-up rounding later is not moved."""


NOTHING = Decimal(0).quantize(RESULT_STEP)

PERIODS = 1000
"""Periods of one key that are kept divided; bills of one month are divided alike."""

Part = tuple[date, date, Choice, Choice]
"""First day, last day, and the factors of the location-based and the market-based figure."""


class NoFigure(NamedTuple):
    """Why a consumption cannot be computed, for the first of its days that has no answer."""

    reason: str
    missing_on: date | None
    """That day, if no factor is for it; nothing if several are."""


Splits = dict[tuple[date, date], list[Part] | NoFigure]


class Line(NamedTuple):
    """The part of a consumption that falls in one month under one factor; amounts in kg."""

    start: date
    end: date
    quantity: Decimal
    location: Choice
    market: Choice
    co2e: Decimal
    co2e_market: Decimal
    co2e_biomass: Decimal

    @property
    def month(self) -> date:
        """The first day of the line's month."""
        return self.start if self.start.day == 1 else self.start.replace(day=1)


def convert(quantity: Decimal, conversion: Fraction) -> Decimal:
    """A quantity times an exact ratio of units."""
    product = EXACT.multiply(quantity, Decimal(conversion.numerator))
    return EXACT.divide(product, Decimal(conversion.denominator))


def product(quantity: Decimal, conversion: Fraction, per_unit: Decimal) -> Decimal:
    """quantity × conversion × factor in kg, before rounding: the formula."""
    numerator = EXACT.multiply(EXACT.multiply(quantity, per_unit), Decimal(conversion.numerator))
    return EXACT.divide(numerator, Decimal(conversion.denominator))


def rounded(kilograms: Decimal) -> Decimal:
    """Once per line, half up, to 6 decimals."""
    return kilograms.quantize(RESULT_STEP, ROUND_HALF_UP, context=EXACT)


def lines_of(
    quantity: Decimal, unit: str, start: date, end: date, location: Timeline, market: Timeline
) -> list[Line] | NoFigure:
    """The lines of a quantity from start to end (inclusive), or the reason there are none."""
    parts = parts_of(start, end, location, market)
    return parts if isinstance(parts, NoFigure) else shared_out(quantity, unit, parts)


def parts_of(start: date, end: date, location: Timeline, market: Timeline) -> list[Part] | NoFigure:
    """The days from start to end by month and factors, or why there is none for some."""
    parts: list[Part] = []
    for first, last, on_location, on_market in split(start, end, location, market):
        if isinstance(on_location, Missing):
            return no_figure(location, on_location, first)
        if isinstance(on_market, Missing):
            return no_figure(market, on_market, first)
        parts.append((first, last, on_location, on_market))
    return parts


def no_figure(timeline: Timeline, missing: Missing, day: date) -> NoFigure:
    return NoFigure(timeline.reason(missing, day), None if missing.tied else day)


def shared_out(quantity: Decimal, unit: str, parts: Sequence[Part]) -> list[Line]:
    """The lines of a quantity over all the days of its parts; the last takes the remainder."""
    days = Decimal((parts[-1][1] - parts[0][0]).days + 1)
    left = quantity
    lines = []
    for position, (first, last, *answers) in enumerate(parts, 1):
        share = left
        if position < len(parts):
            here = Decimal((last - first).days + 1)
            share = EXACT.divide(EXACT.multiply(quantity, here), days)
            share = share.quantize(QUANTITY_STEP, ROUND_HALF_UP, context=EXACT)
            left -= share
        lines.append(line_of(first, last, share, unit, *answers))
    return lines


def line_of(
    start: date, end: date, quantity: Decimal, unit: str, location: Choice, market: Choice
) -> Line:
    """One line: the formula under both methods. Biogenic CO2 follows the location factor."""

    def kilograms(factor: Factor, per_unit: Decimal) -> Decimal:
        if not per_unit:
            return NOTHING
        if factor.unit == unit:
            return rounded(EXACT.multiply(quantity, per_unit))
        return rounded(product(quantity, ratio(unit, factor.unit), per_unit))

    co2e = kilograms(location.factor, location.factor.co2e)
    same = market.factor is location.factor
    return Line(
        start,
        end,
        quantity,
        location,
        market,
        co2e,
        co2e if same else kilograms(market.factor, market.factor.co2e),
        kilograms(location.factor, location.factor.co2e_biomass),
    )


def split(
    start: date, end: date, location: Timeline, market: Timeline
) -> Iterator[tuple[date, date, Choice | Missing, Choice | Missing]]:
    """(first, last, location answer, market answer) by month and wherever an answer changes."""
    on_location = {span.start: span.answer for span in location.between(start, end)}
    on_market = {span.start: span.answer for span in market.between(start, end)}
    starts = sorted({*on_location, *on_market, *month_starts(start, end)})
    here, there = on_location[start], on_market[start]
    for first, following in zip(starts, [*starts[1:], end + ONE_DAY], strict=True):
        here, there = on_location.get(first, here), on_market.get(first, there)
        yield first, following - ONE_DAY, here, there


def month_starts(start: date, end: date) -> Iterator[date]:
    """The first days of the months after start, up to end."""
    year, month = start.year, start.month
    while True:
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)
        if (year, month) > (end.year, end.month):
            return
        yield date(year, month, 1)


class Calculator:
    """Computes many consumptions with one set of factors, each key's timeline worked out once."""

    def __init__(self, factors: Iterable[Factor]) -> None:
        self._factors: dict[tuple[str, str], list[Factor]] = {}
        for factor in factors:
            self._factors.setdefault((factor.category, factor.activity), []).append(factor)
        self._timelines: dict[Key, tuple[Timeline, Timeline, Splits]] = {}

    def lines(self, key: Key, quantity: Decimal, start: date, end: date) -> list[Line] | NoFigure:
        """The lines of one consumption, or why there are none; sets the key's method."""
        timelines = self._timelines.get(key)
        if timelines is None:
            timelines = self._timelines[key] = self._both(key)
        location, market, splits = timelines
        parts = splits.get((start, end))
        if parts is None:
            if len(splits) >= PERIODS:
                splits.clear()
            parts = splits[start, end] = parts_of(start, end, location, market)
        return parts if isinstance(parts, NoFigure) else shared_out(quantity, key.unit, parts)

    def _both(self, key: Key) -> tuple[Timeline, Timeline, Splits]:
        """The location-based and the market-based answers, which are one where it is all one."""
        factors = self._factors.get((key.category, key.activity), [])
        if key.category == "electricity":
            location, market = key._replace(method=LOCATION), key._replace(method=MARKET)
            return Timeline(location, factors), Timeline(market, factors), {}
        timeline = Timeline(key._replace(method=""), factors)
        return timeline, timeline, {}
