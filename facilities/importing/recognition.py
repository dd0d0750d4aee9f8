"""Which stored facility a row is: told by external_id, or else by name, country and address."""

from collections import defaultdict
from itertools import repeat
from typing import Any, NamedTuple
from uuid import UUID

from facilities.models import Facility, SupplyPoint

PLAIN = (
    "external_id",
    "name",
    "type",
    "country",
    "region",
    "address",
    "categories",
    "logistic_factor",
    "status",
)

Columns = dict[str, list[Any]]


class Stored(NamedTuple):
    """A facility as it is, with its PLAIN columns and its CUPS."""

    id: UUID
    plain: dict[str, Any]
    cups_list: list[str]


def identities(columns: Columns) -> list[Any]:
    """What tells each facility from the others of its organization."""
    ids = columns.get("external_id", repeat(""))
    addresses = columns.get("address", repeat(""))
    together = zip(ids, columns["name"], columns["country"], addresses, strict=False)
    return [
        external_id or (name, country, address) for external_id, name, country, address in together
    ]


def is_empty(organization_id: UUID) -> bool:
    """Whether nothing is stored that a row could be or collide with."""
    return not (live(organization_id).exists() or held(organization_id).exists())


def find(keys: list[Any], organization_id: UUID) -> dict[Any, list[Stored]]:
    """The live facilities of some identities, the oldest first."""
    mine = live(organization_id).order_by("id")
    ids = {key for key in keys if isinstance(key, str)}
    names = {key[0] for key in keys if not isinstance(key, str)}
    found: list[tuple] = []
    if ids:
        named = mine.exclude(external_id="").filter(external_id__any_of=ids)
        found += named.values_list("id", *PLAIN)
    if names:
        found += mine.filter(external_id="", name__any_of=names).values_list("id", *PLAIN)
    cups_lists: defaultdict[UUID, list[str]] = defaultdict(list)
    if found:
        points = held(organization_id).filter(facility__any_of=[one[0] for one in found])
        for facility_id, cups in points.order_by("id").values_list("facility_id", "cups"):
            cups_lists[facility_id].append(cups)
    stored: defaultdict[Any, list[Stored]] = defaultdict(list)
    plain = [dict(zip(PLAIN, values, strict=True)) for _, *values in found]
    same = identities({name: [one[name] for one in plain] for name in PLAIN})
    for key, (pk, *_), values in zip(same, found, plain, strict=True):
        stored[key].append(Stored(pk, values, cups_lists[pk]))
    return stored


def holders(cups: set[str], organization_id: UUID) -> dict[str, UUID]:
    """Which facility has each of some CUPS."""
    if not cups:
        return {}
    points = held(organization_id).filter(cups__any_of=cups)
    return dict(points.values_list("cups", "facility_id"))


def live(organization_id: UUID) -> Any:
    return Facility.objects.for_organization(organization_id).live()


def held(organization_id: UUID) -> Any:
    """The supply points that a live facility has."""
    return SupplyPoint.objects.filter(organization_id=organization_id, released_at=None)
