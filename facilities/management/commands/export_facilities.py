from collections.abc import Iterator, Sequence
from typing import Any

from facilities.exports import IMPORTED, imported_rows
from facilities.importing.recognition import live
from organizations.importing.export import ExportCommand
from organizations.models import Organization


class Command(ExportCommand):
    help = (
        "Writes an organization's facilities as CSV, in the columns that import_facilities reads: "
        "imported again, the file says unchanged."
    )
    columns = IMPORTED

    def rows(self, organization: Organization) -> Iterator[Sequence[Any]]:
        yield from imported_rows(live(organization.pk).order_by("id"))
