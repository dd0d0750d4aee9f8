"""A facility's page with what it emits: its chart, its lines, and what has no figure yet."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.http import HttpRequest, HttpResponse

from emissions.admin.links import lines_of, link, new_factor, page_of
from emissions.admin.monthly import monthly
from emissions.models import CalculationStatus, Consumption, ConsumptionStatus, Emission
from emissions.reports.missing import NO_FACTOR, key_of
from facilities.admin import FacilityAdmin
from facilities.models import Facility
from organizations.history import changes_of
from organizations.staff.numbers import shown_kg

UNCALCULATED = 50


class EmittingFacilityAdmin(FacilityAdmin):
    """The same form, with every figure linked to the lines it is the sum of."""

    change_form_outer_after_template = "admin/emissions/facility_after.html"
    delete_confirmation_template = "admin/emissions/delete_facility.html"
    list_display = [
        "name",
        "organization",
        "country_name",
        "type",
        "status",
        "co2e_linked",
        "completeness",
    ]
    fieldsets = [
        *FacilityAdmin.fieldsets[:1],
        (
            "kg CO2e",
            {"fields": [("co2e_linked", "market_linked"), ("biomass_linked", "completeness")]},
        ),
        *FacilityAdmin.fieldsets[2:],
    ]
    readonly_fields = [
        *FacilityAdmin.readonly_fields,
        "co2e_linked",
        "market_linked",
        "biomass_linked",
        "completeness",
    ]

    @admin.display(description="CO2e, kg", ordering="co2e")
    def co2e_linked(self, row: Facility) -> str:
        return link(lines_of(row), shown_kg(row.co2e))

    @admin.display(description="CO2e, market-based, kg")
    def market_linked(self, row: Facility) -> str:
        return link(lines_of(row), shown_kg(row.co2e_market))

    @admin.display(description="Biogenic CO2, outside the scopes, kg")
    def biomass_linked(self, row: Facility) -> str:
        return link(lines_of(row), shown_kg(row.co2e_biomass))

    @admin.display(description="completeness", ordering="co2e_status")
    def completeness(self, row: Facility) -> str:
        return row.get_co2e_status_display()

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """It takes its consumption along, which the page that asks should say."""
        row = self.get_object(request, unquote(object_id))
        if row is not None:
            bills = Consumption.objects.live().filter(facility=row).count()
            extra_context = {"bills": bills, **(extra_context or {})}
        return super().delete_view(request, object_id, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Facility | None = kwargs.get("obj")
        if obj is not None:
            context["monthly"] = monthly(Emission.objects.current().filter(facility=obj), obj)
            context["uncalculated"] = self.uncalculated(obj, request)
            context["changes"] = changes_of(obj)
        return super().render_change_form(request, context, *args, **kwargs)

    def uncalculated(self, facility: Facility, request: HttpRequest) -> list[dict[str, Any]]:
        """Consumption that ought to count and has no figure, with why and what would help."""
        rows = Consumption.objects.live().filter(
            facility=facility,
            co2e_status=CalculationStatus.NOT_CALCULATED,
            status=ConsumptionStatus.ACTIVE,
            category__in=facility.categories,
        )
        rows = rows.select_related("facility", "organization").order_by("-start_date", "pk")
        return [
            {
                "row": row,
                "address": page_of(row),
                "new_factor": new_factor(key_of(row), request)
                if row.co2e_reason.startswith(NO_FACTOR)
                else "",
            }
            for row in rows[:UNCALCULATED]
        ]


admin.site.unregister(Facility)
admin.site.register(Facility, EmittingFacilityAdmin)
