"""Recalculations too large for a request, with how far they are."""

from typing import Any

from django.contrib import admin
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django_tasks_db.models import DBTaskResult
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from emissions.models import PendingFacility, Recalculation
from organizations.staff import (
    OrganizationFilter,
    ReadOnly,
    ScopedFilter,
    TenantAdmin,
    named,
    number,
)
from organizations.staff.numbers import shown_number

CAUSE = named("cause")
CHANGED = number("consumptions_changed", _("consumptions changed"))

admin.site.unregister(DBTaskResult)  # a recalculation says how far its tasks are


@admin.register(Recalculation)
class RecalculationAdmin(ReadOnly, TenantAdmin):
    """What has changed, who changed it, and how much of it is done."""

    list_display = [
        CAUSE,
        "organization",
        "state",
        "progress",
        CHANGED,
        "started_by",
        "created_at",
    ]
    list_filter = [("organization", OrganizationFilter), ("state", ChoicesDropdownFilter)]
    list_select_related = ["organization"]
    search_fields = ["cause"]
    fields = [
        ("cause", "organization"),
        ("state", "progress"),
        ("consumptions_progress", CHANGED),
        ("started_by", "created_at"),
        ("started_at", "finished_at"),
        "error",
    ]
    readonly_fields: Any = ["progress", "consumptions_progress", CHANGED, "created_at"]
    search_help_text = _("What has changed")

    @admin.display(description=_("facilities done"))
    def progress(self, row: Recalculation) -> str:
        return gettext("{done} of {all}").format(
            done=shown_number(row.facilities_done),
            all=shown_number(row.facilities),
        )

    @admin.display(description=_("consumptions done"))
    def consumptions_progress(self, row: Recalculation) -> str:
        return gettext("{done} of {all}").format(
            done=shown_number(row.consumptions_done),
            all=shown_number(row.consumptions),
        )


@admin.register(PendingFacility)
class PendingFacilityAdmin(ReadOnly, TenantAdmin):
    """What is left of a recalculation."""

    list_display = ["facility", "recalculation", "consumptions"]
    list_filter = [("recalculation", ScopedFilter)]
    list_select_related = ["facility", "recalculation"]
