"""Cells of a workbook that show an error, or a formula that nobody has calculated.

calamine gives both as empty cells, and an empty cell has a meaning of its own: it unsets. They are
read from the sheet's XML (ECMA-376, part 1, 18.3.1.4) and marked, so that their rows are refused.
"""

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import IO, Any
from zipfile import ZipFile

from defusedxml import ElementTree

from organizations.importing.tables.bombs import refuse_vast
from organizations.importing.tables.marks import ERROR

MARK = ERROR
"""Begins the text of such a cell."""

SUSPICIOUS = re.compile(rb"""\st=["']e["']|<(?:\w+:)?f[\s>/]""")
LONGEST_MATCH = 64
BLOCK = 1 << 20
RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"

Errors = dict[int, dict[int, str]]
"""Line → column, counted from 0 → what stands there, marked."""


def cell_errors(path: str, sheet: str) -> Errors:
    """The cells of a sheet that have no value though something stands there."""
    with ZipFile(path) as archive:
        name = part_of(archive, sheet)
        if not name or name not in archive.namelist():
            return {}
        with archive.open(name) as file:
            if not holds(file, SUSPICIOUS):
                return {}
        errors: Errors = {}
        with archive.open(name) as file:
            for line, column, text in without_value(file):
                errors.setdefault(line, {})[column] = MARK + text
        return errors


def refuse_vast_sheets(path: str, sheets: Sequence[str]) -> None:
    """Raises Unreadable where a sheet would fill the memory. All that may be looked into are asked,
    before the first one is."""
    with ZipFile(path) as archive:
        for sheet in sheets:
            name = part_of(archive, sheet)
            if name in archive.namelist():
                with archive.open(name) as file:
                    refuse_vast(file)


def part_of(archive: ZipFile, sheet: str) -> str:
    """The name of a sheet's file in the workbook, or nothing."""
    book = ElementTree.fromstring(archive.read("xl/workbook.xml"))
    links = ElementTree.fromstring(archive.read("xl/_rels/workbook.xml.rels"))
    targets = {one.get("Id"): one.get("Target", "") for one in links}
    for one in book.iter():
        if local(one) == "sheet" and one.get("name") == sheet:
            return posixpath.join("/xl", targets.get(one.get(RELATION), "")).removeprefix("/")
    return ""


def holds(file: IO[bytes], pattern: re.Pattern[bytes]) -> bool:
    """Whether the XML of a sheet has something anywhere, so that most need not be parsed."""
    end = b""
    while block := file.read(BLOCK):
        if pattern.search(end + block):
            return True
        end = block[-LONGEST_MATCH:]
    return False


def cells(file: IO[bytes]) -> Iterator[tuple[int, int, Any]]:
    """Line, column and element of each cell that a sheet's XML has, one at a time."""
    line, column = 0, -1
    rows: Any = None
    for event, one in ElementTree.iterparse(file, events=("start", "end")):
        tag = local(one)
        if event == "start":
            if tag == "sheetData":
                rows = one
            elif tag == "row":
                line, column = int(one.get("r") or line + 1), -1
        elif tag == "c":
            place = one.get("r")
            column = position(place) if place else column + 1
            yield line, column, one
        elif tag == "row" and rows is not None:
            rows.clear()  # what has been looked at is let go of


def without_value(file: IO[bytes]) -> Iterator[tuple[int, int, str]]:
    """Line, column and error or formula of each cell that has no value."""
    for line, column, one in cells(file):
        parts = {local(part): part.text or "" for part in one}
        if one.get("t") == "e":
            yield line, column, parts.get("v") or "#ERROR"
        elif "f" in parts and not parts.get("v") and one.get("t") in (None, "n"):
            yield line, column, f"={parts['f']}"


def position(place: str) -> int:
    """The column of a reference like AB12, counted from 0."""
    column = 0
    for letter in place.rstrip("0123456789"):
        column = column * 26 + ord(letter) - ord("A") + 1
    return column - 1


def local(one: Any) -> str:
    return str(one.tag).rpartition("}")[2]
