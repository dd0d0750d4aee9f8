"""`/v1/reports/inventory`: an organization's year, as JSON and as a workbook."""

from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from emissions.reports.inventory.report import inventory
from emissions.reports.inventory.serializers import InventorySerializer
from emissions.reports.inventory.workbook import workbook_of
from emissions.reports.serializers import Year
from organizations.database.snapshot import one_snapshot
from organizations.models import Organization
from organizations.rest.filters import plain_names, refuse_unknown
from organizations.rest.tables import XLSXTable, record_sent, wants_table
from organizations.rest.viewsets import TenantViewSet
from organizations.tenancy import caller


class InventoryQuery(serializers.Serializer):
    """Which year is asked for, and which one it is compared with."""

    year = Year(help_text="A calendar year.")
    base_year = Year(required=False, help_text="The year it is compared with.")


class InventoryView(TenantViewSet):
    """A year by the GHG Protocol."""

    replicated = {"retrieve"}
    queryset = Organization.objects.all()
    serializer_class = InventorySerializer
    renderer_classes: Any = [*api_settings.DEFAULT_RENDERER_CLASSES, XLSXTable]
    filter_backends = []
    pagination_class = None
    http_method_names = ["get", "head"]

    @extend_schema(
        tags=["reports"],
        operation_id="reports_inventory",
        summary="The greenhouse gas inventory of a year",
        parameters=[InventoryQuery],
    )
    def retrieve(self, request: Request) -> HttpResponseBase:
        """Scope 1, scope 2 under both methods, biogenic CO2 apart; by category, fuel, country and
        facility; energy, refrigerants, the change since a base year, every factor with its source,
        and first of all what has no figure. Also as XLSX."""
        params = plain_names(request.query_params)
        query = InventoryQuery(data=params.dict())
        refuse_unknown(params, set(query.fields), set())
        query.is_valid(raise_exception=True)
        year, base_year = query.validated_data["year"], query.validated_data.get("base_year")
        with one_snapshot():
            organization = Organization.objects.get(pk=caller(request).organization_id)
            report = inventory(organization, year, base_year)
        if not wants_table(request):
            return Response(self.get_serializer(report).data)
        record_sent(request, f"inventory-{year}", XLSXTable.format)
        return workbook_of(report)
