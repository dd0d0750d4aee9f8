"""Readings of one meter: gathered from its lines, put in order, and divided into months."""

from array import array
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from math import gcd
from typing import NamedTuple

from emissions.importing.intervals.clocks import DAY, EPOCH, Clock

LENGTHS = (60, 300, 600, 900, 1200, 1800, 3600, 7200, 10_800, 14_400, 21_600, 28_800, 43_200, DAY)
"""Seconds that an interval may have."""

Readings = dict[int, tuple[int, bool]]
"""Second since 1970 at which an interval begins → its whole number, and whether it is estimated."""


class Unfit(Exception):
    """The readings of a meter do not go together; the code and the sentence say why."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


@dataclass
class Meter:
    """What a file says of one meter, in the order of its lines."""

    line: int
    """Where it stands first."""
    size: Fraction
    """What one whole number is, in the bill's unit; of power, in an hour."""
    seconds: int = 0
    """How long an interval is, where the file says it."""
    longest: int = DAY
    """How long one is at most in files of this kind."""
    stamps: array = field(default_factory=lambda: array("q"))
    """Seconds: since 1970, or by a wall clock as if it never changed."""
    numbers: array = field(default_factory=lambda: array("q"))
    estimated: array = field(default_factory=lambda: array("b"))
    beyond: set[int] = field(default_factory=set)
    """Places of readings that stand behind the 24th hour of their day, as the 25th one does."""

    def add(
        self,
        stamps: Sequence[int],
        numbers: Sequence[int],
        estimated: Sequence[int],
        beyond: Iterable[int] = (),
    ) -> None:
        """Takes readings in the order of their lines; `beyond` are places among them."""
        self.beyond.update(len(self.stamps) + at for at in beyond)
        self.stamps.extend(stamps)
        self.numbers.extend(numbers)
        self.estimated.extend(estimated)

    def length(self, usual: int) -> int:
        """How long its intervals are: as the file says, or as most of them follow each other.

        Raises Unfit where some are closer than most, so that it would be a guess.
        """
        ordered = sorted(set(self.stamps))
        gaps = Counter(map(int.__sub__, ordered[1:], ordered))
        most = self.seconds or min(gaps.most_common(1)[0][0] if gaps else usual, self.longest)
        if most not in LENGTHS or any(gap < most or gap % most for gap in gaps):
            raise Unfit(
                "mixed_intervals",
                "The intervals of this meter are not all equally long; divide the file where their "
                "length changes.",
            )
        return most


class Month(NamedTuple):
    """The readings of one meter in one month of its local time."""

    first: date
    """The first day with a reading."""
    last: date
    seconds: int
    size: Fraction
    readings: Readings
    expected: int
    """How many intervals its days have."""

    @property
    def quantity(self) -> Fraction:
        return sum(number for number, _ in self.readings.values()) * self.size

    @property
    def estimated(self) -> bool:
        return any(estimated for _, estimated in self.readings.values())


def by_wall_clock(meter: Meter, clock: Clock, *, usual: int, ends: bool) -> Readings:
    """Readings whose stamps are a wall clock's, at the beginning or the end of each interval.

    An hour that comes twice is the first one where it stands first. A day of 23 or 25 hours may
    also be counted through from midnight, 1 to 23 or 1 to 25. A 0 behind the last hour of a day
    fills up a column. Raises Unfit.
    """
    length = meter.length(usual)
    shift = length if ends else 0
    by_day: defaultdict[int, list[tuple[int, int, bool]]] = defaultdict(list)
    readings: Readings = {}
    last_day, start, usual_day = -1, 0, True
    each = zip(meter.stamps, meter.numbers, meter.estimated, strict=True)
    for at, (stamp, number, estimated) in enumerate(each):
        day, second = divmod(stamp - shift, DAY)
        if at in meter.beyond:
            day, second = day - 1, second + DAY
        if day != last_day:
            last_day, start = day, clock.start_of(day + EPOCH)
            usual_day = clock.length_of(day + EPOCH) == DAY
        if usual_day:
            if second < DAY:
                put(readings, start + second, number, bool(estimated))
            elif number:
                shown = date.fromordinal(day + EPOCH)
                sentence = f"{shown} has no 25th hour, and a reading stands there."
                raise Unfit("no_such_time", sentence)
        else:
            by_day[day].append((second, number, bool(estimated)))
    for day, found in by_day.items():
        resolve(readings, clock, day + EPOCH, found)
    return readings


def resolve(readings: Readings, clock: Clock, day: int, found: list[tuple[int, int, bool]]) -> None:
    """Puts the readings of a day of 23 or 25 hours where they belong."""
    start, length = clock.start_of(day), clock.length_of(day)
    moments = [clock.moments_of(day, second) for second, _, _ in found]
    nowhere = [one for one, at in zip(found, moments, strict=True) if not at and one[1]]
    if nowhere or any(DAY <= second < length for second, _, _ in found):
        if any(second >= length for second, number, _ in found if number):
            raise Unfit(
                "no_such_time",
                f"On {date.fromordinal(day)} the clock leaves out the hour that one of its "
                "readings is in.",
            )
        for second, number, estimated in found:  # counted through from midnight
            if second < length:
                put(readings, start + second, number, estimated)
        return
    seen: Counter[int] = Counter()
    for (second, number, estimated), at in zip(found, moments, strict=True):
        if at:
            put(readings, at[min(seen[second], len(at) - 1)], number, estimated)
            seen[second] += 1


def by_moment(meter: Meter, *, usual: int, ends: bool) -> Readings:
    """Readings whose stamps are moments. Raises Unfit."""
    shift = meter.length(usual) if ends else 0
    readings: Readings = {}
    for stamp, number, estimated in zip(meter.stamps, meter.numbers, meter.estimated, strict=True):
        put(readings, stamp - shift, number, bool(estimated))
    return readings


def put(readings: Readings, moment: int, number: int, estimated: bool) -> None:
    """Notes a reading. Raises Unfit where another one of the same moment says something else."""
    before = readings.setdefault(moment, (number, estimated))
    if before != (number, estimated):
        raise Unfit("duplicate", "Two lines have different quantities for one interval.")


def months(
    readings: Readings, seconds: int, size: Fraction, clock: Clock, *, by_day: bool = False
) -> list[Month]:
    """Readings by the month that they begin in, or by the day."""
    days = sorted({clock.day_of(moment) for moment in thinned(readings, clock)})
    parts: defaultdict[tuple[int, int, int], list[int]] = defaultdict(list)
    for day in days:
        found = date.fromordinal(day)
        parts[found.year, found.month, found.day if by_day else 0].append(day)
    ordered = sorted(readings)
    made, at = [], 0
    for some in parts.values():
        end = clock.start_of(some[-1] + 1)
        inside: Readings = {}
        while at < len(ordered) and ordered[at] < end:
            inside[ordered[at]] = readings[ordered[at]]
            at += 1
        made.append(month_of(inside, seconds, size, clock))
    return made


def thinned(readings: Readings, clock: Clock) -> list[int]:
    """One moment of each day that has any."""
    found, until = [], -1
    for moment in sorted(readings):
        if moment >= until:
            found.append(moment)
            until = clock.start_of(clock.day_of(moment) + 1)
    return found


def month_of(readings: Readings, seconds: int, size: Fraction, clock: Clock) -> Month:
    """Readings of one month, in numbers as small as they can be. Raises Unfit."""
    step = gcd(*(number for number, _ in readings.values()), size.denominator)
    if step > 1:
        readings = {at: (number // step, known) for at, (number, known) in readings.items()}
    begin = min(readings)
    if any((moment - begin) % seconds for moment in readings):
        raise Unfit("mixed_intervals", "The intervals do not follow each other evenly.")
    first, last = clock.day_of(begin), clock.day_of(max(readings))
    span = clock.start_of(last + 1) - clock.start_of(first)
    return Month(
        date.fromordinal(first),
        date.fromordinal(last),
        seconds,
        size * step,
        readings,
        span // seconds,
    )


def joined(stored: Readings, size: Fraction, month: Month, clock: Clock) -> Month:
    """A month with what is stored of it; where both have an interval, the new one counts."""
    common = Fraction(
        gcd(size.numerator * month.size.denominator, month.size.numerator * size.denominator),
        size.denominator * month.size.denominator,
    )
    before, now = int(size / common), int(month.size / common)
    readings = {at: (number * before, known) for at, (number, known) in stored.items()}
    readings |= {at: (number * now, known) for at, (number, known) in month.readings.items()}
    return month_of(dict(sorted(readings.items())), month.seconds, common, clock)
