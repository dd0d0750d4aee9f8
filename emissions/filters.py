"""How consumption and emission factors are filtered."""

import django_filters
from django.db.models import Q, QuerySet
from stdnum.es.cups import compact

from emissions.models import (
    UNIT_CHOICES,
    CalculationStatus,
    Consumption,
    ConsumptionStatus,
    DataQuality,
    EmissionFactor,
    Method,
    Recalculation,
    RecalculationState,
)
from facilities.categories import Category
from facilities.filters import without_spaces
from facilities.models import country_code
from organizations.models import GWPSet
from organizations.rest.filters import (
    DayFilter,
    MomentFilter,
    MultiCodeFilter,
    MultiIdFilter,
    MultiValueFilter,
)


class ConsumptionFilter(django_filters.FilterSet):
    facility_id = MultiIdFilter(label="Of this facility; repeatable.")
    category = django_filters.MultipleChoiceFilter(choices=Category.choices)
    activity = MultiValueFilter(label="Equal; repeatable.")
    status = django_filters.MultipleChoiceFilter(choices=ConsumptionStatus.choices)
    co2e_status = django_filters.MultipleChoiceFilter(choices=CalculationStatus.choices)
    cups = MultiValueFilter(normalise=compact, label="Equal; repeatable.")
    meter = MultiValueFilter(normalise=without_spaces, label="Equal; repeatable.")
    supplier = MultiValueFilter(label="Equal; repeatable.")
    external_id = MultiCodeFilter(label="Equal; repeatable.")
    start_date = DayFilter("end_date", "gte", label="Ends on or after this day.")
    end_date = DayFilter("start_date", "lte", label="Starts on or before this day.")
    data_quality = django_filters.MultipleChoiceFilter(choices=DataQuality.choices)
    unit = django_filters.MultipleChoiceFilter(choices=UNIT_CHOICES)
    country = MultiValueFilter(
        field_name="facility__country",
        normalise=country_code,
        label="Of the facility, ISO 3166-1 code; repeatable.",
    )
    created_after = MomentFilter("created_at", "gte", label="At or after.")
    created_before = MomentFilter("created_at", "lte", label="At or before.")
    updated_after = MomentFilter("updated_at", "gte", label="At or after.")
    updated_before = MomentFilter("updated_at", "lte", label="At or before.")

    class Meta:
        model = Consumption
        fields: list[str] = []


class EmissionFactorFilter(django_filters.FilterSet):
    own = django_filters.ChoiceFilter(
        choices=[("true", "true"), ("false", "false")],
        method="by_owner",
        label="true: the organization's own; false: the published ones.",
    )
    category = django_filters.MultipleChoiceFilter(choices=Category.choices)
    activity = MultiValueFilter(label="Equal; repeatable.")
    country = MultiValueFilter(
        normalise=lambda code: country_code(code) if code else "",
        label="ISO 3166-1 code, or empty for the world; repeatable.",
    )
    region = MultiValueFilter(label="Equal; repeatable.")
    supplier = MultiValueFilter(label="Equal; repeatable.")
    method = django_filters.MultipleChoiceFilter(choices=Method.choices)
    gwp_set = django_filters.MultipleChoiceFilter(choices=GWPSet.choices)
    unit = django_filters.MultipleChoiceFilter(choices=UNIT_CHOICES)
    source = MultiValueFilter(field_name="source_id", label="The source's id; repeatable.")
    valid_on = DayFilter(method="on_day", label="Valid on this day.")

    class Meta:
        model = EmissionFactor
        fields: list[str] = []

    def by_owner(self, queryset: QuerySet, name: str, value: str) -> QuerySet:
        return queryset.filter(organization__isnull=value == "false")

    def on_day(self, queryset: QuerySet, name: str, value: object) -> QuerySet:
        return queryset.filter(Q(valid_to=None) | Q(valid_to__gte=value), valid_from__lte=value)


class RecalculationFilter(django_filters.FilterSet):
    state = django_filters.MultipleChoiceFilter(choices=RecalculationState.choices)

    class Meta:
        model = Recalculation
        fields: list[str] = []
