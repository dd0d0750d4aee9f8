"""Interval data: the readings of a meter become one bill a month, with the intervals beside it.

A meter's bill of a month is known by its external_id, “CODE 2023-03”: a second file that continues
the month extends its bill, and the same file again changes nothing.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import islice
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from uuid_utils import uuid7

from emissions.importing.consumption import ConsumptionImporter
from emissions.importing.intervals.clocks import DAY, EPOCH, Clock
from emissions.importing.intervals.series import Meter, Month, Unfit, joined
from emissions.importing.metered.names import Named, StoredNames, names_of
from emissions.importing.periods import Bill as Period
from emissions.importing.recognition import Recognised
from emissions.importing.validation import ZERO_LENGTH
from emissions.models import Consumption, DataQuality, Intervals
from emissions.models.intervals import columns_of_readings
from organizations.database import bulk
from organizations.importing.cells import REMEMBERED, Column, Fault, Refused, WithUnit
from organizations.importing.importer import Batch, Insertions, Row
from organizations.importing.layouts.layout import DAY as BY_DAY
from organizations.importing.layouts.layout import Layout, fold

METERS_AT_ONCE, BILLS_AT_ONCE = 10, 120
"""Readings that are in order take more room than those that wait."""

PASSED_OVER = "passed_over"
"""The code of a warning about lines that are not of consumption."""

SCALE = 6
"""Decimals of a reading that are kept."""


WHOSE = Refused(
    [
        Fault(
            "facility_id",
            "required",
            "The file does not say which facility it is of; say it with --facility.",
        )
    ]
)


class Scaled(dict[str, Any]):
    """Text → the reading as a whole number of 10⁻⁶, or why it cannot be read."""

    def __init__(self, column: Column, unit: str) -> None:
        super().__init__()
        self._column, self._unit = column, fold(unit)

    def __missing__(self, text: str) -> Any:
        value = self._column[text]
        if isinstance(value, WithUnit) and fold(value.unit) == self._unit:
            value = value.value
        if isinstance(value, Decimal):
            value = int(value.scaleb(SCALE))
            if value < 0:
                sentence = "A reading is 0 or more; energy that was fed in is not consumption."
                value = Refused([Fault(self._column.name, "min_value", sentence)])
        elif not isinstance(value, Refused):
            sentence = "The unit of a reading does not stand in its cell."
            value = Refused([Fault(self._column.name, "invalid", sentence)])
        if len(self) >= REMEMBERED * 10:
            self.clear()
        self[text] = value
        return value


class Source(NamedTuple):
    """Whose readings they are: what a file calls the facility, and the code of the meter."""

    facility: str
    code: str
    what: str = ""
    """What was used, where a facility's own code stands for that of a meter."""


class IntervalImporter(ConsumptionImporter):
    """The base of every layout of interval data. Subclasses say what a line of theirs is."""

    zone: ClassVar[str]
    code_column: ClassVar[str] = "meter"
    unique_codes: ClassVar[bool] = True
    """Whether no two facilities have meters of one code, such as a CUPS or a PRM."""
    usual: ClassVar[int] = 3600
    """Seconds of an interval, where one reading alone does not show it."""
    longest: ClassVar[int] = DAY
    """Seconds that an interval has at most: two readings of two days are two hours of a load curve,
    and no days."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.clock = Clock(self.zone)
        self.meters: dict[Source, Meter] = {}
        self.scaled = Scaled(self.columns["quantity"], self.constants.get("unit", ""))
        self._sources: dict[str, Source] = {}
        self._first: dict[tuple[UUID, str, str], Source] = {}
        self._months: dict[str, Month] = {}
        self._clock_of: dict[str, Clock] = {}
        """The same of the clocks that their days were told by."""
        self._differing: set[str] = set()
        self._known_as = StoredNames(self.organization_id)

    def _places_by(self, layout: Layout) -> dict[str, int]:
        return self._positions(layout)

    def facility_of(self, code: str) -> str:
        """What a file calls the facility of a meter."""
        return self.constants.get("facility_id") or code

    def source(self, code: str) -> Source:
        """Whose the readings of a code are; one meter whatever the spelling of its code."""
        if code not in self._sources:
            self._sources[code] = self.spelt(self.facility_of(code), code)
        return self._sources[code]

    def spelt(self, facility: str, code: str, what: str = "") -> Source:
        """The first source that was of the same meter of the same facility."""
        site = self.sites[facility]
        if isinstance(site, Refused):
            return Source(facility, code, what)
        code = site.held(code) or code
        return self._first.setdefault((site.id, code, what), Source(facility, code, what))

    def scan(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        """Notes which meters are named."""
        for code in self.codes(rows):
            self.sites.texts[self.facility_of(code)] = None

    def codes(self, rows: list[list[str]]) -> Iterable[str]:
        """The codes of the meters that some rows are of."""
        raise NotImplementedError

    def read(self, lines: Sequence[int], rows: list[list[str]]) -> Batch:
        """Gathers the readings; the bills come when all of them are there."""
        self.gather(lines, rows)
        return Batch([], [], {})

    def gather(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        """Adds the readings of some rows to their meters, and refuses those that are none."""
        raise NotImplementedError

    def whole(
        self, lines: Sequence[int], rows: list[list[str]]
    ) -> tuple[Sequence[int], list[list[str]]]:
        """The rows with as many cells as the header; the others are refused."""
        width = len(self.table.columns)
        if set(map(len, rows)) <= {width}:
            return lines, rows
        pairs = list(zip(lines, rows, strict=True))
        for line, cells in pairs:
            if len(cells) != width:
                self.reject(line, cells, [self.wrong_width(cells)])
        kept = [pair for pair in pairs if len(pair[1]) == width]
        return [line for line, _ in kept], [cells for _, cells in kept]

    def store_batch(self, batch: Batch) -> None:
        """Nothing can be stored before the last line is read."""

    def meter(self, code: str, line: int) -> Meter:
        """The meter of a code, which a line names."""
        return self.meter_of(self.source(code), code, line)

    def meter_of(self, source: Source, code: str, line: int) -> Meter:
        """The same where the code alone does not say whose it is."""
        if source not in self.meters:
            self.meters[source] = Meter(line, self.size_of(code), longest=self.longest)
        return self.meters[source]

    def size_of(self, code: str) -> Fraction:
        """What 10⁻⁶ of a reading is, in the bill's unit."""
        return Fraction(1, 10**SCALE)

    def months_of(self, source: Source, meter: Meter) -> list[Month]:
        """The months of a meter. Raises Unfit."""
        raise NotImplementedError

    def settle(self) -> None:
        """Makes the bills, many months at once."""
        self._known_as.look_up(self._with_names())
        for source, meter in self.meters.items():
            self._claim_names(source, meter)
        bills = self._bills()
        while rows := list(islice(bills, BILLS_AT_ONCE)):
            self.store(rows)
            self._months.clear()
            self._clock_of.clear()
            self._differing.clear()

    def _claim_names(self, source: Source, meter: Meter) -> None:
        """Notes that the file has the months of a meter, so that what is stored of them is not
        taken for other bills."""
        for period in self._periods_near(meter):
            name = self.named(source, period)
            if not self._lines.line(name):
                self._lines.add(name, meter.line)

    def _periods_near(self, meter: Meter) -> Iterator[str]:
        """The months, or days, in which the readings of a meter may be, and their neighbours."""
        if self.layout.sum_by == BY_DAY:
            for day in {one // DAY + EPOCH + near for one in meter.stamps for near in (-1, 0, 1)}:
                yield str(date.fromordinal(day))
            return
        first, last = (date.fromordinal(one // DAY + EPOCH) for one in ends(meter.stamps))
        for month in range(first.year * 12 + first.month - 2, last.year * 12 + last.month + 1):
            yield f"{month // 12}-{month % 12 + 1:02}"

    def _bills(self) -> Iterator[Row]:
        """The months of all meters as rows, each with what is stored of it already."""
        meters = iter(list(self.meters.items()))
        while some := list(islice(meters, METERS_AT_ONCE)):
            found: list[tuple[Source, Meter, Month, Clock]] = []
            for source, meter in some:
                try:
                    made = self.months_of(source, meter)
                    found += [(source, meter, month, self.clock) for month in made]
                except Unfit as error:
                    self.reject(
                        meter.line, [source.code], [Fault("quantity", error.code, error.detail)]
                    )
                self.meters[source] = Meter(meter.line, meter.size)  # lets the readings go
            self.writer.wait()
            ids = {
                self.bill_name(source, month): at for at, (source, _, month, _) in enumerate(found)
            }
            stored = self._read_stored(list(ids))
            for name, at in ids.items():
                source, meter, month, self.clock = found[at]
                self._clock_of[name] = self.clock
                if row := self._row(name, source, meter, month, stored.get(name)):
                    yield row

    def _read_stored(self, names: list[str]) -> dict[str, Intervals]:
        rows = Intervals.objects.for_organization(self.organization_id)
        rows = rows.filter(
            consumption__external_id__any_of=names, consumption__deleted_at=None
        ).exclude(consumption__external_id="")
        return {one.consumption.external_id: one for one in rows.select_related("consumption")}

    def _row(
        self, name: str, source: Source, meter: Meter, month: Month, stored: Intervals | None
    ) -> Row | None:
        cells = [source.code]
        site = self.sites[source.facility] if source.facility else WHOSE
        if isinstance(site, Refused):
            self.reject(meter.line, cells, site)
            return None
        if stored:
            readings = stored.readings()
            if stored.seconds != month.seconds:
                sentence = "What is stored of this month has intervals of another length."
                fault = Fault("quantity", "mixed_intervals", sentence)
                self.reject(meter.line, cells, [fault])
                return None
            month = joined(readings, stored.size, month, self.clock)
            if (month.readings, month.size) != (readings, stored.size):
                self._differing.add(name)
        self._months[name] = month
        values: dict[str, Any] = {
            **self.said_of(source),
            "external_id": name,
            "facility_id": site,
            "quantity": rounded(month.quantity),
            "start_date": month.first,
            "end_date": month.last,
            "data_quality": DataQuality.ESTIMATED if month.estimated else DataQuality.ACTUAL,
            **self.code_of(source, site),
        }
        row = Row(meter.line, cells, values)
        self._days.first = min(self._days.first, month.first)
        self._days.last = max(self._days.last, month.last)
        if gaps := month.expected - len(month.readings):
            sentence = (
                f"{gaps} of the {month.expected} intervals from {month.first} to {month.last} "
                "are missing."
            )
            self.warn(row, Fault("quantity", "missing_intervals", sentence))
        return row

    def bill_name(self, source: Source, month: Month) -> str:
        """The external_id of a meter's bill."""
        form = "%Y-%m-%d" if self.layout.sum_by == BY_DAY else "%Y-%m"
        return self.named(source, f"{month.first:{form}}")

    def named(self, source: Source, period: str) -> str:
        """The same by the text of its period."""
        return self._known_as.of(self.names_of(source, period))

    def names_of(self, source: Source, period: str) -> tuple[str, ...]:
        """All names that a meter's bill may have."""
        site = self.sites[source.facility] if source.facility else WHOSE
        if self.unique_codes or isinstance(site, Refused):
            return (f"{source.code} {period}",)
        held = source.code in site.cups_list or source.code in site.meter_list
        own = not held and source.code == source.facility
        what = source.what or (self.said_of(source).get("activity", "") if own else "")
        return names_of(source.code, what, period, site, held=held, own=own)

    def _with_names(self) -> Iterator[Named]:
        """The bills that may be stored under another name than a new one's."""
        for source, meter in self.meters.items():
            site = self.sites[source.facility] if source.facility else WHOSE
            if self.unique_codes or isinstance(site, Refused):
                continue
            said = self.said_of(source)
            for period in self._periods_near(meter):
                names = self.names_of(source, period)
                yield Named(names, site.id, said.get("category", ""), said.get("activity", ""))

    def said_of(self, source: Source) -> dict[str, Any]:
        """What every bill of a meter has: its category, activity and unit."""
        return {field: self.columns[field][text] for field, text in self.constants.items()}

    def code_of(self, source: Source, site: Any) -> Mapping[str, str]:
        """The CUPS or meter of a bill. One that is not the facility's stays in its external_id
        alone."""
        held = site.cups_list if self.code_column == "cups" else site.meter_list
        return {self.code_column: source.code} if source.code in held else {}

    def _suspicious(self, one: Recognised, period: Period) -> list[Fault]:
        """A month of which one day is there is as good as any."""
        found = super()._suspicious(one, period)
        return [fault for fault in found if fault.code != ZERO_LENGTH]

    def differs(self, one: Recognised) -> bool:
        return one.after["external_id"] in self._differing

    def beside(self, accepted: Sequence[tuple[Any, Recognised]]) -> Insertions:
        """The intervals of new and changed bills."""
        replaced = [pk for pk, one in accepted if one.stored]
        names = [one.after["external_id"] for _, one in accepted]
        rows = [(pk, self._months[name]) for (pk, _), name in zip(accepted, names, strict=True)]
        parts = [columns_of_readings(month.readings, month.seconds) for _, month in rows]
        columns: dict[str, Sequence[Any]] = {
            "id": [uuid7().hex for _ in rows],
            "organization_id": [self.organization_id] * len(rows),
            "consumption_id": [pk.hex if isinstance(pk, UUID) else pk for pk, _ in rows],
            "zone": [self._clock_of[name].zone for name in names],
            "numerator": [month.size.numerator for _, month in rows],
            "denominator": [month.size.denominator for _, month in rows],
        }
        if parts:
            columns |= {name: [part[name] for part in parts] for name in parts[0]}

        def take_away() -> None:
            Intervals.objects.filter(consumption_id__in=replaced).delete()

        before: Insertions = [(Consumption, take_away)] if replaced else []
        return [*before, (Intervals, bulk.insertion(Intervals, columns))]


def ends(stamps: Sequence[int]) -> tuple[int, int]:
    """The first and the last."""
    return min(stamps), max(stamps)


def rounded(quantity: Fraction) -> Decimal:
    """An exact quantity as a bill keeps it: six decimals, half up."""
    steps = quantity * 10**SCALE
    whole = (2 * steps.numerator + steps.denominator) // (2 * steps.denominator)
    return Decimal(whole).scaleb(-SCALE)
