"""The wall in the database: whose rows a connection may see and write, kept by PostgreSQL itself.

Every table with an `organization_id` has a policy of row-level security, forced on its owner too.
It lets through the rows of the organizations that the connection names in the setting
`facilities.rows_of`: none at first. The statement that authenticates a request names its
organization (organizations.access.authentication); commands, the worker and superusers in the admin
say that they see everybody's. So a query that forgets its organization never answers another's.

The setting is a session's, which a pool would hand on. A connection that comes from the pool is
therefore told before its first statement whose rows it may see, unless that statement is the one
that authenticates; see DatabaseWrapper.

SQLite has no such wall.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.core.checks import Info, Tags, register
from django.db import DatabaseError, connection
from django.db.migrations.operations.base import Operation

NOBODY, EVERYBODY = "", "everybody"
UNASKED = "unasked"
"""The next statement says itself whose rows it is for."""

SETTING = "facilities.rows_of"

ROWS_OF: ContextVar[str | None] = ContextVar("ROWS_OF", default=None)
"""Whose rows are seen here; None is what the process sees by itself."""

PROCESS = {"rows_of": NOBODY}

VISIBLE = f"""
(SELECT current_setting('{SETTING}', true)) = '{EVERYBODY}' OR {{column}} = ANY ((
    SELECT CASE WHEN current_setting('{SETTING}', true) LIKE '{{{{%}}}}'
    THEN current_setting('{SETTING}', true)::uuid[] END
)::uuid[])
"""
"""In sub-selects, so that the setting is read once for a query: read for every row, it makes a sum
over a million rows three times as slow."""

VISIBLE_TO_SHARDS = f"""
current_setting('{SETTING}', true) = '{EVERYBODY}' OR {{column}} = ANY (
    NULLIF(replace(current_setting('{SETTING}', true), '{EVERYBODY}', '{{{{}}}}'), '')::uuid[]
)
"""
"""The same without sub-selects, which Citus does not take in a policy. It works parts of it out on
the coordinator, each by itself, so that no part may fail, whatever the setting."""

BOUND = """
SELECT NOT (rolsuper OR rolbypassrls), EXISTS (SELECT FROM pg_extension WHERE extname = 'citus')
FROM pg_roles WHERE rolname = current_user
"""


def process_sees_everybody() -> None:
    """For commands and the worker: what they do is everybody's."""
    PROCESS["rows_of"] = EVERYBODY


def rows_of() -> str:
    """Whose rows the connection of this thread may see, as `SETTING` has it."""
    scope = ROWS_OF.get()
    return PROCESS["rows_of"] if scope is None else scope


@contextmanager
def seeing(scope: str) -> Iterator[None]:
    """Inside, these rows are seen: `NOBODY`'s, `EVERYBODY`'s or those of `organizations()`."""
    token = ROWS_OF.set(scope)
    try:
        yield
    finally:
        ROWS_OF.reset(token)


def is_told_by_statements() -> bool:
    """Whether the statement that authenticates can say for the next ones whose rows are seen."""
    backend: Any = connection
    return backend.vendor == "postgresql" and backend.keeps_its_session


@contextmanager
def authenticating() -> Iterator[None]:
    """For the one statement that finds out who is calling."""
    with seeing(UNASKED if is_told_by_statements() else EVERYBODY):
        yield


def organizations(ids: Iterable[UUID]) -> str:
    """The rows of some organizations."""
    return f"{{{','.join(map(str, ids))}}}"


def entered(organization_id: UUID) -> None:
    """The statement that authenticated this request has let it see one organization's rows."""
    scope = organizations([organization_id])
    ROWS_OF.set(scope)
    if is_told_by_statements():
        backend: Any = connection
        backend.told = scope


def keep_while_streamed(response: Any) -> None:
    """What is read while it is sent is seen as it was when the answer was made."""
    if response.streaming and not response.is_async:
        response.streaming_content = _streamed(response.streaming_content, rows_of())


def _streamed(content: Iterable[bytes], scope: str) -> Iterator[bytes]:
    with seeing(scope):
        yield from content


class Walled(Operation):
    """Puts the wall around tables; `shared` ones show rows without an organization to everybody."""

    reversible = True

    def __init__(self, *tables: str, column: str = "organization_id", shared: bool = False) -> None:
        self.tables, self.column, self.shared = tables, column, shared

    def state_forwards(self, app_label: str, state: Any) -> None:
        """No model differs."""

    def database_forwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        for table in self.tables:
            for sql in (
                *policy(table, self.column, shared=self.shared),
                f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
                f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
            ):
                schema_editor.execute(sql, params=None)

    def database_backwards(self, app_label: str, schema_editor: Any, *args: Any) -> None:
        if schema_editor.connection.vendor != "postgresql":
            return
        for table in self.tables:
            for sql in (
                f'ALTER TABLE "{table}" NO FORCE ROW LEVEL SECURITY',
                f'ALTER TABLE "{table}" DISABLE ROW LEVEL SECURITY',
                f'DROP POLICY IF EXISTS wall ON "{table}"',
            ):
                schema_editor.execute(sql, params=None)

    def describe(self) -> str:
        return f"Row-level security on {', '.join(self.tables)}"


def policy(table: str, column: str, *, shared: bool, visible: str = VISIBLE) -> list[str]:
    """The statements that make a table's policy anew."""
    written = visible.format(column=f'"{column}"')
    seen = f'"{column}" IS NULL OR {written}' if shared else written
    return [
        f'DROP POLICY IF EXISTS wall ON "{table}"',
        f'CREATE POLICY wall ON "{table}" USING ({seen}) WITH CHECK ({written})',
    ]


UNWALLED = """
SELECT c.relname::text FROM pg_class AS c
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'organization_id' AND NOT attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = current_schema()::regnamespace
AND NOT (c.relrowsecurity AND c.relforcerowsecurity AND EXISTS (
    SELECT 1 FROM pg_policy WHERE polrelid = c.oid
))
ORDER BY 1
"""


def unwalled() -> list[str]:
    """PostgreSQL: the tables of organizations that have no wall."""
    with connection.cursor() as cursor:
        cursor.execute(UNWALLED)
        return [name for (name,) in cursor.fetchall()]


_bound: dict[str, tuple[bool, bool]] = {}


def is_bound() -> bool:
    """Whether the wall holds for the role that this process connects as."""
    return connection.vendor == "postgresql" and _looked_up()[0]


def is_on_shards() -> bool:
    """Whether the wall stands on the shards of a Citus cluster, too."""
    return connection.vendor == "postgresql" and _looked_up()[1]


def _looked_up() -> tuple[bool, bool]:
    role = connection.settings_dict["USER"]
    if role not in _bound:
        with connection.cursor() as cursor:
            cursor.execute(BOUND)
            _bound[role] = cursor.fetchone()
    return _bound[role]


@register(Tags.security, deploy=True)
def role_may_pass(app_configs: Any, **kwargs: Any) -> list[Info]:
    """Says when the wall does not hold for the role that the service connects as."""
    if connection.vendor != "postgresql":
        return []
    try:
        if is_bound():
            return []
    except DatabaseError:
        return []  # whether it is there is another question
    return [
        Info(
            f"The role {connection.settings_dict['USER']} is not bound by row-level security: it is"
            " a superuser or has BYPASSRLS.",
            hint="Let the service connect as another role: docs/operations.md, “Two roles”.",
            id="organizations.I001",
        )
    ]
