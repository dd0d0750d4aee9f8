"""A server, and a service on it, for the tests of one module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.server import Server, private_server
from tests.faults.service import Service, prepare, serving

LIMIT = 2
"""Seconds that a statement may take here."""


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with private_server() as private:
        yield private


@pytest.fixture(scope="module")
def service(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    log: Path = tmp_path_factory.mktemp("faults") / "service.log"
    headers = prepare(server.url)
    with serving(server.url, log, headers, DB_STATEMENT_TIMEOUT=str(LIMIT)) as running:
        yield running
