"""France's files: the readings of a PRM, and above or beside them what they are (`Blocks`).

A load curve gives the mean power of each half hour, by the moment at which it ends. A daily file
gives the meter's index at the beginning of each day: what was used on a day is the difference to
the next. Blocks of maximum power and of calendars stand in daily files too, and are passed over.
The workbook of the customers' portal gives the energy of days, or the mean power from a time on.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from emissions.importing.intervals.bills import PASSED_OVER, IntervalImporter, Source
from emissions.importing.intervals.clocks import DAY, EPOCH, Clock
from emissions.importing.intervals.enedis_blocks import Blocks, time_of
from emissions.importing.intervals.series import Meter, Month, by_moment, by_wall_clock, months
from organizations.importing.cells import Fault, Refused
from organizations.importing.tables.header import plain_name
from organizations.importing.tables.marks import unmarked

HOUR = 3600
DAILY = "arrete_quotidien"
MISSING = ("", "NA")
"""What stands in the place of a reading that is missing."""


class Index(NamedTuple):
    """What a meter shows at the beginning of a day, as a whole number of 10⁻⁶ of its unit."""

    day: int
    number: int
    line: int
    cells: list[str]


class Form(NamedTuple):
    """What all readings of a PRM have in common."""

    size: Fraction
    is_index: bool
    is_daily: bool
    ends: bool
    by_wall: bool
    """Whether their times are the wall clock's, without an offset."""


class Enedis(IntervalImporter):
    """Load curves, daily indexes and days."""

    zone = "Europe/Paris"
    usual, longest = HOUR // 2, HOUR

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._forms: dict[Source, Form] = {}
        self._indexes: defaultdict[Source, list[Index]] = defaultdict(list)
        self._broken: defaultdict[Source, set[int]] = defaultdict(set)
        """Days on which a meter was read for another reason, such as a new programme."""
        self._begin()

    def _begin(self) -> None:
        """Takes what stands above the first readings."""
        self._blocks = Blocks()
        for cells in self.table.head():
            self._blocks.take(cells)
            if self._blocks.names:
                break

    def survey(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        blocks = self._blocks
        codes = {blocks.code}
        for line, cells in zip(lines, rows, strict=True):
            if not blocks.take(cells):
                blocks.take_beside(cells)
                place = blocks.place
                if place is not None and len(cells) > place and cells[place] not in MISSING:
                    self.columns["quantity"].note([line], [cells[place]])
            codes.add(blocks.code)
        for code in codes - {""}:
            self.sites.texts[self.facility_of(code)] = None

    def prepare(self) -> None:
        super().prepare()
        self._begin()

    def gather(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        blocks = self._blocks
        for line, cells in zip(lines, rows, strict=True):
            if blocks.take(cells):
                if blocks.told and blocks.names and blocks.place is None:
                    sentence = "These readings are of power; they are passed over."
                    self.report.warn(line, cells, Fault("", PASSED_OVER, sentence))
                continue
            blocks.take_beside(cells)
            if (place := blocks.place) is not None:
                self._gather_one(line, cells, place)
            elif not blocks.names:
                sentence = "No line above says what these cells are."
                self.reject(line, cells, [Fault("", "unknown_header", sentence)])

    def _gather_one(self, line: int, cells: list[str], place: int) -> None:
        """Notes a reading, or refuses its line; an empty one is missing."""
        blocks = self._blocks
        if len(cells) != len(blocks.names):
            sentence = f"A reading has {len(blocks.names)} cells here: {', '.join(blocks.names)}."
            self.reject(line, cells, [Fault("", "wrong_number_of_cells", sentence)])
            return
        faults, text = blocks.faults(), cells[blocks.time_place]
        time = time_of(text)
        if time and not time.tzinfo and not blocks.by_wall:
            time = None
        if not faults and time is None:
            shown = unmarked(text)[:40]
            sentence = f"“{shown}” is no moment with its offset from UTC."
            if blocks.by_wall:
                sentence = f"“{shown}” is no time, such as 2023-01-31 00:30:00."
            column = self.table.columns[blocks.time_place : blocks.time_place + 1] or ["Horodate"]
            faults = [Fault(column[0], "invalid", sentence)]
        missing = unmarked(cells[place]).strip() in MISSING
        number = None if faults or missing else self.scaled[cells[place]]
        if type(number) is Refused:
            faults = [one._replace(column="Valeur") for one in number]
        if faults or time is None:
            self.reject(line, cells, faults)
            return
        by_wall = time.tzinfo is None
        stamp = int((time.replace(tzinfo=UTC) if by_wall else time).timestamp())
        if blocks.is_index and not by_wall:
            self._gather_index(line, cells, stamp, number)
        elif number is not None and (meter := self._alike(line, cells, by_wall)):
            meter.seconds = DAY if blocks.is_daily else blocks.step or meter.seconds
            meter.add([stamp], [number], [0])

    def _gather_index(self, line: int, cells: list[str], moment: int, number: int | None) -> None:
        names = self._blocks.names
        source, day = self.source(self._blocks.code), self.clock.day_of(moment)
        kind = names.index("type_de_releve") if "type_de_releve" in names else 0
        if kind and plain_name(cells[kind]) != DAILY:
            self._broken[source].add(day)
        elif number is not None and self.clock.start_of(day) != moment:
            sentence = "An index is read at midnight in Paris."
            self.reject(line, cells, [Fault("Horodate", "invalid", sentence)])
        elif number is not None and (meter := self._alike(line, cells, False)):
            meter.seconds = DAY
            self._indexes[source].append(Index(day, number, line, cells))

    def _alike(self, line: int, cells: list[str], by_wall: bool) -> Meter | None:
        """The meter of a reading, which is refused where earlier ones are of another kind."""
        blocks = self._blocks
        form = Form(blocks.size, blocks.is_index, blocks.is_daily, blocks.ends, by_wall)
        if self._forms.setdefault(self.source(blocks.code), form) == form:
            return self.meter(blocks.code, line)
        sentence = "Other readings of this PRM in the file have another unit, time or length."
        self.reject(line, cells, [Fault("Identifiant PRM", "mixed_intervals", sentence)])
        return None

    def size_of(self, code: str) -> Fraction:
        return super().size_of(code) * self._blocks.size

    def settle(self) -> None:
        """Adds what was used on each day; what several days used together is divided among them."""
        for source, indexes in self._indexes.items():
            indexes.sort()
            for before, after in pairwise(indexes):
                days = range(before.day, after.day)
                used = after.number - before.number
                if self._broken[source] & {*days}:
                    continue
                if used < 0 or (used and not days):
                    sentence = (
                        f"The index was {before.number / 10**6:g} before, on line {before.line}."
                    )
                    fault = Fault("EAS T", "contradictory_numbers", sentence)
                    self.reject(after.line, after.cells, [fault])
                elif days:
                    parts = [used // len(days)] * len(days)
                    parts[-1] += used - sum(parts)
                    stamps = [(day - EPOCH) * DAY for day in days]
                    self.meters[source].add(stamps, parts, [int(len(days) > 1)] * len(days))
        self.meters = {source: meter for source, meter in self.meters.items() if meter.stamps}
        super().settle()

    def months_of(self, source: Source, meter: Meter) -> list[Month]:
        form = self._forms[source]
        if form.is_index or form.is_daily:
            self.clock = Clock("UTC")  # each day counts alike, however many hours it has
            readings = by_wall_clock(meter, self.clock, usual=DAY, ends=False)
            return months(readings, DAY, meter.size, self.clock)
        self.clock = Clock(self.zone)
        length = meter.length(self.usual)
        if form.by_wall:
            # the clock's time at that moment, so that 01:30 is followed by 03:00 in spring
            readings = by_wall_clock(meter, self.clock, usual=self.usual, ends=False)
            if form.ends:
                readings = {moment - length: one for moment, one in readings.items()}
        else:
            readings = by_moment(meter, usual=self.usual, ends=form.ends)
        return months(readings, length, meter.size * Fraction(length, HOUR), self.clock)
