"""Days as people write them: year, month or day first, proved or refused.

`2023-12-15` and `15 December 2023` are one day, `15/12/2023` is one because there is no month 15;
`03/04/2024` is 3 April or 4 March. Which one is meant is never guessed; another day of its column
proves it (see `proof`), or the reader is told.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import date

YMD, DMY, MDY = "ymd", "dmy", "mdy"
ORDERS = (YMD, DMY, MDY)

AMBIGUOUS = "ambiguous_date"
EARLIEST, LATEST = 1900, 2199
"""Years of four digits."""

PIVOT = 69
"""Years of two digits: 69 is 1969 and 68 is 2068, as in POSIX."""

LONGEST = 60

MONTH_NAMES = {
    1: "january jan enero ene janvier janv januar jaenner jaen jan gennaio gen janeiro januari",
    2: "february feb febrero fevrier fevr fev februar febbraio fevereiro februari",
    3: "march mar marzo mars maerz maer mrz marz marco maart mrt",
    4: "april apr abril abr avril avr aprile",
    5: "may mayo mai maggio mag maio mei",
    6: "june jun junio juin juni giugno giu junho",
    7: "july jul julio juillet juill juil juli luglio lug julho",
    8: "august aug agosto ago aout augustus",
    9: "september sep sept septiembre setiembre septembre settembre set sett setembro",
    10: "october oct octubre octobre oktober okt ottobre ott outubro out",
    11: "november nov noviembre novembre",
    12: "december dec diciembre dic decembre dezember dez dicembre dezembro",
}
"""English, Spanish, French, German, Italian, Portuguese and Dutch, without accents."""

MONTHS = {name: month for month, names in MONTH_NAMES.items() for name in names.split()}

MIDNIGHT = re.compile(
    r"(?:T|\s+)(?:00:00(?::00(?:\.0+)?)?|12:00(?::00)?\s*AM)(?:Z|[-+][0-9]{2}:?[0-9]{2})?", re.I
)
CLOCK = re.compile(r"[T\s][0-9]{1,2}:[0-9]{2}")
FIGURES = re.compile(r"([0-9]{1,4})([-/. ])([0-9]{1,2})\2([0-9]{1,4})")
COMPACT = re.compile(r"[0-9]{8}")
SERIAL = re.compile(r"[0-9]{5}(?:\.[0-9]+)?")
DAY_NAMED = re.compile(
    r"([0-9]{1,2})(?:st|nd|rd|th|\.|º)?[-/\s.]*(?:de\s+)?([^\W\d_]+)\.?,?[-/\s]*(?:de\s+)?([0-9]{2,4})"
)
NAMED_DAY = re.compile(r"([^\W\d_]+)\.?[-/\s]*([0-9]{1,2})(?:st|nd|rd|th)?,?[-/\s]+([0-9]{2,4})")
YEAR_NAMED = re.compile(r"([0-9]{4})[-/\s.]*([^\W\d_]+)\.?[-/\s]*([0-9]{1,2})")
WEEKDAY = re.compile(r"[^\W\d_]+\.?,\s*")


class DateError(ValueError):
    """A text is not one day; `code` says why, and the sentence what to do."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def date_readings(text: str) -> dict[str, date]:
    """What a text is under each order that can read it; empty where it is no day.

    >>> date_readings("15/12/2023")
    {'dmy': datetime.date(2023, 12, 15)}
    >>> date_readings("03/04/2024")
    {'dmy': datetime.date(2024, 4, 3), 'mdy': datetime.date(2024, 3, 4)}
    """
    text = text.strip()[: LONGEST + 1]
    if len(text) > LONGEST:
        return {}
    if found := MIDNIGHT.search(text):
        text = text[: found.start()] if found.end() == len(text) else text
    if COMPACT.fullmatch(text):
        return compact(text)
    if figures := FIGURES.fullmatch(text):
        return of_figures(figures[1], figures[3], figures[4])
    return named(plain_letters(text))


def of_figures(first: str, second: str, third: str) -> dict[str, date]:
    """Three numbers with something between them."""
    if len(first) == 4:
        return every_order(day(first, second, third)) if len(third) <= 2 else {}
    if len(first) > 2 or len(third) not in (2, 4):
        return {}
    parts = {DMY: (third, second, first), MDY: (third, first, second)}
    if len(third) == 2 and len(first) == 2:
        parts[YMD] = (first, second, third)
    return known({order: day(*one) for order, one in parts.items()})


def compact(text: str) -> dict[str, date]:
    """Eight digits: 20231215, 15122023 or 12152023."""
    if found := day(text[:4], text[4:6], text[6:]):
        return every_order(found)
    year = text[4:]
    return known({DMY: day(year, text[2:4], text[:2]), MDY: day(year, text[:2], text[2:4])})


def named(text: str) -> dict[str, date]:
    """A day with the name of its month; a year of two digits may be the day as well."""
    if found := YEAR_NAMED.fullmatch(text):
        return every_order(day(found[1], month(found[2]), found[3]))
    if found := DAY_NAMED.fullmatch(text):
        first, name, third = found.groups()
        if len(third) == 4:
            return every_order(day(third, month(name), first))
        readings = {DMY: day(third, month(name), first)}
        if len(first) == 2:
            readings[YMD] = day(first, month(name), third)
        return known(readings)
    if found := NAMED_DAY.fullmatch(text):
        name, second, third = found.groups()
        if len(third) == 4:
            return every_order(day(third, month(name), second))
        return known({MDY: day(third, month(name), second)})
    if found := WEEKDAY.match(text):
        return named(text[found.end() :]) if text[: found.end()].strip(" ,.") not in MONTHS else {}
    return {}


def day(year: str, month: str, day_of_month: str) -> date | None:
    """The day of three numbers, or nothing where there is none."""
    if len(year) not in (2, 4) or not month:
        return None
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < PIVOT else 1900
    if not EARLIEST <= number <= LATEST:
        return None
    try:
        return date(number, int(month), int(day_of_month))
    except ValueError:
        return None


def month(name: str) -> str:
    """The number of a month's name, or nothing."""
    return str(MONTHS.get(name, ""))


def every_order(found: date | None) -> dict[str, date]:
    """What is one day however it is read."""
    return dict.fromkeys(ORDERS, found) if found else {}


def known(readings: dict[str, date | None]) -> dict[str, date]:
    return {order: found for order, found in readings.items() if found}


def plain_letters(text: str) -> str:
    """Lower case without accents: März is maerz, août is aout."""
    text = text.casefold().replace("ä", "ae")
    return "".join(
        one for one in unicodedata.normalize("NFKD", text) if not unicodedata.combining(one)
    )


def is_year_day_month(text: str) -> bool:
    """2023-25-03, which makes every day of its column that begins with the year doubtful."""
    found = FIGURES.fullmatch(text.strip())
    return bool(
        found
        and len(found[1]) == 4
        and not day(found[1], found[3], found[4])
        and len(found[4]) <= 2
        and day(found[1], found[4], found[3])
    )


def read_date(text: str, dates: str | None = None) -> date:
    """The day that a person typed. Raises DateError where it is none, or could be two.

    `dates` says how it is written (`ymd`, `dmy`, `mdy`), where that is known.

    >>> read_date("15/12/2023"), read_date("3.4.2024", "dmy")
    (datetime.date(2023, 12, 15), datetime.date(2024, 4, 3))
    """
    readings = date_readings(text)
    if not readings:
        raise DateError(*not_a_date(text))
    if dates:
        if dates not in readings:
            raise DateError("invalid", f"“{text[:40]}” is no day that is written {dates}.")
        return readings[dates]
    if len(set(readings.values())) > 1:
        raise DateError(AMBIGUOUS, ambiguous_date(text, readings))
    return next(iter(readings.values()))


def ambiguous_date(text: str, readings: Mapping[str, date]) -> str:
    """Which days a text could be."""
    days = [f"{found} ({order})" for order, found in readings.items()]
    return f"“{text.strip()[:40]}” may be {' or '.join(days)}"


def not_a_date(text: str) -> tuple[str, str]:
    """The code and the sentence of a text that is no day."""
    shown = text.strip()[:40]
    if CLOCK.search(text):
        return "invalid", f"“{shown}” has a time of day; write the day alone, like 2024-01-31."
    if SERIAL.fullmatch(text.strip()):
        return (
            "invalid",
            f"“{shown}” is the number that a spreadsheet keeps for a day; format the column as "
            "dates and save it again.",
        )
    return "invalid", f"“{shown}” is not a day; write it like 2024-01-31."
