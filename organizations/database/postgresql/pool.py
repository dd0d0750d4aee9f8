"""The pool: it hands out no dead connection, and while the server is away it says so at once."""

import logging
import select
import threading
import time
from collections.abc import Callable
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from organizations.database.postgresql.connections import LIMIT, NotAnswering

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT = 2
"""Seconds after which a server that does not answer a new connection is away."""

BETWEEN_TRIES = 0.5
PATIENCE = 1
"""Seconds that a request waits for a connection before it looks whether the server is there."""

REFUSED = "FATAL"
"""What a server says to a connection that it does not take: it is there, but full or starting."""


class Outage:
    """Whether the server is away. One thread finds out, while somebody has reason to doubt it.

    What waits for a statement asks `known` now and then; what has not begun does not begin. A
    primary that is full or starting is there, and waited for; a replica is not.
    """

    def __init__(self, connect: Callable[[], Any], replica: str) -> None:
        self.known = False
        self.looking = False
        self._connect = connect
        self._replica = replica
        self._name = replica or "database"
        self._lock = threading.Lock()

    def suspect(self) -> None:
        """Finds out in a thread of its own, and goes on until the server is back."""
        with self._lock:
            if self.looking:
                return
            self.looking = True
        threading.Thread(target=self._look, name="outage", daemon=True).start()

    def _look(self) -> None:
        try:
            while self._away():
                if not self.known:
                    logger.error("The %s does not answer.", self._name)
                self.known = True
                time.sleep(BETWEEN_TRIES)
            if self.known:
                logger.warning("The %s is back.", self._name)
        finally:
            self.known = False
            with self._lock:
                self.looking = False

    def _away(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            return bool(self._replica) or REFUSED not in str(error)
        return False


class Pool(ConnectionPool[Any]):
    """psycopg's pool. A connection that has died in it is replaced before anybody gets it."""

    def __init__(self, *, replica: str = "", **options: Any) -> None:
        super().__init__(**options)
        self.outage = Outage(self._try, replica)

    def getconn(self, timeout: Any = None) -> Any:
        """A living connection. Raises PoolTimeout, or NotAnswering once the server is known to be
        away; commands, which have no `LIMIT`, wait to the end in both cases."""
        limit = LIMIT.get()
        seconds = self.timeout if timeout is None else timeout
        deadline = time.monotonic() + (seconds if limit is None else min(seconds, limit))
        while True:
            if limit is not None and self.outage.known:
                raise NotAnswering("the server does not answer")
            left = deadline - time.monotonic()
            try:
                connection = super().getconn(max(0, min(PATIENCE, left)))
            except PoolTimeout:
                if left <= PATIENCE:
                    raise
                self.outage.suspect()
                continue
            if alive(connection):
                return connection
            connection.close()
            self.putconn(connection)

    def _connect(self, timeout: Any = None) -> Any:
        try:
            return super()._connect(timeout)
        except psycopg.OperationalError:
            self.outage.suspect()
            raise

    def _try(self) -> Any:
        parameters: Any = {**self._resolve_kwargs(), "connect_timeout": CONNECT_TIMEOUT}
        return psycopg.Connection.connect(**parameters)


def alive(connection: Any) -> bool:
    """Whether nothing has come on an idle connection: what a server says unasked is a farewell.

    It costs no round trip, as a statement would. A server that hangs says nothing; `LIMIT` is for
    that.
    """
    if connection.closed:
        return False
    waiting = select.poll()
    waiting.register(connection.fileno(), select.POLLIN)
    return not waiting.poll(0)
