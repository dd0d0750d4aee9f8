"""Files that are too much for a request: on PostgreSQL the worker brings them in."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from emissions.importing.background.queue import bring_in_waiting
from emissions.models import Consumption
from organizations.models import APIKey, AuditEvent, Import, ImportBlock, Membership
from tests.conftest import Answer, Person
from tests.emissions.ledger.test_runs import left_to_a_worker, url_of_the_test_database, work

pytestmark = [pytest.mark.usefixtures("committed"), left_to_a_worker]

HEADER = "external_id,facility_id,category,quantity,unit,start_date,end_date\n"
ROWS = 6000
HELD = "B-3000"


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "IMPORT_BYTES_AT_ONCE", 1000)


@pytest.fixture(autouse=True)
def site(committed: None, alice: Person) -> Any:
    return alice.facility(external_id="S3", country="ES")


def bills(count: int = 100) -> bytes:
    rows = [f"B-{n},S3,electricity,{n + 1},kWh,2023-01-01,2023-01-31\n" for n in range(count)]
    return (HEADER + "".join(rows)).encode()


def send(person: Person, body: bytes, query: str = "", **headers: str) -> Answer:
    path = f"/v1/imports?kind=consumption&allow=overlap{query}"
    return person.call("POST", path, body, **{"content-type": "text/csv"}, **headers)


def again(person: Person, answer: Answer) -> dict[str, Any]:
    return person.get(answer.headers["Location"]).body


def test_a_long_file_is_answered_202_and_stored_by_the_worker(alice: Person) -> None:
    answer = send(alice, bills())
    assert answer.status == 202, answer.body
    assert (answer.body["status"], answer.body["progress"]) == ("queued", 0)
    assert (answer.body["finished_at"], Consumption.objects.count()) == (None, 0)
    assert alice.get("/v1/imports?status=queued").body["items"] == [answer.body]
    work()
    body = again(alice, answer)
    assert (body["id"], body["status"], body["progress"]) == (answer.body["id"], "stored", 100)
    assert (body["created"], body["faults"]) == (100, [])
    assert body["finished_at"]
    assert Consumption.objects.count() == 100
    assert not ImportBlock.objects.exists()
    event = AuditEvent.objects.filter(event="import_stored").get()
    assert event.actor.startswith(f"{body['started_by']} (sk_live_")
    assert event.object_id == body["id"]
    work()
    assert Import.objects.count() == 1


def test_a_dry_run_and_a_refused_file_are_the_workers_too(alice: Person) -> None:
    tried = send(alice, bills(), "&dry_run=true")
    bad = send(alice, bills() + b"B-X,S3,electricity,x,kWh,2023-01-01,2023-01-31\n")
    work()
    assert (again(alice, tried)["status"], again(alice, tried)["created"]) == ("checked", 100)
    body = again(alice, bad)
    assert (body["status"], body["created"], body["rejected"]) == ("refused", 0, 1)
    assert [one["line"] for one in body["faults"]] == [102]
    assert not Consumption.objects.exists()


def test_what_cannot_be_read_at_all_is_said_at_once(alice: Person) -> None:
    answer = send(alice, b"Sede;Consumo\n" + b"1;2\n" * 500)
    assert (answer.status, answer.error("file")["code"]) == (422, "unknown_header")
    assert not Import.objects.exists()


def test_the_same_request_again_gets_the_same_answer(alice: Person) -> None:
    both = [send(alice, bills(), **{"idempotency-key": "k-1"}) for _ in range(2)]
    assert [one.status for one in both] == [202, 202]
    assert both[0].body == both[1].body
    work()
    assert Import.objects.count() == 1
    assert Consumption.objects.count() == 100


def test_who_may_not_import_any_more_stores_nothing(alice: Person) -> None:
    answer = send(alice, bills())
    Membership.objects.filter(user__email=answer.body["started_by"]).update(role="viewer")
    APIKey.objects.update(revoked_at=timezone.now())
    work()
    row = Import.objects.get()
    assert (row.outcome, row.created) == ("refused", 0)
    [fault] = row.first_rejects
    assert "may not import any more" in fault["reason"]
    assert not Consumption.objects.exists()


@contextmanager
def a_worker() -> Iterator[subprocess.Popen[bytes]]:
    worker = subprocess.Popen(
        [sys.executable, "manage.py", "run_worker"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url_of_the_test_database(), "DEBUG": "1"},
    )
    try:
        yield worker
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()


def test_a_worker_killed_in_the_middle_is_taken_over(alice: Person, site: Any) -> None:
    """A lock on a bill that the file changes holds the worker where it can be killed."""
    alice.consumption(site, external_id=HELD, quantity=1, start_date="2023-01-01")
    answer = send(alice, bills(ROWS))
    with transaction.atomic():
        Consumption.objects.select_for_update().get(external_id=HELD)
        with a_worker():
            for _ in range(300):
                if Import.objects.get().progress > 0:
                    break
                time.sleep(0.1)
    body = again(alice, answer)
    assert body["status"] == "running"
    assert 0 < body["progress"] < 100
    assert Consumption.objects.count() == 1
    for _ in range(50):  # until the server has noticed that the worker's session is gone
        bring_in_waiting.func()
        if again(alice, answer)["status"] == "stored":
            break
        time.sleep(0.1)
    body = again(alice, answer)
    assert (body["status"], body["created"], body["changed"]) == ("stored", ROWS - 1, 1)
    assert Consumption.objects.count() == ROWS


def test_a_file_that_ends_every_worker_is_given_up(alice: Person) -> None:
    answer = send(alice, bills())
    row = Import.objects.get()
    row.asked["attempts"] = 3
    row.save()
    work()
    body = again(alice, answer)
    assert body["status"] == "refused"
    assert "ended 3 times" in body["faults"][0]["detail"]
    assert not ImportBlock.objects.exists()
