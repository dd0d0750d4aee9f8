"""Bills whose file names a meter beside the building: which facility it is, and which bill.

A meter that is not one of the facility's stays in the bill's external_id alone, which is made of
it, of the period and of the facility, so that the same file again changes nothing.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

from emissions.importing.consumption import ConsumptionImporter
from emissions.importing.metered.names import Named, StoredNames, names_of
from emissions.importing.sites import Site, without_spaces
from emissions.models.factor import DEFAULT_ACTIVITY
from organizations.importing.cells import ABSENT, Fault, Refused
from organizations.importing.importer import Batch, Row
from organizations.importing.layouts.layout import Layout, fold
from organizations.importing.tables.marks import unmarked
from organizations.importing.tables.shapes import (
    YEAR,
    bare_months,
    month_of,
    months,
    year_column,
)

NO_BILL = {"required", "no_value"}
"""Codes of a cell that is empty, or has a word for nothing."""

NOT_THERE = {"", "not available"}
"""What Portfolio Manager writes where there is no day."""


class MeteredImporter(ConsumptionImporter):
    """The base: a row names its facility, or else its meter does."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._known_as = StoredNames(self.organization_id)
        for name in ("facility_id", "meter"):
            self._readers.pop(name, None)

    def _places_by(self, layout: Layout) -> dict[str, int]:
        found = layout.positions(self.table.columns)
        others = {name: found[name] for name in ("meter", "delivery_date") if name in found}
        columns = {ours: theirs for ours, theirs in layout.columns.items() if ours not in others}
        optional = {ours: theirs for ours, theirs in layout.optional.items() if ours not in others}
        return super()._places_by(replace(layout, columns=columns, optional=optional)) | others

    def scan(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        """Notes which facilities and meters are named."""
        for cells in rows:
            self.sites.texts[self.text(cells, "facility_id")] = None
            self.sites.texts[self.text(cells, "meter")] = None

    def text(self, cells: list[str], name: str) -> str:
        """What a row has in one of our columns, or the constant of it."""
        if name in self.places:
            return unmarked(cells[self.places[name]]).strip()
        return self.constants.get(name, "")

    def prepare(self) -> None:
        super().prepare()
        for lines, rows in self.table.batches():
            bills = [
                row
                for line, cells in zip(lines, rows, strict=True)
                for row in self.bills_of(line, cells)[0]
            ]
            self._known_as.look_up(map(named, bills))
            for row in bills:
                name = self._known_as.of(row.values["external_id"])
                if not self._lines.line(name):
                    self._lines.add(name, row.line)
        self.begin()

    def begin(self) -> None:
        """Forgets what was counted on the way to the names of all bills."""

    def bills_of(self, line: int, cells: list[str]) -> tuple[list[Row], list[Fault]]:
        """The bills of a row of the file, and what is wrong with it. As external_id each has all
        names that it may have."""
        raise NotImplementedError

    def site_of(self, cells: list[str]) -> Any:
        """The facility of a row, or why it is none."""
        building, meter = self.text(cells, "facility_id"), self.text(cells, "meter")
        site = self.sites[building]
        if isinstance(site, Refused) and meter and not isinstance(self.sites[meter], Refused):
            return self.sites[meter]
        return site

    def values_of(self, cells: list[str]) -> tuple[dict[str, Any], list[Fault]]:
        """What a row says by our columns, and what is wrong with it."""
        values = {name: one[cells[self.places[name]]] for name, one in self._readers.items()}
        values |= {name: self.columns[name][text] for name, text in self.constants.items()}
        values["facility_id"] = site = self.site_of(cells)
        meter = without_spaces(self.text(cells, "meter"))
        if not isinstance(site, Refused) and meter in site.meter_list:
            values["meter"] = meter
        faults = [fault for one in values.values() if type(one) is Refused for fault in one]
        return {name: one for name, one in values.items() if one is not ABSENT}, faults

    def read(self, lines: Sequence[int], rows: list[list[str]]) -> Batch:
        bills: list[Row] = []
        for line, cells in zip(lines, rows, strict=True):
            if len(cells) != len(self.table.columns):
                self.reject(line, cells, [self.wrong_width(cells)])
                continue
            good, faults = self.bills_of(line, cells)
            for row in good:
                row.values["external_id"] = self._known_as.of(row.values["external_id"])
            faults += self._twice_named(line, good)
            bills += [] if faults else good
            if faults:
                self.reject(line, cells, faults)
        names = dict.fromkeys(name for row in bills for name in row.values)
        return Batch(
            [row.line for row in bills],
            [row.cells for row in bills],
            {name: [row.values.get(name, ABSENT) for row in bills] for name in names},
        )

    def names_of_bill(
        self, cells: list[str], site: Site, what: str, period: str
    ) -> tuple[str, ...]:
        """All names of a row's bill, by what is used and when."""
        code, building = self.text(cells, "meter"), self.text(cells, "facility_id")
        held = site.held(code)
        names = names_of(
            held or code or building, what, period, site, held=bool(held), own=not code
        )
        if held not in ("", code):  # what was stored when spaces counted
            names += (f"{code} {period}",)
        return names

    def _twice_named(self, line: int, bills: list[Row]) -> list[Fault]:
        """Whether an earlier line is of the same meter and period."""
        for row in bills:
            first = self._lines.line(row.values["external_id"])
            if first != line:
                sentence = f"Line {first} is of the same meter, activity and period."
                return [Fault("meter", "duplicate", sentence)]
        return []


class PortfolioManager(MeteredImporter):
    """A meter entry a line; a meter may have two deliveries on one day."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._entries: Counter[tuple[str, ...]] = Counter()

    def begin(self) -> None:
        self._entries.clear()

    def bills_of(self, line: int, cells: list[str]) -> tuple[list[Row], list[Fault]]:
        if len(cells) != len(self.table.columns):
            return [], []
        values, faults = self.values_of(self._with_days(cells))
        faults += [] if faults else self.put_unit(values)
        if faults:
            return [], faults
        period = f"{values['start_date']} {values['end_date']}"
        site = values["facility_id"]
        what = "" if self.text(cells, "meter") else values["activity"]
        names = self.names_of_bill(cells, site, what, period)
        self._entries[names] += 1
        if self._entries[names] > 1:
            names = self.names_of_bill(cells, site, what, f"{period} {self._entries[names]}")
        return [Row(line, cells, {**values, "external_id": names})], []

    def _with_days(self, cells: list[str]) -> list[str]:
        """The cells of a row, where a delivery's day stands for the first and the last one."""
        places = [self.places[name] for name in ("start_date", "end_date") if name in self.places]
        day = cells[self.places["delivery_date"]] if "delivery_date" in self.places else ""
        if not day or any(fold(unmarked(cells[place])) not in NOT_THERE for place in places):
            return cells
        return [day if place in places else cell for place, cell in enumerate(cells)]


class Months(MeteredImporter):
    """A building or meter a line, with a column for each month; an empty month is no bill."""

    def __init__(self, *args: Any) -> None:
        self._months: dict[int, tuple[date, date]] = {}
        self._bare: dict[int, int] = {}
        """The same of months whose year stands in a column."""
        self._year: int | None = None
        super().__init__(*args)
        self._months = months(self.table.columns)
        if not self._months:
            self._bare, self._year = (
                bare_months(self.table.columns),
                year_column(self.table.columns),
            )

    def _places_by(self, layout: Layout) -> dict[str, int]:
        for name in ("quantity", "start_date", "end_date"):
            self.constants.setdefault(name, "")
        places = super()._places_by(layout)
        for name in ("quantity", "start_date", "end_date"):
            del self.constants[name]
        return places

    def places_of(self, name: str) -> Iterable[int]:
        return (self._months or self._bare) if name == "quantity" else super().places_of(name)

    def survey(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        super().survey(lines, rows)
        for line, cells in zip(lines, rows, strict=True):
            if len(cells) == len(self.table.columns):
                texts = [cells[place] for place in (self._months or self._bare)]
                self.columns["quantity"].note([line] * len(texts), texts)

    def bills_of(self, line: int, cells: list[str]) -> tuple[list[Row], list[Fault]]:
        if len(cells) != len(self.table.columns):
            return [], []
        values, faults = self.values_of(cells)
        if faults:
            return [], faults
        bills = []
        usual = DEFAULT_ACTIVITY.get(values["category"], values["category"])
        what = values.get("activity") or usual
        try:
            of_row = self._months_of(cells)
        except ValueError as error:
            return [], [Fault(self.table.columns[self._year or 0], "invalid", str(error))]
        for place, (first, last) in of_row.items():
            quantity = self.columns["quantity"][cells[place]]
            if isinstance(quantity, Refused):
                if quantity[0].code not in NO_BILL:
                    column = self.table.columns[place]
                    faults += [one._replace(column=column) for one in quantity]
                continue
            bill = {**values, "quantity": quantity, "start_date": first, "end_date": last}
            if found := self.put_unit(bill):
                faults += [one._replace(column=self.table.columns[place]) for one in found]
                continue
            site = values["facility_id"]
            bill["external_id"] = self.names_of_bill(cells, site, what, f"{first:%Y-%m}")
            bills.append(Row(line, cells, bill))
        return bills, faults

    def _months_of(self, cells: list[str]) -> dict[int, tuple[date, date]]:
        """The months of a row. Raises ValueError where its year is none."""
        if self._year is None:
            return self._months
        text = unmarked(cells[self._year]).strip()
        if not YEAR.fullmatch(text):
            raise ValueError(f"“{text[:20]}” is no year of four digits.")
        return {place: month_of(int(text), month) for place, month in self._bare.items()}


def named(row: Row) -> Named:
    """A bill and what its names are to be looked up by."""
    values = row.values
    names, site = values["external_id"], values["facility_id"]
    return Named(names, site.id, values["category"], values.get("activity", ""))
