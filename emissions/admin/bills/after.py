"""The bill that comes after another: same place and meter, the next period, the same unit."""

from calendar import monthrange
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse

from emissions.models import Consumption
from facilities.categories import Category

KEPT = ("category", "activity", "unit", "supplier", "cups", "meter", "data_quality")
"""What a bill has in common with the one before it, where that has it."""


def next_period(start: date, end: date) -> tuple[date, date]:
    """The days after a period: as many whole months where it is of whole months, else as many days.

    2024-01-01 – 2024-01-31 → 2024-02-01 – 2024-02-29; 2023-12-15 – 2024-01-14 → the same days a
    month later, as meters are read; 10 days → the 10 days after.
    """
    first = end + timedelta(days=1)
    months = (first.year - start.year) * 12 + first.month - start.month
    if months and first.day == start.day:
        return first, months_later(first, months) - timedelta(days=1)
    return first, first + (end - start)


def months_later(day: date, months: int) -> date:
    """The same day of a later month, or that month's last day where it is shorter."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def form_after(row: Consumption) -> str:
    """The form of a new bill, filled with what follows from the one before it."""
    fields: dict[str, Any] = {"facility": row.facility_id}
    fields |= {name: value for name in KEPT if (value := getattr(row, name))}
    if row.category != Category.RECHARGE:  # a refill is made when one is needed
        fields["start_date"], fields["end_date"] = next_period(row.start_date, row.end_date)
    return form_with(fields)


def form_with(fields: dict[str, Any]) -> str:
    """The form of a new bill, filled with these fields."""
    return f"{reverse('admin:emissions_consumption_add')}?{urlencode(fields)}"
