"""A server, and a service on it, for the tests of one module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.prepared import prepared_server
from tests.faults.server import Server, of_the_service
from tests.faults.service import Service, serving

LIMIT = 2
"""Seconds that a statement may take here."""


@pytest.fixture(scope="module")
def prepared() -> Iterator[tuple[Server, dict[str, str]]]:
    with prepared_server() as both:
        yield both


@pytest.fixture(scope="module")
def server(prepared: tuple[Server, dict[str, str]]) -> Server:
    return prepared[0]


@pytest.fixture(scope="module")
def alice(prepared: tuple[Server, dict[str, str]]) -> dict[str, str]:
    """The headers of an admin."""
    return prepared[1]


@pytest.fixture(scope="module")
def service(
    server: Server, alice: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    log: Path = tmp_path_factory.mktemp("faults") / "service.log"
    with serving(of_the_service(server), log, alice, DB_STATEMENT_TIMEOUT=str(LIMIT)) as running:
        yield running
