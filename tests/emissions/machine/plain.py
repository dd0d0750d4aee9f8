"""What the service must say, worked out day by day with fractions: no code of the service.

One activity of heat, which only own factors know, so that the model needs no published ones.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import groupby
from typing import NamedTuple

KWH = {"kWh": Fraction(1), "MWh": Fraction(1000), "GJ": Fraction(2500, 9)}
YEARS_BACK = 5
ONE_DAY = timedelta(days=1)

Amounts = tuple[Decimal, Decimal]
"""kg CO2e and biogenic kg."""

NOTHING: Amounts = (Decimal(0), Decimal(0))


@dataclass
class Site:
    external_id: str | None
    country: str
    heat: bool = True
    deleted: bool = False


@dataclass
class Factor:
    country: str
    unit: str
    first: date
    last: date | None
    co2e: Decimal
    biomass: Decimal

    def overlaps(self, other: "Factor") -> bool:
        mine, its = self.last or date.max, other.last or date.max
        same = (self.country, self.unit) == (other.country, other.unit)
        return same and self.first <= its and other.first <= mine

    def answers_for(self, day: date) -> bool:
        if self.last is None:
            return self.first <= day
        try:
            until = self.last.replace(year=self.last.year + YEARS_BACK)
        except ValueError:  # 29 February
            until = self.last.replace(year=self.last.year + YEARS_BACK, day=28)
        return self.first <= day <= until


class Chosen(NamedTuple):
    factor: Factor
    day: date

    @property
    def part(self) -> tuple[int, int, bool]:
        """Days that follow each other with the same of this are one part of a bill."""
        covers = self.factor.last is None or self.day <= self.factor.last
        return self.day.month, id(self.factor), covers


@dataclass
class Bill:
    site: str
    external_id: str | None
    quantity: Decimal
    unit: str
    first: date
    last: date
    active: bool = True
    deleted: bool = False
    kept: dict[int, tuple[str, Amounts] | None] = field(default_factory=dict)
    """Closed year → the site and the kg that its lines had when it was closed; None for no line."""


@dataclass
class Plain:
    """An organization's sites, bills, factors and closed years, by id."""

    sites: dict[str, Site] = field(default_factory=dict)
    bills: dict[str, Bill] = field(default_factory=dict)
    factors: dict[str, Factor] = field(default_factory=dict)
    closed: set[int] = field(default_factory=set)

    def factor_on(self, day: date, country: str, unit: str) -> Chosen | None:
        """The country's before the world's; one that covers the day before the newest that ended;
        the bill's own unit before another. None where there is none, or two are equal."""
        for place in (country, ""):
            usable = [
                one for one in self.factors.values()
                if one.country == place and one.answers_for(day)
            ]  # fmt: skip
            if not usable:
                continue
            covering = [one for one in usable if one.last is None or day <= one.last]
            if not covering:
                newest = max(one.last for one in usable if one.last)
                covering = [one for one in usable if one.last == newest]
            own = [one for one in covering if one.unit == unit] or covering
            return Chosen(own[0], day) if len(own) == 1 else None
        return None

    def live_bills(self) -> list[Bill]:
        """Those that are there: a site that is deleted takes its bills along."""
        there = [one for one in self.bills.values() if not one.deleted]
        return [one for one in there if not self.sites[one.site].deleted]

    def counts(self, bill: Bill) -> bool:
        site = self.sites[bill.site]
        return bill.active and not bill.deleted and site.heat and not site.deleted

    def by_year_if_open(self, bill: Bill) -> dict[int, Amounts] | None:
        """The kg of each year by the factors of now; None where a day has no factor."""
        if not self.counts(bill):
            return {}
        country = self.sites[bill.site].country
        days = [bill.first + ONE_DAY * n for n in range((bill.last - bill.first).days + 1)]
        found = [self.factor_on(day, country, bill.unit) for day in days]
        chosen = [one for one in found if one]
        if len(chosen) < len(days):
            return None
        figures: dict[int, Amounts] = {}
        left = Fraction(bill.quantity)
        for year, some in groupby(chosen, key=lambda one: one.day.year):
            mine = list(some)
            share = left
            if year != bill.last.year:
                share = to_places(Fraction(bill.quantity) * len(mine) / len(days), 12)
                left -= share
            figures[year] = year_of(share, bill.unit, mine)
        return figures

    def lines(self, bill: Bill) -> Iterator[tuple[int, str, Amounts]]:
        """(year, site, kg) of everything of a bill that counts now."""
        for year, kept in bill.kept.items():
            if kept:
                yield year, *kept
        for year, amounts in (self.by_year_if_open(bill) or {}).items():
            if year not in self.closed:
                yield year, bill.site, amounts

    def close(self, year: int) -> None:
        for bill in self.bills.values():
            mine = [(site, kg) for one, site, kg in self.lines(bill) if one == year]
            bill.kept[year] = mine[0] if mine else None
        self.closed.add(year)

    def reopen(self, year: int) -> None:
        self.closed.remove(year)
        for bill in self.bills.values():
            bill.kept.pop(year, None)

    def of_bill(self, bill: Bill) -> Amounts | None:
        found = [kg for _, _, kg in self.lines(bill)]
        return total(found) if found else None

    def of_site(self, site: str) -> Amounts:
        return total(
            kg for bill in self.bills.values() for _, where, kg in self.lines(bill) if where == site
        )

    def of_years(self) -> dict[int, Amounts]:
        every = sorted(
            (year, kg) for bill in self.bills.values() for year, _, kg in self.lines(bill)
        )
        return {
            year: total(kg for _, kg in some) for year, some in groupby(every, key=lambda x: x[0])
        }

    def incomplete(self, site: str) -> bool:
        """Whether a bill that counts there has no factor; asked while no year is closed."""
        mine = [bill for bill in self.bills.values() if bill.site == site]
        return any(self.counts(bill) and self.by_year_if_open(bill) is None for bill in mine)


def year_of(quantity: Fraction, unit: str, days: list[Chosen]) -> Amounts:
    """A year's kg: each month and factor has its share by days, and the sum is rounded once."""
    parts = [[one.factor for one in some] for _, some in groupby(days, key=lambda one: one.part)]
    left, co2e, biomass = quantity, Fraction(0), Fraction(0)
    for position, part in enumerate(parts, 1):
        share = left
        if position < len(parts):
            share = to_places(quantity * len(part) / len(days), 12)
            left -= share
        units = share * KWH[unit] / KWH[part[0].unit]
        co2e += units * Fraction(part[0].co2e)
        biomass += units * Fraction(part[0].biomass)
    return in_milligrams(co2e), in_milligrams(biomass)


def to_places(number: Fraction, places: int) -> Fraction:
    """Half up, away from zero."""
    scaled = abs(number) * 10**places + Fraction(1, 2)
    whole = Fraction(scaled.numerator // scaled.denominator, 10**places)
    return whole if number >= 0 else -whole


def in_milligrams(kilograms: Fraction) -> Decimal:
    number = to_places(kilograms, 6) * 10**6
    return Decimal(number.numerator).scaleb(-6)


def total(amounts: Iterator[Amounts] | list[Amounts]) -> Amounts:
    co2e, biomass = NOTHING
    for one in amounts:
        co2e, biomass = co2e + one[0], biomass + one[1]
    return co2e, biomass
