"""The inventory of a year, made to be printed, with closing and opening the year."""

from datetime import date
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404, HttpRequest, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.inventory.data_points import data_points
from emissions.admin.inventory.tables import Links, changes, leading_to_lines, mix, restated
from emissions.admin.links import link, organization_asked, rows_seen, without_figure
from emissions.admin.monthly import BY, monthly
from emissions.admin.period import YEARS_SHOWN, Months
from emissions.ledger.closing import NotNow, close, reopen, restatements
from emissions.models import ClosedPeriod, Emission
from emissions.reports.inventory.report import inventory
from emissions.reports.inventory.workbook import workbook_of
from emissions.reports.periods import Period
from emissions.reports.totals import Question
from organizations.audit.recording import record_export
from organizations.database.snapshot import one_snapshot
from organizations.models import Organization, Role
from organizations.rest.tables import XLSXTable
from organizations.staff import OrganizationFilter, ReadOnly, TenantAdmin
from organizations.tenancy import atomic_with_retry

RESTATED_SHOWN = 50
CHANGES = {"close": close, "reopen": reopen}


@admin.register(ClosedPeriod)
class ClosedPeriodAdmin(ReadOnly, TenantAdmin):
    """Which years were closed and opened again, and the inventory of any year."""

    list_display = ["year", "organization", "closed_at", "closed_by", "reopened_at", "reopened_by"]
    list_filter = [("organization", OrganizationFilter)]
    list_select_related = ["organization"]
    fields = [
        "organization",
        ("year", "its_inventory"),
        ("closed_at", "closed_by"),
        ("reopened_at", "reopened_by"),
    ]
    readonly_fields: Any = ["its_inventory", "closed_at", "reopened_at"]

    @property
    def first_step(self) -> tuple[str, str, str]:
        """What the empty list says, and where it leads."""
        address = reverse("admin:emissions_closedperiod_inventory")
        return (
            gettext("A year is closed on the page of its inventory."),
            gettext("Inventory"),
            address,
        )

    @admin.display(description=_("inventory"))
    def its_inventory(self, row: ClosedPeriod) -> str:
        return link(Links(row.organization, row.year).here, gettext("Open it"))

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.inventory_view)
        return [
            path("inventory/", view, name="emissions_closedperiod_inventory"),
            *super().get_urls(),
        ]

    def inventory_view(self, request: HttpRequest) -> HttpResponseBase:
        """The report of one organization's year, or its workbook; a POST closes or opens the
        year."""
        organizations = rows_seen(Organization, request).order_by("name", "pk")
        organization = organization_asked(request, organizations)
        if organization is None:
            context = {**self._page(request), "organizations": []}
            return TemplateResponse(request, "admin/emissions/inventory.html", context)
        year = _year(request.GET.get("year")) or _usual_year(organization)
        base_year = _year(request.GET.get("base_year"))
        may_close = self._may_close(request, organization)
        if request.method == "POST":
            if not may_close:
                raise PermissionDenied
            return self._change(request, organization, year)
        if request.GET.get("format") == XLSXTable.format:
            with one_snapshot():
                report = inventory(organization, year, base_year)
            query = request.META.get("QUERY_STRING", "")
            record_export(organization.pk, f"inventory-{year}", XLSXTable.format, query=query)
            return workbook_of(report)
        with one_snapshot():
            report = inventory(organization, year, base_year)
            held = list(restatements(organization.pk, year))
            question = Question(organization.pk, Period.of_year(year))
            links = Links(organization, year)
            context = {
                **self._page(request),
                "title": gettext("Inventory {year}").format(year=year),
                "organizations": list(organizations),
                "organization": organization,
                "years": [timezone.localdate().year - back for back in range(YEARS_SHOWN)],
                "year": year,
                "base_year": base_year,
                "report": report,
                "links": links,
                **leading_to_lines(report, links),
                "data_points": list(data_points(report)),
                "changes": changes(report["base_year"]),
                "missing": report["coverage"]["missing"]["count"],
                "without_figure": without_figure(report["missing"], links),
                "mix": mix(report["energy"]["mix"]),
                "monthly": monthly(
                    question.grouped(BY),
                    listed=12,
                    period=Months(date(year, 1, 1), date(year, 12, 1)),
                    organization__id__exact=organization.pk,
                ),
                "may_close": may_close,
                "may_be_closed": year < timezone.localdate().year,
                "restated": restated(held[:RESTATED_SHOWN]),
                "restated_count": len(held),
            }
        return TemplateResponse(request, "admin/emissions/inventory.html", context)

    def _page(self, request: HttpRequest) -> dict[str, Any]:
        return {
            **self.admin_site.each_context(request),
            "title": gettext("Inventory"),
            "content_title": gettext("Inventory"),
        }

    def _may_close(self, request: HttpRequest, organization: Organization) -> bool:
        return self.may(request, Role.ADMIN, ClosedPeriod(organization=organization))

    def _change(
        self, request: HttpRequest, organization: Organization, year: int
    ) -> HttpResponseRedirect:
        what = request.POST.get("what", "")
        try:
            atomic_with_retry(CHANGES[what])(organization.pk, year)
        except KeyError as error:
            raise Http404 from error
        except (NotNow, ValidationError) as error:
            sentence = " ".join(error.messages) if isinstance(error, ValidationError) else error
            messages.error(
                request, gettext("Nothing has been changed. {sentence}").format(sentence=sentence)
            )
        else:
            if what == "close":
                done = gettext("{year} is closed: its figures stay.")
            else:
                done = gettext("{year} is open: it follows its data.")
            messages.success(request, done.format(year=year))
        return HttpResponseRedirect(request.get_full_path())


def _usual_year(organization: Organization) -> int:
    """The newest year before this one that has figures, or else last year."""
    this_year = timezone.localdate().year
    lines = Emission.objects.current().filter(organization=organization)
    before = lines.filter(month__lt=date(this_year, 1, 1)).order_by("-month")
    newest = before.values_list("month", flat=True).first()
    return newest.year if newest else this_year - 1


def _year(text: str | None) -> int | None:
    """A year that was chosen. Raises 404 for what is none."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and Period.is_year(int(text[:5]))):
        raise Http404
    return int(text)
