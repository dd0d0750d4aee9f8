"""Consumption from a file: validated, computed, stored with its lines and its facilities' totals.

The ledger's one formula computes the lines of new bills, and COPY writes them; changed bills go the
way of any changed bill (`emissions.ledger.recalculation`).
"""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from uuid_utils import uuid7

from emissions.calculation.formula import Calculator
from emissions.calculation.selection import Factor
from emissions.importing.periods import Bill as Period
from emissions.importing.periods import Days, EarlierBills
from emissions.importing.recognition import (
    COLUMNS,
    Recognised,
    Taken,
    natural_key,
    recognise,
)
from emissions.importing.sites import SiteColumn, chunks
from emissions.importing.validation import OVERLAP, RowValidation
from emissions.ledger.bills import FACTOR_COLUMNS, Bill, Figures, Kilograms, compute
from emissions.ledger.plan import LINE_COLUMNS
from emissions.ledger.recalculation import lock_facilities, recalculate, write_totals
from emissions.ledger.running import RunningTotals
from emissions.ledger.subtotals import Changes, parts
from emissions.ledger.subtotals import write as write_subtotals
from emissions.models import CalculationStatus, Consumption, Emission, EmissionFactor
from emissions.serializers import ConsumptionSerializer
from facilities.models import Facility
from organizations.database import bulk
from organizations.history import recorded
from organizations.importing.cells import ABSENT, Column, Fault, Refused, WithUnit, model_faults
from organizations.importing.first_lines import FirstLines
from organizations.importing.importer import Batch, Importer, Insertions, Row
from organizations.importing.proof import NumberProof
from organizations.importing.tables.marks import unmarked
from organizations.tenancy import pass_gate

WRITTEN = (
    "id",
    "organization_id",
    *COLUMNS,
    *Consumption.COMPUTED,
    "created_at",
    "updated_at",
)
NO_FIGURES = Figures(None, None, None, CalculationStatus.NOT_CALCULATED, "")
NOTHING = Kilograms()
DUPLICATE = "duplicate"

MOST_SUBTOTALS = 20_000
"""So many keys of subtotals are held in memory before they are written."""


UNTOLD = ""
"""In place of a unit: the quantity's own cell may have it."""


class UnitColumn(Column):
    """A column of units, whose cell may be empty where units stand with the numbers."""

    def __init__(self, name: str, field: Any, quantity: Column) -> None:
        super().__init__(name, field)
        self._quantity = quantity

    def _empty(self) -> Any:
        with_numbers = isinstance(self._quantity.proof, NumberProof) and self._quantity.proof.units
        return UNTOLD if with_numbers else super()._empty()


class ConsumptionImporter(Importer):
    """A row is a bill, a reading or a refill."""

    kind = "consumption"
    serializer = ConsumptionSerializer
    required = ("facility_id", "category", "quantity", "unit", "start_date", "end_date")
    aliases = {"facility": "facility_id"}

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        assert self.organization
        self.organization_id = self.organization.pk
        self._lines = FirstLines()
        self._twice: dict[int, int] = {}
        self._taken: Taken = {}
        self._days = Days()
        self._earlier = EarlierBills(self.organization_id, self._lines, self._days)
        self._validation = RowValidation(self.organization_id)
        self._calculator = Calculator()
        self._learnt: set[tuple[str, str, str]] = set()
        """Categories, activities and countries whose factors the calculator has."""
        self._totals = RunningTotals()
        self._moves: dict[str, Kilograms] = {}
        """What new bills add to their facilities and is not written yet."""
        self._subtotals = Changes()
        """The same of the ledger's subtotals."""
        self._written = 0

    def make_columns(self) -> dict[str, Column]:
        columns = super().make_columns()
        self.sites = SiteColumn("facility_id", columns["facility_id"].field)
        columns["quantity"].unit_in_cell = True
        return {
            **columns,
            "facility_id": self.sites,
            "unit": UnitColumn("unit", columns["unit"].field, columns["quantity"]),
        }

    def scan(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        """Notes which facilities and days are named, and external_ids that come twice."""
        places = self.places
        facilities = {self.constants.get("facility_id", "")}
        if "facility_id" in places:
            facilities = {cells[places["facility_id"]] for cells in rows}
        self.sites.texts.update((unmarked(text).strip(), None) for text in facilities)
        for name in ("start_date", "end_date"):
            text = self.constants.get(name)
            self._days.add([text] if text else (cells[places[name]] for cells in rows))
        if "external_id" not in places:
            return
        place = places["external_id"]
        named_lines = [
            (text, line)
            for line, cells in zip(lines, rows, strict=True)
            if (text := unmarked(cells[place]).strip())
        ]
        earlier = self._lines.add_all(
            [text for text, _ in named_lines], [line for _, line in named_lines]
        )
        for (_, line), before in zip(named_lines, earlier, strict=True):
            if before:
                self._twice[line] = before

    def read(self, lines: Sequence[int], rows: list[list[str]]) -> Batch:
        """With units that stand beside the numbers where they belong."""
        batch = super().read(lines, rows)
        quantities = batch.columns.get("quantity", [])
        if not (UNTOLD in batch.columns.get("unit", []) or WithUnit in set(map(type, quantities))):
            return batch
        good = [self._has_unit(row) for row in batch.rows()]
        kept = [row for row in good if row]
        columns = {name: [row.values.get(name, ABSENT) for row in kept] for name in batch.columns}
        return Batch([row.line for row in kept], [row.cells for row in kept], columns)

    def _has_unit(self, row: Row) -> Row | None:
        """A row whose quantity is a plain number in its unit; one that has none is refused."""
        if found := self.put_unit(row.values):
            self.refuse(row, found)
            return None
        return row

    def put_unit(self, values: dict[str, Any]) -> list[Fault]:
        """Puts the unit that stands in the quantity's cell where it belongs; what is wrong."""
        quantity, unit = values["quantity"], values["unit"]
        if isinstance(quantity, WithUnit):
            said = self.columns["unit"][quantity.unit]
            if isinstance(said, Refused):
                return [fault._replace(column="quantity") for fault in said]
            if unit not in (UNTOLD, said):
                sentence = f"The cell is in {said} and its row in {unit}."
                return [Fault("quantity", "contradictory_units", sentence)]
            values.update(quantity=quantity.value, unit=said)
        elif unit == UNTOLD:
            return [Fault("unit", "required", "This cell is needed and empty.")]
        return []

    def prepare(self) -> None:
        assert self.organization
        pass_gate(self.organization_id)
        self.sites.resolve(self.organization_id)
        self.organization.refresh_from_db()
        self._validation.learn()

    def _learn(self, rows: Iterable[Recognised]) -> None:
        """Reads the factors of activities and countries that come for the first time: a file has
        few of many."""
        needed = {
            (one.after["category"], one.after["activity"], country)
            for one in rows
            for country in (one.site.country, "")  # which is all countries
        }
        if new := needed - self._learnt:
            self._learnt |= new
            _, activities, countries = (set(one) for one in zip(*new, strict=True))
            usable = EmissionFactor.objects.usable_by(self.organization_id)
            found = usable.filter(activity__in=activities, country__in=countries)
            factors = (Factor(*row) for row in found.values_list(*FACTOR_COLUMNS))
            self._calculator.learn(
                one for one in factors if (one.category, one.activity, one.country) in new
            )

    def store(self, rows: list[Row]) -> None:
        self.writer.wait()
        for row in rows:
            self._validation.normalise(row.values)
        checked = recognise(rows, self.organization_id, self._taken)
        self._learn(checked)
        fresh = [one for one in checked if one.after != one.before or self.differs(one)]
        self._earlier.load([one.site for one in fresh], before_line=rows[0].line if rows else 0)
        replaced = [one.stored[0][0] for one in fresh if one.stored]
        self._totals.load({one.site.key: one.site.id for one in fresh}, replaced)
        self.write_before()
        created: list[tuple] = []
        lines: list[tuple] = []
        changed: list[Recognised] = []
        accepted: list[tuple[Any, Recognised]] = []
        now = self.now
        for one in checked:
            if one.after == one.before and not self.differs(one):
                self._keep(one)
                continue
            period = one.period
            faults = self._duplicate(one) or self._validation.faults(
                one.after, one.before, one.site
            )
            suspicious = [] if faults else self._suspicious(one, period)
            faults += [fault for fault in suspicious if fault.code not in self.allowed]
            if faults:
                self.refuse(one.row, faults)
                continue
            try:
                pk: Any = one.stored[0][0] if one.stored else uuid7().hex
                kept = self._totals.lines_of(pk) if one.stored else ()
                its_lines, figures = compute(self._bill(pk, one), self._calculator, kept)
                if one.stored:
                    self._totals.replace(pk, its_lines)
                else:
                    self._totals.add(one.site.key, figures)
            except ValidationError as error:
                self.refuse(one.row, model_faults(error, {}))
                continue
            for fault in suspicious:
                self.warn(one.row, fault)
            overlaps = any(fault.code == OVERLAP for fault in suspicious)
            self._earlier.claim(period, one.row.line, overlaps=overlaps)
            if sentence := self._earlier.weigh(period, one.replaced):
                self.warn(one.row, Fault("quantity", "jump", sentence))
            elif sentence := self._earlier.large(period):
                self.warn(one.row, Fault("quantity", "large", sentence))
            accepted.append((pk, one))
            if one.stored:
                self.report.changed += 1
                changed.append(one)
            else:
                self.report.created += 1
                created.append((pk, self.organization_id, *one.after.values(), *figures, now, now))
                lines += [(uuid7().hex, *line, now) for line in its_lines]
                self._subtotals.replace((), parts(its_lines))
                self._move(one.site.key, figures)
        if self.writing:
            self._written += len(created) + len(changed)
            insertions: Insertions = [
                (Consumption, bulk.insertion(Consumption, columns_of(WRITTEN, created))),
                (Emission, bulk.insertion(Emission, columns_of(LINE_COLUMNS, lines))),
                *self.beside(accepted),
            ]
            moves, subtotals = self._moves_of(changed), Changes()
            if len(self._subtotals) > MOST_SUBTOTALS:
                subtotals, self._subtotals = self._subtotals, subtotals
            self.due(partial(self._write, insertions, changed, moves, subtotals, now))

    def differs(self, one: Recognised) -> bool:
        """Whether a row is another one than what is stored, though its columns are the same."""
        return False

    def beside(self, accepted: Sequence[tuple[Any, Recognised]]) -> Insertions:
        """What is stored beside new and changed bills, given by their ids."""
        return []

    def finish(self) -> None:
        write_subtotals(self._subtotals)
        bulk.analyze(self._written, Consumption, Emission, Facility)
        for ids in chunks(sorted(map(UUID, self._moves))):
            totals = lock_facilities(ids)
            write_totals(totals, {pk: totals[pk].kilograms.plus(self._moves[pk.hex]) for pk in ids})

    def _duplicate(self, one: Recognised) -> list[Fault]:
        """Whether another line, or more than one stored consumption, is the same as this row."""
        external_id = one.after["external_id"]
        if external_id:
            earlier, column = self._twice.get(one.row.line, 0), "external_id"
        else:
            key, column = natural_key(one.after), "start_date"
            earlier = self._lines.add(key, one.row.line)
            if key in self._taken and len(one.stored) == 1:
                return []
        if earlier:
            what = "external_id" if external_id else "facility, activity, meter and period"
            sentence = f"Line {earlier} has the same {what}; give each row an external_id."
            if external_id:
                sentence = f"Line {earlier} has the same external_id; keep one of the two."
            return [Fault(column, DUPLICATE, sentence)]
        if len(one.stored) > 1:
            return [
                Fault(
                    column,
                    "ambiguous",
                    f"{len(one.stored)} stored consumptions have this facility, activity, meter "
                    "and period and no external_id; change them through the API.",
                )
            ]
        return []

    def _keep(self, one: Recognised) -> None:
        """A row that is stored as it is; its days count where other rows of its facility do not."""
        faults = self._duplicate(one)
        if not faults and self._earlier.knows(one.site):
            period = one.period
            sentence = self._earlier.overlap(period, fresh=False)
            if sentence and OVERLAP not in self.allowed:
                faults = [Fault("start_date", OVERLAP, sentence)]
            self._earlier.claim(period, one.row.line, fresh=False, overlaps=bool(sentence))
        if faults:
            self.refuse(one.row, faults)
        else:
            self.report.unchanged += 1

    def _suspicious(self, one: Recognised, period: Period) -> list[Fault]:
        """What only a file is held to, and `--allow` lets pass."""
        found = self._validation.suspicious(period)
        if sentence := self._earlier.overlap(period):
            found = [*found, Fault("start_date", OVERLAP, sentence)]
        return found

    def _bill(self, pk: UUID, one: Recognised) -> Bill:
        assert self.organization
        after, site = one.after, one.site
        return Bill(
            pk,
            self.organization_id,
            site.id,
            after["external_id"],
            after["category"],
            after["activity"],
            after["quantity"],
            after["unit"],
            after["start_date"],
            after["end_date"],
            after["supplier"],
            after["data_quality"],
            after["status"],
            None,
            site.type,
            site.country,
            site.region,
            site.categories,
            None,
            self.organization.gwp_set,
            self.organization.closed_years,
            NO_FIGURES,
        )

    def _move(self, facility: str, figures: Figures) -> None:
        """Adds a new bill to its facility, whose status may change even if it adds nothing."""
        total = self._moves.get(facility, NOTHING)
        if figures.co2e is not None:
            total = total.plus(figures[:3])  # type: ignore[arg-type]
        self._moves[facility] = total

    def _moves_of(self, changed: list[Recognised]) -> dict[UUID, Kilograms]:
        """What new bills add to the facilities of changed ones, to be written with those: no total
        is too large on the way that is not in the end."""
        ids = {pk for one in changed for pk in (one.site.id, one.stored[0][1]["facility_id"])}
        return {pk: self._moves.pop(pk.hex) for pk in ids if pk.hex in self._moves}

    def _write(
        self,
        insertions: Insertions,
        changed: list[Recognised],
        moves: dict[UUID, Kilograms],
        subtotals: Changes,
        now: Any,
    ) -> None:
        self.insert(insertions)
        write_subtotals(subtotals)
        self._change(changed, moves, now)

    def _change(self, changed: list[Recognised], moves: dict[UUID, Kilograms], now: Any) -> None:
        """Writes what differs and recomputes by the path of any changed consumption."""
        if not changed:
            return
        rows = [(one.stored[0][0], *one.after.values(), now) for one in changed]
        with recorded(Consumption, [pk for pk, *_ in rows], self.reason):
            bulk.update(Consumption, [*COLUMNS, "updated_at"], rows)
        targets = sorted((one.site.id, one.stored[0][0]) for one in changed)
        also = {one.stored[0][1]["facility_id"] for one in changed}
        recalculate(targets, also, moves)


def columns_of(names: Sequence[str], rows: list[tuple]) -> dict[str, Sequence[Any]]:
    """Rows of the values of some columns, column by column."""
    return dict(zip(names, zip(*rows, strict=True), strict=True)) if rows else {}
