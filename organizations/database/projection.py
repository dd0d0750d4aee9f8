"""A serializer's answer as one SQL expression, so that PostgreSQL writes the JSON itself.

The serializer stays the one list of the fields: each of its fields says beside `to_representation`
what the database writes for it (`in_database`). Where one cannot, or on SQLite, there is no
expression and the serializer answers. The bytes are the same; a test feeds both random rows.
"""

from functools import cache
from typing import Any

from django.db import connection
from django.db.models import F, Func, TextField


class NullIfBlank(Func):
    """Text, or null for ""."""

    template = "NULLIF(%(expressions)s, '')"


class Trimmed(Func):
    """A number without trailing zeros."""

    function = "trim_scale"


class UTCText(Func):
    """A moment as ISO 8601 in UTC: microseconds in six digits, or none where there are none."""

    template = (
        "replace(to_char(%(expressions)s AT TIME ZONE 'UTC', "
        """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000', '')"""
    )


class Split(Func):
    """Text that is separated by commas, as an array."""

    template = "string_to_array(%(expressions)s, ',')"


class JSONRow(Func):
    """Named expressions on a row as the text of one JSON object, in their order."""

    template = "(SELECT row_to_json(item) FROM (SELECT %(expressions)s) AS item(%(names)s))::text"
    output_field = TextField()

    def __init__(self, **columns: Any) -> None:
        names = ", ".join(f'"{name}"' for name in columns)
        super().__init__(*columns.values(), names=names)


def json_row(serializer: Any) -> JSONRow | None:
    """The expression of what a serializer answers; None where the database cannot write it."""
    return _json_row(serializer) if connection.vendor == "postgresql" else None


@cache
def _json_row(serializer: Any) -> JSONRow | None:
    columns: dict[str, Any] = {}
    for name, field in serializer().fields.items():
        if not field.write_only:
            if not hasattr(field, "in_database"):
                return None
            columns[name] = field.in_database(F(field.source))
    return JSONRow(**columns)
