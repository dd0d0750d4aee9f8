"""What a facility's bills look like so far, stored ones and earlier lines of a file.

Finds two things that no single row shows: two actual bills of one supply that both count the same
days, and a quantity a thousand times off, such as kWh written as MWh.
"""

from array import array
from bisect import bisect_left, insort
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from emissions.models import Consumption, ConsumptionStatus, DataQuality
from emissions.sites import Site, chunks
from emissions.units import UNITS, Dimension
from organizations.seen import Seen

JUMP = 500
"""Times the mean per day: a factor of 1000 passes it whatever the length of the months."""

DAYS, LINES = 12, 31
"""Bits of a packed interval: its first day's number, its days less one (ten years), its line."""

FRESH = 1 << LINES - 1
STORED, STORED_UNNAMED = 0, 1
"""In place of the line of a stored bill; one without external_id is told by its period."""


NOTHING = Decimal(0)


class Supply(NamedTuple):
    """What may not be billed twice for a day."""

    facility: str
    """Its id in hex: the hash of text is worked out once, a UUID's every time."""

    category: str
    activity: str
    cups: str


class Bill(NamedTuple):
    """What of a bill its history depends on."""

    supply: Supply
    named: bool
    quantity: Decimal
    unit: str
    start: date
    end: date
    data_quality: str
    status: str


class History:
    """The intervals and the mean quantity per day of the supplies that a file is about."""

    def __init__(self, organization_id: UUID, external_ids: Seen) -> None:
        self._organization_id = organization_id
        self._external_ids = external_ids
        self._loaded: set[str] = set()
        self._intervals: dict[Supply, array[int]] = {}
        self._tangled: set[Supply] = set()
        self._means: dict[tuple[str, str, str, Dimension], tuple[int, Decimal]] = {}

    def knows(self, site: Site) -> bool:
        """Whether a facility's stored bills have been read."""
        return site.key in self._loaded

    def load(self, sites: Iterable[Site], before_line: int) -> None:
        """Reads the stored bills of facilities, but those that a later line of the file has again.

        Nothing of a facility has changed before it is read: its rows up to here are as stored.
        """
        new = {site.key: site.id for site in sites if site.key not in self._loaded}
        self._loaded.update(new)
        for ids in chunks(new.values()):
            rows = Consumption.objects.for_organization(self._organization_id).live()
            rows = rows.filter(facility__any_of=ids).exclude(data_quality=DataQuality.ADJUSTMENT)
            names = (
                "external_id", "facility_id", "category", "activity", "cups", "quantity", "unit",
                "start_date", "end_date", "data_quality", "status",
            )  # fmt: skip
            for external_id, pk, category, activity, cups, *rest in rows.values_list(
                *names
            ).iterator(chunk_size=5000):
                if external_id and self._external_ids.line(external_id) >= before_line:
                    continue
                quantity, unit, start, end, quality, status = rest
                supply, named = Supply(pk.hex, category, activity, cups), bool(external_id)
                bill = Bill(supply, named, quantity, unit, start, end, quality, status)
                line = STORED if named else STORED_UNNAMED
                self.add(bill, line, fresh=False, overlaps=bool(self.overlap(bill)))

    def overlap(self, bill: Bill, *, fresh: bool = True) -> str:
        """With which other bill this one shares more than a day, in words, or nothing.

        One that is stored already (not `fresh`) is compared with fresh ones alone.
        """
        if not claims_days(bill):
            return ""
        intervals = self._intervals.get(bill.supply)
        if not intervals:
            return ""
        first, last = bill.start.toordinal(), bill.end.toordinal()
        nearest: Iterable[int] = intervals
        if bill.supply not in self._tangled:  # none overlaps another: only neighbours can
            position = bisect_left(intervals, first << DAYS + LINES)
            nearest = intervals[max(position - 1, 0) : position + 1]
        for packed in nearest:
            start = packed >> DAYS + LINES
            end = start + (packed >> LINES & (1 << DAYS) - 1)
            shared = min(last, end) - max(first, start) + 1
            if shared > 1:
                if not (fresh or packed & FRESH):
                    continue
                other = packed & (1 << LINES) - 1 & ~FRESH
                itself = other == STORED_UNNAMED and not bill.named
                if itself and (start, end) == (first, last):
                    continue
                of = f"line {other}" if other > STORED_UNNAMED else "a stored bill"
                return (
                    f"It shares {shared} days with {of}, "
                    f"{date.fromordinal(start)} to {date.fromordinal(end)}, of the same facility, "
                    "activity and CUPS; an actual bill counts each day once."
                )
        return ""

    def add(self, bill: Bill, line: int, *, fresh: bool = True, overlaps: bool = False) -> str:
        """Takes a bill in, from a line of the file or from what is stored.

        Gives how far its quantity per day is off the mean so far, in words, or nothing.
        """
        strange = ""
        if bill.quantity and bill.data_quality != DataQuality.ADJUSTMENT:
            dimension, size = UNITS[bill.unit]
            key = (*bill.supply[:3], dimension)
            count, total = self._means.get(key, (0, NOTHING))
            per_day = bill.quantity * size / (bill.end.toordinal() - bill.start.toordinal() + 1)
            strange = off(per_day * count, total) if total else ""
            self._means[key] = count + 1, total + per_day
        if claims_days(bill):
            if overlaps:
                self._tangled.add(bill.supply)
            first = bill.start.toordinal()
            packed = (first << DAYS | bill.end.toordinal() - first) << LINES
            intervals = self._intervals.setdefault(bill.supply, array("q"))
            if not bill.named and line > STORED_UNNAMED and packed | STORED_UNNAMED in intervals:
                intervals.remove(packed | STORED_UNNAMED)
            insort(intervals, packed | line | (FRESH if fresh else 0))
        return strange


def off(times: Decimal, total: Decimal) -> str:
    """How far a quantity per day, times the number of bills, is off their total, in words."""
    if times >= total * JUMP:
        return f"It is {times / total:,.0f} times the mean per day so far; check the unit."
    if times * JUMP <= total:
        return f"The mean per day so far is {total / times:,.0f} times as much; check the unit."
    return ""


def claims_days(bill: Bill) -> bool:
    """Whether no other bill may have its days; a bill of one day shares that with its neighbour."""
    return (
        bill.start != bill.end
        and bill.data_quality == DataQuality.ACTUAL
        and bill.status == ConsumptionStatus.ACTIVE
    )
