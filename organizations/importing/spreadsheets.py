"""Reading tables that people send: CSV and XLSX, from a path or stdin, as text cell by cell.

Nothing is guessed: a cell is the text that the file has, and what it means is for the API's own
fields to say. A spreadsheet's number is taken at its shortest decimal form, its date as ISO, each
with a mark that says so.
"""

import csv
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time
from decimal import Decimal
from itertools import accumulate, chain, compress, islice
from numbers import Real
from pathlib import Path
from typing import IO, Any
from zipfile import BadZipFile

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError
from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

from organizations.importing.tables import green_button
from organizations.importing.tables.bombs import refuse_bomb
from organizations.importing.tables.cell_errors import cell_errors
from organizations.importing.tables.header import (
    MOST_COLUMNS,
    SEARCHED,
    header_problems,
    plain_name,
    shown_columns,
    stands_under,
)
from organizations.importing.tables.marks import ABSENT, DAY, ERROR, MARKS, NUMBER, unmarked
from organizations.importing.tables.texts import HEAD, UTF_8, divider_of, encoding_of
from organizations.importing.tables.unreadable import Unreadable

STDIN = "-"
ZIP, OLD_EXCEL = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
CONTROLS = [bytes([one]) for one in range(32) if one not in b"\t\n\r\f\x1b"]
MIDNIGHT = time()
LINE_BREAK = re.compile(r"\r\n|\r|\n")
BATCH = 2000
"""So many rows are read, checked and written at once."""

Lines = tuple[Sequence[int], list[list[str]]]
"""The lines of some rows, and the rows."""

LONGEST_CELL = 100_000
"""Characters. A quotation mark that is never closed would swallow the rest of the file."""


class Table:
    """A header and rows of text cells, which can be read again from the start."""

    delimiter = ","
    mended: Mapping[int, Mapping[int, str]] = {}
    """Line → position → what the cell should have been, as somebody who looked at it has said."""

    def __init__(self) -> None:
        self.columns: list[str] = []
        self._above = 0
        """Rows up to the header; titles and blank lines may stand before it."""
        for position, cells in enumerate(self._from_the_top()):
            if any(cells):
                self.begin_at(position, cells)
                break
        if not self.columns:
            raise Unreadable("The file is empty; its first line names the columns.")

    def _from_the_top(self) -> Iterator[list[str]]:
        for _, [cells] in self._lines(1):
            yield [unmarked(cell).strip() for cell in cells]

    def head(self) -> list[list[str]]:
        """The first rows as they stand, titles and blank ones too."""
        return list(islice(self._from_the_top(), SEARCHED))

    def begin_at(self, position: int, cells: Sequence[str]) -> None:
        """Takes a row, counted from 0, as the one that names the columns."""
        self._above = position + 1
        self.columns = [name.strip() for name in cells]
        while self.columns and not self.columns[-1]:
            self.columns.pop()
        if len(self.columns) > MOST_COLUMNS:
            raise Unreadable(
                f"The file has {len(self.columns)} columns; {MOST_COLUMNS} are read at most."
            )

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """(line of the file where it begins, its cells) for each row that is not blank.

        Empty cells beyond the last column are dropped; a row with more or fewer cells than
        columns is for the reader to refuse. Raises Unreadable.
        """
        for lines, rows in self.batches():
            for line, cells in zip(lines, rows, strict=True):
                yield line, [cell if cell.startswith(ERROR) else unmarked(cell) for cell in cells]

    def batches(self, size: int = BATCH) -> Iterator[Lines]:
        """The same, many at once: their lines and their cells."""
        width, above = len(self.columns), self._above
        for lines, rows in self._lines(size):
            if above:
                lines, rows, above = lines[above:], rows[above:], max(above - len(rows), 0)
            if self.mended:
                self._mend(lines, rows)
            if set(map(len, rows)) != {width}:
                for cells in rows:
                    while len(cells) > width and not cells[-1]:
                        cells.pop()
            if not all(map(any, rows)):
                told = list(map(any, rows))
                lines, rows = list(compress(lines, told)), list(compress(rows, told))
            if rows:
                yield lines, rows

    def _mend(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        for line, cells in zip(lines, rows, strict=True):
            for position, text in self.mended.get(line, {}).items():
                cells += [""] * (position + 1 - len(cells))
                cells[position] = text

    def require(
        self,
        known: Sequence[str],
        required: Iterable[str],
        ignored: Sequence[str] = (),
        *,
        hint: str = "",
    ) -> dict[str, int]:
        """The position of each column by our name for it.

        Raises Unreadable unless every column is known or ignored, none doubled and none that is
        needed missing; case, spaces and dashes of a name do not matter.
        """
        taken: dict[str, int] = {}
        for position, name in enumerate(self.columns):
            taken.setdefault(plain_name(name), position)
        problems = header_problems(self.columns, known, required, ignored, taken)
        if problems:
            raise Unreadable(
                f"The header is not right: {'; '.join(problems)}. The columns are "
                f"{', '.join(known)}. Found: {shown_columns(self.columns)}.{hint}",
                code="unknown_header",
            )
        return taken

    def _lines(self, size: int) -> Iterator[Lines]:
        """All rows, blank ones and the header too, `size` of them at once."""
        raise NotImplementedError


class CSVTable(Table):
    """CSV divided by commas, semicolons, tabs or |, in UTF-8, UTF-16 or Windows-1252.

    Bytes that are not UTF-8 in a file that otherwise is arrive as lone surrogates (PEP 383), which
    every field refuses on its own line.
    """

    def __init__(self, path: Path) -> None:
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


def height(cells: list[str]) -> int:
    """How many lines of its file a row takes."""
    return 1 + sum(len(LINE_BREAK.findall(cell)) for cell in cells)


class XLSXTable(Table):
    """The first visible sheet of a workbook; one that has more such sheets is refused."""

    def __init__(self, path: Path) -> None:
        try:
            refuse_bomb(path)
            workbook = CalamineWorkbook.from_path(path)
            visible = [
                one.name
                for one in workbook.sheets_metadata
                if one.visible is SheetVisibleEnum.Visible and one.typ is SheetTypeEnum.WorkSheet
            ]
            self._errors = cell_errors(str(path), visible[0])
            self._workbook, self._names = workbook, visible
            self._sheet = workbook.get_sheet_by_name(visible[0])
            _, self._left = self._sheet.start or (0, 0)
        except (
            CalamineError,
            OSError,
            IndexError,
            BadZipFile,
            KeyError,
            ParseError,
            DefusedXmlException,
        ) as error:
            raise Unreadable(f"The workbook cannot be read ({error}); save it again.") from error
        super().__init__()

    def batches(self, size: int = BATCH) -> Iterator[Lines]:
        """Raises Unreadable where another sheet has the same columns: its rows would be lost."""
        same = [name for name in self._names[1:] if self._begins_alike(name)]
        if same:
            names = shown_columns([self._names[0], *same])
            raise Unreadable(
                f"{len(same) + 1} sheets have these columns ({names}), and one is read; put all "
                "rows into one sheet, or save each sheet as a file.",
                code="several_sheets",
            )
        yield from super().batches(size)

    def _begins_alike(self, name: str) -> bool:
        return stands_under(self._workbook.get_sheet_by_name(name).iter_rows(), self.columns)

    def _lines(self, size: int) -> Iterator[Lines]:
        sheet, line = self._sheet.iter_rows(), 1
        while values := list(islice(sheet, size)):
            rows = [[one if type(one) is str else marked(one) for one in row] for row in values]
            lines = range(line, line + len(rows))
            for wrong in self._errors.keys() & lines if self._errors else ():
                self._put_errors(wrong, rows[wrong - line])
            yield lines, rows
            line += len(rows)
        for wrong in sorted(one for one in self._errors if one >= line):
            cells: list[str] = []
            self._put_errors(wrong, cells)
            yield [wrong], [cells]

    def _put_errors(self, line: int, cells: list[str]) -> None:
        """Puts what has no value in its place, past the end too: there calamine sees nothing."""
        for column, text in self._errors[line].items():
            place = column - self._left if column >= self._left else len(cells)
            cells += [""] * (place + 1 - len(cells))
            cells[place] = text


def cell_text(value: Any) -> str:
    """A spreadsheet's value as it would be written in a CSV.

    >>> cell_text(0.1), cell_text(1200.0), cell_text(date(2024, 1, 31))
    ('0.1', '1200', '2024-01-31')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.date().isoformat() if value.time() == MIDNIGHT else value.isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Real):
        text = format(Decimal(repr(value)), "f")
        return text.removesuffix(".0")
    return str(value)


def marked(value: Any) -> str:
    """The same, with what kind of value it was."""
    if isinstance(value, datetime | date):
        return DAY + cell_text(value)
    if isinstance(value, Real) and not isinstance(value, bool):
        return NUMBER + cell_text(value)
    return cell_text(value)


class JSONTable(Table):
    """Rows of JSON, whose keys are the columns."""

    def __init__(self, rows: Sequence[Mapping[str, Any]]) -> None:
        names = dict.fromkeys(name for row in rows for name in row)
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
    if isinstance(value, list):
        return "|".join(map(str, value))
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
