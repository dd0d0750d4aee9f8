"""What a change of a factor would move, before anybody makes it.

The change is written, the ledger's own plan says what it would have to store, and the change is
rolled back: the same functions as the real thing, so the same figures to the milligram. Nothing is
locked for it. What reaches more than `EXACT` consumptions is counted and not computed.
"""

from collections import defaultdict
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Count, Q

from emissions.bills import Kilograms
from emissions.ledger import CONSUMPTION, bills, make_plan
from emissions.models import Consumption, EmissionFactor
from emissions.reach import reaches, touched
from facilities.models import Facility

EXACT = 20_000
BATCH = 2000
EXAMPLES = 5


class Move(NamedTuple):
    """A facility's total before and after."""

    facility: Facility
    before: Kilograms
    after: Kilograms


class Impact(NamedTuple):
    """What a change touches; `before` and `after` are the touched facilities' totals together.

    Where it is not exact there are no totals, and the counts are of what the change may touch.
    """

    consumptions: int
    facilities: int
    organizations: int
    before: Kilograms | None = None
    after: Kilograms | None = None
    gained: int = 0
    """Consumptions without a figure that get one."""
    lost: int = 0
    """Consumptions that lose their figure."""
    most: tuple[Move, ...] = ()
    """The facilities that move most."""

    @property
    def exact(self) -> bool:
        return self.before is not None


def impact_of(stored: EmissionFactor | None, wanted: EmissionFactor) -> Impact:
    """What it would do to store a factor as it is wanted, instead of as it is stored if it is.

    Raises ValidationError when a figure would be too large to be stored.
    """
    reached = reaches(stored, wanted)
    targets: set[UUID] = set()
    for rows in touched(reached):
        targets.update(rows.values_list("pk", flat=True)[: EXACT + 1])
    if len(targets) > EXACT:
        any_of = Q()
        for one in reached:
            any_of |= one.condition()
        counts = Consumption.objects.filter(any_of).aggregate(
            consumptions=Count("pk"),
            facilities=Count("facility", distinct=True),
            organizations=Count("organization", distinct=True),
        )
        return Impact(**counts)
    with transaction.atomic():
        _write_silently(stored, wanted)
        impact = _planned(sorted(targets))
        transaction.set_rollback(True)
    return impact


def _write_silently(stored: EmissionFactor | None, wanted: EmissionFactor) -> None:
    """Writes without the signals, which would recalculate."""
    if stored is None:
        EmissionFactor.objects.bulk_create([wanted])
    else:
        columns = EmissionFactor.APPLIED
        row = EmissionFactor.objects.filter(pk=stored.pk)
        row.update(**{name: getattr(wanted, name) for name in columns})


def _planned(targets: list[UUID]) -> Impact:
    """What the ledger would store for some consumptions as things are now."""
    consumptions = gained = lost = 0
    organizations: set[UUID] = set()
    moves: defaultdict[UUID, Kilograms] = defaultdict(Kilograms)
    for start in range(0, len(targets), BATCH):
        rows = bills(Q(pk__any_of=targets[start : start + BATCH]))
        plan = make_plan(rows)
        ids = {*plan.changed, *(line[CONSUMPTION] for line in plan.missing)}
        consumptions += len(ids)
        for row in rows:
            if row.id not in ids:
                continue
            organizations.add(row.organization_id)
            moves[row.facility_id] = moves[row.facility_id].plus(Kilograms())
        for had, has in plan.changed.values():
            gained += had.co2e is None and has.co2e is not None
            lost += had.co2e is not None and has.co2e is None
        for pk, amounts in plan.moves.items():
            moves[pk] = moves[pk].plus(amounts)
    before = after = Kilograms()
    steps = []
    stored = Facility.objects.in_bulk(moves)
    for pk, amounts in moves.items():
        was = Kilograms.of(stored[pk])
        before, after = before.plus(was), after.plus(was).plus(amounts)
        steps.append(Move(stored[pk], was, was.plus(amounts)))
    steps.sort(key=lambda one: -max(map(abs, one.after.minus(one.before))))
    return Impact(
        consumptions,
        len(moves),
        len(organizations),
        before,
        after,
        gained,
        lost,
        tuple(steps[:EXAMPLES]),
    )
