"""Which facility a cell means: by the owner's code, by id, or by a CUPS or meter it has."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from difflib import get_close_matches
from itertools import islice
from typing import Any, NamedTuple
from uuid import UUID

from emissions.ledger.recalculation import lock_facilities
from facilities.categories import ordered
from facilities.models import Facility, Meter, SupplyPoint
from organizations.importing.cells import Column, spoiled
from organizations.importing.tables.header import plain_name
from organizations.importing.tables.marks import MARKS, unmarked

AT_ONCE = 5000
HINTED = 50
"""So many of the texts that name no facility are compared with those that there are."""

COMPARED = 1000
"""With so many facilities, besides those that are called just so."""

ALIKE = 0.75


class Site(NamedTuple):
    """What a consumption needs to know of its facility."""

    id: UUID
    type: str
    country: str
    region: str
    categories: list[str]
    cups_list: frozenset[str]
    meter_list: frozenset[str]
    key: str
    """The id in hex, which is quick to look up by."""

    def held(self, text: str) -> str:
        """The CUPS or meter of this facility that a text is, however it is spaced, or nothing."""
        for code in (text, without_spaces(text), as_cups(text)):
            if code in self.cups_list or code in self.meter_list:
                return code
        return ""


class SiteColumn(Column):
    """Text → the facility that it names among those that the file refers to."""

    def __init__(self, name: str, field: Any) -> None:
        super().__init__(name, field)
        self.texts: dict[str, Site | None] = {}
        self.ambiguous: set[str] = set()
        self.near: dict[str, Facility] = {}
        """The facility that a text which names none may mean."""

    def _read(self, text: str) -> Any:
        real, text = text[:1] if text[:1] in MARKS else "", unmarked(text).strip()
        if not text:
            return self._empty()
        if fault := spoiled(text, real):
            return self._refused("spoiled_code", fault)
        if site := self.texts.get(text):
            return site
        if text in self.ambiguous:
            return self._refused(
                "ambiguous", f"“{text[:60]}” names more than one facility; give the id of one."
            )
        return self._refused("does_not_exist", unknown_site(text, self.near.get(text)))

    def resolve(self, organization_id: UUID) -> None:
        """Finds the facility of every text noted in `texts`, and locks all of them by id."""
        locked: set[UUID] = set()
        while True:
            self._find(organization_id)
            wanted = sorted({site.id for site in self.texts.values() if site} - locked)
            if not wanted:
                self._find_near(organization_id)
                return
            for ids in chunks(wanted):
                lock_facilities(ids)
            locked.update(wanted)

    def _find(self, organization_id: UUID) -> None:
        live = Facility.objects.for_organization(organization_id).live()
        points = SupplyPoint.objects.filter(organization_id=organization_id, released_at=None)
        self.clear()
        self.ambiguous.clear()
        for texts in chunks(self.texts):
            names: defaultdict[str, set[UUID]] = defaultdict(set)
            known = live.filter(external_id__any_of=texts, external_id__is_set=True)
            for text, pk in known.values_list("external_id", "id"):
                names[text].add(pk)
            ids = spellings(as_id, texts)
            for found_id in live.filter(pk__any_of=list(ids)).values_list("pk", flat=True):
                for text in ids[found_id]:
                    names[text].add(found_id)
            cups = spellings(as_cups, texts)
            held = points.filter(cups__any_of=list(cups)).values_list("cups", "facility_id")
            meters = spellings(without_spaces, texts)
            others = Meter.objects.filter(organization_id=organization_id, released_at=None)
            also = others.filter(code__any_of=list(meters)).values_list("code", "facility_id")
            for spelt, codes in ((cups, held), (meters, also)):
                for code, pk in codes:
                    for text in spelt[code]:
                        names[text].add(pk)
            sites = read_sites({pk for found in names.values() for pk in found})
            for text in texts:
                found = names.get(text, set())
                self.texts[text] = sites[next(iter(found))] if len(found) == 1 else None
                if len(found) > 1:
                    self.ambiguous.add(text)

    def _find_near(self, organization_id: UUID) -> None:
        """A file often has names where codes belong, or a code with a slip in it."""
        lost = (one for one, site in self.texts.items() if not site and one not in self.ambiguous)
        unknown = list(islice(lost, HINTED))
        self.near.clear()
        if not unknown:
            return
        live = Facility.objects.for_organization(organization_id).live().order_by("pk")
        live = live.only("id", "name", "external_id")
        by_name = {plain_name(one.name): one for one in live.filter(name__in=unknown)}
        by_code = {}
        for one in live[:COMPARED]:
            by_name.setdefault(plain_name(one.name), one)
            by_code[plain_name(one.external_id or "")] = one
        for text in unknown:
            plain = plain_name(text)
            begun = [one for name, one in by_name.items() if name.startswith(f"{plain}_")]
            if close := get_close_matches(plain, filter(None, by_name), 1, ALIKE):
                self.near[text] = by_name[close[0]]
            elif plain and len(begun) == 1:
                [self.near[text]] = begun
            elif close := get_close_matches(plain, filter(None, by_code), 1, ALIKE):
                self.near[text] = by_code[close[0]]


def unknown_site(text: str, near: Facility | None) -> str:
    """Why a text names no facility, with the one that it may mean and what to write instead."""
    sentence = (
        f"No facility of this organization has the external_id, id, CUPS or meter “{text[:60]}”"
    )
    if near is None:
        return f"{sentence}; import the facilities first."
    if near.external_id:
        return f"{sentence}. Did you mean “{near.name}”? Its external_id is “{near.external_id}”."
    return f"{sentence}. Did you mean “{near.name}”? It has no external_id; its id is {near.pk}."


def read_sites(ids: Iterable[UUID]) -> dict[UUID, Site]:
    ids = list(ids)
    cups_lists: defaultdict[UUID, set[str]] = defaultdict(set)
    meter_lists: defaultdict[UUID, set[str]] = defaultdict(set)
    points = SupplyPoint.objects.filter(facility__any_of=ids, released_at=None)
    for pk, cups in points.values_list("facility_id", "cups"):
        cups_lists[pk].add(cups)
    meters = Meter.objects.filter(facility__any_of=ids, released_at=None)
    for pk, code in meters.values_list("facility_id", "code"):
        meter_lists[pk].add(code)
    rows = Facility.objects.filter(pk__any_of=ids)
    return {
        pk: Site(
            pk,
            kind,
            country,
            region,
            ordered(categories),
            frozenset(cups_lists.get(pk, ())),
            frozenset(meter_lists.get(pk, ())),
            pk.hex,
        )
        for pk, kind, country, region, categories in rows.values_list(
            "id", "type", "country", "region", "categories"
        )
    }


def as_id(text: str) -> UUID | None:
    try:
        return UUID(text) if len(text) in (32, 36) else None
    except ValueError:
        return None


def as_cups(text: str) -> str:
    """What may be a CUPS, written as it is stored; otherwise nothing."""
    code = text.replace(" ", "").replace("-", "").upper()
    return code if len(code) in (20, 22) and code.startswith("ES") else ""


def without_spaces(text: str) -> str:
    """A meter as it is stored."""
    return "".join(text.split())


def spellings(known: Callable[[str], Any], texts: Iterable[str]) -> dict[Any, list[str]]:
    """What texts may be → the texts that are spellings of it."""
    found: defaultdict[Any, list[str]] = defaultdict(list)
    for text in texts:
        if one := known(text):
            found[one].append(text)
    return dict(found)


def chunks(things: Iterable[Any]) -> Iterator[Sequence[Any]]:
    """The things, so many at once as one query takes; what they come from may be changed."""
    stream = iter(list(things))
    while chunk := list(islice(stream, AT_ONCE)):
        yield chunk
