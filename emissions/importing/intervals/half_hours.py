"""Great Britain's half hours: a line a day and MPAN."""

from collections.abc import Iterable, Sequence
from typing import Any

from emissions.importing.intervals.bills import PASSED_OVER, IntervalImporter, Source
from emissions.importing.intervals.clocks import DAY, EPOCH
from emissions.importing.intervals.files import HOUR, Midnights
from emissions.importing.intervals.series import Meter, Month, by_wall_clock, months
from organizations.importing.cells import Column, Fault, Refused
from organizations.importing.layouts.layout import fold
from organizations.importing.tables.marks import unmarked
from organizations.importing.tables.shapes import half_hours

CONSUMED = {"ai", "active import", "import", "kwh", "active", "consumption"}
REACTIVE = {"kvarh", "kvar", "kvah", "kva", "ri", "re", "reactive import", "reactive export",
            "reactive"}  # fmt: skip
FED_IN = {"ae", "active export", "export"}
"""What a line that is passed over says that it is of, or whose energy was fed in."""


class HalfHours(IntervalImporter):
    """Great Britain: a line a day and MPAN, a column each half hour."""

    zone = "Europe/London"
    usual = HOUR // 2

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._midnights = Midnights(self.columns["start_date"])
        self._times = half_hours(self.table.columns)
        """Column → seconds past midnight at which its half hour begins."""
        starts = list(self._times.values())
        self._again = {at for nth, at in enumerate(self._times) if starts[nth] in starts[:nth]}
        """Columns of the hour that the longest day has twice."""
        self._flags = {at: at + 1 for at in self._times}
        """Column → the one behind it, which says whether its reading is estimated."""
        last = len(self.table.columns) - 1
        if any(at > last or at in self._times for at in self._flags.values()):
            self._flags = {}
        self._codes = Column("meter", self.columns["external_id"].field)

    def places_of(self, name: str) -> Iterable[int]:
        return self._times if name == "quantity" else super().places_of(name)

    def survey(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        super().survey(lines, rows)
        width = len(self.table.columns)
        for line, cells in zip(lines, rows, strict=True):
            if len(cells) == width:
                values = [cells[place] for place in self._times]
                self.columns["quantity"].note([line] * len(values), values)

    def codes(self, rows: list[list[str]]) -> Iterable[str]:
        place = self.places["meter"]
        return {unmarked(cells[place]).strip() for cells in rows}

    def gather(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        lines, rows = self.whole(lines, rows)
        for line, cells in zip(lines, rows, strict=True):
            other = self._other(cells)
            if other and other.code == PASSED_OVER:
                self.report.warn(line, cells, other)
                continue
            code = self._codes[cells[self.places["meter"]]]
            day = self._midnights[cells[self.places["start_date"]]]
            faults = [other] if other else []
            faults += [fault for one in (code, day) if type(one) is Refused for fault in one]
            if type(day) is Refused:
                self.reject(line, cells, faults)
                continue
            stamps: list[int] = []
            numbers: list[int] = []
            estimated: list[int] = []
            beyond: list[int] = []
            for place, start in self._times.items():
                if not cells[place]:
                    continue
                number = self.scaled[cells[place]]
                if place in self._again and not self._is_longest(day):
                    if not number:
                        continue  # it fills up the column of another day
                    number = Refused([Fault("", "no_such_time", "This day has the hour once.")])
                if type(number) is Refused:
                    column = self.table.columns[place]
                    faults += [one._replace(column=column) for one in number]
                    continue
                if start >= DAY:
                    beyond.append(len(stamps))
                stamps.append(day + start)
                numbers.append(number)
                estimated.append(self._is_estimated(cells, place))
            quality = self._quality(cells)
            if type(quality) is Refused:
                faults += quality
            if faults:
                self.reject(line, cells, faults)
            elif numbers:
                meter = self.meter(code, line)
                meter.seconds = HOUR // 2
                if quality == "estimated":
                    estimated = [1] * len(stamps)
                meter.add(stamps, numbers, estimated, beyond)

    def _is_longest(self, day: int) -> bool:
        return self.clock.length_of(day // DAY + EPOCH) > DAY

    def _quality(self, cells: list[str]) -> Any:
        """The quality of a whole line, where a column says it."""
        if "data_quality" not in self.places:
            return None
        return self._readers["data_quality"][cells[self.places["data_quality"]]]

    def _is_estimated(self, cells: list[str], place: int) -> int:
        """Whether the cell behind a reading says that it is estimated."""
        flag = fold(unmarked(cells[self._flags[place]])) if self._flags else ""
        return int(self.layout.words("data_quality").get(flag) == "estimated")

    def _other(self, cells: list[str]) -> Fault | None:
        """What a line says that it is, where that is not kWh of consumption."""
        for name, known in (("unit", {"kwh"}), ("measured", CONSUMED)):
            said = fold(unmarked(cells[self.places[name]])) if name in self.places else ""
            if said in ("", *known):
                continue
            if said in REACTIVE or said in FED_IN:
                sentence = f"This line is of “{said}”, not consumption; it is passed over."
                return Fault(self.name_of(name), PASSED_OVER, sentence)
            return Fault(name, "invalid", f"This line is of “{said[:40]}”; kWh are read.")
        return None

    def months_of(self, source: Source, meter: Meter) -> list[Month]:
        readings = by_wall_clock(meter, self.clock, usual=self.usual, ends=False)
        return months(readings, self.usual, meter.size, self.clock)
