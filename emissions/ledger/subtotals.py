"""Subtotals of the ledger: what its current lines add up to by month and what they have in common.

Whatever writes lines adds, in the same transaction, what that moves. It adds rows and changes none:
writers of one organization never wait for each other, however long an import takes. Now and then
the rows of each key are put together by a task. A reader adds up all of them, and so is right at
every moment.

They answer for an organization while `Organization.subtotals_kept`; emissions.ledger.keeping makes
them anew from the lines, and checks them.
"""

import secrets
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from functools import partial
from hashlib import blake2b
from operator import add, itemgetter, neg, sub
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuid
from django.db import connection, transaction
from django.db.models import Count
from django_tasks import task

from emissions.ledger.bills import LIMIT
from emissions.models import Emission, Subtotal
from organizations.database import bulk, tenant
from organizations.tenancy import pass_gate

FOLD_AFTER = 1000
"""About so many rows are added to the subtotals before they are put together."""

LARGEST = LIMIT - Decimal("0.000001")

COLUMNS = (
    "id", "organization_id", "key", "pattern", *Subtotal.ALIKE, "consumptions", *Subtotal.AMOUNTS,
)  # fmt: skip
ABOUT = ("organization_id", *Subtotal.ALIKE)
SUMS = ("consumptions", *Subtotal.AMOUNTS)

Part = tuple[tuple[Any, ...], tuple[Decimal, ...]]
"""What counts of a line: ABOUT and Subtotal.AMOUNTS."""

Key = tuple[tuple[Any, ...], UUID | None]
"""What lines have in common, as ABOUT, and the pattern of their consumptions."""

_about: Any = itemgetter(*map(Emission.WRITTEN.index, ABOUT))
_amounts: Any = itemgetter(*map(Emission.WRITTEN.index, Subtotal.AMOUNTS))


def parts(lines: Iterable[tuple]) -> list[Part]:
    """What counts of lines that are given as Emission.WRITTEN."""
    return [(_about(line), _amounts(line)) for line in lines]


class Changes:
    """What some writes change of the subtotals, key by key."""

    def __init__(self) -> None:
        self.sums: dict[Key, Sequence[Any]] = {}

    def __len__(self) -> int:
        return len(self.sums)

    def replace(self, before: Sequence[Part], after: Sequence[Part]) -> None:
        """All current lines of a consumption: they were these and are now those."""
        self._count(before, -1)
        self._count(after, 1)

    def _count(self, its: Sequence[Part], sign: int) -> None:
        abouts = {about for about, _ in its}
        pattern = digest(*sorted(map(text_of, abouts))) if len(abouts) > 1 else None
        for about, amounts in its:
            once = sign if about in abouts else 0
            abouts.discard(about)
            self.add((about, pattern), (once, *(amounts if sign > 0 else map(neg, amounts))))

    def add(self, key: Key, sums: Sequence[Any]) -> None:
        """`sums` are SUMS."""
        found = self.sums.get(key)
        self.sums[key] = sums if found is None else tuple(map(add, found, sums))

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Rows of COLUMNS but the id; what changes nothing is left out."""
        for (about, pattern), sums in self.sums.items():
            if any(sums):
                organization_id, *alike = about
                key = key_of(about, pattern)
                for some in storable(sums):
                    yield (organization_id, key, pattern, *alike, *some)


def text_of(about: Sequence[Any]) -> str:
    """What lines have in common as text that nothing else of the organization gives."""
    return "\x1f".join(map(str, about[1:]))


def key_of(about: Sequence[Any], pattern: UUID | None) -> UUID:
    """Subtotal.key."""
    return digest(text_of(about), str(pattern or ""))


def digest(*texts: str) -> UUID:
    return UUID(bytes=blake2b("\x1e".join(texts).encode(), digest_size=16).digest())


def storable(sums: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """The sums in as many rows as their columns need: a facility is under a gigatonne, but many of
    them together may not be."""
    count, *amounts = sums
    while any(abs(one) >= LIMIT for one in amounts):
        most = [max(-LARGEST, min(LARGEST, one)) for one in amounts]
        yield [0, *most]
        amounts = list(map(sub, amounts, most))
    yield [count, *amounts]


def write(changes: Changes) -> None:
    """Adds what has changed to the subtotals, in the caller's transaction."""
    bulk.insert(Subtotal, COLUMNS, new_rows(changes))


def new_rows(changes: Changes) -> list[tuple[Any, ...]]:
    """The rows of COLUMNS that a write adds; now and then it asks that rows be put together."""
    rows = [(uuid.uuid7(), *row) for row in changes.rows()]
    if secrets.randbelow(FOLD_AFTER) < len(rows):
        for organization_id in {row[1] for row in rows}:
            enqueue = partial(fold.enqueue, str(organization_id))
            if connection.vendor == "postgresql":
                enqueue()  # a row of the same transaction
            else:
                transaction.on_commit(enqueue)
    return rows


def insert(rows: Iterable[tuple[Any, ...]]) -> None:
    """Stores rows of COLUMNS but the id."""
    bulk.insert(Subtotal, COLUMNS, ((uuid.uuid7(), *row) for row in rows))


@task()
def fold(organization_id: str) -> None:
    """Puts the rows of each key of an organization together."""
    put_together(UUID(organization_id))


@transaction.atomic
def put_together(organization_id: UUID) -> None:
    """The same now. Rows that another one is putting together are left to it."""
    with tenant.about(organization_id):
        pass_gate(organization_id)
        mine = Subtotal.objects.filter(organization_id=organization_id).order_by()
        several = mine.values("key").annotate(rows=Count("pk")).filter(rows__gt=1).values("key")
        rows = mine.filter(key__in=several).select_for_update(skip_locked=True)
        found = list(rows.values_list("pk", "pattern", *ABOUT, *SUMS))
        Subtotal.objects.filter(pk__any_of=[row[0] for row in found]).delete()
        insert(added_up(row[1:] for row in found).rows())


def added_up(rows: Iterable[tuple[Any, ...]]) -> Changes:
    """Rows of a pattern, ABOUT and SUMS."""
    changes, split = Changes(), len(ABOUT) + 1
    for pattern, *row in rows:
        changes.add((tuple(row[: split - 1]), pattern), row[split - 1 :])
    return changes
