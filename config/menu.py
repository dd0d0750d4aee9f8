"""The menu beside every page of the admin: what leads somewhere for whoever looks at it."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.dataclasses import SearchResult

from emissions.admin.search import rows_found

GROUPS: list[tuple[Any, list[tuple[Any, str, str]]]] = [
    (
        "",
        [
            (_("Facilities"), "factory", "facilities_facility_changelist"),
            (_("Consumption"), "bolt", "emissions_consumption_changelist"),
            (_("Missing factors"), "help", "emissions_consumption_missing"),
            (_("Emissions"), "receipt_long", "emissions_emission_changelist"),
            (_("Figures"), "bar_chart", "emissions_emission_figures"),
            (_("Inventory"), "summarize", "emissions_closedperiod_inventory"),
            (_("Closed years"), "event_busy", "emissions_closedperiod_changelist"),
            (_("Changes"), "manage_history", "emissions_consumption_changes"),
            (_("Bring in a file"), "upload_file", "emissions_consumption_upload"),
            (_("Imports"), "inventory_2", "organizations_import_changelist"),
            (_("Layouts"), "view_column", "organizations_importlayout_changelist"),
            (_("Recalculations"), "sync", "emissions_recalculation_changelist"),
        ],
    ),
    (
        _("Factors"),
        [
            (_("Emission factors"), "function", "emissions_emissionfactor_changelist"),
            (_("Sources"), "menu_book", "emissions_factorsource_changelist"),
        ],
    ),
    (
        _("Access"),
        [
            (_("Organizations"), "corporate_fare", "organizations_organization_changelist"),
            (_("Users"), "group", "organizations_user_changelist"),
            (_("Members"), "group_add", "organizations_membership_members"),
            (_("Memberships"), "badge", "organizations_membership_changelist"),
            (_("API keys"), "key", "organizations_apikey_changelist"),
            (_("Audit"), "history", "organizations_auditevent_changelist"),
            (_("Lock-outs"), "lock", "axes_accessattempt_changelist"),
        ],
    ),
]
"""Group → (title, icon, name of the page)."""


def menu(request: HttpRequest) -> list[dict[str, Any]]:
    """The groups with at least one page that the user may open."""
    pages_of = {
        f"{model._meta.app_label}_{model._meta.model_name}": page
        for model, page in admin.site._registry.items()
    }
    found = [
        reverse(f"admin:{page}")
        for __, pages in GROUPS
        for *__, page in pages
        if request.path.startswith(reverse(f"admin:{page}"))
    ]
    here = max(found, key=len, default=None)
    first = {"title": gettext("Dashboard"), "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"items": [first]}]
    for title, pages in GROUPS:
        items = [
            {"title": str(name), "icon": icon, "link": link, "active": link == here}
            for name, icon, page in pages
            if may_open(pages_of, page, request) and (link := reverse(f"admin:{page}"))
        ]
        if items:
            groups.append({"title": str(title), "separator": bool(title), "items": items})
    return groups


def found(request: HttpRequest, term: str) -> list[SearchResult]:
    """What the search finds besides the lists, which its library finds: our pages, then rows.

    The library gives the text in lower case, and codes have cases.
    """
    asked = " ".join(request.GET.get("s", term).split())
    lists = {reverse(f"admin:{page}") for __, pages in GROUPS for *__, page in pages
             if page.endswith("_changelist")}  # fmt: skip
    pages = [
        SearchResult(
            title=one["title"], description=gettext("Page"), link=one["link"], icon=one["icon"]
        )
        for group in menu(request)
        for one in group["items"]
        if asked.lower() in one["title"].lower() and one["link"] not in lists
    ]
    return [*pages, *rows_found(request, asked)]


def may_open(pages_of: dict[str, Any], name: str, request: HttpRequest) -> bool:
    """Whether a page is of use to the user; one that only fills, to who may add."""
    whose, __, what = name.rpartition("_")
    page = pages_of.get(whose)
    if page is None:
        return False
    allowed = page.has_add_permission if what == "upload" else page.has_view_permission
    if what == "members":
        allowed = page.has_members_permission
    return bool(allowed(request))
