"""Files that are sent: streamed to disk, up to a size, and never run; those that wait are in the
database, in blocks, as whoever reads them next may be on another machine."""

import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException
from rest_framework.parsers import BaseParser, MultiPartParser

from organizations.models import Draft, Import

BLOCK = 1 << 20


class FileTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"

    def __init__(self) -> None:
        limit = settings.MAX_IMPORT_BYTES
        super().__init__(
            f"The file is over {limit} bytes; divide it, or bring it in on the server: manage.py "
            "import_consumption, import_facilities or import_emission_factors."
        )


class Upload:
    """A file that was sent, as it is on disk until `remove`, or until nothing refers to it."""

    def __init__(self, path: Path, name: str) -> None:
        self.path, self.name = path, name
        self.remove = weakref.finalize(self, path.unlink, missing_ok=True)

    def chunks(self) -> Iterator[bytes]:
        """Its bytes, from the beginning."""
        with self.path.open("rb") as file:
            yield from iter(lambda: file.read(BLOCK), b"")


def kept(blocks: Any, name: str) -> Upload:
    """Writes what is sent to a file of its own. Raises FileTooLarge."""
    size = 0
    with NamedTemporaryFile(prefix="import-", delete=False) as file:
        upload = Upload(Path(file.name), name)
        for block in blocks:
            size += len(block)
            if size > settings.MAX_IMPORT_BYTES:
                raise FileTooLarge
            file.write(block)
    return upload


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


class FileParser(BaseParser):
    """A body that is a file."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        return kept(iter(lambda: stream.read(BLOCK), b""), "")


class CSVParser(FileParser):
    media_type = "text/csv"


class PlainTextParser(FileParser):
    media_type = "text/plain"


class XLSXParser(FileParser):
    media_type = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


class XMLParser(FileParser):
    media_type = "application/xml"


class TextXMLParser(FileParser):
    media_type = "text/xml"


class BytesParser(FileParser):
    media_type = "application/octet-stream"


FILE_PARSERS: Sequence[type[BaseParser]] = (
    CSVParser,
    PlainTextParser,
    XLSXParser,
    XMLParser,
    TextXMLParser,
    BytesParser,
    MultiPartParser,
)
