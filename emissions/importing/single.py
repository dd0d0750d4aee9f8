"""What is odd about one bill that is typed or posted alone: it is stored, and its author is told.

The same questions as a file is asked, in the same words. However long the history, little of it is
read: the bills of the same supply that end nearest, by an index.
"""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from functools import cache, reduce
from itertools import starmap
from operator import or_
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from emissions.importing.periods import (
    Bill,
    Supply,
    amount_of,
    claims_days,
    meter_in,
    off,
    sharing,
    weighs,
)
from emissions.importing.validation import FUTURE, OVERLAP, ends_after
from emissions.models import Consumption, ConsumptionStatus, DataQuality
from organizations.database.statements import Compiled, Statement, compiled
from organizations.importing.cells import Fault

DUPLICATE, JUMP = "duplicate", "jump"

NEAREST = 12
"""So many bills before it, by their last day, say what is usual."""

AT_MOST = 50
"""So many bills of its meter that end with it or later are looked at for days that they share."""


def warnings_of(row: Consumption) -> list[Fault]:
    """What a file would be told of a bill, that the API and the admin store all the same.

    `duplicate` and `overlap` are about another bill of the same facility, activity and meter,
    `future_period` about today, and `jump` about the mean per day of the bills before it.
    """
    if row.deleted_at:
        return []
    found = []
    if sentence := ends_after(row.end_date, timezone.localdate()):
        found.append(Fault("end_date", FUTURE, sentence))
    if row.status != ConsumptionStatus.ACTIVE:
        return found
    mine = as_bill(row)
    later, earlier = neighbours(row)
    rivals = [
        one for one in later if one.status == ConsumptionStatus.ACTIVE and same_meter(row, one)
    ]
    found += _duplicate(row, rivals) or _overlap(mine, rivals)
    if sentence := _jump(mine, map(as_bill, earlier)):
        found.append(Fault("quantity", JUMP, sentence))
    return found


class Neighbour(NamedTuple):
    """What is asked of another bill."""

    facility_id: UUID
    category: str
    activity: str
    external_id: str
    cups: str
    meter: str
    quantity: Decimal
    unit: str
    start_date: date
    end_date: date
    data_quality: str
    status: str


Compared = Consumption | Neighbour


def neighbours(row: Consumption) -> tuple[list[Neighbour], list[Neighbour]]:
    """The bills of the same supply that end with it or later, and those of its activity that end
    before it; the nearest of each, by one statement."""
    statement = _neighbours(bool(row.cups), bool(row.meter))
    codes = {name: value for name in ("cups", "meter") if (value := getattr(row, name))}
    rows = statement.rows(
        organization_id=row.organization_id,
        facility_id=row.facility_id,
        category=str(row.category),
        activity=row.activity,
        pk=row.pk,
        start=row.start_date,
        **codes,
    )
    found = list(starmap(Neighbour, rows))
    later = [one for one in found if one.end_date >= row.start_date]
    return later, [one for one in found if one.end_date < row.start_date]


@cache
def _neighbours(has_cups: bool, has_meter: bool) -> Statement:
    names = [name for name, has in (("cups", has_cups), ("meter", has_meter)) if has]

    def build(
        organization_id: UUID,
        facility_id: UUID,
        category: str,
        activity: str,
        pk: UUID,
        start: date,
        **codes: str,
    ) -> Compiled:
        others = Consumption.objects.for_organization(organization_id).live()
        others = others.filter(facility=facility_id, category=category, activity=activity)
        others = others.exclude(pk=pk)
        later = others.filter(end_date__gte=start).order_by("end_date")
        if codes:  # either code in common is one supply
            alike = [Q(**{name: value}) for name, value in codes.items()]
            later = later.filter(reduce(or_, [*alike, Q(cups="", meter="")]))
        earlier = others.filter(end_date__lt=start).order_by("-end_date")
        one = compiled(later.values_list(*Neighbour._fields)[:AT_MOST])
        other = compiled(earlier.values_list(*Neighbour._fields)[:NEAREST])
        return Compiled(
            f"SELECT * FROM ({one.sql}) AS later UNION ALL SELECT * FROM ({other.sql}) AS earlier",
            [*one.params, *other.params],
            one.convert,
        )

    types: dict[str, type] = {
        "organization_id": UUID, "facility_id": UUID, "category": str, "activity": str,
        "pk": UUID, "start": date, **dict.fromkeys(names, str),
    }  # fmt: skip
    return Statement(build, **types)


def as_bill(row: Compared) -> Bill:
    """What of a bill it is compared by."""
    code = row.cups or row.meter or meter_in(row.external_id)
    supply = Supply(row.facility_id.hex, row.category, row.activity, code)
    return Bill(
        supply, bool(row.external_id), row.quantity, row.unit, row.start_date, row.end_date,
        row.data_quality, row.status,
    )  # fmt: skip


def same_meter(one: Compared, other: Compared) -> bool:
    """Whether two bills are of one supply: with a CUPS or meter in common, or both without any."""
    mine, its = (codes_of(row) for row in (one, other))
    return bool(mine & its) or not (mine or its)


def codes_of(row: Compared) -> set[str]:
    return {row.cups, row.meter, "" if row.cups or row.meter else meter_in(row.external_id)} - {""}


def _duplicate(row: Consumption, rivals: Iterable[Neighbour]) -> list[Fault]:
    if row.data_quality == DataQuality.ADJUSTMENT:
        return []
    for one in rivals:
        same = (one.start_date, one.end_date) == (row.start_date, row.end_date)
        if same and one.data_quality == row.data_quality:
            sentence = gettext("A stored bill has the same facility, activity, meter and period.")
            return [Fault("start_date", DUPLICATE, sentence)]
    return []


def _overlap(mine: Bill, rivals: Iterable[Neighbour]) -> list[Fault]:
    for one in map(as_bill, rivals) if claims_days(mine) else ():
        shared = (min(mine.end, one.end) - max(mine.start, one.start)).days + 1
        if claims_days(one) and shared > 1:
            sentence = sharing(shared, gettext("a stored bill"), one.start, one.end)
            return [Fault("start_date", OVERLAP, sentence)]
    return []


def _jump(mine: Bill, earlier: Iterable[Bill]) -> str:
    if not weighs(mine):
        return ""
    key, amount = amount_of(mine)
    alike = [amount_of(one) for one in earlier if weighs(one)]
    used: list[Any] = [its for its_key, its in alike if its_key == key]
    quantity, days = sum(one.quantity for one in used), sum(one.days for one in used)
    return off(amount.quantity * days, quantity * amount.days) if quantity else ""
