"""What the ledger should say about some consumptions, and making it say so.

A `Plan` compares what a consumption gives with its current lines and its stored figures; writing it
supersedes the lines that are wrong, adds those that are missing and sets the figures. What is right
already is not written again. One bill and a million take the same path, as plain tuples: building
model instances would cost more than the calculation.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat as uuid
from django.db.models import Q

from emissions.ledger.bills import (
    AMOUNTS,
    CONSUMPTION,
    FACILITY,
    START,
    Bill,
    Figures,
    Kilograms,
    calculator_for,
    compute,
)
from emissions.ledger.subtotals import COLUMNS as SUBTOTAL_COLUMNS
from emissions.ledger.subtotals import Changes, Part, new_rows, parts
from emissions.models import Consumption, Emission, EmissionFactor, Subtotal
from organizations.access.author import cause
from organizations.database import bulk
from organizations.database.clock import moment

LINE_COLUMNS = ("id", *Emission.WRITTEN, "recorded_at")
OWN_COLUMNS = Bill._fields[: Bill._fields.index("facility_type")]
COLUMNS = (
    *OWN_COLUMNS,
    "facility__type",
    "facility__country",
    "facility__region",
    "facility__categories",
    "facility__deleted_at",
    "organization__gwp_set",
    "organization__closed_years",
    *Consumption.COMPUTED,
)


def bills(condition: Q, at_most: int | None = None) -> list[Bill]:
    """The consumptions that meet a condition, by facility."""
    rows = Consumption.objects.filter(condition).order_by("facility_id", "pk")[:at_most]
    split = len(Bill._fields) - 1
    return [
        Bill._make((*row[:split], Figures._make(row[split:]))) for row in rows.values_list(*COLUMNS)
    ]


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
    replaced: list[tuple[list[Part], list[Part]]] = field(default_factory=list)
    """What counts of all lines of each consumption with stale or missing ones, before and after."""
    moves: defaultdict[UUID, Kilograms] = field(default_factory=lambda: defaultdict(Kilograms))
    totals: defaultdict[UUID, Kilograms] = field(default_factory=lambda: defaultdict(Kilograms))
    """What consumptions give at the facility they are at; a closed year's may be elsewhere."""

    def calculated(self) -> int:
        """How many consumptions get a figure that had none."""
        both = self.changed.values()
        return sum(was.co2e is None and is_now.co2e is not None for was, is_now in both)

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


def make_plan(rows: Sequence[Bill], supposing: Iterable[EmissionFactor] = ()) -> Plan:
    """Compares what is stored for some consumptions with what they give.

    `supposing` are factors that are taken as they are given and not as they are stored. Raises
    ValidationError when a figure is too large to be stored.
    """
    plan = Plan()
    for row, old, lines, figures in computed_beside_stored(rows, supposing):
        before, right = [line for _, line in old.values()], len(plan.missing)
        for line in lines:
            amounts = Kilograms(*line[AMOUNTS])
            if line[FACILITY] == row.facility_id:
                plan.totals[row.facility_id] = plan.totals[row.facility_id].plus(amounts)
            pk, same = old.get(line[START], (None, ()))
            if same[AMOUNTS] == line[AMOUNTS] and same == line:
                del old[line[START]]
                continue
            plan.missing.append(line)
            plan.moves[row.facility_id] = plan.moves[row.facility_id].plus(amounts)
        if old or len(plan.missing) > right:
            plan.replaced.append((parts(before), parts(lines)))
        for pk, line in old.values():
            plan.stale[pk] = Kilograms(*line[AMOUNTS])
            plan.moves[line[FACILITY]] = plan.moves[line[FACILITY]].minus(plan.stale[pk])
        if figures != row.stored:
            plan.changed[row.id] = (row.stored, figures)
    return plan


def plan_to_end(stale: dict[UUID, Kilograms]) -> Plan:
    """A plan by which some current lines end, and nothing else."""
    lines = Emission.objects.filter(pk__any_of=list(stale))
    bills_of = set(lines.values_list("consumption_id", flat=True))
    replaced = [
        (
            parts(line for _, line in its.values()),
            parts(line for pk, line in its.values() if pk not in stale),
        )
        for its in current_lines(list(bills_of)).values()
    ]
    return Plan(stale=stale, replaced=replaced)


Stored = dict[date, tuple[UUID, tuple]]
"""The current lines of a consumption by their first day, with their ids."""


def computed_beside_stored(
    rows: Sequence[Bill], supposing: Iterable[EmissionFactor] = ()
) -> Iterator[tuple[Bill, Stored, list[tuple], Figures]]:
    """Each consumption with its current lines, and the lines and figures that it gives."""
    calculator = calculator_for(rows, supposing)
    stored = current_lines([row.id for row in rows])
    for row in rows:
        old = stored.get(row.id, {})
        yield row, old, *compute(row, calculator, [line for _, line in old.values()])


def write_plan(plan: Plan) -> None:
    """Writes a plan's lines and figures; totals are the caller's."""
    if not (plan.stale or plan.missing or plan.changed):
        return
    now = moment()
    if plan.stale:
        by = cause()
        columns = ["superseded_at", "superseded_by"]
        bulk.update(Emission, columns, [(pk, now, by) for pk in plan.stale])
    changes = Changes()
    for before, after in plan.replaced:
        changes.replace(before, after)
    insert_lines(plan.missing, changes, now)
    bulk.update(
        Consumption,
        [*Figures._fields, "updated_at"],
        [(pk, *figures, now) for pk, (_, figures) in plan.changed.items()],
    )


def insert_lines(lines: Iterable[tuple], changes: Changes, now: datetime) -> None:
    """Stores new lines, given as Emission.WRITTEN, and what changes of the subtotals."""
    bulk.insert_together(
        (Emission, LINE_COLUMNS, [(uuid.uuid7(), *line, now) for line in lines]),
        (Subtotal, SUBTOTAL_COLUMNS, new_rows(changes)),
    )


def current_lines(ids: Sequence[UUID]) -> dict[UUID, Stored]:
    """The current lines of some consumptions."""
    stored: dict[UUID, Stored] = {}
    current = Emission.objects.current().filter(consumption__any_of=ids)
    for pk, *line in current.values_list("pk", *Emission.WRITTEN):
        stored.setdefault(line[CONSUMPTION], {})[line[START]] = (pk, tuple(line))
    return stored
