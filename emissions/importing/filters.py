"""How import layouts are filtered."""

import django_filters

from organizations.models import ImportLayout
from organizations.rest.filters import ContainsFilter


class ImportLayoutFilter(django_filters.FilterSet):
    name = ContainsFilter(label="Contains, in any case.")
    kind = django_filters.MultipleChoiceFilter(choices=[(one, one) for one in ImportLayout.KINDS])

    class Meta:
        model = ImportLayout
        fields: list[str] = []
