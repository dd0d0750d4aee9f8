"""An organization's emissions summed by whatever one asks for.

Everything that adds figures up asks here: `/v1/emissions`, a facility's own emissions, reports and
the admin. Parts add up to their total exactly, whatever they are grouped by: each is a sum of the
same amounts of the same lines.
"""

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q, QuerySet

from emissions.models import Consumption, DataQuality, Emission, Subtotal
from emissions.reports.adding import ALL, AMOUNTS, Group, Grouped, Lines, Subtotals, Sums
from emissions.reports.missing import kinds_without_figure, without_figure
from emissions.reports.moments import uncounted
from emissions.reports.periods import ALWAYS, Period
from facilities.models import Facility
from organizations.database.snapshot import one_snapshot
from organizations.models import Organization

NO_KINDS: Mapping[str, Q] = MappingProxyType({})


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

    def bills(self) -> QuerySet[Consumption]:
        """The consumption that is asked for, as it is now, whatever its scope."""
        places = self.at_places("facility__country", "facility__region", "facility__type")
        return Consumption.objects.filter(self.of_both(), places, self.period.touched())

    def without_figure(self) -> int:
        """How much consumption ought to have figures and has none; its scope is not known."""
        if self.as_of:
            return sum(
                self._asks_for(bill, facility)
                for bill, facility in uncounted(self.organization_id, self.as_of)
            )
        return without_figure(self.bills()).count()

    def kinds_without_figure(self) -> list[dict[str, Any]]:
        """The same by why, kind and country, as things are now."""
        return list(kinds_without_figure(self.bills()))

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

    def lines_or_subtotals(self) -> Lines:
        """What is added up where no facility is told apart: subtotals, which are of whole months
        and of how things are now, where they can tell."""
        of_some = self.facilities is not None or self.facility_ids is not None
        if self.as_of or of_some or not self.period.is_of_whole_months():
            return Lines(self.lines(), self.period)
        if not self._subtotals_kept:
            return Lines(self.lines(), self.period)
        rows = Subtotal.objects.filter(
            self.of_both(),
            self.at_places("country", "region", "facility_type"),
            self.period.months(),
        )
        return Subtotals(rows if self.scopes is None else rows.filter(scope__in=self.scopes))

    @cached_property
    def _subtotals_kept(self) -> bool:
        kept = Organization.objects.filter(pk=self.organization_id, subtotals_kept=True)
        return kept.exists()

    def total(self) -> Sums:
        """The sums of everything that is asked for."""
        of = self.lines_or_subtotals()
        return Sums.of(of.rows.aggregate(**of.sums()), of.beside({}).get((), 0))

    def grouped(self, group_by: Sequence[str], kinds: Mapping[str, Q] = NO_KINDS) -> Grouped:
        """The sums by keys of GROUPS; `kinds` are those of `Group.kg`."""
        by_facility = "facility" in group_by
        of = Lines(self.lines(), self.period) if by_facility else self.lines_or_subtotals()
        return Grouped(of, group_by, kinds)


def table_of(
    question: Question, group_by: Sequence[str]
) -> tuple[list[str], Callable[[], Iterator[list[Any]]]]:
    """The columns of a file of all groups, and what reads its rows, in one snapshot."""

    def rows() -> Iterator[list[Any]]:
        with one_snapshot():
            for group in question.grouped(group_by):
                yield [*group.keys.values(), *group.sums]

    return [*group_by, *Sums._fields], rows


HOW_GOOD = {
    "exact": Q(location_fallbacks=""),
    "earlier_year": Q(location_fallbacks__contains="earlier_year"),
    "wider": Q(location_fallbacks__contains="wider_region")
    | Q(location_fallbacks__contains="world"),
    "estimated": Q(data_quality=DataQuality.ESTIMATED),
}
"""How good location-based figures are → the lines."""

KINDS = {"calculated": ALL, **HOW_GOOD}


def total_and_coverage(
    question: Question, every: Sequence[Group] | None = None
) -> tuple[Sums, dict[str, dict[str, Any]]]:
    """Everything added up, with how much of the consumption has a figure, and how good the
    location-based figures are.

    `exact` lines have the factor that was asked for; `earlier_year` and `wider` (a region's
    country, or the world) ones that stood in for it; `estimated` rests on estimated consumption. A
    consumption with lines of several kinds is counted in each, with the kg of those lines. What
    has no figure has no kg: null, not 0. `every` are all groups by whatever, with the kg of
    HOW_GOOD, where they are known: then nothing needs to be added up again.
    """
    of = question.lines_or_subtotals()
    if every is None:
        every = [of.together(HOW_GOOD)]
    counts = of.of_kinds(KINDS)
    amounts = (sum((getattr(one.sums, name) for one in every), Decimal(0)) for name in AMOUNTS)
    total = Sums._make([*amounts, counts["calculated"]])
    kg = {name: sum((one.kg[name] for one in every), Decimal(0)) for name in HOW_GOOD}
    missing = question.without_figure()
    parts = {
        "consumptions": Part(total.consumptions + missing, total.co2e),
        "calculated": Part(total.consumptions, total.co2e),
        "missing": Part(missing, None),
        **{name: Part(counts[name], kg[name]) for name in HOW_GOOD},
    }
    return total, {name: part.as_item() for name, part in parts.items()}
