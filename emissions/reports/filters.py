"""What a report of an organization's figures may be asked for."""

from typing import Any
from uuid import UUID

import django_filters
from django.db.models import QuerySet

from emissions.models import Consumption
from emissions.reports.adding import GROUPS
from emissions.reports.moments import AsOfField
from emissions.reports.periods import Period
from emissions.reports.totals import Question
from facilities.categories import Category
from facilities.filters import FacilityFilter
from facilities.models import country_code
from organizations.rest.filters import DayFilter, MultiIdFilter, MultiValueFilter

OF_LINES = "of_lines"


class ReportFilter(FacilityFilter):
    """Whose figures, of what and when: the filters of facilities, and some of what they consume."""

    category = django_filters.MultipleChoiceFilter(
        choices=Category.choices, method=OF_LINES, label="What is consumed; repeatable."
    )
    activity = MultiValueFilter(method=OF_LINES, label="Equal; repeatable.")
    facility_id = MultiIdFilter(method=OF_LINES, label="Of this facility; repeatable.")
    start_date = DayFilter(
        method=OF_LINES, label="From this day on. A line that the period cuts counts by days."
    )
    end_date = DayFilter(method=OF_LINES, label="Up to and with this day.")

    def of_lines(self, queryset: QuerySet, name: str, value: Any) -> QuerySet:
        """These choose among lines, not among facilities."""
        return queryset

    def question(self, organization_id: UUID) -> Question:
        """What was asked. Raises ValidationError when the period ends before it starts."""
        asked = self.form.cleaned_data
        period = Period(asked["start_date"], asked["end_date"]).checked()
        return Question(
            organization_id,
            period,
            asked["category"] or None,
            asked["activity"] or None,
            [int(scope) for scope in asked.get("scope", ())] or None,
            asked["facility_id"] or None,
            self.qs if self.of_facilities() & set(self.data) else None,
            asked["country"] or None if self.of_line("country") else None,
            asked["region"] or None if self.of_line("region") else None,
            asked["type"] or None if self.of_line("type") else None,
            asked.get("as_of"),
        )

    @classmethod
    def of_line(cls, name: str) -> bool:
        return cls.base_filters[name].method == OF_LINES

    @classmethod
    def of_facilities(cls) -> set[str]:
        """The parameters that choose facilities by what they are today."""
        return {name for name in FacilityFilter.base_filters if not cls.of_line(name)}


class AsOfFilter(django_filters.IsoDateTimeFilter):
    """The moment whose figures are asked for."""

    field_class = AsOfField


class TotalsFilter(ReportFilter):
    """Where a line was computed is kept with it: a facility that has moved keeps its past there."""

    country = MultiValueFilter(
        method=OF_LINES, normalise=country_code, label="ISO 3166-1 code; repeatable."
    )
    type = MultiValueFilter(method=OF_LINES, label="Equal; repeatable.")
    region = MultiValueFilter(method=OF_LINES, label="Equal; repeatable.")
    as_of = AsOfFilter(
        method=OF_LINES,
        label="The figures as they stood at this moment; parameters other than country, region and "
        "type choose facilities by what they are today.",
    )
    scope = django_filters.MultipleChoiceFilter(
        choices=[(scope, scope) for scope in "123"],
        method=OF_LINES,
        label="Of the GHG Protocol; repeatable.",
    )
    group_by = django_filters.MultipleChoiceFilter(
        choices=[(key, key) for key in GROUPS],
        method=OF_LINES,
        label="Repeatable; the keys of each item, `category` unless set.",
    )


class MissingFilter(django_filters.FilterSet):
    category = django_filters.MultipleChoiceFilter(choices=Category.choices)
    activity = MultiValueFilter(label="Equal; repeatable.")
    country = MultiValueFilter(
        field_name="facility__country",
        normalise=country_code,
        label="Of the facility, ISO 3166-1 code; repeatable.",
    )
    facility_id = MultiIdFilter(label="Of this facility; repeatable.")

    class Meta:
        model = Consumption
        fields: list[str] = []
