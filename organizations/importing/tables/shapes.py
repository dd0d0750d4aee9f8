"""Headers known by their shape: a column for each half hour of a day, or for each month."""

import re
from calendar import monthrange
from collections.abc import Mapping, Sequence
from datetime import date
from itertools import pairwise

from organizations.importing.dates import MONTHS, plain_letters

TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})(?::00)?")
HALF_HOUR = re.compile(r"(?:hh|hr|period|p|sp|kwh|interval)?[ _]?([0-9]{1,2})")
MOST, FEWEST = 50, 46
"""Half hours of the longest and the shortest day."""

NAMED_MONTH = re.compile(r"([^\W\d_]+)\.?[-/ _']*([0-9]{4}|[0-9]{2})")
YEAR_NAMED = re.compile(r"([0-9]{4})[-/ _]*([^\W\d_]+)\.?")
YEAR_MONTH = re.compile(r"([0-9]{4})[-/.]?([0-9]{2})(?:[-/.]?01)?(?:[T ]00:00(?::00)?)?")
YEAR = re.compile(r"\b(?:19|20)[0-9]{2}\b")
TITLE_YEAR = re.compile(
    r"(?!.*\b(?:FY|fiscal|financial|printed|exported|generated|created|updated|version|copyright)\b)"
    r"[^\d©]*\b(?:19|20)[0-9]{2}\b\D*",
    re.I,
)
"""A title with one year and no other number, so that it is no day and no two years."""

YEAR_NAMES = {"year", "ano", "jahr", "annee", "anno", "jaar"}
MONTH_YEAR = re.compile(r"([0-9]{1,2})[-/.]([0-9]{4})")


def half_hours(header: Sequence[str]) -> dict[int, int]:
    """Column → seconds past midnight at which its half hour begins; empty where they are not all
    there. Columns are named by the beginning (00:00 … 23:30), the end (00:30 … 24:00) or counted
    (HH1 … HH48, and 50 on the longest day). Among 50 an hour may have its columns twice, as the
    clock shows it."""
    times = {at: found for at, name in enumerate(header) if (found := TIME.fullmatch(name.strip()))}
    seconds = {at: int(found[1]) * 3600 + int(found[2]) * 60 for at, found in times.items()}
    if FEWEST <= len(seconds) <= MOST:
        order = list(seconds.values())
        shift = 1800 if order[0] == 1800 else 0
        if shift and order[-1] == 0:
            seconds[list(seconds)[-1]] = 24 * 3600
        starts = {at: one - shift for at, one in seconds.items()}
        whole = all(one % 1800 == 0 for one in starts.values())
        once = len(set(starts.values())) == (FEWEST + 2 if len(starts) == MOST else len(starts))
        return starts if whole and (once or len(set(starts.values())) == len(starts)) else {}
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
    if leaves_out({at: first.year * 12 + first.month for at, (first, _) in found.items()}):
        return {}
    return found if len(found) > 1 and len(set(found.values())) == len(found) else {}


def leaves_out(found: Mapping[int, int]) -> bool:
    """Whether a column that is not understood stands where a month is missing: it would be lost."""
    return any(
        after - before > 1 and found[after] - found[before] > 1 for before, after in pairwise(found)
    )


def bare_months(header: Sequence[str]) -> dict[int, int]:
    """Column → the number of the month that it is named for, without a year."""
    names = [plain_letters(name).rstrip(".") for name in header]
    found = {at: MONTHS[name] for at, name in enumerate(names) if name in MONTHS}
    return found if len(found) > 1 and not leaves_out(found) else {}


def year_column(header: Sequence[str]) -> int | None:
    """The column that says of which year the months of its row are."""
    places = [at for at, name in enumerate(header) if plain_letters(name) in YEAR_NAMES]
    return places[0] if len(places) == 1 else None


def has_months(header: Sequence[str]) -> bool:
    """Whether columns are named for months, whose year stands with them or in a column."""
    bare = bare_months(header)
    alone = len(set(bare.values())) == len(bare) > 1 and year_column(header) is not None
    return bool(months(header)) or alone


def month_of(year: int, month: int) -> tuple[date, date]:
    """Its first and its last day."""
    return date(year, month, 1), date(year, month, monthrange(year, month)[1])


def with_years(rows: Sequence[list[str]]) -> list[list[str]]:
    """The rows, where months without their year get it from above: from a title (“Energy 2023”),
    or from years that stand over them. A title that may be of something else leaves them alone."""
    for at, cells in enumerate(rows):
        found = bare_months(cells)
        if not found or year_column(cells) is not None:
            continue
        places = list(found)
        years = years_over(rows[:at], places)
        order = list(zip(years, found.values(), strict=False))
        if len(order) == len(places) and order == sorted(set(order)):
            named = list(cells)
            for place, year in zip(places, years, strict=True):
                named[place] = f"{cells[place]} {year}"
            return [*rows[:at], named, *rows[at + 1 :]]
        break
    return list(rows)


def years_over(above: Sequence[Sequence[str]], places: Sequence[int]) -> list[str]:
    """The year of each column, or nothing where it is not said once and clearly."""
    nearest = above[-1] if above else []
    over = {at: cell for at, cell in enumerate(nearest) if YEAR.fullmatch(cell)}
    if len(over) > 1:
        before = [[year for at, year in over.items() if at <= place] for place in places]
        return [years[-1] for years in before if years]
    titles = {title for cells in above for title in cells if TITLE_YEAR.fullmatch(title)}
    years = {YEAR.findall(title)[0] for title in titles}
    return [years.pop()] * len(places) if len(years) == 1 else []


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
    return month_of(number, month)
