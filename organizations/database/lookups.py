"""A long list of ids or codes as one parameter."""

from typing import Any

from django.db import models
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In


class AnyOf(In):
    """`any_of`: what `in` means, as `= ANY(array)` on PostgreSQL.

    `in` gives each value a placeholder of its own, which for thousands of them costs more than
    finding the rows.
    """

    lookup_name = "any_of"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, list(self.rhs)]


class RelatedAnyOf(RelatedIn):
    """The same for a foreign key."""

    lookup_name = "any_of"

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} = ANY(%s)", [*params, list(self.rhs)]


def register() -> None:
    models.CharField.register_lookup(AnyOf)
    models.UUIDField.register_lookup(AnyOf)
    models.ForeignKey.register_lookup(RelatedAnyOf)
