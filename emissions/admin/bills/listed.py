"""A facility's bills on its page: by category, the newest first, each meter with its next bill."""

from typing import NamedTuple
from uuid import UUID

from emissions.admin.bills.after import form_after, form_with
from emissions.admin.links import list_of, page_of
from emissions.models import Consumption
from facilities.categories import Category
from facilities.models import Facility

SHOWN = 6
"""So many of a category's bills are listed; the others are one click away."""

LOOKED_AT = 60
"""So many of the newest bills of a category say which meters it has."""


class Stream(NamedTuple):
    """What is billed again and again: an activity at a meter."""

    activity: str
    code: str
    """Its CUPS or meter, or nothing."""

    add: str
    """The form of its next bill."""


class OfCategory(NamedTuple):
    """A category's newest bills."""

    category: Category
    enabled: bool
    bills: list[tuple[Consumption, str]]
    """Each with the address of its page."""

    more: bool
    everything: str
    streams: list[Stream]
    add: str
    """The form of a bill of something new."""


def by_category(facility: Facility) -> list[OfCategory]:
    """The facility's bills; a category that does not count there is listed if it has any."""
    found = [of_category(facility, one) for one in Category]
    return [one for one in found if one.enabled or one.bills]


def of_category(facility: Facility, category: Category) -> OfCategory:
    rows = Consumption.objects.live().filter(facility=facility, category=category)
    newest = list(rows.order_by("-end_date", "-pk")[:LOOKED_AT])
    latest: dict[tuple[str, str, str], Consumption] = {}
    for row in newest:
        latest.setdefault((row.activity, row.cups, row.meter), row)
    return OfCategory(
        category,
        category in facility.categories,
        [(row, page_of(row)) for row in newest[:SHOWN]],
        len(newest) > SHOWN,
        bills_of(facility.pk, category),
        [Stream(row.activity, row.cups or row.meter, form_after(row)) for row in latest.values()],
        form_with({"facility": facility.pk, "category": category.value}),
    )


def bills_of(facility_id: UUID, category: Category) -> str:
    """The list of a facility's bills of a category."""
    filters = {"facility__id__exact": facility_id, "category__exact": category.value}
    return list_of(Consumption, **filters)
