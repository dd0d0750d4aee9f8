"""For which organization the statements here are, and which column of a table says whose a row is.

A request of the API is for one organization, an import and a lot of a recalculation too. Statements
that Django's ORM writes for PostgreSQL then name that organization by themselves (the compiler of
organizations.database.postgresql), whatever they ask: a row by its id, what belongs to it, what is
joined to it. On one server that changes nothing: whose rows they are, the wall says too. On Citus
it is how a statement finds the one shard that has these rows (docs/scale.md).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.apps import apps
from django.db import models

from organizations.database import wall

Organizations = tuple[UUID, ...]

ABOUT: ContextVar[Organizations | None] = ContextVar("ABOUT", default=None)
"""None: those whose rows the wall lets this thread see. Empty: statements name nobody."""


@contextmanager
def about(organization_id: UUID | None) -> Iterator[None]:
    """Inside, statements are for one organization, or for nobody in particular."""
    token = ABOUT.set(() if organization_id is None else (organization_id,))
    try:
        yield
    finally:
        ABOUT.reset(token)


def named() -> Organizations:
    """The organizations that statements name here; empty where they may be about everybody."""
    here = ABOUT.get()
    return _listed(wall.rows_of()) if here is None else here


@lru_cache(maxsize=1000)
def _listed(scope: str) -> Organizations:
    """The ids in what `wall.organizations()` has written."""
    if not scope.startswith("{"):
        return ()
    return tuple(map(UUID, filter(None, scope[1:-1].split(","))))


@cache
def owners() -> dict[str, models.Field]:
    """Table → the column that says whose each row is, for every table with rows of organizations.

    Of organizations themselves it is the id.
    """
    fields: dict[str, models.Field] = {}
    for model in apps.get_models():
        every: Any = model._meta.concrete_fields
        for field in every:
            if field.attname == "organization_id":
                fields[model._meta.db_table] = field
                fields[field.related_model._meta.db_table] = field.target_field
    return fields


def shared(field: models.Field) -> bool:
    """Whether rows of nobody in the column's table are everybody's: published factors."""
    model: Any = field.model
    return bool(getattr(getattr(model, "instance_type", model), "PUBLISHED_TO_ALL", False))
