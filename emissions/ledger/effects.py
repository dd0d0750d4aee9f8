"""What a write would change, worked out and not stored: for the previews of the API.

The ledger's own functions compute what it would have to store if a factor, a facility or a bill
were as it is wanted, so the figures are those of the real thing. Nothing is locked or written.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import reduce
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Q

from emissions.ledger.bills import (
    AMOUNTS,
    FACILITY,
    MONTH,
    Bill,
    Figures,
    Kilograms,
)
from emissions.ledger.plan import OWN_COLUMNS, bills, computed_beside_stored
from emissions.ledger.reach import reaches, touched
from emissions.models import CalculationStatus, Consumption, EmissionFactor
from facilities.categories import Category
from facilities.models import Facility
from organizations.database.tenant import about
from organizations.models import Organization

LOT = 5000
LARGEST = 10
"""So many facilities are named."""

NO_FIGURES = Figures(None, None, None, CalculationStatus.NOT_CALCULATED, "")


@dataclass
class BeforeAfter:
    """kg of what is counted now, and of what would be."""

    before: Kilograms = field(default_factory=Kilograms)
    after: Kilograms = field(default_factory=Kilograms)

    @property
    def size(self) -> Decimal:
        return max(map(abs, self.after.minus(self.before)))


class Move(NamedTuple):
    """A facility's total before and after."""

    facility: Facility
    before: Kilograms
    after: Kilograms


@dataclass
class Effect:
    """What a write would change. `total` and `years` are of the lines that would be replaced."""

    consumptions: int = 0
    gained: int = 0
    """Consumptions without a figure that would get one."""

    lost: int = 0
    """Consumptions that would lose their figure."""

    facilities: int = 0
    total: BeforeAfter = field(default_factory=BeforeAfter)
    years: defaultdict[int, BeforeAfter] = field(default_factory=lambda: defaultdict(BeforeAfter))
    largest: list[Move] = field(default_factory=list)
    moved: dict[UUID, Kilograms] = field(default_factory=dict)
    """By how much each facility moves."""

    before: Kilograms = field(default_factory=Kilograms)
    after: Kilograms = field(default_factory=Kilograms)
    """The totals of the facilities that move, together."""

    def moves(self) -> list[tuple[UUID, Kilograms, Kilograms]]:
        """Every facility that moves with its totals before and after, the largest move first."""
        order = sorted(self.moved, key=lambda pk: (-max(map(abs, self.moved[pk])), pk))
        stored = totals_of(order)
        return [(pk, stored[pk], stored[pk].plus(self.moved[pk])) for pk in order]


def effect_of_factor(
    organization_id: UUID, stored: EmissionFactor | None, wanted: EmissionFactor
) -> Effect:
    """What storing an organization's own factor as it is wanted would change.

    Raises ValidationError when a figure would be too large to be stored.
    """
    ids: set[UUID] = set()
    for rows in touched(reaches(stored, wanted)):
        mine = rows.filter(organization_id=organization_id).order_by()
        ids.update(mine.values_list("pk", flat=True))
    return _effect(_lots(sorted(ids)), [wanted])


def effects_of_factors(
    changes: Sequence[tuple[EmissionFactor | None, EmissionFactor]],
) -> dict[UUID, Effect]:
    """What storing many factors at once would change, by organization; of those it touches.

    Raises ValidationError when a figure would be too large to be stored.
    """
    wanted = [after for _, after in changes]
    ids: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for rows in touched(reaches(*(one for pair in changes for one in pair))):
        for organization_id, pk in rows.order_by().values_list("organization_id", "pk"):
            ids[organization_id].add(pk)
    found = {}
    for one, pks in sorted(ids.items()):
        with about(one):
            found[one] = _effect(_lots(sorted(pks)), wanted)
    return {one: effect for one, effect in found.items() if effect.consumptions}


def effect_of_facility(facility: Facility, wanted: dict[str, Any]) -> Effect:
    """What a facility's other type, country, region or categories would change."""
    theirs = Consumption.objects.filter(facility=facility, deleted_at=None).order_by("pk")
    names = {"type": "facility_type"}
    changes = {
        names.get(name, name): wanted[name]
        for name in ("type", "country", "region", "categories")
        if name in wanted
    }
    lots = _lots(list(theirs.values_list("pk", flat=True)))
    return _effect([row._replace(**changes) for row in lot] for lot in lots)


def effect_of_consumption(wanted: Consumption) -> Effect:
    """What storing a bill, new or stored, as it is wanted would change."""
    return _effect([[_bill(wanted)]])


def expected_of_consumption(wanted: Consumption) -> tuple[list[tuple], Figures]:
    """The lines, as Emission.WRITTEN, and the figures that a bill would have as it is wanted."""
    [(_, _, lines, figures)] = computed_beside_stored([_bill(wanted)])
    return lines, figures


def _bill(wanted: Consumption) -> Bill:
    facility: Any = wanted.facility
    organization = wanted.organization
    stored = bills(Q(pk=wanted.pk))
    return Bill(
        **{name: getattr(wanted, name) for name in OWN_COLUMNS},
        facility_type=facility.type,
        country=facility.country,
        region=facility.region,
        categories=facility.categories,
        facility_deleted_at=facility.deleted_at,
        gwp_set=organization.gwp_set,
        closed_years=organization.closed_years,
        stored=stored[0].stored if stored else NO_FIGURES,
    )


def effect_of_gwp_set(organization: Organization, gwp_set: str) -> Effect:
    """What an organization's other GWP set would change: the figures of its refrigerants."""
    theirs = Consumption.objects.filter(
        organization=organization, category=Category.RECHARGE, deleted_at=None
    ).order_by("pk")
    lots = _lots(list(theirs.values_list("pk", flat=True)))
    return _effect([row._replace(gwp_set=gwp_set) for row in lot] for lot in lots)


def totals_of(ids: Sequence[UUID]) -> dict[UUID, Kilograms]:
    """What facilities emit as it is stored."""
    rows = Facility.objects.filter(pk__any_of=ids).values_list("pk", *Kilograms._fields)
    return {pk: Kilograms._make(amounts) for pk, *amounts in rows}


def _lots(ids: Sequence[UUID]) -> Iterator[list[Bill]]:
    for start in range(0, len(ids), LOT):
        yield bills(Q(pk__any_of=ids[start : start + LOT]))


def _effect(lots: Iterable[list[Bill]], supposing: Sequence[EmissionFactor] = ()) -> Effect:
    effect = Effect()
    moves: defaultdict[UUID, Kilograms] = defaultdict(Kilograms)
    for lot in lots:
        for row, old, lines, figures in computed_beside_stored(lot, supposing):
            stored = {line for _, line in old.values()}
            gone, new = stored.difference(lines), set(lines) - stored
            if not gone and not new and figures == row.stored:
                continue
            effect.consumptions += 1
            effect.gained += row.stored.co2e is None and figures.co2e is not None
            effect.lost += row.stored.co2e is not None and figures.co2e is None
            moves[row.facility_id]  # it is touched, though its total may stay
            for line in gone:
                kilograms = Kilograms._make(line[AMOUNTS])
                for sums in (effect.total, effect.years[line[MONTH].year]):
                    sums.before = sums.before.plus(kilograms)
                moves[line[FACILITY]] = moves[line[FACILITY]].minus(kilograms)
            for line in new:
                kilograms = Kilograms._make(line[AMOUNTS])
                for sums in (effect.total, effect.years[line[MONTH].year]):
                    sums.after = sums.after.plus(kilograms)
                moves[line[FACILITY]] = moves[line[FACILITY]].plus(kilograms)
    effect.facilities, effect.moved = len(moves), moves
    for total in totals_of(list(moves)).values():
        effect.before = effect.before.plus(total)
    effect.after = reduce(Kilograms.plus, moves.values(), effect.before)
    largest = sorted(moves, key=lambda pk: (-max(map(abs, moves[pk])), pk))[:LARGEST]
    facilities = Facility.objects.in_bulk(largest)
    for pk in largest:
        before = Kilograms.of(facilities[pk])
        effect.largest.append(Move(facilities[pk], before, before.plus(moves[pk])))
    return effect
