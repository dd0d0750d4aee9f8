"""Activities, categories and units by their names in forms and filters; codes are what is sent."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter
from unfold.widgets import UnfoldAdminSelect2Widget

from emissions.admin.links import rows_seen
from emissions.models import EmissionFactor
from emissions.names import activity_name, unit_choices
from facilities.categories import ORDER
from facilities.names import category_choices

Choices = list[tuple[str, str]]


def activities(request: HttpRequest) -> Choices:
    """What the factors that somebody sees are for, by category and name."""
    rows = rows_seen(EmissionFactor, request).live().order_by()
    found = sorted(
        rows.values_list("category", "activity").distinct(),
        key=lambda one: (ORDER.index(one[0]), activity_name(one[1]).casefold()),
    )
    return list({activity: activity_name(activity) for _, activity in found}.items())


class ActivitySelect(UnfoldAdminSelect2Widget):
    """Offers what it was given, and what a row or a link says besides."""

    choices: Any

    def optgroups(self, name: str, value: list[str], attrs: dict[str, Any] | None = None) -> Any:
        known = {code for code, _ in self.choices}
        others = [(one, activity_name(one)) for one in value if one and one not in known]
        self.choices = [*self.choices, *others]
        return super().optgroups(name, value, attrs)


class ActivityField(forms.ChoiceField):
    """Any activity: the model says which are known, in the same words as the API."""

    def __init__(self, *, max_length: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)

    def valid_value(self, value: Any) -> bool:
        return True


class NamesCodes:
    """A form with an activity, a category and a unit, which are searched for by their names."""

    new_activities = False
    """Whether one may be typed that no factor has yet."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "activity" and isinstance(db_field, models.CharField):
            kwargs["form_class"] = ActivityField
            kwargs["choices"] = lambda: self._activities(request)  # a copy of the form keeps it
            kwargs["widget"] = ActivitySelect({"data-tags": "true"} if self.new_activities else {})
        elif db_field.name == "category":
            kwargs["choices"] = [("", gettext("Choose")), *category_choices()]
        elif db_field.name == "unit":
            kwargs["choices"] = [("", gettext("Choose")), *unit_choices()]
            kwargs["widget"] = UnfoldAdminSelect2Widget()
        parent: Any = super()
        return parent.formfield_for_dbfield(db_field, request, **kwargs)

    def _activities(self, request: HttpRequest) -> Choices:
        return [("", gettext("The usual one")), *activities(request)]


class NamedFilter(DropdownFilter):
    """Narrows a list to one code of a column, which is chosen by its name."""

    column: str
    names: Callable[[HttpRequest], Choices]

    def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
        return type(self).names(request)

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(**{self.column: self.value()}) if self.value() else queryset


class CategoryFilter(NamedFilter):
    title, column = _("category"), "category"
    parameter_name = "category__exact"
    names = staticmethod(lambda request: category_choices())


class ActivityFilter(NamedFilter):
    title, column = _("activity"), "activity"
    parameter_name = "activity__exact"
    names = staticmethod(activities)
