from collections.abc import Iterable, Sequence
from typing import Any

from emissions.importing.recognition import COLUMNS
from emissions.models import Consumption
from organizations.importing.export import ExportCommand
from organizations.models import Organization

AT_ONCE = 5000


class Command(ExportCommand):
    help = (
        "Writes an organization's consumption as CSV, in the columns that import_consumption "
        "reads: imported again, the file says unchanged."
    )
    columns = COLUMNS

    def rows(self, organization: Organization) -> Iterable[Sequence[Any]]:
        mine = Consumption.objects.for_organization(organization.pk).live()
        return mine.order_by("id").values_list(*COLUMNS).iterator(AT_ONCE)
