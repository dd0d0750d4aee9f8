"""The pages of facilities; emissions.admin adds what they emit."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_countries import countries
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget, UnfoldAdminSelect2Widget

from facilities.admin.points import MeterInline, SupplyPointInline
from facilities.categories import Category
from facilities.exports import FORMATS, FacilityTable
from facilities.models import Facility, FacilityStatus
from facilities.names import category_choices, country_name
from organizations.audit.recording import record_export
from organizations.database.postgresql.connections import long_job
from organizations.staff import (
    DeletedFilter,
    OrganizationFilter,
    SoftDeleteAdmin,
    plain,
)
from organizations.staff.forms import RowForm
from organizations.tenancy import pass_gate


def country_choices(blank: str) -> list[tuple[str, str]]:
    """Every country by its name, after what stands for none."""
    return [("", blank), *((code, f"{name} ({code})") for code, name in countries)]


class CountryFilter(DropdownFilter):
    title = _("country")
    parameter_name = "country"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return country_choices("")[1:]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(country=self.value()) if self.value() else queryset


class FacilityForm(RowForm):
    country = forms.ChoiceField(label=_("Country"), widget=UnfoldAdminSelect2Widget)
    categories = forms.MultipleChoiceField(
        label=_("Categories"),
        choices=category_choices,
        required=False,
        initial=Category.values,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text=_("Only these are counted here. Bills of others are not accepted."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "country" in self.fields:
            country: Any = self.fields["country"]
            country.choices = country_choices(gettext("Choose a country"))


class FacilityAdmin(SoftDeleteAdmin):
    """Sites: edited, archived, deleted and brought back, exported."""

    form = FacilityForm
    list_display = [
        "name",
        "organization",
        "country_name",
        "type",
        "status",
        "co2e",
        "co2e_status",
    ]
    list_filter = [
        ("organization", OrganizationFilter),
        CountryFilter,
        ("status", ChoicesDropdownFilter),
        ("co2e_status", ChoicesDropdownFilter),
        DeletedFilter,
    ]
    list_select_related = ["organization"]
    search_fields = [
        "name__mentions",
        "external_id",
        "address",
        "supply_points__cups",
        "meters__code",
    ]
    search_help_text = _("Name, your own code, address, CUPS or meter")
    autocomplete_fields = ["organization"]
    readonly_preprocess_fields = {"logistic_factor": plain}
    explained = {
        "organization": _("The organization that it belongs to. This cannot be changed later."),
        "external_id": _("Your own code for it. No other facility may have the same code."),
        "type": _("What it is: office, warehouse, factory …"),
        "country": _("Emission factors of this country are used."),
        "region": _(
            "Only where a part of the country has factors of its own, such as eGRID:CAMX "
            "for California's grid."
        ),
        "status": _("An archived facility is still listed and still counts."),
        "logistic_factor": _(
            "The share of its scope 2 emissions that the logistics report counts, from 0 to 1."
        ),
    }
    kept_for_next = ("organization", "type", "country", "region")
    inlines = [SupplyPointInline, MeterInline]
    actions = [
        "delete_selected",
        "archive_selected",
        "activate_selected",
        "restore_selected",
        "export_csv",
        "export_xlsx",
    ]
    fieldsets: Any = [
        (
            None,
            {
                "fields": [
                    "organization",
                    "name",
                    ("external_id", "status"),
                    "type",
                    ("country", "region"),
                    "address",
                    "categories",
                    "logistic_factor",
                ]
            },
        ),
        (
            _("Emissions, kg CO2e"),
            {"fields": [("co2e", "co2e_market"), ("co2e_biomass", "co2e_status")]},
        ),
        (
            _("Record"),
            {
                "classes": ["collapse"],
                "fields": ["id", "created_at", "updated_at", "deleted_at"],
            },
        ),
    ]
    readonly_fields: Any = [*Facility.COMPUTED, "id", "created_at", "updated_at", "deleted_at"]

    def hold(self, row: Facility) -> None:
        pass_gate(row.organization_id)
        super().hold(row)

    def get_readonly_fields(self, request: HttpRequest, obj: Facility | None = None) -> Any:
        """A facility stays in its organization."""
        return [*self.readonly_fields, "organization"] if obj else [*self.readonly_fields]

    def get_fieldsets(self, request: HttpRequest, obj: Facility | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.fieldsets[:1]

    @admin.display(description=_("country"), ordering="country")
    def country_name(self, row: Facility) -> str:
        return country_name(row.country)

    def set_status(
        self, request: HttpRequest, queryset: QuerySet[Facility], status: FacilityStatus
    ) -> None:
        done = 0
        for row in queryset.exclude(status=status):
            if not self.has_change_permission(request, row):
                self.message_user(
                    request,
                    gettext("{row} is not yours to change.").format(row=row),
                    messages.ERROR,
                )
                continue
            row.status = status
            row.save(update_fields=["status"])
            done += 1
        self.message_user(
            request, gettext("{count} are {status} now.").format(count=done, status=status)
        )

    @admin.action(description=_("Archive selected facilities"), permissions=["change"])
    def archive_selected(self, request: HttpRequest, queryset: QuerySet[Facility]) -> None:
        self.set_status(request, queryset, FacilityStatus.ARCHIVED)

    @admin.action(description=_("Make selected facilities active"), permissions=["change"])
    def activate_selected(self, request: HttpRequest, queryset: QuerySet[Facility]) -> None:
        self.set_status(request, queryset, FacilityStatus.ACTIVE)

    @admin.action(description=_("Export selected facilities as CSV"), permissions=["view"])
    def export_csv(self, request: HttpRequest, queryset: QuerySet[Facility]) -> HttpResponse:
        return self.export(queryset, "csv")

    @admin.action(description=_("Export selected facilities as XLSX"), permissions=["view"])
    def export_xlsx(self, request: HttpRequest, queryset: QuerySet[Facility]) -> HttpResponse:
        return self.export(queryset, "xlsx")

    @long_job()
    def export(self, queryset: QuerySet[Facility], kind: str) -> HttpResponse:
        """The selection as a file with the API's field names; lists are separated by |."""
        rows = queryset.select_related("organization").prefetch_related("supply_points", "meters")
        for organization_id in sorted(set(rows.values_list("organization_id", flat=True))):
            record_export(organization_id, "facilities", kind)
        file_format = FORMATS[kind]()
        table = FacilityTable().export(queryset=rows)
        return HttpResponse(
            file_format.export_data(table),
            content_type=file_format.get_content_type(),
            headers={"Content-Disposition": f'attachment; filename="facilities.{kind}"'},
        )


admin.site.register(Facility, FacilityAdmin)
