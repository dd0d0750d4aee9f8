"""The backend that settings name, in the module where Django looks for it."""

from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base

from organizations.database.postgresql.connections import Connection
from organizations.database.postgresql.pool import Pool


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's own, with our pool of our connections."""

    _connection_pools: dict[str, Pool]  # which the stubs do not know
    _configure_connection: Any

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
