"""One import, however it comes: by command, over HTTP, from the admin, from another program.

A file is read twice: once to count its rows, to know all their keys and how its numbers and days
are written, and once in batches, inside the one transaction that stores it all or nothing.
"""

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import StringIO
from typing import TextIO

from django.core.exceptions import ValidationError
from django.db import IntegrityError, OperationalError, connection, transaction
from django.utils import timezone

from organizations.access.author import author, because
from organizations.audit.event import Event
from organizations.audit.recording import record, type_of
from organizations.database.clock import moment
from organizations.database.postgresql.connections import long_job
from organizations.importing.importer import Importer
from organizations.importing.options import ABORT
from organizations.importing.progress import Quiet, Rows
from organizations.importing.rejects import Report, storable
from organizations.models import Import, ImportOutcome
from organizations.tenancy import in_the_way

CACHE_KIB = 56 * 1024
COUNTS = ("created", "changed", "unchanged", "rejected", "warnings")


class NotStored(Exception):
    """The import as a whole could not be stored, though its rows may be right; the sentence says
    why."""


class Interrupted(Exception):
    """Somebody ended the import with Ctrl-C. `stored` says whether it had been stored by then."""

    def __init__(self, stored: bool) -> None:
        super().__init__()
        self.stored = stored


class Discarded(Exception):
    """Ends the transaction of an import that is not to be stored."""


USUAL = gc.get_threshold()
"""That of the settings. What an import finds may be another one's, which runs in another thread."""


@contextmanager
def garbage_is_looked_for_seldom() -> Iterator[None]:
    """Rows come and go by the thousand, and none of them is part of a cycle."""
    gc.set_threshold(50_000, 20, 100)
    try:
        yield
    finally:
        gc.set_threshold(*USUAL)


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


def nobody(what: str, total: int) -> Quiet:
    """Makes what tells nobody how far an import is."""
    return Quiet()


@long_job()
@garbage_is_looked_for_seldom()
def bring_in(
    importer: Importer,
    file_name: str,
    *,
    rejects: TextIO | None = None,
    keep: bool = False,
    watch: Callable[[str, int], Rows | Quiet] = nobody,
    row: Import | None = None,
) -> Report:
    """Reads, judges and stores all rows of the importer's table, and records that it did.

    `row` is the record of a file that has waited; otherwise there is a new one. With `keep` a dry
    run is recorded too, and the record keeps the refused rows (`rejects` is a StringIO then).
    `watch` is given what is done and how many rows there are, and is told how far it is; the
    refused rows go to `rejects`. Raises Unreadable where the file as a whole cannot be read and
    NotStored where another write was in the way, Interrupted at Ctrl-C.
    """
    options, started_at, total = importer.options, timezone.now(), 0
    for lines, rows in importer.table.batches():
        importer.survey(lines, rows)
        total += len(rows)
    abort = options.on_error == ABORT
    with watch(f"importing {importer.kind}", total) as bar:
        report = importer.report = Report(importer.table, bar, rejects, alone=importer.alone)
        row = row or Import(organization=importer.organization, started_at=started_at)
        row.kind, row.layout = importer.kind, importer.layout.name
        row.file_name, row.started_by = file_name[:255], options.started_by[:150]
        importer.writing = not options.dry_run
        importer.reason = row.as_reason()
        try:
            with large_cache(), because(importer.reason), transaction.atomic(), importer.writer:
                check_references_at_once()
                importer.prepare()
                importer.now = moment()
                for lines, rows in importer.table.batches():
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
                row.rejects = kept_rows(rejects, keep)
                row.started_at, row.finished_at = importer.now, moment()
                keep_record(row, report, ImportOutcome.STORED)
        except Discarded:
            row.rejects = kept_rows(rejects, keep)
            if abort and report.rejected:
                report.created = report.changed = 0  # a dry run says what the import would
            if not options.dry_run:
                keep_record(row, report, ImportOutcome.REFUSED)
            elif keep:
                keep_record(row, report, ImportOutcome.CHECKED)
        except KeyboardInterrupt as error:
            connection.close()  # it may have been in the middle of something
            stored = Import.objects.filter(pk=row.pk, outcome=ImportOutcome.STORED)
            raise Interrupted(stored.exists()) from error
        except ValidationError as error:
            raise NotStored("; ".join(error.messages)) from error
        except (IntegrityError, OperationalError) as error:
            if isinstance(error, OperationalError) and not in_the_way(error):
                raise
            raise NotStored(f"another write was in the way; run it again ({error}).") from error
    report.record = row
    return report


def kept_rows(rejects: TextIO | None, keep: bool) -> str:
    """The refused rows for the record."""
    return storable(rejects.getvalue()) if keep and isinstance(rejects, StringIO) else ""


@transaction.atomic
def keep_record(row: Import, report: Report, outcome: str) -> None:
    """Stores that an import was and what became of its rows, for the audit too if it was no try."""
    row.finished_at = row.finished_at or timezone.now()
    row.outcome, row.progress = outcome, 100
    for name in COUNTS:
        setattr(row, name, getattr(report, name))
    row.first_rejects, row.first_warnings = report.first, report.warned
    row.save()
    if outcome != ImportOutcome.CHECKED:
        stored = outcome == ImportOutcome.STORED
        record(
            row.organization_id,
            Event.IMPORT_STORED if stored else Event.IMPORT_REFUSED,
            object_type=type_of(row),
            object_id=row.pk,
            details={name: getattr(row, name) for name in ("kind", "file_name", *COUNTS)},
            actor=author() or row.asked.get("actor") or row.started_by,
        )


def check_references_at_once() -> None:
    """PostgreSQL: at the end of each statement, where the writer has time, not all at commit."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
