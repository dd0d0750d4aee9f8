"""The page of figures: an organization's totals, chart and tables of any period, and files."""

from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext

from emissions.admin.figures.picker import PeriodForm
from emissions.admin.figures.tables import (
    TABLES,
    by_country,
    by_facility,
    by_kind,
    coverage_rows,
    files_of,
    scopes,
)
from emissions.admin.links import Behind, organization_asked, rows_seen, without_figure
from emissions.admin.monthly import BY, monthly
from emissions.admin.period import LONGEST, YEARS_SHOWN, Months
from emissions.models import Emission
from emissions.reports.periods import Period
from emissions.reports.totals import HOW_GOOD, Question, table_of, total_and_coverage
from organizations.audit.recording import record_export
from organizations.database.snapshot import one_snapshot
from organizations.models import Organization
from organizations.rest.tables import CSVTable, XLSXTable, as_file
from organizations.staff.cells import day

REFUSED = 422
PAGE = "admin/emissions/figures.html"


class ShowsFigures:
    """The part of the ledger's admin that has this page."""

    admin_site: Any

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.figures_view)
        inherited: list[Any] = super().get_urls()  # type: ignore[misc]
        return [path("figures/", view, name="emissions_emission_figures"), *inherited]

    def figures_view(self, request: HttpRequest) -> HttpResponseBase:
        """What one organization emitted in a period, or one table of it as a file."""
        organizations = rows_seen(Organization, request).order_by("name", "pk")
        organization = organization_asked(request, organizations)
        form = PeriodForm(request.GET)
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("Figures"),
            "content_title": gettext("Figures"),
            "organizations": list(organizations),
            "organization": organization,
            "form": form,
            "years": _years(),
        }
        if organization is None:
            return TemplateResponse(request, PAGE, context)
        if not form.is_valid():
            context |= {"wrong": form.sentences(), **form.cleaned_data}
            return TemplateResponse(request, PAGE, context, status=REFUSED)
        period = form.period() or Period.of_year(_usual_year(organization))
        question = Question(organization.pk, period)
        if "table" in request.GET:
            return _file(request, question)
        with one_snapshot():
            context |= _shown(question, form.cleaned_data["page"] or 1)
        here = {"organization": organization.pk, **form.asked(period)}
        files = files_of(here)
        for table in context["tables"]:
            table["files"] = files[table["id"]]
        year = here.get("year") or here["start_date"].year
        context |= {
            "period": period,
            "name": form.name_of(period),
            "year": year,
            "quarter": here.get("quarter"),
            "years": _years(year),
            "files": files,
            "here": urlencode(here),
            "inventory": _inventory(here),
        }
        return TemplateResponse(request, PAGE, context)


def _shown(question: Question, page: int) -> dict[str, Any]:
    """The figures; read them in one snapshot."""
    behind = Behind(question.organization_id, question.period)
    kinds = list(question.grouped(TABLES["kinds"], HOW_GOOD))
    total, coverage = total_and_coverage(question, kinds)
    axis = Months(behind.start.replace(day=1), behind.end.replace(day=1))
    months = monthly(question.grouped(BY), listed=LONGEST, period=axis, **behind.cut)
    months["period"] = {"first": day(behind.start), "last": day(behind.end)}
    return {
        "total": total,
        "coverage": coverage,
        "behind": behind,
        "scopes": scopes(kinds, behind),
        "how_good": coverage_rows(coverage, behind),
        "without_figure": without_figure(question.kinds_without_figure(), behind),
        "monthly": months,
        "tables": [
            by_kind(kinds, behind),
            by_country(question, behind),
            by_facility(question, behind, page),
        ],
    }


def _file(request: HttpRequest, question: Question) -> HttpResponseBase:
    """A table as `/v1/emissions` gives it for the same groups. Raises 404 for what is none."""
    name, kind = request.GET["table"], request.GET.get("format", CSVTable.format)
    if name not in TABLES or kind not in (CSVTable.format, XLSXTable.format):
        raise Http404
    query = request.META.get("QUERY_STRING", "")
    record_export(question.organization_id, f"emissions-{name}", kind, query=query)
    return as_file(kind, f"emissions-{name}", *table_of(question, TABLES[name]))


def _usual_year(organization: Organization) -> int:
    """The newest year up to this one that has figures, or else this one."""
    today = timezone.localdate()
    lines = Emission.objects.current().filter(organization=organization, month__lte=today)
    newest = lines.order_by("-month").values_list("month", flat=True).first()
    return newest.year if newest else today.year


def _years(chosen: int | None = None) -> list[int]:
    this_year = timezone.localdate().year
    years = {this_year - back for back in range(YEARS_SHOWN)}
    return sorted(years | ({chosen} if chosen else set()), reverse=True)


def _inventory(asked: dict[str, Any]) -> str:
    """The inventory of a year, where the page shows one."""
    if "year" not in asked or "quarter" in asked:
        return ""
    return f"{reverse('admin:emissions_closedperiod_inventory')}?{urlencode(asked)}"
