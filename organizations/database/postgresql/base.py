"""The backend that settings name, in the module where Django looks for it."""

from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from organizations.database import wall
from organizations.database.postgresql.connections import Connection
from organizations.database.postgresql.pool import Pool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with our pool of our connections, each told whose rows it may see."""

    _connection_pools: dict[str, Pool]  # which the stubs do not know
    _configure_connection: Any

    told: str | None = None
    """Whose rows the server lets this connection see (organizations.database.wall); None where that
    is not known: a connection of the pool may have been another request's."""

    def get_new_connection(self, conn_params: Any) -> Any:
        self.told = None
        return super().get_new_connection(conn_params)

    def create_cursor(self, name: str | None = None) -> Any:
        scope = wall.rows_of()
        if scope == wall.UNASKED:
            self.told = None
        elif scope != self.told:
            # Not a SELECT: a transaction may still be told what it is to see of others.
            with self.connection.cursor() as cursor:
                cursor.execute(f"SET {wall.SETTING} = '{scope}'", prepare=False)
            self.told = scope
        return super().create_cursor(name)

    def _commit(self) -> None:
        told, self.told = self.told, None  # what fails takes the setting back
        super()._commit()
        self.told = told

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
                **options,
            )
            self._connection_pools.setdefault(self.alias, pool)
        return self._connection_pools[self.alias]
