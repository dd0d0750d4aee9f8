"""`make rehearse`: does what docs/operations.md says.

An owner migrates, a service serves, a dump is restored into a new server and gives the same
answers; the units' commands run behind nginx with TLS; and two organizations work at once through
PgBouncer without either meeting the other.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg

from tests.faults.container import NEEDS as BUILDERS
from tests.faults.container import container
from tests.faults.documented import answered, as_role, blocks, free_port, say, shell
from tests.faults.proxy import find_nobody, go_through, nginx
from tests.faults.server import Server, private_server
from tests.faults.service import ROOT, Service, manage, prepare, serving
from tests.faults.units import installed, started

NEEDED = 17_00_00
"""The first version of PostgreSQL that knows MAINTAIN."""

NEEDS = ("nginx", "openssl", "pgbouncer")
REQUESTS = 100
BILL = {"category": "electricity", "quantity": 1000, "unit": "kWh",
        "start_date": "2023-03-01", "end_date": "2023-03-31"}  # fmt: skip


def make_roles(server: Server) -> None:
    say("two roles")
    roles, grants, _, maintain = blocks("Two roles", "sql")
    with psycopg.connect(server.url, autocommit=True) as superuser:
        for statement in roles.strip().split("\n"):
            superuser.execute(statement)
    with psycopg.connect(as_role(server, "owner"), autocommit=True) as owner:
        owner.execute(grants)
    [migrate] = blocks("Upgrading", "sh")
    migrate = migrate.replace(".venv/bin/python", sys.executable)
    shell(migrate, ROOT, DATABASE_URL=as_role(server, "owner"))
    with psycopg.connect(as_role(server, "owner"), autocommit=True) as owner:
        if owner.info.server_version >= NEEDED:
            owner.execute(maintain)


def check_roles(server: Server) -> None:
    """The check says of a superuser that the wall does not hold, and of the service nothing."""
    for role, says in (("postgres", True), ("service", False), ("owner", False)):
        done = subprocess.run(
            [sys.executable, "manage.py", "check", "--deploy"],
            cwd=ROOT,
            env={**os.environ, "DEBUG": "1", "DATABASE_URL": as_role(server, role)},
            capture_output=True,
            text=True,
            check=True,
        )
        assert ("row-level security" in done.stdout + done.stderr) is says, (role, done.stderr)


def use(service: Service) -> dict[str, Any]:
    """A facility with a bill; its figures."""
    site = {"name": "Madrid Office", "type": "office", "country": "ES"}
    facility = answered(service.call("POST", "/v1/facilities", site), 201)
    answered(service.call("POST", "/v1/consumptions", {**BILL, "facility_id": facility["id"]}), 201)
    return answered(service.get(f"/v1/facilities/{facility['id']}"))


def restore(server: Server, other: Server, folder: Path) -> None:
    say("backup and restore")
    dump, restoring = blocks("Backup and restore", "sh")
    shell(dump, folder, DATABASE_URL=as_role(server, "owner"))
    with psycopg.connect(other.url, autocommit=True) as superuser:
        for statement in blocks("Two roles", "sql")[0].strip().split("\n")[:2]:
            superuser.execute(statement)
    there = urlsplit(other.url).query.removeprefix("host=")
    url = as_role(other, "service")
    said = shell(
        re.sub(r"postgres://service:…@new-server/facilities", f"'{url}'", restoring)
        .replace(".venv/bin/python", sys.executable)
        .replace("facilities.dump", str(folder / "facilities.dump"))
        .replace("manage.py", str(ROOT / "manage.py")),
        folder,
        PGHOST=there,
        PGUSER="postgres",
    )
    heads = [line for line in said.splitlines() if line]
    assert not [line for line in heads if "wrong" in line or "differs" in line], said


@contextmanager
def pgbouncer(server: Server, folder: Path) -> Iterator[str]:
    """The URL of the documentation's PgBouncer before a server, for the service."""
    port = free_port()
    host = urlsplit(server.url).query.removeprefix("host=")
    [settings] = blocks("Behind PgBouncer", "ini")
    settings = (
        settings.replace("host=127.0.0.1 port=5432", f"host={host} port=5432")
        .replace("6432", str(port))
        .replace("scram-sha-256", "trust")
        .replace("/etc/pgbouncer/userlist.txt", str(folder / "userlist.txt"))
    )
    (folder / "userlist.txt").write_text('"service" "x"\n', encoding="utf-8")
    (folder / "pgbouncer.ini").write_text(
        settings + f"unix_socket_dir =\npidfile = {folder / 'pid'}\nlogfile = {folder / 'log'}\n"
        "default_pool_size = 4\n",
        encoding="utf-8",
    )
    for path in (folder.parent, folder, *folder.iterdir()):
        path.chmod(0o777)
    user = ["-u", str(server.user)] if server.user else []  # who may open the server's socket
    process = subprocess.Popen(["pgbouncer", *user, str(folder / "pgbouncer.ini")])
    try:
        for _ in range(50):
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, "pgbouncer has ended"
                time.sleep(0.1)
        yield f"postgresql://service:x@127.0.0.1:{port}/facilities"
    finally:
        process.terminate()
        process.wait()


def meet_nobody(service: Service, others: dict[str, str]) -> None:
    """Two organizations at once, on four sessions that they share."""
    two = [service, replace(service, headers=others)]
    mine = [use(one)["id"] for one in two]

    def read(number: int) -> None:
        which = number % 2
        items = answered(two[which].get("/v1/facilities"))["items"]
        assert mine[which] in [one["id"] for one in items]
        assert mine[1 - which] not in [one["id"] for one in items]
        assert two[which].get(f"/v1/facilities/{mine[1 - which]}").status == 404

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(read, range(REQUESTS)))


def serve_through_tls(server: Server, folder: Path) -> None:
    say("the units' commands, behind nginx with TLS")
    home = installed(server, folder)
    owner = as_role(server, "owner")
    person = {"DJANGO_SUPERUSER_EMAIL": "ops@example.com",
              "DJANGO_SUPERUSER_PASSWORD": "correct horse battery staple"}  # fmt: skip
    manage(owner, "createsuperuser", "--no-input", **person)
    with ExitStack() as stack:
        with started(home, prepare(owner)) as service:
            proxy = stack.enter_context(nginx(service, folder / "nginx"))
            go_through(proxy, service, *person.values())
        find_nobody(proxy)


def serve_in_a_container(server: Server) -> None:
    say("the Containerfile, on a Debian from debootstrap: several minutes")
    with container(server, prepare(as_role(server, "owner"))) as service:
        assert use(service)["co2e"] > 0
        page = service.get("/admin/login/")
        assert page.status == 200, page


def main() -> int:
    if missing := [one for one in NEEDS if shutil.which(one) is None]:
        print(f"not installed, so nothing was tried: {', '.join(missing)}")
        return 1
    folder = Path(tempfile.mkdtemp(prefix="facilities-rehearsal-", dir="/tmp"))
    with private_server() as server, private_server() as other:
        make_roles(server)
        check_roles(server)
        owner, service_url = as_role(server, "owner"), as_role(server, "service")
        headers, others = prepare(owner), prepare(owner)
        manage(service_url, "migrate", "--verbosity", "0")  # as `make serve` does, in vain
        manage(service_url, "load_emission_factors")
        with serving(service_url, folder / "service.log", headers) as service:
            before = use(service)
            assert before["co2e"] > 0
        restore(server, other, folder)
        with serving(as_role(other, "service"), folder / "restored.log", headers) as service:
            after = answered(service.get(f"/v1/facilities/{before['id']}"))
            assert after == before, (after, before)
            assert use(service)["co2e"] == before["co2e"]
        serve_through_tls(server, folder)
        say("PgBouncer")
        pooler = folder / "pgbouncer"
        pooler.mkdir()
        with (
            pgbouncer(server, pooler) as url,
            serving(url, folder / "pooled.log", headers, DB_PREPARE="0") as service,
        ):
            meet_nobody(service, others)
            with psycopg.connect(url, autocommit=True, prepare_threshold=None) as behind:
                for _ in range(20):
                    told = "SELECT current_setting('facilities.rows_of', true)"
                    [left] = behind.execute(told).fetchone() or [None]
                    assert not left, left
        if absent := [one for one in BUILDERS if shutil.which(one) is None]:
            say(f"the Containerfile was not built: {', '.join(absent)} is not installed")
        else:
            serve_in_a_container(server)
        check = manage(service_url, "recalculate_co2e", "--check")
    shutil.rmtree(folder)
    assert not check, check
    print("docs/operations.md holds: two roles, backup and restore, units, TLS, PgBouncer")
    return 0


if __name__ == "__main__":
    sys.exit(main())
