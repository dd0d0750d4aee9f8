"""What every import shares: the options, what becomes of bad rows, and the record of it.

A file is read twice: once to count its rows and to know all their keys, and once in batches, inside
the one transaction that stores it all or nothing.
"""

import csv
import gc
import getpass
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import zip_longest
from operator import getitem
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, TextIO

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from organizations.cells import ABSENT, Absent, Column, Fault, Refused
from organizations.management.commands.create_api_key import find_organization
from organizations.models import Import, ImportOutcome, Organization
from organizations.progress import Rows
from organizations.spreadsheets import STDIN, Table, Unreadable, open_table
from organizations.tenancy import in_the_way
from organizations.writer import Writer

BATCH = 2000
FIRST_FAULTS = 100
REASONS = ("line", "column", "code", "reason")
"""Columns that a file of refused rows has more; an import ignores them."""


class Ignored(dict[str, Absent]):
    """In place of the reader of a column that says nothing here."""

    def __missing__(self, text: str) -> Absent:
        return ABSENT


class Row(NamedTuple):
    """A row that can be read: its line, its cells and their values by the API's field names."""

    line: int
    cells: list[str]
    values: dict[str, Any]


class Discarded(Exception):
    """Ends the transaction of an import that is not to be stored."""


@dataclass
class Report:
    """The counts of an import; faults go to stderr and, with their rows, to the rejects file."""

    table: Table
    rows: Rows
    rejects: TextIO | None = None
    created: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0
    warnings: int = 0
    first: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        if self.rejects:
            self._writer = csv.writer(
                self.rejects, delimiter=self.table.delimiter, lineterminator="\n"
            )
            self._writer.writerow([*self._kept(self.table.columns), *REASONS])

    def reject(self, line: int, cells: list[str], faults: Iterable[Fault]) -> None:
        """Refuses a row for everything that is wrong with it."""
        self.rejected += 1
        faults = list(faults)
        for one in faults:
            value = self._cell(cells, one.column)
            self.rows.say(f"line {line}: {shown(one, value)}")
            if len(self.first) < FIRST_FAULTS:
                self.first.append(
                    {
                        "line": line,
                        "column": one.column,
                        "value": storable(value[:200]),
                        "code": one.code,
                        "reason": storable(one.detail),
                    }
                )
        if self.rejects:
            columns, codes = ("|".join(one[part] for one in faults) for part in (0, 1))
            reasons = " ".join(one.detail for one in faults)
            self._writer.writerow([*self._kept(cells), line, columns, codes, reasons])

    def warn(self, line: int, cells: list[str], fault: Fault) -> None:
        """Says what is strange about a row that is stored all the same."""
        self.warnings += 1
        self.rows.say(f"warning, line {line}: {shown(fault, self._cell(cells, fault.column))}")

    def _cell(self, cells: list[str], column: str) -> str:
        columns = self.table.columns
        position = columns.index(column) if column in columns else len(cells)
        return cells[position] if position < len(cells) else ""

    def _kept(self, cells: list[str]) -> list[str]:
        """The cells without those of `REASONS`."""
        columns = self.table.columns
        padding = [""] * (len(columns) - len(cells))
        pairs = zip_longest(columns, [*cells, *padding])
        return [cell for column, cell in pairs if column not in REASONS]

    def __str__(self) -> str:
        return (
            f"created {self.created}, changed {self.changed}, unchanged {self.unchanged}, "
            f"rejected {self.rejected}"
        )


def shown(fault: Fault, value: str) -> str:
    """A fault on one line of text that any terminal can show."""
    text = f"{fault.column} “{value[:60]}”: {fault.detail} [{fault.code}]"
    return " ".join(text.encode("utf-8", "backslashreplace").decode().split())


def storable(text: str) -> str:
    """What any database can keep as text: without NUL and lone surrogates."""
    return text.encode("utf-8", "replace").decode().replace("\0", "␀")


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
        table.require([*known, *REASONS], [one for one in self.required if one not in named])
        for other, name in self.aliases.items():
            if other in table.columns and name in table.columns:
                raise Unreadable(f"The columns “{other}” and “{name}” say the same; keep one.")
        self.named = named
        self.writing = True
        self.writer = Writer()
        self._due: Callable[[], None] | None = None
        self.report: Report

    def make_columns(self) -> dict[str, Column]:
        """The readers of the columns that a file may have."""
        raise NotImplementedError

    def scan(self, line: int, cells: list[str]) -> None:
        """Looks at every row once before the transaction begins."""

    def prepare(self) -> None:
        """Takes the locks of the transaction and reads what all rows need."""
        raise NotImplementedError

    def store(self, rows: list[Row]) -> None:
        """Judges the rows of a batch and, if `writing`, stores the good ones."""
        raise NotImplementedError

    def write_before(self) -> None:
        """Starts writing the batch before, whose job is `due`, while this one is judged.

        What this batch has to read of the database has been read: from here on the connection is
        the writer's.
        """
        if self._due:
            job, self._due = self._due, None
            self.writer.start(job)

    def due(self, job: Callable[[], None]) -> None:
        """Hands in what writes this batch."""
        self._due = job

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

    def read(self, lines: Iterable[tuple[int, list[str]]]) -> Iterator[Row]:
        """The rows whose cells can all be read; the others are refused."""
        width, names = len(self.table.columns), self.named
        columns = [self.columns.get(name, Ignored()) for name in names]
        for line, cells in lines:
            if len(cells) != width:
                sentence = f"This row has {len(cells)} cells and the header {width}."
                self.report.reject(line, cells, [Fault("", "wrong_number_of_cells", sentence)])
                continue
            values = dict(zip(names, map(getitem, columns, cells), strict=True))
            kinds = set(map(type, values.values()))
            if Refused in kinds:
                refused = [one for one in values.values() if type(one) is Refused]
                self.report.reject(line, cells, [self._named(f) for one in refused for f in one])
                continue
            if Absent in kinds:
                values = {name: one for name, one in values.items() if one is not ABSENT}
            yield Row(line, cells, values)

    def _named(self, fault: Fault) -> Fault:
        return fault._replace(column=self.name_of(fault.column))

    def refuse(self, row: Row, faults: Iterable[Fault]) -> None:
        self.report.reject(row.line, row.cells, map(self._named, faults))

    def warn(self, row: Row, fault: Fault) -> None:
        self.report.warn(row.line, row.cells, self._named(fault))


@contextmanager
def quick_garbage_collection() -> Iterator[None]:
    """Looks for cycles seldom: rows come and go by the thousand, and none is a part of one."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


class ImportCommand(BaseCommand):
    """A command that imports a file. Its last line on stdout has the counts; it exits 1 when rows
    were refused."""

    importer: ClassVar[type[Importer]]
    allowable: ClassVar[tuple[str, ...]] = ()
    organization_required: ClassVar[bool] = True

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", metavar="FILE", help="CSV or XLSX; - reads stdin.")
        parser.add_argument(
            "--organization", metavar="ORG", required=self.organization_required, help="Whose."
        )
        parser.add_argument("--dry-run", action="store_true", help="Store nothing, say what would.")
        parser.add_argument(
            "--on-error",
            choices=["abort", "skip"],
            default="abort",
            help="abort (default): store nothing unless every row is good; skip: store good rows.",
        )
        parser.add_argument(
            "--rejects", metavar="FILE", help="Write refused rows here, with line and reason."
        )
        if self.allowable:
            parser.add_argument(
                "--allow",
                metavar="CODE",
                action="append",
                default=[],
                choices=self.allowable,
                help=f"Only warn of this; repeatable: {', '.join(self.allowable)}.",
            )

    def handle(self, *args: Any, **options: Any) -> None:
        organization = None
        if options["organization"]:
            organization = find_organization(options["organization"])
        try:
            with open_table(options["file"]) as table:
                report = self.run(organization, table, options)
        except Unreadable as error:
            raise CommandError(f"{options['file']}: {error}") from error
        if options["dry_run"]:
            self.stderr.write("dry run: nothing was stored")
        elif report.rejected and options["on_error"] == "abort":
            self.stderr.write("nothing was stored: mend the rows above, or use --on-error skip")
        self.stdout.write(str(report))
        if report.rejected:
            raise SystemExit(1)

    @quick_garbage_collection()
    def run(
        self, organization: Organization | None, table: Table, options: dict[str, Any]
    ) -> Report:
        importer = self.make_importer(organization, table, options)
        started_at, total = timezone.now(), 0
        for line, cells in table.rows():
            importer.scan(line, cells)
            total += 1
        abort = options["on_error"] == "abort"
        with ExitStack() as stack:
            rejects = None
            if options["rejects"]:
                rejects = stack.enter_context(open_rejects(options["rejects"], options["file"]))
            rows = stack.enter_context(Rows(self.stderr, f"importing {importer.kind}", total))
            report = importer.report = Report(table, rows, rejects)
            record = Import(
                organization=organization,
                kind=importer.kind,
                file_name=Path(options["file"]).name[:255],
                started_by=getpass.getuser()[:150],
                started_at=started_at,
            )
            importer.writing = not options["dry_run"]
            importer.reason = record.as_reason()
            try:
                with transaction.atomic(), importer.writer:
                    check_references_at_once()
                    importer.prepare()
                    for batch in batches(table.rows()):
                        good = list(importer.read(batch))
                        importer.writing &= not (abort and report.rejected)
                        importer.store(good)
                        importer.writing &= not (abort and report.rejected)
                        rows.advance(len(batch))
                    importer.settle()
                    importer.writing &= not (abort and report.rejected)
                    if not importer.writing:
                        raise Discarded
                    importer.flush()
                    importer.finish()
                    self.record(record, report, ImportOutcome.STORED)
            except Discarded:
                if not options["dry_run"]:
                    report.created = report.changed = 0
                    self.record(record, report, ImportOutcome.REFUSED)
            except ValidationError as error:
                raise CommandError(f"Nothing was stored: {'; '.join(error.messages)}") from error
            except (IntegrityError, OperationalError) as error:
                if isinstance(error, OperationalError) and not in_the_way(error):
                    raise
                raise CommandError(
                    f"Nothing was stored: another write was in the way; run it again ({error})."
                ) from error
        return report

    def make_importer(
        self, organization: Organization | None, table: Table, options: dict[str, Any]
    ) -> Importer:
        return self.importer(organization, table, options.get("allow", []))

    def record(self, row: Import, report: Report, outcome: str) -> None:
        row.finished_at = timezone.now()
        row.outcome = outcome
        for name in ("created", "changed", "unchanged", "rejected", "warnings"):
            setattr(row, name, getattr(report, name))
        row.first_rejects = report.first
        row.save(force_insert=True)


def check_references_at_once() -> None:
    """PostgreSQL: at the end of each statement, where the writer has time, not all at commit."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")


def batches(lines: Iterable[tuple[int, list[str]]]) -> Iterator[list[tuple[int, list[str]]]]:
    batch: list[tuple[int, list[str]]] = []
    for one in lines:
        batch.append(one)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def open_rejects(name: str, source: str) -> TextIO:
    """The rejects file, new. Raises CommandError where it cannot be written."""
    path = Path(name)
    if source != STDIN and path.exists() and path.samefile(source):
        raise CommandError("--rejects: this is the file that is imported; name another one.")
    try:
        return path.open("w", encoding="utf-8", errors="surrogateescape", newline="")
    except OSError as error:
        raise CommandError(f"--rejects: {name}: {error.strerror}.") from error
