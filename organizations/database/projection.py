"""A serializer's answer as one SQL expression, so that the database writes the JSON itself.

The serializer stays the one list of the fields: each of its fields says beside `to_representation`
what the database writes for it (`in_database`). Where one cannot, there is no expression and the
serializer answers. The bytes are the same; a test feeds both random rows.

PostgreSQL knows what a column is. SQLite has text and whole numbers alone, so there an expression
says how they are read: an id has no hyphens, a decimal is scaled, a moment has a blank inside.
"""

from functools import cache
from typing import Any

from django.db.models import F, Func, Subquery, TextField


class NullIfBlank(Func):
    """Text, or null for ""."""

    template = "NULLIF(%(expressions)s, '')"


class Trimmed(Func):
    """A number without trailing zeros."""

    function = "trim_scale"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        """From the whole number that a decimal of at most 18 digits is stored as."""
        stored: Any = self.source_expressions[0].output_field
        places = stored.decimal_places
        digits = f"abs(%(expressions)s) / {10**places}"
        decimals = f"abs(%(expressions)s) %%%% {10**places}"
        number = (
            "iif(%(expressions)s < 0, '-', '') || rtrim(rtrim("
            f"printf('%%%%d.%%%%0{places}d', {digits}, {decimals}), '0'), '.')"
        )
        template = f"json(iif(%(expressions)s IS NULL, 'null', {number}))"
        return self.as_sql(compiler, connection, template=template, **context)


class UTCText(Func):
    """A moment as ISO 8601 in UTC: microseconds in six digits, or none where there are none."""

    template = (
        "replace(to_char(%(expressions)s AT TIME ZONE 'UTC', "
        """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '')"""
    )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "replace(%(expressions)s, ' ', 'T') || 'Z'"
        return self.as_sql(compiler, connection, template=template, **context)


class Hyphenated(Func):
    """A UUID as it is written."""

    template = "%(expressions)s"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        parts = ((1, 8), (9, 4), (13, 4), (17, 4), (21, 12))
        template = " || '-' || ".join(f"substr(%(expressions)s, {a}, {n})" for a, n in parts)
        return self.as_sql(compiler, connection, template=template, **context)


class Split(Func):
    """Text that is separated by commas, as an array."""

    template = "string_to_array(%(expressions)s, ',')"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        quoted = """'["' || replace(%(expressions)s, ',', '","') || '"]'"""
        template = f"json(iif(%(expressions)s = '', '[]', {quoted}))"
        return self.as_sql(compiler, connection, template=template, **context)


class Listed(Subquery):
    """The texts of a query of one column, as an array in its order."""

    template = "ARRAY(%(subquery)s)"

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        template = "json((SELECT json_group_array(text) FROM (%(subquery)s)))"
        return self.as_sql(compiler, connection, template=template, **context)


class JSONRow(Func):
    """Named expressions on a row as the text of one JSON object, in their order."""

    template = "(SELECT row_to_json(item) FROM (SELECT %(expressions)s) AS item(%(names)s))::text"
    output_field = TextField()

    def __init__(self, **columns: Any) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        self.names = list(columns)
        super().__init__(*columns.values(), names=names)

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> Any:
        parts, params = [], []
        for name, expression in zip(self.names, self.source_expressions, strict=True):
            sql, its = compiler.compile(expression)
            parts.append(f"'{name}', {sql}")
            params += its
        return f"json_object({', '.join(parts)})", params


def json_row(serializer: Any) -> JSONRow | None:
    """The expression of what a serializer answers; None where the database cannot write it."""
    return _json_row(serializer)


@cache
def _json_row(serializer: Any) -> JSONRow | None:
    columns: dict[str, Any] = {}
    for name, field in serializer().fields.items():
        if not field.write_only:
            if not hasattr(field, "in_database"):
                return None
            columns[name] = field.in_database(F(field.source))
    return JSONRow(**columns)
