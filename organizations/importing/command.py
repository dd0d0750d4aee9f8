"""The command around an import: its options, its one transaction and the record of it.

A file is read twice: once to count its rows and to know all their keys, and once in batches, inside
the one transaction that stores it all or nothing.
"""

import gc
import getpass
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from organizations.importing.importer import Importer
from organizations.importing.progress import Rows
from organizations.importing.rejects import Report, open_rejects
from organizations.importing.spreadsheets import Table, Unreadable, open_table
from organizations.management.commands.create_api_key import find_organization
from organizations.models import Import, ImportOutcome, Organization
from organizations.tenancy import in_the_way

CACHE_KIB = 64 * 1024


class Discarded(Exception):
    """Ends the transaction of an import that is not to be stored."""


@contextmanager
def quick_garbage_collection() -> Iterator[None]:
    """Looks for cycles seldom: rows come and go by the thousand, and none is a part of one."""
    usual = gc.get_threshold()
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*usual)


@contextmanager
def large_cache() -> Iterator[None]:
    """SQLite: room for the pages of the indexes, which the rows of a file come to in any order; at
    its usual 2 MB most of them would go out to the disk and come back."""
    if connection.vendor != "sqlite":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA cache_size")
        [usual] = cursor.fetchone()
        cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
        try:
            yield
        finally:
            cursor.execute(f"PRAGMA cache_size = {usual}")


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
        for lines, rows in table.batches():
            importer.scan(lines, rows)
            total += len(rows)
        abort = options["on_error"] == "abort"
        with ExitStack() as stack:
            rejects = None
            if options["rejects"]:
                rejects = stack.enter_context(open_rejects(options["rejects"], options["file"]))
            bar = stack.enter_context(Rows(self.stderr, f"importing {importer.kind}", total))
            report = importer.report = Report(table, bar, rejects)
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
                with large_cache(), transaction.atomic(), importer.writer:
                    check_references_at_once()
                    importer.prepare()
                    for lines, rows in table.batches():
                        good = importer.read(lines, rows)
                        importer.writing &= not (abort and report.rejected)
                        importer.store_batch(good)
                        importer.writing &= not (abort and report.rejected)
                        bar.advance(len(rows))
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
