"""Turns the tables of one PostgreSQL into those of a Citus cluster, in one transaction.

Citus takes a table apart only while no foreign key refers across what is not yet distributed, and
wants the organization in every key. So: foreign keys away, primary keys with the organization,
policies without sub-selects, the tables themselves, and the foreign keys back, but for those that
do not name the organization: each has one beside it that does (`same_organization`).
"""

from collections.abc import Callable, Iterator

from django.db import connection, transaction

from organizations.database.citus.cluster import (
    Reference,
    nodes,
    placed,
    primary_keys,
    references,
    run,
    setting,
    with_queries,
)
from organizations.database.citus.tables import Table, tables
from organizations.database.guards import PENDING_FIRST, guarding, lifting
from organizations.database.wall import VISIBLE_TO_SHARDS, policy

UNTOLD = 'DROP TRIGGER IF EXISTS "emission_told_of" ON "emissions_emission"'
"""The trigger by which subtotals know of lines that somebody else has written. It would have to
write to a table of all nodes from inside one shard, which Citus refuses."""

SETTINGS = {
    # With SET LOCAL the coordinator tells the workers whose rows a transaction sees.
    "citus.propagate_set_commands": "local",
    # Those that refuse to change what is written once look at nothing beyond their own shard.
    "citus.enable_unsafe_triggers": "on",
    # What a transaction has sent to several shards at once, it could not send to all nodes after.
    "citus.multi_shard_modify_mode": "sequential",
}


@transaction.atomic
def distribute(say: Callable[[str], None]) -> int:
    """Places every table that is nowhere but on the coordinator; how many that were."""
    here, wanted = placed(), {one.name: one for one in tables()}
    missing = [table for name, table in wanted.items() if name not in here]
    if not missing:
        return 0
    for name, value in SETTINGS.items():
        run(f"SET LOCAL {name} = '{value}'")
    run(PENDING_FIRST)
    names = {table.name for table in missing}
    taken = [one for one in references() if names.intersection((one.table, one.target))]
    for one in taken:
        run(f'ALTER TABLE "{one.table}" DROP CONSTRAINT "{one.name}"')
    run(UNTOLD)
    keys = primary_keys()
    beside = next((name for name, table in wanted.items() if apart(table) and name in here), "none")
    for table in missing:
        say(table.name)
        place(table, keys[table.name], beside)
        beside = table.name if apart(table) else beside
    for one in taken:
        if takes(one, wanted):
            run(f'ALTER TABLE "{one.table}" ADD CONSTRAINT "{one.name}" {one.definition}')
    database = connection.ops.quote_name(str(connection.settings_dict["NAME"]))
    for name, value in SETTINGS.items():
        run(f"ALTER DATABASE {database} SET {name} = '{value}'")
    return len(missing)


def apart(table: Table) -> bool:
    """Whether each organization's rows are on one server."""
    return not table.on_every_node


def place(table: Table, key: tuple[str, list[str]], beside: str) -> None:
    """Places one table; `beside` is a distributed table whose shards lie where its own will."""
    if table.guarded:  # what is distributed is taken away here
        for sql in lifting(connection, table.name):
            run(sql)
    if table.owner:  # Citus copies the rows, which the wall does not let through
        run(f'DROP POLICY IF EXISTS wall ON "{table.name}"')
        run(f'ALTER TABLE "{table.name}" NO FORCE ROW LEVEL SECURITY')
        run(f'ALTER TABLE "{table.name}" DISABLE ROW LEVEL SECURITY')
    if table.on_every_node:
        run("SELECT create_reference_table(%s)", [table.name])
    else:
        with_owner(table, *key)
        how = "SELECT create_distributed_table(%s, %s, colocate_with => %s)"
        run(how, [table.name, table.owner, beside])
    run("SELECT truncate_local_data_after_distributing_table(%s)", [table.name])
    if table.owner:
        shared = table.shared
        for sql in policy(table.name, table.owner, shared=shared, visible=VISIBLE_TO_SHARDS):
            run(sql)
        run(f'ALTER TABLE "{table.name}" ENABLE ROW LEVEL SECURITY')
        run(f'ALTER TABLE "{table.name}" FORCE ROW LEVEL SECURITY')
    if table.guarded:
        for sql in guarding(connection, table.name, table.closed_by):
            run(sql)


def with_owner(table: Table, name: str, columns: list[str]) -> None:
    """Puts the organization into a primary key."""
    if table.owner in columns:
        return
    altered = f'ALTER TABLE "{table.name}"'
    run(f'{altered} DROP CONSTRAINT "{name}"')
    run(f'{altered} ALTER COLUMN "{table.owner}" SET NOT NULL')
    run(f'{altered} ADD CONSTRAINT "{name}" PRIMARY KEY ("{table.owner}", "{table.key}")')


def takes(one: Reference, wanted: dict[str, Table]) -> bool:
    """Whether a foreign key is one that Citus takes: between rows of one organization it names
    the organization."""
    mine, theirs = wanted.get(one.table), wanted.get(one.target)
    if mine is None or theirs is None or mine.on_every_node or theirs.on_every_node:
        return True
    return mine.owner in one.columns


def faults() -> Iterator[str]:
    """What is not as it should be, in sentences."""
    workers, coordinators = nodes()
    if not workers:
        yield "There are no workers: SELECT citus_add_node(host, port) on the coordinator."
    if not coordinators:
        yield "The coordinator is no node: SELECT citus_set_coordinator_host(host, port)."
    for name, value in SETTINGS.items():
        if setting(name) != value:
            yield f"{name} is {setting(name)} and should be {value} for this database."
    if getattr(connection, "keeps_its_session", False):
        yield "DB_PREPARE is not 0: workers are not told whose rows a statement may see."
    here, keys, queries = placed(), primary_keys(), with_queries()
    together = {here[one.name].together for one in tables() if apart(one) and one.name in here}
    if len(together) > 1:
        yield "The tables of organizations do not lie together."
    for table in tables():
        where = here.get(table.name)
        if where is None:
            yield f"{table.name} is on the coordinator alone: manage.py distribute."
        elif where.on_every_node != table.on_every_node:
            wanted = "on every node" if table.on_every_node else f"distributed by {table.owner}"
            yield f"{table.name} should be {wanted}."
        elif apart(table) and where.by != table.owner:
            yield f"{table.name} is distributed by {where.by}, not by {table.owner}."
        elif apart(table) and table.owner not in keys[table.name][1]:
            yield f"{table.name}: its primary key does not have {table.owner}."
        if where is not None and table.name in queries:
            yield f"{table.name}: its policy has a sub-select, which Citus does not take."
