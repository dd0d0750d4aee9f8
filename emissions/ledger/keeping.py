"""Making an organization's subtotals anew from its lines, and checking them against these.

Until they are made, as after the upgrade that brought them, figures are added up from the lines.
"""

from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django_tasks import task

from emissions.ledger.plan import Difference
from emissions.ledger.subtotals import ABOUT, SUMS, Changes, added_up, insert, key_of
from emissions.models import Emission, Subtotal
from organizations.database.postgresql.connections import long_job
from organizations.database.snapshot import one_snapshot
from organizations.database.tenant import about
from organizations.models import Organization
from organizations.tenancy import pass_gate

READ_AT_ONCE = 5000


@long_job()
@transaction.atomic
def keep(organization_id: UUID) -> None:
    """Makes the subtotals of an organization anew from its lines; its writers wait meanwhile."""
    pass_gate(organization_id, exclusive=True)
    Subtotal.objects.filter(organization_id=organization_id).delete()
    insert(computed(organization_id).rows())
    Organization.objects.filter(pk=organization_id).update(subtotals_kept=True)


def keep_all(advance: Callable[[int], None] = lambda organizations: None) -> None:
    """Makes those that are not kept, organization by organization; `advance` hears of each."""
    for pk in list(unkept().values_list("pk", flat=True)):
        with about(pk):
            keep(pk)
        advance(1)


def unkept() -> QuerySet[Organization]:
    """The organizations whose figures are added up from the lines."""
    return Organization.objects.filter(subtotals_kept=False).order_by("pk")


@task()
def keep_those_left() -> None:
    """Makes all that are not kept; nothing where they are."""
    keep_all()


def computed(organization_id: UUID) -> Changes:
    """What the subtotals should be, from the current lines."""
    changes, split = Changes(), len(ABOUT) + 1
    lines = Emission.objects.current().filter(organization_id=organization_id)
    rows = lines.order_by("consumption_id").values_list("consumption_id", *ABOUT, *Subtotal.AMOUNTS)
    for _, some in groupby(rows.iterator(READ_AT_ONCE), key=itemgetter(0)):
        changes.replace((), [(row[1:split], row[split:]) for row in some])
    return changes


@long_job()
def differences(organization_id: UUID) -> list[Difference]:
    """Where the subtotals are not what the lines add up to; nothing where they are not kept."""
    with one_snapshot():
        if not Organization.objects.filter(pk=organization_id, subtotals_kept=True).exists():
            return []
        rows = Subtotal.objects.filter(organization_id=organization_id).order_by()
        stored = added_up(rows.values_list("pattern", *ABOUT, *SUMS)).sums
        should = computed(organization_id).sums
    nothing = (0,) * len(SUMS)
    return [
        Difference("subtotal", key_of(*key), name, was, is_now)
        for key in {**stored, **should}
        for name, was, is_now in zip(
            SUMS, stored.get(key, nothing), should.get(key, nothing), strict=True
        )
        if was != is_now
    ]
