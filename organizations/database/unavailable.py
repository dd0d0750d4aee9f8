"""Whether an error means that the database cannot be used now, and what is known of the write.

It is away, restarting, hanging, full, read-only, out of connections, or was too slow.
"""

import sqlite3
from collections.abc import Iterator

import psycopg
from django.db import DatabaseError, InterfaceError, connection

from organizations.database.postgresql.connections import COMMITS, OutcomeUnknown

AWAY_CLASSES = ("08", "53", "57P", "58")
"""SQLSTATEs of a lost connection, of no resources, of an operator's doing, of a broken disk."""

AWAY_STATES = {
    "57014",  # query_canceled: it took longer than it may
    "25006",  # read_only_sql_transaction
    "25P03",  # idle_in_transaction_session_timeout
    "25P04",  # transaction_timeout
    "40001",  # serialization_failure, which has been tried again already
    "40P01",  # deadlock_detected, likewise
    "55P03",  # lock_not_available
}
TOO_SLOW = "57014"
OTHER_VERSION = {"42P01", "42703"}  # undefined_table, undefined_column
SQLITE_OTHER_VERSION = ("no such table", "no such column")
MAY_NOT = "42501"  # insufficient_privilege
SQLITE_AWAY = (
    "SQLITE_BUSY",
    "SQLITE_CANTOPEN",
    "SQLITE_FULL",
    "SQLITE_IOERR",
    "SQLITE_LOCKED",
    "SQLITE_NOMEM",
    "SQLITE_READONLY",
)
CLOSED = ("Cannot open a new connection in an atomic block.", "connection already closed")
"""What Django says of a connection that was lost before, inside a transaction."""


def unavailable(error: BaseException) -> bool:
    """Whether sending the same later may well work, and nothing is wrong with what was sent."""
    if not isinstance(error, DatabaseError | InterfaceError | psycopg.Error):
        return False
    return any(map(is_away, causes(error)))


def is_away(error: BaseException) -> bool:
    if isinstance(error, psycopg.Error):
        if state := error.sqlstate:
            return state.startswith(AWAY_CLASSES) or state in AWAY_STATES
        return isinstance(error, psycopg.OperationalError)
    if isinstance(error, sqlite3.Error):
        return str(getattr(error, "sqlite_errorname", "")).startswith(SQLITE_AWAY)
    return str(error) in CLOSED


def was_too_slow(error: BaseException) -> bool:
    """Whether a statement took longer than it may."""
    return any(getattr(one, "sqlstate", None) == TOO_SLOW for one in causes(error))


def refused(error: BaseException) -> str | None:
    """What an operator is told whose command the database cannot serve as it is, and what helps;
    None where something else is wrong."""
    for one in causes(error):
        said = " ".join(str(one).split("\n")[0].split())
        state = getattr(one, "sqlstate", None)
        if state in OTHER_VERSION or (
            isinstance(one, sqlite3.Error) and said.startswith(SQLITE_OTHER_VERSION)
        ):
            return f"The database is not at this version ({said}): run manage.py migrate first."
        if state == MAY_NOT and said.startswith("permission denied"):  # not by the wall
            return f"The role in DATABASE_URL may not do that ({said}): grant it, or use another."
    return None


def nothing_stored(error: BaseException) -> bool:
    """Whether it is known that the request which ended with an error has stored nothing.

    It is known on PostgreSQL, where no COMMIT went before and none was under way.
    """
    if connection.vendor != "postgresql" or COMMITS.get() != []:
        return False
    return not any(isinstance(one, OutcomeUnknown) for one in causes(error))


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and what led to it."""
    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        one = waiting.pop()
        if one is not None and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__]
