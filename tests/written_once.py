"""Taking the guards of tables away, as their owner may: to damage rows, and to empty a database."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import connection

from organizations.database.guards import guarding, lifting
from organizations.models import Organization
from tests import citus

GUARDED = [model for model in apps.get_models() if hasattr(model, "CLOSED_BY")]


@contextmanager
def lifted() -> Iterator[None]:
    """Rows that are written once may be changed inside, and not after it."""
    if citus.wanted():
        run(["SET LOCAL citus.enable_unsafe_triggers = on"])  # workers are told so too
        run(["SET LOCAL citus.multi_shard_modify_mode = 'sequential'"])
    run(sql for model in GUARDED for sql in lifting(connection, model._meta.db_table))
    try:
        yield
    finally:
        # PostgreSQL's trigger says so itself, but in a transaction that has passed the gate.
        Organization.objects.update(subtotals_kept=False)
        run(
            sql
            for model in GUARDED
            for sql in guarding(connection, model._meta.db_table, model.CLOSED_BY)
        )


def run(statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for sql in statements:
            cursor.execute(sql)
