"""Reads that may be a second old go to a replica (DATABASE_REPLICA_URLS), others to the primary.

A replica is asked only when it says itself, on the connection that is then read from, that it still
is one, that it has replayed the caller's last write, and that it is not behind more than it may be.
Positions in the log only go on within a session of the server, so what is read afterwards has that
write in it. Nothing is remembered of a replica: one that is away, hangs, is behind or has been
promoted is not used, and is used again as soon as it says that it can be.
"""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, connections

from organizations.database import wall
from organizations.database.postgresql.connections import limited
from organizations.database.unavailable import unavailable

PATIENCE = 1
"""Seconds that a replica has to say how far it is."""

READ_FROM: ContextVar[str] = ContextVar("READ_FROM", default=DEFAULT_DB_ALIAS)
"""Where this request reads, outside the primary's transactions."""

MAY_BE_READ = f"""
SELECT set_config('{wall.SETTING}', %s, %s), pg_is_in_recovery()
AND timeline_id = %s
AND replayed >= %s AND (replayed >= %s OR pg_last_xact_replay_timestamp() >= %s)
FROM pg_control_checkpoint(), (SELECT pg_last_wal_replay_lsn() - '0/0') AS replica(replayed)
"""
"""The first says whose rows are seen, as every connection from the pool must be told; behind a
pooler that gives the session away for this statement alone. The timeline is the last checkpoint's:
after a failover a replica is used again from its next one on."""


class Position(NamedTuple):
    """What a replica must have replayed, as the primary said when the caller was authenticated;
    bytes of its log, from its beginning."""

    own: int
    """Where the caller's last write had been stored; 0 where it has written nothing."""

    timeline: int | None
    """The primary's, which begins with its promotion: of a replica that follows another server no
    position says anything. None: it is no primary itself."""

    newest: int | None
    """Where the primary was."""

    at: datetime
    """The primary's clock."""


class Router:
    """Django's: models are read where the request reads, and written on the primary alone."""

    def db_for_read(self, model: Any, **hints: Any) -> str:
        return reading_from()

    def db_for_write(self, model: Any, **hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **hints: Any) -> bool:
        return True  # they are the same rows everywhere

    def allow_migrate(self, db: str, app_label: str, **hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


def reading_from() -> str:
    """The database that is read from here. A transaction of the primary stays there."""
    alias = READ_FROM.get()
    if alias == DEFAULT_DB_ALIAS or connections[DEFAULT_DB_ALIAS].in_atomic_block:
        return DEFAULT_DB_ALIAS
    return alias


def reader() -> Any:
    """The connection that is read from here."""
    return connections[reading_from()]


@contextmanager
def reading(alias: str) -> Iterator[None]:
    """Everything that is read inside comes from one database."""
    token = READ_FROM.set(alias)
    try:
        yield
    finally:
        READ_FROM.reset(token)


def chosen(position: Position | None) -> str | None:
    """A replica that may be read from now; None where the primary has to answer."""
    if position is None:
        return None
    replicas = random.sample(settings.REPLICAS, len(settings.REPLICAS))
    return next((alias for alias in replicas if may_be_read(alias, position)), None)


def may_be_read(alias: str, position: Position) -> bool:
    """Whether a replica is there, has the caller's last write, and is not too far behind.

    It is behind by no more than DATABASE_REPLICA_LAG where it has all that the primary had, or
    something that was committed since then; by the primary's clock alone.
    """
    connection: Any = connections[alias]
    if connection.pool.outage.looking:
        return False
    since = position.at - timedelta(seconds=settings.DATABASE_REPLICA_LAG)
    asked = (position.timeline, position.own, position.newest, since)
    scope, for_itself = wall.rows_of(), not connection.keeps_its_session
    try:
        with limited(PATIENCE), wall.seeing(wall.UNASKED), connection.cursor() as cursor:
            cursor.execute(MAY_BE_READ, [scope, for_itself, *asked])
            [(_, it_may)] = cursor.fetchall()
    except (DatabaseError, InterfaceError) as error:
        if not unavailable(error):
            raise
        let_go(alias)
        return False
    connection.told = None if for_itself else scope
    return bool(it_may)


def let_go(alias: str) -> None:
    """A replica has failed: this request reads on elsewhere, and others do not ask it before it is
    known that it answers."""
    connection: Any = connections[alias]
    connection.pool.outage.suspect()
    connection.close()
