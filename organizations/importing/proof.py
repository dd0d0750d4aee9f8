"""How a whole column is written, proved by the cells that can be read in one way only.

Each cell says which styles can read it: `1.047,5` only a decimal comma, `1,200` both, `12` says
nothing. What all cells of the column leave is its style. A column that leaves none contradicts
itself; where more than one is left, a cell that would differ between them is refused.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple

from organizations.importing import dates, numbers

CONTRADICTORY_NUMBERS, CONTRADICTORY_DATES = "contradictory_numbers", "contradictory_dates"


class Unproved(NamedTuple):
    """In place of a value: why a cell cannot be read."""

    code: str
    detail: str


class Proof:
    """What the cells of one column leave of the styles that it may be written in."""

    def __init__(
        self,
        readings: Callable[[str], Mapping[str, Any]],
        styles: Sequence[str],
        decided: str | None = None,
    ) -> None:
        self._readings, self._styles = readings, tuple(styles)
        self.left = {decided} if decided else set(styles)
        self._because = [f"{decided} is the option"] if decided else []
        self.contradiction = ""
        """Which two cells say different things, in words."""

    def note(self, line: int, text: str) -> None:
        """Takes what a cell proves."""
        if self.contradiction:
            return
        readings = self._readings(text)
        if not readings or self.left <= readings.keys():
            return
        left = self.left & readings.keys()
        because = f"line {line} has “{text.strip()[:40]}”"
        if left:
            self.left = left
            self._because.append(because)
        else:
            self.contradict(because)

    def contradict(self, because: str) -> None:
        """Notes that the column cannot be one style throughout."""
        self.contradiction = f"{' and '.join([*self._because[-1:], because])}"

    def value(self, text: str) -> Any:
        """What a cell says under the style of its column; None where it can be read under none,
        `Unproved` where that would be a guess."""
        readings = self._readings(text)
        if not readings:
            return None
        everywhere = set(readings.values())
        if len(everywhere) == 1 and readings.keys() >= set(self._styles):
            return everywhere.pop()
        if self.contradiction:
            return Unproved("contradictory", self.contradiction)
        values = {readings[style] for style in self.left if style in readings}
        if len(values) == 1:
            return values.pop()
        return Unproved("ambiguous", "") if values else None


PLAIN = {
    numbers.POINT: re.compile(r"(?:-?[0-9]*(?:\.[0-9]+)?(?:\n|$))*"),
    numbers.COMMA: re.compile(r"(?:-?[0-9]*(?:,[0-9]+)?(?:\n|$))*"),
}
"""Many cells, one a line, that contradict a style in nothing."""


class NumberProof(Proof):
    """How the numbers of a column are written: with a decimal `point` or `comma`."""

    def __init__(self, decided: str | None = None) -> None:
        super().__init__(numbers.number_readings, numbers.STYLES, decided)

    def note_all(self, lines: Iterable[int], cells: Sequence[str]) -> None:
        """Notes many cells; most files have thousands that say nothing new."""
        together = "\n".join(cells)
        if "," not in together and "." not in together:
            return
        plain = PLAIN.get(next(iter(self.left))) if len(self.left) == 1 else None
        if plain and plain.fullmatch(together):
            return
        for line, text in zip(lines, cells, strict=True):
            if "," in text or "." in text:
                self.note(line, text)

    def value(self, text: str) -> Any:
        found = super().value(text)
        if not isinstance(found, Unproved):
            return found
        if found.code == "contradictory":
            return Unproved(
                CONTRADICTORY_NUMBERS,
                f"The column has decimal points and decimal commas: {found.detail}; write all its "
                "numbers in one way.",
            )
        sentence = numbers.ambiguous_number(text, self._readings(text))
        return Unproved(
            numbers.AMBIGUOUS,
            f"{sentence}, and no number of this column proves which; say it with --decimal point "
            "or --decimal comma.",
        )


class DateProof(Proof):
    """In which order the days of a column are written: `ymd`, `dmy` or `mdy`."""

    def __init__(self, decided: str | None = None) -> None:
        super().__init__(dates.date_readings, dates.ORDERS, decided)
        self._year_day_month = False
        self._seen: set[str] = set()

    def note_all(self, lines: Iterable[int], cells: Sequence[str]) -> None:
        """Notes many cells, each distinct text once while they are few."""
        new = set(cells) - self._seen
        if not new:
            return
        if len(self._seen) < SEEN:
            self._seen |= new
        for line, text in zip(lines, cells, strict=True):
            if text in new:
                new.discard(text)
                if dates.is_year_day_month(text):
                    self._year_day_month = True
                    self.contradict(f"line {line} has “{text.strip()[:40]}”, which is no month")
                self.note(line, text)

    def value(self, text: str) -> Any:
        found = super().value(text)
        if isinstance(found, date) and self._year_day_month and text.strip()[:4].isdigit():
            found = Unproved("contradictory", self.contradiction)
        if not isinstance(found, Unproved):
            return found
        if found.code == "contradictory":
            return Unproved(
                CONTRADICTORY_DATES,
                f"The column has days in more than one order: {found.detail}; write all its days "
                "like 2024-01-31.",
            )
        sentence = dates.ambiguous_date(text, self._readings(text))
        return Unproved(
            dates.AMBIGUOUS,
            f"{sentence}, and no day of this column proves which; say it with --dates ymd, "
            "--dates dmy or --dates mdy.",
        )


SEEN = 50_000
"""Distinct texts of one column that are remembered, so that each is looked at once."""
