"""Queries that the ORM writes once and the database prepares: the same SQL for other values.

Writing a query anew costs the ORM more than running it costs the database. What every request asks
is therefore compiled once, with a marker for each value that changes, and run with the values.
"""

import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID, uuid4

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.backends.utils import CursorWrapper
from django.db.models import QuerySet
from psycopg import Cursor

from organizations.database.replicas import reader
from organizations.database.tenant import about

MARKERS: dict[type, Callable[[], Any]] = {
    UUID: uuid4,
    str: lambda: uuid4().hex,
    datetime: lambda: datetime(1, 1, 1, tzinfo=UTC) + timedelta(seconds=secrets.randbits(32)),
    date: lambda: date(1, 1, 1) + timedelta(days=secrets.randbits(20)),
}


class Compiled(NamedTuple):
    """SQL with its parameters, and what turns the database's values into Python's."""

    sql: str
    params: Sequence[Any]
    convert: Callable[[Sequence[tuple]], Sequence[Sequence[Any]]] = lambda rows: rows


def compiled(queryset: QuerySet) -> Compiled:
    """What a `values_list()` of named columns and expressions asks the database."""
    compiler = queryset.query.get_compiler(DEFAULT_DB_ALIAS)
    sql, params = compiler.as_sql()
    converters = compiler.get_converters([expression for expression, *_ in compiler.select])
    return Compiled(sql, params, lambda rows: list(compiler.apply_converters(rows, converters)))


class Statement:
    """A query of values that are given by name, each of its type, when it is run.

    It is compiled when it is run first, or by `compile`, which needs what builds it no longer.
    """

    def __init__(self, build: Callable[..., Compiled], **types: type) -> None:
        self.build = build
        self.types = types
        self.compiled: Compiled | None = None

    def rows(self, **values: Any) -> Sequence[Sequence[Any]]:
        """Runs it; `values` are those that `build` was given markers for."""
        filled = self.filled(**values)
        with prepared_cursor() as cursor:
            cursor.execute(filled.sql, filled.params)
            return filled.convert(cursor.fetchall())

    def filled(self, **values: Any) -> Compiled:
        """Its SQL with the values in their places."""
        sql, params, convert = self.compiled or self.compile()
        given = {name: stored(value) for name, value in values.items()}
        filled = [given[one.name] if isinstance(one, Slot) else one for one in params]
        return Compiled(sql, filled, convert)

    def compile(self) -> Compiled:
        markers = {name: MARKERS[kind]() for name, kind in self.types.items()}
        slots = {stored(marker): Slot(name) for name, marker in markers.items()}
        with about(markers.get("organization_id")):
            sql, params, convert = self.build(**markers)
        params = [slots.get(one, one) for one in params]
        missing = set(slots.values()).difference(params)
        if missing:
            raise ValueError(f"{', '.join(slot.name for slot in missing)}: not asked for in {sql}")
        self.compiled = Compiled(sql, params, convert)
        return self.compiled


class Slot(NamedTuple):
    """Where a value goes."""

    name: str


def stored(value: Any) -> Any:
    """A value as the ORM gives it to the database."""
    if isinstance(value, str):
        return value
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, date):
        return connection.ops.adapt_datefield_value(value)
    if isinstance(value, UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value


def prepared_cursor() -> CursorWrapper:
    """A cursor whose statements PostgreSQL plans once a connection; on SQLite the usual one.

    It is for `with`, which closes it. Django's own cursor writes the values into the SQL, so that
    no two statements are the same; but what is logged (DEBUG) is shown with its values by that one
    alone.
    """
    connection = reader()
    if connection.vendor != "postgresql" or connection.queries_logged:
        return connection.cursor()
    connection.ensure_connection()
    usual = connection.connection.cursor_factory
    connection.connection.cursor_factory = Cursor
    try:
        return connection.cursor()
    finally:
        connection.connection.cursor_factory = usual
