"""Which emission factor applies: the order of DESIGN section 4, rule 2. Pure: no Django.

Market-based and location-based are the two methods of the GHG Protocol Scope 2 Guidance (2015),
chapter 6: a supplier's own rate, then the residual mix, then the grid average.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from emissions.calculation.units import dimension, same_dimension

YEARS_BACK = 5
GWP_SETS = ("AR6", "AR5", "AR4")
"""IPCC assessment reports, newest first."""

LOCATION, MARKET = "location", "market"

EARLIER_YEAR = "earlier_year"
WIDER_REGION = "wider_region"
WORLD = "world"
OLDER_GWP_SET = "older_gwp_set"
LOCATION_FOR_MARKET = "location_for_market"

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Factor:
    """kg CO2e (and kg biogenic CO2) per unit of an activity, in a place, in a period."""

    id: UUID
    organization_id: UUID | None
    category: str
    activity: str
    country: str
    region: str
    supplier: str
    method: str
    gwp_set: str
    unit: str
    valid_from: date
    valid_to: date | None
    co2e: Decimal
    co2e_biomass: Decimal
    scope: int


class Key(NamedTuple):
    """What a factor is asked for, but the day."""

    organization_id: UUID
    category: str
    activity: str
    unit: str
    country: str
    region: str
    supplier: str
    gwp_set: str
    method: str = ""


class Choice(NamedTuple):
    """The factor that applies and every step away from the exact answer that led to it."""

    factor: Factor
    fallbacks: tuple[str, ...]


class Missing(NamedTuple):
    """No factor applies (`no_factor`), or several do equally (`ambiguous_factor`)."""

    code: str
    tied: tuple[Factor, ...] = ()


class Span(NamedTuple):
    """From this day on, until the next span, this is the answer."""

    start: date
    answer: Choice | Missing


def supplier_key(name: str) -> str:
    """A supplier's name as it is compared: case and spacing do not tell suppliers apart."""
    return " ".join(name.split()).casefold()


def years_later(day: date, years: int) -> date:
    """The same day of a later year; 29 February becomes the 28th. At most 9999-12-31."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return (
            date.max
            if day.year + years > date.max.year
            else day.replace(year=day.year + years, day=28)
        )


def last_day_of_use(factor: Factor) -> date:
    """The last day a factor may answer for: five years after its validity ends."""
    return years_later(factor.valid_to, YEARS_BACK) if factor.valid_to else date.max


class Timeline:
    """The answers to one key over all days, worked out once."""

    def __init__(self, key: Key, factors: Iterable[Factor]) -> None:
        self.key = key
        self.tiers = list(_tiers(key, factors))
        days = {date.min}
        for _, tier in self.tiers:
            for factor in tier:
                days.add(factor.valid_from)
                for end in (factor.valid_to, last_day_of_use(factor)):
                    if end and end < date.max:
                        days.add(end + ONE_DAY)
        self.spans: list[Span] = []
        for day in sorted(days):
            answer = self._on(day)
            if not self.spans or self.spans[-1].answer != answer:
                self.spans.append(Span(day, answer))
        self._starts = [span.start for span in self.spans]

    def between(self, start: date, end: date) -> Iterator[Span]:
        """The answers for the days from start to end, both included."""
        first = bisect_right(self._starts, start) - 1
        for span in self.spans[first:]:
            if span.start > end:
                return
            yield Span(max(span.start, start), span.answer)

    def _on(self, day: date) -> Choice | Missing:
        for flags, tier in self.tiers:
            usable = [one for one in tier if one.valid_from <= day <= last_day_of_use(one)]
            if not usable:
                continue
            valid = [one for one in usable if one.valid_to is None or day <= one.valid_to]
            if not valid:
                nearest = max(one.valid_to for one in usable if one.valid_to)
                valid = [one for one in usable if one.valid_to == nearest]
                flags = (*flags, EARLIER_YEAR)
            exact = [one for one in valid if one.unit == self.key.unit] or valid
            if len(exact) > 1:
                return Missing("ambiguous_factor", tuple(exact))
            return Choice(exact[0], flags)
        return Missing("no_factor")

    def reason(self, missing: Missing, day: date) -> str:
        """Why there is no answer for a day, in a sentence behind the code."""
        key = self.key
        method = f"{key.method}-based " if key.method else ""
        what = f"{method}factor for {key.category}/{key.activity} per unit of {dimension(key.unit)}"
        if missing.tied:
            named = ", ".join(f"{one.id} ({one.co2e} per {one.unit})" for one in missing.tied)
            return (
                f"{missing.code}: more than one {what} fits {day} equally: {named}; "
                "delete or limit all but one"
            )
        places = [f"region {key.region}"] if key.region else []
        places += [key.country, "world"]
        gwp = ""
        if key.category == "recharge":
            gwp = f" with the GWPs of {' or '.join(_gwp_sets(key))}"
        return (
            f"{missing.code}: there is no {what} ({key.unit}){gwp} valid on {day} or at most "
            f"{YEARS_BACK} years before; searched the organization's own and the published ones "
            f"for {', '.join(places)}"
        )


def _gwp_sets(key: Key) -> tuple[str, ...]:
    """The organization's GWP set, then the older ones, newest first."""
    return GWP_SETS[GWP_SETS.index(key.gwp_set) :]


def _tiers(key: Key, factors: Iterable[Factor]) -> Iterator[tuple[tuple[str, ...], list[Factor]]]:
    """The factors that fit the key in the order of preference, with the flags each step costs."""
    units = same_dimension(key.unit)
    fitting = [
        one
        for one in factors
        if one.category == key.category
        and one.activity == key.activity
        and one.unit in units
        and one.organization_id in (None, key.organization_id)
    ]
    if key.category == "recharge":
        for gwp_set in _gwp_sets(key):
            flags = () if gwp_set == key.gwp_set else (OLDER_GWP_SET,)
            yield from _placed(key, [one for one in fitting if one.gwp_set == gwp_set], flags)
    elif not key.method:
        yield from _placed(key, fitting, ())
    else:
        if key.method == MARKET:
            market = [one for one in fitting if one.method == MARKET]
            named = supplier_key(key.supplier)
            if named:
                yield from _placed(
                    key, [one for one in market if supplier_key(one.supplier) == named], ()
                )
            yield from _placed(key, [one for one in market if not one.supplier], ())
        flags = (LOCATION_FOR_MARKET,) if key.method == MARKET else ()
        yield from _placed(key, [one for one in fitting if one.method == LOCATION], flags)


def _placed(
    key: Key, factors: list[Factor], flags: tuple[str, ...]
) -> Iterator[tuple[tuple[str, ...], list[Factor]]]:
    """Own before published, each from the region to the country to the world.

    A refrigerant's GWP is the same everywhere, so taking the world's is no step away from it.
    """
    tiers: dict[tuple[bool, int], list[Factor]] = defaultdict(list)
    for one in factors:
        if one.country in ("", key.country) and one.region in ("", key.region):
            place = 0 if one.region else 1 if one.country else 2
            tiers[one.organization_id is None, place].append(one)
    for rank in sorted(tiers):
        step: tuple[str, ...] = ()
        if key.category != "recharge":
            step = {1: (WIDER_REGION,) if key.region else (), 2: (WORLD,)}.get(rank[1], ())
        yield (*flags, *step), tiers[rank]
