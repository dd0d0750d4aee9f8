"""The ledger and the sources of factors, to read."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import path
from unfold.contrib.filters.admin import ChoicesDropdownFilter, DropdownFilter

from emissions.admin.links import link, page_of
from emissions.admin.monthly import monthly
from emissions.models import Emission, FactorSource
from organizations.numbers import shown_number
from organizations.staff import (
    OrganizationFilter,
    ReadOnly,
    ScopedFilter,
    SuperuserAdmin,
    TenantAdmin,
)


class CurrentFilter(DropdownFilter):
    """Lines that count, unless the superseded ones are asked for."""

    title = "state"
    parameter_name = "state"
    all_option = ["", "Current"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("superseded", "Superseded"), ("all", "Both")]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        if self.value() == "superseded":
            return queryset.exclude(superseded_at=None)
        return queryset if self.value() == "all" else queryset.filter(superseded_at=None)


class ScopeFilter(DropdownFilter):
    title = "scope"
    parameter_name = "scope"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one, f"Scope {one}") for one in "123"]

    def queryset(self, request: HttpRequest, queryset: Any) -> Any:
        return queryset.filter(scope=self.value()) if self.value() in list("123") else queryset


@admin.register(Emission)
class EmissionAdmin(ReadOnly, TenantAdmin):
    """The ledger: written by the calculation, changed by nobody."""

    list_display = [
        "month_shown",
        "facility",
        "category",
        "activity",
        "scope",
        "quantity_shown",
        "co2e",
        "co2e_market",
        "superseded_at",
    ]
    list_display_links = ["month_shown"]
    list_filter = [
        ("organization", OrganizationFilter),
        ("facility", ScopedFilter),
        ("category", ChoicesDropdownFilter),
        ScopeFilter,
        CurrentFilter,
    ]
    list_select_related = ["facility"]
    fields = [
        ("organization", "facility"),
        "consumption_link",
        ("category", "activity", "scope"),
        ("start_date", "end_date", "month"),
        "quantity_shown",
        ("location_link", "location_value", "location_unit", "location_fallbacks"),
        ("market_link", "market_value", "market_unit", "market_fallbacks"),
        ("co2e", "co2e_market", "co2e_biomass"),
        ("recorded_at", "superseded_at"),
    ]
    readonly_fields = ["quantity_shown", "consumption_link", "location_link", "market_link"]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.monthly_view)
        return [path("monthly/", view, name="emissions_emission_monthly"), *super().get_urls()]

    def monthly_view(self, request: HttpRequest) -> HttpResponse:
        """The chart and table of everything the user sees; the dashboard loads it when it is up."""
        context = monthly(self.get_queryset(request).current(), listed=12)
        return TemplateResponse(request, "admin/emissions/monthly.html", {"monthly": context})

    @admin.display(description="month", ordering="month")
    def month_shown(self, row: Emission) -> str:
        return f"{row.month:%Y-%m}"

    @admin.display(description="quantity", ordering="quantity")
    def quantity_shown(self, row: Emission) -> str:
        return f"{shown_number(row.quantity)} {row.unit}"

    @admin.display(description="consumption")
    def consumption_link(self, row: Emission) -> str:
        return link(page_of(row.consumption), row.consumption)

    @admin.display(description="location-based factor")
    def location_link(self, row: Emission) -> str:
        return link(page_of(row.location_factor), row.location_factor)

    @admin.display(description="market-based factor")
    def market_link(self, row: Emission) -> str:
        return link(page_of(row.market_factor), row.market_factor)


@admin.register(FactorSource)
class FactorSourceAdmin(SuperuserAdmin):
    """Everybody reads where factors come from; superusers edit it."""

    list_display = ["id", "title", "licence"]
    search_fields = ["id", "title"]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        user: Any = request.user
        return user.is_active and user.is_staff

    has_module_permission = has_view_permission
