"""Files that wait in the database, in blocks: whoever reads them next may be on another machine."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from organizations.importing.uploads import BLOCK
from organizations.models import Draft, Import

Waiting = Draft | Import


def keep(row: Waiting, path: Path) -> None:
    """Copies a file into the database."""
    blocks: Any = row.blocks
    with path.open("rb") as file:
        for number, data in enumerate(iter(lambda: file.read(BLOCK), b"")):
            blocks.create(organization_id=row.organization_id, number=number, data=data)


@contextmanager
def on_disk(row: Waiting) -> Iterator[Path]:
    """The file of a row, as it is on disk meanwhile; one block of it at a time is in memory."""
    blocks: Any = row.blocks
    with NamedTemporaryFile(prefix="import-") as file:
        for number in range(blocks.count()):
            file.write(blocks.values_list("data", flat=True).get(number=number))
        file.flush()
        yield Path(file.name)
