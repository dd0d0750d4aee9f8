"""Headers known by their shape: a column for each half hour of a day, or for each month."""

import re
from calendar import monthrange
from collections.abc import Sequence
from datetime import date

from organizations.importing.dates import MONTHS, plain_letters

TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00)?")
HALF_HOUR = re.compile(r"(?:hh|hr|period|p|sp|kwh|interval)?[ _]?([0-9]{1,2})")
MOST, FEWEST = 50, 46
"""Half hours of the longest and the shortest day."""

NAMED_MONTH = re.compile(r"([^\W\d_]+)\.?[-/ _']*([0-9]{4}|[0-9]{2})")
YEAR_NAMED = re.compile(r"([0-9]{4})[-/ _]*([^\W\d_]+)\.?")
YEAR_MONTH = re.compile(r"([0-9]{4})[-/.]?([0-9]{2})(?:[-/.]?01)?(?:[T ]00:00(?::00)?)?")
MONTH_YEAR = re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})")


def half_hours(header: Sequence[str]) -> dict[int, int]:
    """Column → seconds past midnight at which its half hour begins; empty where they are not all
    there. Columns are named by the beginning (00:00 … 23:30), the end (00:30 … 24:00) or counted
    (HH1 … HH48, and 50 on the longest day)."""
    times = {at: found for at, name in enumerate(header) if (found := TIME.fullmatch(name.strip()))}
    seconds = {at: int(found[1]) * 3600 + int(found[2]) * 60 for at, found in times.items()}
    if FEWEST <= len(seconds) <= MOST:
        order = list(seconds.values())
        shift = 1800 if order[0] == 1800 else 0
        if shift and order[-1] == 0:
            seconds[list(seconds)[-1]] = 24 * 3600
        starts = {at: one - shift for at, one in seconds.items()}
        whole = all(one % 1800 == 0 for one in starts.values())
        return starts if whole and len(set(starts.values())) == len(starts) else {}
    counted = {
        at: int(found[1]) for at, name in enumerate(header)
        if (found := HALF_HOUR.fullmatch(name.strip().casefold()))
    }  # fmt: skip
    if FEWEST <= len(counted) <= MOST and list(counted.values()) == list(
        range(1, len(counted) + 1)
    ):
        return {at: (one - 1) * 1800 for at, one in counted.items()}
    return {}


def months(header: Sequence[str]) -> dict[int, tuple[date, date]]:
    """Column → first and last day of the month that it is named for."""
    found = {at: month for at, name in enumerate(header) if (month := month_named(name))}
    return found if len(found) > 1 and len(set(found.values())) == len(found) else {}


def like_month(name: str) -> bool:
    """Whether a name has to do with a month: “January”, “ene-23 (kWh)”."""
    return any(part in MONTHS for part in re.split(r"[\W\d_]+", plain_letters(name)) if part)


def like_half_hour(name: str) -> bool:
    return bool(TIME.fullmatch(name.strip()))


def month_named(name: str) -> tuple[date, date] | None:
    """The month of a name: Jan-23, enero 2023, 2023-01, 01/2023."""
    text = plain_letters(name.strip())
    year, month = "", 0
    if found := NAMED_MONTH.fullmatch(text):
        year, month = found[2], MONTHS.get(found[1], 0)
    elif found := YEAR_NAMED.fullmatch(text):
        year, month = found[1], MONTHS.get(found[2], 0)
    elif found := YEAR_MONTH.fullmatch(text):
        year, month = found[1], int(found[2])
    elif found := MONTH_YEAR.fullmatch(text):
        year, month = found[2], int(found[1])
    number = int(year or 0) + (2000 if len(year) == 2 else 0)
    if not 1 <= month <= 12 or not 1900 <= number <= 2199:
        return None
    return date(number, month, 1), date(number, month, monthrange(number, month)[1])
