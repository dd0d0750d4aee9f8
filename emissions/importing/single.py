"""What is odd about one bill that is typed or posted alone: it is stored, and its author is told.

The same questions as a file is asked, in the same words. However long the history, little of it is
read: the bills that end nearest, by an index.
"""

from collections.abc import Iterable, Sequence
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
    amount_of,
    claims_days,
    off,
    sharing,
    supplies_of,
    weighs,
)
from emissions.importing.validation import FUTURE, OVERLAP, ends_after
from emissions.models import Consumption, ConsumptionStatus, DataQuality
from organizations.database.statements import Compiled, Statement, compiled
from organizations.importing.cells import Fault

DUPLICATE, JUMP = "duplicate", "jump"

NEAREST = 12
"""So many bills before it, and so many after it, by their last day, say what is usual."""

CODES = ("code", "other_code")
"""What the statement calls them; a bill has a CUPS, a meter, both or neither."""

AT_MOST = 50
"""So many bills of its meter that end with it or later are looked at for days that they share."""


def warnings_of(row: Consumption) -> list[Fault]:
    """What a file would be told of a bill, that the API and the admin store all the same.

    `duplicate` and `overlap` are about another bill of the same facility, activity and meter,
    `future_period` about today, and `jump` about the mean per day of the bills around it.
    """
    if row.deleted_at:
        return []
    found = []
    if sentence := ends_after(row.end_date, timezone.localdate()):
        found.append(Fault("end_date", FUTURE, sentence))
    if row.status != ConsumptionStatus.ACTIVE:
        return found
    mine = as_bill(row, row)
    later, earlier = neighbours(row, [one.code for one in mine.supplies if one.code])
    supplies, active = set(mine.supplies), ConsumptionStatus.ACTIVE
    bills = {one: as_bill(one, row) for one in {*earlier, *later}}
    rivals = [
        bills[one]
        for one in later
        if one.status == active and not supplies.isdisjoint(bills[one].supplies)
    ]
    found += _duplicate(mine, rivals) or _overlap(mine, rivals)
    if sentence := _jump(mine, bills.values()):
        found.append(Fault("quantity", JUMP, sentence))
    return found


class Neighbour(NamedTuple):
    """What is asked of another bill of the same facility and activity."""

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


def neighbours(row: Consumption, codes: Sequence[str]) -> tuple[list[Neighbour], list[Neighbour]]:
    """Other bills of its activity: those that end with it or later, and those that end before it;
    the nearest of each, and of the later ones also those that may be of the same supply, by its
    CUPS and meter. By one statement; a bill may come twice."""
    rows = _neighbours(len(codes)).rows(
        organization_id=row.organization_id,
        facility_id=row.facility_id,
        category=str(row.category),
        activity=row.activity,
        pk=row.pk,
        start=row.start_date,
        **dict(zip(CODES, codes, strict=False)),
    )
    found = list(starmap(Neighbour, rows))
    later = [one for one in found if one.end_date >= row.start_date]
    return later, [one for one in found if one.end_date < row.start_date]


@cache
def _neighbours(count: int) -> Statement:
    """For so many codes."""

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
        alike = [Q(**{name: code}) for code in codes.values() for name in ("cups", "meter")]
        of_it = reduce(or_, alike, Q(cups="", meter=""))  # whose external_id may have the code
        later = others.filter(end_date__gte=start).order_by("end_date")
        earlier = others.filter(end_date__lt=start).order_by("-end_date")
        parts = [
            compiled(rows.values_list(*Neighbour._fields)[:most])
            for rows, most in ((later.filter(of_it), AT_MOST), (later, NEAREST), (earlier, NEAREST))
        ]
        return Compiled(
            " UNION ALL ".join(
                f"SELECT * FROM ({part.sql}) AS part_{at}" for at, part in enumerate(parts)
            ),
            [param for part in parts for param in part.params],
            parts[0].convert,
        )

    types: dict[str, type] = {
        "organization_id": UUID, "facility_id": UUID, "category": str, "activity": str,
        "pk": UUID, "start": date, **dict.fromkeys(CODES[:count], str),
    }  # fmt: skip
    return Statement(build, **types)


def as_bill(row: Compared, of: Consumption) -> Bill:
    """What of a bill it is compared by; its facility and activity are those `of` another."""
    supplies = supplies_of(
        of.facility_id.hex, of.category, of.activity, row.cups, row.meter, row.external_id
    )
    return Bill(
        supplies, bool(row.external_id), row.quantity, row.unit, row.start_date, row.end_date,
        row.data_quality, row.status,
    )  # fmt: skip


def _duplicate(mine: Bill, rivals: Iterable[Bill]) -> list[Fault]:
    if mine.data_quality == DataQuality.ADJUSTMENT:
        return []
    for one in rivals:
        same = (one.start, one.end) == (mine.start, mine.end)
        if same and one.data_quality == mine.data_quality:
            sentence = gettext("A stored bill has the same facility, activity, meter and period.")
            return [Fault("start_date", DUPLICATE, sentence)]
    return []


def _overlap(mine: Bill, rivals: Iterable[Bill]) -> list[Fault]:
    for one in rivals if claims_days(mine) else ():
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
