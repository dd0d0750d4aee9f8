"""How import layouts are filtered."""

from typing import Any

import django_filters

from organizations.models import Import, ImportLayout, ImportOutcome
from organizations.rest.filters import ContainsFilter


class ImportFilter(django_filters.FilterSet):
    kind = django_filters.MultipleChoiceFilter(
        method="of_kind", choices=[(one, one) for one in ImportLayout.KINDS]
    )
    status = django_filters.MultipleChoiceFilter("outcome", choices=ImportOutcome.choices)
    file_name = ContainsFilter(label="Contains, in any case.")

    class Meta:
        model = Import
        fields: list[str] = []

    def of_kind(self, queryset: Any, name: str, values: list[str]) -> Any:
        kinds = [one.replace("-", " ") for one in values]
        return queryset.filter(kind__in=[*values, *kinds]) if values else queryset


class ImportLayoutFilter(django_filters.FilterSet):
    name = ContainsFilter(label="Contains, in any case.")
    kind = django_filters.MultipleChoiceFilter(choices=[(one, one) for one in ImportLayout.KINDS])

    class Meta:
        model = ImportLayout
        fields: list[str] = []
