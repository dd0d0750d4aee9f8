"""Which stored facility a row is: told by external_id, or else by name, country and address."""

from collections import defaultdict
from itertools import repeat
from typing import Any, NamedTuple
from uuid import UUID

from facilities.models import Facility, Meter, SupplyPoint

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


class Codes(NamedTuple):
    """What a list of codes is stored as."""

    model: Any
    column: str
    what: str


LISTS = {
    "cups_list": Codes(SupplyPoint, "cups", "CUPS"),
    "meter_list": Codes(Meter, "code", "meter"),
}

Code = tuple[str, str]
"""The list that a code is in, and the code."""


class Stored(NamedTuple):
    """A facility as it is, with its PLAIN columns and its lists of codes."""

    id: UUID
    plain: dict[str, Any]
    lists: dict[str, list[str]]


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
    held = any(held_points(one, organization_id).exists() for one in LISTS.values())
    return not (held or live(organization_id).exists())


def find(keys: list[Any], organization_id: UUID) -> dict[Any, list[Stored]]:
    """The live facilities of some identities, the oldest first."""
    mine = live(organization_id).order_by("id")
    ids = {key for key in keys if isinstance(key, str)}
    names = {key[0] for key in keys if not isinstance(key, str)}
    found: list[tuple] = []
    if ids:
        named = mine.filter(external_id__is_set=True, external_id__any_of=ids)
        found += named.values_list("id", *PLAIN)
    if names:
        found += mine.filter(external_id="", name__any_of=names).values_list("id", *PLAIN)
    lists: dict[str, defaultdict[UUID, list[str]]] = {name: defaultdict(list) for name in LISTS}
    if found:
        pks = [one[0] for one in found]
        for name, codes in LISTS.items():
            points = held_points(codes, organization_id).filter(facility__any_of=pks)
            for facility_id, code in points.order_by("id").values_list("facility_id", codes.column):
                lists[name][facility_id].append(code)
    stored: defaultdict[Any, list[Stored]] = defaultdict(list)
    plain = [dict(zip(PLAIN, values, strict=True)) for _, *values in found]
    same = identities({name: [one[name] for one in plain] for name in PLAIN})
    for key, (pk, *_), values in zip(same, found, plain, strict=True):
        stored[key].append(Stored(pk, values, {name: lists[name][pk] for name in LISTS}))
    return stored


def holders(wanted: set[Code], organization_id: UUID) -> dict[Code, UUID]:
    """Which facility has each of some codes."""
    found: dict[Code, UUID] = {}
    for name, codes in LISTS.items():
        texts = [code for kind, code in wanted if kind == name]
        if texts:
            points = held_points(codes, organization_id)
            points = points.filter(**{f"{codes.column}__any_of": texts})
            for code, pk in points.values_list(codes.column, "facility_id"):
                found[name, code] = pk
    return found


def live(organization_id: UUID) -> Any:
    return Facility.objects.for_organization(organization_id).live()


def held_points(codes: Codes, organization_id: UUID) -> Any:
    """The points of a kind that a live facility has."""
    return codes.model.objects.filter(organization_id=organization_id, released_at=None)
