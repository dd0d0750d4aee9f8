"""Which stored consumption a row of a file is: by external_id, or else by what it is about.

Without an external_id a row is told by facility, category, activity, CUPS, meter and period.
"""

from typing import Any, NamedTuple
from uuid import UUID

from emissions.importing.periods import Bill as Period
from emissions.importing.periods import supplies_of
from emissions.importing.sites import Site
from emissions.models import Consumption
from emissions.models.factor import DEFAULT_ACTIVITY
from organizations.importing.importer import Row

COLUMNS = (
    "external_id",
    "facility_id",
    "category",
    "activity",
    "quantity",
    "unit",
    "start_date",
    "end_date",
    "supplier",
    "cups",
    "meter",
    "data_quality",
    "status",
    "note",
)
DEFAULTS = {name: getattr(Consumption(), name) for name in COLUMNS}


Taken = dict[tuple, set[UUID]]
"""By what tells bills apart → those of several alike ones that rows have been found to be."""


class Recognised(NamedTuple):
    """A row with what would be stored and what is."""

    row: Row
    site: Site
    after: dict[str, Any]
    """Its COLUMNS as they would be stored."""
    stored: list[tuple[UUID, dict[str, Any]]]
    """The consumption it is already, as id and COLUMNS; more than one where that is not clear."""

    @property
    def before(self) -> dict[str, Any] | None:
        return self.stored[0][1] if self.stored else None

    @property
    def period(self) -> Period:
        return period_of(self.site.key, self.after)

    @property
    def replaced(self) -> Period | None:
        """The period that is stored of it."""
        before = self.before
        return period_of(before["facility_id"].hex, before) if before else None


def period_of(facility: str, values: dict[str, Any]) -> Period:
    """COLUMNS as the history of a facility, given by its id in hex, takes them."""
    return Period(
        supplies_of(
            facility,
            values["category"],
            values["activity"],
            values["cups"],
            values["meter"],
            values["external_id"],
        ),
        bool(values["external_id"]),
        values["quantity"],
        values["unit"],
        values["start_date"],
        values["end_date"],
        values["data_quality"],
        values["status"],
    )


def recognise(
    rows: list[Row], organization_id: UUID, taken: Taken | None = None
) -> list[Recognised]:
    """The rows, whose values are normalised, with what they are already.

    Where several stored bills are told by the same, as the API may have stored them, a row is the
    one that it equals and that no row before it was; `taken` remembers which ones were.
    """
    taken = {} if taken is None else taken
    named: dict[str, list] = {}
    unnamed: dict[tuple, list] = {}
    find(rows, organization_id, named, unnamed)
    recognised = []
    for row in rows:
        values, site = row.values, row.values["facility_id"]
        values["facility_id"] = site.id
        if external_id := values.get("external_id"):
            stored = named.get(external_id, [])
        else:
            key = natural_key(values)
            stored = unnamed.get(key, [])
            if len(stored) > 1:
                stored = own_of(values, stored, taken.setdefault(key, set()))
        after = {**(stored[0][1] if stored else DEFAULTS), **values}
        if not after["activity"]:  # a file without the column
            after["activity"] = DEFAULT_ACTIVITY.get(after["category"], "")
        recognised.append(Recognised(row, site, after, stored))
    return recognised


def own_of(
    values: dict[str, Any], stored: list[tuple[UUID, dict[str, Any]]], taken: set[UUID]
) -> list[tuple[UUID, dict[str, Any]]]:
    """Of stored bills that are alike, the one that a row equals; all where it equals none."""
    for pk, before in stored:
        if pk not in taken and before == {**before, **values}:
            taken.add(pk)
            return [(pk, before)]
    return stored


def find(
    rows: list[Row], organization_id: UUID, named: dict[str, list], unnamed: dict[tuple, list]
) -> None:
    """Reads the consumption that the rows may be already."""
    live = Consumption.objects.for_organization(organization_id).live()
    ids = [row.values["external_id"] for row in rows if row.values.get("external_id")]
    if ids:
        found = live.filter(external_id__is_set=True, external_id__any_of=ids)
        for pk, *values in found.values_list("id", *COLUMNS):
            named[values[0]] = [(pk, dict(zip(COLUMNS, values, strict=True)))]
    others = [row.values for row in rows if not row.values.get("external_id")]
    if others:
        found = live.filter(
            external_id="",
            facility__any_of={one["facility_id"].id for one in others},
            start_date__in={one["start_date"] for one in others},
        )
        for pk, *values in found.order_by("id").values_list("id", *COLUMNS):
            stored = dict(zip(COLUMNS, values, strict=True))
            unnamed.setdefault(natural_key(stored), []).append((pk, stored))


def natural_key(values: dict[str, Any]) -> tuple:
    """What tells consumption without external_id apart."""
    facility = values["facility_id"]
    return (
        facility.id if isinstance(facility, Site) else facility,
        values["category"],
        values.get("activity", DEFAULT_ACTIVITY.get(values["category"], "")),
        values.get("cups", ""),
        values.get("meter", ""),
        values["start_date"],
        values["end_date"],
    )
