"""The files of interval data that meters' operators give: what a line of each is."""

from collections.abc import Iterable, Sequence
from datetime import date
from fractions import Fraction
from itertools import groupby
from operator import add, itemgetter
from typing import Any

from emissions.importing.intervals.bills import PASSED_OVER, IntervalImporter, Source
from emissions.importing.intervals.clocks import DAY, EPOCH, Clock
from emissions.importing.intervals.series import Meter, Month, by_moment, by_wall_clock, months
from organizations.importing.cells import Column, Fault, Refused
from organizations.importing.tables import green_button
from organizations.importing.tables.marks import unmarked

HOUR = 3600


class Seconds(dict[str, Any]):
    """“HH:MM” → seconds past midnight, up to 25 hours, or why it is none."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name = name

    def __missing__(self, text: str) -> Any:
        hours, _, minutes = unmarked(text).strip().partition(":")
        minutes = minutes.removesuffix(":00") if minutes.count(":") else minutes
        known = hours.isdigit() and (minutes or "0").isdigit() and len(hours) < 3
        value: Any = int(hours) * HOUR + int(minutes or 0) * 60 if known else None
        if value is None or not 0 < value <= 25 * HOUR:
            sentence = f"“{text[:20]}” is not the end of an hour, 01:00 to 24:00."
            value = Refused([Fault(self._name, "invalid", sentence)])
        self[text] = value
        return value


class Midnights(dict[str, Any]):
    """Text → the seconds of a day as if clocks never changed, or why it is none."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, text: str) -> Any:
        value = self._column[text]
        if isinstance(value, date):
            value = (value.toordinal() - EPOCH) * DAY
        self[text] = value
        return value


class Qualities(dict[str, Any]):
    """Text → 1 where a reading is estimated, else 0, or why it is neither."""

    def __init__(self, column: Column) -> None:
        super().__init__()
        self._column = column

    def __missing__(self, text: str) -> Any:
        value = self._column[text]
        if not isinstance(value, Refused):
            value = int(value == "estimated")
        self[text] = value
        return value


class Datadis(IntervalImporter):
    """Spain's distributors: a line an hour, by the hour's end on the wall clock."""

    zone = "Europe/Madrid"
    longest = HOUR
    code_column = "cups"

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._midnights = Midnights(self.columns["start_date"])
        self._hours = Seconds("hour")
        self._qualities = Qualities(self._readers["data_quality"])

    def codes(self, rows: list[list[str]]) -> Iterable[str]:
        place = self.places["cups"]
        return {cells[place].strip() for cells in rows}

    def gather(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        width = len(self.table.columns)
        if set(map(len, rows)) != {width}:
            lines, rows = self.whole(lines, rows)
        if not rows:
            return
        cells = list(zip(*rows, strict=True))
        at = self.places
        readers: list[tuple[dict[str, Any], str]] = [
            (self._midnights, "start_date"),
            (self._hours, "hour"),
            (self.scaled, "quantity"),
            (self._qualities, "data_quality"),
        ]
        parts: list[list[Any]] = [
            list(map(read.__getitem__, cells[at[name]])) for read, name in readers
        ]
        if any(Refused in set(map(type, part)) for part in parts):
            lines, rows, parts = self._good(lines, rows, parts)
        days, hours, numbers, estimated = parts
        codes = [cells[at["cups"]] for cells in rows]
        stamps = list(map(add, days, hours))
        late = max(hours, default=0) > DAY
        begin = 0
        for code, same in groupby(codes):
            end = begin + sum(1 for _ in same)
            part = slice(begin, end)
            meter = self.meter(code.strip(), lines[begin])
            beyond = [at for at, second in enumerate(hours[part]) if second > DAY] if late else []
            meter.add(stamps[part], numbers[part], estimated[part], beyond)
            begin = end

    def _good(
        self, lines: Sequence[int], rows: list[list[str]], parts: list[list[Any]]
    ) -> tuple[Sequence[int], list[list[str]], list[list[Any]]]:
        """Refuses the lines that have something wrong."""
        kept = []
        for at, (line, cells, *values) in enumerate(zip(lines, rows, *parts, strict=True)):
            if found := [fault for one in values if type(one) is Refused for fault in one]:
                self.reject(line, cells, found)
            else:
                kept.append(at)
        return (
            [lines[at] for at in kept],
            [rows[at] for at in kept],
            [[part[at] for at in kept] for part in parts],
        )

    def months_of(self, source: Source, meter: Meter) -> list[Month]:
        readings = by_wall_clock(meter, self.clock, usual=self.usual, ends=True)
        return months(readings, meter.length(self.usual), meter.size, self.clock)


class GreenButton(IntervalImporter):
    """North America: ESPI's readings, by the moment at which each begins."""

    zone = "UTC"
    unique_codes = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._clocks: dict[str, Clock] = {}
        self._zones: dict[str, str] = {}
        self._powers: dict[str, Fraction] = {}
        self._said: dict[str, dict[str, Any]] = {}
        self._passed: set[tuple[str, str]] = set()

    def source(self, code: str) -> Source:
        facility = self.constants.get("facility_id", "")
        return Source(facility or code, code or facility)

    def codes(self, rows: list[list[str]]) -> Iterable[str]:
        return {cells[self.places["meter"]] for cells in rows}

    def gather(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        names = ("meter", "start", "duration", "quantity", "data_quality", "size", "zone")
        said = [(name, self.places[name]) for name in ("category", "activity", "unit")]
        get = itemgetter(*(self.places[name] for name in names))
        for line, cells in zip(lines, rows, strict=True):
            code, start, seconds, text, quality, size, zone = get(cells)
            if quality == green_button.PASSED_OVER:
                self._pass_over(line, cells, code, cells[self.places["unit"]])
                continue
            number = self.scaled[text]
            if type(number) is Refused:
                self.reject(line, cells, number)
                continue
            self._powers.setdefault(code, Fraction(size))
            self._zones.setdefault(code, zone)
            if code not in self._said:
                self._said[code] = {name: self._readers[name][cells[at]] for name, at in said}
            meter = self.meter(code, line)
            if (self._powers[code], self._zones[code]) != (Fraction(size), zone) or (
                meter.seconds and meter.seconds != int(seconds)
            ):
                sentence = "Readings of one usage point have different units or lengths."
                self.reject(line, cells, [Fault("", "mixed_intervals", sentence)])
                continue
            meter.seconds = int(seconds)
            meter.add([int(start)], [number], [int(quality == "estimated")])

    def _pass_over(self, line: int, cells: list[str], code: str, reason: str) -> None:
        """Says once of a usage point what of it is not consumption."""
        if (code, reason) not in self._passed:
            self._passed.add((code, reason))
            sentence = f"{reason} They are passed over."
            self.report.warn(line, cells, Fault("", PASSED_OVER, sentence))

    def size_of(self, code: str) -> Fraction:
        return super().size_of(code) * self._powers[code]

    def said_of(self, source: Source) -> dict[str, Any]:
        return self._said[source.code if source.code in self._said else ""]

    def months_of(self, source: Source, meter: Meter) -> list[Month]:
        zone = self._zones[source.code if source.code in self._zones else ""]
        self.clock = self._clocks.setdefault(zone, Clock(zone))
        readings = by_moment(meter, usual=self.usual, ends=False)
        return months(readings, meter.length(self.usual), meter.size, self.clock)
