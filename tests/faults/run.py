"""`make faults`: breaks things under load and says what came of it.

Every request that was acknowledged must be stored, none that was answered “Nothing was stored” may
be, and the figures must be right. Exits 1 where that is not so, or where an answer is a 500.
"""

import argparse
import random
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import psutil

from tests.faults.server import Server, private_server
from tests.faults.service import Answer, Service, manage, prepare, serving

WRITERS, READERS = 6, 4
REFUSED, CUT = 503, 0
NOT_STORED = "Nothing was stored."


@dataclass
class Phase:
    """The answers while one thing is broken, and how long the probe and the way back took."""

    name: str
    answers: list[Answer] = field(default_factory=list)
    probes: list[Answer] = field(default_factory=list)
    back: Any = 0

    def row(self) -> list[Any]:
        counts = Counter(one.status for one in self.answers)
        fine = sum(number for status, number in counts.items() if 200 <= status < 300)
        other = sum(counts.values()) - fine - counts[REFUSED] - counts[CUT] - counts[500]
        slowest = max((one.seconds for one in self.answers), default=0)
        probe = max((one.seconds for one in self.probes if one.status), default=0)
        return [self.name, len(self.answers), fine, counts[REFUSED], counts[500], other,
                counts[CUT], f"{slowest:.1f}", f"{probe:.1f}", f"{self.back:.1f}"]  # fmt: skip


HEADER = ["while", "requests", "2xx", "503", "500", "other", "cut off", "slowest, s",
          "/healthz, s", "back after, s"]  # fmt: skip


@dataclass
class Load:
    """Writers and readers that never stop; each write has a name of its own."""

    service: Service
    facility: str
    phase: Phase
    stored: set[str] = field(default_factory=set)
    not_stored: set[str] = field(default_factory=set)
    unknown: set[str] = field(default_factory=set)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def write(self, writer: int) -> None:
        number = 0
        while not self.over.is_set():
            number += 1
            name = f"{writer}-{number}"
            body = {"external_id": name, "facility_id": self.facility, "category": "electricity",
                    "quantity": number, "unit": "kWh", "start_date": "2023-12-15",
                    "end_date": "2024-01-14"}  # fmt: skip
            answer = self.service.call("POST", "/v1/consumptions", body)
            with self.lock:
                self.phase.answers.append(answer)
                if answer.status == 201:
                    self.stored.add(name)
                elif answer.status and NOT_STORED in answer.text:
                    self.not_stored.add(name)
                else:
                    self.unknown.add(name)
            if answer.status != 201:
                sleep(0.05)

    def read(self) -> None:
        while not self.over.is_set():
            answer = self.service.get("/v1/facilities")
            with self.lock:
                self.phase.answers.append(answer)
            sleep(0.05)

    def probe(self) -> None:
        while not self.over.is_set():
            answer = self.service.get("/healthz")
            self.phase.probes.append(answer)
            sleep(0.2)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        threads = [threading.Thread(target=self.write, args=(one,)) for one in range(WRITERS)]
        threads += [threading.Thread(target=self.read) for _ in range(READERS)]
        threads.append(threading.Thread(target=self.probe))
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()


def web_workers(service: Service) -> list[psutil.Process]:
    """Granian's workers, the longest-lived first."""
    every = psutil.Process(service.process.pid).children(recursive=True)
    masters = [one for one in every if "granian" in one.cmdline() and one.children()]
    workers = masters[0].children() if masters else []
    workers = [one for one in workers if "tracker" not in " ".join(one.cmdline())]
    return sorted(workers, key=psutil.Process.create_time)


def background_workers(service: Service) -> list[psutil.Process]:
    every = psutil.Process(service.process.pid).children(recursive=True)
    return [one for one in every if "run_worker" in one.cmdline()]


def kill_at_random(service: Service, kills: int) -> None:
    """Now and then a worker, mostly of the web: the oldest, which is at work.

    Somebody must be at work for that: where workers die faster than they start, nothing is
    acknowledged that could be lost.
    """
    for _ in range(kills):
        service.ready(60)
        sleep(random.uniform(0, 2))
        try:
            chosen = background_workers if random.random() < 0.1 else web_workers
            if victims := chosen(service):
                victims[0].kill()
        except psutil.NoSuchProcess:
            continue


def restart_often(server: Server, times: int) -> None:
    for _ in range(times):
        server.restart()
        sleep(2)


def stop_for(server: Server, seconds: int) -> None:
    with server.stopped():
        sleep(seconds)


def pause_for(server: Server, seconds: int) -> None:
    with server.paused():
        sleep(seconds)


def break_things(load: Load, server: Server, service: Service, kills: int) -> list[Phase]:
    steps: list[tuple[str, Callable[[], None]]] = [
        ("nothing is wrong", lambda: sleep(10)),
        ("PostgreSQL restarts 9 times", lambda: restart_often(server, 9)),
        ("PostgreSQL is stopped for 15 s", lambda: stop_for(server, 15)),
        ("PostgreSQL hangs for 30 s", lambda: pause_for(server, 30)),
        (f"workers are killed {kills} times", lambda: kill_at_random(service, kills)),
    ]
    phases = []
    for name, step in steps:
        load.phase = Phase(name)
        phases.append(load.phase)
        print(f"… {name}", file=sys.stderr)
        step()
        began = monotonic()
        service.ready(60)
        load.phase.back = monotonic() - began
    return phases


def table(phases: list[Phase]) -> str:
    rows = [HEADER, *([str(one) for one in phase.row()] for phase in phases)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join([row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]) for row in rows
    )


def all_names(service: Service) -> set[str]:
    """The names of every bill that is stored."""
    found: set[str] = set()
    page = 1
    while True:
        body = service.get(f"/v1/consumptions?size=100&sort=id&page={page}").body
        found |= {one["external_id"] for one in body["items"]}
        if page >= body["pages"]:
            return found
        page += 1


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="make faults", description=__doc__)
    parser.add_argument("--kills", type=int, default=60, help="of workers (60)")
    kills = parser.parse_args(arguments).kills
    folder = Path(tempfile.mkdtemp(prefix="facilities-faults-log-"))
    with private_server() as server:
        headers = prepare(server.url)
        manage(server.url, "load_emission_factors")
        with serving(server.url, folder / "service.log", headers) as service:
            body = {"name": "Madrid Office", "type": "office", "country": "ES"}
            facility = service.call("POST", "/v1/facilities", body).body["id"]
            load = Load(service, facility, Phase("start"))
            with load.going_on():
                phases = break_things(load, server, service, kills)
            names = all_names(service)
        check = manage(server.url, "recalculate_co2e", "--check")
    lost, false = load.stored - names, load.not_stored & names
    mistakes = sum(one.status == 500 for phase in phases for one in phase.answers)
    print(table(phases))
    print(f"""
{len(load.stored)} bills were acknowledged; {len(lost)} of them are lost.
{len(load.not_stored)} were said not to be stored; {len(false)} of them are there.
{len(load.unknown)} got no such answer; {len(load.unknown & names)} of them are stored.
recalculate_co2e --check finds {len(check.splitlines()) or "nothing"}. The log: {folder}""")
    return int(bool(lost or false or check or mistakes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
