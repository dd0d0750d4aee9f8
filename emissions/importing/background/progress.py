"""How far what the worker does is, written beside its transaction."""

from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from time import monotonic

from django.db import connections
from django.db.models import QuerySet

from organizations.importing.progress import Quiet

SECONDS_BETWEEN = 0.5


class Written(Quiet):
    """Writes the percentage into the row that is worked on, by a thread with a connection of its
    own: nobody else would see it in the import's own transaction before that ends."""

    def __init__(self, row: QuerySet, total: int) -> None:
        self._row, self._total, self._done = row, total, 0
        self._last = 0.0
        self._threads = ThreadPoolExecutor(max_workers=1)
        self._writing: Future[None] | None = None

    def __exit__(self, *error: object) -> None:
        self._threads.shutdown()

    def advance(self, rows: int) -> None:
        self._done += rows
        now = monotonic()
        free = self._writing is None or self._writing.done()
        if free and now - self._last >= SECONDS_BETWEEN:
            self._last = now
            percent = min(99, 100 * self._done // max(self._total, 1))
            self._writing = self._threads.submit(copy_context().run, self._write, percent)

    def _write(self, percent: int) -> None:
        try:
            self._row.all().update(progress=percent)
        finally:
            connections.close_all()
