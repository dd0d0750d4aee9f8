"""What becomes of the rows of a file: their counts, and what was wrong with those refused."""

import csv
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import zip_longest
from pathlib import Path
from typing import Any, TextIO

from organizations.importing.cells import Fault
from organizations.importing.progress import Quiet, Rows
from organizations.importing.spreadsheets import STDIN, Table, Unreadable
from organizations.importing.tables.marks import unmarked

FIRST_FAULTS = 100
REASONS = ("line", "column", "code", "reason")
"""Columns that a file of refused rows has more; an import ignores them."""


@dataclass
class Report:
    """The counts of an import; faults go to stderr and, with their rows, to the rejects file."""

    table: Table
    rows: Rows | Quiet
    rejects: TextIO | None = None
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    warnings: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)
    """The first faults: line, column, value, code and reason."""
    warned: list[dict[str, Any]] = field(default_factory=list)
    """The first warnings, the same way."""
    alone: Callable[[list[str]], list[str]] = list
    """A refused row as it can be read without the others of its file."""
    record: Any = None
    """What is stored of the import."""

    def __post_init__(self) -> None:
        if self.rejects:
            self._writer = csv.writer(
                self.rejects, delimiter=self.table.delimiter, lineterminator="\n"
            )
            self._writer.writerow([*self._kept(self.table.columns), *REASONS])

    def reject(self, line: int, cells: list[str], faults: Iterable[Fault]) -> None:
        """Refuses a row for everything that is wrong with it."""
        self.rejected += 1
        faults, alone = list(faults), list(map(unmarked, self.alone(cells)))
        cells = list(map(unmarked, cells))
        for one in faults:
            value = self._cell(cells, one.column)
            self.rows.say(f"line {line}: {shown(one, value)}")
            if len(self.first) < FIRST_FAULTS:
                self.first.append(self._told(line, one, value))
        if self.rejects:
            columns, codes = ("|".join(one[part] for one in faults) for part in (0, 1))
            reasons = " ".join(one.detail for one in faults)
            self._writer.writerow([*self._kept(alone), line, columns, codes, reasons])

    def warn(self, line: int, cells: list[str], fault: Fault) -> None:
        """Says what is suspicious about a row that is stored all the same."""
        self.warnings += 1
        value = self._cell(list(map(unmarked, cells)), fault.column)
        self.rows.say(f"warning, line {line}: {shown(fault, value)}")
        if len(self.warned) < FIRST_FAULTS:
            self.warned.append(self._told(line, fault, value))

    @staticmethod
    def _told(line: int, fault: Fault, value: str) -> dict[str, Any]:
        return {
            "line": line,
            "column": fault.column,
            "value": storable(value[:200]),
            "code": fault.code,
            "reason": storable(fault.detail),
        }

    def _cell(self, cells: list[str], column: str) -> str:
        columns = self.table.columns
        position = columns.index(column) if column in columns else len(cells)
        return cells[position] if position < len(cells) else ""

    def _kept(self, cells: list[str]) -> list[str]:
        """The cells without those of `REASONS`."""
        columns = self.table.columns
        padding = [""] * (len(columns) - len(cells))
        pairs = zip_longest(columns, [*cells, *padding])
        return [cell for column, cell in pairs if column not in REASONS]

    def __str__(self) -> str:
        return (
            f"created {self.created}, changed {self.changed}, unchanged {self.unchanged}, "
            f"rejected {self.rejected}"
        )


def shown(fault: Fault, value: str) -> str:
    """A fault on one line of text that any terminal can show."""
    text = f"{fault.column} “{value[:60]}”: {fault.detail} [{fault.code}]"
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def storable(text: str) -> str:
    """What any database can keep as text: without NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\0", "␀")


def open_rejects(name: str, source: str) -> TextIO:
    """The rejects file, new. Raises Unreadable where it cannot be written."""
    path = Path(name)
    if source != STDIN and path.exists() and path.samefile(source):
        raise Unreadable("--rejects: this is the file that is imported; name another one.")
    try:
        return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise Unreadable(f"--rejects: {name}: {error.strerror}.") from error
