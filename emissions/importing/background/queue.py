"""Imports that the worker does: kept with their file, taken over when a worker was killed.

The file waits in the database, in blocks: the worker may be on another machine. What the import
stores and that it is `stored` are one transaction, so that it is whole or absent, and never twice.
"""

import logging
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from django_tasks import task

from emissions.importing.background.progress import Written
from emissions.importing.kinds import KINDS
from emissions.ledger.runs import claimed
from organizations.access.author import author
from organizations.database.tenant import about
from organizations.database.unavailable import unavailable
from organizations.importing.engine import Interrupted, NotStored, bring_in, keep_record
from organizations.importing.options import Options
from organizations.importing.progress import Quiet
from organizations.importing.rejects import Report, storable
from organizations.importing.spreadsheets import (
    JSONTable,
    Unreadable,
    mended_cells,
    open_table,
)
from organizations.importing.uploads import keep, on_disk
from organizations.models import (
    UNFINISHED,
    APIKey,
    Import,
    ImportBlock,
    ImportOutcome,
    Organization,
    Role,
    User,
)

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3
"""A file that has ended the worker so often is not tried again: it may be what ends it."""


def is_long(size: int) -> bool:
    """Whether a file of so many bytes is the worker's. On SQLite, which has one writer, none is."""
    return connection.vendor == "postgresql" and size > settings.IMPORT_BYTES_AT_ONCE


@transaction.atomic
def leave_to_worker(
    organization: Organization,
    kind: str,
    path: Path,
    file_name: str,
    options: Options,
    *,
    user: UUID | None,
    api_key: UUID | None = None,
    mended: Mapping[str, Mapping[str, str]] | None = None,
) -> Import:
    """Keeps a file with what was said about it and who sent it, and asks the worker to bring it in.

    `mended` is line → position of a cell → what it should have been.
    """
    row = Import.objects.create(
        organization=organization,
        kind=KINDS[kind].kind,
        file_name=file_name[:255],
        started_by=options.started_by[:150],
        started_at=timezone.now(),
        outcome=ImportOutcome.QUEUED,
        progress=0,
        asked={
            "kind": kind,
            "options": options.as_json(),
            "mended": mended or {},
            "actor": author(),
            "user": str(user or ""),
            "api_key": str(api_key or ""),
            "attempts": 0,
        },
    )
    keep(row, path)
    bring_in_waiting.enqueue()  # a row of the same transaction
    return row


@task()
def bring_in_waiting() -> None:
    """Does every import that nobody is on: new ones, and those whose worker was killed."""
    waiting = Import.objects.filter(outcome__in=UNFINISHED).order_by("pk")
    for organization_id, pk in list(waiting.values_list("organization_id", "pk")):
        with about(organization_id):
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
    options = Options.from_json(asked["options"])
    with on_disk(row) as path, open_table(str(path)) as table:
        table.mended = mended_cells(asked.get("mended", {}))
        importer = KINDS[asked["kind"]].of(row.organization, table, options)
        mine = Import.objects.filter(pk=row.pk, outcome=ImportOutcome.RUNNING)
        bring_in(
            importer,
            row.file_name,
            rejects=StringIO(),
            keep=True,
            watch=lambda what, total: Written(mine, total),
            row=row,
        )


def may_still(row: Import) -> bool:
    """Whether the person or the key that sent a file could send it now."""
    roles = [Role.EDITOR, Role.ADMIN]
    if key := row.asked["api_key"]:
        lasting = Q(expires_at=None) | Q(expires_at__gt=timezone.now())
        keys = APIKey.objects.for_organization(row.organization_id).filter(lasting, pk=key)
        return keys.filter(revoked_at=None, role__in=roles).exists()
    user = User.objects.filter(pk=row.asked["user"], is_active=True)
    member = Q(memberships__organization=row.organization_id, memberships__role__in=roles)
    return user.filter(member | Q(is_superuser=True)).exists()


def refuse(pk: UUID, code: str, sentence: str) -> None:
    """Records that a file as a whole was not stored, and why."""
    row = Import.objects.get(pk=pk)
    sentence = storable(f"Nothing was stored: {sentence}")
    fault = {"line": 0, "column": "file", "value": "", "code": code, "reason": sentence}
    report: Any = Report(JSONTable([{"file": row.file_name}]), Quiet(), first=[fault])
    keep_record(row, report, ImportOutcome.REFUSED)
