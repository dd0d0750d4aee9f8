"""Task workers on several machines: they share what there is, and do nothing twice."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.request import Request, urlopen
from uuid import UUID

import psutil
import psycopg
import pytest

from tests.faults.run import background_workers
from tests.faults.server import Server, of_the_service
from tests.faults.service import FACTOR, ROOT, Service, environment, manage, serving

SITE = {"name": "Madrid Office", "type": "office", "country": "ES", "external_id": "madrid"}
FILES, ROWS = 6, 600
HEADER = "external_id,facility_id,category,quantity,unit,start_date,end_date"
BUSY = """
SELECT count(*) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND state <> 'idle'
"""
TASKS_THAT_WAIT = (
    "SELECT count(*) FROM django_tasks_database_dbtaskresult WHERE status <> 'SUCCESSFUL'"
)
HOLDERS = """
SELECT pid, (classid::bigint << 32) | objid::bigint FROM pg_locks
WHERE locktype = 'advisory' AND objsubid = 1 AND granted AND mode = 'ExclusiveLock'
"""


@pytest.fixture(scope="module")
def service(
    server: Server, alice: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One that leaves every file to the workers; its own is suspended until it is wanted."""
    log: Path = tmp_path_factory.mktemp("workers") / "service.log"
    with serving(of_the_service(server), log, alice, IMPORT_BYTES_AT_ONCE="10") as running:
        assert running.call("POST", "/v1/facilities", SITE).status == 201
        assert running.call("POST", "/v1/emission-factors", FACTOR).status == 201
        until(lambda: background_workers(running))
        yield running


@contextmanager
def a_worker(server: Server, log: Path | str = os.devnull) -> Iterator[subprocess.Popen[bytes]]:
    """One more machine's."""
    with open(log, "wb") as file:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "run_worker"],
            cwd=ROOT,
            env=environment(of_the_service(server)),
            stderr=file,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def suspended(server: Server, worker: psutil.Process) -> Iterator[None]:
    """It does nothing, and holds nothing."""
    worker.suspend()
    while server.ask(BUSY):
        worker.resume()
        sleep(0.1)
        worker.suspend()
    try:
        yield
    finally:
        worker.resume()


def until(true: Callable[[], Any], seconds: int = 120) -> None:
    deadline = monotonic() + seconds
    while not true():
        assert monotonic() < deadline
        sleep(0.05)


def bills(number: int) -> str:
    rows = (f"{number}-{row},madrid,electricity,{row},kWh,2023-03-01,2023-03-31"
            for row in range(1, ROWS + 1))  # fmt: skip
    return "\n".join([HEADER, *rows])


def send(service: Service, text: str) -> str:
    """Sends a file; the id of its import, which waits."""
    request = Request(
        f"{service.url}/v1/imports?kind=consumption&allow=overlap",
        data=text.encode(),
        headers={**service.headers, "content-type": "text/csv"},
    )
    with urlopen(request, timeout=60) as answer:
        body = json.loads(answer.read())
        assert (answer.status, body["status"]) == (202, "queued")
        return str(body["id"])


def imported(service: Service, pk: str) -> dict[str, Any]:
    return service.get(f"/v1/imports/{pk}").body


def key_of(pk: str) -> int:
    return int.from_bytes(UUID(pk).bytes[-8:], signed=True)


def holders(server: Server, pks: list[str]) -> dict[str, int]:
    """The sessions that are at some imports now."""
    with psycopg.connect(server.url) as connection:
        held = {key: pid for pid, key in connection.execute(HOLDERS)}
    return {pk: held[key_of(pk)] for pk in pks if key_of(pk) in held}


def test_they_share_imports_and_recalculations_and_do_nothing_twice(
    server: Server, service: Service
) -> None:
    [own] = background_workers(service)
    before = bills_of(service)
    with ExitStack() as machines:
        with suspended(server, own):
            pks = [send(service, bills(number)) for number in range(FILES)]
            machines.enter_context(a_worker(server))
            until(lambda: holders(server, pks))
        seen: dict[str, set[int]] = {pk: set() for pk in pks}

        def all_stored() -> bool:
            for pk, pid in holders(server, pks).items():
                seen[pk].add(pid)
            return all(imported(service, pk)["status"] == "stored" for pk in pks)

        until(all_stored)
        assert [imported(service, pk)["created"] for pk in pks] == [ROWS] * FILES
        assert len(set.union(*seen.values())) >= 2, "both were at it"
        total = bills_of(service)
        assert total == before + FILES * ROWS
        events = service.get("/v1/audit-events?event=import_stored&size=100").body["items"]
        assert sorted(one["object_id"] for one in events if one["object_id"] in pks) == sorted(pks)
        kilograms = service.get("/v1/emissions").body["co2e"]

        factor = service.get("/v1/emission-factors?size=1").body["items"][0]["id"]
        with suspended(server, own):
            changed = service.call("PATCH", f"/v1/emission-factors/{factor}", {"co2e": 0.5})
            assert changed.status == 200, changed
            machines.enter_context(a_worker(server))  # what it finds it begins at once, as tasks do
        until(lambda: recalculations(service)[0]["state"] == "done")
        [run] = recalculations(service)
        assert run["consumptions_changed"] == run["consumptions_done"] == total
        assert manage(of_the_service(server), "recalculate_co2e", "--check") == ""
        assert service.get("/v1/emissions").body["co2e"] == 2 * kilograms


def bills_of(service: Service) -> int:
    return int(service.get("/v1/consumptions?size=1").body["total"])


def recalculations(service: Service) -> list[dict[str, Any]]:
    return list(service.get("/v1/recalculations").body["items"])


def test_what_a_lost_machine_was_at_is_taken_over_by_another(
    server: Server, service: Service, tmp_path: Path
) -> None:
    """A lock on a bill that the file changes holds the worker where its machine is lost."""
    facility = service.get("/v1/facilities").body["items"][0]["id"]
    held = {"external_id": "lost-1", "facility_id": facility, "category": "electricity",
            "quantity": 5, "unit": "kWh", "start_date": "2022-03-01",
            "end_date": "2022-03-31"}  # fmt: skip
    assert service.call("POST", "/v1/consumptions", held).status == 201
    [own] = background_workers(service)
    with suspended(server, own), psycopg.connect(server.url) as other:
        other.execute("SELECT 1 FROM emissions_consumption WHERE external_id = 'lost-1' FOR UPDATE")
        text = bills(99).replace("\n99-", "\nlost-")
        pk = send(service, text)
        with a_worker(server) as lost:
            until(lambda: imported(service, pk)["status"] == "running")
            with a_worker(server, log := tmp_path / "worker.log"):
                until(lambda: "Starting worker" in log.read_text())
                until(lambda: not server.ask(TASKS_THAT_WAIT))  # it has found another at it
                lost.kill()
                lost.wait()
                other.rollback()
                until(lambda: imported(service, pk)["status"] == "stored", 60)
    done = imported(service, pk)
    assert (done["created"], done["changed"]) == (ROWS - 1, 1)
