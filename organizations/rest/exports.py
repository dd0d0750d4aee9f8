"""Lists as tables: every row that the filters choose, in the columns that its import reads.

What is exported so and imported again says `unchanged`: numbers have all decimals of their column,
so that each proves how it is written, and text that a spreadsheet would take for a formula begins
with an apostrophe, which an import takes away again.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, ClassVar

from django.http.response import HttpResponseBase
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from organizations.rest.copies import Copied
from organizations.rest.escaping import harmless
from organizations.rest.filters import CURSOR, plain_names
from organizations.rest.tables import TABLES, table_response, wants_table


def exported(value: Any) -> str:
    """A value as a cell that its import reads as the same."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    text = "|".join(value) if isinstance(value, list) else value
    return "" if text is None else str(harmless(text))


class Exported(Copied):
    """`GET` of a list with `Accept: text/csv`, or XLSX's media type: all rows, no pages."""

    table_columns: ClassVar[Sequence[str]]
    """Those of the import."""

    def table_rows(self, queryset: Any) -> Iterable[Sequence[Any]]:
        """The values of the columns, row by row and in the order of the list."""
        raise NotImplementedError

    def get_renderers(self) -> list[BaseRenderer]:
        renderers: list[Any] = super().get_renderers()
        tables = TABLES if self.action in ("list", None) else ()
        return [*renderers, *(one() for one in tables)]

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        if not wants_table(request):
            return super().list(request, *args, **kwargs)
        return self._table(request)

    def _table(self, request: Request) -> HttpResponseBase:
        """Raises ValidationError where it is asked for as a copy, which is JSON alone."""
        if CURSOR in plain_names(request.query_params):
            sentence = "A copy is read as JSON; leave the cursor out for a table of all rows."
            raise ValidationError({CURSOR: [sentence]}, code="invalid_parameter")
        chosen = self.filter_queryset(self.get_queryset())
        name = request.path.rpartition("/")[2]
        return table_response(
            request, name, self.table_columns, lambda: self.table_rows(chosen), exported
        )
