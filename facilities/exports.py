"""Facilities as a table for a spreadsheet: CSV and XLSX, by the API's field names."""

from collections.abc import Iterator, Sequence
from typing import Any

from import_export import fields, resources
from import_export.formats.base_formats import CSV, XLSX
from import_export.widgets import Widget

from facilities.importing.recognition import PLAIN
from facilities.models import Facility
from organizations.rest.escaping import harmless
from organizations.rest.tables import in_sheet

IMPORTED = (*PLAIN, "cups_list", "meter_list")
"""The columns that the import reads."""

AT_ONCE = 1000
FORMATS: dict[str, Any] = {"csv": CSV, "xlsx": XLSX}


def imported_rows(facilities: Any) -> Iterator[Sequence[Any]]:
    """The values of IMPORTED, in the order of the facilities."""
    rows = facilities.prefetch_related(None).prefetch_related("supply_points", "meters")
    for one in rows.iterator(AT_ONCE):
        yield [
            *(getattr(one, name) for name in PLAIN),
            [point.cups for point in one.supply_points.all()],
            [meter.code for meter in one.meters.all()],
        ]


class Plain(Widget):
    """A cell of the value's own type, so that a number is one in XLSX too."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()

    def render(self, value: Any, obj: Any = None, **kwargs: Any) -> Any:
        return "" if value is None else value


class FacilityTable(resources.ModelResource):
    """One line a facility; lists are separated by |, as the imports read them."""

    organization = fields.Field("organization__name", "organization")
    categories = fields.Field("categories", "categories")
    cups_list = fields.Field(column_name="cups_list")
    meter_list = fields.Field(column_name="meter_list")

    class Meta:
        model = Facility
        fields = (
            "id",
            "organization",
            "external_id",
            "name",
            "type",
            "country",
            "region",
            "address",
            "categories",
            "cups_list",
            "meter_list",
            "logistic_factor",
            "status",
            *Facility.COMPUTED,
        )
        export_order = fields

    @classmethod
    def widget_from_django_field(cls, f: Any, default: Any = Plain) -> Any:
        return Plain

    def export_field(self, field: Any, instance: Facility, **kwargs: Any) -> Any:
        return in_sheet(harmless(super().export_field(field, instance, **kwargs)))

    def dehydrate_id(self, facility: Facility) -> str:
        return str(facility.pk)

    def dehydrate_categories(self, facility: Facility) -> str:
        return "|".join(facility.categories)

    def dehydrate_cups_list(self, facility: Facility) -> str:
        return "|".join(point.cups for point in facility.supply_points.all())

    def dehydrate_meter_list(self, facility: Facility) -> str:
        return "|".join(meter.code for meter in facility.meters.all())
