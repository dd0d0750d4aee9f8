"""What stood at a moment of the past.

The ledger tells which lines counted then. What a bill or a facility was is told by its history; a
row without history is as it was stored.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.db.models import Exists, OuterRef, Q, Subquery
from django.utils import timezone

from emissions.models import CalculationStatus, Consumption, ConsumptionStatus, Emission
from facilities.models import Facility
from organizations.rest.filters import MomentField


class AsOfField(MomentField):
    """A moment that has been: what will stand later cannot be told."""

    def clean(self, value: Any) -> Any:
        moment = super().clean(value)
        if moment and moment > timezone.now():
            raise forms.ValidationError("This moment has not come yet.", code="in_the_future")
        return moment


def as_it_was(row: Any, moment: datetime) -> Any:
    """A row with its fields as they were at a moment; None if there was none.

    What is computed is not in its history and stays as it is now.
    """
    if row.created_at > moment:
        return None
    entries = row.history.filter(history_date__lte=moment)
    return _with(row, entries.order_by("-history_date", "-history_id").first())


def uncounted(organization_id: UUID, moment: datetime) -> Iterator[tuple[Consumption, Facility]]:
    """The bills that counted at a moment and had no figure, with their facilities, as they were.

    One that has a figure and has not changed since had it then: only the others are looked at.
    """
    others = Q(updated_at__gt=moment) | Q(
        deleted_at=None, co2e_status=CalculationStatus.NOT_CALCULATED
    )
    lines = Emission.objects.counted_at(moment).filter(
        organization_id=organization_id, consumption=OuterRef("pk")
    )
    own = Q(organization_id=organization_id)
    rows = then(Consumption, own, moment).filter(others, ~Exists(lines))
    facilities: dict[UUID, Facility] = {}
    for bill in as_they_were(rows):
        if bill.status != ConsumptionStatus.ACTIVE or _deleted(bill, moment):
            continue
        if not facilities:
            places = then(Facility, own, moment)
            facilities = {one.pk: one for one in as_they_were(places)}
        facility = facilities[bill.facility_id]
        if not _deleted(facility, moment) and bill.category in facility.categories:
            yield bill, facility


def then(model: Any, whose: Q, moment: datetime) -> Any:
    """The rows that there were, each with the id of what its history says of it as `entry`."""
    entries = model.history.model.objects.filter(id=OuterRef("pk"), history_date__lte=moment)
    newest = entries.order_by("-history_date", "-history_id").values("history_id")[:1]
    rows = model.objects.filter(whose, created_at__lte=moment)
    return rows.annotate(entry=Subquery(newest))


def as_they_were(rows: Any) -> Iterator[Any]:
    """The rows of `then`, with their fields as they were."""
    found = list(rows)
    entries = rows.model.history.model.objects.in_bulk([one.entry for one in found if one.entry])
    for row in found:
        yield _with(row, entries.get(row.entry))


def _with(row: Any, entry: Any) -> Any:
    if entry is not None:
        for field in entry.tracked_fields:
            setattr(row, field.attname, getattr(entry, field.attname))
    return row


def _deleted(row: Any, moment: datetime) -> bool:
    return row.deleted_at is not None and row.deleted_at <= moment
