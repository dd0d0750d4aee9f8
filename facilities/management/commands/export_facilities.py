from collections.abc import Iterator, Sequence
from typing import Any

from facilities.importing.recognition import PLAIN, live
from organizations.importing.export import ExportCommand
from organizations.models import Organization

AT_ONCE = 1000


class Command(ExportCommand):
    help = (
        "Writes an organization's facilities as CSV, in the columns that import_facilities reads: "
        "imported again, the file says unchanged."
    )
    columns = (*PLAIN, "cups_list", "meter_list")

    def rows(self, organization: Organization) -> Iterator[Sequence[Any]]:
        facilities = live(organization.pk).order_by("id")
        for one in facilities.prefetch_related("supply_points", "meters").iterator(AT_ONCE):
            yield [
                *(getattr(one, name) for name in PLAIN),
                [point.cups for point in one.supply_points.all()],
                [meter.code for meter in one.meters.all()],
            ]
