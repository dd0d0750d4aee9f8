"""Tables whose rows are written once: triggers refuse to change or to delete them.

They hold for everybody who may write, by whatever way: the ORM, the admin, SQL. A table may name a
column that closes a row, such as `superseded_at`: it is set once, from null, together with others
that begin the same (`superseded_by`). The triggers name the columns that the table has when they
are made, so a migration that adds a column makes them anew, and so does one that SQLite carries out
by copying the table; a test tells when that was forgotten.

A migration that must write over stored rows says so, and nobody but the owner of the tables may:

    operations = [
        Rewritable("emissions_emission"),
        RunPython(...),
        WrittenOnce("emissions_emission", closed_by="superseded_at"),
    ]
"""

from typing import Any

from django.db import models
from django.db.migrations.operations.base import Operation

PENDING_FIRST = "SET CONSTRAINTS ALL IMMEDIATE"
"""PostgreSQL makes no trigger while rows that were written wait to be checked at commit."""

FUNCTION = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_TABLE_NAME || ' is written once: rows are not changed or deleted'
    USING ERRCODE = 'restrict_violation';
END $$
"""


class WrittenOnce(Operation):
    """Guards a table from here on; a table that is guarded is guarded anew."""

    reversible = True

    def __init__(self, table: str, closed_by: str = "") -> None:
        self.table, self.closed_by = table, closed_by

    def state_forwards(self, app_label: str, state: Any) -> None:
        """No model differs."""

    def database_forwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        for sql in guarding(schema_editor.connection, self.table, self.closed_by):
            schema_editor.execute(sql, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        for sql in lifting(schema_editor.connection, self.table):
            schema_editor.execute(sql, params=None)

    def describe(self) -> str:
        return f"Refuse changes of rows of {self.table}"


class Rewritable(WrittenOnce):
    """The opposite: what follows may change rows, until a `WrittenOnce`."""

    def database_forwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        WrittenOnce.database_backwards(self, app_label, schema_editor, *args)

    def database_backwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        WrittenOnce.database_forwards(self, app_label, schema_editor, *args)

    def describe(self) -> str:
        return f"Allow changes of rows of {self.table}"


def guarding(connection: Any, table: str, closed_by: str = "") -> list[str]:
    """The statements that guard a table."""
    make = [FUNCTION] if connection.vendor == "postgresql" else []
    triggers = expected(connection, table, closed_by)
    return [*lifting(connection, table), *make, *(sql for sql, _ in triggers.values())]


def lifting(connection: Any, table: str) -> list[str]:
    """The statements that take the guard of a table away."""
    if connection.vendor == "postgresql":
        drop = (f'DROP TRIGGER IF EXISTS "{name}" ON "{table}"' for name in names(table))
        return [PENDING_FIRST, *drop, "SET CONSTRAINTS ALL DEFERRED"]
    return [f'DROP TRIGGER IF EXISTS "{name}"' for name in names(table)]


def names(table: str) -> list[str]:
    return [f"{table}_{what}" for what in ("changed", "closed", "deleted", "emptied")]


def expected(connection: Any, table: str, closed_by: str) -> dict[str, tuple[str, set[str]]]:
    """The triggers that guard a table: name → how it is made, and the columns that it names."""
    closing = closed_by.removesuffix("at")
    columns = {
        one for one in columns_of(connection, table) if not closing or not one.startswith(closing)
    }
    changed, closed, deleted, emptied = names(table)
    every = ", ".join(f'"{one}"' for one in sorted(columns))
    when = f'OLD."{closed_by}" IS NOT NULL OR NEW."{closed_by}" IS NULL'
    if connection.vendor == "postgresql":
        by_statement, by_row = (
            f"FOR EACH {one} EXECUTE FUNCTION refuse_change()"
            for one in ("STATEMENT", f"ROW WHEN ({when})")
        )
    else:
        sentence = f"{table} is written once: rows are not changed or deleted"
        refusal = f"BEGIN SELECT RAISE(ABORT, '{sentence}'); END"
        by_statement, by_row = refusal, f"WHEN {when} {refusal}"
    triggers = {
        changed: (f'BEFORE UPDATE OF {every} ON "{table}" {by_statement}', columns),
        closed: (f'BEFORE UPDATE ON "{table}" {by_row}', set()),
        deleted: (f'BEFORE DELETE ON "{table}" {by_statement}', set()),
        emptied: (f'BEFORE TRUNCATE ON "{table}" {by_statement}', set()),
    }
    if not closed_by:
        del triggers[closed]
    if connection.vendor != "postgresql":
        del triggers[emptied]
    return {
        name: (f'CREATE TRIGGER "{name}" {sql}', columns)
        for name, (sql, columns) in triggers.items()
    }


COLUMNS = {
    "postgresql": "SELECT attname::text FROM pg_attribute"
    " WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped",
    "sqlite": "SELECT name FROM pragma_table_info(%s)",
}


def columns_of(connection: Any, table: str) -> list[str]:
    """What Django's introspection would say, which cannot read every CHECK of SQLite."""
    with connection.cursor() as cursor:
        cursor.execute(COLUMNS[connection.vendor], [table])
        return [name for (name,) in cursor.fetchall()]


STORED = """
SELECT tgname, ARRAY(
    SELECT attname::text FROM pg_attribute WHERE attrelid = tgrelid AND attnum = ANY (tgattr)
)
FROM pg_trigger WHERE tgrelid = %s::regclass AND tgenabled IN ('O', 'A') AND NOT tgisinternal
"""


def unguarded(connection: Any, model: type[models.Model]) -> list[str]:
    """What could be changed in the table of a model with `CLOSED_BY`, in words; nothing if all is
    as it should be."""
    table, closed_by = model._meta.db_table, model.CLOSED_BY  # type: ignore[attr-defined]
    triggers = expected(connection, table, closed_by)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(STORED, [table])
            stored: dict[str, Any] = {name: set(columns) for name, columns in cursor.fetchall()}
            wanted: dict[str, Any] = {name: columns for name, (_, columns) in triggers.items()}
        else:
            cursor.execute(
                "SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = %s",
                [table],
            )
            stored = dict(cursor.fetchall())
            wanted = {name: sql for name, (sql, _) in triggers.items()}
    return [
        f"{table}: the trigger {name} is missing, is off, or does not name every column"
        for name, what in wanted.items()
        if stored.get(name) != what
    ]
