"""What whoever runs the service sees, and that it ends when it is told to, after what was begun."""

import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil
import psycopg

from tests.faults.server import Server, of_the_service
from tests.faults.service import TOKEN, Service, serving

SITE = {"name": "Madrid Office", "type": "office", "country": "ES"}
LISTED = 'facilities_requests_total{method="GET",route="/v1/facilities",status="200"}'


def metric(service: Service, name: str) -> Any:
    answer = service.get("/metrics", authorization=f"Bearer {TOKEN}")
    assert answer.status == 200, answer
    found = re.search(rf"^{re.escape(name)} (\d+)", answer.text, re.MULTILINE)
    return int(found[1]) if found else 0


def web_workers(service: Service) -> list[psutil.Process]:
    """Granian's workers, the longest-lived first."""
    every = psutil.Process(service.process.pid).children(recursive=True)
    masters = [one for one in every if "granian" in one.cmdline() and one.children()]
    return [one for one in masters[0].children() if "tracker" not in " ".join(one.cmdline())]


def test_any_worker_answers_for_all_also_for_one_that_was_killed(service: Service) -> None:
    before = metric(service, LISTED)
    for _ in range(30):
        assert service.get("/v1/facilities").status == 200
    assert {metric(service, LISTED) for _ in range(10)} == {before + 30}
    victim = web_workers(service)[0]
    victim.kill()
    victim.wait(10)
    sleep(1)
    service.ready()
    for _ in range(30):
        assert service.get("/v1/facilities").status == 200
    assert metric(service, LISTED) == before + 60
    assert 1 <= metric(service, 'facilities_database_pool{state="open"}') <= 32
    folder = Path(web_workers(service)[0].environ()["PROMETHEUS_MULTIPROC_DIR"])
    assert [*folder.glob("counter_*.db")]
    assert not [*folder.glob(f"gauge_*_{victim.pid}.db")], "it has no connections any more"


def test_without_a_database_the_metrics_say_so(server: Server, service: Service) -> None:
    assert metric(service, "facilities_database_up") == 1
    before = metric(service, 'facilities_errors_total{kind="database"}')
    with server.stopped():
        assert service.get("/v1/facilities").status == 503
        assert metric(service, "facilities_database_up") == 0
        assert metric(service, 'facilities_errors_total{kind="database"}') == before + 1
    service.ready()


def test_every_line_of_the_log_is_json_and_has_its_request(
    server: Server, service: Service
) -> None:
    with server.stopped():
        for number in range(5):
            answer = service.get("/v1/facilities", **{"x-request-id": f"away-{number}"})
            assert answer.headers["x-request-id"] == f"away-{number}"
    service.ready()
    lines = service.lines()
    assert {line["logger"] for line in lines} >= {"_granian", "request"}
    for number in range(5):
        mine = [line for line in lines if line["request_id"] == f"away-{number}"]
        assert {line["logger"] for line in mine} == {"config.errors", "request"}
        assert {line["status"] for line in mine if line["logger"] == "request"} == {503}
    text = service.log.read_text()
    assert "Traceback" not in text
    assert service.headers["x-api-key"] not in text
    assert TOKEN not in text


def test_told_to_end_it_finishes_what_was_begun(
    server: Server, service: Service, tmp_path: Path
) -> None:
    """A write waits for a lock when TERM comes, and is answered and stored; a new one is not."""
    facility = service.call("POST", "/v1/facilities", SITE).body
    log = tmp_path / "ending.log"
    with (
        serving(of_the_service(server), log, service.headers) as ending,
        ThreadPoolExecutor(1) as threads,
        psycopg.connect(server.url) as other,
    ):
        other.execute("SELECT 1 FROM facilities_facility WHERE id = %s FOR UPDATE",
                      [facility["id"]])  # fmt: skip
        path = f"/v1/facilities/{facility['id']}"
        coming = threads.submit(ending.call, "PATCH", path, {"name": "Finished"})
        sleep(1)
        processes = psutil.Process(ending.process.pid).children(recursive=True)
        os.kill(ending.process.pid, signal.SIGTERM)
        sleep(2)
        assert not coming.done()
        assert ending.get("/healthz").status == 0, "nobody else is let in"
        other.rollback()
        answer = coming.result()
        assert (answer.status, answer.body["name"]) == (200, "Finished"), answer
        began = monotonic()
        ending.process.wait(timeout=120)
        _, alive = psutil.wait_procs(processes, timeout=60)
        assert not alive
        assert monotonic() - began < 10
    assert service.get(path).body["name"] == "Finished"
    assert not [line for line in log.read_text().splitlines() if "Traceback" in line]
