"""Where in the log of the primary a caller's last write was stored, so that no replica without it
answers them (organizations.database.replicas). Without replicas nothing is kept.

It is a row of the database, because the next request may reach another process or machine. It is
written when the write has been stored and before it is answered, and read by the statement that
authenticates.
"""

from uuid import UUID

from django.conf import settings
from django.db import connection, models

from organizations.database.statements import Compiled

POSITION = """
SELECT found.*,
    coalesce((SELECT position FROM organizations_lastwrite WHERE caller = {caller}), 0),
    CASE WHEN NOT pg_is_in_recovery()
    THEN ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::integer END,
    CASE WHEN NOT pg_is_in_recovery() THEN (pg_current_wal_lsn() - '0/0')::bigint END,
    statement_timestamp()
FROM ({found}) AS found
"""


class LastWrite(models.Model):
    """How far the log was when an API key or a person had written; PostgreSQL's alone."""

    caller = models.UUIDField(primary_key=True, help_text="The API key or the user.")
    position = models.BigIntegerField(help_text="Bytes of the log, from its beginning.")

    REMEMBER = """
        INSERT INTO organizations_lastwrite AS stored (caller, position)
        VALUES (%s, pg_current_wal_insert_lsn() - '0/0')
        ON CONFLICT (caller) DO UPDATE SET position = greatest(stored.position, excluded.position)
    """
    """The end of what has been written, on disk or not: a commit may not wait for the disk."""

    def __str__(self) -> str:
        return f"{self.caller} · {self.position}"

    @classmethod
    def remember(cls, caller: UUID) -> None:
        """Notes that what a caller has stored is in the log by now."""
        with connection.cursor() as cursor:
            cursor.execute(cls.REMEMBER, [caller])


def with_position(found: Compiled, caller: str, *params: UUID) -> Compiled:
    """A query for who is calling that says too what a replica must have (Position), where there
    are replicas. `caller` is their id in SQL, with its parameters."""
    if not settings.REPLICAS:
        return found
    sql = POSITION.format(caller=caller, found=found.sql)
    return found._replace(sql=sql, params=[*params, *found.params])
