"""The service as `make serve` starts it, for somebody who sends requests while things break."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psutil

ROOT = Path(__file__).resolve().parents[2]
FACTOR = {
    "category": "electricity",
    "country": "ES",
    "unit": "kWh",
    "valid_from": "2022-01-01",
    "co2e": 0.25,
}
"""An own factor, so that the bills of a test have figures."""

TOKEN = "a-token-for-the-metrics"
LONGEST = 60
"""Seconds until a request is given up."""


@dataclass(frozen=True)
class Answer:
    """What came back and after how many seconds; status 0 where the connection was cut."""

    status: int
    headers: Any
    text: str
    seconds: Any

    @property
    def body(self) -> Any:
        return json.loads(self.text)


@dataclass
class Service:
    """A running service with an organization in it and a key of its admin."""

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    headers: dict[str, str] = field(default_factory=dict)

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        data = None if body is None else json.dumps(body).encode()
        sent = {"content-type": "application/json", **self.headers, **headers}
        request = Request(self.url + path, data=data, method=method, headers=sent)
        began = time.monotonic()
        try:
            with urlopen(request, timeout=LONGEST) as answer:
                status, found, raw = answer.status, answer.headers, answer.read()
            text = raw.decode(errors="replace")
        except HTTPError as error:
            status, found, text = error.code, error.headers, error.read().decode()
        except (OSError, HTTPException) as error:  # the other: it was killed while it answered
            status, found, text = 0, {}, str(error)
        return Answer(status, found, text, time.monotonic() - began)

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def lines(self) -> list[dict[str, Any]]:
        """What it has logged, line by line; what is not JSON fails."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    def ready(self, seconds: int = 120) -> None:
        """Waits until each of its web workers is ready."""
        deadline = time.monotonic() + seconds
        while any(self.get("/readyz").status != 200 for _ in range(8)):
            assert time.monotonic() < deadline, "\n".join(self.log.read_text().splitlines()[-50:])
            time.sleep(0.1)


def manage(url: str, *arguments: str, **more: str) -> str:
    """Runs a command of manage.py; what it prints."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=environment(url, **more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def environment(url: str, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    settings = {
        "DEBUG": "0",
        "SECRET_KEY": "a-key-of-the-tests-that-is-long-enough-and-signs-nothing-0123456789",
        "ALLOWED_HOSTS": "127.0.0.1",
        "PYTHONWARNINGS": "ignore:No directory at",  # where the static files were not collected
        "DATABASE_URL": url,
        "REQUESTS_PER_KEY": "0",
        "REQUESTS_PER_ADDRESS": "0",
        "LOG_FORMAT": "json",
        "METRICS_TOKEN": TOKEN,
    }
    return {**kept, **settings, **more}


def prepare(url: str) -> dict[str, str]:
    """Migrates, and makes an organization with a key; the headers of its requests."""
    manage(url, "migrate", "--verbosity", "0")
    organization = manage(url, "create_organization", "Alice Ltd")
    key = manage(url, "create_api_key", organization, "--name", "tests", "--role", "admin")
    return {"x-organization-id": organization, "x-api-key": key}


@contextmanager
def serving(url: str, log: Path, headers: dict[str, str], **more: str) -> Iterator[Service]:
    """config/serve.sh with two web workers and the other one; killed afterwards."""
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    options = ["--interface", "wsgi", "--host", "127.0.0.1", "--port", str(port), "--workers", "2",
               "--blocking-threads", "4", "--workers-kill-timeout", "10", "--no-ws",
               "--log-config", "config/operations/granian.json"]  # fmt: skip
    with log.open("wb") as file:
        process = subprocess.Popen(
            ["sh", "config/serve.sh", sys.executable, *options],
            cwd=ROOT,
            env=environment(url, **more),
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    service = Service(f"http://127.0.0.1:{port}", process, log, headers)
    try:
        service.ready()
        yield service
    finally:
        left = []
        if process.poll() is None:
            left = [*psutil.Process(process.pid).children(recursive=True)]
            os.kill(process.pid, signal.SIGKILL)
        for one in left:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        process.wait()
