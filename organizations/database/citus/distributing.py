"""Turns the tables of one PostgreSQL into those of a Citus cluster, in one transaction.

Citus takes a table apart only while no foreign key refers across what is not yet distributed, and
wants the organization in every key. So: foreign keys away, primary keys with the organization,
policies without sub-selects, the tables themselves, and the foreign keys back, but for those that
do not name the organization: each has one beside it that does (`same_organization`).
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.db import connection, transaction

from organizations.database.citus.tables import Table, tables
from organizations.database.guards import PENDING_FIRST, guarding, lifting
from organizations.database.wall import VISIBLE_TO_SHARDS, policy

EXTENSION = "SELECT extversion FROM pg_extension WHERE extname = 'citus'"

PLACED = """
SELECT logicalrelid::regclass::text, partmethod = 'n',
    (SELECT attname FROM pg_attribute WHERE attrelid = logicalrelid AND partmethod = 'h'
     AND attnum = (substring(partkey FROM ':varattno ([0-9]+)'))::int)::text,
    colocationid
FROM pg_dist_partition
"""

REFERENCES = """
SELECT conname::text, conrelid::regclass::text, confrelid::regclass::text,
    pg_get_constraintdef(oid),
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
FROM pg_constraint WHERE contype = 'f' AND conparentid = 0
AND connamespace = current_schema()::regnamespace
ORDER BY conname
"""

PRIMARY_KEYS = """
SELECT conrelid::regclass::text, conname::text,
    ARRAY(SELECT attname::text FROM pg_attribute WHERE attrelid = conrelid AND attnum = ANY (conkey))
FROM pg_constraint WHERE contype = 'p' AND connamespace = current_schema()::regnamespace
"""

UNTOLD = ("emissions_emission", "emission_told_of")
"""The trigger by which subtotals know of lines that somebody else has written. It would have to
write to a table of all nodes from inside one shard, which Citus refuses."""

SETTINGS = {"citus.propagate_set_commands": "local"}
"""With SET LOCAL the coordinator tells the workers whose rows a transaction sees."""


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


def rows(sql: str, params: list[Any] | None = None) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)
        return cursor.fetchall()


def has_citus() -> bool:
    return connection.vendor == "postgresql" and bool(rows(EXTENSION))


def placed() -> dict[str, Placed]:
    """The tables that Citus knows."""
    return {name: Placed(*where) for name, *where in rows(PLACED)}


def references() -> list[Reference]:
    return [Reference(*one) for one in rows(REFERENCES)]


def primary_keys() -> dict[str, tuple[str, list[str]]]:
    return {table: (name, columns) for table, name, columns in rows(PRIMARY_KEYS)}


@transaction.atomic
def distribute(say: Callable[[str], None]) -> int:
    """Places every table that is not where it should be; how many that were."""
    here = placed()
    missing = [one for one in tables() if one.name not in here]
    if not missing:
        return 0
    wanted = {one.name: one for one in tables()}
    for name, value in SETTINGS.items():
        run(f"SET LOCAL {name} = '{value}'")
    run("SET LOCAL citus.multi_shard_modify_mode = 'sequential'")
    run("SET LOCAL citus.enable_unsafe_triggers = on")
    run(PENDING_FIRST)
    taken = [one for one in references() if {one.table, one.target} & wanted.keys()]
    for one in taken:
        run(f'ALTER TABLE "{one.table}" DROP CONSTRAINT "{one.name}"')
    run(f'DROP TRIGGER IF EXISTS "{UNTOLD[1]}" ON "{UNTOLD[0]}"')
    keys = primary_keys()
    first = next((one.name for one in tables() if not one.on_every_node and one.name in here), "")
    for one in missing:
        say(one.name)
        place(one, keys[one.name], first)
        first = first or ("" if one.on_every_node else one.name)
    for one in taken:
        if keeps(one, wanted):
            run(f'ALTER TABLE "{one.table}" ADD CONSTRAINT "{one.name}" {one.definition}')
    for name, value in SETTINGS.items():
        run(f"ALTER DATABASE {connection.ops.quote_name(database())} SET {name} = '{value}'")
    return len(missing)


def place(table: Table, key: tuple[str, list[str]], beside: str) -> None:
    """Places one table; `beside` is a distributed table whose shards lie where its own will."""
    quoted = f'"{table.name}"'
    if table.guarded:  # what is distributed is taken away here
        for sql in lifting(connection, table.name):
            run(sql)
    if table.owner:
        for sql in policy(
            table.name, table.owner, shared=table.shared, visible=VISIBLE_TO_SHARDS
        ):
            run(sql)
    if table.on_every_node:
        run("SELECT create_reference_table(%s)", [table.name])
    else:
        name, columns = key
        if table.owner not in columns:
            run(f'ALTER TABLE {quoted} DROP CONSTRAINT "{name}"')
            run(f'ALTER TABLE {quoted} ALTER COLUMN "{table.owner}" SET NOT NULL')
            run(
                f'ALTER TABLE {quoted} ADD CONSTRAINT "{name}"'
                f' PRIMARY KEY ("{table.owner}", "{table.key}")'
            )
        run(
            "SELECT create_distributed_table(%s, %s, colocate_with => %s)",
            [table.name, table.owner, beside or "none"],
        )
    run("SELECT truncate_local_data_after_distributing_table(%s)", [table.name])
    if table.guarded:
        for sql in guarding(connection, table.name, table.closed_by):
            run(sql)


def keeps(one: Reference, wanted: dict[str, Table]) -> bool:
    """Whether a foreign key is one that Citus takes: between rows of one organization it names
    the organization."""
    mine, theirs = wanted.get(one.table), wanted.get(one.target)
    if mine is None or theirs is None or mine.on_every_node or theirs.on_every_node:
        return True
    return mine.owner in one.columns


def run(sql: str, params: list[Any] | None = None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, params)


def database() -> str:
    return str(connection.settings_dict["NAME"])
