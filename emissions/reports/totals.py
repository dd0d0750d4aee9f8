"""An organization's emissions summed by whatever one asks for.

Everything that adds figures up asks here: `/v1/emissions`, a facility's own emissions, reports and
the admin. Parts add up to their total exactly, whatever they are grouped by: each is a sum of the
same amounts of the same lines.
"""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import ExtractYear

from emissions.ledger.bills import PERIOD_CLOSED, Kilograms
from emissions.models import Consumption, DataQuality, Emission
from emissions.reports.missing import AMBIGUOUS, NO_FACTOR, uncalculated
from emissions.reports.moments import uncounted
from emissions.reports.periods import ALWAYS, Period
from facilities.models import Facility
from organizations.database.decimals import ExactSum

GROUPS: dict[str, Any] = {
    "category": F("category"),
    "activity": F("activity"),
    "scope": F("scope"),
    "month": F("month"),
    "year": ExtractYear("month"),
    "country": F("country"),
    "region": F("region"),
    "type": F("facility_type"),
    "facility": F("facility_id"),
    "data_quality": F("data_quality"),
}
"""What figures may be grouped by → the value of a line."""

AMOUNTS = ("co2e", "co2e_market", "co2e_biomass", "energy_kwh")


class Sums(NamedTuple):
    """Amounts added up: kg under both methods, biogenic kg, kWh, and of how many consumptions."""

    co2e: Decimal
    co2e_market: Decimal
    co2e_biomass: Decimal
    energy_kwh: Decimal
    consumptions: int

    @classmethod
    def of(cls, row: dict[str, Any]) -> "Sums":
        """A row's sums; those of no line at all are 0."""
        return cls._make(row[f"sum_{name}"] or _ZERO[name] for name in cls._fields)

    def kilograms(self) -> Kilograms:
        return Kilograms(self.co2e, self.co2e_market, self.co2e_biomass)


_ZERO = {**dict.fromkeys(AMOUNTS, Decimal(0)), "consumptions": 0}


class Group(NamedTuple):
    """The values that lines are grouped by, in the order asked for, and their sums."""

    keys: dict[str, Any]
    sums: Sums

    def as_item(self) -> dict[str, Any]:
        return {**self.keys, **self.sums._asdict()}


class Part(NamedTuple):
    """How many consumptions have lines of some kind, and what those lines emit in kg."""

    consumptions: int
    kg: Decimal | None

    def as_item(self) -> dict[str, Any]:
        return {"count": self.consumptions, "kg": self.kg}


@dataclass(frozen=True)
class Question:
    """Which figures of an organization are asked for; None asks for all.

    `facilities` is a query of those whose figures count. With `as_of` the figures are those that
    stood at that moment.
    """

    organization_id: UUID
    period: Period = ALWAYS
    categories: Sequence[str] | None = None
    activities: Sequence[str] | None = None
    scopes: Sequence[int] | None = None
    facility_ids: Sequence[UUID] | None = None
    facilities: QuerySet[Facility] | None = None
    countries: Sequence[str] | None = None
    regions: Sequence[str] | None = None
    types: Sequence[str] | None = None
    as_of: datetime | None = None

    def of_both(self) -> Q:
        """What is asked of lines and of consumption alike, wherever it is."""
        condition = Q(organization_id=self.organization_id)
        for name, values in (
            ("category", self.categories),
            ("activity", self.activities),
            ("facility_id", self.facility_ids),
        ):
            if values is not None:
                condition &= Q(**{f"{name}__in": values})
        if self.facilities is not None:
            condition &= Q(facility_id__in=self.facilities.order_by().values("pk"))
        return condition

    def at_places(self, country: str, region: str, kind: str) -> Q:
        """What is asked of places, whose columns are called so."""
        condition = Q()
        for name, values in (
            (country, self.countries), (region, self.regions), (kind, self.types),
        ):  # fmt: skip
            if values is not None:
                condition &= Q(**{f"{name}__in": values})
        return condition

    def lines(self) -> QuerySet[Emission]:
        """The lines that are asked for, with a day in the period."""
        lines = Emission.objects.counted_at(self.as_of).filter(
            self.of_both(),
            self.at_places("country", "region", "facility_type"),
            self.period.touched_lines(),
        )
        return lines if self.scopes is None else lines.filter(scope__in=self.scopes)

    def without_figure(self) -> int:
        """How much consumption ought to have figures and has none; its scope is not known."""
        if self.as_of:
            return sum(
                self._asks_for(bill, facility)
                for bill, facility in uncounted(self.organization_id, self.as_of)
            )
        places = self.at_places("facility__country", "facility__region", "facility__type")
        asked = Consumption.objects.filter(self.of_both(), places, self.period.touched())
        missing = uncalculated(asked, NO_FACTOR) | uncalculated(asked, AMBIGUOUS)
        return (missing | uncalculated(asked, PERIOD_CLOSED)).count()

    def _asks_for(self, bill: Consumption, facility: Facility) -> bool:
        """Whether a bill as it was, at a facility as it was, is among what is asked for."""
        wanted: list[tuple[Any, Container[Any] | None]] = [
            (bill.category, self.categories),
            (bill.activity, self.activities),
            (bill.facility_id, self.facility_ids),
            (facility.country, self.countries),
            (facility.region, self.regions),
            (facility.type, self.types),
            (bill.facility_id, self._facilities_chosen),
        ]
        start, end = self.period
        inside = (not start or bill.end_date >= start) and (not end or bill.start_date <= end)
        return inside and all(values is None or one in values for one, values in wanted)

    @cached_property
    def _facilities_chosen(self) -> set[UUID] | None:
        if self.facilities is None:
            return None
        return set(self.facilities.order_by().values_list("pk", flat=True))

    def total(self) -> Sums:
        """The sums of everything that is asked for."""
        return Sums.of(self.lines().aggregate(**sums(self.period)))

    def grouped(self, group_by: Sequence[str]) -> QuerySet:
        """The sums by keys of GROUPS; read its rows, or some of them, with `groups`."""
        return grouped(self.lines(), group_by, self.period)


def sums(period: Period) -> dict[str, Any]:
    """The aggregates of Sums, by the names that `Sums.of` reads."""
    amounts = {f"sum_{name}": ExactSum(period.amount(name)) for name in AMOUNTS}
    return {**amounts, "sum_consumptions": Count("consumption_id", distinct=True)}


def grouped(lines: Any, group_by: Sequence[str], period: Period = ALWAYS) -> QuerySet:
    """Lines that the period touches summed by keys of GROUPS, in the order of the keys."""
    keys = {f"by_{key}": GROUPS[key] for key in dict.fromkeys(group_by)}
    return lines.order_by().values(**keys).annotate(**sums(period)).order_by(*keys)


def groups(rows: Any) -> Iterator[Group]:
    """Each row of `grouped`, or of a slice of it."""
    for row in rows:
        keys = {name[3:]: value for name, value in row.items() if name.startswith("by_")}
        yield Group({name: shown(name, value) for name, value in keys.items()}, Sums.of(row))


def shown(key: str, value: Any) -> Any:
    """A key as answers have it: a month as 2024-01, a region that is not set as null."""
    if isinstance(value, date):
        return f"{value:%Y-%m}"
    return value or None if key == "region" else value


def coverage(question: Question) -> dict[str, Part]:
    """How much of the consumption has a figure, and how good the location-based figures are.

    `exact` lines have the factor that was asked for; `earlier_year` and `wider` (a region's
    country, or the world) ones that stood in for it; `estimated` rests on estimated consumption. A
    consumption with lines of several kinds is counted in each, with the kg of those lines. What
    has no figure has no kg: null, not 0.
    """
    kinds = {
        "calculated": Q(),
        "exact": Q(location_fallbacks=""),
        "earlier_year": Q(location_fallbacks__contains="earlier_year"),
        "wider": Q(location_fallbacks__contains="wider_region")
        | Q(location_fallbacks__contains="world"),
        "estimated": Q(data_quality=DataQuality.ESTIMATED),
    }
    amount = question.period.amount("co2e")
    aggregates: dict[str, Any] = {}
    for name, kind in kinds.items():
        aggregates[f"{name}_count"] = Count("consumption_id", distinct=True, filter=kind)
        aggregates[f"{name}_kg"] = ExactSum(amount, filter=kind)
    found = question.lines().aggregate(**aggregates)
    parts = {
        name: Part(found[f"{name}_count"], found[f"{name}_kg"] or Decimal(0)) for name in kinds
    }
    missing = question.without_figure()
    calculated = parts["calculated"]
    return {
        "consumptions": Part(calculated.consumptions + missing, calculated.kg),
        "calculated": calculated,
        "missing": Part(missing, None),
        **{name: parts[name] for name in kinds if name != "calculated"},
    }
