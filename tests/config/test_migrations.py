"""`make lint` refuses a migration that would stop the version before it, or lock a table."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection

from tests.migrations import ACCEPTED, NOT_ASKED

MIGRATION = """
from django.db import migrations, models

from organizations.database.operations import RunPostgresSQL


class Migration(migrations.Migration):
    atomic = {atomic}
    dependencies = [("facilities", "{before}")]
    operations = [{operation}]
"""
NEW_FIELD = 'migrations.AddField("facility", "{}", models.CharField(max_length=9, {}))'
REFUSED = {
    "renaming-column": 'migrations.RenameField("facility", "address", "street")',
    "ban-drop-column": 'migrations.RemoveField("facility", "logistic_factor")',
    "ban-drop-default": NEW_FIELD.format("colour", 'default=""'),
    "require-concurrent-index-creation": 'migrations.AddIndex("facility",'
    ' models.Index(fields=["region"], name="facility_region"))',
    "adding-required-field": 'RunPostgresSQL("ALTER TABLE facilities_facility'
    ' ADD COLUMN floors int NOT NULL")',
    "constraint-missing-not-valid": 'migrations.AddConstraint("facility",'
    ' models.CheckConstraint(condition=~models.Q(name="x"), name="facility_name_is_not_x"))',
    "ban-drop-table": 'RunPostgresSQL("DROP TABLE facilities_historicalfacility")',
}
ALLOWED = {
    "with_default": NEW_FIELD.format("shade", 'default="", db_default=""'),
    "nullable": NEW_FIELD.format("tint", "null=True"),
    "new_table": 'migrations.CreateModel("Floor", [("id", models.UUIDField(primary_key=True)),'
    ' ("site", models.ForeignKey("facilities.facility", models.CASCADE))],'
    ' options={"indexes": [models.Index(fields=["site", "id"], name="floor_sites")]})',
    "concurrently": 'RunPostgresSQL("CREATE INDEX CONCURRENTLY facility_type'
    ' ON facilities_facility (type)")',
}


def linted(folder: Path, operations: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """The linter where the app `facilities` has these migrations too, one after another."""
    package = folder / "more_migrations"
    package.mkdir()
    known = Path(settings.BASE_DIR) / "facilities" / "migrations"
    (package / "__init__.py").write_text(f"__path__.insert(0, {str(known)!r})\n")
    before = max(path.stem for path in known.glob("0*.py"))
    for number, (name, operation) in enumerate(operations.items(), 500):
        this = f"0{number}_{name.replace('-', '_')}"
        atomic = "CONCURRENTLY" not in operation
        text = MIGRATION.format(atomic=atomic, before=before, operation=operation)
        (package / f"{this}.py").write_text(text)
        before = this
    (folder / "settings_with_more.py").write_text(
        "from config.settings import *\nMIGRATION_MODULES = {'facilities': 'more_migrations'}\n"
    )
    environment = {
        **os.environ,
        "DEBUG": "1",
        "DJANGO_SETTINGS_MODULE": "settings_with_more",
        "PYTHONPATH": f"{folder}:{settings.BASE_DIR}",
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "tests.migrations"],
        cwd=settings.BASE_DIR,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.django_db
@pytest.mark.skipif(connection.vendor != "postgresql", reason="it judges PostgreSQL's SQL")
def test_a_migration_that_stops_the_version_before_or_locks_is_refused(tmp_path: Path) -> None:
    done = linted(tmp_path, {**ALLOWED, **REFUSED})
    assert done.returncode == 1, done.stderr
    for name in ALLOWED:
        assert f"_{name}: " not in done.stderr
    for rule in REFUSED:
        name = f"_{rule.replace('-', '_')}: "
        assert [one for one in done.stderr.split(name)[1:] if f"\n  {rule}: " in one], done.stderr
    assert "Give the field db_default." in done.stderr


def test_what_is_not_asked_or_accepted_has_a_reason() -> None:
    assert all([*NOT_ASKED.values(), *ACCEPTED.values()])
