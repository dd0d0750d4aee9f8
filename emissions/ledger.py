"""What the ledger should say about some consumptions, and making it say so.

A `Plan` compares what a consumption gives with its current lines and its stored figures; writing it
supersedes the lines that are wrong, adds those that are missing and sets the figures. What is right
already is not written again.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from emissions.calculation import Calculator, Line
from emissions.factors import YEARS_BACK, Key
from emissions.models import (
    CalculationStatus,
    Consumption,
    ConsumptionStatus,
    Emission,
    EmissionFactor,
)

BATCH = 1000
LIMIT = Decimal(10) ** 12
"""A stored figure is under 10¹² kg, a gigatonne; more is a mistake in the data."""

INACTIVE, CATEGORY_DISABLED, DELETED = "inactive", "category_disabled", "deleted"


class Kilograms(NamedTuple):
    """Location-based, market-based and biogenic kg."""

    co2e: Decimal = Decimal(0)
    co2e_market: Decimal = Decimal(0)
    co2e_biomass: Decimal = Decimal(0)

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(row.co2e, row.co2e_market, row.co2e_biomass)

    def plus(self, other: "Kilograms", sign: int = 1) -> "Kilograms":
        return Kilograms(*(mine + sign * theirs for mine, theirs in zip(self, other, strict=True)))


class Difference(NamedTuple):
    """A stored value that is not what its data gives."""

    what: str
    id: UUID
    field: str
    stored: Any
    computed: Any

    def __str__(self) -> str:
        return f"{self.what} {self.id} {self.field}: stored {self.stored}, computed {self.computed}"


@dataclass
class Plan:
    """What has to be written so that some consumptions are right."""

    stale: list[Emission] = field(default_factory=list)
    missing: list[Emission] = field(default_factory=list)
    changed: list[Consumption] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    moves: defaultdict[UUID, Kilograms] = field(default_factory=lambda: defaultdict(Kilograms))
    totals: defaultdict[UUID, Kilograms] = field(default_factory=lambda: defaultdict(Kilograms))


def make_plan(rows: Sequence[Consumption]) -> Plan:
    """Compares what is stored for some consumptions with what they give."""
    calculator = _calculator([row for row in rows if not _not_counting(row)])
    stored: defaultdict[UUID, dict[tuple, Emission]] = defaultdict(dict)
    for line in Emission.objects.current().filter(consumption__in=rows):
        stored[line.consumption_id][line.written()] = line
    plan = Plan()
    for row in rows:
        lines, reason = _emissions(row, calculator)
        fresh = {line.written(): line for line in lines}
        old = stored[row.pk]
        for key, line in old.items():
            if key not in fresh:
                plan.stale.append(line)
                plan.moves[line.facility_id] = plan.moves[line.facility_id].plus(
                    Kilograms.of(line), -1
                )
                plan.differences.append(Difference("emission", line.pk, "co2e", line.co2e, None))
        for key, line in fresh.items():
            figures = Kilograms.of(line)
            plan.totals[row.facility_id] = plan.totals[row.facility_id].plus(figures)
            if key not in old:
                plan.missing.append(line)
                plan.moves[row.facility_id] = plan.moves[row.facility_id].plus(figures)
                plan.differences.append(
                    Difference("consumption", row.pk, line.month.strftime("%Y-%m"), None, line.co2e)
                )
        if changes := _set_figures(row, lines, reason):
            plan.changed.append(row)
            plan.differences += changes
    return plan


def write_plan(plan: Plan) -> None:
    """Writes a plan's lines and figures; totals are the caller's."""
    now = timezone.now()
    for start in range(0, len(plan.stale), BATCH):
        ids = [line.pk for line in plan.stale[start : start + BATCH]]
        Emission.objects.filter(pk__in=ids).update(superseded_at=now)
    for line in plan.missing:
        line.recorded_at = now
    Emission.objects.bulk_create(plan.missing)
    for row in plan.changed:
        row.updated_at = now
    columns = [*Consumption.COMPUTED, "updated_at"]
    if len(plan.changed) == 1:
        [row] = plan.changed
        values = {name: getattr(row, name) for name in columns}
        Consumption.objects.filter(pk=row.pk).update(**values)
    elif plan.changed:
        Consumption.objects.bulk_update(plan.changed, columns)


def _set_figures(row: Consumption, lines: list[Emission], reason: str) -> list[Difference]:
    """Sets a consumption's computed columns, unsaved; those that were not so."""
    figures: tuple[Decimal | None, ...] = (None, None, None)
    status = CalculationStatus.NOT_CALCULATED
    if not reason:
        status = CalculationStatus.CALCULATED
        total = Kilograms()
        for line in lines:
            total = total.plus(Kilograms.of(line))
        if any(abs(one) >= LIMIT for one in total):
            raise too_large(f"figure of consumption {row.external_id or row.pk}")
        figures = tuple(total)
    computed = dict(zip(Consumption.COMPUTED, (*figures, status, reason), strict=True))
    differences = [
        Difference("consumption", row.pk, name, getattr(row, name), value)
        for name, value in computed.items()
        if getattr(row, name) != value
    ]
    for name, value in computed.items():
        setattr(row, name, value)
    return differences


def _not_counting(row: Consumption) -> str:
    """Why a consumption does not count whatever the factors, or nothing."""
    if row.deleted_at or row.facility.deleted_at:
        return DELETED
    if row.status != ConsumptionStatus.ACTIVE:
        return INACTIVE
    if row.category not in row.facility.categories:
        return CATEGORY_DISABLED
    return ""


def _emissions(row: Consumption, calculator: Calculator) -> tuple[list[Emission], str]:
    """A consumption's lines, unsaved; or none and the reason."""
    if reason := _not_counting(row):
        return [], reason
    key = Key(
        organization_id=row.organization_id,
        category=row.category,
        activity=row.activity,
        unit=row.unit,
        country=row.facility.country,
        region=row.facility.region,
        supplier=row.supplier,
        gwp_set=row.organization.gwp_set,
    )
    lines = calculator.lines(key, row.quantity, row.start_date, row.end_date)
    if isinstance(lines, str):
        return [], lines
    if any(abs(one) >= LIMIT for line in lines for one in Kilograms.of(line)):
        raise too_large(f"figure of consumption {row.external_id or row.pk}")
    return [_emission(row, line) for line in lines], ""


def _emission(row: Consumption, line: Line) -> Emission:
    location, market = line.location.factor, line.market.factor
    return Emission(
        organization_id=row.organization_id,
        consumption_id=row.pk,
        facility_id=row.facility_id,
        category=row.category,
        activity=row.activity,
        scope=location.scope,
        month=line.month,
        start_date=line.start,
        end_date=line.end,
        quantity=line.quantity,
        unit=row.unit,
        location_factor_id=location.id,
        location_value=location.co2e,
        location_biomass=location.co2e_biomass,
        location_unit=location.unit,
        location_fallbacks=",".join(line.location.fallbacks),
        market_factor_id=market.id,
        market_value=market.co2e,
        market_unit=market.unit,
        market_fallbacks=",".join(line.market.fallbacks),
        co2e=line.co2e,
        co2e_market=line.co2e_market,
        co2e_biomass=line.co2e_biomass,
    )


def _calculator(rows: Sequence[Consumption]) -> Calculator:
    """A calculator with every factor that could apply to the consumptions, from one query."""
    if not rows:
        return Calculator([])
    earliest = min(row.start_date for row in rows)
    factors = EmissionFactor.objects.live().filter(
        Q(organization=None) | Q(organization__in={row.organization_id for row in rows}),
        Q(valid_to=None) | Q(valid_to__gte=date(max(earliest.year - YEARS_BACK, 1), 1, 1)),
        category__in={row.category for row in rows},
        activity__in={row.activity for row in rows},
        country__in={"", *(row.facility.country for row in rows)},
        region__in={"", *(row.facility.region for row in rows)},
        valid_from__lte=max(row.end_date for row in rows),
    )
    if not any(row.supplier for row in rows):
        factors = factors.filter(supplier="")
    return Calculator(factor.as_value() for factor in factors)


def too_large(what: str) -> ValidationError:
    """The error of a figure beyond `LIMIT`."""
    return ValidationError(
        {
            "quantity": ValidationError(
                f"The {what} would be a gigatonne or more; check quantity, unit and factor.",
                code="too_large",
            )
        }
    )
