"""Files that wait in the database for whoever sent them, for a day at most."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from emissions.importing.background.queue import is_long
from organizations.importing.spreadsheets import Table, mended_cells, open_table
from organizations.importing.uploads import Upload, keep, on_disk
from organizations.models import Draft

KEPT = timedelta(days=1)


@transaction.atomic
def begin(upload: Upload, user: Any, organization: Any, kind: str) -> Draft:
    """Keeps a file that was sent; others that nobody came back to go."""
    Draft.objects.filter(created_at__lt=timezone.now() - KEPT).delete()
    size = upload.path.stat().st_size
    draft = Draft.objects.create(
        organization=organization, user=user, kind=kind, file_name=upload.name, size=size
    )
    keep(draft, upload.path)
    return draft


def changed(draft: Draft) -> None:
    """Stores what else was said of a draft, which makes what was known of it untrue."""
    draft.revision += 1
    draft.trial, draft.waits, draft.attempts, draft.progress = None, False, 0, 0
    draft.save()


@contextmanager
def opened(draft: Draft) -> Iterator[Table]:
    """The table of a draft, as it was mended. Raises Unreadable."""
    with on_disk(draft) as path, open_table(str(path)) as table:
        table.mended = mended_cells(draft.mended)
        yield table


def is_workers(draft: Draft) -> bool:
    """Whether looking at it and storing it is too much for a request."""
    return is_long(draft.size)
