"""Connections on which a statement of a request has a limit, kept by the client.

`statement_timeout` would be the server's: one that hangs does not keep it, and behind a pooler that
gives connections away (PgBouncer) it would stay for whoever gets this one next. So the client looks
at the clock, asks the server to cancel, and lets go of a server that does not even do that.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from time import monotonic
from typing import Any

import psycopg
from psycopg.waiting import READY_NONE

LIMIT: ContextVar[int | None] = ContextVar("LIMIT", default=None)
"""Seconds that one statement may take; None is for ever: commands, migrations and the worker, which
sets none, and every thread that a request starts."""

LONG_JOB = 24 * 60 * 60
"""Seconds for a statement of a long job in a request: as long as the server is there."""

DOUBT = 1
"""Seconds without an answer after which it is found out whether the server is still there."""

GRACE = 1
"""Seconds that a server has to cancel what took too long."""

COMMITS: ContextVar[list[bool] | None] = ContextVar("COMMITS", default=None)
"""Gets an item for every transaction that was stored, while a request watches."""

ROLLED_BACK = {"40001", "40P01"}
"""A COMMIT that fails with these has stored nothing; after any other failure nobody knows."""


class NotAnswering(psycopg.OperationalError):
    """The server did not answer in time, and the connection is closed."""


class OutcomeUnknown(psycopg.OperationalError):
    """The connection was lost while a transaction was being stored: it may be stored, or not."""


@contextmanager
def limited(seconds: int | None) -> Iterator[None]:
    """Every statement inside may take so long. None: for ever."""
    token = LIMIT.set(seconds)
    try:
        yield
    finally:
        LIMIT.reset(token)


@contextmanager
def long_job() -> Iterator[None]:
    """A statement inside may take as long as it needs, but no longer than the server answers.

    Where there was no limit, as in commands, there is none inside either.
    """
    with limited(None if LIMIT.get() is None else LONG_JOB):
        yield


class Resumed:
    """A generator of psycopg that was left waiting, to be waited for again."""

    def __init__(self, generator: Any) -> None:
        self.send = generator.send

    def __next__(self) -> Any:
        return self.send(READY_NONE)


class Connection(psycopg.Connection[Any]):
    """A connection that keeps `LIMIT`, and knows what it does not know about a COMMIT."""

    def wait(self, gen: Any, interval: Any = 0.1, timeout: Any = None) -> Any:
        """Waits for an answer. Raises QueryCanceled where it took longer than `LIMIT`, and
        NotAnswering where the server is not there any more."""
        limit = LIMIT.get()
        if limit is None or timeout is not None:
            return super().wait(gen, interval, timeout)
        deadline = monotonic() + limit
        outage = getattr(getattr(self, "_pool", None), "outage", None)
        while True:
            try:
                return super().wait(gen, interval, max(0, min(DOUBT, deadline - monotonic())))
            except psycopg.errors._WaitTimeout:
                gen = Resumed(gen)
            if outage is not None:
                if outage.known:
                    self._let_go()
                outage.suspect()
            if monotonic() >= deadline:
                return self._cancelled(gen, interval)

    def _cancelled(self, gen: Any, interval: Any) -> Any:
        try:
            self.cancel_safe(timeout=GRACE)
        except psycopg.Error:
            return self._let_go()
        with suppress(psycopg.errors._WaitTimeout):
            return super().wait(gen, interval, GRACE)
        return self._let_go()

    def _let_go(self) -> Any:
        self.pgconn.finish()
        raise NotAnswering("the server does not answer")

    def commit(self) -> None:
        try:
            super().commit()
        except psycopg.OperationalError as error:
            if error.sqlstate in ROLLED_BACK:
                raise
            raise OutcomeUnknown(f"lost while it was being stored: {error}") from error
        if (commits := COMMITS.get()) is not None:
            commits.append(True)
