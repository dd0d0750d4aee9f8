"""Factors, consumption and the ledger in the admin."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from emissions.models import (
    Consumption,
    Emission,
    EmissionFactor,
    FactorSource,
    PendingFacility,
    Recalculation,
)
from organizations.admin import SoftDeleteAdmin


class ReadOnlyAdmin(admin.ModelAdmin):
    """What the service writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(FactorSource)
class FactorSourceAdmin(admin.ModelAdmin):
    list_display = ["id", "title", "licence"]
    search_fields = ["id", "title"]


@admin.register(EmissionFactor)
class EmissionFactorAdmin(SoftDeleteAdmin):
    """Saving one recalculates every consumption it applied to or applies to now."""

    list_display = [
        "activity",
        "country",
        "region",
        "supplier",
        "method",
        "gwp_set",
        "valid_from",
        "valid_to",
        "co2e",
        "unit",
        "organization",
    ]
    list_filter = ["category", "method", "source", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization", "source"]
    search_fields = ["activity", "country", "region", "supplier"]
    autocomplete_fields = ["organization", "source"]
    readonly_fields = ["id", "created_at", "updated_at", "deleted_at"]


@admin.register(Consumption)
class ConsumptionAdmin(SoftDeleteAdmin):
    list_display = [
        "facility",
        "category",
        "activity",
        "quantity",
        "unit",
        "start_date",
        "end_date",
        "co2e",
        "co2e_status",
    ]
    list_filter = ["category", "co2e_status", "status", ("deleted_at", admin.EmptyFieldListFilter)]
    list_select_related = ["facility"]
    search_fields = ["external_id", "facility__name", "cups"]
    autocomplete_fields = ["facility"]
    readonly_fields = [
        "organization",
        *Consumption.COMPUTED,
        "id",
        "created_at",
        "updated_at",
        "deleted_at",
    ]


@admin.register(Emission)
class EmissionAdmin(ReadOnlyAdmin):
    """The ledger, to read."""

    list_display = [
        "month",
        "facility",
        "activity",
        "scope",
        "co2e",
        "co2e_market",
        "superseded_at",
    ]
    list_filter = ["category", "scope", ("superseded_at", admin.EmptyFieldListFilter)]
    list_select_related = ["facility"]
    search_fields = ["facility__name", "activity"]


@admin.register(Recalculation)
class RecalculationAdmin(ReadOnlyAdmin):
    """How far the recalculations are that were too much for a request."""

    list_display = [
        "cause",
        "organization",
        "started_by",
        "state",
        "facilities_done",
        "facilities",
        "consumptions_changed",
        "created_at",
        "finished_at",
    ]
    list_filter = ["state"]
    list_select_related = ["organization"]


@admin.register(PendingFacility)
class PendingFacilityAdmin(ReadOnlyAdmin):
    """What is left of a recalculation."""

    list_display = ["facility", "recalculation", "consumptions"]
    list_select_related = ["facility", "recalculation"]
