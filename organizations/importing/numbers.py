"""Numbers as people write them: with a decimal point or a decimal comma, proved or refused.

`1.047,5` can be read in one way only, `1,200` in two: 1200 or 1.2. Which one is meant is never
guessed; another number of its column proves it (see `proof`), or the reader is told.
"""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import NamedTuple

from django.utils.formats import get_format
from django.utils.translation import gettext

POINT, COMMA = "point", "comma"
STYLES = (POINT, COMMA)

SPACES = " \N{NO-BREAK SPACE}\N{THIN SPACE}\N{NARROW NO-BREAK SPACE}"
"""Space, no-break, thin and narrow no-break space."""

MINUS = "-−–"
"""Hyphen, minus sign, and the dash that word processors put in its place."""

LONGEST = 60
"""Characters; what is longer is no number."""

WHOLE = r"(?:0|[1-9][0-9]*)"
EXPONENT = r"(?:[eE][-+]?[0-9]{1,3})"


def grouped(separators: str) -> str:
    """1.234.567 with one separator throughout, and never after a leading zero."""
    return "|".join(rf"[1-9][0-9]{{0,2}}(?:{re.escape(one)}[0-9]{{3}})+" for one in separators)


NEUTRAL_GROUPS = grouped(SPACES + "'’")
INDIAN = r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}"

FORMS = {
    POINT: re.compile(
        rf"(?:{NEUTRAL_GROUPS}|{grouped(',')}|{INDIAN})(?:\.[0-9]+)?"
        rf"|(?:{WHOLE}(?:\.[0-9]+)?|\.[0-9]+){EXPONENT}?"
    ),
    COMMA: re.compile(
        rf"(?:{NEUTRAL_GROUPS}|{grouped('.')})(?:,[0-9]+)?"
        rf"|(?:{WHOLE}(?:,[0-9]+)?|,[0-9]+){EXPONENT}?"
    ),
}
ONLY_DIGITS = {
    POINT: str.maketrans("", "", SPACES + "'’,"),
    COMMA: str.maketrans(",", ".", SPACES + "'’."),
}

CURRENCY = re.compile(r"[$€£¥₹₽₩₺]|\b(?:EUR|USD|GBP|CHF|CAD|AUD|MXN|BRL|INR|JPY|SEK|NOK|DKK|PLN)\b")
WITH_WORDS = re.compile(rf"([-+({MINUS}]?[0-9.,'’{SPACES})]*[0-9)])\s*([^\W\d_].*)", re.DOTALL)


class NumberError(ValueError):
    """A text is not one number; `code` says why, and the sentence what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


class Measured(NamedTuple):
    """A cell like “1,234.50 kWh”: the text of its number, and of its unit."""

    number: str
    unit: str


def number_readings(text: str) -> dict[str, Decimal]:
    """What a text is under each style that can read it; empty where it is no number.

    >>> number_readings("1.047,5")
    {'comma': Decimal('1047.5')}
    >>> number_readings("1,200")
    {'point': Decimal('1200'), 'comma': Decimal('1.200')}
    """
    body, negative = unsigned(text.strip()[: LONGEST + 1])
    if not body or len(body) > LONGEST:
        return {}
    readings = {}
    for style, form in FORMS.items():
        if form.fullmatch(body):
            value = Decimal(body.translate(ONLY_DIGITS[style]))
            readings[style] = -value if negative else value
    return readings


def unsigned(text: str) -> tuple[str, bool]:
    """A text without its sign, before or after it or in an accountant's brackets."""
    if text[:1] == "(" and text[-1:] == ")":
        return text[1:-1].strip(), True
    if text[:1] in {*MINUS, "+"} and text:
        return text[1:].strip(), text[0] != "+"
    if text[-1:] in set(MINUS) and text:
        return text[:-1].strip(), True
    return text, False


def measured(text: str) -> Measured | None:
    """A number with a unit in one cell, or nothing. What the unit is, is for others to say."""
    found = WITH_WORDS.fullmatch(text.strip())
    if not found or CURRENCY.search(text) or number_readings(text):
        return None
    return Measured(found[1].strip(), found[2].strip()) if number_readings(found[1]) else None


def read_number(text: str, decimal: str | None = None) -> Decimal:
    """The number that a person typed. Raises NumberError where it is none, or could be two.

    `decimal` says how it is written (`point` or `comma`), where that is known.

    >>> read_number("1.047,5"), read_number("1 200"), read_number("1.200", "comma")
    (Decimal('1047.5'), Decimal('1200'), Decimal('1200'))
    """
    readings = number_readings(text)
    if not readings:
        raise NumberError(*not_a_number(text))
    if decimal:
        if decimal not in readings:
            raise NumberError("invalid", f"“{text[:40]}” is not written with a decimal {decimal}.")
        return readings[decimal]
    if len(set(readings.values())) > 1:
        raise NumberError(AMBIGUOUS, ambiguous_number(text, readings))
    return next(iter(readings.values()))


AMBIGUOUS = "ambiguous_number"


def ambiguous_number(text: str, readings: Mapping[str, Decimal]) -> str:
    """What two numbers a text could be."""
    own = get_format("DECIMAL_SEPARATOR")
    point, comma = (plain(readings[style]).replace(".", own) for style in STYLES)
    sentence = gettext("“{text}” may be {point} (a decimal point) or {comma} (a decimal comma)")
    return sentence.format(text=text.strip()[:40], point=point, comma=comma)


def plain(number: Decimal) -> str:
    """1200, 1.2: as a computer writes it."""
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def not_a_number(text: str) -> tuple[str, str]:
    """The code and the sentence of a text that is no number."""
    shown = text.strip()[:40]
    if "%" in text:
        return "percent", gettext(
            "“{shown}” is a percentage; write the number that it is a part of 1."
        ).format(shown=shown)
    if CURRENCY.search(text):
        return "currency", gettext(
            "“{shown}” is an amount of money, not a quantity; is this the column?"
        ).format(shown=shown)
    return "invalid", gettext("“{shown}” is not a number; write it like 1234.5.").format(
        shown=shown
    )
