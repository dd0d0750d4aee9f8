"""Workbooks that are small on disk and would fill the memory: refused before they are read."""

import re
from pathlib import Path
from typing import IO
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

ROW = re.compile(rb"<(?:\w+:)?row\b[^>]*?\sr=[\"']([0-9]+)")
FAR_CELL = re.compile(rb"<(?:\w+:)?c\b[^>]*?\sr=[\"']([A-Z]{2,3})[0-9]")
BLOCK, LONGEST_TAG = 1 << 20, 256
NEAR = 26


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
    rows, columns, end = 0, NEAR, b""
    while block := file.read(BLOCK):
        text = end + block
        rows = max([rows, *map(int, ROW.findall(text))])
        columns = max([columns, *map(number_of, set(FAR_CELL.findall(text)))])
        end = text[-LONGEST_TAG:]
    if rows * columns > MOST_CELLS:
        raise Unreadable(
            f"The sheet goes to row {rows:,} and column {columns:,}; delete what is empty there, "
            "or save it as CSV.",
            code="too_large",
        )


def number_of(letters: bytes) -> int:
    """The number of a column: AA is 27."""
    number = 0
    for letter in letters:
        number = number * NEAR + letter - ord("A") + 1
    return number
