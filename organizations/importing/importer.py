"""The base of every import: reads the rows of a file, checks them and writes the good ones."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import compress
from typing import Any, ClassVar, NamedTuple, Self

from django.db import models

from organizations.database import bulk
from organizations.importing.background_writer import BackgroundWriter
from organizations.importing.cells import ABSENT, Absent, Column, Fault, Refused
from organizations.importing.layouts.choice import find_sheet
from organizations.importing.layouts.known import layouts_of
from organizations.importing.layouts.layout import (
    OURS,
    Layout,
    nearest_layout,
)
from organizations.importing.layouts.words import Translated
from organizations.importing.options import Options
from organizations.importing.proof import NumberProof
from organizations.importing.rejects import REASONS, Report
from organizations.importing.tables.header import find_header, plain_name, shown_columns, widest
from organizations.importing.tables.table import Table
from organizations.importing.tables.totals import is_total
from organizations.importing.tables.unreadable import Unreadable
from organizations.models import Organization


class Row(NamedTuple):
    """A row that can be read: its line, its cells and their values by the API's field names."""

    line: int
    cells: list[str]
    values: dict[str, Any]


@dataclass
class Batch:
    """Rows that can be read, as columns: many cells are read, compared and written at once."""

    lines: Sequence[int]
    cells: list[list[str]]
    columns: dict[str, list[Any]]
    """Values by the API's field names, ABSENT where a cell says nothing; a column that says nothing
    in any row is left out."""

    def __len__(self) -> int:
        return len(self.cells)

    def only(self, which: list[bool]) -> "Batch":
        """Those rows of which it is true."""
        columns = {name: list(compress(one, which)) for name, one in self.columns.items()}
        return Batch(list(compress(self.lines, which)), list(compress(self.cells, which)), columns)

    def rows(self) -> list[Row]:
        """The same row by row, without what is ABSENT."""
        names = list(self.columns)
        values = [
            dict(zip(names, one, strict=True)) for one in zip(*self.columns.values(), strict=True)
        ]
        if any(Absent in set(map(type, one)) for one in self.columns.values()):
            values = [
                {name: one for name, one in row.items() if one is not ABSENT} for row in values
            ]
        return list(map(Row, self.lines, self.cells, values))


Insertions = list[tuple[type[models.Model], Callable[[], None]]]
"""What stores new rows, by table."""


class Importer:
    """Brings rows of one kind into the database. Subclasses say what a row is."""

    kind: ClassVar[str]
    serializer: ClassVar[Callable[[], Any]]
    """The API's."""
    required: ClassVar[tuple[str, ...]]
    now: datetime
    """The moment that its rows are stamped with, once the transaction has begun."""

    reason = ""
    """How the history of the rows that it changes names this import."""

    aliases: ClassVar[dict[str, str]] = {}
    """Other name of a column → the API's field."""

    readers: ClassVar[dict[str, type[Any]]] = {}
    """Name of the reader of a layout → the importer that is it."""

    def __init__(
        self,
        organization: Organization | None,
        table: Table,
        options: Options,
        layout: Layout = OURS,
    ) -> None:
        self.organization, self.table = organization, table
        self.options, self.layout = options, layout
        self.allowed = options.allow
        self.columns = self.make_columns()
        self.constants = self._constants()
        self.places = self._places()
        """Our columns that the file has → where they stand in it."""
        for column in self.columns.values():
            if column.proof:
                numbers = isinstance(column.proof, NumberProof)
                said = options.decimal if numbers else options.dates
                column.decide(said or (layout.decimal if numbers else layout.dates))
                if not said:
                    option = "--decimal" if numbers else "--dates"
                    column.proof.decided_by = f"that of the layout unless {option} says another"
        self._readers = {name: self._reader(name) for name in self.places if name in self.columns}
        self.writing = True
        self.writer = BackgroundWriter()
        self._due: Callable[[], None] | None = None
        self._known: set[type[models.Model]] = set()
        self.report: Report

    def _constants(self) -> dict[str, str]:
        constants = {**self.layout.constants, **self.options.constants}
        if self.options.facility:
            if "facility_id" not in self.columns:
                raise Unreadable("A facility is an option for files of consumption alone.")
            constants["facility_id"] = self.options.facility
        unknown = sorted(set(constants) - set(self.columns))
        if unknown:
            raise Unreadable(f"A constant is said for “{unknown[0]}”, which is no column of ours.")
        return constants

    def _places(self) -> dict[str, int]:
        """Raises Unreadable where the header is not one that this importer or its layout knows."""
        table = self.table
        if self.layout.is_theirs:
            return self._places_by(self.layout)
        aliases = self.aliases
        known = [*self.columns, *aliases]
        header = set(map(plain_name, table.columns))
        named = {aliases.get(name, name) for name in header} | set(self.constants)
        needed = [one for one in self.required if one not in named]
        ignored = [*REASONS, *(self.read_only() if table.of_our_api else ())]
        hint = self._nearest_layout() if needed else ""
        taken = table.require(known, needed, ignored, hint=hint)
        for other, name in aliases.items():
            if other in header and name in header:
                raise Unreadable(f"The columns “{other}” and “{name}” say the same; keep one.")
        places = {aliases.get(name, name): place for name, place in taken.items()}
        return {
            name: place
            for name, place in places.items()
            if name in self.columns and name not in self.constants
        }

    def _nearest_layout(self) -> str:
        """What to do about a header that nobody knows."""
        near = nearest_layout(layouts_of(self.organization, self.kind), self.table.columns)
        if near:
            return f" The nearest layout is {near}."
        return " Save a layout that says which of its columns is which of ours."

    def _positions(self, layout: Layout) -> dict[str, int]:
        """Where the columns of a layout stand. Raises Unreadable where one of them is missing."""
        if missing := layout.missing(self.table.columns):
            raise Unreadable(
                f"The file is not in the layout {layout.name}: it has no column "
                f"{shown_columns(missing)}. Found: {shown_columns(self.table.columns)}.",
                code="unknown_header",
            )
        places = layout.positions(self.table.columns)
        for name, other in (("category", "activity"), ("activity", "category")):
            # one word of theirs may say both
            said = name in places or name in self.constants
            if other in places and not said and layout.words(name):
                places[name] = places[other]
        return places

    def _places_by(self, layout: Layout) -> dict[str, int]:
        places = self._positions(layout)
        for name in ("cups", "meter"):  # its facility has it
            if name in places and "facility_id" in self.required:
                places.setdefault("facility_id", places[name])
        places = {name: place for name, place in places.items() if name not in self.constants}
        unknown = sorted(set(places) - set(self.columns))
        if unknown:
            raise Unreadable(f"The layout has columns that are none of ours: {unknown[0]}.")
        named = {*places, *self.constants}
        if lacking := [one for one in self.required if one not in named]:
            raise Unreadable(
                f"The layout {layout.name} does not say where {lacking[0]} comes from; give it a "
                "column or a constant.",
                code="unknown_header",
            )
        return places

    def _reader(self, name: str) -> Column:
        words = self.layout.words(name)
        if not words:
            return self.columns[name]
        only = name in ("category", "data_quality")
        if name == "activity" and self.places.get("category") == self.places[name]:
            return Translated(self.columns[name], words, otherwise=ABSENT)
        return Translated(self.columns[name], words, known_only=only)

    @classmethod
    def of(cls, organization: Organization | None, table: Table, options: Options) -> Self:
        """The importer of a table, after its header has been found, under titles if need be.

        Raises Unreadable where no line of the file can be the header.
        """
        layout = find_sheet(cls, organization, table, options)
        rows = table.head()
        position = (
            layout.row_of(rows) if layout.is_theirs else find_header(rows, cls.column_names())
        )
        if position is None:
            position = widest(rows)
        table.begin_at(position, rows[position])
        return cls.readers.get(layout.reader, cls)(organization, table, options, layout)

    @classmethod
    def column_names(cls) -> list[str]:
        """The names that a column may have."""
        return [*cls.aliases, *cls.fields()]

    @classmethod
    def fields(cls) -> dict[str, Any]:
        """The API's fields that a row may give."""
        return {name: one for name, one in cls.serializer().fields.items() if not one.read_only}

    @classmethod
    def read_only(cls) -> list[str]:
        """The API's fields that a row of JSON may have as well, and that say nothing."""
        return [name for name, one in cls.serializer().fields.items() if one.read_only]

    def make_columns(self) -> dict[str, Column]:
        """The readers of the columns that a file may have."""
        return {name: Column(name, field) for name, field in self.fields().items()}

    def survey(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        """Looks at every row once before the transaction begins: what do its cells prove?"""
        width = len(self.table.columns)
        if set(map(len, rows)) != {width}:
            whole = [len(cells) == width for cells in rows]
            lines, rows = list(compress(lines, whole)), list(compress(rows, whole))
        for name in self._readers:
            if self.columns[name].proof:
                place = self.places[name]
                self.columns[name].note(lines, [cells[place] for cells in rows])
        self.scan(lines, rows)

    def scan(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        """The same, for what else an importer needs to know; rows of another width are left out."""

    def prepare(self) -> None:
        """Takes the locks of the transaction and reads what all rows need."""
        raise NotImplementedError

    def store_batch(self, batch: Batch) -> None:
        """Judges the rows of a batch and, if `writing`, stores the good ones."""
        self.store(batch.rows())

    def store(self, rows: list[Row]) -> None:
        """The same for an importer that goes row by row."""
        raise NotImplementedError

    def write_before(self) -> None:
        """Starts writing the batch before, whose job is `due`, while this one is checked.

        What this batch has to read of the database has been read: from here on the connection is
        the writer's.
        """
        if self._due:
            job, self._due = self._due, None
            self.writer.start(job)

    def due(self, job: Callable[[], None]) -> None:
        """Hands in what writes this batch."""
        self._due = job

    def insert(self, written: Insertions) -> None:
        """Writes the new rows of a batch, table by table, each before those that refer to it."""
        for model, insert in written:
            insert()
            if model not in self._known:
                self._known.add(model)
                bulk.analyze_new(model)

    def flush(self) -> None:
        """Until everything that is due is written."""
        self.write_before()
        self.writer.wait()

    def settle(self) -> None:
        """Judges what only the whole file shows."""

    def finish(self) -> None:
        """Recomputes, once, what the rows have touched."""

    def name_of(self, field: str) -> str:
        """What the file calls a field."""
        return self.table.columns[self.places[field]] if field in self.places else field

    def read(self, lines: Sequence[int], rows: list[list[str]]) -> Batch:
        """The rows whose cells can all be read; the others are refused.

        Column by column; row by row only where one of them is to be refused.
        """
        if set(map(len, rows)) <= {len(self.table.columns)}:
            cells = list(zip(*rows, strict=True))
            columns = {
                name: one.read(cells[self.places[name]]) for name, one in self._readers.items()
            }
            for name, text in self.constants.items():
                columns[name] = [self.columns[name][text]] * len(rows)
            kinds = {name: set(map(type, values)) for name, values in columns.items()}
            if not any(Refused in found for found in kinds.values()):
                said = {name: columns[name] for name in columns if kinds[name] != {Absent}}
                return Batch(lines, rows, said)
        good = list(self._readable(lines, rows))
        names = dict.fromkeys(name for row in good for name in row.values)
        return Batch(
            [row.line for row in good],
            [row.cells for row in good],
            {name: [row.values.get(name, ABSENT) for row in good] for name in names},
        )

    def _readable(self, lines: Sequence[int], rows: list[list[str]]) -> Iterator[Row]:
        width = len(self.table.columns)
        constants = {name: self.columns[name][text] for name, text in self.constants.items()}
        for line, cells in zip(lines, rows, strict=True):
            if len(cells) != width:
                self.reject(line, cells, [self.wrong_width(cells)])
                continue
            values = {name: one[cells[self.places[name]]] for name, one in self._readers.items()}
            values |= constants
            refused = [one for one in values.values() if type(one) is Refused]
            if refused:
                self.reject(line, cells, [fault for one in refused for fault in one])
                continue
            yield Row(line, cells, {n: one for n, one in values.items() if one is not ABSENT})

    def wrong_width(self, cells: list[str]) -> Fault:
        """What is wrong with a row that has not as many cells as the header."""
        width = len(self.table.columns)
        sentence = f"This row has {len(cells)} cells and the header {width}."
        if len(cells) > width:
            sentence += f" A cell with “{self.table.delimiter}” in it is written in quotes."
        return Fault("", "wrong_number_of_cells", sentence)

    def reject(self, line: int, cells: list[str], faults: Iterable[Fault]) -> None:
        """Refuses a row, unless it is none: a total of the others, or the header once more."""
        if [plain_name(cell) for cell in cells] == list(map(plain_name, self.table.columns)):
            sentence = "The header stands here once more; it is passed over."
            self.report.warn(line, cells, Fault("", "repeated_header", sentence))
        elif is_total(cells, len(self.required)):
            sentence = "This row is a total of others; it is passed over."
            self.report.warn(line, cells, Fault("", "total_row", sentence))
        else:
            self.report.reject(line, cells, map(self._named, faults))

    def _named(self, fault: Fault) -> Fault:
        return fault._replace(column=self.name_of(fault.column))

    def alone(self, cells: Sequence[str]) -> list[str]:
        """The cells of a row as they can be read without the other rows, which prove how its
        numbers and days are written."""
        alone = list(cells)
        if len(alone) != len(self.table.columns):
            return alone
        for name in self.columns:
            for place in self.places_of(name):
                if not self._said_by_layout(name):
                    alone[place] = self.columns[name].alone(alone[place])
        return alone

    def places_of(self, name: str) -> Iterable[int]:
        """Where the cells of one of our columns stand."""
        return [self.places[name]] if name in self.places else []

    def _said_by_layout(self, name: str) -> bool:
        """Whether the layout says how a column is written, so that it does the next time too."""
        column, options = self.columns[name], self.options
        if isinstance(column.proof, NumberProof):
            return bool(self.layout.decimal) and not options.decimal
        return not column.proof or (bool(self.layout.dates) and not options.dates)

    def refuse(self, row: Row, faults: Iterable[Fault]) -> None:
        self.reject(row.line, row.cells, faults)

    def warn(self, row: Row, fault: Fault) -> None:
        self.report.warn(row.line, row.cells, self._named(fault))
