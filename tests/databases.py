"""The test database: made once in a run, and copied for each process of it.

Migrating and loading the published factors takes a process twenty seconds and more; copying what
another process has made takes less than one.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.db import connection as of_django

from tests import citus

connection: Any = of_django  # the stubs know little of what each vendor's has

FOLDER = "FACILITIES_TESTS"
"""Names the folder that the processes of a run share."""

LET_GO = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
"""
"""A browser's last request may still be on the test database, which could then not be dropped."""


def begin() -> None:
    """Once in a run, before any other process of it is started."""
    os.environ[FOLDER] = tempfile.mkdtemp(prefix="facilities-tests-")


def settle() -> None:
    """In each process: where the databases are. What is thrown away need not wait for its disk."""
    if connection.vendor == "sqlite":
        connection.settings_dict["TEST"]["NAME"] = folder() / "test.sqlite3"  # threads need a file
        connection.settings_dict["OPTIONS"]["init_command"] += " PRAGMA synchronous=OFF;"


def folder() -> Path:
    return Path(os.environ[FOLDER])


def take_copy(suffix: str) -> None:
    """Connects this process to a copy of its own; the first one makes the original."""
    if citus.wanted():
        with locked(folder() / "lock"):
            citus.make(f"facilities_tests_{suffix}")
        call_command("load_emission_factors", stderr=StringIO())
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"]
        return
    creation = connection.creation
    with locked(folder() / "lock"):
        made = folder() / "made"
        if made.exists():
            connection.settings_dict["NAME"] = made.read_text()
        else:
            creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
            call_command("load_emission_factors", stderr=StringIO())
            connection.close()  # SQLite's file is whole once nobody is connected
            made.write_text(str(connection.settings_dict["NAME"]))
        creation.clone_test_db(suffix, verbosity=0, autoclobber=True)
        name = creation.get_test_db_clone_settings(suffix)["NAME"]
    connection.settings_dict["NAME"] = settings.DATABASES["default"]["NAME"] = name


def drop_copy() -> None:
    if citus.wanted():
        connection.close()
        citus.drop(connection.settings_dict["NAME"])
        return
    drop(connection.settings_dict["NAME"])


def end() -> None:
    """Once in a run, after every other process of it has ended."""
    made = folder() / "made"
    if made.exists():
        drop(made.read_text())
    shutil.rmtree(folder())


def drop(name: str | Path) -> None:
    if connection.vendor == "postgresql":
        connection.close()
        connection.close_pool()
        connection.settings_dict["NAME"] = name
        with connection.cursor() as cursor:
            cursor.execute(LET_GO)
        connection.creation.destroy_test_db(verbosity=0)


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """One process at a time is inside."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
