"""A bill that is stored for the first time: its figures are known before it is written.

Nothing of it is stored yet that could differ, so nothing is read back and compared: it is computed
from its facility, which is read under its lock, and from the factors. Its lines and the facility's
totals follow it in the same transaction. Whether a facility is complete can be told from what it
was: one bill more adds what has no figure, and takes nothing away.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import DEFAULT_DB_ALIAS, connection
from django.db.models import Exists

from emissions.ledger.bills import (
    AMOUNTS,
    CATEGORY_DISABLED,
    DELETED,
    INACTIVE,
    PERIOD_CLOSED,
    Bill,
    Figures,
    Kilograms,
    calculator_for,
    compute,
    too_large,
)
from emissions.ledger.plan import OWN_COLUMNS, insert_lines
from emissions.ledger.subtotals import Changes, parts
from emissions.models import CalculationStatus, Consumption
from emissions.models.consumption import OfOthers, of_activity, with_external_id
from facilities.models import Completeness, Facility
from organizations.database import bulk
from organizations.database.statements import Compiled, Statement, compiled
from organizations.models import Organization

DOES_NOT_COUNT = {INACTIVE, CATEGORY_DISABLED, DELETED}
"""Reasons of a bill without a figure that leave its facility complete."""

NOTHING_YET = Figures(None, None, None, CalculationStatus.NOT_CALCULATED, "")


class NewBill(NamedTuple):
    """What a bill gives, and the facility that it is added to, as it was read under its lock."""

    facility: Facility
    lines: list[tuple]
    figures: Figures


def locked_facility(organization_id: UUID, pk: UUID) -> Facility | None:
    """A facility of an organization, locked until the transaction ends, with its organization."""
    for values in LOCKED.rows(organization_id=organization_id, pk=pk):
        return _facility(values)
    return None


def locked_for(
    organization_id: UUID, pk: UUID, external_id: str, category: str, activity: str
) -> tuple[Facility | None, OfOthers | None]:
    """The same for a bill that is to be stored there, with what its rules ask of others: all of it
    by one statement. Without such a facility nothing is told."""
    asked = (external_id, category, activity)
    for *values, taken, known in LOCKED_FOR.rows(
        organization_id=organization_id,
        pk=pk,
        external_id=external_id,
        category=category,
        activity=activity,
    ):
        return _facility(values), OfOthers(*asked, bool(taken), bool(known))
    return None, None


def _facility(values: Sequence[Any]) -> Facility:
    split = len(FACILITY_COLUMNS)
    facility = Facility.from_db(DEFAULT_DB_ALIAS, FACILITY_COLUMNS, values[:split])
    facility.organization = Organization.from_db(
        DEFAULT_DB_ALIAS, ORGANIZATION_COLUMNS, values[split:]
    )
    return facility


FACILITY_COLUMNS = [field.attname for field in Facility._meta.concrete_fields]
ORGANIZATION_COLUMNS = [field.attname for field in Organization._meta.concrete_fields]


OWN_FIELDS = [
    next(field for field in Consumption._meta.concrete_fields if field.attname == name)
    for name in OWN_COLUMNS
]


def _locked(organization_id: UUID, pk: UUID, **asked: Exists) -> Compiled:
    theirs = (f"organization__{name}" for name in ORGANIZATION_COLUMNS)
    rows = Facility.objects.for_organization(organization_id).filter(pk=pk).order_by()
    rows = rows.annotate(**asked)
    sql, params, convert = compiled(rows.values_list(*FACILITY_COLUMNS, *theirs, *asked))
    if connection.vendor == "postgresql":
        sql += f" FOR NO KEY UPDATE OF {Facility._meta.db_table}"
    return Compiled(sql, params, convert)


def _locked_for(
    organization_id: UUID, pk: UUID, external_id: str, category: str, activity: str
) -> Compiled:
    return _locked(
        organization_id,
        pk,
        taken=Exists(with_external_id(organization_id, external_id)),
        known=Exists(of_activity(organization_id, category, activity)),
    )


LOCKED = Statement(_locked, organization_id=UUID, pk=UUID)
LOCKED_FOR = Statement(
    _locked_for, organization_id=UUID, pk=UUID, external_id=str, category=str, activity=str
)


def computed(row: Consumption, facility: Facility) -> NewBill:
    """Sets the figures of a bill that is not stored yet; `facility` is the one it is at, locked.

    Raises ValidationError when a figure or the facility's total is too large to be stored.
    """
    organization = facility.organization
    values = [field.to_python(getattr(row, field.attname)) for field in OWN_FIELDS]
    values += [facility.type, facility.country, facility.region, facility.categories]
    values += [facility.deleted_at, organization.gwp_set, organization.closed_years, NOTHING_YET]
    bill = Bill._make(values)
    lines, figures = compute(bill, calculator_for([bill]))
    for name, value in zip(Figures._fields, figures, strict=True):
        setattr(row, name, value)
    new = NewBill(facility, lines, figures)
    if total(new).too_large():
        raise too_large(f"total of facility {facility.pk}")
    return new


def write(new: NewBill, now: datetime) -> None:
    """Stores the lines of a bill that has just been stored, and moves its facility's totals."""
    changes = Changes()
    changes.replace((), parts(new.lines))
    insert_lines(new.lines, changes, now)
    facility = new.facility
    before = (*Kilograms.of(facility), facility.co2e_status)
    after = (*total(new), completeness(new))
    if before != after:
        row = (facility.pk, *after, now)
        bulk.update(Facility, [*Facility.COMPUTED, "updated_at"], [row])
        for name, value in zip(Facility.COMPUTED, after, strict=True):
            setattr(facility, name, value)
        facility.updated_at = now


def total(new: NewBill) -> Kilograms:
    """The facility's totals with the bill."""
    kilograms = Kilograms.of(new.facility)
    for line in new.lines:
        kilograms = kilograms.plus(Kilograms(*line[AMOUNTS]))
    return kilograms


def completeness(new: NewBill) -> Any:
    """What the facility's totals hold now."""
    status, figures = new.facility.co2e_status, new.figures
    if status != Completeness.COMPLETE or figures.co2e_status == CalculationStatus.CALCULATED:
        return status
    reason = figures.co2e_reason
    if reason in DOES_NOT_COUNT or reason.startswith(PERIOD_CLOSED):
        return status
    return Completeness.INCOMPLETE
