"""Changes that reach more consumption than a request should wait for, worked off by a task.

The request that makes the change stores, in its own transaction, a `Recalculation` for every
organization it touches and marks the facilities `recalculating`. The task makes them right some
at a time, each lot in one transaction with its totals, so that a reader never sees a total beside
parts that do not add up to it, and a run that was killed goes on where it was.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from itertools import groupby, islice
from operator import add, itemgetter
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import connection, connections, transaction
from django.db.models import Count, F, QuerySet
from django.utils import timezone
from django_tasks import task

from emissions.ledger.reach import Reach, touched
from emissions.ledger.recalculation import Recalculated, lock_facilities, recalculate
from emissions.models import (
    Consumption,
    Emission,
    PendingFacility,
    Recalculation,
    RecalculationState,
)
from facilities.models import Completeness, Facility
from organizations.access.author import author, because
from organizations.database import bulk
from organizations.database.clock import announced_moment, moment
from organizations.database.postgresql.connections import long_job
from organizations.database.tenant import about
from organizations.tenancy import atomic_with_retry, pass_gate

IN_REQUEST = 3000
"""So many consumptions are recalculated before the answer; more are left to a task."""

LOT = 5000
"""About how many consumptions are made right in one transaction."""

Targets = defaultdict[UUID, set[tuple[UUID, ...]]]
"""Organization → its (facility, consumption)."""

AT_ONCE = 2
"""How many lots are under way on PostgreSQL: one computes while the other is being stored."""


@long_job()
def recalculate_reached(
    reaches: Sequence[Reach], cause: str, *, published: bool = False
) -> Recalculated | None:
    """Makes right what a change reaches: at once if it is little, else by a run for each
    organization, and then it is not known yet how much it was. The caller holds the exclusive gate
    and is in the change's transaction."""
    targets = _few(reaches)
    if targets is None:
        start(reaches, cause, published=published)
        return None
    return _recalculate(targets)


def _recalculate(targets: Targets) -> Recalculated:
    """Organization by organization, so that each statement is about one."""
    total = Recalculated()
    for organization_id, theirs in sorted(targets.items()):
        with about(organization_id):
            some = recalculate(sorted(theirs))
        total = Recalculated(*map(add, total, some))
    return total


def start_if_many(reaches: Sequence[Reach], cause: str) -> bool:
    """Leaves what is reached to a run if it is too much for a request; whether it was."""
    many = _few(reaches) is None
    if many:
        start(reaches, cause)
    return many


def _few(reaches: Sequence[Reach]) -> Targets | None:
    """What is reached; None if that is too much for a request."""
    targets: Targets = defaultdict(set)
    left = IN_REQUEST
    for rows in touched(reaches):
        found = rows.values_list("organization_id", "facility_id", "pk")[: left + 1]
        for organization_id, *target in found:
            targets[organization_id].add(tuple(target))
        left = IN_REQUEST - sum(map(len, targets.values()))
        if left < 0:
            return None
    return targets


def recalculate_everything_reached(reaches: Iterable[Reach]) -> None:
    """Makes right what many changes reach, now and in the caller's transaction: for commands."""
    if not Consumption.objects.exists():
        return  # the factors that ship come first, and there are thousands of them
    targets: Targets = defaultdict(set)
    for rows in touched(reaches):
        found = rows.values_list("organization_id", "facility_id", "pk")
        for organization_id, *target in found.iterator():
            targets[organization_id].add(tuple(target))
    _recalculate(targets)


def start(reaches: Sequence[Reach], cause: str, *, published: bool = False) -> None:
    """Stores a run for every organization that is reached, and leaves it to a task."""
    counts: dict[tuple[UUID, UUID], int] = {}
    for rows in touched(reaches):
        by_facility = rows.order_by().values_list("organization_id", "facility_id")
        for organization_id, facility_id, count in by_facility.annotate(count=Count("pk")):
            key = (organization_id, facility_id)
            counts[key] = counts.get(key, 0) + count
    started_by = author()
    for organization_id, group in groupby(sorted(counts), key=lambda key: key[0]):
        facilities = [facility_id for _, facility_id in group]
        run = Recalculation.objects.create(
            organization_id=organization_id,
            cause=cause[:300],
            started_by=started_by,
            published=published,
            reaches=[one.as_json() for one in reaches],
            facilities=len(facilities),
            consumptions=sum(counts[organization_id, one] for one in facilities),
        )
        bulk.insert(
            PendingFacility,
            ["id", "organization_id", "recalculation_id", "facility_id", "consumptions"],
            (
                (PendingFacility().pk, organization_id, run.pk, one, counts[organization_id, one])
                for one in facilities
            ),
        )
        pending = PendingFacility.objects.filter(recalculation=run).values("facility")
        Facility.objects.filter(pk__in=pending).update(
            co2e_status=Completeness.RECALCULATING, updated_at=moment()
        )
    if connection.vendor == "postgresql":
        work_off.enqueue()  # a row of the same transaction
    else:
        transaction.on_commit(work_off.enqueue)  # done before the answer


@task()
def work_off() -> None:
    """Finishes every run that nobody is on: new ones, interrupted ones, failed ones once more."""
    waiting = Recalculation.objects.unfinished()
    for organization_id, pk in list(waiting.values_list("organization_id", "pk")):
        run(organization_id, pk)


def run(
    organization_id: UUID, pk: UUID, advance: Callable[[int], None] = lambda facilities: None
) -> None:
    """Finishes one run; nothing if another process is on it. `advance` hears of each lot done."""
    with about(organization_id), claimed(pk) as is_mine:
        recalculation = Recalculation.objects.unfinished().filter(pk=pk).first()
        if not is_mine or recalculation is None:
            return
        store = partial(_store, recalculation)
        store(
            state=RecalculationState.RUNNING,
            started_at=recalculation.started_at or timezone.now(),
            error="",
        )
        errors: list[str] = []
        try:
            for done, problems in _work(recalculation):
                errors += problems
                advance(done)
        except BaseException as error:  # Ctrl-C too: what is left is still to be done
            errors.append(f"It was interrupted: {error!r}")
            raise
        finally:
            store(
                state=RecalculationState.FAILED if errors else RecalculationState.DONE,
                error="\n".join(errors[:100]),
                finished_at=timezone.now(),
            )


@transaction.atomic
def _store(recalculation: Recalculation, **values: Any) -> None:
    """Writes how far a run is."""
    now = announced_moment(recalculation.organization_id)
    Recalculation.objects.filter(pk=recalculation.pk).update(**values, updated_at=now)


Outcome = tuple[int, list[str]]
"""How many facilities were done, and errors."""


def _work(recalculation: Recalculation) -> Iterator[Outcome]:
    """The outcome of each lot as it is stored."""
    pending = PendingFacility.objects.filter(recalculation=recalculation).order_by("facility_id")
    waiting = lots(pending.values_list("facility_id", "consumptions"))
    one = partial(_make_right, recalculation)
    if connection.vendor != "postgresql" or connection.in_atomic_block:
        yield from map(one, waiting)
        return

    def in_a_thread(lot: dict[UUID, int]) -> Outcome:
        try:
            with about(recalculation.organization_id):
                return one(lot)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(AT_ONCE) as threads:
        yield from threads.map(in_a_thread, waiting)


def lots(facilities: Iterable[tuple[UUID, int]]) -> Iterator[dict[UUID, int]]:
    """Facilities with their numbers of consumptions, together as far as they are about a `LOT`.

    A facility counts for one more than its consumptions: many without any are several lots too.
    """
    lot: dict[UUID, int] = {}
    size = 0
    for facility_id, consumptions in facilities:
        lot[facility_id] = consumptions
        size += consumptions + 1
        if size > LOT:
            yield lot
            lot, size = {}, 0
    if lot:
        yield lot


def facilities_in_lots(facilities: QuerySet[Facility]) -> Iterator[tuple[UUID, dict[UUID, int]]]:
    """Whole facilities to walk through: an organization with some of its facilities, each time."""
    rows = facilities.order_by("organization_id", "pk").values_list("organization_id", "pk")
    for organization_id, some in groupby(rows.iterator(), key=itemgetter(0)):
        for lot in lots(_with_counts(organization_id, (pk for _, pk in some))):
            yield organization_id, lot


def _with_counts(organization_id: UUID, facilities: Iterator[UUID]) -> Iterator[tuple[UUID, int]]:
    """Facilities of an organization with their numbers of consumptions."""
    theirs = Consumption.objects.for_organization(organization_id).order_by()
    while some := list(islice(facilities, LOT)):
        consumptions = theirs.filter(facility__any_of=some)
        counts = dict(consumptions.values_list("facility_id").annotate(count=Count("pk")))
        yield from ((pk, counts.get(pk, 0)) for pk in some)


def _make_right(recalculation: Recalculation, lot: dict[UUID, int]) -> Outcome:
    """Does a lot; if a figure in it is impossible, each facility of it on its own."""
    try:
        _make_right_at_once(recalculation, lot)
    except ValidationError as error:
        if len(lot) == 1:
            return 0, error.messages
    else:
        return len(lot), []
    done, errors = 0, []
    for facility_id, consumptions in lot.items():
        some, problems = _make_right(recalculation, {facility_id: consumptions})
        done += some
        errors += problems
    return done, errors


@atomic_with_retry
def _make_right_at_once(recalculation: Recalculation, lot: dict[UUID, int]) -> None:
    """Makes facilities right, takes them off the run and counts them, in one transaction: a run
    that is killed and taken over counts each of them once."""
    pass_gate(recalculation.organization_id)
    reaches = [Reach.from_json(one) for one in recalculation.reaches]
    places = {*lot, *(left_by(reaches, lot) if any(one.held for one in reaches) else ())}
    lock_facilities(places)
    pairs = [
        rows.filter(facility__any_of=list(lot)).values_list("facility_id", "pk")
        for rows in touched(reaches)
    ]
    targets = list(pairs[0].union(*pairs[1:]).order_by("facility_id", "pk"))
    PendingFacility.objects.filter(recalculation=recalculation, facility__in=lot).delete()
    by = f" by {recalculation.started_by}" if recalculation.started_by else ""
    with because(f"recalculation, {recalculation.cause}{by}"):
        changed = recalculate(targets, also=places).consumptions
    _store(  # at the end, because it makes the lots beside this one wait for the commit
        recalculation,
        facilities_done=F("facilities_done") + len(lot),
        consumptions_done=F("consumptions_done") + sum(lot.values()),
        consumptions_changed=F("consumptions_changed") + changed,
    )


def left_by(reaches: Iterable[Reach], lot: Iterable[UUID]) -> set[UUID]:
    """Facilities that consumption of a lot has left, and where it has lines of closed years."""
    left: set[UUID] = set()
    for rows in touched(reaches):
        lines = Emission.objects.current().filter(
            consumption__in=rows.filter(facility__any_of=list(lot))
        )
        left.update(lines.order_by().values_list("facility_id", flat=True).distinct())
    return left


@contextmanager
def claimed(pk: UUID) -> Iterator[bool]:
    """Whether this process may work on a run: on PostgreSQL one at a time does.

    The lock is the session's: it ends with the process, however that ends.
    """
    if connection.vendor != "postgresql":
        yield True
        return
    key = int.from_bytes(pk.bytes[-8:], signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [key])
        [is_mine] = cursor.fetchone()
    try:
        yield is_mine
    finally:
        if is_mine:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [key])
