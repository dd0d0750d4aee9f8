"""Why a bill had no figure at a moment of the past.

What is computed is in no history. So the bill is computed again from what it, its facility, the
closed years and the factors were at that moment. The organization's GWP set has no history: it is
taken as it is now.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Q

from emissions.calculation.formula import Calculator
from emissions.calculation.selection import Factor
from emissions.ledger.bills import Bill, compute
from emissions.models import ClosedPeriod, Consumption, Emission, EmissionFactor
from emissions.reports.moments import as_they_were, then
from facilities.models import Facility

ON_ITS_WAY = "recalculating: at this moment its figures were being worked out."


def reason_at(
    moment: datetime, bill: Consumption, facility: Facility, lines: Sequence[Emission]
) -> str:
    """Why a bill had no figure, or why not another one; nothing where neither was so.

    `bill` and `facility` are as they were, `lines` those that counted.
    """
    closed = _closed_years(bill, moment)
    if lines and not closed:
        return ""
    row = _as_a_bill(bill, facility, closed)
    factors = () if row.why_not() else _factors(row, moment)
    stored = [tuple(getattr(line, name) for name in Emission.WRITTEN) for line in lines]
    computed, figures = compute(row, Calculator(factors), stored)
    return figures.co2e_reason if lines or not computed else ON_ITS_WAY


def _as_a_bill(bill: Consumption, facility: Facility, closed: str) -> Bill:
    """What the calculation takes."""
    given: dict[str, Any] = {
        "facility_type": facility.type,
        "country": facility.country,
        "region": facility.region,
        "categories": facility.categories,
        "facility_deleted_at": facility.deleted_at,
        "gwp_set": facility.organization.gwp_set,
        "closed_years": closed,
        "stored": None,
    }
    names = (name for name in Bill._fields if name not in given)
    return Bill(**{name: getattr(bill, name) for name in names}, **given)


def _closed_years(bill: Consumption, moment: datetime) -> str:
    """The years that were closed, as an organization has them."""
    rows = ClosedPeriod.objects.filter(
        Q(reopened_at=None) | Q(reopened_at__gt=moment),
        organization_id=bill.organization_id,
        closed_at__lte=moment,
    )
    return ",".join(map(str, rows.order_by("year").values_list("year", flat=True)))


def _factors(row: Bill, moment: datetime) -> Iterator[Factor]:
    """The factors that there were for a bill's activity where its facility was."""
    for_it: dict[str, Any] = {
        "category": row.category,
        "activity": row.activity,
        "country__in": ["", row.country],
        "region__in": ["", row.region],
    }
    usable = Q(organization=None) | Q(organization=row.organization_id)
    ever = EmissionFactor.history.model.objects.filter(usable, id=OuterRef("pk"), **for_it)
    rows = then(EmissionFactor, usable, moment).filter(Q(**for_it) | Exists(ever))
    factors: Iterable[EmissionFactor] = as_they_were(rows.order_by("pk"))
    for one in factors:
        if one.deleted_at is None or one.deleted_at > moment:
            yield one.as_value()
