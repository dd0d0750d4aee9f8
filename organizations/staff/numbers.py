"""Numbers as people read them, with the separators of their own language."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.html import format_html

from organizations.staff.local import separators

THOUSANDTH = Decimal("0.001")


def in_own_language(text: str) -> str:
    """1,234.5 as the reader's language writes it: 1.234,5 in Spanish."""
    decimal, thousands = separators()
    return text.translate({ord(","): thousands, ord("."): decimal})


def shown_number(value: Any, decimals: int | None = None) -> str:
    """1234567.890000 → 1,234,567.89; nothing is an en dash. Never rounded unless asked."""
    if value is None:
        return "–"
    number = Decimal(value)
    if decimals is not None:
        return in_own_language(f"{number:,.{decimals}f}")
    text = f"{number:,f}"
    return in_own_language(text.rstrip("0").rstrip(".") if "." in text else text)


def sign_of(number: Decimal) -> str:
    return "+" if number > 0 else "−" if number else "±"


def to(number: Decimal, step: Decimal) -> Decimal:
    return number.quantize(step, ROUND_HALF_UP)


def shown_amount(value: Any, unit: str = "") -> str:
    """A quantity to three decimals with its unit, and exact where one points at it."""
    if value is None:
        return "–"
    number = Decimal(value)
    short = to(number, THOUSANDTH) if abs(number) >= 1 else number
    text = f"{shown_number(short)} {unit}".strip()
    return text if short == number else exact(text, number, unit)


def exact(text: str, value: Any, unit: str) -> str:
    """A rounded number that says the exact one where one points at it."""
    whole = f"{shown_number(value)} {unit}".strip()
    return format_html('<span class="fa-exact" title="{}">{}</span>', whole, text)
