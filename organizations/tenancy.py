"""Tenancy: whose row it is, who is calling, and how a write keeps both true.

Every query on a tenant's rows starts from `for_organization()`. Deleting is soft: the ledger refers
to what it was computed from. Every write passes the gate, so that figures computed with a factor
and the change of that factor never miss each other.
"""

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, ParamSpec, Self, TypeVar, cast
from uuid import UUID

import uuid_utils.compat as uuid
from django.db import OperationalError, connection, models, transaction
from django.dispatch import Signal
from django.utils import timezone

from organizations.database.clock import ANNOUNCING, announced_moment, whose
from organizations.database.replicas import Position
from organizations.database.tenant import about, owners

P = ParamSpec("P")
R = TypeVar("R")

GATE = 0x0C02E  # the first half of the advisory locks that pass_gate takes
ATTEMPTS = 4
RETRIED_SQLSTATES = {"40001", "40P01"}  # serialization failure, deadlock: the server says "again"
WAITED_TOO_LONG = "55P03"  # lock_not_available: PATIENCE is at its end

KEEPING = "set_config('facilities.subtotals', 'kept', true)"
"""Who passes the gate keeps the ledger's subtotals (emissions.ledger.subtotals): a trigger on the
ledger marks those that somebody else's writing has left behind."""

row_deleted, row_restored = Signal(), Signal()
"""Sent with the `row` at the end of a soft deletion and of a restoration, in its transaction, when
everything that follows from it has been computed."""

PATIENCE: ContextVar[int] = ContextVar("PATIENCE", default=0)
"""Seconds that a write waits for each lock; 0 is for ever. Requests have little: an import may hold
facilities for minutes, and must not take every thread of the server along."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is calling, for which organization, and what they may do. `request.user` of the API."""

    organization_id: UUID
    role: str
    user_id: UUID | None = None
    api_key_id: UUID | None = None
    is_authenticated: bool = True
    position: Position | None = None
    """What a replica must have that reads for them; None where there are no replicas."""

    @property
    def pk(self) -> UUID | None:
        return self.user_id or self.api_key_id


def caller(request: Any) -> Caller:
    """Who sent a request to the API; `CallerAuthentication` has put it there."""
    return cast(Caller, request.user)


class TenantQuerySet(models.QuerySet):
    """Rows of organizations."""

    def for_organization(self, organization_id: UUID | None) -> Self:
        """The rows of one organization; without one, none."""
        if organization_id is None:
            return self.none()
        return self.filter(organization_id=organization_id)


class SoftDeleteQuerySet(TenantQuerySet):
    """Rows with the deleted ones among them; say `live()` for what the API may show."""

    def live(self) -> Self:
        return self.filter(deleted_at=None)

    def delete(self) -> tuple[int, dict[str, int]]:
        """Soft-deletes each row through its own `delete()`, so that totals follow."""
        rows: list[Any] = list(self)
        for row in rows:
            row.delete()
        return len(rows), {self.model._meta.label: len(rows)}


class TimestampedModel(models.Model):
    """A row with a time-ordered id (UUIDv7) that knows when it was made and last changed."""

    NAMED: ClassVar[dict[str, Callable[[str], str]]] = {}
    """Column of codes → what pages call a code."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    updated_at = models.DateTimeField(default=timezone.now, editable=False)

    before_save: Any = None
    """What a receiver remembers from before a save until after it."""

    held_since: datetime | None = None
    """Set by a request that has passed the gate, has locked what the row touches and is undone as a
    whole where the row is refused: the moment that it is stamped with."""

    COMPUTED: tuple[str, ...] = ()
    """Columns that only the recalculation writes; `save()` of a stale row leaves them alone."""

    MAY_MOVE: ClassVar[bool] = False
    """Whether a stored row may be given to another organization."""

    class Meta:
        abstract = True

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Any = None,
    ) -> None:
        """Saves in one transaction with everything that the signals recompute."""
        with transaction.atomic(savepoint=self.held_since is None), self.named():
            self._save(force_insert, force_update, using, update_fields)

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with self.named():
            return super().delete(*args, **kwargs)

    def named(self) -> AbstractContextManager[None]:
        """Inside, statements name the row's organization; what is published has none."""
        field = owners().get(self._meta.db_table)
        if field is None:
            return nullcontext()
        stays = self._state.adding or not self.MAY_MOVE
        return about(getattr(self, field.attname) if stays else None)

    def _save(
        self, force_insert: Any, force_update: bool, using: str | None, update_fields: Any
    ) -> None:
        now = self.held_since or announced_moment(getattr(self, "organization_id", None))
        self.updated_at = now
        if self._state.adding:
            self.created_at = now
            for field in self._meta.concrete_fields:
                if field.name in self.COMPUTED:
                    setattr(self, field.name, field.get_default())
        else:
            names = update_fields
            if names is None:
                names = [f.name for f in self._meta.concrete_fields if not f.primary_key]
            update_fields = {*names, "updated_at"}.difference(self.COMPUTED)
        super().save(
            force_insert=force_insert,
            force_update=force_update,
            using=using,
            update_fields=update_fields,
        )

    def in_codes(self) -> str:
        """The row in a line as the API says it: with codes where pages have names."""
        return str(self)


class SoftDeleteModel(TimestampedModel):
    """A row that is kept when it is deleted, because figures were computed from it."""

    deleted_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = SoftDeleteQuerySet.as_manager()

    class Meta:
        abstract = True

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Takes the row out of every answer and total; `restore()` undoes it."""
        with self.named():
            self.deleted_at = announced_moment(getattr(self, "organization_id", None))
            self.save(update_fields=["deleted_at"])
            row_deleted.send(type(self), row=self)
        return 1, {self._meta.label: 1}

    @transaction.atomic
    def restore(self) -> None:
        """Puts a deleted row back to count again. Raises ValidationError if its place is taken."""
        with self.named():
            self.clean()
            self.deleted_at = None
            self.save(update_fields=["deleted_at"])
            row_restored.send(type(self), row=self)


def atomic_with_retry(function: Callable[P, R]) -> Callable[P, R]:
    """Runs a write in one transaction, again from its start when the database asks for that.

    Writers lock in one order (see emissions.ledger.recalculation), so this is for what remains:
    another session that does not. An inner call joins the outer transaction and leaves the retry
    to it.
    """

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        if transaction.get_connection().in_atomic_block:
            return function(*args, **kwargs)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                with transaction.atomic():
                    return function(*args, **kwargs)
            except OperationalError as error:
                state = getattr(error.__cause__, "sqlstate", None)
                if state not in RETRIED_SQLSTATES or attempt == ATTEMPTS:
                    raise
        raise AssertionError("unreachable")

    return run


def in_the_way(error: OperationalError) -> bool:
    """Whether other writers were what stopped this one, for as long as it tried.

    PostgreSQL says so by a state that `atomic_with_retry` has tried again, or when `PATIENCE` is at
    its end; SQLite by SQLITE_BUSY, after it has waited for the file as long as the `timeout` in
    settings.
    """
    cause = error.__cause__
    return (
        getattr(cause, "sqlstate", None) in {*RETRIED_SQLSTATES, WAITED_TOO_LONG}
        or getattr(cause, "sqlite_errorname", None) == "SQLITE_BUSY"
    )


def pass_gate(organization_id: UUID | None, *, exclusive: bool = False) -> datetime | None:
    """Orders writers until the transaction ends: many write bills, or one changes what they use.

    A write inside an organization passes shared; a change of a factor or of the GWP set passes
    exclusive: for its organization, or with None (a published factor) for everybody. It is the
    first lock of every writer; facilities by id come next, their consumptions last. None of them is
    waited for longer than `PATIENCE`. SQLite's IMMEDIATE transactions are that order already.

    Who passes has announced itself to the readers of copies (see organizations.database.clock), and
    gets to know when; of SQLite's, who wait for each other anyway, nobody is told.
    """
    if connection.vendor != "postgresql":
        return None
    key = 0 if organization_id is None else lock_key(organization_id)
    everybody = "" if exclusive and organization_id is None else "_shared"
    one = "" if exclusive else "_shared"
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config('lock_timeout', %s, true),"
            f" pg_advisory_xact_lock{everybody}(%s, 0), pg_advisory_xact_lock{one}(%s, %s),"
            f" {KEEPING}, {ANNOUNCING}, clock_timestamp()",
            [f"{PATIENCE.get()}s", GATE, GATE, key, whose(organization_id)],
        )
        return cursor.fetchone()[-1]


def lock_key(organization_id: UUID) -> int:
    """The second half of an organization's advisory locks: 32 bits, which two may share."""
    return int.from_bytes(organization_id.bytes[-4:], signed=True)
