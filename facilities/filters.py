"""How facilities are filtered."""

import django_filters
from django.db.models import QuerySet
from stdnum.es.cups import compact

from facilities.categories import COMBINATIONS, Category
from facilities.models import (
    Completeness,
    Facility,
    FacilityStatus,
    Meter,
    SupplyPoint,
    country_code,
)
from organizations.rest.filters import (
    INCLUDE_DELETED,
    ContainsFilter,
    MomentFilter,
    MultiCodeFilter,
    MultiValueFilter,
)

LIMIT = 10**12
"""Co2e in kg fits 12 digits before the point."""

kilograms = {"min_value": -LIMIT, "max_value": LIMIT, "max_digits": 18, "decimal_places": 6}


def without_spaces(code: str) -> str:
    return "".join(code.split())


class FacilityFilter(django_filters.FilterSet):
    name = ContainsFilter(label="Contains, whatever the case and the accents.")
    country = MultiValueFilter(normalise=country_code, label="ISO 3166-1 code; repeatable.")
    type = MultiValueFilter(label="Equal; repeatable.")
    status = django_filters.MultipleChoiceFilter(choices=FacilityStatus.choices)
    category = django_filters.MultipleChoiceFilter(
        choices=Category.choices, method="with_category", label="Enabled there; repeatable."
    )
    cups = MultiValueFilter(
        field_name="supply_points__cups",
        normalise=compact,
        method="with_cups",
        label="Has this CUPS; repeatable.",
    )
    meter = MultiValueFilter(
        field_name="meters__code",
        normalise=without_spaces,
        method="with_meter",
        label="Has this meter; repeatable.",
    )
    external_id = MultiCodeFilter(label="Equal; repeatable.")
    region = MultiValueFilter(label="Equal; repeatable.")
    co2e_status = django_filters.MultipleChoiceFilter(choices=Completeness.choices)
    created_after = MomentFilter("created_at", "gte", label="At or after.")
    created_before = MomentFilter("created_at", "lte", label="At or before.")
    updated_after = MomentFilter("updated_at", "gte", label="At or after.")
    updated_before = MomentFilter("updated_at", "lte", label="At or before.")
    co2e_min = django_filters.NumberFilter("co2e", "gte", label="kg CO2e or more.", **kilograms)
    co2e_max = django_filters.NumberFilter("co2e", "lte", label="kg CO2e or less.", **kilograms)

    class Meta:
        model = Facility
        fields: list[str] = []

    def with_category(self, queryset: QuerySet, name: str, values: list[str]) -> QuerySet:
        if not values:
            return queryset
        enabling = [one for one in COMBINATIONS if set(values) & set(one.split(","))]
        return queryset.filter(categories__in=enabling)

    def with_cups(self, queryset: QuerySet, name: str, values: list[str]) -> QuerySet:
        if not values:
            return queryset
        points = self.held(SupplyPoint.objects.filter(cups__in=values))
        return queryset.filter(pk__in=points.values("facility_id"))

    def with_meter(self, queryset: QuerySet, name: str, values: list[str]) -> QuerySet:
        if not values:
            return queryset
        meters = self.held(Meter.objects.filter(code__in=values))
        return queryset.filter(pk__in=meters.values("facility_id"))

    def held(self, points: QuerySet) -> QuerySet:
        """The points that facilities have; deleted ones have released theirs, and had them."""
        with_deleted = self.data.get(INCLUDE_DELETED) == "true"
        return points if with_deleted else points.filter(released_at=None)
