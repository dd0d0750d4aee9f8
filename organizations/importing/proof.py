"""How a whole column is written, proved by the cells that can be read in one way only.

Each cell says which styles can read it: `1.047,5` only a decimal comma, `1,200` both, `12` says
nothing. What all cells of the column leave is its style; where more than one is left, a cell that
would differ between them is refused. A column that leaves none contradicts itself, and its cells
are refused; but where very few of them contradict all others, those that can be read in one way
only, and in the usual one, are not held to blame.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from organizations.importing import dates, numbers

FEW = 10
"""A column is usually in one style where so many times more cells agree with it than do not."""

CONTRADICTORY_NUMBERS, CONTRADICTORY_DATES = "contradictory_numbers", "contradictory_dates"


class Unproved(NamedTuple):
    """In place of a value: why a cell cannot be read."""

    code: str
    detail: str


class Proof:
    """What the cells of one column leave of the styles that it may be written in."""

    decided_by = "the option"
    """What the style comes from, where it was decided."""

    def __init__(
        self,
        readings: Callable[[str], Mapping[str, Any]],
        styles: Sequence[str],
        decided: str | None = None,
    ) -> None:
        self._readings, self._styles, self.decided = readings, tuple(styles), decided
        self.left = {decided} if decided else set(styles)
        self._because = [f"{decided} is {self.decided_by}"] if decided else []
        self.contradiction = ""
        """Which two cells say different things, in words."""
        self.proving = 0
        """So many cells can be read in some styles and not in all."""
        self.agreeing: Counter[str] = Counter()
        """Style → how many of those it can read."""

    def note(self, line: int, text: str) -> None:
        """Takes what a cell proves."""
        readings = self._readings(text)
        if not readings or readings.keys() >= set(self._styles):
            return
        self.proving += 1
        self.agreeing.update(readings.keys())
        if self.contradiction or self.left <= readings.keys():
            return
        left = self.left & readings.keys()
        if self.decided:
            self._because = [f"{self.decided} is {self.decided_by}"]
        because = f"line {line} has “{text.strip()[:40]}”"
        if left:
            self.left = left
            self._because.append(because)
        else:
            self.contradict(because)

    def contradict(self, because: str) -> None:
        """Notes that the column cannot be one style throughout."""
        self.contradiction = " and ".join([*self._because[-1:], because])

    @property
    def usual(self) -> str:
        """The style of a column in which very few cells contradict it, or nothing."""
        for style, count in self.agreeing.most_common(1):
            if (self.proving - count) * FEW <= count and style in (self.decided or style):
                return style
        return ""

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
            if len(everywhere) == 1 and self.usual in readings:
                return everywhere.pop()
            return Unproved("contradictory", self.contradiction)
        values = {readings[style] for style in self.left if style in readings}
        if len(values) == 1:
            return values.pop()
        return Unproved("ambiguous", "") if values else None

    def written(self, text: str) -> str:
        """A cell as it can be read without the others of its column: as it stands, unless it says
        two things, of which the others have proved one."""
        if len(set(self._readings(text).values())) < 2:
            return text
        value = self.value(text)
        return text if value is None or isinstance(value, Unproved) else self._alone(value)

    def _alone(self, value: Any) -> str:
        """A value in the style of the column, so that it says this one thing."""
        raise NotImplementedError


PLAIN = {
    numbers.POINT: re.compile(r"(?:-?[0-9]*(?:\.[0-9]+)?(?:\n|$))*"),
    numbers.COMMA: re.compile(r"(?:-?[0-9]*(?:,[0-9]+)?(?:\n|$))*"),
}
"""Many cells, one a line, that contradict a style in nothing."""

SEPARATORS = {numbers.POINT: ".", numbers.COMMA: ","}
TELLING = re.compile(r"[.,]|[^\W\d_]")
"""What a cell has that may prove something, or have a unit in it."""


class NumberProof(Proof):
    """How the numbers of a column are written: with a decimal `point` or `comma`."""

    def __init__(self, decided: str | None = None) -> None:
        super().__init__(numbers.number_readings, numbers.STYLES, decided)

    @property
    def style(self) -> str:
        """What is proved, or nothing."""
        return "" if self.contradiction or len(self.left) > 1 else next(iter(self.left))

    units = False
    """Whether some cell has a unit beside its number."""

    def note(self, line: int, text: str) -> None:
        parts = None if self._readings(text) else numbers.measured(text)
        self.units = self.units or parts is not None
        super().note(line, parts.number if parts else text)

    def note_all(self, lines: Iterable[int], cells: Sequence[str]) -> None:
        """Notes many cells; most files have thousands that say nothing new."""
        together = "\n".join(cells)
        if self.style and PLAIN[self.style].fullmatch(together):
            count = together.count(SEPARATORS[self.style])
            self.proving += count
            self.agreeing[self.style] += count
        elif TELLING.search(together):
            for line, text in zip(lines, cells, strict=True):
                if TELLING.search(text):
                    self.note(line, text)

    def of_real(self, text: str) -> str:
        """A workbook's number as a cell of a CSV, in the style of the text beside it."""
        number, space, beside = text.partition(" ")
        try:
            return self._alone(Decimal(number)) + space + beside
        except InvalidOperation:
            return text

    def _alone(self, value: Any) -> str:
        text = format(value, "f")
        if len(set(self._readings(text).values())) > 1:  # 1.234 would be a thousand elsewhere
            text += "0"
        return text.replace(".", ",") if self.style == numbers.COMMA else text

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

    def _alone(self, value: Any) -> str:
        return str(value)

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
