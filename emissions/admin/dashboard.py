"""The admin's first page: what there is, what it emits, and what is not complete."""

from typing import Any

from django.contrib import admin
from django.db.models import Count, Q
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django_countries import countries

from emissions.admin.links import facilities_in, lines_of, list_of, page_of, rows_seen
from emissions.models import CalculationStatus, Consumption, Recalculation
from facilities.models import Completeness, Facility
from organizations.database.decimals import ExactSum
from organizations.models import Import, Organization
from organizations.staff.numbers import shown_number
from organizations.staff.values.masses import shown_mass

COUNTRIES = 12
RUNS = 5


def dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Adds the figures of what the user sees; every one leads to the list behind it."""
    seen = rows_seen(Facility, request).live().order_by()
    totals = seen.aggregate(
        facilities=Count("pk"),
        co2e=ExactSum("co2e"),
        incomplete=Count("pk", filter=Q(co2e_status=Completeness.INCOMPLETE)),
        recalculating=Count("pk", filter=Q(co2e_status=Completeness.RECALCULATING)),
    )
    organizations = rows_seen(Organization, request).count()
    context["member_of_none"] = not (request.user.is_superuser or organizations)
    by_country = seen.values("country").annotate(facilities=Count("pk"), co2e=ExactSum("co2e"))
    by_country = list(by_country.order_by("-facilities", "country")[: COUNTRIES + 1])
    most = max((one["facilities"] for one in by_country), default=1)
    context["steps"] = [] if totals["co2e"] else first_steps(request, totals["facilities"])
    context["cards"] = [
        {
            "title": gettext("Organizations"),
            "value": shown_number(organizations),
            "address": list_of(Organization),
        },
        {
            "title": gettext("Facilities"),
            "value": shown_number(totals["facilities"]),
            "address": list_of(Facility),
        },
        {
            "title": gettext("CO2e"),
            "value": shown_mass(totals["co2e"] or 0),
            "note": gettext("all periods, location-based"),
            "address": lines_of(None),
        },
        {
            "title": gettext("Incomplete facilities"),
            "value": shown_number(totals["incomplete"]),
            "note": gettext("some consumption there has no factor"),
            "address": list_of(Facility, co2e_status__exact=Completeness.INCOMPLETE),
        },
    ]
    if totals["recalculating"]:
        context["cards"].append(
            {
                "title": gettext("Being recalculated"),
                "value": shown_number(totals["recalculating"]),
                "address": list_of(Facility, co2e_status__exact=Completeness.RECALCULATING),
            }
        )
    if admin.site._registry[Facility].has_add_permission(request) and totals["facilities"]:
        context["daily"] = [
            (gettext("Add a bill"), reverse("admin:emissions_consumption_add")),
            (gettext("Bring in a file"), reverse("admin:emissions_consumption_upload")),
        ]
    context["countries"] = [
        {
            "name": countries.name(one["country"]) or one["country"],
            "facilities": shown_number(one["facilities"]),
            "co2e": shown_mass(one["co2e"]),
            "share": 100 * one["facilities"] // most,
            "address": facilities_in(one["country"]),
        }
        for one in by_country[:COUNTRIES]
    ]
    context["more_countries"] = len(by_country) > COUNTRIES
    context["all_facilities"] = list_of(Facility)
    runs = rows_seen(Recalculation, request).select_related("organization")
    context["runs"] = [
        {"row": run, "address": page_of(run)} for run in runs.order_by("-created_at", "-pk")[:RUNS]
    ]
    imports = rows_seen(Import, request).select_related("organization")
    context["imports"] = [
        {"row": one, "address": page_of(one)} for one in imports.order_by("-pk")[:RUNS]
    ]
    context["all_imports"] = list_of(Import)
    context["all_runs"] = list_of(Recalculation)
    context["incomplete"] = totals["incomplete"]
    context["missing"] = reverse("admin:emissions_consumption_missing")
    context["monthly_address"] = reverse("admin:emissions_emission_monthly")
    return context


def first_steps(request: HttpRequest, facilities: int) -> list[dict[str, Any]]:
    """What leads to a first figure, with what is done already; nothing once there is one."""
    bills = rows_seen(Consumption, request).live()
    if bills.filter(co2e_status=CalculationStatus.CALCULATED).exists():
        return []
    upload = reverse("admin:emissions_consumption_upload")
    writes = admin.site._registry[Facility].has_add_permission(request)
    return [
        {
            "title": gettext("Add your facilities"),
            "text": gettext(
                "A facility is a site that uses energy or water. Add one, or upload a list."
            ),
            "done": facilities > 0,
            "links": [
                (gettext("Add a facility"), reverse("admin:facilities_facility_add")),
                (gettext("Upload facilities"), f"{upload}?kind=facilities"),
            ]
            if writes
            else [],
        },
        {
            "title": gettext("Upload your bills"),
            "text": gettext(
                "A bill says how much was used, where and when. Files of any supplier will do."
            ),
            "done": bills.exists(),
            "links": [
                (gettext("Upload bills"), upload),
                (gettext("Add a bill"), reverse("admin:emissions_consumption_add")),
            ]
            if writes
            else [],
        },
        {
            "title": gettext("See what has no factor yet"),
            "text": gettext(
                "Most bills get their figure at once. This page lists those that wait for one."
            ),
            "done": False,
            "links": [(gettext("Missing factors"), reverse("admin:emissions_consumption_missing"))],
        },
    ]
