"""Rows that add up the others, and are none themselves."""

from collections.abc import Sequence

from organizations.importing.numbers import measured, number_readings
from organizations.importing.tables.marks import unmarked

TOTAL_WORDS = {
    *("total", "totals", "totales", "totale", "totali", "totaal", "suma", "sum", "summe", "somme"),
    *("soma", "gesamt", "gesamtsumme", "subtotal", "sous-total", "zwischensumme", "grand"),
}
"""The first word of a row that adds up the others."""


def is_total(cells: Sequence[str], needed: int) -> bool:
    """Whether a row begins with a word for a total, and has too little besides to be anything."""
    told = [text for cell in cells if (text := unmarked(cell).strip())]
    if not told or told[0].casefold().split()[0].strip(".:") not in TOTAL_WORDS:
        return False
    return len(told) < needed or all(number_readings(one) or measured(one) for one in told[1:])
