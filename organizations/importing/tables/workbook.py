"""Workbooks: a number is taken at its shortest decimal form, a day as ISO, each with its mark."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from itertools import islice
from numbers import Real
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import ParseError
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from organizations.importing.tables.bombs import refuse_bomb
from organizations.importing.tables.cell_errors import cell_errors, refuse_vast_sheets
from organizations.importing.tables.header import shown_columns, stands_under
from organizations.importing.tables.marks import DAY, NUMBER
from organizations.importing.tables.number_formats import as_shown, number_formats
from organizations.importing.tables.table import BATCH, Lines, Table
from organizations.importing.tables.unreadable import Unreadable

MIDNIGHT = time()


class XLSXTable(Table):
    """A visible sheet of a workbook, at first the first one that is not empty; where others have
    the same columns it is refused."""

    def __init__(self, path: Path) -> None:
        try:
            refuse_bomb(path)
            workbook = CalamineWorkbook.from_path(path)
            visible = [
                one.name
                for one in workbook.sheets_metadata
                if one.visible is SheetVisibleEnum.Visible and one.typ is SheetTypeEnum.WorkSheet
            ]
            refuse_vast_sheets(str(path), visible)
            self._path, self._names = path, visible
            for name in visible:
                sheet = workbook.get_sheet_by_name(name)
                if sheet.start:
                    break
            else:
                name, sheet = visible[0], workbook.get_sheet_by_name(visible[0])
            self._turn_to(name, sheet)
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

    def sheets(self) -> list[str]:
        return self._names

    def turn_to(self, sheet: str) -> None:
        self._turn_to(sheet, self._load(sheet))

    def _load(self, name: str) -> CalamineSheet:
        """A sheet of the workbook, which is not kept: its texts take as much room as a sheet."""
        return CalamineWorkbook.from_path(self._path).get_sheet_by_name(name)

    def _turn_to(self, name: str, sheet: CalamineSheet) -> None:
        """Reads a sheet that is loaded: loading takes as long as reading."""
        self._names = [name, *(other for other in self._names if other != name)]
        self._errors = cell_errors(str(self._path), name)
        self._formats = number_formats(str(self._path), name)
        self._sheet = sheet
        _, self._left = sheet.start or (0, 0)
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
        return stands_under(self._load(name).iter_rows(), self.columns)

    def _lines(self, size: int) -> Iterator[Lines]:
        sheet, line = self._sheet.iter_rows(), 1
        while values := list(islice(sheet, size)):
            rows = [[one if type(one) is str else marked(one) for one in row] for row in values]
            lines = range(line, line + len(rows))
            for forms, cells in zip(self._formats[line : line + len(rows)], rows, strict=False):
                self._put_formats(forms or {}, cells)
            for wrong in self._errors.keys() & lines if self._errors else ():
                self._put_errors(wrong, rows[wrong - line])
            yield lines, rows
            line += len(rows)
        for wrong in sorted(one for one in self._errors if one >= line):
            alone: list[str] = []
            self._put_errors(wrong, alone)
            yield [wrong], [alone]

    def _put_formats(self, forms: Mapping[int, str], cells: list[str]) -> None:
        """Puts what the sheet shows beside its numbers there."""
        for column, form in forms.items():
            place = column - self._left
            if 0 <= place < len(cells):
                cells[place] = as_shown(cells[place], form)

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
