"""What a workbook shows beside its numbers: a percent sign, a currency, a unit, leading zeros.

A cell that shows “50%” holds 0.5, one that shows “12 €” holds 12, and 42 in the format 0000 is
shown as 0042. calamine gives the numbers alone, so the formats are read from the workbook's XML
(ECMA-376, part 1, 18.8.30), and what they show is put beside the numbers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import groupby
from operator import itemgetter
from typing import IO, Any
from zipfile import ZipFile

from defusedxml import ElementTree

from organizations.importing.numbers import CURRENCY, plain
from organizations.importing.tables.cell_errors import (
    BLOCK,
    cells,
    holds,
    local,
    part_of,
    position,
)
from organizations.importing.tables.marks import NUMBER

STYLES = "xl/styles.xml"
PERCENT = "%"

BUILT_IN = {"9": "0%", "10": "0.00%", **dict.fromkeys(("5", "6", "7", "8", "42", "44"), "$0")}
"""Formats that every workbook knows by their number."""

LOCALE = re.compile(r"\[\$-[^\]]*\]")
LITERAL = re.compile(r'"([^"]*)"|\\(.)')
ZEROS = re.compile(r"0{2,}")
UNIT = re.compile(r"[^\W\d_].*")

CELL = re.compile(rb"<(?:\w+:)?c[\s/>]")
PLACED = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br=["'][A-Z]+[0-9]+["']""")
OTHER_MARKUP = re.compile(rb"<!\[CDATA\[|<!--")

Formats = Sequence[Mapping[int, str] | None]
"""By line: column, counted from 0 → what is shown beside the number there, or the zeros before it.
A list takes a tenth of the room of a dict."""


def number_formats(path: str, sheet: str) -> Formats:
    """Where a sheet shows more than numbers."""
    with ZipFile(path) as archive:
        name = part_of(archive, sheet)
        if name not in archive.namelist() or STYLES not in archive.namelist():
            return []
        shown = styles_of(ElementTree.fromstring(archive.read(STYLES)))
        if not shown:
            return []
        styled = re.compile(rf"""\ss=["'](?:{"|".join(shown)})["']""".encode())
        with archive.open(name) as file:
            if not holds(file, styled):
                return []
        return places_of(archive, name, shown)


def styles_of(styles: Any) -> dict[str, str]:
    """Number of a style → what its cells show."""
    codes = dict(BUILT_IN)
    shown: dict[str, str] = {}
    for one in styles.iter():
        if local(one) == "numFmt":
            codes[one.get("numFmtId", "")] = one.get("formatCode") or ""
    for one in styles:
        if local(one) == "cellXfs":
            for number, style in enumerate(one):
                if form := shown_by(codes.get(style.get("numFmtId", ""), "")):
                    shown[str(number)] = form
    return shown


def shown_by(code: str) -> str:
    """What a format shows beside the number, or the zeros that it fills up with; else nothing.

    >>> shown_by('#,##0.00 "kWh"'), shown_by('0.0%'), shown_by('[$€-2] #,##0'), shown_by('0000')
    ('kWh', '%', '€', '0000')
    """
    code = LOCALE.sub("", code.split(";", maxsplit=1)[0])
    if money := CURRENCY.search(code):
        return money[0]
    text = "".join(quoted or escaped for quoted, escaped in LITERAL.findall(code)).strip()
    if PERCENT in LITERAL.sub("", code) or text == PERCENT:
        return PERCENT
    if UNIT.fullmatch(text):
        return text
    return code if ZEROS.fullmatch(code) else ""


def places_of(archive: ZipFile, name: str, shown: Mapping[str, str]) -> Formats:
    """Where a sheet has cells of some styles. Its tags alone are looked at, which is ten times as
    quick as parsing it, unless it has what that would mistake for a tag, or cells without place."""
    with archive.open(name) as file:
        simple = all(map(is_simple, blocks(file)))
    with archive.open(name) as file:
        return by_line(tagged(file, shown) if simple else parsed(file, shown))


def blocks(file: IO[bytes]) -> Iterator[bytes]:
    """The XML of a sheet in pieces that end with a tag."""
    rest = b""
    while block := file.read(BLOCK):
        whole, end, rest = (rest + block).rpartition(b">")
        yield whole + end


def is_simple(block: bytes) -> bool:
    return not OTHER_MARKUP.search(block) and len(CELL.findall(block)) == len(PLACED.findall(block))


def tagged(file: IO[bytes], shown: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """Line, column and format of the styled cells of a simple sheet."""
    styles = "|".join(shown).encode()
    styled = re.compile(
        rb"""<(?:\w+:)?c\s(?=[^>]*?\bs=["'](%s)["'])[^>]*?\br=["']([A-Z]+)([0-9]+)["']""" % styles
    )
    columns: dict[bytes, int] = {}
    for block in blocks(file):
        for style, letters, line in styled.findall(block):
            if letters not in columns:
                columns[letters] = position(letters.decode())
            yield int(line), columns[letters], shown[style.decode()]


def parsed(file: IO[bytes], shown: Mapping[str, str]) -> Iterator[tuple[int, int, str]]:
    """The same of any sheet."""
    for line, column, one in cells(file):
        if form := shown.get(one.get("s") or ""):
            yield line, column, form


def by_line(found: Iterable[tuple[int, int, str]]) -> Formats:
    """Rows that are alike share what is said of them: there may be a million."""
    alike: dict[Any, Mapping[int, str]] = {}
    lines: list[Mapping[int, str] | None] = []
    for line, row in groupby(found, itemgetter(0)):
        forms = tuple((column, form) for _, column, form in row)
        lines += [None] * (line + 1 - len(lines))
        lines[line] = alike.setdefault(forms, dict(forms))
    return lines


def as_shown(cell: str, form: str) -> str:
    """A marked number with what stands beside it; what is no number stays."""
    if not cell.startswith(NUMBER):
        return cell
    text = cell.removeprefix(NUMBER)
    if ZEROS.fullmatch(form):
        return NUMBER + text.zfill(len(form)) if text.isdigit() else cell
    if form == PERCENT:
        text = plain(Decimal(text) * 100)
    return f"{NUMBER}{text} {form}"
