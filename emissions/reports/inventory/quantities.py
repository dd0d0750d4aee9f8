"""Quantities of lines added up, exactly on both stores."""

from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from django.db import connection
from django.db.models import Sum

AT_ONCE = 5000


def added_up(lines: Any, keys: tuple[str, ...], amounts: tuple[str, ...]) -> Iterator[list[Any]]:
    """The keys of each group, its quantity (one of the keys is the unit) and its amounts.

    SQLite keeps a quantity of 12 decimals as text, which it cannot add up exactly: there it is done
    here.
    """
    columns = ("quantity", *amounts)
    lines = lines.order_by()
    if connection.vendor == "postgresql":
        sums = {f"sum_{name}": Sum(name) for name in columns}
        yield from map(list, lines.values_list(*keys).annotate(**sums).order_by(*keys))
        return
    found: defaultdict[tuple[Any, ...], list[Decimal]] = defaultdict(
        lambda: [Decimal(0)] * len(columns)
    )
    for row in lines.values_list(*keys, *columns).iterator(AT_ONCE):
        key, values = row[: len(keys)], row[len(keys) :]
        found[key] = [a + b for a, b in zip(found[key], values, strict=True)]
    for key in sorted(found, key=str):
        yield [*key, *found[key]]
