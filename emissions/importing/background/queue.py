"""Imports that the worker does: kept with their file, taken over when a worker was killed.

The file waits in the database, in blocks: the worker may be on another machine. What the import
stores and that it is `stored` are one transaction, so that it is whole or absent, and never twice.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from io import StringIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django_tasks import task

from emissions.importing.background.progress import Written
from emissions.importing.kinds import KINDS
from emissions.ledger.runs import claimed
from organizations.access.author import author
from organizations.database.unavailable import unavailable
from organizations.importing.engine import Interrupted, NotStored, bring_in, keep_record
from organizations.importing.options import Options
from organizations.importing.progress import Quiet
from organizations.importing.rejects import Report, storable
from organizations.importing.spreadsheets import JSONTable, Unreadable, open_table
from organizations.importing.uploads import BLOCK, Upload
from organizations.models import (
    UNFINISHED,
    APIKey,
    Import,
    ImportBlock,
    ImportOutcome,
    Membership,
    Organization,
    Role,
)
from organizations.tenancy import Caller

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
"""A file that has ended the worker so often is not tried again: it may be what ends it."""


@transaction.atomic
def leave_to_worker(
    organization: Organization, kind: str, upload: Upload, options: Options, who: Caller
) -> Import:
    """Keeps a file with what was said about it, and asks the worker to bring it in."""
    said = asdict(options) | {"allow": list(options.allow), "constants": dict(options.constants)}
    row = Import.objects.create(
        organization=organization,
        kind=KINDS[kind].kind,
        file_name=(upload.name or "upload")[:255],
        started_by=options.started_by[:150],
        started_at=timezone.now(),
        outcome=ImportOutcome.QUEUED,
        progress=0,
        asked={
            "kind": kind,
            "options": said,
            "actor": author(),
            "user": str(who.user_id or ""),
            "api_key": str(who.api_key_id or ""),
            "attempts": 0,
        },
    )
    with upload.path.open("rb") as file:
        for number, block in enumerate(iter(lambda: file.read(BLOCK), b"")):
            ImportBlock.objects.create(
                organization=organization, row=row, number=number, data=block
            )
    bring_in_waiting.enqueue()  # a row of the same transaction
    return row


@task()
def bring_in_waiting() -> None:
    """Does every import that nobody is on: new ones, and those whose worker was killed."""
    waiting = Import.objects.filter(outcome__in=UNFINISHED).order_by("pk")
    for pk in list(waiting.values_list("pk", flat=True)):
        finish(pk)
    ImportBlock.objects.exclude(row__outcome__in=UNFINISHED).delete()


def finish(pk: UUID) -> None:
    """Does one import; nothing if another process is on it."""
    with claimed(pk) as is_mine:
        row = Import.objects.select_related("organization").filter(pk=pk).first()
        if not is_mine or row is None or row.outcome not in UNFINISHED:
            return
        row.asked["attempts"] += 1
        row.outcome, row.progress = ImportOutcome.RUNNING, 0
        row.save(update_fields=["asked", "outcome", "progress"])
        try:
            _do(row)
        except Unreadable as error:
            refuse(pk, error.code, str(error))
        except NotStored as error:
            refuse(pk, "not_stored", str(error))
        except Interrupted:
            raise  # what is left is still to be done
        except Exception as error:
            if unavailable(error):
                raise
            logger.exception("import %s", pk)
            sentence = "It could not be finished for a mistake of ours, which is in the log."
            refuse(pk, "internal_error", sentence)
        ImportBlock.objects.filter(row=pk).delete()


def _do(row: Import) -> None:
    """Brings a file in. Raises Unreadable, and what `bring_in` raises."""
    asked = row.asked
    if asked["attempts"] > MOST_ATTEMPTS:
        raise NotStored(f"the worker was ended {MOST_ATTEMPTS} times while it was at it.")
    if not may_still(row):
        raise NotStored("who sent it may not import any more.")
    options = Options(**asked["options"])
    with on_disk(row) as path, open_table(str(path)) as table:
        importer = KINDS[asked["kind"]].of(row.organization, table, options)
        bring_in(
            importer,
            row.file_name,
            rejects=StringIO(),
            keep=True,
            watch=lambda what, total: Written(row.pk, total),
            row=row,
        )


def may_still(row: Import) -> bool:
    """Whether the person or the key that sent a file could send it now."""
    roles = [Role.EDITOR, Role.ADMIN]
    if key := row.asked["api_key"]:
        lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        keys = APIKey.objects.for_organization(row.organization_id).filter(lasting, pk=key)
        return keys.filter(revoked_at=None, role__in=roles).exists()
    members = Membership.objects.filter(organization=row.organization_id, role__in=roles)
    return members.filter(user=row.asked["user"], user__is_active=True).exists()


@contextmanager
def on_disk(row: Import) -> Iterator[Path]:
    """The file that waits, as it is on disk meanwhile."""
    with NamedTemporaryFile(prefix="import-") as file:
        blocks = ImportBlock.objects.filter(row=row).order_by("number")
        for data in blocks.values_list("data", flat=True).iterator(chunk_size=1):
            file.write(data)
        file.flush()
        yield Path(file.name)


def refuse(pk: UUID, code: str, sentence: str) -> None:
    """Records that a file as a whole was not stored, and why."""
    row = Import.objects.get(pk=pk)
    sentence = storable(f"Nothing was stored: {sentence}")
    fault = {"line": 0, "column": "file", "value": "", "code": code, "reason": sentence}
    report: Any = Report(JSONTable([{"file": row.file_name}]), Quiet(), first=[fault])
    keep_record(row, report, ImportOutcome.REFUSED)
