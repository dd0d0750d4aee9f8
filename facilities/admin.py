"""Facilities in the admin, with their CUPS."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from facilities.models import Facility, SupplyPoint
from organizations.admin import SoftDeleteAdmin


class SupplyPointInline(admin.TabularInline):
    model = SupplyPoint
    fields = ["cups"]
    extra = 1

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).order_by("id")


@admin.register(Facility)
class FacilityAdmin(SoftDeleteAdmin):
    list_display = ["name", "organization", "country", "type", "status", "co2e", "co2e_status"]
    list_filter = ["status", "co2e_status", ("deleted_at", admin.EmptyFieldListFilter), "country"]
    list_select_related = ["organization"]
    search_fields = ["name", "external_id", "address", "supply_points__cups"]
    autocomplete_fields = ["organization"]
    readonly_fields = [*Facility.COMPUTED, "id", "created_at", "updated_at", "deleted_at"]
    inlines = [SupplyPointInline]

    def get_readonly_fields(self, request: HttpRequest, obj: Facility | None = None) -> list[str]:
        """A facility stays in its organization."""
        return [*self.readonly_fields, "organization"] if obj else [*self.readonly_fields]


@admin.register(SupplyPoint)
class SupplyPointAdmin(admin.ModelAdmin):
    list_display = ["cups", "facility", "organization", "released_at"]
    list_select_related = ["facility", "organization"]
    search_fields = ["cups", "facility__name"]
    autocomplete_fields = ["facility"]
    fields = ["facility", "cups"]
