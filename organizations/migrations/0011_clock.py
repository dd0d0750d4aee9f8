"""SQLite's clock: the last moment that a change was stamped with; none is stamped earlier."""

from django.db import migrations

from organizations.database.operations import RunSQLiteSQL


class Migration(migrations.Migration):
    dependencies = [("organizations", "0010_audit_written_once")]

    operations = [
        RunSQLiteSQL(
            "CREATE TABLE organizations_clock (id integer PRIMARY KEY, microseconds bigint)",
            "DROP TABLE organizations_clock",
        ),
    ]
