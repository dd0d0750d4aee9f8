"""Emptying the test database after a test whose transactions really commit.

Django's own way, `flush`, writes over every table and makes permissions and content types anew: two
seconds on PostgreSQL. Here only what holds rows is emptied, and the published factors are loaded
again only where a test has changed them.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import connection, models, transaction

from emissions.models import EmissionFactor, FactorSource, ShippedRow
from organizations.models import Organization, User
from tests.written_once import lifted

PUBLISHED: tuple[type[models.Model], ...] = (FactorSource, EmissionFactor, ShippedRow)
KEPT = {ContentType, Permission, Group, User, Organization, *PUBLISHED}
"""Made once, or referred to by what is: the rows that a test added are deleted, not all."""

MANY_TO_MANY = (User.groups.through, User.user_permissions.through, Group.permissions.through)
THROWN_AWAY = [
    model
    for model in apps.get_models(include_auto_created=True)
    if model not in KEPT and model not in MANY_TO_MANY and model._meta.managed
]

_published: list[list[Any]] = []
_fingerprints: list[int] = []


def remember() -> None:
    """The published factors, as they were loaded."""
    _published[:] = [list(model._default_manager.all()) for model in PUBLISHED]
    _fingerprints[:] = map(fingerprint, PUBLISHED)


def empty() -> None:
    """Leaves the published factors, content types and permissions, and nothing else."""
    with transaction.atomic(), lifted():
        tables = [model._meta.db_table for model in THROWN_AWAY if holds_rows(model)]
        with connection.cursor() as cursor:
            if tables and connection.vendor == "postgresql":
                cursor.execute(f"TRUNCATE {', '.join(tables)} CASCADE")
            else:
                for table in tables:
                    cursor.execute(f"DELETE FROM {table}")
        delete(EmissionFactor.objects.exclude(organization=None))
        delete_all(*MANY_TO_MANY, Group, User, Organization)
        if not published_as_loaded():
            delete_all(*reversed(PUBLISHED))
            for model, rows in zip(PUBLISHED, _published, strict=True):
                model._default_manager.bulk_create(rows)


def holds_rows(model: type[models.Model]) -> bool:
    return model._base_manager.exists()


def delete(rows: Any) -> None:
    """In the database alone: without signals, and really."""
    rows._raw_delete(rows.db)


def delete_all(*of: type[models.Model]) -> None:
    for model in of:
        delete(model._default_manager.all())


def published_as_loaded() -> bool:
    """Whether every published row is what it was."""
    return [fingerprint(model) for model in PUBLISHED] == _fingerprints


def fingerprint(model: type[models.Model]) -> int:
    """Of all rows as the database has them: Django would take its time to make them its own."""
    whole = "*" if connection.vendor == "sqlite" else "t::text"
    table, key = model._meta.db_table, model._meta.pk.column
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {whole} FROM {table} AS t ORDER BY {key}")
        return hash(tuple(cursor.fetchall()))
