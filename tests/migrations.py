"""`make lint`: what new migrations would do to a PostgreSQL that is in use.

While an upgrade runs, the version before it still serves (docs/operations.md, Upgrading). So a new
migration may neither take away what that version reads and writes, nor hold a table for long. Each
is run on a database of its own, and squawk judges the SQL that was sent.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import django
from django.apps import apps
from django.conf import settings
from django.db import connection as of_django
from django.db.migrations.executor import MigrationExecutor
from django.db.migrations.loader import MigrationLoader

from organizations.database.wall import process_sees_everybody

connection: Any = of_django  # the stubs know little of what each vendor's has

RELEASED = {
    "organizations": "0017_second_factor",
    "facilities": "0012_changes_of_all",
    "emissions": "0023_changes_of_all",
}
"""The last migration of each app that was there before this linter. They and what is before them
are known: some lock tables, and every installation has run them or begins with empty tables."""

ACCEPTED: dict[str, str] = {}
"""`app.migration rule` → why it may do that all the same."""

NOT_ASKED = {
    "prefer-text-field": "Django's CharField is a varchar, and the models know its length",
    "prefer-bigint-over-int": "counts of an import's rows and the like stay small",
    "prefer-bigint-over-smallint": "the same",
    "prefer-identity": "Django chooses how ids are made",
    "prefer-robust-stmts": "a migration that fails is rolled back as a whole",
    "require-lock-timeout": "whoever migrates sets it, once for all of them (docs/operations.md)",
    "require-statement-timeout": "the same",
}
"""Rules of squawk that are about neither locks nor the version before."""

IN_DJANGO = {
    "ban-drop-default": "Django writes the default into the old rows and forgets it: the version "
    "before cannot insert any more. Give the field db_default.",
    "adding-required-field": "Give the field db_default, or null=True.",
    "ban-drop-column": "Take the field out of the model and keep the column (state_operations); "
    "the release after may drop it.",
    "renaming-column": "Keep the column's name with db_column.",
    "renaming-table": "Keep the table's name with db_table.",
    "require-concurrent-index-creation": "RunPostgresSQL with CREATE INDEX CONCURRENTLY, and "
    "atomic = False.",
    "constraint-missing-not-valid": "RunPostgresSQL with NOT VALID, and VALIDATE CONSTRAINT in a "
    "migration after it.",
}
"""What to do, in words of Django, where squawk's own are about SQL."""

OLDEST = "15"
"""The PostgreSQL that we support."""

Statements = dict[tuple[str, str], list[str]]


def new_migrations(loader: MigrationLoader) -> list[tuple[str, str]]:
    """App and name of each of our migrations that is newer than RELEASED, in order."""
    graph = loader.graph
    every_app = apps.get_app_configs()
    ours = {one.label for one in every_app if Path(one.path).parent == settings.BASE_DIR}
    known = {node for released in RELEASED.items() for node in graph.forwards_plan(released)}
    every = graph._generate_plan(graph.leaf_nodes(), at_end=True)
    return [node for node in every if node[0] in ours and node not in known]


@contextmanager
def empty_database() -> Iterator[None]:
    """Connected to a new database of the same server."""
    connection.settings_dict["TEST"]["NAME"] = f"facilities_migrations_{os.getpid()}"
    before = connection.settings_dict["NAME"]
    name = connection.creation._create_test_db(verbosity=0, autoclobber=True)
    connection.close()
    connection.settings_dict["NAME"] = name
    try:
        yield
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


def statements_of_all() -> Statements:
    """Migrates an empty database; the statements without parameters, such as DDL, that each
    migration sent."""
    sent: Statements = {}
    current: list[str] = []

    def begin(*event: Any) -> None:
        nonlocal current
        if event[0] == "apply_start":
            migration = event[1]
            current = sent[migration.app_label, migration.name] = []

    def keep(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        if params is None:
            current.append(str(sql).strip().rstrip(";"))
        return execute(sql, params, many, context)

    executor = MigrationExecutor(connection, progress_callback=begin)
    with connection.execute_wrapper(keep):
        executor.migrate(executor.loader.graph.leaf_nodes())
    return sent


def judged(name: str, statements: list[str], atomic: bool) -> list[str]:
    """What a migration must not do, each with what to do instead."""
    text = "".join(f"{one};\n" for one in statements)
    with tempfile.NamedTemporaryFile("w", suffix=".sql", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        done = subprocess.run(
            [
                Path(sys.executable).with_name("squawk"),
                "--reporter=json",
                f"--pg-version={OLDEST}",
                f"--exclude={','.join(NOT_ASKED)}",
                *(["--assume-in-transaction"] if atomic else []),
                file.name,
            ],
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode in (0, 1), done.stderr
    lines = text.splitlines()
    return [
        f"{name}: {lines[one['line']].strip()}\n  {one['rule_name']}: {one['message']} "
        f"{IN_DJANGO.get(one['rule_name'], one['help'] or '')}"
        for one in json.loads(done.stdout)
        if f"{name} {one['rule_name']}" not in ACCEPTED
    ]


def main() -> int:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    loader = MigrationLoader(None)
    new = new_migrations(loader)
    if not new:
        print("No migration is newer than the last release.")
        return 0
    if connection.vendor != "postgresql":
        again = ["-m", "tests.postgresql", sys.executable, "-m", "tests.migrations"]
        return subprocess.run([sys.executable, *again], check=False).returncode
    process_sees_everybody()
    with empty_database():
        sent = statements_of_all()
    faults = [
        fault
        for app, name in new
        for fault in judged(f"{app}.{name}", sent[app, name], loader.graph.nodes[app, name].atomic)
    ]
    for fault in faults:
        print(fault, file=sys.stderr)
    if faults:
        print(
            "Above is what would stop the version before, or whoever waits for a table. Where it "
            "is harmless, say why in ACCEPTED in tests/migrations.py.",
            file=sys.stderr,
        )
        return 1
    print(f"Of {len(new)} new migrations none locks a table for long or stops the version before.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
