"""Readings in an organization's own layout, added up to bills of a month or a day."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from emissions.importing.intervals.bills import IntervalImporter, Source
from emissions.importing.intervals.clocks import DAY, EPOCH, Clock
from emissions.importing.intervals.series import (
    Meter,
    Month,
    Unfit,
    by_moment,
    by_wall_clock,
    months,
)
from organizations.importing.cells import ABSENT, Fault, Refused
from organizations.importing.layouts.layout import DAY as BY_DAY
from organizations.importing.tables.green_button import zone_of
from organizations.importing.tables.marks import unmarked
from organizations.importing.tables.unreadable import Unreadable

STAMP = re.compile(
    r"(?P<day>.*?\d.*?)[T\s]+(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::00(?:\.0+)?)?"
    r"\s*(?P<half>[AaPp][Mm])?\s*(?P<offset>Z|[-+]\d{2}:?\d{2})?"
)

ZONES = {
    country: f"Europe/{city}"
    for country, city in (
        ("AT", "Vienna"),
        ("BE", "Brussels"),
        ("CH", "Zurich"),
        ("CZ", "Prague"),
        ("DE", "Berlin"),
        ("DK", "Copenhagen"),
        ("ES", "Madrid"),
        ("FI", "Helsinki"),
        ("FR", "Paris"),
        ("GB", "London"),
        ("GR", "Athens"),
        ("HU", "Budapest"),
        ("IE", "Dublin"),
        ("IT", "Rome"),
        ("NL", "Amsterdam"),
        ("NO", "Oslo"),
        ("PL", "Warsaw"),
        ("PT", "Lisbon"),
        ("RO", "Bucharest"),
        ("SE", "Stockholm"),
    )
}
"""Country → its wall clocks. Elsewhere a day is taken to have 24 hours."""

SAID = ("category", "activity", "unit")


class Stamp(NamedTuple):
    """When a reading begins: the text of its day, the seconds past midnight, and its offset."""

    day: str
    second: int
    offset: str
    timed: bool


def stamp_of(text: str) -> Stamp:
    """The parts of a time: “15/12/2023 13:30”, “2023-12-15T13:30:00+01:00”, or a day alone."""
    found = STAMP.fullmatch(text.strip())
    if not found:
        return Stamp(text, 0, "", False)
    hour = int(found["hour"])
    if half := (found["half"] or "").casefold():
        hour = hour % 12 + (12 if half == "pm" else 0)
    return Stamp(found["day"], hour * 3600 + int(found["minute"]) * 60, found["offset"] or "", True)


def zone_of_offsets(offsets: set[int]) -> str:
    """A zone whose clocks are so many seconds off UTC, in winter and in summer. Raises Unfit."""
    winter, summer = min(offsets), max(offsets)
    try:
        if len(offsets) <= 2 and summer - winter in (0, 3600):
            return zone_of(str(winter), str(summer - winter))
    except Unreadable:
        pass
    raise Unfit("unknown_zone", "No time zone has these offsets from UTC.")


class Sums(IntervalImporter):
    """A reading a line, by the day or the time at which it begins."""

    zone = "UTC"
    unique_codes = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._said: dict[Source, dict[str, Any]] = {}
        self._offsets: dict[Source, set[int | None]] = {}
        """Meter → the offsets from UTC of its times, in seconds; None where they have none."""
        self._timed = False

    def survey(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        width, place = len(self.table.columns), self.places["start_date"]
        days = []
        for cells in rows:
            if len(cells) == width:
                stamp = stamp_of(unmarked(cells[place]))
                self._timed = self._timed or stamp.timed
                days.append([*cells[:place], stamp.day, *cells[place + 1 :]])
            else:
                days.append(cells)
        super().survey(lines, days)

    def code(self, cells: list[str]) -> str:
        """The code of a row's meter, or what it calls its facility."""
        for name in ("cups", "meter", "facility_id"):
            if name in self.places and (text := unmarked(cells[self.places[name]]).strip()):
                return text
        return self.constants.get("facility_id", "")

    def codes(self, rows: list[list[str]]) -> Iterable[str]:
        if "facility_id" in self.places:
            place = self.places["facility_id"]
            self.sites.texts.update((unmarked(cells[place]).strip(), None) for cells in rows)
        return {self.code(cells) for cells in rows} - {""}

    def source_of(self, cells: list[str], said: dict[str, Any]) -> Source:
        """Whose reading a row is. A meter that nobody holds is of the facility that the row names;
        a facility has what it uses of each activity."""
        code, facility = self.code(cells), self.constants.get("facility_id", "")
        site = self.sites[facility or code]
        if not facility and isinstance(site, Refused) and "facility_id" in self.places:
            facility = unmarked(cells[self.places["facility_id"]]).strip()
            site = self.sites[facility]
        facility = facility or code
        if isinstance(site, Refused) or site.held(code):
            return self.spelt(facility, code)
        told = [said[name] for name in ("activity", "category") if name in said]
        return self.spelt(facility, code, told[0] if told else "")

    def gather(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        for line, cells in zip(*self.whole(lines, rows), strict=True):
            values = {
                name: self._readers[name][cells[self.places[name]]]
                for name in (*SAID, "quantity", "data_quality")
                if name in self.places
            }
            stamp = stamp_of(unmarked(cells[self.places["start_date"]]))
            values["start_date"] = self.columns["start_date"][stamp.day]
            values["quantity"] = self.scaled[cells[self.places["quantity"]]]
            faults = [one for value in values.values() if type(value) is Refused for one in value]
            if not faults and not self.code(cells):
                faults = [Fault("facility_id", "required", "No facility or meter is named.")]
            if not faults:
                faults = self._gather_one(line, cells, stamp, values)
            if faults:
                self.reject(line, cells, faults)

    def _gather_one(
        self, line: int, cells: list[str], stamp: Stamp, values: dict[str, Any]
    ) -> list[Fault]:
        """Adds a reading to its meter, unless it does not go with the others."""
        day: date = values["start_date"]
        second = (day.toordinal() - EPOCH) * DAY + stamp.second
        offset = None
        if stamp.offset:
            moment = datetime.fromisoformat(f"{day}T00:00:00{stamp.offset}")
            offset = second - int(moment.timestamp()) - stamp.second
            second -= offset
        said = {name: values[name] for name in SAID if values.get(name, ABSENT) is not ABSENT}
        source = self.source_of(cells, said)
        if self._said.setdefault(source, said) != said:
            sentence = "Readings of one meter have different activities or units."
            return [Fault("activity", "mixed_intervals", sentence)]
        offsets = self._offsets.setdefault(source, set())
        if offsets and (None in offsets) != (offset is None):
            sentence = "Some times of this meter have an offset from UTC and some have none."
            return [Fault("start_date", "mixed_intervals", sentence)]
        estimated = int(values.get("data_quality") == "estimated")
        offsets.add(offset)
        self.meter_of(source, source.code, line).add([second], [values["quantity"]], [estimated])
        return []

    def said_of(self, source: Source) -> dict[str, Any]:
        return super().said_of(source) | self._said[source]

    def code_of(self, source: Source, site: Any) -> dict[str, str]:
        if source.code in site.cups_list:
            return {"cups": source.code}
        return {"meter": source.code} if source.code in site.meter_list else {}

    def months_of(self, source: Source, meter: Meter) -> list[Month]:
        usual = self.usual if self._timed else DAY
        length = meter.length(usual)
        site = self.sites[source.facility]
        country = getattr(site, "country", "")
        offsets = {one for one in self._offsets[source] if one is not None}
        zone = ZONES.get(country) or (zone_of_offsets(offsets) if offsets else "UTC")
        self.clock = Clock(zone if length < DAY or offsets else "UTC")
        if offsets:
            readings = by_moment(meter, usual=usual, ends=False)
        else:
            readings = by_wall_clock(meter, self.clock, usual=usual, ends=False)
        by_day = self.layout.sum_by == BY_DAY
        return months(readings, length, meter.size, self.clock, by_day=by_day)
