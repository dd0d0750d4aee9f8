"""The base of every import: reads the rows of a file, checks them and writes the good ones."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import getitem
from typing import Any, ClassVar, NamedTuple

from django.db import models

from organizations.database import bulk
from organizations.importing.background_writer import BackgroundWriter
from organizations.importing.cells import ABSENT, Absent, Column, Fault, Refused
from organizations.importing.rejects import REASONS, Report
from organizations.importing.spreadsheets import Table, Unreadable
from organizations.models import Organization


class Ignored(Column):
    """In place of the reader of a column that says nothing here."""

    def __init__(self) -> None:
        """It needs no field."""

    def read(self, cells: Sequence[str]) -> list[Any]:
        return [ABSENT] * len(cells)

    def __missing__(self, text: str) -> Absent:
        return ABSENT


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
    required: ClassVar[tuple[str, ...]]
    reason = ""
    """How the history of the rows that it changes names this import."""

    aliases: ClassVar[dict[str, str]] = {}
    """Other name of a column → the API's field."""

    def __init__(self, organization: Organization | None, table: Table, allowed: list[str]) -> None:
        self.organization, self.table, self.allowed = organization, table, allowed
        self.columns = self.make_columns()
        known = [*self.columns, *self.aliases]
        named = [self.aliases.get(name, name) for name in table.columns]
        table.require(known, [one for one in self.required if one not in named], REASONS)
        for other, name in self.aliases.items():
            if other in table.columns and name in table.columns:
                raise Unreadable(f"The columns “{other}” and “{name}” say the same; keep one.")
        self.named = named
        self._readers = [self.columns.get(name, Ignored()) for name in named]
        self.writing = True
        self.writer = BackgroundWriter()
        self._due: Callable[[], None] | None = None
        self._known: set[type[models.Model]] = set()
        self.report: Report

    def make_columns(self) -> dict[str, Column]:
        """The readers of the columns that a file may have."""
        raise NotImplementedError

    def scan(self, lines: Sequence[int], rows: list[list[str]]) -> None:
        """Looks at every row once before the transaction begins."""

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
        return self.table.columns[self.named.index(field)] if field in self.named else field

    def read(self, lines: Sequence[int], rows: list[list[str]]) -> Batch:
        """The rows whose cells can all be read; the others are refused.

        Column by column; row by row only where one of them is to be refused.
        """
        if set(map(len, rows)) <= {len(self.named)}:
            columns = {
                name: reader.read(cells)
                for name, reader, cells in zip(
                    self.named, self._readers, zip(*rows, strict=True), strict=True
                )
            }
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
        width, names = len(self.named), self.named
        for line, cells in zip(lines, rows, strict=True):
            if len(cells) != width:
                sentence = f"This row has {len(cells)} cells and the header {width}."
                if len(cells) > width:
                    sentence += f" A cell with “{self.table.delimiter}” in it is written in quotes."
                self.report.reject(line, cells, [Fault("", "wrong_number_of_cells", sentence)])
                continue
            values = dict(zip(names, map(getitem, self._readers, cells), strict=True))
            refused = [one for one in values.values() if type(one) is Refused]
            if refused:
                self.report.reject(line, cells, [self._named(f) for one in refused for f in one])
                continue
            yield Row(line, cells, {n: one for n, one in values.items() if one is not ABSENT})

    def _named(self, fault: Fault) -> Fault:
        return fault._replace(column=self.name_of(fault.column))

    def refuse(self, row: Row, faults: Iterable[Fault]) -> None:
        self.report.reject(row.line, row.cells, map(self._named, faults))

    def warn(self, row: Row, fault: Fault) -> None:
        self.report.warn(row.line, row.cells, self._named(fault))
