"""Answers as tables: CSV and XLSX where the caller accepts them, all rows at once, as they come.

A CSV is written row by row while it is read from the database, so that its memory is the same
however long it is. A workbook is written to a file on disk first, as its format asks for.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import Any

from django.db import OperationalError
from django.http import FileResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from openpyxl import Workbook
from rest_framework.exceptions import ValidationError
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from organizations.audit.recording import record_export
from organizations.database.postgresql.connections import long_job
from organizations.rest.escaping import harmless
from organizations.rest.viewsets import Conflict
from organizations.tenancy import caller, in_the_way

NOT_IN_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
"""Characters that a workbook cannot hold (XML 1.0, 2.2), and text that was imported may."""

LONGEST_SHEET = 1_048_575
"""Rows of a worksheet under its header."""

AT_ONCE = 500
"""Lines of a CSV that are sent together."""

Rows = Iterable[Sequence[Any]]


class Table(BaseRenderer):
    """A format that `table_response` writes; errors are JSON whatever was asked for."""

    charset: Any = None

    def render(self, data: Any, *args: Any, **kwargs: Any) -> bytes:
        raise NotImplementedError("table_response answers")


class CSVTable(Table):
    media_type = "text/csv"
    format = "csv"


class XLSXTable(Table):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    format = "xlsx"
    render_style = "binary"


TABLES = (CSVTable, XLSXTable)


def wants_table(request: Request) -> bool:
    """Whether a caller has asked for a table instead of JSON, by `Accept`."""
    return isinstance(request.accepted_renderer, Table)


def in_sheet(value: Any) -> Any:
    """The same with a mark (U+FFFD) in the place of what a workbook cannot hold."""
    return NOT_IN_XML.sub("\ufffd", value) if isinstance(value, str) else value


def as_text(value: Any) -> str:
    """A cell of a CSV, as JSON would write it; nothing for null."""
    if isinstance(value, Decimal):
        text = format(value, "f")
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return text if value else "0"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return "" if value is None else str(harmless(value))


def table_response(
    request: Request,
    name: str,
    columns: Sequence[str],
    rows: Callable[[], Rows],
    text: Callable[[Any], str] = as_text,
) -> HttpResponseBase:
    """A table in the format that was asked for, as a file of this name without its ending.

    `text` writes a value as a cell of a CSV.
    It is recorded in the audit first. `rows` is called when the first row is wanted, and its rows
    are read while the answer is sent. Raises ValidationError where there are more than a worksheet
    takes.
    """
    chosen = request.accepted_renderer
    record_sent(request, name, chosen.format)
    return as_file(chosen.format, name, columns, rows, text)


def as_file(
    kind: str,
    name: str,
    columns: Sequence[str],
    rows: Callable[[], Rows],
    text: Callable[[Any], str] = as_text,
) -> HttpResponseBase:
    """The same as csv or xlsx, for who has recorded it already."""
    headers = {"Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    if kind == XLSXTable.format:
        file = TemporaryFile()  # noqa: SIM115 - the answer closes it when it is sent
        with long_job():
            write_workbook(file, columns, rows())
        file.seek(0)
        return FileResponse(file, content_type=XLSXTable.media_type, headers=headers)
    return StreamingHttpResponse(
        csv_lines(columns, rows, text), content_type="text/csv; charset=utf-8", headers=headers
    )


def record_sent(request: Request, name: str, kind: str) -> None:
    """Records that the caller gets a file; once, where its rows have to be read again from another
    database. Raises Conflict where another write is in the way."""
    recorded: set[str] = vars(request._request).setdefault("files_recorded", set())
    if name in recorded:
        return
    query = request.META.get("QUERY_STRING", "")
    try:
        record_export(caller(request).organization_id, name, kind, query=query)
    except OperationalError as error:
        if not in_the_way(error):
            raise
        raise Conflict from error
    recorded.add(name)


class Echo:
    """A file that gives back what is written to it."""

    def write(self, text: str) -> str:
        return text


def csv_lines(
    columns: Sequence[str], rows: Callable[[], Rows], text: Callable[[Any], str]
) -> Iterator[str]:
    """The text of a CSV, some lines at a time."""
    writer = csv.writer(Echo())
    block = [writer.writerow(columns)]
    for row in rows():
        block.append(writer.writerow(map(text, row)))
        if len(block) == AT_ONCE:
            yield "".join(block)
            block = []
    yield "".join(block)


def write_workbook(file: Any, columns: Sequence[str], rows: Rows) -> None:
    """One sheet with a header."""
    workbook = Workbook(write_only=True)
    sheet = workbook.create_sheet()
    sheet.freeze_panes = "A2"
    sheet.append(list(columns))
    for position, row in enumerate(rows, 1):
        if position > LONGEST_SHEET:
            raise ValidationError(
                {"accept": [f"A worksheet ends at {LONGEST_SHEET} rows; ask for text/csv."]},
                code="too_many_rows",
            )
        sheet.append([as_cell(value) for value in row])
    workbook.save(file)


def as_cell(value: Any) -> Any:
    """A cell of a workbook: numbers and dates as such."""
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1)) if value == value.to_integral_value() else value
    if isinstance(value, int | date | None):
        return value
    if isinstance(value, list):
        value = "|".join(value)
    return in_sheet(harmless(str(value)))
