"""What is odd about one bill that is typed or posted alone: it is stored, and its author is told.

The same questions as a file is asked, in the same words. However long the history, little of it is
read: the bills of the same supply that end nearest, by an index.
"""

from collections.abc import Iterable
from typing import Any

from django.utils import timezone

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
from organizations.importing.cells import Fault

DUPLICATE, JUMP = "duplicate", "jump"

NEAREST = 24
"""So many bills before it, by their last day, say what is usual."""

AT_MOST = 50
"""So many bills that end with it or later are looked at for days that they share."""


def warnings_of(row: Consumption) -> list[Fault]:
    """What a file would be told of a bill, that the API and the admin store all the same.

    `duplicate` and `overlap` are about another bill of the same facility, activity and meter,
    `future_period` about today, and `jump` about the mean per day of the bills before it.
    """
    if row.deleted_at or row.status != ConsumptionStatus.ACTIVE:
        return []
    mine = as_bill(row)
    found = []
    if sentence := ends_after(mine.end, timezone.localdate()):
        found.append(Fault("end_date", FUTURE, sentence))
    others = (
        Consumption.objects.for_organization(row.organization_id)
        .live()
        .filter(facility=row.facility_id, category=row.category, activity=row.activity)
        .exclude(pk=row.pk)
    )
    later = others.filter(end_date__gte=row.start_date)
    rivals = [
        one
        for one in later.order_by("end_date")[:AT_MOST]
        if one.status == ConsumptionStatus.ACTIVE and same_meter(row, one)
    ]
    found += _duplicate(row, rivals) or _overlap(mine, rivals)
    earlier = others.filter(end_date__lt=row.start_date).order_by("-end_date")[:NEAREST]
    if sentence := _jump(mine, map(as_bill, earlier)):
        found.append(Fault("quantity", JUMP, sentence))
    return found


def as_bill(row: Consumption) -> Bill:
    """What of a bill it is compared by."""
    code = row.cups or row.meter or meter_in(row.external_id)
    supply = Supply(row.facility_id.hex, row.category, row.activity, code)
    return Bill(
        supply, bool(row.external_id), row.quantity, row.unit, row.start_date, row.end_date,
        row.data_quality, row.status,
    )  # fmt: skip


def same_meter(one: Consumption, other: Consumption) -> bool:
    """Whether two bills are of one supply: with a CUPS or meter in common, or both without any."""
    mine, its = (codes_of(row) for row in (one, other))
    return bool(mine & its) or not (mine or its)


def codes_of(row: Consumption) -> set[str]:
    return {row.cups, row.meter, "" if row.cups or row.meter else meter_in(row.external_id)} - {""}


def _duplicate(row: Consumption, rivals: Iterable[Consumption]) -> list[Fault]:
    if row.data_quality == DataQuality.ADJUSTMENT:
        return []
    for one in rivals:
        same = (one.start_date, one.end_date) == (row.start_date, row.end_date)
        if same and one.data_quality == row.data_quality:
            sentence = "A stored bill has the same facility, activity, meter and period."
            return [Fault("start_date", DUPLICATE, sentence)]
    return []


def _overlap(mine: Bill, rivals: Iterable[Consumption]) -> list[Fault]:
    for one in map(as_bill, rivals) if claims_days(mine) else ():
        shared = (min(mine.end, one.end) - max(mine.start, one.start)).days + 1
        if claims_days(one) and shared > 1:
            sentence = sharing(shared, "a stored bill", one.start, one.end)
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
