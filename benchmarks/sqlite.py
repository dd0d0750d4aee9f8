"""The embedded default: a list against stock DRF on the same file, and a bill that costs the same
whatever the history of its facility."""

from collections.abc import Iterator
from functools import partial

from benchmarks.frame import Row, compare, interleaved, say
from benchmarks.http import check_same_bytes
from benchmarks.seed import tenants
from benchmarks.servers import Request, all_serving
from benchmarks.writes import flat

ORGANIZATIONS, FACILITIES = 50, 250


def rows(quick: bool) -> Iterator[Row]:
    yield lists(quick)
    yield from flat(quick)


def lists(quick: bool) -> Row:
    """Answers a second of `GET /v1/facilities?size=50`; the bytes are compared first."""
    say(f"storing {ORGANIZATIONS} organizations with {FACILITIES} facilities each")
    some = tenants(ORGANIZATIONS, FACILITIES)
    requests: list[Request] = [(tenant, "/v1/facilities?size=50") for tenant in some]
    seconds, rounds = (1, 3) if quick else (6, 5)
    with all_serving(["ours", "stock DRF"]) as servers:
        check_same_bytes(servers, requests[:20])
        for server in servers.values():
            server.rate(requests, seconds)  # connections and caches are made
        measured = interleaved(
            {who: partial(one.rate, requests, seconds) for who, one in servers.items()}, rounds
        )
    theirs = ("stock DRF on SQLite", measured["stock DRF"])
    return compare("GET list of 50 on SQLite", "requests/s", measured["ours"], theirs, "≥ 3")
