"""A facility's page with what it emits: its chart, its lines, and what has no figure yet."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.db.models import Exists, OuterRef
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.bills.days import coverage_of
from emissions.admin.bills.kept import of_deleted
from emissions.admin.bills.listed import by_category
from emissions.admin.links import lines_of, link, new_factor, page_of
from emissions.admin.monthly import monthly, of_lines
from emissions.admin.previews.effects import AsksAboutEffect
from emissions.ledger.effects import Effect, effect_of_facility
from emissions.models import CalculationStatus, Consumption, ConsumptionStatus, Emission
from emissions.reports.missing import NO_FACTOR, key_of, units_instead
from facilities.admin import FacilityAdmin
from facilities.models import Facility
from organizations.history import changes_of
from organizations.staff.lists import Listing
from organizations.staff.values.masses import shown_mass

UNCALCULATED = 50
LISTED = 6
"""So many months are in the table under the chart."""


class FacilityListing(Listing):
    """With whether there is any bill: what is nothing yet is no 0 kg that is complete."""

    def get_queryset(self, *args: Any, **kwargs: Any) -> Any:
        bills = Consumption.objects.live().filter(
            facility=OuterRef("pk"), organization=OuterRef("organization")
        )
        return super().get_queryset(*args, **kwargs).annotate(has_bills=Exists(bills))


class EmittingFacilityAdmin(AsksAboutEffect, FacilityAdmin):
    """The same form, with every figure linked to the lines it is the sum of."""

    change_form_outer_before_template = "admin/emissions/bills/facility_top.html"
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
    fieldsets = [*FacilityAdmin.fieldsets[:1], *FacilityAdmin.fieldsets[2:]]
    figures_depend_on = ("country", "region", "categories")

    def effect_of(self, stored: Facility, wanted: Facility) -> Effect:
        names = ("type", *self.figures_depend_on)
        return effect_of_facility(stored, {name: getattr(wanted, name) for name in names})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return FacilityListing

    @admin.display(description=_("CO2e"), ordering="co2e")
    def co2e_linked(self, row: Facility) -> str:
        if not row.has_bills:  # type: ignore[attr-defined]
            return "–"
        return link(lines_of(row), shown_mass(row.co2e))

    @admin.display(description=_("completeness"), ordering="co2e_status")
    def completeness(self, row: Facility) -> str:
        if not row.has_bills:  # type: ignore[attr-defined]
            return gettext("No bills yet")
        return row.get_co2e_status_display()

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """It takes its consumption along, which the page that asks should say."""
        row = self.get_object(request, unquote(object_id))
        if row is not None:
            bills = Consumption.objects.live().filter(facility=row).count()
            kept = of_deleted(row, facility=row)
            extra_context = {"bills": bills, **kept, **(extra_context or {})}
        return super().delete_view(request, object_id, extra_context)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Facility | None = kwargs.get("obj")
        if obj is not None:
            lines = Emission.objects.current().filter(facility=obj)
            context["monthly"] = monthly(of_lines(lines), obj, LISTED)
            context["lines"] = lines_of(obj)
            context["bills"] = by_category(obj)
            context["has_bills"] = any(part.bills for part in context["bills"])
            asked = request.GET.get("coverage", "")
            context["coverage"] = coverage_of(obj, asked, timezone.localdate())
            bills: Any = self.admin_site._registry[Consumption]
            context["may_add_bills"] = not obj.deleted_at and bills.may_add_at(request, obj)
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
        found = [
            (row, key_of(row) if row.co2e_reason.startswith(NO_FACTOR) else None)
            for row in rows[:UNCALCULATED]
        ]
        instead = units_instead(key for _, key in found if key)
        return [
            {
                "row": row,
                "address": page_of(row),
                "new_factor": new_factor(key, request) if key else "",
                "units_instead": instead.get(key) if key else None,
            }
            for row, key in found
        ]


admin.site.unregister(Facility)
admin.site.register(Facility, EmittingFacilityAdmin)
