"""Figures of a large organization, against the plain SQL that adds its ledger up.

The ledger has two million lines of 50,000 facilities. The rival is the GROUP BY that somebody would
write by hand, over the same table with the same indexes; ours is a request to the running service,
whose answer has totals and coverage beside it.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from django.db import connection
from django.test import Client
from django.utils import timezone

from benchmarks.frame import Row, figure, interleaved, say
from benchmarks.ledger import MONTHS, store
from benchmarks.peak import STATUS
from benchmarks.seed import Tenant, settle, tenants
from benchmarks.servers import Server, serving
from benchmarks.stage import Stage
from benchmarks.writes import body, editor
from emissions.ledger import keeping
from emissions.ledger.subtotals import Changes
from emissions.models import Consumption, Subtotal
from organizations.models import APIKey, Organization, Role
from organizations.rest.cursors import Cursor

POSTS = 100
"""Bills that are sent in a round, half a second or so."""

YEAR = "start_date=2023-01-01&end_date=2023-12-31"
MONTH = "start_date=2023-05-01&end_date=2023-05-31"
BY_MONTH = f"/v1/emissions?group_by=month&group_by=category&{YEAR}&size=100"

SUMS = "sum(co2e), sum(co2e_market), sum(co2e_biomass), sum(energy_kwh)"
COUNT = "count(DISTINCT consumption_id)"
CURRENT = "organization_id = %s AND superseded_at IS NULL"
OF_YEAR = "month BETWEEN '2023-01-01' AND '2023-12-31'"
PLAIN = {
    "sums": f"SELECT month, category, {SUMS} FROM emissions_emission"
    f" WHERE {CURRENT} AND {OF_YEAR} GROUP BY 1, 2",
    "sums and counts": f"SELECT month, category, {SUMS}, {COUNT} FROM emissions_emission"
    f" WHERE {CURRENT} AND {OF_YEAR} GROUP BY 1, 2",
    "facilities": f"SELECT facility_id, {SUMS}, {COUNT} FROM emissions_emission"
    f" WHERE {CURRENT} AND month = '2023-05-01' GROUP BY 1",
}


def rows(quick: bool) -> Iterator[Row]:
    facilities = 1_000 if quick else 50_000
    organization = Organization.objects.create(name="Figures")
    say(f"storing {facilities * MONTHS:,} lines of {facilities:,} facilities")
    store(organization, facilities)
    keeping.keep(organization.pk)
    assert keeping.differences(organization.pk) == []
    settle()
    say(f"{Subtotal.objects.count():,} rows of subtotals")
    issued = APIKey.issue(
        organization=organization, name="bench", role=Role.VIEWER, last_used_at=timezone.now()
    )
    tenant = Tenant(organization.pk, issued.key, [])
    with serving("ours") as server:
        yield from added_up(server, tenant, facilities, quick)
        yield from copied(server, tenant, quick)
    yield from downloaded(tenant, facilities)
    yield from kept(quick)


def plain(tenant: Tenant, name: str) -> Callable[[], float]:
    def seconds() -> float:
        started = perf_counter()
        with connection.cursor() as cursor:
            cursor.execute(PLAIN[name], [tenant.organization_id])
            cursor.fetchall()
        return perf_counter() - started

    return seconds


def added_up(server: Server, tenant: Tenant, facilities: int, quick: bool) -> Iterator[Row]:
    """Sums of the ledger, each against the plain one."""
    last = facilities // 50
    moment = (timezone.now() - timedelta(seconds=1)).isoformat().replace("+00:00", "Z")
    asked = {
        "year": BY_MONTH,
        "first page": f"/v1/emissions?group_by=facility&{MONTH}",
        "last page": f"/v1/emissions?group_by=facility&{MONTH}&page={last}",
        "as of": f"{BY_MONTH}&as_of={moment}",
    }
    runs: dict[str, Callable[[], float]] = {
        **{name: partial(server.seconds, (tenant, path)) for name, path in asked.items()},
        **{name: plain(tenant, name) for name in PLAIN},
    }
    for run in runs.values():
        run()
    measured = interleaved(runs, 3 if quick else 7)
    few = "" if quick else "{}"  # over so few lines both are the cost of a request
    for ours, rival, title, limit in (
        ("year", "sums", "a year by month and category", "≤ 0.2"),
        ("year", "sums and counts", "the same", ""),
        ("first page", "facilities", "a month's first page by facility", "≤ 1"),
        ("last page", "facilities", "a month's last page by facility", "≤ 1"),
        ("as of", "sums and counts", "the year as of a moment", "≤ 2"),
        ("as of", "sums", "the same", ""),
    ):
        yield times(
            f"{title}, times the plain {rival}",
            measured[ours],
            ("plain SQL", measured[rival]),
            few.format(limit),
        )


def copied(server: Server, tenant: Tenant, quick: bool) -> Iterator[Row]:
    """Pages of a copy, from the first to the last."""
    mine = Consumption.objects.filter(organization_id=tenant.organization_id)
    ordered = mine.order_by("updated_at", "pk")
    first = Cursor.read(server_cursor(server, tenant, ""))
    *_, at = ordered.reverse()[:101].values_list("updated_at", "pk")
    last = Cursor(first.asked, *at)
    path = "/v1/consumptions?size=100&cursor="
    runs: dict[str, Callable[[], float]] = {
        "first": partial(server.seconds, (tenant, path)),
        "last": partial(server.seconds, (tenant, f"{path}{last}")),
    }
    for run in runs.values():
        run()
    measured = interleaved(runs, 5 if quick else 15)
    yield times(
        f"the last page of a copy of {mine.count():,} bills, times its first",
        measured["last"],
        ("the first", measured["first"]),
        "≤ 1.5",
    )


def server_cursor(server: Server, tenant: Tenant, cursor: str) -> str:
    body: Any = server.get((tenant, f"/v1/consumptions?size=100&cursor={cursor}"))
    return str(json.loads(body)["next_cursor"])


def downloaded(tenant: Tenant, facilities: int) -> Iterator[Row]:
    """The memory of a CSV of every facility, and of one that has every month of each."""
    if not STATUS.exists():
        say("memory: not measured; it is read from Linux's /proc")
        return
    less = peak(tenant, f"/v1/emissions?group_by=facility&{MONTH}")
    more = peak(tenant, "/v1/emissions?group_by=facility&group_by=month")
    yield Row(
        f"memory of a CSV of {facilities * MONTHS:,} groups, times one of {facilities:,}",
        f"{more} MiB",
        f"{less} MiB",
        more / less,
        "≤ 1.2",
        "",
    )


def peak(tenant: Tenant, path: str) -> int:
    """MiB."""
    command = [sys.executable, "-m", "benchmarks.download", path, json.dumps(tenant.headers)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout)


@contextmanager
def nothing_kept() -> Iterator[None]:
    """Whoever writes in here keeps no subtotals."""
    replace = Changes.replace
    Changes.replace = lambda *args: None  # type: ignore[method-assign]
    try:
        yield
    finally:
        Changes.replace = replace  # type: ignore[method-assign]


def kept(quick: bool) -> Iterator[Row]:
    """What the subtotals, and the index of months beside them, cost those who write."""
    with tempfile.TemporaryDirectory(prefix="facilities-kept-") as folder:
        stage = Stage(Path(folder), facilities=100 if quick else 10_000)
        stage.import_facilities()

        def without() -> float:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_get_indexdef('emission_of_month'::regclass)")
                [again] = cursor.fetchone()
                cursor.execute("DROP INDEX emission_of_month")
                try:
                    with nothing_kept():
                        return 1 / stage.import_bills()
                finally:
                    stage.empty_bills()
                    cursor.execute(again)

        def with_them() -> float:
            return 1 / stage.import_bills()

        measured = interleaved({"with": with_them, "without": without}, 2 if quick else 5)
        yield times(
            f"import of {stage.bills:,} bills, times one that keeps no subtotals",
            [one * stage.bills for one in measured["with"]],
            ("without", [one * stage.bills for one in measured["without"]]),
            "" if quick else "≤ 1.1",
        )
    [tenant] = [editor(one) for one in tenants(1, 20 if quick else POSTS)]
    client = Client(headers=tenant.headers, SERVER_NAME="127.0.0.1")
    number = iter(range(10**9))

    def posts() -> float:
        started = perf_counter()
        for facility in tenant.facilities:
            sent = body(facility, next(number))
            answer = client.post("/v1/consumptions", sent, content_type="application/json")
            assert answer.status_code == 201, answer.content
        return (perf_counter() - started) / len(tenant.facilities)

    def posts_without() -> float:
        with nothing_kept():
            return posts()

    posts()
    measured = interleaved({"with": posts, "without": posts_without}, 5 if quick else 15)
    yield times(
        "POST of a bill, times one that keeps no subtotals",
        measured["with"],
        ("without", measured["without"]),
        "" if quick else "≤ 1.1",
    )


def times(name: str, ours: list[float], rival: tuple[str, list[float]], required: str) -> Row:
    """How many times as long ours takes as the rival: the median of the rounds' ratios."""
    title, theirs = rival
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Row(
        name,
        figure(median(ours) * 1000, "ms"),
        f"{title}: {figure(median(theirs) * 1000, 'ms')}",
        median(ratios),
        required,
        f"{min(ratios):.3f} … {max(ratios):.3f}",
    )
