"""Reading tables that people send: CSV and XLSX, from a path or stdin, as text cell by cell.

Nothing is guessed: a cell is the text that the file has, and what it means is for the API's own
fields to say. A spreadsheet's number is taken at its shortest decimal form, its date as ISO, each
with a mark that says so.
"""

import csv
import json
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import time
from decimal import Decimal
from itertools import accumulate, chain, islice
from pathlib import Path
from typing import IO, Any

from organizations.importing.tables import green_button
from organizations.importing.tables.marks import ABSENT, LIST, MARKS, NUMBER, STRUCTURE
from organizations.importing.tables.table import Lines, Table, refuse_wide
from organizations.importing.tables.texts import BLOCK, HEAD, UTF_8, divider_of, encoding_of
from organizations.importing.tables.unreadable import Unreadable
from organizations.importing.tables.workbook import XLSXTable, marked

STDIN = "-"
ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
CONTROLS = [bytes([one]) for one in range(32) if one not in b"\t\n\r\f\x1b"]
MIDNIGHT = time()
LINE_BREAK = re.compile(r"\r\n|\r|\n")
LONGEST_CELL = 100_000
"""Characters. A quotation mark that is never closed would swallow the rest of the file."""


class CSVTable(Table):
    """CSV divided by commas, semicolons, tabs or |, in UTF-8, UTF-16 or Windows-1252.

    Bytes that are not UTF-8 in a file that otherwise is arrive as lone surrogates (PEP 383), which
    every field refuses on its own line.
    """

    def __init__(self, path: Path) -> None:
        refuse_endless_lines(path)
        self.path = path
        self._encoding = encoding_of(path)
        self._errors = "surrogateescape" if self._encoding == UTF_8 else "replace"
        with path.open("rb") as file:
            head = file.read(HEAD)
        garbage = sum(map(head.count, CONTROLS)) > len(head) // 20
        if garbage and not self._encoding.startswith("utf-16"):
            raise Unreadable("This is no table of text; save it as CSV or XLSX.")
        self.delimiter = divider_of(path, self._encoding)
        super().__init__()

    def _open(self) -> Any:
        return self.path.open(encoding=self._encoding, errors=self._errors, newline="")

    def _lines(self, size: int) -> Iterator[Lines]:
        csv.field_size_limit(LONGEST_CELL)
        with self._open() as file:
            reader = csv.reader(file, delimiter=self.delimiter, strict=True)
            line, more = 1, True
            while more:
                rows: list[list[str]] = []
                try:
                    rows.extend(islice(reader, size))  # keeps the rows before an error
                except csv.Error as error:
                    if "field limit" in str(error):
                        raise Unreadable(
                            f"Line {line + sum(map(height, rows))}: a cell has more than "
                            f"{LONGEST_CELL:,} characters; perhaps a quotation mark is never "
                            "closed.",
                            code="too_large",
                        ) from error
                    raise Unreadable(
                        f"Line {line + sum(map(height, rows))}: the quotation marks are not right "
                        f"({error}); a cell that holds a quotation mark is written "
                        '"like ""this""".'
                    ) from error
                lines: Sequence[int] = range(line, reader.line_num + 1)
                if len(lines) != len(rows):  # a cell has a line break
                    lines = list(accumulate(map(height, rows[:-1]), initial=line))
                line, more = reader.line_num + 1, bool(rows)
                if rows:
                    yield lines, rows


def refuse_endless_lines(path: Path) -> None:
    """Raises Unreadable where a line goes on for a megabyte: it could be a million cells."""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if len(block) == BLOCK and b"\n" not in block and b"\r" not in block:
                raise Unreadable(
                    "A line has over a million characters; a table has a row on each line.",
                    code="too_large",
                )


def height(cells: list[str]) -> int:
    """How many lines of its file a row takes."""
    return 1 + sum(len(LINE_BREAK.findall(cell)) for cell in cells)


class JSONTable(Table):
    """Rows of JSON, whose keys are the columns."""

    of_our_api = True

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        names = dict.fromkeys(name for row in rows for name in row)
        refuse_wide(len(names))
        self._rows = [list(names), *([json_text(row, name) for name in names] for row in rows)]
        super().__init__()

    def _lines(self, size: int) -> Iterator[Lines]:
        """The first row of the list is line 1, as the header is line 0."""
        for start in range(0, len(self._rows), size):
            rows = [list(cells) for cells in self._rows[start : start + size]]
            yield range(start, start + len(rows)), rows


class XMLTable(Table):
    """The readings of a Green Button file, a row each."""

    def __init__(self, path: Path) -> None:
        self._path = path
        super().__init__()

    def _lines(self, size: int) -> Iterator[Lines]:
        """A reading's line is its number; that of the header is 0."""
        rows = chain([list(green_button.COLUMNS)], green_button.readings(self._path))
        line = 0
        while some := list(islice(rows, size)):
            yield range(line, line + len(some)), some
            line += len(some)


def json_text(row: Mapping[str, Any], name: str) -> str:
    """A JSON value as a cell: lists divided by |, null empty, a missing key told from both."""
    if name not in row:
        return ABSENT
    value = row[name]
    if isinstance(value, list) and all(type(one) in (str, int, Decimal) for one in value):
        return LIST + "|".join(map(str, value)) if value else ""
    if isinstance(value, bool | list | Mapping):
        return STRUCTURE + json.dumps(value, ensure_ascii=False, default=str)
    if value is None or isinstance(value, str):
        return (value or "").lstrip(MARKS)
    return NUMBER + str(value) if isinstance(value, Decimal) else marked(value)


def mended_cells(said: Mapping[str, Mapping[str, str]]) -> dict[int, dict[int, str]]:
    """What JSON has kept of cells that were mended, for `Table.mended`."""
    return {
        int(line): {int(place): text for place, text in cells.items()}
        for line, cells in said.items()
    }


@contextmanager
def open_table(name: str) -> Iterator[Table]:
    """The table in a file, or on stdin if the name is “-”. Raises Unreadable."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(name)
        try:
            if name == STDIN:
                path = spooled(sys.stdin.buffer, folder)
            elif path.is_fifo():
                with path.open("rb") as pipe:
                    path = spooled(pipe, folder)
            with path.open("rb") as file:
                head = file.read(HEAD)
                magic = head[:4]
        except OSError as error:
            raise Unreadable(f"{error.strerror}.") from error
        if magic == OLD_EXCEL:
            raise Unreadable("This is an old Excel workbook (.xls); save it as XLSX or CSV.")
        if magic == ZIP:
            yield XLSXTable(path)
        else:
            yield XMLTable(path) if green_button.is_xml(head) else CSVTable(path)


def spooled(stream: IO[bytes], folder: str) -> Path:
    """A copy of what can be read once only."""
    path = Path(folder) / "stream"
    with path.open("wb") as spool:
        shutil.copyfileobj(stream, spool)
    return path
