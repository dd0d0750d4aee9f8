"""Consumption in the admin: what is used where, how its figures come about, what is missing."""

from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.contrib.filters.admin import ChoicesDropdownFilter

from emissions.admin.bills.after import form_after
from emissions.admin.bills.explained import steps
from emissions.admin.bills.figure import said_of_stored, typed
from emissions.admin.bills.kept import of_deleted
from emissions.admin.changes.page import changes_page
from emissions.admin.links import consumption_missing, lines_of, link, new_factor, page_of
from emissions.admin.named import ActivityFilter, CategoryFilter, NamesCodes
from emissions.admin.uploads.pages import Uploads
from emissions.ledger.recalculation import lock_facilities
from emissions.models import Consumption
from emissions.names import ALONE
from emissions.reports.figures import explanation
from emissions.reports.missing import (
    AMBIGUOUS,
    NO_FACTOR,
    as_missing,
    key_of,
    missing_keys,
    uncalculated,
    units_instead,
)
from facilities.models import Facility
from organizations.history import changes_of
from organizations.staff import (
    DeletedFilter,
    OrganizationFilter,
    ScopedFilter,
    SoftDeleteAdmin,
    in_one_line,
    mass,
    named,
    number,
    plain,
)
from organizations.staff.cells import day
from organizations.staff.forms import RowForm
from organizations.staff.values.masses import shown_mass
from organizations.tenancy import pass_gate

SHOWN_KEYS = 200

CATEGORY, ACTIVITY = named("category"), named("activity")
QUANTITY = number("quantity", _("quantity"), unit="unit")
CO2E = mass("co2e", _("CO2e"))
MARKET = mass("co2e_market", _("CO2e, market-based"))
BIOMASS = mass("co2e_biomass", _("Biogenic CO2, outside the scopes"))


class ConsumptionForm(RowForm):
    """A bill is its facility's organization's; electricity and water have a usual activity."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "activity" in self.fields:
            self.fields["activity"].required = False

    def clean(self) -> Any:
        facility = self.cleaned_data.get("facility")
        if facility is not None:
            self.instance.organization_id = facility.organization_id
        return super().clean()


@admin.register(Consumption)
class ConsumptionAdmin(NamesCodes, SoftDeleteAdmin):
    form = ConsumptionForm
    list_display = [
        "period",
        "facility",
        CATEGORY,
        ACTIVITY,
        QUANTITY,
        CO2E,
        "state",
    ]
    list_display_links = ["period"]
    list_filter = [
        ("organization", OrganizationFilter),
        ("facility", ScopedFilter),
        CategoryFilter,
        ActivityFilter,
        ("co2e_status", ChoicesDropdownFilter),
        ("status", ChoicesDropdownFilter),
        DeletedFilter,
    ]
    list_select_related = ["facility"]
    sortable_by = ["period", QUANTITY, CO2E]
    search_fields = ["external_id", "facility__name__mentions", "cups", "meter"]
    search_help_text = _("Your own code, facility, CUPS or meter")
    autocomplete_fields = ["facility"]
    readonly_preprocess_fields = {"quantity": plain}
    explained = {
        "facility": _("The site where it was used."),
        "category": _("It must be one that the facility counts."),
        "activity": _("What was used. Leave it empty for grid electricity and for water supply."),
        "quantity": _("In the unit beside it. Only an adjustment may be negative."),
        "unit": _("The unit on the bill. It is converted for you."),
        "supplier": _("Who sold the electricity. Leave it empty for everything else."),
        "cups": _("The supply point on the bill. It must be one of the facility's."),
        "meter": _("Any other meter on the bill. It must be one of the facility's."),
        "data_quality": _(
            "Actual: read or billed. Estimated: until the real bill comes. "
            "Adjustment: corrects an earlier bill."
        ),
        "status": _("An inactive bill is kept, but it does not count."),
        "external_id": _("Your own code for this bill. No other bill may have the same code."),
        "note": _("A remark for your colleagues."),
    }
    fieldsets: Any = [
        (
            None,
            {
                "fields": [
                    "facility",
                    ("category", "activity"),
                    ("quantity", "unit"),
                    ("start_date", "end_date"),
                    ("cups", "meter"),
                    "supplier",
                    ("data_quality", "status"),
                    ("external_id", "note"),
                ]
            },
        ),
        (
            _("Emissions"),
            {"fields": [("co2e_linked", MARKET), (BIOMASS, "state")]},
        ),
        (
            _("Record"),
            {
                "classes": ["collapse"],
                "fields": ["organization", "id", "created_at", "updated_at", "deleted_at"],
            },
        ),
    ]
    readonly_fields = [
        "organization",
        "co2e_linked",
        MARKET,
        BIOMASS,
        "state",
        "id",
        "created_at",
        "updated_at",
        "deleted_at",
    ]
    delete_confirmation_template = "admin/emissions/bills/delete.html"
    change_form_after_template = "admin/emissions/bills/typed.html"
    change_form_outer_after_template = "admin/emissions/consumption_after.html"

    class Media:
        js = ["emissions/activity.js", "emissions/bill.js"]

    def next_form(self, row: Consumption) -> str:
        return form_after(row)

    def answered(
        self, request: HttpRequest, row: Consumption, answer: HttpResponse
    ) -> HttpResponse:
        self.say_figure(request, row)
        return super().answered(request, row, answer)

    def may_add_at(self, request: HttpRequest, facility: Facility) -> bool:
        """Whether the user may store a bill of a facility."""
        row = Consumption(organization_id=facility.organization_id)
        return self.may(request, self.edit_role, row)

    def hold(self, row: Consumption) -> None:
        """Whoever writes a bill has locked its facility."""
        pass_gate(row.organization_id)
        stored = Consumption.objects.filter(pk=row.pk).values_list("facility_id", flat=True)
        lock_facilities({row.facility_id, *stored})

    def say_figure(self, request: HttpRequest, row: Consumption) -> None:
        """What has been stored emits, or why that is not known, and what is odd about it."""
        said = said_of_stored(row)
        if said.figure:
            messages.success(request, said.figure)
        if said.reason:
            messages.warning(
                request,
                said.reason
                if said.figure
                else gettext("It has no figure. {reason}").format(reason=said.reason),
            )
        for one in said.warnings:
            messages.warning(request, gettext("Stored, but look at the {one}").format(one=one))

    def figure_view(self, request: HttpRequest) -> HttpResponse:
        """The figure of a bill as it has been typed so far, for beside its form; stores nothing."""
        row = self.get_object(request, request.POST.get("_row", "")) or None
        if not (
            self.has_change_permission(request, row) if row else self.has_add_permission(request)
        ):
            raise PermissionDenied
        context = typed(self, request, row)
        return render(request, "admin/emissions/bills/typed_body.html", context)

    def get_fieldsets(self, request: HttpRequest, obj: Consumption | None = None) -> Any:
        return super().get_fieldsets(request, obj) if obj else self.fieldsets[:1]

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.missing_view)
        return [
            path(
                "changes/",
                self.admin_site.admin_view(partial(changes_page, self)),
                name="emissions_consumption_changes",
            ),
            path("missing/", view, name="emissions_consumption_missing"),
            path(
                "figure/",
                self.admin_site.admin_view(require_POST(self.figure_view)),
                name="emissions_consumption_figure",
            ),
            *Uploads(self.admin_site).urls(),
            *super().get_urls(),
        ]

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """The list behind a missing key is filtered by where the facility is."""
        where = ("facility__country", "facility__region")
        return lookup in where or super().lookup_allowed(lookup, value, request)

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        obj: Consumption | None = kwargs.get("obj")
        if obj is not None:
            context["explanation"] = explanation(obj)
            context["steps"] = steps(context["explanation"]["lines"])
            context["changes"] = changes_of(obj)
            if obj.co2e_reason.startswith(NO_FACTOR):
                key = key_of(obj)
                context["new_factor"] = new_factor(key, request)
                context["units_instead"] = units_instead([key]).get(key)
        return super().render_change_form(request, context, *args, **kwargs)

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: Any = None) -> Any:
        """What leaves the figures with it, and what a closed year keeps."""
        row = self.get_object(request, unquote(object_id))
        if row is not None:
            extra_context = {**of_deleted(row, consumption=row), **(extra_context or {})}
        return super().delete_view(request, object_id, extra_context)

    def missing_view(self, request: HttpRequest) -> HttpResponse:
        """Uncalculated consumption by the key that no factor has, biggest first."""
        seen = self.get_queryset(request)
        found = [as_missing(row) for row in missing_keys(seen, NO_FACTOR)[: SHOWN_KEYS + 1]]
        instead = units_instead(one.key for one in found)
        ambiguous = uncalculated(seen, AMBIGUOUS).select_related("facility")
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Missing factors"),
            "content_title": gettext("Missing factors"),
            "rows": [
                {
                    "missing": one,
                    "behind": consumption_missing(one.key),
                    "new_factor": new_factor(one.key, request),
                    "units_instead": instead.get(one.key),
                }
                for one in found[:SHOWN_KEYS]
            ],
            "more": len(found) > SHOWN_KEYS,
            "ambiguous": [
                {"row": row, "address": page_of(row)} for row in ambiguous.order_by("pk")[:50]
            ],
        }
        return TemplateResponse(request, "admin/emissions/missing.html", context)

    @admin.display(description=_("period"), ordering="start_date")
    def period(self, row: Consumption) -> str:
        return in_one_line(f"{day(row.start_date)} – {day(row.end_date)}")

    @admin.display(description=_("state"), ordering="co2e_status")
    def state(self, row: Consumption) -> str:
        """Whether it has a figure, and if not, the first word on why."""
        why = str(ALONE.get(row.co2e_reason.split(":")[0], ""))
        return why.capitalize() or row.get_co2e_status_display()

    @admin.display(description=_("CO2e, location-based"))
    def co2e_linked(self, row: Consumption) -> str:
        if row.co2e is None:
            return "–"
        return link(lines_of(None, consumption__id__exact=row.pk), shown_mass(row.co2e))
