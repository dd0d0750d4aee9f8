"""What a Citus cluster says of itself."""

from typing import Any, NamedTuple

from django.db import connection

EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"

WORKERS = """
SELECT count(*) FILTER (WHERE groupid <> 0 AND shouldhaveshards),
    count(*) FILTER (WHERE groupid = 0)
FROM pg_dist_node WHERE isactive
"""

PLACED = """
SELECT logicalrelid::regclass::text, partmethod = 'n',
    CASE WHEN partmethod = 'h' THEN column_to_column_name(logicalrelid, partkey) END, colocationid
FROM pg_dist_partition WHERE partmethod = 'h' OR (partmethod = 'n' AND repmodel = 't')
"""
"""Tables of the coordinator that Citus knows, because they refer to one of every node, are none."""

COLUMNS = """
ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
"""

REFERENCES = f"""
SELECT conname::text, conrelid::regclass::text, confrelid::regclass::text,
    pg_get_constraintdef(oid), {COLUMNS}
FROM pg_constraint WHERE contype = 'f' AND connamespace = current_schema()::regnamespace
ORDER BY conname
"""

PRIMARY_KEYS = f"""
SELECT conrelid::regclass::text, conname::text, {COLUMNS}
FROM pg_constraint WHERE contype = 'p' AND connamespace = current_schema()::regnamespace
"""

WITH_QUERIES = """
SELECT polrelid::regclass::text FROM pg_policy
WHERE pg_get_expr(polqual, polrelid) LIKE '%%SELECT%%'
"""


class Placed(NamedTuple):
    """Where Citus has a table."""

    on_every_node: bool
    by: str | None
    together: int


class Reference(NamedTuple):
    """A foreign key."""

    name: str
    table: str
    target: str
    definition: str
    columns: list[str]


def run(sql: str, params: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def rows(sql: str, params: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def has_citus() -> bool:
    return connection.vendor == "postgresql" and bool(rows(EXTENSION))


def nodes() -> tuple[int, int]:
    """How many workers there are, and how many coordinators that know themselves."""
    [(workers, coordinators)] = rows(WORKERS)
    return workers, coordinators


def placed() -> dict[str, Placed]:
    """The tables that are on more than the coordinator."""
    return {name: Placed(*where) for name, *where in rows(PLACED)}


def references() -> list[Reference]:
    return [Reference(*one) for one in rows(REFERENCES)]


def primary_keys() -> dict[str, tuple[str, list[str]]]:
    return {table: (name, columns) for table, name, columns in rows(PRIMARY_KEYS)}


def with_queries() -> set[str]:
    """The tables whose policies have a query inside."""
    return {table for (table,) in rows(WITH_QUERIES)}


def setting(name: str) -> str:
    [(value,)] = rows("SELECT current_setting(%s)", [name])
    return str(value)
