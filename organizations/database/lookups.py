"""Lookups: a long list as one parameter, and the condition of a partial index."""

from typing import Any

from django.db import models
from django.db.models.fields.related_lookups import RelatedIn
from django.db.models.lookups import In, Lookup


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


class IsSet(Lookup):
    """`is_set`: whether a text is not empty, written as the condition of a partial index is.

    SQLite uses such an index only where the query repeats its condition to the letter; with the
    empty text as a parameter it would read every row of the organization.
    """

    lookup_name = "is_set"
    prepare_rhs = False

    def as_sql(self, compiler: Any, connection: Any) -> Any:
        column, params = self.process_lhs(compiler, connection)
        return (f"NOT ({column} = '')" if self.rhs else f"({column} = '')"), params


def register() -> None:
    models.CharField.register_lookup(AnyOf)
    models.CharField.register_lookup(IsSet)
    models.UUIDField.register_lookup(AnyOf)
    models.ForeignKey.register_lookup(RelatedAnyOf)
