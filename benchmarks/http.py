"""`GET /v1/facilities` and `/v1/facilities/{id}` against the limit of this design (bare WSGI and
psycopg), stock DRF and FastAPI; pages and search.

All answer the same bytes: that is checked before anything is measured.
"""

import os
import random
from collections.abc import Iterator
from functools import partial
from statistics import median

from benchmarks.frame import Row, compare, figure, interleaved, say
from benchmarks.seed import Tenant, tenants
from benchmarks.servers import Request, Server, all_serving, serving

ORGANIZATIONS = 200
FACILITIES, FEWER = 1000, 250
"""In each; fewer in a quick run."""

HAVE_FILTERS = ("ours", "the limit")
CHOOSING = "country=ES&status=active&sort=-co2e"

LARGE = 200_000
"""Facilities of the one organization whose deep pages and search are measured."""

REQUIRED = {
    ("list of 50", "stock DRF"): "≥ 3",
    ("list of 50", "FastAPI"): "≥ 1.4",
    ("one", "stock DRF"): "≥ 7",
    ("one", "the limit"): "≥ 0.4",
    ("list of 50", "the limit"): "≥ 0.7",
    ("list of 50, filtered and sorted", "the limit"): "≥ 0.5",
    ("list of 50", "without row-level security"): "≥ 0.95",
    ("one", "without row-level security"): "≥ 0.95",
}


def rows(quick: bool) -> list[Row]:
    facilities = FEWER if quick else FACILITIES
    say(f"storing {ORGANIZATIONS} organizations with {facilities} facilities each")
    small = tenants(ORGANIZATIONS, facilities)
    made = list(rates(small, quick))
    say(f"storing one organization with {LARGE} facilities")
    [large] = tenants(1, LARGE)
    return [*made, *large_organization(large, quick)]


def rates(small: list[Tenant], quick: bool) -> Iterator[Row]:
    """Answers a second, against each rival."""
    chance = random.Random(1)
    requests: dict[str, list[Request]] = {
        "list of 50": [(tenant, "/v1/facilities?size=50") for tenant in small],
        "list of 50, filtered and sorted": [
            (tenant, f"/v1/facilities?size=50&{CHOOSING}") for tenant in small
        ],
        "one": [
            (tenant, f"/v1/facilities/{chance.choice(tenant.facilities)}")
            for tenant in small
            for _ in range(10)
        ],
    }
    seconds, rounds = (1, 3) if quick else (6, 5)
    unwalled = os.environ["UNWALLED_DATABASE_URL"]
    with all_serving() as servers, serving("ours", DATABASE_URL=unwalled) as without:
        servers["without row-level security"] = without
        for name, one in requests.items():
            asked = {
                who: server
                for who, server in servers.items()
                if "filtered" not in name or who in HAVE_FILTERS
            }
            check_same_bytes(asked, chance.sample(one, 20))
            for server in asked.values():
                server.rate(one, seconds)  # connections, caches and prepared statements are made
            say(name)
            measured = interleaved(
                {who: partial(server.rate, one, seconds) for who, server in asked.items()}, rounds
            )
            ours = measured.pop("ours")
            for rival, theirs in measured.items():
                required = REQUIRED.get((name, rival), "")
                yield compare(f"GET {name}", "requests/s", ours, (rival, theirs), required)


def check_same_bytes(servers: dict[str, Server], requests: list[Request]) -> None:
    """Everybody's answers to everything are equal, byte for byte."""
    for request in requests:
        answers = {name: server.get(request) for name, server in servers.items()}
        ours = answers.pop("ours")
        for name, theirs in answers.items():
            if theirs != ours:
                unequal = (
                    at for at, two in enumerate(zip(ours, theirs, strict=False)) if two[0] != two[1]
                )
                at = next(unequal, min(len(ours), len(theirs)))
                here = slice(max(0, at - 60), at + 60)
                raise RuntimeError(f"{request[1]}: {ours[here]!r}, {name} {theirs[here]!r}")


def large_organization(tenant: Tenant, quick: bool) -> Iterator[Row]:
    """The last page against the first; a search by name against one that no index helps.

    Under row-level security PostgreSQL does not use the index of names, and compares each name of
    the organization: a superuser's connection does.
    """
    rounds = 5 if quick else 15
    last = LARGE // 50
    no_wall = {"DATABASE_URL": os.environ["UNWALLED_DATABASE_URL"]}
    no_index = {**no_wall, "PGOPTIONS": "-c enable_bitmapscan=off"}
    with (
        serving("ours") as server,
        serving("ours", **no_wall) as indexed,
        serving("ours", **no_index) as bare,
    ):
        first = partial(server.seconds, (tenant, "/v1/facilities?size=50"))
        deep = partial(server.seconds, (tenant, f"/v1/facilities?size=50&page={last}"))
        search = (tenant, "/v1/facilities?size=50&name=7a1")
        for _ in range(5):
            first(), deep()
            for one in (server, indexed, bare):
                one.seconds(search)
        if len({one.get(search) for one in (server, indexed, bare)}) > 1:
            raise RuntimeError("a search answers otherwise without its index")
        measured = interleaved(
            {
                "first": first,
                "deep": deep,
                "search": partial(server.seconds, search),
                "indexed": partial(indexed.seconds, search),
                "bare": partial(bare.seconds, search),
            },
            rounds,
        )
    ratios = [deep / first for first, deep in zip(measured["first"], measured["deep"], strict=True)]
    yield Row(
        f"page {last:,} of {LARGE:,} facilities, times page 1",
        figure(median(measured["deep"]) * 1000, "ms"),
        f"page 1: {figure(median(measured['first']) * 1000, 'ms')}",
        median(ratios),
        "≤ 25",
        f"{min(ratios):.2f} … {max(ratios):.2f}",
    )
    yield compare(
        f"name contains, among {LARGE:,} facilities",
        "ms",
        [1000 * one for one in measured["indexed"]],
        ("without the index", [1000 * one for one in measured["bare"]]),
        "≥ 5",
        less_is_better=True,
    )
    yield compare(
        f"name contains, among {LARGE:,} facilities, under row-level security",
        "ms",
        [1000 * one for one in measured["search"]],
        ("without it", [1000 * one for one in measured["indexed"]]),
        less_is_better=True,
    )
