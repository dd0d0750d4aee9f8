"""`/v1/facilities`."""

from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema, extend_schema_view

from facilities.exports import IMPORTED, imported_rows
from facilities.filters import FacilityFilter
from facilities.models import Facility
from facilities.serializers import FacilitySerializer
from organizations.rest.exports import Exported
from organizations.rest.viewsets import ResourceViewSet
from organizations.tenancy import TenantQuerySet


@extend_schema(tags=["facilities"])
@extend_schema_view(
    list=extend_schema(summary="List facilities"),
    create=extend_schema(summary="Create a facility"),
    retrieve=extend_schema(summary="Get a facility"),
    update=extend_schema(summary="Update a facility (what is left out stays)"),
    partial_update=extend_schema(summary="Update a facility"),
    destroy=extend_schema(summary="Delete a facility with all its consumption"),
)
class FacilityViewSet(Exported, ResourceViewSet):
    """The organization's sites, each with the kg CO2e of everything that counts there."""

    queryset = Facility.objects.prefetch_related("supply_points", "meters")
    serializer_class = FacilitySerializer
    filterset_class = FacilityFilter
    table_columns = IMPORTED
    sort_fields = {
        name: name
        for name in (
            "name",
            "type",
            "country",
            "region",
            "external_id",
            "status",
            "address",
            "logistic_factor",
            "co2e",
            "co2e_market",
            "co2e_biomass",
            "co2e_status",
            "created_at",
            "updated_at",
            "id",
        )
    }
    constraint_errors = {
        "facility_external_id_unique": (
            "external_id",
            "Another facility of this organization has just taken this external_id.",
        ),
        "supply_point_cups_unique": (
            "cups_list",
            "Another facility of this organization has just taken one of these CUPS.",
        ),
        "meter_code_unique": (
            "meter_list",
            "Another facility of this organization has just taken one of these meters.",
        ),
    }

    def table_rows(self, queryset: Any) -> Iterable[Sequence[Any]]:
        return imported_rows(queryset)

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()
