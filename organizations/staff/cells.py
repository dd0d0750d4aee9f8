"""What stands in a list or on a page in place of a raw value."""

from collections.abc import Callable
from datetime import date
from html import unescape
from typing import Any

from django.contrib import admin
from django.utils.formats import date_format
from django.utils.html import escape, format_html
from django.utils.translation import gettext_lazy

from organizations.staff.local import separators
from organizations.staff.numbers import shown_amount, shown_number
from organizations.staff.values.masses import shown_mass


def called(row: Any, field: str) -> str:
    """What pages call the code of a row's column."""
    code: str = getattr(row, field)
    name_of = getattr(type(row), "NAMED", {}).get(field)
    return name_of(code) if name_of and code else code


def named(field: str) -> Callable[[Any], str]:
    """A column of codes by their names."""

    @admin.display(description=gettext_lazy(field), ordering=field)
    def name(row: Any) -> str:
        return called(row, field)

    name.__name__ = f"{field}_named"
    return name


def number(field: str, description: Any, unit: str = "") -> Callable[[Any], str]:
    """A column's number as people read it, with the unit that another column names.

    The name it is given ends in `_figure`, which is what the style sheet aligns by.
    """

    @admin.display(description=description, ordering=field)
    def figure(row: Any) -> str:
        return shown_amount(getattr(row, field), called(row, unit) if unit else "")

    figure.__name__ = f"{field}_figure"
    return figure


def mass(field: str, description: Any) -> Callable[[Any], str]:
    """A column of masses, in short, and exact where one points at it."""

    @admin.display(description=description, ordering=field)
    def figure(row: Any) -> str:
        return shown_mass(getattr(row, field))

    figure.__name__ = f"{field}_figure"
    return figure


def plain(text: str) -> str:
    """What those who may only read see of a number: 0.029, not 0.0290000000.

    It comes as Django writes it in the language of the page: 0,0290000000 in Spanish.
    """
    decimal, _ = separators()
    number = text.replace(decimal, ".")
    return shown_number(number) if number.lstrip("-")[:1].isdigit() else text


def as_read(name_of: Callable[[str], str]) -> Callable[[str], str]:
    """The same for what those who may only read see: the markup of one code, or of several."""
    return lambda markup: escape(", ".join(map(name_of, unescape(markup).split(", "))))


def day(value: date) -> str:
    """A day as the language of the page writes it."""
    return date_format(value, "DATE_FORMAT")


def in_one_line(text: str) -> str:
    """A period, which no list should break at its dashes."""
    return format_html('<span class="fa-line">{}</span>', text)
