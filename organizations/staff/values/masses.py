"""Masses as people read them: 1,235 kg, t where kg would have seven digits; in a table one unit.

A figure by itself chooses its unit. In a table 1,153.012 t above 329,428 kg would be read as the
smaller one, so there all figures are in t as soon as one of them is (`one_unit_in_each_table`). A
figure in t has three decimals more than it would have in kg, so that it says the same.
"""

import re
from collections.abc import Callable, Iterable
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html

from organizations.staff.local import PAGES
from organizations.staff.numbers import shown_number, sign_of

MILLION = 1_000_000
WHOLE = 100
"""From so many kg up nobody reads a fraction."""

KG, TONNE = "kg", "t"
PLACES_MORE = 3
"""Of a figure in t beside the same in kg."""

TABLE = re.compile(r"<table\b.*?</table>", re.DOTALL)
FIGURE = re.compile(
    r'(?P<start><span class="fa-exact" title="[^"]*" data-(?P<what>kg|change)="(?P<kg>[^"]+)">)'
    "[^<]*"
)
"""What `shown_mass` and `signed_mass` make."""

MARKS = (b' data-kg="', b' data-change="')


def shown_mass(kilograms: Any) -> str:
    """1,235 kg, or 1,234.568 t, and exact where one points at it; nothing is an en dash."""
    return "–" if kilograms is None else _marked("kg", Decimal(kilograms))


def signed_mass(kilograms: Any) -> str:
    """A difference: +1,235 kg, −12.35 kg or ±0 kg."""
    return _marked("change", Decimal(kilograms))


def written(number: Decimal, unit: str, signed: bool = False) -> str:
    """A number of kilograms in a unit, in short: 0.0123 kg, 12.35 kg, 1,235 kg, 1.235 t."""
    rounded, places = _rounded(number)
    if unit == TONNE:
        rounded, places = rounded.scaleb(-PLACES_MORE), places + PLACES_MORE
    text = f"{shown_number(abs(rounded) if signed else rounded, places)} {unit}"
    return f"{sign_of(number)}{text}" if signed else text


def unit_for(kilograms: Iterable[Decimal]) -> str:
    """The unit in which all of some figures are shown."""
    return TONNE if any(abs(_rounded(one)[0]) >= MILLION for one in kilograms) else KG


def in_one_unit(table: str) -> str:
    """The markup of a table, with its masses in the unit that fits all of them."""
    unit = unit_for(Decimal(one["kg"]) for one in FIGURE.finditer(table))
    if unit == KG:
        return table
    return FIGURE.sub(
        lambda one: one["start"] + written(Decimal(one["kg"]), unit, one["what"] == "change"), table
    )


def one_unit_in_each_table(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: the tables of the admin's pages, and of parts of pages, have one unit each."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if not request.path.startswith(PAGES) or response.streaming:
            return response
        if any(mark in response.content for mark in MARKS):
            page = response.content.decode()
            response.content = TABLE.sub(lambda one: in_one_unit(one[0]), page).encode()
        return response

    return middleware


def _marked(what: str, number: Decimal) -> str:
    text = written(number, unit_for([number]), what == "change")
    exact = f"{shown_number(number)} {KG}"
    return format_html(
        '<span class="fa-exact" title="{}" data-{}="{}">{}</span>', exact, what, f"{number:f}", text
    )


def _rounded(number: Decimal) -> tuple[Decimal, int]:
    """Kilograms as they are shown, and to how many decimals."""
    whole = number.quantize(Decimal(1), ROUND_HALF_UP)
    hundredths = number.quantize(Decimal("0.01"), ROUND_HALF_UP)
    if not number:
        return whole, 0
    if abs(hundredths) >= WHOLE:
        return whole, 0
    if abs(number) >= 1:
        return hundredths, 2
    places = 2 - number.adjusted()
    short = number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP).normalize()
    return short, max(-int(short.as_tuple().exponent), 0)
