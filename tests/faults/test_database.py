"""A database that is away, restarts, hangs, is slow or takes no writes."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
import pytest

from tests.faults.conftest import LIMIT
from tests.faults.server import Server, of_the_service
from tests.faults.service import FACTOR, Answer, Service, manage

SITE = {"name": "Madrid Office", "type": "office", "country": "ES"}
IN_TIME = 12
"""Seconds: the limits are ten by default and two here; a loaded machine gets more."""

SLOW = LIMIT + 2

SLEEP = f"""
CREATE FUNCTION be_slow() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_sleep({SLOW}); RETURN NULL; END'
"""
"""Every trigger made of it takes longer than a statement may."""


def refused(answer: Answer) -> Answer:
    assert answer.status == 503, answer
    assert answer.body["code"] == "unavailable"
    assert int(answer.headers["Retry-After"]) > 0
    assert "Traceback" not in answer.text
    assert answer.seconds < IN_TIME
    return answer


def add(service: Service, name: str) -> Answer:
    return service.call("POST", "/v1/facilities", {**SITE, "name": name})


def names(service: Service) -> set[str]:
    return {one["name"] for one in service.get("/v1/facilities?size=100").body["items"]}


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    with ThreadPoolExecutor(len(calls)) as threads:
        return [one.result() for one in [threads.submit(call) for call in calls]]


@contextmanager
def session(server: Server) -> Iterator[psycopg.Connection]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        yield connection


def test_without_a_server_everybody_is_told_at_once_and_served_again_after_it(
    server: Server, service: Service
) -> None:
    assert add(service, "before").status == 201
    with server.stopped():
        answers = at_once(*[lambda: service.get("/v1/facilities")] * 12)
        assert max(map(refused, answers), key=lambda one: one.seconds).seconds < IN_TIME
        assert "Nothing was stored." in refused(add(service, "meanwhile")).body["detail"]
        assert service.get("/healthz").status == 200
        answer = service.get("/readyz")
        assert (answer.status, answer.body["database"]) == (503, "not reachable")
        page = service.get("/admin/", cookie="sessionid=abcdefghijklmnopqrstuvwxyz012345")
        assert page.status == 503
        assert page.headers["content-type"].startswith("text/html")
        assert page.headers["Retry-After"]
        assert "The database cannot be used at the moment." in page.text
        assert "Traceback" not in page.text
    service.ready()
    assert "before" in names(service)
    assert "meanwhile" not in names(service)


def test_a_restart_loses_nothing_and_leaves_no_dead_connection(
    server: Server, service: Service
) -> None:
    stored = set()
    for number in range(3):
        at_once(*[lambda: service.get("/v1/facilities")] * 8)
        server.restart()
        for one in range(8):
            name = f"restart {number} {one}"
            answer = add(service, name)
            assert answer.status == 201, answer
            stored.add(name)
    assert stored <= names(service)


def test_a_server_that_hangs_holds_nobody_for_long(server: Server, service: Service) -> None:
    at_once(*[lambda: service.get("/v1/facilities")] * 8)
    with server.paused():
        answers = at_once(
            *[lambda: service.get("/v1/facilities")] * 12, lambda: add(service, "paused")
        )
        for answer in answers:
            refused(answer)
        assert refused(service.get("/v1/facilities")).seconds < 1, "it is known by now"
        readyz = service.get("/readyz")
        assert readyz.status == 503
        assert service.get("/healthz").seconds < 1
    service.ready()
    assert service.get("/v1/facilities").status == 200


def test_readyz_of_a_service_that_was_idle_answers_soon_while_the_server_hangs(
    server: Server, service: Service
) -> None:
    at_once(*[lambda: service.get("/v1/facilities")] * 8)
    with server.paused():
        answer = service.get("/readyz")
        assert (answer.status, answer.body["status"]) == (503, "unavailable")
        assert answer.seconds < 4
    service.ready()


def test_a_statement_that_takes_too_long_is_cancelled_and_its_connection_kept(
    server: Server, service: Service
) -> None:
    with session(server) as other, other.transaction():
        other.execute("LOCK TABLE facilities_facility IN ACCESS EXCLUSIVE MODE")
        answer = refused(service.get("/v1/facilities"))
        assert answer.seconds > LIMIT - 1
        assert "took longer" in answer.body["detail"]
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
        assert other.execute(waiting).fetchone() == (0,), "the server has stopped it"
    assert service.get("/v1/facilities").status == 200


def test_another_write_in_the_way_is_still_a_409(server: Server, service: Service) -> None:
    facility = add(service, "locked").body
    with session(server) as other, other.transaction():
        other.execute(
            "SELECT 1 FROM facilities_facility WHERE id = %s FOR UPDATE", [facility["id"]]
        )
        answer = service.call("PATCH", f"/v1/facilities/{facility['id']}", {"name": "locked too"})
        assert (answer.status, answer.body["code"]) == (409, "conflict")


def test_a_database_that_takes_no_writes_is_read(server: Server, service: Service) -> None:
    with session(server) as other:
        other.execute("UPDATE organizations_apikey SET last_used_at = NULL")
        other.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        other.execute("SELECT pg_reload_conf()")
        sleep(0.5)
        try:
            assert service.get("/v1/facilities").status == 200
            assert "Nothing was stored." in refused(add(service, "read-only")).body["detail"]
        finally:
            other.execute("SET default_transaction_read_only = off")
            other.execute("ALTER SYSTEM RESET default_transaction_read_only")
            other.execute("SELECT pg_reload_conf()")
            sleep(0.5)
    assert add(service, "writable").status == 201


def test_a_connection_that_is_lost_in_a_commit_makes_no_claim(
    server: Server, service: Service
) -> None:
    with session(server) as other:
        other.execute(SLEEP)
        other.execute(
            "CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON facilities_facility"
            " DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION be_slow()"
        )
        try:
            with ThreadPoolExecutor(1) as threads:
                coming = threads.submit(add, service, "perhaps")
                sleep(1)
                ended = other.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query = 'COMMIT'"
                    " AND state = 'active'"
                ).fetchall()
                assert ended == [(True,)]
                answer = refused(coming.result())
        finally:
            other.execute("DROP FUNCTION be_slow CASCADE")
    assert "It is not known whether this was stored" in answer.body["detail"]
    assert "othing was stored" not in answer.text


ROWS = [
    {
        "facility_id": "long",
        "category": "electricity",
        "quantity": 1,
        "unit": "kWh",
        "start_date": f"2023-0{month}-01",
        "end_date": f"2023-0{month}-28",
    }
    for month in (1, 2, 3)
]


def test_what_is_long_by_its_nature_is_not_cut(
    server: Server, service: Service, tmp_path: Path
) -> None:
    facility = service.call("POST", "/v1/facilities", {**SITE, "external_id": "long"}).body
    assert service.call("POST", "/v1/emission-factors", FACTOR).status == 201
    organization = service.headers["x-organization-id"]
    file = tmp_path / "bills.csv"
    file.write_text("facility_id,category,quantity,unit,start_date,end_date\n"
                    "long,electricity,7,kWh,2023-05-01,2023-05-31\n")  # fmt: skip
    with session(server) as other:
        other.execute(SLEEP)
        other.execute(
            "CREATE TRIGGER slow AFTER INSERT ON emissions_consumption"
            " FOR EACH STATEMENT EXECUTE FUNCTION be_slow()"
        )
        try:
            one = {**ROWS[0], "facility_id": facility["id"]}
            refused(service.call("POST", "/v1/consumptions", one))
            answer = service.call("POST", "/v1/imports?kind=consumption", ROWS)
            assert (answer.status, answer.body["created"]) == (201, 3), answer
            assert answer.seconds > SLOW - 1
            said = manage(of_the_service(server), "import_consumption", str(file), "--organization",
                          organization, DB_STATEMENT_TIMEOUT=str(LIMIT))  # fmt: skip
            assert said.startswith("created 1,")
        finally:
            other.execute("DROP FUNCTION be_slow CASCADE")


@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.openxmlformats-officedocument"
                                  ".spreadsheetml.sheet"])  # fmt: skip
def test_a_table_that_takes_long_is_not_cut(server: Server, service: Service, kind: str) -> None:
    with ThreadPoolExecutor(2) as threads:
        with session(server) as other, other.transaction():
            other.execute("LOCK TABLE emissions_emission, emissions_subtotal")
            as_json = threads.submit(service.get, "/v1/emissions")
            as_table: Any = threads.submit(service.get, "/v1/emissions", accept=kind)
            refused(as_json.result())
            sleep(SLOW - LIMIT)
        assert as_table.result().status == 200
