"""What a change of a factor would move, worked out before anybody makes it.

The ledger's own plan says what it would have to store if the factor were as it is wanted: the same
function as the real thing, so the same figures to the milligram. Nothing is written for it and
nothing is locked. A `Survey` goes through the facilities in order, some thousand consumptions at a
time, and may stop after any of them and go on in another request: what it knows so far is small
enough to travel with the page, however much the change reaches.
"""

from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db.models import Count, Max, Q

from emissions.ledger.bills import Bill, Kilograms
from emissions.ledger.plan import CONSUMPTION, bills, make_plan
from emissions.ledger.reach import any_of, reaches, where
from emissions.models import Consumption, EmissionFactor
from facilities.models import Completeness, Facility
from organizations.database.decimals import ExactSum
from organizations.database.postgresql.connections import long_job

LOT = 5000
"""About how many consumptions are planned at once."""

PLACES = 500
"""So many facilities are looked at for consumption that is reached."""

EXAMPLES = 5
NOTHING = Kilograms()


class Move(NamedTuple):
    """A facility's total before and after."""

    facility_id: UUID
    before: Kilograms
    after: Kilograms

    @property
    def size(self) -> Decimal:
        return max(map(abs, self.after.minus(self.before)))


@dataclass
class Impact:
    """What a change touches; `before` and `after` are the touched facilities' totals together."""

    consumptions: int = 0
    facilities: int = 0
    organizations: int = 0
    before: Kilograms = NOTHING
    after: Kilograms = NOTHING
    gained: int = 0
    """Consumptions without a figure that get one."""

    lost: int = 0
    """Consumptions that lose their figure."""

    recalculating: int = 0
    """Facilities at which an earlier change is still being worked off; its share is in here."""

    most: list[Move] = field(default_factory=list)
    """The facilities that move most."""


class Ground(NamedTuple):
    """What a preview rests on: as long as it is the same, so is the preview."""

    consumptions: int
    co2e: str
    changed: str
    """When the newest of the consumptions, their facilities and organizations was changed."""

    factors: int
    factors_changed: str


class Place(NamedTuple):
    """A facility, told so that places have an order in which an organization's are together."""

    organization_id: UUID
    facility_id: UUID


class Tally(NamedTuple):
    """What changes at one facility."""

    consumptions: int = 0
    moved: Kilograms = NOTHING

    def plus(self, other: "Tally") -> "Tally":
        return Tally(self.consumptions + other.consumptions, self.moved.plus(other.moved))


class Half(NamedTuple):
    """A facility with more consumption than a lot, done up to and with one of them."""

    place: Place
    consumption_id: UUID
    tally: Tally


class Survey:
    """The preview of storing a factor as it is wanted, instead of as it is stored if it is."""

    def __init__(
        self, stored: EmissionFactor | None, wanted: EmissionFactor, ground: Ground | None = None
    ) -> None:
        self._wanted = wanted
        self._reaches = reaches(stored, wanted)
        self._waiting: deque[tuple[Place, int]] = deque()
        self.ground = ground or self.look()
        self.impact = Impact()
        self.done = 0
        self.place: Place | None = None
        self.half: Half | None = None
        self.passed: list[tuple[Place, Move]] | None = None
        """Set to a list, it is given every facility that moves, as they are gone through."""

        self.last_organization: UUID | None = None
        self.finished = not self.ground.consumptions

    @property
    def percent(self) -> int:
        if self.finished:
            return 100
        return min(99, 100 * self.done // self.ground.consumptions)

    @long_job()
    def look(self) -> Ground:
        """What it rests on, as that is now."""
        latest = ("updated_at", "facility__updated_at", "organization__updated_at")
        rows = Consumption.objects.filter(any_of(self._reaches)).aggregate(
            **{column: Max(column) for column in latest}, count=Count("pk"), sum=ExactSum("co2e")
        )
        factors = EmissionFactor.objects.filter(
            category__in={one.category for one in self._reaches},
            activity__in={one.activity for one in self._reaches},
        ).aggregate(count=Count("pk"), latest=Max("updated_at"))
        return Ground(
            rows["count"],
            str(rows["sum"]),
            str(max((rows[one] for one in latest if rows[one]), default="")),
            factors["count"],
            str(factors["latest"]),
        )

    def changed_since(self) -> bool:
        """Whether what it rests on is no longer what it was when the survey began."""
        return self.look() != self.ground

    @long_job()
    def run(self, until: Callable[[], bool] = lambda: False) -> None:
        """Goes on to the end, or to a lot after which it should stop.

        Raises ValidationError when a figure would be too large to be stored.
        """
        while not self.finished:
            if self.half:
                self._rest_of_a_large_one(self.half)
            else:
                self._next_lot()
            if until():
                return

    def _next_lot(self) -> None:
        if not self._waiting and not self._find_places():
            self.finished = True
            return
        place, count = self._waiting.popleft()
        if count > LOT:
            self.half = Half(place, UUID(int=0), Tally())
            return
        lot = [place]
        while self._waiting and count + self._waiting[0][1] <= LOT:
            place, more = self._waiting.popleft()
            lot.append(place)
            count += more
        tallies = self._tallies(bills(self._at(lot))) if count else defaultdict(Tally)
        self._close({one: tallies[one.facility_id] for one in lot})

    def _rest_of_a_large_one(self, half: Half) -> None:
        rows = bills(self._at([half.place]) & Q(pk__gt=half.consumption_id), at_most=LOT)
        tally = half.tally.plus(self._tallies(rows)[half.place.facility_id])
        if len(rows) == LOT:
            self.half = half._replace(consumption_id=rows[-1].id, tally=tally)
        else:
            self.half = None
            self._close({half.place: tally})

    def _find_places(self) -> bool:
        """Looks for the next facilities; those where nothing is reached are waiting too."""
        rows = Facility.objects.filter(where(self._reaches)).order_by("organization_id", "pk")
        if self.place:
            organization_id, facility_id = self.place
            rows = rows.filter(
                Q(organization_id__gt=organization_id) | Q(pk__gt=facility_id),
                organization_id__gte=organization_id,
            )
        places = [Place(*row) for row in rows.values_list("organization_id", "pk")[:PLACES]]
        here = Consumption.objects.filter(self._at(places)).order_by().values_list("facility_id")
        counts = dict(here.annotate(Count("pk")))
        self._waiting.extend((one, counts.get(one.facility_id, 0)) for one in places)
        return bool(places)

    def _at(self, places: Sequence[Place]) -> Q:
        """The consumption that is reached at some facilities."""
        return any_of(self._reaches) & Q(facility__any_of=[one.facility_id for one in places])

    def _tallies(self, rows: list[Bill]) -> defaultdict[UUID, Tally]:
        """What the ledger would store for some consumptions, by facility."""
        plan = make_plan(rows, supposing=[self._wanted])
        changed = {*plan.changed, *(line[CONSUMPTION] for line in plan.missing)}
        counts = Counter(row.facility_id for row in rows if row.id in changed)
        for had, has in plan.changed.values():
            self.impact.gained += had.co2e is None and has.co2e is not None
            self.impact.lost += had.co2e is not None and has.co2e is None
        self.done += len(rows)
        tallies: defaultdict[UUID, Tally] = defaultdict(Tally)
        for pk in {*counts, *plan.moves}:
            tallies[pk] = Tally(counts[pk], plan.moves[pk])
        return tallies

    def _close(self, tallies: dict[Place, Tally]) -> None:
        """Adds what is found at facilities that are done; the last of them is the place now."""
        touched = {one: tally for one, tally in tallies.items() if tally.consumptions}
        stored = Facility.objects.in_bulk([one.facility_id for one in touched])
        found = self.impact
        for place, tally in touched.items():
            facility = stored[place.facility_id]
            before = Kilograms.of(facility)
            after = before.plus(tally.moved)
            found.consumptions += tally.consumptions
            found.facilities += 1
            found.organizations += place.organization_id != self.last_organization
            found.recalculating += facility.co2e_status == Completeness.RECALCULATING
            found.before, found.after = found.before.plus(before), found.after.plus(after)
            move = Move(place.facility_id, before, after)
            found.most.append(move)
            if self.passed is not None:
                self.passed.append((place, move))
            self.last_organization = place.organization_id
        found.most.sort(key=lambda one: -one.size)
        del found.most[EXAMPLES:]
        self.place = list(tallies)[-1]

    def moves(self, start: Place | None = None) -> Iterator[tuple[Place, Move]]:
        """Every facility that moves, in order of organization and id, from after a place on.

        Goes through the consumption anew, as the caller takes them; what this survey has found so
        far stays as it is.
        """
        again = copy(self)
        again.impact, again.passed, again._waiting = Impact(), [], deque()
        again.place, again.half, again.last_organization = start, None, None
        again.finished = not again.ground.consumptions
        while not again.finished:
            again.run(lambda: True)
            yield from again.passed
            again.passed.clear()

    def as_json(self) -> dict[str, Any]:
        """How far it is and what it has found, to go on with `resumed`."""
        found = vars(self.impact) | {"most": [_texts(one) for one in self.impact.most]}
        return {
            "ground": list(self.ground),
            "done": self.done,
            "finished": self.finished,
            "place": self.place and _texts(self.place),
            "half": self.half and _texts(self.half),
            "last_organization": self.last_organization and str(self.last_organization),
            "impact": {
                name: _texts(value) if isinstance(value, Kilograms) else value
                for name, value in found.items()
            },
        }

    @classmethod
    def resumed(
        cls, stored: EmissionFactor | None, wanted: EmissionFactor, state: dict[str, Any]
    ) -> Self:
        """The survey of the same change where it stopped."""
        survey = cls(stored, wanted, Ground(*state["ground"]))
        survey.done, survey.finished = state["done"], state["finished"]
        survey.place = state["place"] and Place(*map(UUID, state["place"]))
        if half := state["half"]:
            place, consumption_id, (consumptions, moved) = half
            tally = Tally(int(consumptions), _kilograms(moved))
            survey.half = Half(Place(*map(UUID, place)), UUID(consumption_id), tally)
        last = state["last_organization"]
        survey.last_organization = last and UUID(last)
        found = state["impact"]
        for name in ("before", "after"):
            found[name] = _kilograms(found[name])
        found["most"] = [
            Move(UUID(pk), _kilograms(before), _kilograms(after))
            for pk, before, after in found["most"]
        ]
        survey.impact = Impact(**found)
        return survey


def impact_of(stored: EmissionFactor | None, wanted: EmissionFactor) -> Impact:
    """What it would do to store a factor as it is wanted, worked out at once."""
    survey = Survey(stored, wanted)
    survey.run()
    return survey.impact


def _texts(values: Sequence[Any]) -> list[Any]:
    return [_texts(one) if isinstance(one, tuple) else str(one) for one in values]


def _kilograms(texts: Sequence[str]) -> Kilograms:
    return Kilograms(*map(Decimal, texts))
