"""Writing in the background while the next rows are checked, in the same transaction."""

import sys
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from types import TracebackType
from typing import Self

from django.db import DEFAULT_DB_ALIAS, connection, connections

SWITCH_INTERVAL = 0.0002
"""Seconds. A thread that has waited for the server waits so long again for the one that checks; at
Python's usual 5 ms, some times for each megabyte, the server would be idle meanwhile."""


class BackgroundWriter:
    """Runs one job at a time on the caller's own connection, which nobody else may use meanwhile.

    On PostgreSQL a job is a thread's, because psycopg lets go of the interpreter while the server
    works; on SQLite it would only compete for it, and is run at once.
    """

    def __init__(self) -> None:
        self._job: Future[None] | None = None
        self._executor: ThreadPoolExecutor | None = None

    def __enter__(self) -> Self:
        if connection.vendor == "postgresql":
            mine = connections[DEFAULT_DB_ALIAS]
            mine.inc_thread_sharing()

            def share() -> None:
                connections[DEFAULT_DB_ALIAS] = mine

            self._executor = ThreadPoolExecutor(max_workers=1, initializer=share)
            self._interval = sys.getswitchinterval()
            sys.setswitchinterval(SWITCH_INTERVAL)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._executor:
            self._executor.shutdown()
            sys.setswitchinterval(self._interval)
            connections[DEFAULT_DB_ALIAS].dec_thread_sharing()

    def start(self, job: Callable[[], None]) -> None:
        """Runs a job after the one before. Raises what that one raised."""
        self.wait()
        if self._executor:
            self._job = self._executor.submit(copy_context().run, job)
        else:
            job()

    def wait(self) -> None:
        """Until the connection is the caller's again. Raises what the job raised."""
        if self._job:
            job, self._job = self._job, None
            job.result()
