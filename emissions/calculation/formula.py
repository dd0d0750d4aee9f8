"""How kg CO2e is computed from one consumption: split, convert, multiply. Pure: no Django.

DESIGN section 4, rules 1, 3 and 4. Everything is exact until the rounding to a milligram. Within a
calendar year that is the rounding of a running total: 1,000 kWh × 0.20264 over twelve months is
202.64, not 202.639998.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import ROUND_DOWN, ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from itertools import groupby
from math import lcm
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

WIDE = Context(prec=200, rounding=ROUND_DOWN)
"""Room for a year's sum of products, none of which may be cut before the sum is rounded."""

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
    """Half up, to 6 decimals."""
    return kilograms.quantize(RESULT_STEP, ROUND_HALF_UP, context=WIDE)


class RunningTotal:
    """The kg of a bill's lines in one calendar year, one after the other.

    A line's figure is the rounded total with it less the rounded total before it. So the lines of a
    year add up to their product rounded once, and each is within 0.000001 of its own product.
    """

    __slots__ = ("_denominator", "_numerator", "given")

    def __init__(self) -> None:
        self._numerator, self._denominator = Decimal(0), 1
        self.given = NOTHING
        """What the lines so far have been given, in kg."""

    def next(self, quantity: Decimal, unit: str, per_unit: Decimal, factor_unit: str) -> Decimal:
        """The kg of the next line, whose factor is `per_unit` kg for one `factor_unit`."""
        if not per_unit:
            return NOTHING
        numerator, denominator = WIDE.multiply(quantity, per_unit), 1
        if factor_unit != unit:
            conversion = ratio(unit, factor_unit)
            numerator = WIDE.multiply(numerator, Decimal(conversion.numerator))
            denominator = conversion.denominator
        if denominator != self._denominator:
            common = lcm(denominator, self._denominator)
            numerator = WIDE.multiply(numerator, Decimal(common // denominator))
            grown = Decimal(common // self._denominator)
            self._numerator = WIDE.multiply(self._numerator, grown)
            self._denominator = common
        self._numerator = WIDE.add(self._numerator, numerator)
        before, self.given = self.given, rounded(self.exact)
        return WIDE.subtract(self.given, before)

    @property
    def exact(self) -> Decimal:
        """The sum of the products so far, in kg, before rounding."""
        if self._denominator == 1:
            return self._numerator
        return WIDE.divide(self._numerator, Decimal(self._denominator))

    @property
    def carried(self) -> Decimal:
        """What rounding has left over so far: the next line takes it along. In kg, signed."""
        return WIDE.subtract(self.exact, self.given)


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
    """The lines of a quantity over all the days of its parts, one calendar year at a time.

    Each year has its share by days, and each part of it: so no year's lines depend on where another
    year is divided. The last year, and the last part of each year, take the remainder.
    """
    if parts[0][0].year == parts[-1][1].year:
        return year_of(quantity, unit, parts)
    lines: list[Line] = []
    left, days = quantity, days_of(parts)
    for year, group in groupby(parts, key=lambda part: part[0].year):
        mine, share = list(group), left
        if year != parts[-1][0].year:
            share = portion(quantity, days_of(mine), days)
            left -= share
        lines += year_of(share, unit, mine)
    return lines


def year_of(quantity: Decimal, unit: str, parts: Sequence[Part]) -> list[Line]:
    """The lines of a year's quantity: the formula under both methods.

    Biogenic CO2 follows the location factor. Where both methods have had the same factor all along,
    their figures are the same and computed once.
    """
    days, left, lines = days_of(parts), quantity, []
    co2e, co2e_market, biomass = RunningTotal(), RunningTotal(), RunningTotal()
    alike = all(here.factor is there.factor for _, _, here, there in parts)
    for position, (first, last, location, market) in enumerate(parts, 1):
        share = left
        if position < len(parts):
            share = portion(quantity, (last - first).days + 1, days)
            left -= share
        factor, other = location.factor, market.factor
        kilograms = co2e.next(share, unit, factor.co2e, factor.unit)
        lines.append(
            Line(
                first,
                last,
                share,
                location,
                market,
                kilograms,
                kilograms if alike else co2e_market.next(share, unit, other.co2e, other.unit),
                biomass.next(share, unit, factor.co2e_biomass, factor.unit),
            )
        )
    return lines


def days_of(parts: Sequence[Part]) -> int:
    return (parts[-1][1] - parts[0][0]).days + 1


def portion(quantity: Decimal, some: int, days: int) -> Decimal:
    """The quantity of some of the days, to 12 decimals."""
    share = EXACT.divide(EXACT.multiply(quantity, Decimal(some)), Decimal(days))
    return share.quantize(QUANTITY_STEP, ROUND_HALF_UP, context=EXACT)


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

    def __init__(self, factors: Iterable[Factor] = ()) -> None:
        self._factors: dict[tuple[str, str], list[Factor]] = {}
        self._timelines: dict[Key, tuple[Timeline, Timeline, Splits]] = {}
        self.learn(factors)

    def learn(self, factors: Iterable[Factor]) -> None:
        """Takes in factors of activities and countries that nothing was asked about before."""
        for factor in factors:
            self._factors.setdefault((factor.category, factor.activity), []).append(factor)

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
