"""France's files: blocks of readings, and above each the PRM that they are of.

A load curve gives the mean power of each half hour, by the moment at which it ends. A daily file
gives the meter's index at the beginning of each day: what was used on a day is the difference to
the next. Blocks of maximum power and of calendars stand in daily files too, and are passed over.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction
from itertools import pairwise
from typing import Any, NamedTuple

from emissions.importing.intervals.bills import IntervalImporter, Source
from emissions.importing.intervals.clocks import DAY, EPOCH, Clock
from emissions.importing.intervals.series import Meter, Month, by_moment, by_wall_clock, months
from organizations.importing.cells import Fault, Refused
from organizations.importing.layouts.layout import fold
from organizations.importing.tables.header import plain_name
from organizations.importing.tables.marks import unmarked

HOUR = 3600
DAILY = "arrete_quotidien"
PASSED_OVER = "passed_over"


class Index(NamedTuple):
    """What a meter shows at the beginning of a day, as a whole number of 10⁻⁶ of its unit."""

    day: int
    number: int
    line: int
    cells: list[str]


class Enedis(IntervalImporter):
    """Load curves and daily indexes."""

    zone = "Europe/Paris"
    usual, longest = HOUR // 2, HOUR
    powers = {"w": Fraction(1, 1000), "kw": Fraction(1)}
    energies = {"wh": Fraction(1, 1000), "kwh": Fraction(1)}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._block: dict[str, str] = {}
        """What stands above the readings, by its title."""
        self._titles: list[str] = []
        self._names: list[str] = []
        """The columns of the readings; none where they are passed over."""
        self._indexes: defaultdict[Source, list[Index]] = defaultdict(list)
        self._broken: defaultdict[Source, set[int]] = defaultdict(set)
        """Days on which a meter was read for another reason, such as a new programme."""
        for cells in self.table.head():
            self._above(cells)
            if self._names:
                break
        self._begin = self._block, self._titles, self._names

    def _above(self, cells: list[str]) -> bool:
        """Whether a row belongs to what stands above the readings of a PRM."""
        first = plain_name(cells[0]) if cells else ""
        if first == "identifiant_prm":
            self._titles, self._names = list(map(plain_name, cells)), []
            return True
        if self._titles:
            told = [unmarked(cell).strip() for cell in cells]
            self._block, self._titles = dict(zip(self._titles, told, strict=False)), []
            return True
        if first in ("horodate", "periode"):
            self._names = list(map(plain_name, cells)) if first == "horodate" else []
            return True
        return False

    @property
    def _place(self) -> int | None:
        """Where the quantity stands, in a block that is read."""
        if self._block.get("type_de_donnees", "").casefold().startswith("puissance max"):
            return None
        found = [self._names.index(one) for one in ("valeur", "eas_t") if one in self._names]
        return found[0] if found else None

    def survey(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        codes = {self._block.get("identifiant_prm", "")}
        for line, cells in zip(lines, rows, strict=True):
            if self._above(cells):
                codes.add(self._block.get("identifiant_prm", ""))
            elif (place := self._place) is not None and len(cells) > place:
                self.columns["quantity"].note([line], [cells[place]])
        for code in codes - {""}:
            self.sites.texts[self.facility_of(code)] = None

    def prepare(self) -> None:
        super().prepare()
        self._block, self._titles, self._names = self._begin

    def gather(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        for line, cells in zip(lines, rows, strict=True):
            if self._above(cells):
                if self._block and self._names and self._place is None:
                    sentence = "These readings are of power; they are passed over."
                    self.report.warn(line, cells, Fault("", PASSED_OVER, sentence))
            elif (place := self._place) is not None:
                self._gather_one(line, cells, place)

    def _gather_one(self, line: int, cells: list[str], place: int) -> None:
        """Notes a reading, or refuses its line; an empty one is missing."""
        code, names = self._block.get("identifiant_prm", ""), self._names
        if len(cells) != len(names):
            sentence = f"A reading has {len(names)} cells here: {', '.join(names)}."
            self.reject(line, cells, [Fault("", "wrong_number_of_cells", sentence)])
            return
        faults = self._wrong_block(code)
        moment = moment_of(cells[0])
        if not faults and moment is None:
            sentence = f"“{cells[0][:40]}” is no moment with its offset from UTC."
            faults = [Fault("Horodate", "invalid", sentence)]
        number = None if faults or not cells[place].strip() else self.scaled[cells[place]]
        if type(number) is Refused:
            faults = [one._replace(column="Valeur") for one in number]
        if faults or moment is None:
            self.reject(line, cells, faults)
        elif self._is_index:
            self._gather_index(line, cells, moment, number)
        elif number is not None and (meter := self._alike(line, cells, code)):
            if (step := self._block.get("pas_en_minutes", "")).isdigit():
                meter.seconds = int(step) * 60
            meter.add([moment], [number], [0])

    def _gather_index(self, line: int, cells: list[str], moment: int, number: int | None) -> None:
        code = self._block["identifiant_prm"]
        source, day = self.source(code), self.clock.day_of(moment)
        kind = self._names.index("type_de_releve") if "type_de_releve" in self._names else 0
        if kind and plain_name(cells[kind]) != DAILY:
            self._broken[source].add(day)
        elif number is not None and self.clock.start_of(day) != moment:
            sentence = "An index is read at midnight in Paris."
            self.reject(line, cells, [Fault("Horodate", "invalid", sentence)])
        elif number is not None and (meter := self._alike(line, cells, code)):
            meter.seconds = DAY
            self._indexes[source].append(Index(day, number, line, cells))

    def _alike(self, line: int, cells: list[str], code: str) -> Meter | None:
        """The meter of a reading, which is refused where earlier ones are of another kind."""
        meter = self.meter(code, line)
        indexes = self.source(code) in self._indexes
        if (meter.size == self.size_of(code) and indexes == self._is_index) or not (
            meter.stamps or indexes
        ):
            return meter
        sentence = "Other readings of this PRM in the file have another unit or length."
        self.reject(line, cells, [Fault("Identifiant PRM", "mixed_intervals", sentence)])
        return None

    @property
    def _is_index(self) -> bool:
        return "eas_t" in self._names

    def _wrong_block(self, code: str) -> list[Fault]:
        """What in the lines above the readings is not consumption of active energy."""
        said = self._block
        unit = fold(said.get("unite", ""))
        use = plain_name(said.get("grandeur_metier", "consommation"))
        kind = plain_name(said.get("grandeur_physique", "energie active"))
        known, units = (
            (self.energies, "Wh and kWh") if self._is_index else (self.powers, "W and kW")
        )
        if not code:
            return [Fault("Identifiant PRM", "required", "No PRM stands above these readings.")]
        if unit not in known:
            return [Fault("Unite", "invalid", f"The unit is “{unit}”; {units} are read.")]
        if not use.startswith("cons"):
            return [Fault("Grandeur metier", "invalid", f"This is “{use}”, not consumption.")]
        if "reactive" in kind or not ("active" in kind or kind == "ea"):
            return [Fault("Grandeur physique", "invalid", f"This is “{kind}”, not active energy.")]
        return []

    def size_of(self, code: str) -> Fraction:
        sizes = self.energies if self._is_index else self.powers
        return super().size_of(code) * sizes[fold(self._block["unite"])]

    def settle(self) -> None:
        """Adds what was used on each day; what several days used together is divided among them."""
        for source, indexes in self._indexes.items():
            indexes.sort()
            for before, after in pairwise(indexes):
                days = range(before.day, after.day)
                used = after.number - before.number
                if self._broken[source] & {*days}:
                    continue
                if used < 0 or (used and not days):
                    sentence = (
                        f"The index was {before.number / 10**6:g} before, on line {before.line}."
                    )
                    fault = Fault("EAS T", "contradictory_numbers", sentence)
                    self.reject(after.line, after.cells, [fault])
                elif days:
                    parts = [used // len(days)] * len(days)
                    parts[-1] += used - sum(parts)
                    stamps = [(day - EPOCH) * DAY for day in days]
                    self.meters[source].add(stamps, parts, [int(len(days) > 1)] * len(days))
        self.meters = {source: meter for source, meter in self.meters.items() if meter.stamps}
        super().settle()

    def months_of(self, source: Source, meter: Meter) -> list[Month]:
        if source in self._indexes:
            self.clock = Clock("UTC")  # each day counts alike, however many hours it has
            readings = by_wall_clock(meter, self.clock, usual=DAY, ends=False)
            return months(readings, DAY, meter.size, self.clock)
        self.clock = Clock(self.zone)
        length = meter.length(self.usual)
        readings = by_moment(meter, usual=self.usual, ends=True)
        return months(readings, length, meter.size * Fraction(length, HOUR), self.clock)


def moment_of(text: str) -> int | None:
    """The second since 1970 of an ISO time with its offset, or nothing."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        return None
    return int(moment.timestamp()) if moment.tzinfo else None
