"""Keeping every stored figure equal to what its data and its factors give.

One path for one bill and for many: take the consumptions, compute their lines, compare them with
the current lines of the ledger, supersede what is wrong, write what is missing, and move the
facilities' totals by the difference. What is right already is not written again.

Every caller is in a transaction and holds, in this order, the gate (organizations.tenancy), the
facilities by id, and then what it writes: so writers queue and none deadlocks. A facility's total
is read under its lock and moved by an exact Decimal difference, so that one bill costs the same
whatever the facility's history.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q

from emissions.ledger.bills import PERIOD_CLOSED, Kilograms, too_large
from emissions.ledger.plan import Difference, Plan, bills, make_plan, plan_to_end, write_plan
from emissions.models import (
    CalculationStatus,
    Consumption,
    ConsumptionStatus,
    Emission,
    PendingFacility,
)
from facilities.categories import Category
from facilities.models import Completeness, Facility
from organizations.database import bulk
from organizations.database.clock import moment
from organizations.database.postgresql.connections import long_job
from organizations.database.tenant import about
from organizations.tenancy import pass_gate

BATCH = 5000
NOTHING = Kilograms()


class Total(NamedTuple):
    """A facility's stored totals, read under its lock."""

    kilograms: Kilograms
    status: str


class Recalculated(NamedTuple):
    """How many consumptions have other figures, and how many of them had none before."""

    consumptions: int = 0
    calculated: int = 0


def lock_facilities(ids: Iterable[UUID]) -> dict[UUID, Total]:
    """Locks facilities in the order of their ids and reads what is stored on them."""
    rows = Facility.objects.filter(pk__in=set(ids)).order_by("pk").select_for_update(no_key=True)
    return {
        pk: Total(Kilograms(*amounts), status)
        for pk, *amounts, status in rows.values_list("pk", *Facility.COMPUTED)
    }


@long_job()
def recalculate(
    targets: Sequence[tuple[UUID, ...]],
    also: Iterable[UUID] = (),
    more: Mapping[UUID, Kilograms] = MappingProxyType({}),
) -> Recalculated:
    """Makes consumptions right, with their facilities' totals; how many had other figures.

    `targets` are (facility id, consumption id) in order; `also` are facilities that a consumption
    has left; `more` is what is to be added to some of these facilities besides. Raises
    ValidationError when a figure is too large to be stored.
    """
    changed = calculated = 0
    waiting = dict(more)
    for start in range(0, max(len(targets), 1), BATCH):
        batch = targets[start : start + BATCH]
        totals = lock_facilities({facility_id for facility_id, _ in batch} | set(also))
        plan = make_plan(bills(Q(pk__any_of=[consumption_id for _, consumption_id in batch])))
        assert plan.moves.keys() <= totals.keys(), "a line is at a facility that is not locked"
        write_plan(plan)
        moves = {pk: plan.moves[pk].plus(waiting.pop(pk, NOTHING)) for pk in totals}
        write_totals(totals, {pk: one.kilograms.plus(moves[pk]) for pk, one in totals.items()})
        changed += len(plan.changed)
        calculated += plan.calculated()
    return Recalculated(changed, calculated)


@long_job()
def recalculate_facilities(ids: Iterable[UUID], *, check: bool = False) -> list[Difference]:
    """Makes everything of some facilities right, from the ground up; what was not, in order.

    With `check` it writes nothing.
    """
    totals = lock_facilities(ids)
    places = list(totals)
    theirs = Consumption.objects.filter(facility__any_of=places).order_by()
    halves = (theirs.filter(deleted_at=None), theirs.filter(deleted_at__isnull=False))
    pairs = [pair for half in halves for pair in half.values_list("facility_id", "pk")]
    consumptions = [pk for _, pk in sorted(pairs)]
    differences: list[Difference] = []
    computed = dict.fromkeys(places, Kilograms())
    for start in range(0, len(consumptions), BATCH):
        plan = make_plan(bills(Q(pk__any_of=consumptions[start : start + BATCH])))
        differences += plan.differences()
        for pk, kilograms in plan.totals.items():
            computed[pk] = computed[pk].plus(kilograms)
        if not check:
            write_plan(plan)
    lines = Emission.objects.current().filter(facility__any_of=places)
    strays: dict[UUID, Kilograms] = {}
    elsewhere = lines.exclude(consumption__facility_id=F("facility_id"))
    columns = ("pk", "facility_id", "month", "organization__closed_years", *Kilograms._fields)
    for pk, facility_id, month, closed_years, *kilograms in elsewhere.values_list(*columns):
        if str(month.year) in closed_years.split(","):
            computed[facility_id] = computed[facility_id].plus(Kilograms(*kilograms))
        else:
            strays[pk] = Kilograms(*kilograms)
    differences += Plan(stale=strays).differences()
    if not check:
        write_plan(plan_to_end(strays))
        PendingFacility.objects.filter(facility__any_of=places).delete()
    differences += write_totals(totals, computed, check=check)
    return differences


@transaction.atomic
def check_or_repair(
    organization_id: UUID, facilities: Iterable[UUID], *, check: bool
) -> list[Difference]:
    """Some facilities in a transaction of their own, for the command that walks all of them."""
    with about(organization_id):
        pass_gate(organization_id)
        return recalculate_facilities(facilities, check=check)


def write_totals(
    stored: Mapping[UUID, Total], computed: Mapping[UUID, Kilograms], *, check: bool = False
) -> list[Difference]:
    """Writes the totals and the completeness of locked facilities; those that were not so.

    Raises ValidationError when a total is too large to be stored.
    """
    differences: list[Difference] = []
    changed: list[tuple] = []
    for pk, status in _completeness(computed):
        if stored[pk] == (computed[pk], status):
            continue
        changed.append((pk, *computed[pk], status))
        before, after = (*stored[pk].kilograms, stored[pk].status), (*computed[pk], status)
        differences += [
            Difference("facility", pk, name, was, is_now)
            for name, was, is_now in zip(Facility.COMPUTED, before, after, strict=True)
            if was != is_now
        ]
        if computed[pk].too_large() and not check:
            raise too_large(f"total of facility {pk}")
    if changed and not check:
        now = moment()
        rows = [(*row, now) for row in changed]
        bulk.update(Facility, [*Facility.COMPUTED, "updated_at"], rows)
    return differences


def _completeness(ids: Iterable[UUID]) -> Iterator[tuple[UUID, str]]:
    """What each facility's totals hold: all, or not what is being recalculated or has no factor.

    Incomplete is one with an active consumption, in an enabled category, without a figure.
    """
    missing = (
        Consumption.objects.live()
        .filter(
            facility=OuterRef("pk"),
            co2e_status=CalculationStatus.NOT_CALCULATED,
            status=ConsumptionStatus.ACTIVE,
        )
        .exclude(co2e_reason__startswith=PERIOD_CLOSED)
    )
    probes = {f"missing_{one}": Exists(missing.filter(category=one)) for one in Category.values}
    waiting = Exists(PendingFacility.objects.filter(facility=OuterRef("pk")))
    facilities = Facility.objects.filter(pk__in=list(ids)).order_by("pk")
    rows = facilities.annotate(waiting=waiting, **probes)
    for row in rows.values("pk", "categories", "deleted_at", "waiting", *probes):
        status = Completeness.COMPLETE
        if row["waiting"]:
            status = Completeness.RECALCULATING
        elif row["deleted_at"] is None and any(
            row[f"missing_{category}"] for category in row["categories"]
        ):
            status = Completeness.INCOMPLETE
        yield row["pk"], status
