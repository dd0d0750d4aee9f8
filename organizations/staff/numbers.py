"""Numbers as people read them."""

from decimal import Decimal
from typing import Any


def shown_number(value: Any, decimals: int | None = None) -> str:
    """1234567.890000 → 1,234,567.89; nothing is an en dash. Never rounded unless asked."""
    if value is None:
        return "–"
    number = Decimal(value)
    if decimals is not None:
        return f"{number:,.{decimals}f}"
    text = f"{number:,f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def signed_number(value: Any) -> str:
    """A difference: +1,234.5, −1,234.5 or ±0."""
    number = Decimal(value)
    sign = "+" if number > 0 else "−" if number else "±"
    return f"{sign}{shown_number(abs(number))}"
