"""`/v1/import-layouts` and `/v1/consumptions/{id}/intervals`."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from emissions.importing.filters import ImportLayoutFilter
from emissions.importing.intervals.bills import rounded
from emissions.importing.serializers import (
    ImportLayoutSerializer,
    IntervalsSerializer,
    shipped_rows,
)
from emissions.models import Consumption, Intervals
from emissions.models.intervals import as_decimals
from organizations.models import ImportLayout
from organizations.rest.filters import plain_names
from organizations.rest.tables import CSVTable, table_response, wants_table
from organizations.rest.viewsets import ResourceViewSet, TenantViewSet
from organizations.tenancy import TenantQuerySet

NOTHING = Fraction(0)


class Together(list[Any]):
    """Rows that are not all in one table, in pages."""

    def count(self, *args: Any) -> int:
        return len(self)


@extend_schema(tags=["imports"])
@extend_schema_view(
    list=extend_schema(summary="List import layouts, own and shipped"),
    create=extend_schema(summary="Save an import layout"),
    retrieve=extend_schema(summary="Get an import layout"),
    update=extend_schema(summary="Update an own import layout (what is left out stays)"),
    partial_update=extend_schema(summary="Update an own import layout"),
    destroy=extend_schema(summary="Delete an own import layout"),
)
class ImportLayoutViewSet(ResourceViewSet):
    """How the columns of somebody else's file become ours: the organization's own layouts, and
    those that are shipped, which are read-only and recognised by their header."""

    queryset = ImportLayout.objects.all()
    serializer_class = ImportLayoutSerializer
    filterset_class = ImportLayoutFilter
    sort_fields = {
        name: name for name in ("id", "name", "kind", "sum_by", "created_at", "updated_at")
    }
    constraint_errors = {
        "import_layout_name_unique": (
            "name",
            "Another layout of this organization has just taken this name.",
        ),
    }
    paginator: Any

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        asked = plain_names(request.query_params)
        name, kinds = asked.get("name", "").casefold(), asked.getlist("kind")
        shipped = [
            one
            for one in shipped_rows()
            if name in one.name.casefold() and (not kinds or one.kind in kinds)
        ]
        rows = Together([*self.filter_queryset(self.get_queryset()), *shipped])
        page = self.paginator.paginate_queryset(rows, request, self)
        return self.paginator.get_paginated_response(self.get_serializer(page, many=True).data)

    def get_object(self) -> Any:
        shipped = next((one for one in shipped_rows() if str(one.pk) == self.kwargs["pk"]), None)
        if shipped is None:
            return super().get_object()
        if self.request.method not in ("GET", "HEAD"):
            raise PermissionDenied("This layout is shipped and read-only; save one of your own.")
        return shipped

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        instance = self.get_object()
        if instance.organization_id is None:
            return Response(self.get_serializer(instance).data)
        return super().retrieve(request, *args, **kwargs)


class IntervalsView(TenantViewSet):
    """The intervals of one bill."""

    queryset = Consumption.objects.all()
    serializer_class = IntervalsSerializer
    http_method_names = ["get", "head"]
    filter_backends = []
    renderer_classes: Any = [*api_settings.DEFAULT_RENDERER_CLASSES, CSVTable]

    def visible(self, queryset: Any, organization_id: Any) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()

    @extend_schema(
        tags=["consumption"],
        operation_id="consumptions_intervals",
        summary="The intervals that a bill is the sum of",
    )
    def retrieve(self, request: Request, pk: str) -> HttpResponseBase:
        """As the meter has read them, exactly; none for a bill that came without.

        With `Accept: text/csv` as a table.
        """
        bill = self.get_object()
        mine = Intervals.objects.for_organization(bill.organization_id)
        kept = mine.filter(consumption=bill).first()
        each = list(kept.each()) if kept else []
        items = [
            {
                "start": one.start.isoformat(),
                "end": one.end.isoformat(),
                "quantity": quantity,
                "unit": bill.unit,
                "estimated": one.estimated,
            }
            for one, quantity in zip(each, as_decimals([i.quantity for i in each]), strict=True)
        ]

        def rows() -> Iterator[Any]:
            return (list(one.values()) for one in items)

        if wants_table(request):
            columns = ["start", "end", "quantity", "unit", "estimated"]
            return table_response(request, f"intervals-{bill.pk}", columns, rows)
        return Response(
            {
                "items": items,
                "seconds": kept.seconds if kept else None,
                "missing": kept.places - kept.count if kept else 0,
                "quantity": rounded(sum((one.quantity for one in each), start=NOTHING)),
                "unit": bill.unit,
            }
        )
