from collections.abc import Iterable, Sequence
from typing import Any

from emissions.importing.factor_rows import COLUMNS
from emissions.models import EmissionFactor
from organizations.importing.export import ExportCommand
from organizations.models import Organization

AT_ONCE = 5000


class Command(ExportCommand):
    help = (
        "Writes an organization's own emission factors as CSV, in the columns that "
        "import_emission_factors reads: imported again, the file says unchanged."
    )
    columns = COLUMNS

    def rows(self, organization: Organization) -> Iterable[Sequence[Any]]:
        own = EmissionFactor.objects.live().filter(organization=organization)
        return own.order_by("id").values_list(*COLUMNS).iterator(AT_ONCE)
