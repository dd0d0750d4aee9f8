"""What the ledger should say about some consumptions, and making it say so.

A `Plan` compares what a consumption gives with its current lines and its stored figures; writing it
supersedes the lines that are wrong, adds those that are missing and sets the figures. What is right
already is not written again.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat as uuid
from django.core.exceptions import ValidationError
from django.db.models import Q
from django.utils import timezone

from emissions.bills import Bill, Figures, Kilograms
from emissions.calculation import Calculator, Line, NoFigure
from emissions.factors import YEARS_BACK, Key
from emissions.models import (
    CalculationStatus,
    Consumption,
    Emission,
    EmissionFactor,
)
from organizations import bulk

CONSUMPTION, FACILITY, START = map(
    Emission.WRITTEN.index, ("consumption_id", "facility_id", "start_date")
)
AMOUNTS = slice(Emission.WRITTEN.index("co2e"), None)


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

    stale: dict[UUID, Kilograms] = field(default_factory=dict)
    missing: list[tuple] = field(default_factory=list)
    """New lines, as Emission.WRITTEN."""
    changed: dict[UUID, tuple[Figures, Figures]] = field(default_factory=dict)
    """What is stored and what should be."""
    moves: defaultdict[UUID, Kilograms] = field(default_factory=lambda: defaultdict(Kilograms))
    totals: defaultdict[UUID, Kilograms] = field(default_factory=lambda: defaultdict(Kilograms))

    def differences(self) -> Iterator["Difference"]:
        """What is stored and should not be, and the reverse."""
        for pk, amounts in self.stale.items():
            yield Difference("emission", pk, "co2e", amounts.co2e, None)
        for line in self.missing:
            month, co2e = f"{line[START]:%Y-%m}", line[AMOUNTS][0]
            yield Difference("consumption", line[CONSUMPTION], month, None, co2e)
        for pk, (before, after) in self.changed.items():
            for name, was, is_now in zip(Figures._fields, before, after, strict=True):
                if was != is_now:
                    yield Difference("consumption", pk, name, was, is_now)


def make_plan(rows: Sequence[Bill], supposing: EmissionFactor | None = None) -> Plan:
    """Compares what is stored for some consumptions with what they give.

    `supposing` is a factor that is taken as it is given and not as it is stored. Raises
    ValidationError when a figure is too large to be stored.
    """
    calculator = calculator_for(rows, supposing)
    stored = _current_lines([row.id for row in rows])
    plan = Plan()
    for row in rows:
        lines, figures = compute(row, calculator)
        old = stored.get(row.id, {})
        for line in lines:
            amounts = Kilograms(*line[AMOUNTS])
            plan.totals[row.facility_id] = plan.totals[row.facility_id].plus(amounts)
            pk, same = old.get(line[START], (None, ()))
            if same[AMOUNTS] == line[AMOUNTS] and same == line:
                del old[line[START]]
                continue
            plan.missing.append(line)
            plan.moves[row.facility_id] = plan.moves[row.facility_id].plus(amounts)
        for pk, line in old.values():
            plan.stale[pk] = Kilograms(*line[AMOUNTS])
            plan.moves[line[FACILITY]] = plan.moves[line[FACILITY]].minus(plan.stale[pk])
        if figures != row.stored:
            plan.changed[row.id] = (row.stored, figures)
    return plan


def write_plan(plan: Plan) -> None:
    """Writes a plan's lines and figures; totals are the caller's."""
    now = timezone.now()
    bulk.update(Emission, ["superseded_at"], [(pk, now) for pk in plan.stale])
    insert_lines(plan.missing, now)
    bulk.update(
        Consumption,
        [*Figures._fields, "updated_at"],
        [(pk, *figures, now) for pk, (_, figures) in plan.changed.items()],
    )


def insert_lines(lines: Iterable[tuple], now: datetime) -> None:
    """Stores new lines, given as Emission.WRITTEN."""
    columns = ["id", *Emission.WRITTEN, "recorded_at"]
    bulk.insert(Emission, columns, ((uuid.uuid7(), *line, now) for line in lines))


def compute(row: Bill, calculator: Calculator) -> tuple[list[tuple], Figures]:
    """A consumption's lines, as Emission.WRITTEN, and its figures.

    Raises ValidationError when a figure is too large to be stored.
    """
    reason, missing_on = row.why_not(), None
    if not reason:
        key = Key(
            organization_id=row.organization_id,
            category=row.category,
            activity=row.activity,
            unit=row.unit,
            country=row.country,
            region=row.region,
            supplier=row.supplier,
            gwp_set=row.gwp_set,
        )
        lines = calculator.lines(key, row.quantity, row.start_date, row.end_date)
        if not isinstance(lines, NoFigure):
            written = [_written(row, line) for line in lines]
            total = Kilograms()
            for line in written:
                amounts = Kilograms(*line[AMOUNTS])
                total = total.plus(amounts)
                if amounts.too_large() or total.too_large():
                    raise too_large(f"figure of consumption {row.external_id or row.id}")
            return written, Figures(*total, CalculationStatus.CALCULATED, "")
        reason, missing_on = lines
    return [], Figures(None, None, None, CalculationStatus.NOT_CALCULATED, reason, missing_on)


def _written(row: Bill, line: Line) -> tuple:
    """A line as Emission.WRITTEN."""
    location, market = line.location.factor, line.market.factor
    return (
        row.organization_id,
        row.id,
        row.facility_id,
        row.category,
        row.activity,
        location.scope,
        line.month,
        line.start,
        line.end,
        line.quantity,
        row.unit,
        location.id,
        location.co2e,
        location.co2e_biomass,
        location.unit,
        ",".join(line.location.fallbacks),
        market.id,
        market.co2e,
        market.unit,
        ",".join(line.market.fallbacks),
        line.co2e,
        line.co2e_market,
        line.co2e_biomass,
    )


def _current_lines(ids: Sequence[UUID]) -> dict[UUID, dict[date, tuple[UUID, tuple]]]:
    """The current lines of some consumptions by their first day, with their ids."""
    stored: dict[UUID, dict[date, tuple[UUID, tuple]]] = {}
    current = Emission.objects.current().filter(consumption__any_of=ids)
    for pk, *line in current.values_list("pk", *Emission.WRITTEN):
        stored.setdefault(line[CONSUMPTION], {})[line[START]] = (pk, tuple(line))
    return stored


def calculator_for(rows: Iterable[Bill], supposing: EmissionFactor | None = None) -> Calculator:
    """A calculator with every factor that could apply to the consumptions, from one query."""
    rows = [row for row in rows if not row.why_not()]
    if not rows:
        return Calculator([])
    earliest = min(row.start_date for row in rows)
    factors = EmissionFactor.objects.live().filter(
        Q(organization=None) | Q(organization__in={row.organization_id for row in rows}),
        Q(valid_to=None) | Q(valid_to__gte=date(max(earliest.year - YEARS_BACK, 1), 1, 1)),
        category__in={row.category for row in rows},
        activity__in={row.activity for row in rows},
        country__in={"", *(row.country for row in rows)},
        region__in={"", *(row.region for row in rows)},
        valid_from__lte=max(row.end_date for row in rows),
    )
    if not any(row.supplier for row in rows):
        factors = factors.filter(supplier="")
    known = {factor.pk: factor for factor in factors}
    if supposing and supposing.deleted_at is None:
        known[supposing.pk] = supposing
    elif supposing:
        known.pop(supposing.pk, None)
    return Calculator(factor.as_value() for factor in known.values())


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
