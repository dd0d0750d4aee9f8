"""Which consumption a change of a factor, of a GWP set or of a closed year may touch."""

from collections.abc import Iterable, Iterator
from datetime import date
from functools import reduce
from operator import or_
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db.models import Q, QuerySet

from emissions.calculation.selection import YEARS_BACK, years_later
from emissions.calculation.units import same_dimension
from emissions.ledger.bills import PERIOD_CLOSED
from emissions.models import Consumption, EmissionFactor

NOTHING = Q(pk__in=[])

AT_ONCE = 50
"""How many conditions one query takes."""


class Reach(NamedTuple):
    """The consumption for which a factor is a candidate; a few more than it applies to.

    With `held`: what closed years hold back, deleted bills too.
    """

    organization_id: UUID | None
    category: str = ""
    activity: str = ""
    country: str = ""
    region: str = ""
    unit: str = ""
    first: date | None = None
    last: date | None = None
    held: bool = False

    @classmethod
    def of(cls, factor: EmissionFactor) -> Self:
        last = years_later(factor.valid_to, YEARS_BACK) if factor.valid_to else None
        return cls(
            factor.organization_id, factor.category, factor.activity, factor.country,
            factor.region, factor.unit, factor.valid_from, last,
        )  # fmt: skip

    def condition(self) -> Q:
        condition = Q(deleted_at=None)
        if self.held:
            condition = Q(co2e_reason__startswith=f"{PERIOD_CLOSED}:")
        if self.category:
            condition &= Q(category=self.category)
        if self.organization_id:
            condition &= Q(organization_id=self.organization_id)
        if self.activity:
            condition &= Q(activity=self.activity)
        if self.unit:
            condition &= Q(unit__in=same_dimension(self.unit))
        if self.country:
            condition &= Q(facility__country=self.country)
        if self.region:
            condition &= Q(facility__region=self.region)
        if self.first:
            condition &= Q(end_date__gte=self.first)
        if self.last:
            condition &= Q(start_date__lte=self.last)
        return condition

    def where(self) -> Q:
        """The facilities it is about."""
        condition = Q()
        if self.organization_id:
            condition &= Q(organization_id=self.organization_id)
        if self.country:
            condition &= Q(country=self.country)
        if self.region:
            condition &= Q(region=self.region)
        return condition

    def as_json(self) -> list[Any]:
        """`held` only where it is so: the version before reads eight values."""
        values = [None if one in ("", None) else str(one) for one in self[:-1]]
        return [*values, True] if self.held else values

    @classmethod
    def from_json(cls, values: list[Any]) -> Self:
        organization_id, category, activity, country, region, unit, first, last, *held = values
        return cls(
            organization_id and UUID(organization_id),
            category or "",
            activity or "",
            country or "",
            region or "",
            unit or "",
            first and date.fromisoformat(first),
            last and date.fromisoformat(last),
            bool(held),
        )


def reaches(*factors: EmissionFactor | None) -> list[Reach]:
    """Whom factors reach, as they were or as they are now; a deleted one reaches nobody."""
    return list(dict.fromkeys(Reach.of(one) for one in factors if one and one.deleted_at is None))


def touched(some: Iterable[Reach]) -> Iterator[QuerySet[Consumption]]:
    """The consumption that any of them reaches, in queries that may overlap."""
    every = list(some)
    for start in range(0, len(every), AT_ONCE):
        yield Consumption.objects.filter(any_of(every[start : start + AT_ONCE]))


def any_of(some: Iterable[Reach]) -> Q:
    """The consumption that any of a few of them reaches; of none, none."""
    condition = NOTHING
    for one in some:
        condition |= one.condition()
    return condition


def where(some: Iterable[Reach]) -> Q:
    """The facilities that any of a few of them is about."""
    conditions = [one.where() for one in some]
    if not all(conditions):
        return Q()  # one of them is about the whole world
    return reduce(or_, conditions, NOTHING)
