"""A primary and a streaming replica, which answers lists, reports and exports while it can."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from time import sleep
from typing import Any

import psycopg
import pytest

from tests.emissions.bills import BILL
from tests.faults.replicated import (
    CSV,
    Read,
    Reading,
    add,
    at_once,
    caught_up,
    colleague,
    delayed,
    elsewhere,
    names,
    reads_there,
    taken_back,
    unique,
)
from tests.faults.server import Server, of_the_service, replica_of
from tests.faults.service import FACTOR, Service, manage, serving

EVER = {"DATABASE_REPLICA_LAG": "3600"}
"""For services whose replica may be late, so that only what is one's own keeps them from it."""

IN_TIME = 6
"""Seconds until a replica that hangs is known to; a loaded machine gets more."""


@pytest.fixture(scope="module")
def primary(server: Server) -> Server:
    server.do("ALTER SYSTEM SET log_statement = 'all'")
    server.do("SELECT pg_reload_conf()")
    return server


@pytest.fixture(scope="module")
def replica(primary: Server, alice: dict[str, str]) -> Iterator[Server]:
    with replica_of(primary, log_statement="all", wal_retrieve_retry_interval="200ms") as server:
        yield server


@pytest.fixture(scope="module")
def service(
    primary: Server,
    replica: Server,
    alice: dict[str, str],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Service]:
    """One that takes the replica however far it is behind."""
    log: Path = tmp_path_factory.mktemp("replicas") / "service.log"
    urls = {"DATABASE_REPLICA_URLS": of_the_service(replica)}
    with serving(of_the_service(primary), log, alice, **urls, **EVER) as running:
        assert running.call("POST", "/v1/emission-factors", FACTOR).status == 201
        yield running


@pytest.fixture
def bill(primary: Server, replica: Server, service: Service) -> dict[str, Any]:
    facility = add(service, unique())
    body = {**BILL, "facility_id": facility["id"]}
    answer = service.call("POST", "/v1/consumptions", body)
    assert answer.status == 201, answer
    caught_up(primary, replica)
    return answer.body


def test_lists_reports_and_exports_are_read_there(
    primary: Server, replica: Server, service: Service, bill: dict[str, Any]
) -> None:
    facility = bill["facility_id"]
    for path in (
        "/v1/facilities",
        "/v1/facilities?name=madrid&sort=name",
        "/v1/consumptions",
        f"/v1/consumptions?facility_id={facility}",
        "/v1/emission-factors?country=ES",
        "/v1/emissions",
        "/v1/emissions/logistics",
        "/v1/missing-factors",
        f"/v1/facilities/{facility}/emissions",
        f"/v1/facilities/{facility}/coverage",
        "/v1/periods",
        "/v1/periods/2023/restatements",
        "/v1/reports/inventory?year=2023",
    ):
        here, there = Read(primary), Read(replica)
        answer = service.get(path)
        assert answer.status == 200, answer
        assert (int(here), int(there) > 0) == (0, True), path
    for path in ("/v1/facilities", "/v1/consumptions", "/v1/emissions", "/v1/emission-factors"):
        here, there = Read(primary), Read(replica)
        answer = service.get(path, **CSV)
        assert answer.status == 200, answer
        assert len(answer.text.splitlines()) > 1
        assert (int(here), int(there) > 0) == (0, True), path
    exported = service.get("/v1/audit-events?event=exported&size=100").body
    assert exported["total"] >= 4, "each is in the audit, which the primary has"


def test_writes_single_rows_copies_and_previews_are_read_from_the_primary(
    primary: Server, replica: Server, service: Service, bill: dict[str, Any]
) -> None:
    there = Read(replica)
    changed = service.call("PATCH", f"/v1/consumptions/{bill['id']}", {"quantity": 2000})
    assert changed.status == 200, changed
    body = {**BILL, "facility_id": bill["facility_id"]}
    assert service.call("POST", "/v1/consumptions/preview", body).status == 200
    again = service.call("POST", "/v1/consumptions", body, **{"idempotency-key": unique()})
    assert again.status == 201
    for path in (
        f"/v1/consumptions/{bill['id']}",
        f"/v1/consumptions/{bill['id']}/calculation",
        f"/v1/facilities/{bill['facility_id']}",
        "/v1/consumptions?cursor=",
    ):
        assert service.get(path).status == 200
    assert int(there) == 0


def test_the_figures_are_those_of_the_primary(
    service: Service, bill: dict[str, Any], primary: Server, replica: Server, tmp_path: Path
) -> None:
    """The same bytes as a service without replicas answers."""
    paths = ("/v1/facilities", "/v1/consumptions?sort=quantity", "/v1/emissions?group_by=month",
             "/v1/reports/inventory?year=2023", "/v1/periods")  # fmt: skip
    with serving(of_the_service(primary), tmp_path / "alone.log", service.headers) as alone:
        for path in paths:
            there = Read(replica)
            assert service.get(path).text == alone.get(path).text
            assert int(there) > 0


def test_a_caller_reads_their_own_write_at_once_and_others_a_little_later(
    primary: Server, replica: Server, service: Service
) -> None:
    other = colleague(service)
    caught_up(primary, replica)
    name, gone = unique(), add(service, unique())
    caught_up(primary, replica)
    assert gone["name"] in names(other, name=gone["name"])
    with delayed(replica):
        facility = add(service, name)
        there = Read(replica)
        for _ in range(8):
            assert names(service, name=name) == {name}
        assert int(there) == 0, "the replica does not have it"
        there = Read(replica)
        assert names(other, name=name) == set()
        assert int(there) == 1, "who has not written it may get it a little later"
        service.call("PATCH", f"/v1/facilities/{facility['id']}", {"name": f"{name} new"})
        assert names(service, name=name) == {f"{name} new"}
        service.call("DELETE", f"/v1/facilities/{gone['id']}")
        assert names(service, name=gone["name"]) == set()
        rows = service.get(f"/v1/facilities?name={name}", **CSV).text
        assert f"{name} new" in rows
        report = other.get(f"/v1/facilities/{facility['id']}/emissions")
        assert report.status == 200, "what the replica does not know yet, the primary does"
    caught_up(primary, replica)
    assert names(other, name=name) == {f"{name} new"}
    assert reads_there(service, replica)


def test_no_own_write_is_missed_however_often(
    primary: Server, replica: Server, service: Service
) -> None:
    """Many callers at once, through both web workers, while the replica follows."""
    callers = [colleague(service) for _ in range(4)]
    there = Read(replica)

    def write_and_read(caller: Service) -> None:
        for _ in range(15):
            name = unique()
            facility = add(caller, name)
            assert names(caller, name=name) == {name}
            sleep(0.03)
            assert names(caller, name=name) == {name}
            caller.call("DELETE", f"/v1/facilities/{facility['id']}")
            assert names(caller, name=name) == set()

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(write_and_read, callers))
    assert int(there) > 10


def test_a_person_reads_their_own_write_too(
    primary: Server, replica: Server, service: Service
) -> None:
    program = (
        "from organizations.models import *; from organizations.database.wall import *\n"
        "process_sees_everybody()\n"
        "user = User.objects.create_user('erin@example.com', 'correct horse battery')\n"
        f"of = Organization.objects.get(pk='{service.headers['x-organization-id']}')\n"
        "Membership.objects.create(user=user, organization=of, role='editor')"
    )
    manage(of_the_service(primary), "shell", "-c", program)
    body = {"email": "erin@example.com", "password": "correct horse battery"}
    token = service.call("POST", "/v1/auth/login", body).body["access_token"]
    organization = service.headers["x-organization-id"]
    headers = {"x-organization-id": organization, "authorization": f"Bearer {token}"}
    erin = replace(service, headers=headers)
    caught_up(primary, replica)
    assert reads_there(erin, replica)
    with delayed(replica):
        name = unique()
        add(erin, name)
        assert all(names(erin, name=name) == {name} for _ in range(6))
        assert names(service, name=name) == set()


def test_a_revoked_key_is_refused_whatever_the_replica_knows(
    primary: Server, replica: Server, service: Service
) -> None:
    other = colleague(service)
    prefix = other.headers["x-api-key"][:16]
    caught_up(primary, replica)
    assert reads_there(other, replica)
    with delayed(replica):
        keys = service.get("/v1/api-keys?size=100").body["items"]
        [mine] = [one["id"] for one in keys if one["prefix"] == prefix]
        assert service.call("DELETE", f"/v1/api-keys/{mine}").status == 204
        there = Read(replica)
        assert [other.get("/v1/facilities").status for _ in range(6)] == [401] * 6
        assert int(there) == 0


def test_nobody_sees_another_tenants_rows_there(
    primary: Server, replica: Server, service: Service
) -> None:
    charlie = elsewhere(primary, service)
    add(service, "Alice's")
    add(charlie, "Charlie's")
    caught_up(primary, replica)
    there = Read(replica)
    with ThreadPoolExecutor(8) as threads:
        mine = threads.map(names, [charlie] * 40)
        others = threads.map(names, [service] * 40)
        assert all(one == {"Charlie's"} for one in mine)
        assert all("Alice's" in one and "Charlie's" not in one for one in others)
    assert int(there) >= 80
    with psycopg.connect(of_the_service(replica)) as unnamed:
        assert unnamed.execute("SELECT count(*) FROM facilities_facility").fetchone() == (0,)
        unnamed.execute(f"SET facilities.rows_of = '{{{charlie.headers['x-organization-id']}}}'")
        assert unnamed.execute("SELECT count(*) FROM facilities_facility").fetchone() == (1,)


def test_behind_a_pooler_each_statement_is_told_whose_rows_it_sees(
    primary: Server, replica: Server, service: Service, tmp_path: Path
) -> None:
    charlie, name = elsewhere(primary, service), unique()
    urls = {"DATABASE_REPLICA_URLS": of_the_service(replica), "DB_PREPARE": "0", **EVER}
    with serving(of_the_service(primary), tmp_path / "p.log", service.headers, **urls) as pooled:
        theirs = replace(charlie, url=pooled.url)
        caught_up(primary, replica)
        with delayed(replica):
            add(theirs, name)
            assert names(theirs) == {name}
        caught_up(primary, replica)
        there = Read(replica)
        for _ in range(6):
            assert names(theirs) == {name}
            assert name not in names(pooled)
        assert theirs.get("/v1/facilities", **CSV).text.count(name) == 1
        assert int(there) >= 13


def test_a_replica_that_hangs_is_left_out_and_taken_back(
    primary: Server, replica: Server, service: Service
) -> None:
    caught_up(primary, replica)
    taken_back(service, replica)
    with replica.paused():
        answers = at_once(12, lambda: service.get("/v1/facilities"))
        assert {one.status for one in answers} == {200}
        assert max(one.seconds for one in answers) < IN_TIME
        sleep(2)
        answers = [service.get("/v1/emissions") for _ in range(6)]
        assert {one.status for one in answers} == {200}
        assert max(one.seconds for one in answers) < 1, "it is known by now"
        name = unique()
        add(service, name)
        assert names(service, name=name) == {name}
    taken_back(service, replica)


def test_a_replica_that_is_killed_and_started_again_is_noticed_by_nobody(
    primary: Server, replica: Server, service: Service
) -> None:
    writers = [colleague(service) for _ in range(2)]
    caught_up(primary, replica)
    taken_back(service, replica)
    with Reading(service, writers).going_on():
        for _ in range(3):
            sleep(1)
            replica.stop()
            sleep(2)
            replica.start()
    caught_up(primary, replica)
    taken_back(service, replica)


def test_a_replica_that_is_behind_is_left_out_and_the_next_one_taken(
    primary: Server, replica: Server, service: Service, tmp_path: Path
) -> None:
    """Here one second is the limit, and there are two replicas."""
    with replica_of(primary, log_statement="all") as second:
        urls = f"{of_the_service(replica)},{of_the_service(second)}"
        log = tmp_path / "two.log"
        with serving(
            of_the_service(primary), log, service.headers, DATABASE_REPLICA_URLS=urls
        ) as two:
            other = colleague(two)
            for server in (replica, second):
                caught_up(primary, server)
            one, another = Read(replica), Read(second)
            for _ in range(30):
                names(two)
            assert int(one) > 0
            assert int(another) > 0, "both are asked"
            with delayed(replica):
                name = unique()
                add(other, name)
                sleep(1.2)
                add(other, unique())
                caught_up(primary, second)
                one, here = Read(replica), Read(primary)
                assert all(names(two, name=name) == {name} for _ in range(12))
                assert (int(one), int(here)) == (0, 0), "the second one answers"
                with delayed(second):
                    name = unique()
                    add(other, name)
                    sleep(1.2)
                    here = Read(primary)
                    assert all(names(two, name=name) == {name} for _ in range(6))
                    assert int(here) == 6, "with none left the primary does"
            caught_up(primary, replica)
            taken_back(two, replica, reads=1)  # the second one has its share


def test_a_replica_that_was_promoted_is_asked_no_more(
    primary: Server, replica: Server, service: Service, tmp_path: Path
) -> None:
    """Nor, where it is the primary from then on, one that still follows the primary of before,
    however far that has gone."""
    with replica_of(primary, log_statement="all") as promoted:
        urls = {"DATABASE_REPLICA_URLS": of_the_service(promoted)}
        log = tmp_path / "promoted.log"
        with serving(of_the_service(primary), log, service.headers, **urls, **EVER) as running:
            writers = [colleague(running)]
            caught_up(primary, promoted)
            taken_back(running, promoted)
            with Reading(running, writers).going_on():
                sleep(1)
                promoted.promote()
                sleep(1)
            assert promoted.ask("SELECT pg_is_in_recovery()") is False
            there = Read(promoted)
            assert {running.get("/v1/facilities").status for _ in range(6)} == {200}
            assert int(there) == 0
            primary.do("SELECT pg_switch_wal()")
            caught_up(primary, replica)
        urls = {"DATABASE_REPLICA_URLS": of_the_service(replica)}
        log = tmp_path / "after.log"
        with serving(of_the_service(promoted), log, service.headers, **urls, **EVER) as after:
            there, name = Read(replica), unique()
            add(after, name)
            assert all(names(after, name=name) == {name} for _ in range(6))
            assert int(there) == 0
