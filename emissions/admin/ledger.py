"""The ledger and the sources of factors, to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.timezone import localtime
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from emissions.admin.figures.page import ShowsFigures
from emissions.admin.links import link, page_of
from emissions.admin.monthly import monthly, of_lines
from emissions.admin.named import ActivityFilter, CategoryFilter
from emissions.models import Emission, FactorSource
from emissions.names import unit_name
from emissions.templatetags.fallbacks import fallbacks
from organizations.staff import (
    OrganizationFilter,
    ReadOnly,
    ScopedFilter,
    SuperuserAdmin,
    TenantAdmin,
    in_one_line,
    mass,
    named,
    number,
)
from organizations.staff.numbers import shown_number


class CurrentFilter(DropdownFilter):
    """Lines that count, unless the superseded ones are asked for."""

    title = _("state")
    parameter_name = "state"
    all_option = ["", _("Current")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("superseded", gettext("Superseded")), ("all", gettext("Both"))]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "superseded":
            return queryset.exclude(superseded_at=None)
        return queryset if self.value() == "all" else queryset.filter(superseded_at=None)


class ScopeFilter(DropdownFilter):
    title = _("scope")
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one, gettext("Scope {number}").format(number=one)) for one in "123"]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(scope=self.value()) if self.value() in list("123") else queryset


CATEGORY, ACTIVITY = named("category"), named("activity")
QUANTITY = number("quantity", _("quantity"), unit="unit")
CO2E = mass("co2e", _("CO2e"))
MARKET = mass("co2e_market", _("CO2e, market-based"))
BIOMASS = mass("co2e_biomass", _("Biogenic CO2, outside the scopes"))


@admin.register(Emission)
class EmissionAdmin(ShowsFigures, ReadOnly, TenantAdmin):
    """The ledger: written by the calculation, changed by nobody."""

    list_display = [
        "month_shown",
        "facility",
        CATEGORY,
        ACTIVITY,
        "scope",
        QUANTITY,
        CO2E,
        MARKET,
    ]
    list_display_links = ["month_shown"]
    list_filter = [
        ("organization", OrganizationFilter),
        ("facility", ScopedFilter),
        CategoryFilter,
        ActivityFilter,
        ScopeFilter,
        CurrentFilter,
    ]
    list_select_related = ["facility"]
    fields = [
        ("organization", "facility"),
        "consumption_link",
        ("category", "activity"),
        ("start_date", "end_date"),
        (QUANTITY, "scope"),
        "location_link",
        "market_link",
        (CO2E, MARKET),
        (BIOMASS, "state"),
    ]
    readonly_fields: Any = [
        QUANTITY,
        CO2E,
        MARKET,
        BIOMASS,
        "consumption_link",
        "location_link",
        "market_link",
        "state",
    ]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.monthly_view)
        return [path("monthly/", view, name="emissions_emission_monthly"), *super().get_urls()]

    def monthly_view(self, request: HttpRequest) -> HttpResponse:
        """The chart and table of everything the user sees; the dashboard loads it when it is up."""
        lines = self.get_queryset(request).current()
        context = {
            "monthly": monthly(of_lines(lines)),
            "figures": reverse("admin:emissions_emission_figures"),
        }
        return TemplateResponse(request, "admin/emissions/monthly.html", context)

    @admin.display(description=_("month"), ordering="month")
    def month_shown(self, row: Emission) -> str:
        return in_one_line(f"{row.month:%Y-%m}")

    @admin.display(description=_("state"))
    def state(self, row: Emission) -> str:
        """A ledger: what does not count any more stays in it."""
        said = {"recorded": moment(row.recorded_at), "who": row.superseded_by}
        if row.superseded_at is None:
            return gettext("counts, recorded {recorded}").format(**said)
        said["when"] = moment(row.superseded_at)
        if row.superseded_by:
            return gettext("superseded {when} by {who}, recorded {recorded}").format(**said)
        return gettext("superseded {when}, recorded {recorded}").format(**said)

    @admin.display(description=_("consumption"))
    def consumption_link(self, row: Emission) -> str:
        return link(page_of(row.consumption), row.consumption)

    @admin.display(description=_("location-based factor"))
    def location_link(self, row: Emission) -> str:
        return used(row, "location")

    @admin.display(description=_("market-based factor"))
    def market_link(self, row: Emission) -> str:
        return used(row, "market")


def moment(when: Any) -> str:
    return date_format(localtime(when), "DATETIME_FORMAT")


def used(row: Emission, method: str) -> str:
    """A factor with the value as it was used, and what made it the answer if it is not exact."""
    factor = getattr(row, f"{method}_factor")
    unit = unit_name(getattr(row, f"{method}_unit"))
    value = gettext("{co2e} kg CO2e per {unit}").format(
        co2e=shown_number(getattr(row, f"{method}_value")), unit=unit
    )
    flags = getattr(row, f"{method}_fallbacks")
    why = f" ({fallbacks(flags.split(','))})" if flags else ""
    return format_html(gettext("{}, used with {}{}"), link(page_of(factor), factor), value, why)


@admin.register(FactorSource)
class FactorSourceAdmin(SuperuserAdmin):
    """Everybody reads where factors come from; superusers edit it."""

    list_display = ["id", "title", "licence"]
    search_fields = ["id", "title"]
    search_help_text = _("Id or title")
    labels = {"id": _("Id"), "url": _("Address")}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        """Its id stays: factors and files name it."""
        return ["id"] if obj else []

    explained = {
        "id": _("A short name that stays, such as desnz-2025; files name it."),
        "title": _("Of the publication, as it is cited."),
        "url": _("Where it can be read."),
        "licence": _("Under which its factors may be used."),
        "attribution": _("What its licence asks to be said beside them; the API says it."),
    }

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        return user.is_active and user.is_staff

    has_module_permission = has_view_permission
