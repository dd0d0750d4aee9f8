"""A table as all kinds of files are read: a header, and rows of text cells."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import compress, islice

from organizations.importing.tables.header import (
    MOST_COLUMNS,
    SEARCHED,
    header_problems,
    plain_name,
    shown_columns,
)
from organizations.importing.tables.marks import ERROR, unmarked
from organizations.importing.tables.shapes import with_years
from organizations.importing.tables.unreadable import Unreadable

MOST_BLANK = 10_000
"""Lines with nothing in them that may stand above the first one."""

BATCH = 2000
"""So many rows are read, checked and written at once."""

Lines = tuple[Sequence[int], list[list[str]]]
"""The lines of some rows, and the rows."""


class Table:
    """A header and rows of text cells, which can be read again from the start."""

    delimiter = ","
    of_our_api = False
    """Whether its rows may be the API's own answers."""
    mended: Mapping[int, Mapping[int, str]] = {}
    """Line → position → what the cell should have been, as somebody who looked at it has said."""

    def __init__(self) -> None:
        self.columns: list[str] = []
        self._above = 0
        """Rows up to the header; titles and blank lines may stand before it."""
        for position, cells in enumerate(islice(self._from_the_top(), MOST_BLANK)):
            if any(cells):
                self.begin_at(position, cells)
                break
        if not self.columns:
            raise Unreadable("The file is empty; its first line names the columns.")

    def _from_the_top(self) -> Iterator[list[str]]:
        for _, [cells] in self._lines(1):
            yield [unmarked(cell).strip() for cell in cells]

    def sheets(self) -> list[str]:
        """The sheets that it has, the one that is read first."""
        return []

    def turn_to(self, sheet: str) -> None:
        """Reads another sheet. Raises Unreadable."""
        raise NotImplementedError

    def head(self) -> list[list[str]]:
        """The first rows as they stand, titles and blank ones too; months have their year from
        above."""
        return with_years(list(islice(self._from_the_top(), SEARCHED)))

    def begin_at(self, position: int, cells: Sequence[str]) -> None:
        """Takes a row, counted from 0, as the one that names the columns."""
        self._above = position + 1
        self.columns = [name.strip() for name in cells]
        while self.columns and not self.columns[-1]:
            self.columns.pop()
        refuse_wide(len(self.columns))

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


def refuse_wide(columns: int) -> None:
    """Raises Unreadable for more columns than are read."""
    if columns > MOST_COLUMNS:
        raise Unreadable(f"The file has {columns} columns; {MOST_COLUMNS} are read at most.")
