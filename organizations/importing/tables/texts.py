"""How a file of text is written: its encoding, and what divides its cells."""

import codecs
import csv
import re
from collections import Counter
from pathlib import Path

BLOCK = 1 << 20
HEAD = 1 << 16
"""Bytes at the beginning of a file that show what divides its cells."""

DIVIDERS = (",", ";", "\t", "|")
UTF_8 = "utf-8-sig"
UTF_16 = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
WINDOWS_1252 = "cp1252"
UNDEFINED = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
"""Bytes that Windows-1252 has no character for."""


def encoding_of(path: Path) -> str:
    """UTF-8, UTF-16 or Windows-1252.

    A file with any character beyond ASCII that is right in UTF-8 is UTF-8, whatever else is wrong
    in it; one that has none but other bytes is Windows-1252.
    """
    with path.open("rb") as file:
        first = file.read(HEAD)
    for mark, name in UTF_16.items():
        if first.startswith(mark):
            return name
    if found := without_mark(first):
        return found
    multibyte, wrong, undefined, rest = False, False, False, b""
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            if not rest and block.isascii():
                continue
            block = rest + block
            whole = block.rfind(b"\n") + 1 or len(block)  # never cuts a character
            block, rest = block[:whole], block[whole:] if len(block) - whole < BLOCK else b""
            good, bad = judged(block)
            multibyte, wrong = multibyte or good, wrong or bad
            undefined = undefined or bool(bad and UNDEFINED.search(block))
    good, bad = judged(rest)
    multibyte, wrong = multibyte or good, wrong or bad
    return WINDOWS_1252 if wrong and not multibyte and not undefined else UTF_8


def judged(block: bytes) -> tuple[bool, bool]:
    """Whether there is a character of more than one byte, and whether a byte belongs to none."""
    if block.isascii():
        return False, False
    try:
        block.decode("utf-8")
    except UnicodeDecodeError:
        text = block.decode("utf-8", "ignore")
        return not text.isascii(), True
    return True, False


def without_mark(first: bytes) -> str:
    """UTF-16 without its byte order mark: every second byte of a header is NUL."""
    some = first[:400]
    if len(some) >= 4 and b"\0" in some:
        low, high = some[0::2].count(0), some[1::2].count(0)
        if high > len(some) * 0.4 and not low:
            return "utf-16-le"
        if low > len(some) * 0.4 and not high:
            return "utf-16-be"
    return ""


def divider_of(path: Path, encoding: str) -> str:
    """What divides the cells of a file: with which of them most lines have the same number of
    cells, and then most cells."""
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        text = file.read(HEAD)
    lines = text.splitlines(keepends=True)
    if len(text) == HEAD and len(lines) > 1:
        lines.pop()  # it is cut
    best, found = (0, 0), DIVIDERS[0]
    for divider in DIVIDERS:
        if divider not in text:
            continue
        try:
            widths = Counter(map(len, csv.reader(lines, delimiter=divider)))
        except csv.Error:
            continue
        widths.pop(0, None)
        widths.pop(1, None)
        if widths:
            width, count = max(widths.items(), key=lambda one: (one[1], one[0]))
            if (count, width) > best:
                best, found = (count, width), divider
    return found
