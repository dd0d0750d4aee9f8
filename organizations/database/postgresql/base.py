"""The backend that settings name, in the module where Django looks for it."""

from typing import Any

from django.db import DEFAULT_DB_ALIAS
from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from organizations.database import wall
from organizations.database.postgresql.connections import Connection
from organizations.database.postgresql.pool import Pool

Django: Any = base.DatabaseWrapper  # of which the stubs know little


class Operations(Django.ops_class):
    """Django's own, but what it writes names the organizations that it is about."""

    compiler_module = "organizations.database.postgresql.compiler"


class DatabaseWrapper(Django):
    """Django's own, with our pool of our connections, each told whose rows it may see."""

    ops_class = Operations

    _connection_pools: dict[str, Pool]

    told: str | None = None
    """Whose rows the server lets this connection see (organizations.database.wall); None where that
    is not known: a connection of the pool may have been another request's."""

    def get_new_connection(self, conn_params: Any) -> Any:
        self.told = None
        return super().get_new_connection(conn_params)

    @property
    def keeps_its_session(self) -> bool:
        """Whether the next statement meets what the last has set: not behind a pooler that gives
        the session away after each transaction (DB_PREPARE=0)."""
        return self.settings_dict["OPTIONS"].get("prepare_threshold", 0) is not None

    def create_cursor(self, name: str | None = None) -> Any:
        scope = wall.rows_of()
        if scope == wall.UNASKED:
            self.told = None
            return super().create_cursor(name)
        # Not a SELECT: a transaction may still be told what it is to see of others.
        if self.keeps_its_session:
            self._tell(scope, f"SET {wall.SETTING} = '{scope}'")
            return super().create_cursor(name)
        telling = f"SET LOCAL {wall.SETTING} = '{scope}'"
        if self.in_atomic_block:
            self._tell(scope, telling)
            return super().create_cursor(name)
        return CursorOfATransaction(super().create_cursor(name), telling)

    def _tell(self, scope: str, telling: str) -> None:
        if scope != self.told:
            with self.connection.cursor() as cursor:
                cursor.execute(telling, prepare=False)
            self.told = scope

    def _commit(self) -> None:
        told, self.told = self.told, None  # what fails takes the setting back
        super()._commit()
        self.told = told if self.keeps_its_session else None

    def _rollback(self) -> None:
        self.told = None
        super()._rollback()

    def _savepoint_rollback(self, sid: str) -> None:
        super()._savepoint_rollback(sid)
        self.told = None

    @property
    def pool(self) -> Any:
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            pool = Pool(
                connection_class=Connection,
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,
                configure=self._configure_connection,
                replica="" if self.alias == DEFAULT_DB_ALIAS else self.alias,
                **options,
            )
            self._connection_pools.setdefault(self.alias, pool)
        return self._connection_pools[self.alias]


class CursorOfATransaction:
    """A cursor each of whose statements is a transaction that is first told whose rows it sees."""

    def __init__(self, cursor: Any, telling: str) -> None:
        self.cursor, self.telling = cursor, telling

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        with self.cursor.connection.transaction():
            self.cursor.execute(self.telling)
            self.cursor.execute(*args, **kwargs)
        return self

    def executemany(self, *args: Any, **kwargs: Any) -> None:
        with self.cursor.connection.transaction():
            self.cursor.execute(self.telling)
            self.cursor.executemany(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.cursor, name)

    def __iter__(self) -> Any:
        return iter(self.cursor)
