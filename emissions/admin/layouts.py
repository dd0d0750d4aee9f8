"""Saved layouts: how the columns of the files that an organization gets become ours."""

from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.uploads.pages import CHOICES, NAMES, WRITTEN
from emissions.importing.kinds import check_layout
from organizations.models import ImportLayout
from organizations.staff import OrganizationFilter, TenantAdmin

WORDS = ("columns", "constants", "activities", "units")


class LayoutForm(forms.ModelForm):
    """Holds a layout to the rules of the API."""

    class Meta:
        model = ImportLayout
        fields = ["organization", "name", "kind", *WORDS, "decimal", "dates", "sum_by"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        proved = ("", gettext("as the file proves"))
        written = {
            name: [proved, *((one, WRITTEN[one]) for one in styles)]
            for name, styles in CHOICES.items()
        }
        named: dict[str, Any] = {"kind": [("", gettext("Choose")), *NAMES.items()], **written}
        for name in named.keys() & self.fields.keys():  # who may only read has no fields
            field: Any = self.fields[name]
            field.choices = named[name]

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return data
        for name in WORDS:
            data[name] = data[name] or {}
            if not isinstance(data[name], dict):
                self.add_error(name, gettext('Write it like {"quantity": "Consumo (kWh)"}.'))
        if not self.errors:
            errors = check_layout(data["kind"], data)
            if errors:
                raise ValidationError({name: [error] for name, error in errors.items()})
        return data


@admin.register(ImportLayout)
class ImportLayoutAdmin(TenantAdmin):
    """An organization's own layouts; the shipped ones need no row."""

    form = LayoutForm
    list_display = ["name", "kind", "organization", "sum_by", "updated_at"]
    list_filter = [("organization", OrganizationFilter), "kind"]
    list_select_related = ["organization"]
    search_fields = ["name"]
    search_help_text = _("Name")
    autocomplete_fields = ["organization"]
    explained = {
        "columns": _('For each of our columns, theirs, like {"quantity": "Consumo (kWh)"}.'),
        "constants": _('The same in all rows, like {"category": "electricity", "unit": "kWh"}.'),
        "activities": _(
            'For each of their words our activity, like {"Gas": "natural_gas"}, '
            'or with its category: {"Gas": {"category": "heat", "activity": "natural_gas"}}.'
        ),
        "units": _('For each of their words our unit, like {"Kilowatts": "kWh"}.'),
        "decimal": _("How numbers are written. It is used only where a file does not show it."),
        "dates": _("How days are written. It is used only where a file does not show it."),
        "sum_by": _("Whether rows are added up to one bill for each day or month."),
    }
