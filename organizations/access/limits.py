"""How many requests one key, one person and one address may send in a minute.

All processes share one count, a row of the database for each. So that not every request writes to
it, a process takes a share of the minute's quota at once and spends it in memory: no more than the
quota is ever let through, and a caller is refused early by at most the shares that other processes
hold. SQLite has one writer at a time, which a reader must not wait for; there the count is the
process's own, of which `make run` has one.

The headers are those of draft-ietf-httpapi-ratelimit-headers-10.
"""

import math
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest
from rest_framework.exceptions import Throttled
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle

from organizations.models import RequestCount
from organizations.tenancy import Caller

WINDOW = 60
"""Seconds that a quota is for."""

SHARES = 50
"""A process takes one in so many of a quota at once."""

REMEMBERED = 10_000
"""Callers that a process keeps the count of."""


@dataclass
class Count:
    """What a process knows of one caller in one minute."""

    minute: int = 0
    in_hand: int = 0
    """Requests that this process may still let through without asking the database."""

    left: int = 0
    """Requests of the quota that nobody had taken when it last asked."""

    lock: threading.Lock = field(default_factory=threading.Lock)


@dataclass(frozen=True)
class Standing:
    """Where a caller stands: the name of the limit, its quota, what is left, seconds until anew."""

    name: str
    quota: int
    left: int
    seconds: int


def headers(request: HttpRequest) -> dict[str, str]:
    """What the answer to a request says of every limit that it was counted for."""
    standings: list[Standing] = getattr(request, "standings", [])
    if not standings:
        return {}
    policies = (f'"{one.name}";q={one.quota};w={WINDOW}' for one in standings)
    remaining = (f'"{one.name}";r={one.left};t={one.seconds}' for one in standings)
    return {"RateLimit-Policy": ", ".join(policies), "RateLimit": ", ".join(remaining)}


class Limit:
    """A quota of requests a minute for each caller of one kind; 0 is no limit."""

    def __init__(self, name: str, setting: str) -> None:
        self.name, self._setting = name, setting
        self._counts: OrderedDict[str, Count] = OrderedDict()
        self._lock = threading.Lock()

    def spend(self, request: HttpRequest, who: str) -> None:
        """Counts one request of a caller. Raises Throttled (429) when its quota is spent."""
        quota: int = getattr(settings, self._setting)
        if not quota:
            return
        now = time.time()
        minute, seconds = int(now // WINDOW), math.ceil(WINDOW - now % WINDOW)
        count = self._count(who)
        with count.lock:
            if count.minute != minute:
                count.minute, count.in_hand, count.left = minute, 0, quota
            if not count.in_hand and count.left:
                self._take(count, who, quota)
            allowed = count.in_hand > 0
            count.in_hand -= allowed
            standing = Standing(self.name, quota, count.in_hand + count.left, seconds)
        before: list[Standing] = getattr(request, "standings", [])
        request.standings = [*before, standing]  # type: ignore[attr-defined]
        if not allowed:
            what = f"{quota} requests a minute are allowed for one {self.name}"
            raise Throttled(wait=seconds, detail=f"{what}; wait {seconds} seconds.")

    def _count(self, who: str) -> Count:
        with self._lock:
            count = self._counts.setdefault(who, Count())
            self._counts.move_to_end(who)
            if len(self._counts) > REMEMBERED:
                self._counts.popitem(last=False)
            return count

    def _take(self, count: Count, who: str, quota: int) -> None:
        """Takes a share of what is left; where no count is shared, all that one process may."""
        count.in_hand, count.left = quota, 0
        if connection.vendor != "postgresql":
            return
        share = max(1, quota // SHARES)
        try:
            taken = RequestCount.take(f"{self.name} {who}", count.minute, share)
        except DatabaseError:
            if connection.connection is None:
                raise  # there was none to be had: the view would wait as long for one again
            return  # the view finds that too, and says so
        count.in_hand = max(0, min(share, quota - taken + share))
        count.left = max(0, quota - taken)


ADDRESS = Limit("address", "REQUESTS_PER_ADDRESS")
KEY = Limit("key", "REQUESTS_PER_KEY")


def address_of(request: HttpRequest) -> str:
    """The sender's address: behind TRUSTED_PROXIES proxies, what the outermost of them wrote.

    Each proxy adds the address it was called from at the end of X-Forwarded-For; what stands
    before that may have been made up by the sender.
    """
    proxies: int = settings.TRUSTED_PROXIES
    if proxies:
        chain = request.headers.get("x-forwarded-for", "").split(",")
        return chain[-min(proxies, len(chain))].strip() or request.META["REMOTE_ADDR"]
    return request.META.get("REMOTE_ADDR", "")


class PerKey(BaseThrottle):
    """Counts a request of the API by its key or, with a token, its person."""

    def allow_request(self, request: Request, view: Any) -> bool:
        if isinstance(request.user, Caller):
            KEY.spend(request._request, str(request.user.pk))
        return True
