"""Several queries that see the database at one moment."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import transaction

from organizations.database.replicas import reader


@contextmanager
def one_snapshot() -> Iterator[None]:
    """What is read inside is of one moment, whatever others commit meanwhile.

    A figure and its parts that are read one after the other add up. Nothing may be written inside.
    In a transaction that has begun already, its own isolation holds.
    """
    connection = reader()
    if connection.in_atomic_block:
        yield
    elif connection.vendor == "postgresql":
        with transaction.atomic(using=connection.alias):
            with connection.cursor() as cursor:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield
    else:
        # Django's own transactions take SQLite's write lock at once (see settings).
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
