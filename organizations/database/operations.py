"""Migration steps for what only one of the two databases can hold, or needs."""

from typing import Any

from django.db.migrations.operations import RunSQL


class RunPostgresSQL(RunSQL):
    """SQL that PostgreSQL runs; on SQLite models and validation hold the rule alone."""

    vendor = "postgresql"

    def database_forwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_forwards(app_label, schema_editor, *args)

    def database_backwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        if schema_editor.connection.vendor == self.vendor:
            super().database_backwards(app_label, schema_editor, *args)


class RunSQLiteSQL(RunPostgresSQL):
    """SQL that SQLite runs, for what PostgreSQL has already."""

    vendor = "sqlite"


def same_organization(table: str, column: str, target: str, name: str) -> RunPostgresSQL:
    """A composite foreign key: what a row refers to belongs to the row's own organization."""
    return RunPostgresSQL(
        f"ALTER TABLE {table} ADD CONSTRAINT {name} FOREIGN KEY (organization_id, {column}) "
        f"REFERENCES {target} (organization_id, id) DEFERRABLE INITIALLY DEFERRED",
        f"ALTER TABLE {table} DROP CONSTRAINT {name}",
    )
