"""The months that a chart shows: a true time axis, with a place for every month."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from django.utils import timezone

DRAWN = 24
"""So many months up to today are shown where nobody chooses any."""

LONGEST = 240
"""So many months are shown at once at most."""

YEARS_SHOWN = 15
"""So many years are offered to choose from."""


@dataclass(frozen=True)
class Months:
    """From the first to the last month, both shown, each by its first day."""

    first: date
    last: date

    def __iter__(self) -> Iterator[str]:
        """Every month in order as 2023-04, with or without figures."""
        day = self.first
        while day <= self.last:
            yield f"{day:%Y-%m}"
            day = after(day)


def after(day: date, months: int = 1) -> date:
    """The first of the month so many months later, or earlier if negative."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, 1)


def month_of(text: str) -> date | None:
    """The first day of 2023-04; nothing for what is no month."""
    try:
        return date.fromisoformat(f"{text}-01")
    except ValueError:
        return None


def usual(found: list[str]) -> Months:
    """The newest months with figures, up to this month: none of 2031 that somebody mistyped."""
    today = timezone.localdate().replace(day=1)
    days = [day for one in found if (day := month_of(one)) and day <= today]
    last = days[-1] if days else today
    start = after(last, 1 - DRAWN)
    return Months(next((day for day in days if day >= start), start), last)
