"""The moment that a change is stamped with, and how far the changes are complete.

A copy is read in the order of `updated_at` (organizations.rest.copies), so that no change may come
to light behind what has been read. Two things make that so.

The clock is one for all: the database server's on PostgreSQL; on SQLite, whose writers come one
after the other, the machine's, kept in a row from which it only goes on, by a microsecond where the
machine's has been set back.

A transaction of PostgreSQL may stamp early and commit late. Each therefore announces itself before
it stamps, by a shared advisory lock that nobody waits for: its key is whose rows it writes and when
it began. What is older than the oldest announced writer is complete. Advisory locks are seen by
every role (pg_stat_activity hides the others' transactions), stay with a prepared transaction, and
end with any other however that ends, after its rows have become visible.
"""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from django.db import connection
from django.utils import timezone

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

EVERYBODY = 0x0C0E
"""Stands in a key for the organizations of a transaction that may write everybody's rows."""

TICKS = 10_000
"""Parts of a second in a key, whose lower 48 bits are when the transaction began."""

ANNOUNCING = (
    "set_config('facilities.announced', 'yes', true),"
    " pg_advisory_xact_lock_shared("
    f"(%s::bigint << 48) | floor(extract(epoch FROM now()) * {TICKS})::bigint)"
)
"""What a SELECT announces a transaction with; its parameter is `whose()`. Once more is nothing."""

NEXT = """
INSERT INTO organizations_clock (id, microseconds) VALUES (1, %s)
ON CONFLICT (id) DO UPDATE SET microseconds = max(microseconds + 1, excluded.microseconds)
RETURNING microseconds
"""

OLDEST = f"""
SELECT statement_timestamp(), 'epoch'::timestamptz + min(ticks) * (interval '1 second' / {TICKS})
FROM (
    SELECT classid::bigint >> 16 AS whose, (classid::bigint & 65535) << 32 | objid::bigint AS ticks
    FROM pg_locks
    WHERE locktype = 'advisory' AND objsubid = 1 AND granted
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND pid IS DISTINCT FROM pg_backend_pid()
) AS writers
WHERE whose IN (%s, {EVERYBODY}) AND ticks > {TICKS}::bigint * 1000000000
"""
"""When this statement began, and the oldest writer; keys that count from 1970 on are others'."""


def whose(organization_id: UUID | None) -> int:
    """An organization in the key of a writer, or everybody; that two share one only makes the
    copies of the one wait for the writers of the other."""
    return EVERYBODY if organization_id is None else int.from_bytes(organization_id.bytes[-2:])


def announced_moment(organization_id: UUID | None) -> datetime:
    """Now, for a change of an organization's rows (None: of everybody's) in this transaction."""
    assert connection.in_atomic_block, "a change and its stamp are one transaction"
    if connection.vendor != "postgresql":
        return _next()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {ANNOUNCING}, clock_timestamp()", [whose(organization_id)])
        return cursor.fetchone()[-1]


def moment() -> datetime:
    """Now, for a change in a transaction that has announced itself, as `pass_gate` does."""
    assert connection.in_atomic_block, "a change and its stamp are one transaction"
    if connection.vendor != "postgresql":
        return _next()
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('facilities.announced', true), clock_timestamp()")
        announced, now = cursor.fetchone()
    if announced != "yes":
        raise RuntimeError("Pass the gate before you change what is stamped: copies wait for that.")
    return now


def _next() -> datetime:
    """SQLite: the machine's time, but later than any before; its writers are serial."""
    now = (timezone.now() - EPOCH) // MICROSECOND
    with connection.cursor() as cursor:
        cursor.execute(NEXT, [now])
        [microseconds] = cursor.fetchone()
    return EPOCH + microseconds * MICROSECOND


def horizon(organization_id: UUID) -> datetime | None:
    """The moment before which nothing of an organization changes any more; None where all that can
    be read is complete.

    To be asked before the snapshot that is read: a writer that has ended by then is in it, one that
    has not yet announced itself will stamp later than this was asked, and this transaction's own
    rows can be read.
    """
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute(OLDEST, [whose(organization_id)])
        asked, oldest = cursor.fetchone()
    return asked if oldest is None else min(asked, oldest)
