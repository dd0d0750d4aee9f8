"""`/v1/consumptions`, `/v1/emission-factors` and `/v1/recalculations`."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import models
from django.db.models import F
from drf_spectacular.utils import OpenApiParameter, extend_schema, extend_schema_view
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from emissions.filters import ConsumptionFilter, EmissionFactorFilter, RecalculationFilter
from emissions.importing import factor_rows, recognition
from emissions.importing.single import warnings_of
from emissions.ledger.creation import locked_for
from emissions.ledger.recalculation import lock_facilities
from emissions.models import Consumption, EmissionFactor, Recalculation
from emissions.models.consumption import OfOthers
from emissions.reports.figures import explanation
from emissions.reports.serializers import CalculationQuery, CalculationSerializer
from emissions.serializers import (
    ConsumptionSerializer,
    CopiedConsumptionSerializer,
    EmissionFactorSerializer,
    RecalculationSerializer,
    WrittenConsumptionSerializer,
    asked_of_others,
)
from facilities.models import Facility
from organizations.database.clock import MICROSECOND, announced_moment
from organizations.rest.copies import Copied
from organizations.rest.exports import Exported
from organizations.rest.filters import CURSOR, plain_names, refuse_unknown
from organizations.rest.viewsets import ResourceViewSet, Retrieved
from organizations.tenancy import TenantQuerySet, caller

WHAT_CHANGED = [
    OpenApiParameter(
        name, int, OpenApiParameter.HEADER, response=[200, 201], description=description
    )
    for name, description in (
        (
            "Consumptions-Changed",
            "How many have other figures now; not sent while a recalculation works it out.",
        ),
        ("Consumptions-Calculated", "How many of them had no figure before."),
    )
]


ROWS_AT_ONCE = 2000
WRITTEN = WrittenConsumptionSerializer


@extend_schema(tags=["consumption"])
@extend_schema_view(
    list=extend_schema(summary="List consumption"),
    create=extend_schema(summary="Record a consumption", responses={201: WRITTEN}),
    retrieve=extend_schema(summary="Get a consumption"),
    update=extend_schema(
        summary="Update a consumption (what is left out stays)", responses=WRITTEN
    ),
    partial_update=extend_schema(summary="Update a consumption", responses=WRITTEN),
    destroy=extend_schema(summary="Delete a consumption"),
)
class ConsumptionViewSet(Exported, ResourceViewSet):
    """Bills, readings and refills, each with its kg CO2e or the reason it has none."""

    queryset = Consumption.objects.annotate(facility_status=F("facility__co2e_status"))
    serializer_class = ConsumptionSerializer
    copied_serializer_class = CopiedConsumptionSerializer
    filterset_class = ConsumptionFilter
    table_columns = recognition.COLUMNS
    sort_fields = {
        name: name
        for name in ConsumptionSerializer.Meta.fields
        if name not in ("note", "co2e_reason")
    }
    constraint_errors = {
        "consumption_external_id_unique": (
            "external_id",
            "Another consumption of this organization has just taken this external_id.",
        ),
    }

    def table_rows(self, queryset: Any) -> Iterable[Sequence[Any]]:
        return queryset.values_list(*self.table_columns).iterator(ROWS_AT_ONCE)

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()

    held: Facility | None = None
    """The facility of a new consumption, locked."""

    told: OfOthers | None = None
    """What others say of it, asked by the statement that locks."""

    def lock(self, instance: models.Model | None) -> None:
        """Locks the facility that the consumption is at and the one it goes to."""
        body: Any = self.request.data
        wanted = None
        with suppress(AttributeError, TypeError, ValueError):  # the serializer says what is wrong
            wanted = UUID(body.get("facility_id"))
        organization_id = caller(self.request).organization_id
        if instance is None:
            if wanted:
                self.held, self.told = locked_for(organization_id, wanted, *asked_of_others(body))
            return
        mine = Facility.objects.for_organization(organization_id)
        assert isinstance(instance, Consumption)
        ids = {instance.facility_id, *filter(None, [wanted])}
        lock_facilities(mine.filter(pk__in=ids).values_list("pk", flat=True))

    def held_since(self, facility: Facility) -> datetime:
        """The moment of a new consumption: later than what is known of its facility."""
        now = self.passed_at or announced_moment(facility.organization_id)
        return max(now, facility.updated_at + MICROSECOND)

    def fresh(self, instance: models.Model) -> Any:
        """A new one has all that is stored, and its facility, already."""
        if self.action != "create":
            return super().fresh(instance)
        return instance

    def respond(self, serializer: Any, instance: models.Model, **kwargs: Any) -> Response:
        """With what is odd about it, which is stored all the same."""
        response = super().respond(serializer, instance, **kwargs)
        assert isinstance(instance, Consumption)
        response.data["warnings"] = [
            {"field": one.column, "code": one.code, "detail": one.detail}
            for one in warnings_of(instance)
        ]
        return response

    @extend_schema(
        summary="Explain a consumption's figures",
        parameters=[CalculationQuery],
        responses=CalculationSerializer,
    )
    @action(detail=True, methods=["get"])
    def calculation(self, request: Request, pk: str) -> Response:
        """Line by line: the period, the quantity before and after conversion, the factor with its
        source, what was asked and what was used, and the product before rounding."""
        params = plain_names(request.query_params)
        query = CalculationQuery(data=params.dict())
        refuse_unknown(params, set(query.fields), set())
        query.is_valid(raise_exception=True)
        context = self.get_serializer_context()
        explained = explanation(self.get_object(), query.validated_data.get("as_of"))
        return Response(CalculationSerializer(explained, context=context).data)


@extend_schema(tags=["emission factors"])
@extend_schema_view(
    list=extend_schema(summary="List emission factors, published and own"),
    create=extend_schema(summary="Create an own emission factor", parameters=WHAT_CHANGED),
    retrieve=extend_schema(summary="Get an emission factor"),
    update=extend_schema(
        summary="Update an own emission factor (what is left out stays)", parameters=WHAT_CHANGED
    ),
    partial_update=extend_schema(summary="Update an own emission factor", parameters=WHAT_CHANGED),
    destroy=extend_schema(summary="Delete an own emission factor"),
)
class EmissionFactorViewSet(Exported, ResourceViewSet):
    """Published factors, which are read-only here, and the organization's own.

    Writing one recalculates every consumption it applied to or applies to now: before the answer,
    or, beyond a few thousand, in the background, its facilities being `recalculating` until then
    (see `/v1/recalculations`).
    """

    queryset = EmissionFactor.objects.select_related("source")
    serializer_class = EmissionFactorSerializer
    filterset_class = EmissionFactorFilter
    table_columns = factor_rows.COLUMNS
    exclusive_writes = True
    sort_fields = {
        **{
            name: name
            for name in EmissionFactorSerializer.Meta.fields
            if name not in ("own", "source", "note")
        },
        "source": "source_id",
    }
    constraint_errors = {
        "factor_no_overlap": (
            "valid_from",
            "Another factor of the same key that overlaps in time has just been stored.",
        ),
        "factor_period_in_order": ("valid_to", "It ends before it starts."),
    }

    def table_rows(self, queryset: Any) -> Iterable[Sequence[Any]]:
        return queryset.values_list(*self.table_columns).iterator(ROWS_AT_ONCE)

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.usable_by(organization_id)

    def orders(self, organization_id: UUID) -> list[Any]:
        """Own factors and published ones, which no index has together."""
        published = EmissionFactor.objects.filter(organization=None)
        return [*super().orders(organization_id), published]

    def lock(self, instance: models.Model | None) -> None:
        if isinstance(instance, EmissionFactor) and not instance.own:
            raise PermissionDenied(
                "This factor is published to everybody and read-only here; create one of your own, "
                "which takes precedence."
            )
        super().lock(instance)

    def respond(self, serializer: Any, instance: models.Model, **kwargs: Any) -> Response:
        """Says in headers how much consumption has other figures now, and first ones."""
        response = super().respond(serializer, instance, **kwargs)
        if isinstance(instance, EmissionFactor) and instance.recalculated:
            changed, calculated = instance.recalculated
            response["Consumptions-Changed"] = changed
            response["Consumptions-Calculated"] = calculated
        return response


@extend_schema(tags=["emission factors"])
@extend_schema_view(
    list=extend_schema(summary="List recalculations"),
    retrieve=extend_schema(summary="Get a recalculation with its progress"),
)
class RecalculationViewSet(Copied, Retrieved):
    """Changes that reached too much consumption for their own request, and how far they are."""

    tells_of_tasks = True
    queryset = Recalculation.objects.all()
    serializer_class = RecalculationSerializer
    filterset_class = RecalculationFilter
    copy_parameters = {CURSOR}  # none is ever deleted
    sort_fields = {
        name: name
        for name in RecalculationSerializer.Meta.fields
        if name not in ("cause", "started_by", "error")
    }
