"""What facilities add up to while many bills are read, so that the one too many can be named."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from emissions.ledger.bills import AMOUNTS, FACILITY, Figures, Kilograms, too_large
from emissions.ledger.plan import current_lines
from facilities.models import Facility


class RunningTotals:
    """The totals of facilities as they would be by now.

    They are read once, before the first bill that touches a facility. An import has locked those
    that it names; of others, which its bills leave, the total that is written is judged again.
    """

    def __init__(self) -> None:
        self._now: dict[str, Kilograms] = {}
        """By the facility's id in hex: its hash is worked out once, a UUID's every time."""
        self._lines: dict[UUID, list[tuple]] = {}

    def load(self, facilities: Mapping[str, UUID], replaced: Sequence[UUID]) -> None:
        """Reads the totals of facilities, given by their ids in hex, and of those that have lines
        of the consumptions that are to be replaced; and these lines."""
        stored = current_lines(replaced) if replaced else {}
        self._lines = {pk: [line for _, line in its.values()] for pk, its in stored.items()}
        touched = dict(facilities)
        for lines in self._lines.values():
            touched.update((line[FACILITY].hex, line[FACILITY]) for line in lines)
        if new := [pk for key, pk in touched.items() if key not in self._now]:
            rows = Facility.objects.filter(pk__any_of=new)
            for pk, *amounts in rows.values_list("pk", *Kilograms._fields):
                self._now[pk.hex] = Kilograms(*amounts)

    def lines_of(self, consumption: UUID) -> list[tuple]:
        """The current lines of what is replaced, as Emission.WRITTEN."""
        return self._lines.get(consumption, [])

    def add(self, facility: str, figures: Figures) -> None:
        """Counts a new bill. Raises ValidationError if the total would be too large for that, and
        then nothing is counted."""
        if figures.co2e is not None:
            self._move({facility: Kilograms._make(figures[:3])})

    def replace(self, consumption: UUID, lines: Iterable[tuple]) -> None:
        """Counts lines instead of the current ones of a consumption. Raises as `add` does."""
        moves: defaultdict[str, Kilograms] = defaultdict(Kilograms)
        for line in lines:
            key = line[FACILITY].hex
            moves[key] = moves[key].plus(Kilograms._make(line[AMOUNTS]))
        for line in self.lines_of(consumption):
            key = line[FACILITY].hex
            moves[key] = moves[key].minus(Kilograms._make(line[AMOUNTS]))
        self._move(moves)

    def _move(self, moves: Mapping[str, Kilograms]) -> None:
        after = {key: self._now[key].plus(move) for key, move in moves.items()}
        if any(total.too_large() for total in after.values()):
            raise too_large("total of its facility")
        self._now.update(after)
