"""Starting servers and loading them with wrk."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.frame import NotMeasured
from benchmarks.seed import Tenant

PROCESSES = 2
CONNECTIONS = 16
BIN = Path(sys.executable).parent
SCRIPT = Path(__file__).with_name("requests.lua")

COMMANDS = {
    "ours": [
        "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "--no-ws",
        "--workers", f"{PROCESSES}", "--blocking-threads", "4", "--log-level", "warning",
        "config.wsgi:application",
    ],
    "the limit": [
        "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", "{port}", "--no-ws",
        "--workers", f"{PROCESSES}", "--blocking-threads", "4", "--log-level", "warning",
        "benchmarks.rivals.bare:application",
    ],
    "stock DRF": [
        "gunicorn", "--bind", "127.0.0.1:{port}", "--workers", f"{PROCESSES}",
        "--worker-class", "gthread", "--threads", "4", "--keep-alive", "75",
        "--log-level", "warning", "benchmarks.rivals.stock_drf.wsgi:application",
    ],
    "FastAPI": [
        "uvicorn", "--host", "127.0.0.1", "--port", "{port}", "--workers", f"{PROCESSES}",
        "--no-access-log", "--log-level", "warning", "benchmarks.rivals.fastapi_app:app",
    ],
}  # fmt: skip
"""Each as its documentation would have it served; ours as `make serve` does."""

RIVALS_UNWALLED = ("stock DRF", "FastAPI")
"""They name no organization to the database, whose row-level security would show them nothing."""

SETTINGS = {"stock DRF": "benchmarks.rivals.stock_drf.settings"}

Request = tuple[Tenant, str] | tuple[Tenant, str, str]
"""Whose key, which path and, for a POST, which JSON."""


class Server:
    """A service that listens on a port of its own."""

    def __init__(self, name: str, port: int) -> None:
        self.name = name
        self.port = port

    def get(self, request: Request) -> bytes:
        """The body of an answer; anything but success is an error."""
        tenant, path = request[:2]
        body = request[2] if len(request) == 3 else None
        connection = HTTPConnection("127.0.0.1", self.port, timeout=600)
        headers = {**tenant.headers, **({"content-type": "application/json"} if body else {})}
        connection.request("POST" if body else "GET", path, body, headers=headers)
        answer = connection.getresponse()
        read = answer.read()
        connection.close()
        if answer.status not in (200, 201):
            raise RuntimeError(f"{self.name} {path}: {answer.status} {read[:500]!r}")
        return read

    def seconds(self, request: Request) -> float:
        """How long one answer takes."""
        start = time.perf_counter()
        self.get(request)
        return time.perf_counter() - start

    def rate(self, requests: Iterable[Request], seconds: float) -> float:
        """Answers a second to wrk's connections, each sending its requests one by one."""
        with tempfile.NamedTemporaryFile("w", suffix=".tsv") as file:
            for tenant, *rest in requests:
                path, *body = rest
                line = [path, str(tenant.organization_id), tenant.key, *body]
                file.write("\t".join(line) + "\n")
            file.flush()
            command = [
                "wrk", "-t", "1", "-c", str(CONNECTIONS), "-d", f"{seconds:.0f}s",
                "-s", str(SCRIPT),
                f"http://127.0.0.1:{self.port}", "--", file.name,
            ]  # fmt: skip
            shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        found = re.search(r"Requests/sec:\s+([\d.]+)", shown)
        if found is None or "Non-2xx" in shown or "Socket errors" in shown:
            raise RuntimeError(f"{self.name}: {shown}")
        return float(found[1])


@contextmanager
def serving(name: str, **environment: str) -> Iterator[Server]:
    """One of COMMANDS, once it answers, until it is no longer needed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [part.format(port=port) for part in COMMANDS[name]]
    settings = SETTINGS.get(name, "config.settings")
    if name in RIVALS_UNWALLED and os.environ["DATABASE_URL"].startswith("postgres"):
        environment = {"DATABASE_URL": os.environ["UNWALLED_DATABASE_URL"], **environment}
    process = subprocess.Popen(
        [BIN / command[0], *command[1:]],
        env={**os.environ, "DJANGO_SETTINGS_MODULE": settings, **environment},
        start_new_session=True,
    )
    try:
        for _ in range(300):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                if process.poll() is not None:
                    break
                time.sleep(0.1)
        if process.poll() is not None:
            raise RuntimeError(f"{name} did not start: {' '.join(command)}")
        yield Server(name, port)
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(timeout=30)


@contextmanager
def all_serving(names: Iterable[str] = tuple(COMMANDS)) -> Iterator[dict[str, Server]]:
    """We and the rivals. Raises NotMeasured where wrk or a rival is not installed."""
    if shutil.which("wrk") is None:
        raise NotMeasured(
            "wrk is not installed: `apt-get install wrk`, or https://github.com/wg/wrk."
        )
    for command in COMMANDS.values():
        if not (BIN / command[0]).exists():
            raise NotMeasured(f"{command[0]} is not installed: `make bench` does that.")
    with ExitStack() as stack:
        yield {name: stack.enter_context(serving(name)) for name in names}
