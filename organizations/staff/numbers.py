"""Numbers as people read them, with the separators of their own language."""

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.html import format_html

from organizations.staff.local import separators

MILLION = 1_000_000
WHOLE = 100
"""From so many kg up nobody reads a fraction."""

TENTH, HUNDREDTH, THOUSANDTH = Decimal("0.1"), Decimal("0.01"), Decimal("0.001")


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


def signed_number(value: Any) -> str:
    """A difference: +1,234.5, −1,234.5 or ±0."""
    number = Decimal(value)
    return f"{sign_of(number)}{shown_number(abs(number))}"


def sign_of(number: Decimal) -> str:
    return "+" if number > 0 else "−" if number else "±"


def rounded_kg(value: Any) -> str:
    """Kilograms in short: 0.0123, 12.35, 1,235."""
    number = Decimal(value)
    size = abs(number)
    if to(size, HUNDREDTH) >= WHOLE:
        return shown_number(to(number, Decimal(1)), 0)
    if size >= 1 or not size:
        return shown_number(to(number, HUNDREDTH), 2 if size else 0)
    return shown_number(to(number, Decimal(1).scaleb(size.adjusted() - 2)))


def rounded_mass(value: Any) -> str:
    """A mass that stands by itself: 1,235 kg, and 1,234.6 t where kg would have seven digits."""
    number = Decimal(value)
    if to(abs(number), Decimal(1)) >= MILLION:
        return f"{shown_number(to(number / 1000, TENTH), 1)} t"
    return f"{rounded_kg(number)} kg"


def to(number: Decimal, step: Decimal) -> Decimal:
    return number.quantize(step, ROUND_HALF_UP)


def shown_kg(value: Any) -> str:
    """Kilograms in short, and exact where one points at them. Never in tonnes: a column has one
    unit, or 1,153.0 t beside 329,428 reads as the smaller one."""
    return "–" if value is None else exact(rounded_kg(value), value, "kg")


def signed_kg(value: Any) -> str:
    """A difference in kilograms in short: +1,235, −12.35 or ±0."""
    number = Decimal(value)
    return exact(f"{sign_of(number)}{rounded_kg(abs(number))}", number, "kg")


def shown_mass(value: Any) -> str:
    """The same with its unit: 1,235 kg, or 1,234.6 t."""
    return exact(rounded_mass(value), value, "kg")


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
