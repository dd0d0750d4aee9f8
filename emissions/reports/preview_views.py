"""What a write would change, before anybody makes it."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as ModelValidationError
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from emissions.ledger.effects import (
    BeforeAfter,
    Effect,
    effect_of_consumption,
    effect_of_facility,
    effect_of_factor,
)
from emissions.models import Consumption, EmissionFactor
from emissions.reports.serializers import KilogramsSerializer
from emissions.serializers import ConsumptionSerializer, EmissionFactorSerializer
from facilities.models import Facility
from facilities.serializers import FacilitySerializer
from organizations.database.snapshot import one_snapshot
from organizations.rest.fields import Id, as_detail
from organizations.rest.viewsets import TenantViewSet
from organizations.tenancy import TenantQuerySet, caller


class BeforeAfterSerializer(serializers.Serializer):
    """kg that are counted now, and that would be."""

    before = KilogramsSerializer()
    after = KilogramsSerializer()


class YearMovedSerializer(BeforeAfterSerializer):
    """The same, of one calendar year."""

    year = serializers.IntegerField()


class FacilityMovedSerializer(BeforeAfterSerializer):
    """A facility's total before and after."""

    facility_id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()


class PreviewSerializer(BeforeAfterSerializer):
    """What a write would change; `before`, `after` and `by_year` are of the ledger's lines that
    would be replaced."""

    consumptions = serializers.IntegerField(help_text="How many would have other figures.")
    gained = serializers.IntegerField(help_text="How many of them have no figure now.")
    lost = serializers.IntegerField(help_text="How many of them would have none any more.")
    facilities = serializers.IntegerField(help_text="At how many facilities.")
    by_year = YearMovedSerializer(many=True)
    largest = FacilityMovedSerializer(many=True, help_text="The facilities that move most.")


class Preview(TenantViewSet):
    """Takes the body of a write, checks it by the same rules, and stores nothing."""

    http_method_names = ["post"]
    filter_backends = []
    pagination_class = None

    def stored(self, request: Request) -> Any:
        """The row that the body's `id` names; None where it names none. Raises ValidationError."""
        body: Any = request.data
        given = body.get("id") if isinstance(body, dict) else None
        if given is None:
            return None
        try:
            return (
                self.get_queryset().filter(pk=Id().run_validation(given)).first() or self._no_id()
            )
        except ValidationError as error:
            raise ValidationError({"id": error.detail}) from error

    def _no_id(self) -> Any:
        raise ValidationError("There is nothing of yours with this id.", "does_not_exist")

    def wanted(self, request: Request, stored: Any) -> Any:
        """The row as the body wants it, unsaved."""
        serializer: Any = self.get_serializer(stored, data=request.data, partial=stored is not None)
        serializer.is_valid(raise_exception=True)
        return serializer.as_row(serializer.validated_data)

    def preview(self, request: Request, **kwargs: Any) -> Response:
        with one_snapshot():
            try:
                return Response(PreviewSerializer(as_body(self.effect(request))).data)
            except ModelValidationError as error:
                raise ValidationError(as_detail(error)) from error

    def effect(self, request: Request) -> Effect:
        raise NotImplementedError


class FactorPreviewView(Preview):
    """What an own factor would move."""

    queryset = EmissionFactor.objects.all()
    serializer_class = EmissionFactorSerializer

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()

    @extend_schema(
        tags=["emission factors"],
        operation_id="emission_factors_preview",
        summary="See what an own emission factor would change",
        request=EmissionFactorSerializer,
        responses=PreviewSerializer,
    )
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """With the `id` of one in the body, what changing that one would. Nothing is stored."""
        return super().preview(request, **kwargs)

    def effect(self, request: Request) -> Effect:
        stored = self.stored(request)
        wanted = self.wanted(request, stored)
        return effect_of_factor(caller(request).organization_id, stored, wanted)


class ConsumptionPreviewView(Preview):
    """What a bill would move."""

    queryset = Consumption.objects.all()
    serializer_class = ConsumptionSerializer

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()

    @extend_schema(
        tags=["consumption"],
        operation_id="consumptions_preview",
        summary="See what a consumption would change",
        request=ConsumptionSerializer,
        responses=PreviewSerializer,
    )
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """With the `id` of one in the body, what changing that one would. Nothing is stored."""
        return super().preview(request, **kwargs)

    def effect(self, request: Request) -> Effect:
        return effect_of_consumption(self.wanted(request, self.stored(request)))


class FacilityPreviewView(Preview):
    """What changing a facility would move."""

    queryset = Facility.objects.all()
    serializer_class = FacilitySerializer

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()

    @extend_schema(
        tags=["facilities"],
        operation_id="facilities_preview",
        summary="See what changing a facility would change",
        request=FacilitySerializer(partial=True),
        responses=PreviewSerializer,
    )
    def preview(self, request: Request, **kwargs: Any) -> Response:
        """The body of a PATCH. Nothing is stored."""
        return super().preview(request, **kwargs)

    def effect(self, request: Request) -> Effect:
        facility = self.get_object()
        serializer = self.get_serializer(facility, data=request.data, partial=True)
        serializer.is_valid(raise_exception=True)
        return effect_of_facility(facility, serializer.validated_data)


def as_body(effect: Effect) -> dict[str, Any]:
    """An effect as PreviewSerializer reads it."""
    return {
        "consumptions": effect.consumptions,
        "gained": effect.gained,
        "lost": effect.lost,
        "facilities": effect.facilities,
        **_both(effect.total),
        "by_year": [{"year": year, **_both(sums)} for year, sums in sorted(effect.years.items())],
        "largest": [
            {
                "facility_id": move.facility.pk,
                "external_id": move.facility.external_id or None,
                "name": move.facility.name,
                **_both(BeforeAfter(move.before, move.after)),
            }
            for move in effect.largest
        ],
    }


def _both(sums: BeforeAfter) -> dict[str, Any]:
    return {"before": sums.before._asdict(), "after": sums.after._asdict()}
