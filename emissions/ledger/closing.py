"""Closing a calendar year, opening it again, and what it would say if it were open.

The lines of a closed year stay whatever changes: `emissions.ledger.bills.compute` keeps them, and
every path that writes the ledger asks it. A consumption whose closed lines are not what they would
be says so in its `co2e_reason`, `period_closed: …`; those are the restatements of the year.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext

from emissions.ledger.bills import (
    AMOUNTS,
    MONTH,
    PERIOD_CLOSED,
    START,
    Kilograms,
    calculator_for,
    compute_as_if_open,
)
from emissions.ledger.plan import bills, current_lines
from emissions.ledger.reach import Reach
from emissions.ledger.recalculation import recalculate
from emissions.ledger.runs import left_by, start_if_many
from emissions.models import ClosedPeriod, Consumption, PendingFacility
from organizations.access.author import author, because
from organizations.audit.event import Event
from organizations.audit.recording import record
from organizations.database.postgresql.connections import long_job
from organizations.models import Organization
from organizations.tenancy import pass_gate

LOT = 5000


class NotNow(Exception):
    """A year that cannot be closed or opened as things are; `code` and the sentence say why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


class Restatement(NamedTuple):
    """What a consumption says in a closed year, and what it would say if the year were open.

    None is no figure at all; `reason` says why there would be none.
    """

    consumption_id: UUID
    external_id: str
    facility_id: UUID
    deleted: bool
    before: Kilograms | None
    after: Kilograms | None
    reason: str


@transaction.atomic
def close(organization_id: UUID, year: int) -> ClosedPeriod:
    """Fixes a year's figures as they are.

    Raises ValidationError for a year that is not over, NotNow while its figures are on their way
    or when it is closed already.
    """
    organization = _locked(organization_id)
    if year >= timezone.localdate().year:
        sentence = gettext("{year} is not over: only a year that has ended is closed.").format(
            year=year
        )
        raise ValidationError({"year": ValidationError(sentence, code="not_over")})
    years = _years(organization)
    if year in years:
        raise NotNow("already_closed", gettext("{year} is closed already.").format(year=year))
    if PendingFacility.objects.filter(organization_id=organization_id).exists():
        raise NotNow(
            "recalculating", gettext("A recalculation is under way: close the year after it.")
        )
    _store(organization, [*years, year])
    period = ClosedPeriod.objects.create(
        organization_id=organization_id, year=year, closed_by=author()
    )
    record(organization_id, Event.PERIOD_CLOSED, object_type="period", object_id=year)
    return period


@long_job()
@transaction.atomic
def reopen(organization_id: UUID, year: int) -> ClosedPeriod:
    """Lets a year's figures follow their data again, and makes them right: many by a run.

    Raises NotNow when the year is not closed, ValidationError when a figure is too large.
    """
    organization = _locked(organization_id)
    years = _years(organization)
    if year not in years:
        raise NotNow("not_closed", gettext("{year} is not closed.").format(year=year))
    by = author()
    period = ClosedPeriod.objects.get(organization_id=organization_id, year=year, reopened_at=None)
    period.reopened_at, period.reopened_by = timezone.now(), by
    period.save(update_fields=["reopened_at", "reopened_by"])
    _store(organization, [one for one in years if one != year])
    reach = Reach(organization_id, held=True)
    if not start_if_many([reach], f"{year} reopened"):
        held = _held(organization_id).order_by("facility_id", "pk")
        targets = list(held.values_list("facility_id", "pk"))
        with because(f"{year} reopened by {by or 'a command'}"):
            recalculate(targets, also=left_by([reach], {facility for facility, _ in targets}))
    record(organization_id, Event.PERIOD_REOPENED, object_type="period", object_id=year)
    return period


def restatements(organization_id: UUID, year: int) -> Iterator[Restatement]:
    """What a closed year would say otherwise, by facility; of an open year nothing."""
    first, last = date(year, 1, 1), date(year, 12, 31)
    touching = Q(start_date__lte=last, end_date__gte=first)
    counted = Q(lines__superseded_at=None, lines__month__range=(first, last))
    held = _held(organization_id).filter(touching | counted).distinct()
    pairs = sorted(held.order_by().values_list("facility_id", "pk"))
    for start in range(0, len(pairs), LOT):
        yield from _of_lot([pk for _, pk in pairs[start : start + LOT]], year)


def _of_lot(ids: Sequence[UUID], year: int) -> Iterator[Restatement]:
    rows = bills(Q(pk__any_of=ids))
    calculator = calculator_for(rows)
    stored = current_lines(ids)
    for row in rows:
        if str(year) not in row.closed_years.split(","):
            continue
        lines, figures = compute_as_if_open(row, calculator)
        would = [line for line in lines if line[MONTH].year == year]
        old = (line for _, line in stored.get(row.id, {}).values())
        stay = sorted((line for line in old if line[MONTH].year == year), key=lambda x: x[START])
        if would != stay:
            yield Restatement(
                row.id,
                row.external_id,
                row.facility_id,
                bool(row.deleted_at),
                _sum(stay),
                _sum(would),
                figures.co2e_reason,
            )


def _sum(lines: Sequence[tuple]) -> Kilograms | None:
    total = Kilograms()
    for line in lines:
        total = total.plus(Kilograms._make(line[AMOUNTS]))
    return total if lines else None


def _held(organization_id: UUID) -> Any:
    """The consumption with lines in a closed year that are not what they would be."""
    return Consumption.objects.filter(
        organization_id=organization_id, co2e_reason__startswith=f"{PERIOD_CLOSED}:"
    )


def _locked(organization_id: UUID) -> Organization:
    """The organization, while nobody writes what its figures depend on."""
    pass_gate(organization_id, exclusive=True)
    return Organization.objects.get(pk=organization_id)


def _years(organization: Organization) -> list[int]:
    return [int(one) for one in organization.closed_years.split(",") if one]


def _store(organization: Organization, years: Sequence[int]) -> None:
    """Not `save()`: nothing is recalculated for it."""
    text = ",".join(map(str, sorted(years)))
    Organization.objects.filter(pk=organization.pk).update(
        closed_years=text, updated_at=timezone.now()
    )
