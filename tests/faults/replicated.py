"""Callers of a service that has replicas, and what is asked of which server."""

import re
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from time import monotonic, sleep
from typing import Any
from uuid import uuid4

from tests.faults.server import Server, of_the_service
from tests.faults.service import Answer, Service, manage

SITE = {"name": "Madrid Office", "type": "office", "country": "ES"}


CSV = {"accept": "text/csv"}


OF_A_TENANT = re.compile(
    r"LOG:  (?:statement|execute [^:]*): (?:DECLARE [^\n]*)?SELECT [^\n]*"
    r'"(?:facilities|emissions)_(?!recalculation)'  # which the task worker looks for
)


def colleague(service: Service) -> Service:
    """The service for somebody else of the organization."""
    made = service.call("POST", "/v1/api-keys", {"name": unique(), "role": "editor"})
    assert made.status == 201, made
    return replace(service, headers={**service.headers, "x-api-key": made.body["key"]})


def elsewhere(primary: Server, service: Service) -> Service:
    """The service for another organization."""
    url = of_the_service(primary)
    organization = manage(url, "create_organization", "Charlie SA")
    key = manage(url, "create_api_key", organization, "--name", "charlie", "--role", "editor")
    return replace(service, headers={"x-organization-id": organization, "x-api-key": key})


def caught_up(primary: Server, replica: Server) -> None:
    """Waits until the replica has all that the primary has."""
    position = primary.ask("SELECT pg_current_wal_lsn()")
    deadline = monotonic() + 120
    while not replica.ask(f"SELECT pg_last_wal_replay_lsn() >= '{position}'"):
        assert monotonic() < deadline
        sleep(0.02)


@contextmanager
def delayed(replica: Server) -> Iterator[None]:
    """Nothing new comes to light on the replica."""
    replica.do("SELECT pg_wal_replay_pause()")
    while replica.ask("SELECT pg_get_wal_replay_pause_state()") != "paused":
        sleep(0.02)
    try:
        yield
    finally:
        replica.do("SELECT pg_wal_replay_resume()")


def add(service: Service, name: str) -> dict[str, Any]:
    answer = service.call("POST", "/v1/facilities", {**SITE, "name": name})
    assert answer.status == 201, answer
    return answer.body


def names(service: Service, **filters: str) -> set[str]:
    query = "".join(f"&{name}={value}" for name, value in filters.items())
    answer = service.get(f"/v1/facilities?size=100{query}")
    assert answer.status == 200, answer
    return {one["name"] for one in answer.body["items"]}


def unique() -> str:
    return uuid4().hex


class Read:
    """How many statements on tenants' rows a server has been asked since it was looked at."""

    def __init__(self, server: Server) -> None:
        self._log, self._from = server.log, server.log.stat().st_size

    def __int__(self) -> int:
        with self._log.open("rb") as file:
            file.seek(self._from)
            return len(OF_A_TENANT.findall(file.read().decode(errors="replace")))


def reads_there(service: Service, server: Server) -> bool:
    before = Read(server)
    assert service.get("/v1/facilities").status == 200
    return int(before) > 0


def taken_back(service: Service, replica: Server, reads: int = 6) -> None:
    """Waits until so many reads in a row are its own: six, whichever web worker has them."""
    deadline = monotonic() + 120
    while not all(reads_there(service, replica) for _ in range(reads)):
        assert monotonic() < deadline
        sleep(0.2)


def at_once(calls: int, ask: Callable[[], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(calls) as threads:
        return [one.result() for one in [threads.submit(ask) for _ in range(calls)]]


class Reading:
    """Readers and writers who never stop, and what they were told."""

    def __init__(self, service: Service, writers: list[Service]) -> None:
        self.answers: list[Answer] = []
        self.missed: list[str] = []
        self._service, self._writers = service, writers
        self._over = threading.Event()

    def _read(self) -> None:
        while not self._over.is_set():
            for path in ("/v1/facilities", "/v1/emissions?group_by=month"):
                self.answers.append(self._service.get(path))
            self.answers.append(self._service.get("/v1/facilities", **CSV))

    def _write(self, caller: Service) -> None:
        while not self._over.is_set():
            name = unique()
            add(caller, name)
            if name not in names(caller, name=name):
                self.missed.append(name)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        threads = [threading.Thread(target=self._read) for _ in range(3)]
        threads += [threading.Thread(target=self._write, args=[one]) for one in self._writers]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self._over.set()
            for thread in threads:
                thread.join()
        assert len(self.answers) > 20
        assert {one.status for one in self.answers} == {200}
        assert self.missed == []
