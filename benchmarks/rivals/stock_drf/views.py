"""ModelViewSet, ModelSerializer and PageNumberPagination."""

from typing import Any

from django.db import transaction
from rest_framework import serializers, viewsets
from rest_framework.pagination import PageNumberPagination
from rest_framework.response import Response

from benchmarks.rivals.stock_drf.models import Consumption, Facility


class CategoryList(serializers.Field):
    def to_representation(self, value: str) -> list[str]:
        return value.split(",") if value else []


class FacilitySerializer(serializers.ModelSerializer):
    categories = CategoryList()
    cups_list = serializers.SlugRelatedField(
        source="supply_points", slug_field="cups", many=True, read_only=True
    )
    meter_list = serializers.SlugRelatedField(
        source="meters", slug_field="code", many=True, read_only=True
    )

    class Meta:
        model = Facility
        fields = [
            "id",
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
            "co2e",
            "co2e_market",
            "co2e_biomass",
            "co2e_status",
            "created_at",
            "updated_at",
        ]


class Pages(PageNumberPagination):
    page_size = 50
    max_page_size = 100
    page_size_query_param = "size"

    def get_paginated_response(self, data: Any) -> Response:
        assert self.page is not None
        return Response(
            {
                "items": data,
                "total": self.page.paginator.count,
                "page": self.page.number,
                "size": self.page.paginator.per_page,
                "pages": self.page.paginator.num_pages,
            }
        )


class FacilityViewSet(viewsets.ModelViewSet):
    serializer_class = FacilitySerializer
    pagination_class = Pages

    def get_queryset(self) -> Any:
        mine = Facility.objects.filter(organization=self.request.user.organization, deleted_at=None)
        return mine.prefetch_related("supply_points", "meters")


class ConsumptionSerializer(serializers.ModelSerializer):
    facility_id = serializers.PrimaryKeyRelatedField(
        source="facility", queryset=Facility.objects.all()
    )

    class Meta:
        model = Consumption
        fields = [
            "id",
            "external_id",
            "facility_id",
            "category",
            "activity",
            "quantity",
            "unit",
            "start_date",
            "end_date",
            "supplier",
            "cups",
            "meter",
            "data_quality",
            "status",
            "note",
            "co2e",
            "co2e_market",
            "co2e_biomass",
            "co2e_status",
            "co2e_reason",
            "created_at",
            "updated_at",
        ]
        read_only_fields = [
            "co2e",
            "co2e_market",
            "co2e_biomass",
            "co2e_status",
            "co2e_reason",
        ]


class ConsumptionViewSet(viewsets.ModelViewSet):
    serializer_class = ConsumptionSerializer
    pagination_class = Pages

    def get_queryset(self) -> Any:
        organization = self.request.user.organization
        return Consumption.objects.filter(organization=organization, deleted_at=None)

    @transaction.atomic
    def create(self, request: Any, *args: Any, **kwargs: Any) -> Response:
        return super().create(request, *args, **kwargs)

    def perform_create(self, serializer: Any) -> None:
        serializer.save(organization=self.request.user.organization)
