"""Workbooks that are small on disk and would fill the memory: refused before they are read."""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from string import digits as DIGITS
from typing import IO
from xml.parsers.expat import ExpatError, ParserCreate
from zipfile import ZipFile

from organizations.importing.tables.unreadable import Unreadable

MOST_PARTS = 10_000
LARGEST, HARMLESS = 1 << 30, 64 << 20
"""Bytes of a workbook when it is unpacked: never more than the first; up to the second whatever it
was on disk."""

TIMES = 100
"""A workbook of numbers becomes 10 to 30 times as large."""

MOST_CELLS = 30_000_000
"""Of the rectangle from the first cell to the last: empty ones in between take room too."""

LAST_COLUMN = 16_384
"""XFD, beyond which no spreadsheet goes."""

BLOCK = 1 << 20
MOST_LETTERS, MOST_DIGITS = 6, 12
"""With so many a place is too far out already, whatever follows."""


def refuse_bomb(path: Path) -> None:
    """Raises Unreadable for a workbook that would become too large."""
    with ZipFile(path) as archive:
        parts = archive.infolist()
    size, packed = sum(one.file_size for one in parts), path.stat().st_size
    too_large = size > LARGEST or (size > HARMLESS and size > packed * TIMES)
    if len(parts) > MOST_PARTS or too_large:
        raise Unreadable(
            f"The workbook unpacks to {size:,} bytes; divide it, or save it as CSV.",
            code="too_large",
        )


def refuse_vast(file: IO[bytes]) -> None:
    """Raises Unreadable for a sheet whose last cell is so far out that all before it, though empty,
    would fill the memory."""
    extent = Extent()
    parser = ParserCreate()
    parser.StartElementHandler = extent.begin
    parser.EntityDeclHandler = extent.refuse_entity
    try:
        while block := file.read(BLOCK):
            parser.Parse(block, False)
        parser.Parse(b"", True)
    except ExpatError as error:
        raise Unreadable(f"The workbook cannot be read ({error}); save it again.") from error
    rows, columns = extent.rows, extent.columns
    if columns > LAST_COLUMN or rows * columns > MOST_CELLS:
        raise Unreadable(
            f"The sheet goes to row {rows:,} and column {columns:,}; delete what is empty there, "
            "or save it as CSV.",
            code="too_large",
        )


class Extent:
    """How far a sheet goes, by its rows and cells as they come; one that does not say where it
    stands stands behind the one before it (ECMA-376, part 1, 18.3.1.4 and 18.3.1.73)."""

    def __init__(self) -> None:
        self.rows = self.columns = self._row = self._column = 0
        self._digits = ""

    def begin(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "c" or tag.endswith(":c"):
            place = attributes.get("r", "")
            letters = place.rstrip(DIGITS)
            self._column = column_of(letters) if letters else self._column + 1
            if self._column > self.columns:
                self.columns = self._column
            digits = place[len(letters) :]
            if digits != self._digits:
                self._digits, self.rows = digits, max(self.rows, row_of(digits))
        elif tag == "row" or tag.endswith(":row"):
            self._row, self._column = row_of(attributes.get("r", "")) or self._row + 1, 0
            self.rows = max(self.rows, self._row)

    def refuse_entity(self, *_: object) -> None:
        error = "it declares an entity"
        raise Unreadable(f"The workbook cannot be read ({error}); save it again.")


@lru_cache(1 << 14)
def column_of(letters: str) -> int:
    """The number of a column.

    >>> column_of("A"), column_of("XFD")
    (1, 16384)
    """
    column = 0
    for letter in letters[:MOST_LETTERS].upper():
        column = column * 26 + ord(letter) - ord("A") + 1
    return column


def row_of(digits: str) -> int:
    """The number of a row; 0 for what is none, with which calamine ends."""
    return int(digits.lstrip("0")[:MOST_DIGITS] or 0) if digits.isdecimal() else 0
