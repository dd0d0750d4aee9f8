"""The bills of a facility before the row at hand: stored ones, and earlier lines of the file.

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

from django.db.models import Count, DurationField, ExpressionWrapper, F, Sum
from django.utils.translation import gettext

from emissions.calculation.units import UNITS, Dimension
from emissions.importing.metered.names import meter_in
from emissions.importing.sites import Site, chunks
from emissions.models import Consumption, ConsumptionStatus, DataQuality
from organizations.database.decimals import ExactSum
from organizations.importing.dates import date_readings
from organizations.importing.first_lines import FirstLines
from organizations.importing.proof import SEEN
from organizations.importing.tables.marks import unmarked
from organizations.staff.cells import day
from organizations.staff.numbers import shown_number

JUMP = 500
"""Times the mean per day: a factor of 1000 passes it whatever the length of the months."""

LARGE = {
    Dimension.ENERGY: Decimal("3.6E+11"),
    Dimension.NET_ENERGY: Decimal("3.6E+11"),
    Dimension.VOLUME: Decimal(100_000),
    Dimension.MASS: Decimal(200_000),
}
"""What hardly any site uses in a day: 100 MWh, 100,000 L, 200 t."""

BULKY = {"natural_gas", "biogas", "landfill_gas", "supply", "treatment"}
"""Activities of which a hundred times that volume is usual: gases and water."""

DAYS, LINES = 12, 31
"""Bits of a packed interval: its first day's number, its days less one (ten years), its line."""

FRESH = 1 << LINES - 1
STORED, STORED_UNNAMED = 0, 1
"""In place of the line of a stored bill; one without external_id is told by its period."""


class Supply(NamedTuple):
    """What may not be billed twice for a day."""

    facility: str
    """Its id in hex: the hash of text is worked out once, a UUID's every time."""

    category: str
    activity: str
    code: str
    """Its CUPS or meter, or the one that a layout has made its external_id of."""


def supplies_of(
    facility: str, category: str, activity: str, cups: str, meter: str, external_id: str
) -> tuple[Supply, ...]:
    """What a bill is of. Two bills are of the same where they have a CUPS or a meter in common,
    or where neither has any: files, the API and the admin judge by this alone."""
    if cups and meter:
        both = Supply(facility, category, activity, cups)
        return both, both._replace(code=meter)
    code = cups or meter or meter_in(external_id, activity, category)
    return (Supply(facility, category, activity, code),)


class Bill(NamedTuple):
    """What of a bill its history depends on."""

    supplies: tuple[Supply, ...]
    named: bool
    quantity: Decimal
    unit: str
    start: date
    end: date
    data_quality: str
    status: str


class Days:
    """The first and the last day that a file names, for all that can be read of it so far."""

    def __init__(self) -> None:
        self.first, self.last = date.max, date.min
        self._seen: set[str] = set()

    def add(self, texts: Iterable[str]) -> None:
        """Takes what may be days; one that could be two counts as both."""
        new = set(texts) - self._seen
        if len(self._seen) < SEEN:
            self._seen |= new
        for text in new:
            for found in date_readings(unmarked(text)).values():
                self.first, self.last = min(self.first, found), max(self.last, found)


class Amount(NamedTuple):
    """What was used in how many days, in the smallest unit of its dimension."""

    quantity: Decimal
    days: int


class EarlierBills:
    """The intervals and the mean quantity per day of the supplies that a file is about.

    However long it is, little of it is read: of what is stored, the bills that share days with the
    file, and the sums of the others.
    """

    def __init__(self, organization_id: UUID, external_ids: FirstLines, days: Days) -> None:
        self._organization_id = organization_id
        self._external_ids, self._days = external_ids, days
        self._loaded: set[str] = set()
        self._intervals: dict[Supply, array[int]] = {}
        self._tangled: set[Supply] = set()
        self._longest: dict[Supply, int] = {}
        """Days of the longest interval of a supply, but its first."""
        self._stored: set[tuple[str, str, str, Dimension]] = set()
        """Of what there are stored bills."""
        self._used: dict[tuple[str, str, str, Dimension], Amount] = {}

    def knows(self, site: Site) -> bool:
        """Whether a facility's stored bills have been read."""
        return site.key in self._loaded

    def load(self, sites: Iterable[Site], before_line: int) -> None:
        """Reads what is stored of facilities, before the first row that changes any of them."""
        new = {site.key: site.id for site in sites if site.key not in self._loaded}
        self._loaded.update(new)
        for ids in chunks(new.values()):
            self._load_amounts(ids)
            self._load_intervals(ids, before_line)

    def _load_amounts(self, ids: Iterable[UUID]) -> None:
        rows = Consumption.objects.for_organization(self._organization_id).live()
        rows = rows.filter(facility__any_of=ids).exclude(data_quality=DataQuality.ADJUSTMENT)
        span = ExpressionWrapper(F("end_date") - F("start_date"), output_field=DurationField())
        sums = rows.exclude(quantity=0).order_by()
        for pk, category, activity, unit, quantity, nights, count in sums.values_list(
            "facility_id", "category", "activity", "unit"
        ).annotate(used=ExactSum("quantity"), nights=Sum(span), bills=Count("pk")):
            dimension, size = UNITS[unit]
            amount = Amount(quantity * size, nights.days + count)
            key = (pk.hex, category, activity, dimension)
            self._stored.add(key)
            self._count(key, amount)

    def _load_intervals(self, ids: Iterable[UUID], before_line: int) -> None:
        """Those of the stored bills, but those that a later line of the file has again."""
        rows = Consumption.objects.for_organization(self._organization_id).live()
        rows = rows.filter(
            facility__any_of=ids,
            data_quality=DataQuality.ACTUAL,
            status=ConsumptionStatus.ACTIVE,
            end_date__gte=self._days.first,
            start_date__lte=self._days.last,
        )
        names = (
            "external_id", "facility_id", "category", "activity", "cups", "meter", "quantity",
            "unit", "start_date", "end_date", "data_quality", "status",
        )  # fmt: skip
        for external_id, pk, category, activity, cups, meter, *rest in rows.values_list(
            *names
        ).iterator(chunk_size=5000):
            if external_id and self._external_ids.line(external_id) >= before_line:
                continue
            named = bool(external_id)
            supplies = supplies_of(pk.hex, category, activity, cups, meter, external_id)
            bill = Bill(supplies, named, *rest)
            line = STORED if named else STORED_UNNAMED
            self.claim(bill, line, fresh=False, overlaps=bool(self.overlap(bill)))

    def overlap(self, bill: Bill, *, fresh: bool = True) -> str:
        """With which other bill this one shares more than a day, in words, or nothing.

        One that is stored already (not `fresh`) is compared with fresh ones alone.
        """
        if claims_days(bill):
            for supply in bill.supplies:
                if sentence := self._overlap_at(supply, bill, fresh=fresh):
                    return sentence
        return ""

    def _overlap_at(self, supply: Supply, bill: Bill, *, fresh: bool) -> str:
        intervals = self._intervals.get(supply)
        if not intervals:
            return ""
        first, last = bill.start.toordinal(), bill.end.toordinal()
        if supply in self._tangled:  # those that begin late enough to reach it
            since = bisect_left(intervals, first - self._longest[supply] << DAYS + LINES)
            until = bisect_left(intervals, last + 1 << DAYS + LINES)
        else:  # none overlaps another: only neighbours can
            position = bisect_left(intervals, first << DAYS + LINES)
            since, until = max(position - 1, 0), position + 1
        for packed in intervals[since:until]:
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
                return sharing(shared, of, date.fromordinal(start), date.fromordinal(end))
        return ""

    def claim(self, bill: Bill, line: int, *, fresh: bool = True, overlaps: bool = False) -> None:
        """Notes the days of a bill, from a line of the file or from what is stored."""
        if not claims_days(bill):
            return
        first = bill.start.toordinal()
        packed = (first << DAYS | bill.end.toordinal() - first) << LINES
        for supply in bill.supplies:
            if overlaps:
                self._tangled.add(supply)
            nights = bill.end.toordinal() - first
            self._longest[supply] = max(nights, self._longest.get(supply, 0))
            intervals = self._intervals.setdefault(supply, array("q"))
            if not bill.named and line > STORED_UNNAMED:
                itself = bisect_left(intervals, packed | STORED_UNNAMED)
                if intervals[itself : itself + 1] == array("q", [packed | STORED_UNNAMED]):
                    del intervals[itself]
            insort(intervals, packed | line | (FRESH if fresh else 0))

    def weigh(self, bill: Bill, instead_of: Bill | None) -> str:
        """How far a quantity per day is off the mean so far, in words, or nothing; then counts it.

        The stored bill that it is instead of has no say in that, and does not count any more.
        """
        if instead_of and weighs(instead_of) and instead_of.supplies[0].facility in self._loaded:
            key, (quantity, days) = amount_of(instead_of)
            self._count(key, Amount(-quantity, -days))
        if not weighs(bill):
            return ""
        key, amount = amount_of(bill)
        used = self._used.get(key)
        self._count(key, amount)
        if used is None or not used.quantity:
            return ""
        return off(amount.quantity * used.days, used.quantity * amount.days)

    def large(self, bill: Bill) -> str:
        """Whether a bill without stored ones before it is more than almost any site uses, in words,
        or nothing: then its unit may be another one than meant."""
        (facility, category, activity, dimension), amount = amount_of(bill)
        if (facility, category, activity, dimension) in self._stored:
            return ""
        limit = LARGE[dimension]
        if dimension is Dimension.VOLUME and activity in BULKY:
            limit *= 100
        if amount.quantity <= limit * max(amount.days, 1):
            return ""
        return (
            "It is more in a day than almost any site uses, and no stored bill is like it; check "
            "the unit."
        )

    def _count(self, key: tuple[str, str, str, Dimension], amount: Amount) -> None:
        used = self._used.get(key)
        if used:
            amount = Amount(used.quantity + amount.quantity, used.days + amount.days)
        self._used[key] = amount


def sharing(days: int, what: str, start: date, end: date) -> str:
    """That a bill has days that are another one's, in words."""
    return gettext(
        "It shares {days} days with {what}, {start} to {end}, of the same facility, activity and "
        "meter; an actual bill counts each day once."
    ).format(days=days, what=what, start=day(start), end=day(end))


def weighs(bill: Bill) -> bool:
    """Whether its quantity says anything about what is usual."""
    return bool(bill.quantity) and bill.data_quality != DataQuality.ADJUSTMENT


def amount_of(bill: Bill) -> tuple[tuple[str, str, str, Dimension], Amount]:
    """What was used, and where."""
    dimension, size = UNITS[bill.unit]
    days = bill.end.toordinal() - bill.start.toordinal() + 1
    return (*bill.supplies[0][:3], dimension), Amount(bill.quantity * size, days)


def off(mine: Decimal, usual: Decimal) -> str:
    """How far an amount is off the usual one, in words, or nothing."""
    if mine >= usual * JUMP:
        sentence = gettext("It is {times} times the mean per day so far; check the unit.")
        return sentence.format(times=shown_number(mine / usual, 0))
    if mine * JUMP <= usual:
        sentence = gettext("The mean per day so far is {times} times as much; check the unit.")
        return sentence.format(times=shown_number(usual / mine, 0))
    return ""


def claims_days(bill: Bill) -> bool:
    """Whether no other bill may have its days; a bill of one day shares that with its neighbour."""
    return (
        bill.start != bill.end
        and bill.data_quality == DataQuality.ACTUAL
        and bill.status == ConsumptionStatus.ACTIVE
    )
