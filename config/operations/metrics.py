"""What Prometheus asks for: requests, errors, the pool, and from the database queue and jobs.

Each web worker counts for itself. With PROMETHEUS_MULTIPROC_DIR, which config/serve.sh sets, the
numbers are in files of that folder, and whichever worker is asked adds all of them up; without it
they are those of the one process that there is.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection
from django.db.models import Count, Min
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from emissions.models import PendingFacility, Recalculation, RecalculationState
from organizations.database.postgresql.connections import limited
from organizations.models import Import

SECONDS = 2
"""What a statement for the metrics may take."""

FOLDER = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
HERE = CollectorRegistry()

REQUESTS = Counter(
    "facilities_requests",
    "Requests that were answered.",
    ["method", "route", "status"],
    registry=HERE,
)
SECONDS_TAKEN = Histogram(
    "facilities_request_seconds",
    "How long answers took, up to the end of what was streamed.",
    ["method", "route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
    registry=HERE,
)
ERRORS = Counter(
    "facilities_errors",
    "Answers that were our fault: database (503) or a mistake (any other 5xx).",
    ["kind"],
    registry=HERE,
)
POOL = Gauge(
    "facilities_database_pool",
    "Connections of all web workers: open, idle in the pool, and requests waiting for one.",
    ["state"],
    multiprocess_mode="livesum",
    registry=HERE,
)

METHODS = {"GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"}
UNAVAILABLE = 503


def count(method: str, route: str, status: int, seconds: Any) -> None:
    """Counts an answer. The route is a pattern, such as v1/facilities/<pk>: there are few."""
    method = method if method in METHODS else "other"
    requests, seconds_taken = counters(method, route, status)
    requests.inc()
    seconds_taken.observe(seconds)
    if status >= 500:
        ERRORS.labels("database" if status == UNAVAILABLE else "mistake").inc()
    if settings.ON_POSTGRESQL:
        connections = connection.pool.get_stats()  # type: ignore[attr-defined]
        opened, idle, waiting = pool_gauges()
        opened.set(connections["pool_size"])
        idle.set(connections["pool_available"])
        waiting.set(connections["requests_waiting"])


@cache
def counters(method: str, route: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: there are few methods, routes and statuses."""
    return REQUESTS.labels(method, route, str(status)), SECONDS_TAKEN.labels(method, route)


@cache
def pool_gauges() -> list[Gauge]:
    """Open, idle and waiting; made in the process that serves, whose file they are kept in."""
    return [POOL.labels(state) for state in ("open", "idle", "waiting")]


class InTheDatabase:
    """What the database knows, asked when somebody wants to know; `facilities_database_up` is 0
    and the rest is missing where it does not answer."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("facilities_database_up", "Whether the database answers.")
        found: list[Metric] = []
        try:
            with limited(SECONDS):
                found = [*queue(), *jobs()]
        except (DatabaseError, InterfaceError):
            found = []
        up.add_metric([], int(bool(found)))
        yield up
        yield from found


def queue() -> Iterator[Metric]:
    """What waits for the worker, and for how long the oldest of it."""
    ready = DBTaskResult.objects.filter(status=TaskResultStatus.READY)
    waiting = ready.aggregate(tasks=Count("pk"), since=Min("enqueued_at"))
    age = (timezone.now() - waiting["since"]).total_seconds() if waiting["since"] else 0
    yield gauge("facilities_queue_tasks", "Tasks that wait for the worker.", waiting["tasks"])
    yield gauge("facilities_queue_age_seconds", "How long the oldest of them has waited.", age)


def jobs() -> Iterator[Metric]:
    """Recalculations and imports, whoever made them: requests, staff or commands."""
    states = Recalculation.objects.order_by().values_list("state")
    family = GaugeMetricFamily("facilities_recalculations", "By state.", labels=["state"])
    counts = dict(states.annotate(count=Count("pk")))
    for state in RecalculationState.values:
        family.add_metric([state], counts.get(state, 0))
    yield family
    pending = PendingFacility.objects.count()
    yield gauge("facilities_recalculation_pending", "Facilities yet to be made right.", pending)
    family = GaugeMetricFamily("facilities_imports", "Imports.", labels=["kind", "outcome"])
    outcomes = Import.objects.order_by().values_list("kind", "outcome")
    for kind, outcome, number in outcomes.annotate(count=Count("pk")):
        family.add_metric([kind, outcome], number)
    yield family


def gauge(name: str, explained: str, value: Any) -> Metric:
    family = GaugeMetricFamily(name, explained)
    family.add_metric([], value)
    return family


def exposition() -> bytes:
    """Everything, in the text format of Prometheus."""
    asked = CollectorRegistry()
    asked.register(InTheDatabase())
    if not FOLDER:
        return generate_latest(HERE) + generate_latest(asked)
    forget_the_dead()
    MultiProcessCollector(asked, FOLDER)
    return generate_latest(asked)


def forget_the_dead() -> None:
    """A worker that has ended has no connections any more; its requests stay counted."""
    for file in Path(FOLDER).glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):  # another worker was sooner
                mark_process_dead(pid, FOLDER)
