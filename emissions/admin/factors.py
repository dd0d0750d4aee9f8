"""Emission factors in the admin: published ones are superusers' work, own ones their staff's."""

from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import (
    ChoicesDropdownFilter,
    DropdownFilter,
    RelatedDropdownFilter,
)
from unfold.widgets import UnfoldAdminSelect2Widget

from emissions.admin.confirmation import AskingAdmin
from emissions.admin.named import ActivityFilter, CategoryFilter, NamesCodes
from emissions.admin.search import mentioned
from emissions.models import EmissionFactor
from emissions.names import place_name, unit_name
from facilities.admin import CountryFilter, country_choices
from organizations.history import changes_of
from organizations.staff import (
    DeletedFilter,
    OrganizationFilter,
    in_one_line,
    named,
    organizations_of,
    plain,
)
from organizations.staff.cells import day
from organizations.staff.forms import RowForm
from organizations.staff.numbers import shown_number

ACTIVITY, CATEGORY = named("activity"), named("category")


class YearFilter(DropdownFilter):
    """Factors that are valid on a day of a year."""

    title = _("valid in")
    parameter_name = "year"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        newest = timezone.now().year + 1
        return [(str(year), str(year)) for year in range(newest, newest - 20, -1)]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        year = self.value()
        if year not in dict(self.lookup_choices):
            return queryset
        first, last = date(int(year), 1, 1), date(int(year), 12, 31)
        ends = Q(valid_to=None) | Q(valid_to__gte=first)
        return queryset.filter(ends, valid_from__lte=last)


class FactorForm(RowForm):
    """What follows from the category may be left empty."""

    country = forms.ChoiceField(
        label=_("Country"),
        required=False,
        widget=UnfoldAdminSelect2Widget,
        help_text=_("Where it applies. A country's own factor is used before a worldwide one."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "country" in self.fields:
            country: Any = self.fields["country"]
            country.choices = country_choices(gettext("Worldwide"))
        for name in ("activity", "scope", "co2e_biomass"):
            if name in self.fields:
                self.fields[name].required = False
        if "scope" in self.fields:
            scope: Any = self.fields["scope"]
            scope.empty_value = None  # then it follows from the category

    def clean_co2e_biomass(self) -> Any:
        return self.cleaned_data["co2e_biomass"] or 0


@admin.register(EmissionFactor)
class EmissionFactorAdmin(NamesCodes, AskingAdmin):
    """Saving one recalculates every consumption it applied to or applies to now."""

    new_activities = True

    class Media:
        js = ["emissions/activity.js"]

    form = FactorForm
    list_display = [
        ACTIVITY,
        CATEGORY,
        "place",
        "period",
        "value_figure",
        "method_shown",
        "source_name",
        "whose",
    ]
    list_filter = [
        ("organization", OrganizationFilter),
        CategoryFilter,
        ActivityFilter,
        CountryFilter,
        YearFilter,
        ("method", ChoicesDropdownFilter),
        ("source", RelatedDropdownFilter),
        DeletedFilter,
    ]
    list_select_related = ["organization"]
    search_fields = ["activity"]  # and what `mentioned` says
    search_help_text = _("Activity, country, region, supplier, reference or year")
    autocomplete_fields = ["organization", "source"]
    readonly_preprocess_fields = {"co2e": plain, "co2e_biomass": plain}
    labels = {
        "co2e": _("CO2e, kg"),
        "co2e_biomass": _("Biogenic CO2, kg"),
        "source_ref": _("Reference"),
    }
    explained = {
        "organization": _(
            "The organization that it belongs to. Leave it empty to publish it to "
            "every organization."
        ),
        "category": _("What kind of consumption it is for."),
        "activity": _(
            "What is used. Choose one or type a new one; leave it empty for grid "
            "electricity and for water supply."
        ),
        "region": _("Only for a part of the country, such as a state or a grid."),
        "supplier": _("Only for the electricity of one supplier, by the market-based method."),
        "method": _("For electricity only. Leave it empty for location-based."),
        "gwp_set": _(
            "The IPCC report that the global warming potentials are from. A refrigerant needs one."
        ),
        "unit": _("The CO2e is per one of these."),
        "valid_from": _("The first day that it is for."),
        "valid_to": _("The last day that it is for. Leave it empty if there is no end yet."),
        "co2e": _("Per unit, from fossil carbon, with up to 10 decimals."),
        "co2e_biomass": _("Per unit, from plants, reported apart from the scopes. Empty is 0."),
        "scope": _("The scope of the GHG Protocol. Leave it empty for the category's usual one."),
        "source": _("Who published it, with licence and attribution."),
        "source_ref": _("Where in the source it stands, such as a table or a page."),
        "note": _("A remark for your colleagues. The API shows it too."),
    }
    kept_for_next = (
        *("organization", "category", "activity", "country", "region", "method", "supplier"),
        *("gwp_set", "unit", "source"),
    )
    readonly_fields = ["id", "created_at", "updated_at", "deleted_at"]
    fieldsets: Any = [
        (
            _("What it is for"),
            {
                "fields": [
                    "organization",
                    ("category", "activity"),
                    ("country", "region"),
                    ("method", "supplier"),
                    "gwp_set",
                    ("valid_from", "valid_to"),
                ]
            },
        ),
        (_("What it says"), {"fields": [("co2e", "unit"), ("co2e_biomass", "scope")]}),
        (_("Where it is from"), {"fields": [("source", "source_ref"), "note"]}),
        (
            _("Record"),
            {"classes": ["collapse"], "fields": ["id", "created_at", "updated_at", "deleted_at"]},
        ),
    ]
    change_form_outer_before_template = "admin/emissions/factor_before.html"
    change_form_outer_after_template = "admin/organizations/changes.html"

    def visible(self, queryset: Any, request: HttpRequest) -> QuerySet[EmissionFactor]:
        """The published ones and those of the user's organizations."""
        if request.user.is_superuser:
            return queryset
        mine = organizations_of(request.user, self.view_role)
        return queryset.filter(Q(organization=None) | Q(organization__in=mine))

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """By the words that pages show, as in the search beside every page."""
        found, _ = super().get_search_results(request, queryset, "")
        for word in search_term.split():
            found = found.filter(mentioned(word))
        return found, False

    def may(self, request: HttpRequest, role: str, row: Any = None) -> bool:
        if row is not None and not row.own:
            seen = role == self.view_role and super().may(request, role)
            return seen or bool(request.user.is_superuser)
        return super().may(request, role, row)

    def may_edit_in(self, request: HttpRequest, organization_id: UUID) -> bool:
        """Whether the user may store a factor of an organization."""
        return self.may(request, self.edit_role, EmissionFactor(organization_id=organization_id))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change=change, **kwargs)
        if "organization" in form.base_fields and not request.user.is_superuser:
            form.base_fields["organization"].required = True
            form.base_fields["organization"].help_text = gettext(
                "The organization that it belongs to."
            )
        return form

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.fieldsets[:-1]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """Deleting and restoring show what they do first, one factor at a time."""
        actions = super().get_actions(request)
        return {
            name: one
            for name, one in actions.items()
            if name not in ("delete_selected", "restore_selected")
        }

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        if kwargs.get("obj") is not None:
            context["changes"] = changes_of(kwargs["obj"])
        return super().render_change_form(request, context, *args, **kwargs)

    @admin.display(description=_("place"), ordering="country")
    def place(self, row: EmissionFactor) -> str:
        return capfirst(place_name(row.country, row.region))

    @admin.display(description=_("period"), ordering="valid_from")
    def period(self, row: EmissionFactor) -> str:
        return in_one_line(f"{day(row.valid_from)} – {day(row.valid_to) if row.valid_to else '…'}")

    @admin.display(description=_("CO2e per unit, kg"), ordering="co2e")
    def value_figure(self, row: EmissionFactor) -> str:
        return gettext("{co2e} per {unit}").format(
            co2e=shown_number(row.co2e), unit=unit_name(row.unit)
        )

    @admin.display(description=_("method"), ordering="method")
    def method_shown(self, row: EmissionFactor) -> str | None:
        return " · ".join(filter(None, [row.get_method_display(), row.supplier])) or None

    @admin.display(description=_("organization"), ordering="organization__name")
    def whose(self, row: EmissionFactor) -> str:
        return str(row.organization or gettext("published"))

    @admin.display(description=_("source"), ordering="source")
    def source_name(self, row: EmissionFactor) -> str | None:
        """Its short name: the titles are long."""
        return row.source_id
