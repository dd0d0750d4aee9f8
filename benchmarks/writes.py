"""`POST /v1/consumptions` against stock DRF, whose signal sums the facility; many rows at once.

Both store in the same tables. Every facility has a history of 24 bills, or of as many as is said.
"""

import json
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from statistics import median
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuid
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from benchmarks.frame import Row, compare, figure, interleaved, say
from benchmarks.seed import START, Tenant, settle, tenants
from benchmarks.servers import Request, all_serving, serving
from emissions.models import Consumption
from organizations.database.bulk import insert
from organizations.models import APIKey, Role

ORGANIZATIONS, FACILITIES = 50, 20
HISTORY = 24
LARGE, SMALLER = 1_000_000, 100_000
"""Bills of the one facility at which a POST is to cost what it costs at a new one."""

ROWS = 5000
STATEMENTS = 10
COLUMNS = [
    "id", "created_at", "updated_at", "deleted_at", "organization_id", "facility_id",
    "external_id", "category", "activity", "quantity", "unit", "start_date", "end_date",
    "supplier", "cups", "meter", "data_quality", "status", "note", "co2e", "co2e_market",
    "co2e_biomass", "co2e_status", "co2e_reason", "missing_on",
]  # fmt: skip


def rows(quick: bool) -> Iterator[Row]:
    say(f"storing {ORGANIZATIONS} organizations with {FACILITIES} facilities of {HISTORY} bills")
    small = [editor(tenant) for tenant in tenants(ORGANIZATIONS, FACILITIES)]
    for tenant in small:
        history(tenant, tenant.facilities, HISTORY)
    settle()
    yield from single(small, quick)
    yield from together(small[0], quick)
    yield statements(small[1])
    yield from flat(quick)


def editor(tenant: Tenant) -> Tenant:
    """The same with a key that may write."""
    APIKey.objects.filter(organization=tenant.organization_id).update(role=Role.EDITOR)
    return tenant


def history(tenant: Tenant, facilities: Iterable[UUID], bills: int) -> None:
    """Bills of one day each, the newest on the last day of 2024."""
    insert(
        Consumption,
        COLUMNS,
        (
            bill_row(tenant, facility, date(2024, 12, 31) - timedelta(days=number % 9000))
            for facility in facilities
            for number in range(bills)
        ),
    )


def bill_row(tenant: Tenant, facility: UUID, day: date) -> tuple[Any, ...]:
    kilograms = Decimal("12.345678")
    return (
        uuid.uuid7(), START, START, None, tenant.organization_id, facility, "", "electricity",
        "grid", Decimal(100), "kWh", day, day, "", "", "", "actual", "active", "", kilograms,
        kilograms, Decimal(0), "calculated", "", None,
    )  # fmt: skip


def body(facility: UUID, number: int = 0) -> dict[str, Any]:
    """A month's bill of 2025."""
    first = date(2025, number % 12 + 1, 1)
    return {
        "facility_id": str(facility),
        "category": "electricity",
        "quantity": 1000 + number % 977,
        "unit": "kWh",
        "start_date": str(first),
        "end_date": str(first + timedelta(days=27)),
    }


def posts(of: Iterable[Tenant]) -> list[Request]:
    """Bills for every facility in turn."""
    return [
        (tenant, "/v1/consumptions", json.dumps(body(facility, number)))
        for number in range(12)
        for tenant in of
        for facility in tenant.facilities
    ]


def single(small: list[Tenant], quick: bool) -> Iterator[Row]:
    """Bills a second, one in each request."""
    seconds, rounds = (2, 3) if quick else (6, 5)
    requests = posts(small)
    with all_serving(["ours", "stock DRF"]) as servers:
        for server in servers.values():
            server.rate(requests, 2)
        say("single bills")
        measured = interleaved(
            {who: partial(server.rate, requests, seconds) for who, server in servers.items()},
            rounds,
        )
    theirs = ("stock DRF", measured["stock DRF"])
    yield compare("POST of a bill", "requests/s", measured["ours"], theirs, "≥ 1")


def together(tenant: Tenant, quick: bool) -> Iterator[Row]:
    """Rows a second of one request against bills one by one."""
    rounds = 3 if quick else 5
    counter = iter(range(1, 1000))
    requests = posts([tenant])
    with serving("ours") as server:

        def many() -> float:
            run = next(counter)
            first = date(1990, 1, 1) + timedelta(days=run * ROWS // FACILITIES)
            items = []
            for at in range(ROWS):
                day = str(first + timedelta(days=at // FACILITIES))
                one = body(tenant.facilities[at % FACILITIES], at)
                items.append({**one, "start_date": day, "end_date": day})
            path = "/v1/imports?kind=consumption"
            return ROWS / server.seconds((tenant, path, json.dumps(items)))

        many()
        server.rate(requests, 2)
        say(f"{ROWS} bills in a request")
        measured = interleaved({"many": many, "single": partial(server.rate, requests, 3)}, rounds)
    theirs = ("one by one", measured["single"])
    yield compare(f"{ROWS:,} bills in one request", "rows/s", measured["many"], theirs, "≥ 30")


def statements(tenant: Tenant) -> Row:
    """What a POST sends to the database, without BEGIN and COMMIT and what brackets savepoints."""
    client = Client(headers=tenant.headers, SERVER_NAME="127.0.0.1")
    for number in range(2):
        with CaptureQueriesContext(connection) as captured:
            sent = {**body(tenant.facilities[0], number), "external_id": f"S-{number}"}
            answer = client.post("/v1/consumptions", sent, content_type="application/json")
        assert answer.status_code == 201, answer.content
    brackets = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
    count = sum(not one["sql"].startswith(brackets) for one in captured.captured_queries)
    return Row("statements of a POST", str(count), "", count, f"≤ {STATEMENTS}", "counted")


def flat(quick: bool) -> Iterator[Row]:
    """A POST at a facility of very many bills against one at a facility of few."""
    [tenant] = [editor(one) for one in tenants(1, 2)]
    many, few = tenant.facilities
    large = SMALLER if quick else LARGE
    say(f"storing one facility with {large} bills")
    history(tenant, [many], large)
    history(tenant, [few], HISTORY)
    settle()
    rounds = 15 if quick else 40
    with serving("ours") as server:

        def seconds(facility: UUID) -> float:
            return server.seconds((tenant, "/v1/consumptions", json.dumps(body(facility))))

        for _ in range(10):
            seconds(many), seconds(few)
        measured = interleaved(
            {"many": partial(seconds, many), "few": partial(seconds, few)}, rounds
        )
    ratios = [one / other for one, other in zip(measured["many"], measured["few"], strict=True)]
    yield Row(
        f"POST at a facility of {large:,} bills, times one at a facility of {HISTORY}",
        figure(median(measured["many"]) * 1000, "ms"),
        f"{HISTORY} bills: {figure(median(measured['few']) * 1000, 'ms')}",
        median(measured["many"]) / median(measured["few"]),
        "≤ 1.5",
        f"{min(ratios):.2f} … {max(ratios):.2f}",
    )
