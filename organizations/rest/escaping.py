"""Text in the cells of our exports: an apostrophe keeps it from being taken for something else.

A spreadsheet would run `=1+1`, and an import would take `NULL` for an empty cell and `2.3E+13` for
a code that a spreadsheet has spoiled, though a facility may be called so.
"""

import re
from typing import Any

NOTHING_THERE = {"NULL", "null", "Null", "N/A", "n/a", "#N/A", "NaN", "nan", "#NULL!"}
"""What programs write where there is nothing."""

SPOILED = re.compile(r"[0-9](?:[.,][0-9]+)?[eE]\+[0-9]+|[0-9][.,][0-9]+[eE](?:[7-9]|[12][0-9])")
"""What a spreadsheet makes of a long code that is all digits; Java leaves the + out."""

WORDS = "|".join(map(re.escape, sorted(NOTHING_THERE)))
MISTAKEN = re.compile(rf"'*(?:[=+\-@\t\r\n]|(?:{WORDS}|{SPOILED.pattern})\Z)")
"""Text that would be taken for something else, or that has been kept from it already."""


def harmless(value: Any) -> Any:
    """Text that no spreadsheet runs and every import reads as it is; numbers and dates are what
    they are.

    An import takes one apostrophe away again, so text that has some of its own gets one more.
    """
    if isinstance(value, str) and MISTAKEN.match(value):
        return f"'{value}"
    return value


def as_meant(text: str) -> str:
    """The text that `harmless` has made a cell of."""
    return text[1:] if text[:1] == "'" and MISTAKEN.match(text[1:]) else text
