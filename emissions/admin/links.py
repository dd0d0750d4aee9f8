"""Every number leads to the list behind it: addresses of filtered lists."""

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from emissions.calculation.units import same_dimension
from emissions.models import Consumption, Emission, EmissionFactor
from emissions.names import ALONE
from emissions.reports.missing import MissingKey
from emissions.reports.periods import Period
from emissions.rules import EARLIEST_DAY, LATEST_DAY
from facilities.models import Facility
from organizations.models import Organization


def rows_seen(model: Any, request: HttpRequest) -> Any:
    """The rows of a model that the user sees on its page of the admin."""
    return admin.site._registry[model].get_queryset(request)


def organization_asked(request: HttpRequest, seen: Any) -> Organization | None:
    """The one that a page is asked for, else the first that is seen. Raises 404 for another's."""
    asked = request.GET.get("organization")
    if not asked:
        return seen.first()
    try:
        found = seen.filter(pk=asked).first()
    except ValidationError:
        found = None
    if found is None:
        raise Http404
    return found


def page_of(row: Any) -> str:
    """The page of one row."""
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}_change"
    return reverse(name, args=[row.pk])


def list_of(model: Any, **filters: Any) -> str:
    """The list of a model with these filters set."""
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
    return f"{reverse(name)}?{urlencode(filters)}" if filters else reverse(name)


def facilities_in(country: str) -> str:
    return list_of(Facility, country=country)


def lines_of(facility: Facility | None, **filters: Any) -> str:
    """The current lines of the ledger, of one facility or of all that are seen."""
    if facility is not None:
        filters = {"facility__id__exact": facility.pk, **filters}
    return list_of(Emission, **filters)


def consumption_missing(key: MissingKey) -> str:
    """The consumption that waits for a factor of this key."""
    return list_of(
        Consumption,
        organization__id__exact=key.organization_id,
        co2e_status__exact="not_calculated",
        status__exact="active",
        category__exact=key.category,
        activity__exact=key.activity,
        facility__country=key.country,
        facility__region=key.region,
        missing_on__year=key.year,
        unit__in=",".join(same_dimension(key.unit)),
    )


def new_factor(key: MissingKey, request: HttpRequest) -> str:
    """The form of a new factor filled with the key; nothing for those who may not store one."""
    page: Any = admin.site._registry[EmissionFactor]
    if not page.may_edit_in(request, key.organization_id):
        return ""
    return f"{reverse('admin:emissions_emissionfactor_add')}?{key.as_query()}"


def link(address: str, text: Any) -> str:
    return format_html('<a class="fa-link" href="{}">{}</a>', address, text)


class Behind:
    """Addresses of what stands behind the figures of an organization's days."""

    def __init__(self, organization_id: UUID, period: Period) -> None:
        self._organization = {"organization__id__exact": organization_id}
        self.start, self.end = period.start or EARLIEST_DAY, period.end or LATEST_DAY
        days = {"end_date__gte": self.start, "start_date__lte": self.end}
        self.cut: dict[str, Any] = {
            **self._organization,
            **({} if period.is_of_whole_months() else days),
        }
        """What to ask for besides the month."""
        months = {"month__gte": self.start.replace(day=1), "month__lte": self.end}
        self._filters = {**self.cut, **months}
        self.all = self.lines()

    def lines(self, **chosen: Any) -> str:
        """The ledger's lines with a day of the period and with these values."""
        return lines_of(None, **self._filters, **chosen)

    def without_figure(self, group: dict[str, Any]) -> str:
        """The consumption of a kind and country that has no figure for one reason."""
        return list_of(
            Consumption,
            **self._organization,
            start_date__lte=self.end,
            end_date__gte=self.start,
            category__exact=group["category"],
            activity__exact=group["activity"],
            facility__country=group["country"],
            status__exact="active",
            co2e_status__exact="not_calculated",
            co2e_reason__startswith=f"{group['reason']}:",
        )


def without_figure(groups: Iterable[dict[str, Any]], behind: Behind) -> list[dict[str, Any]]:
    """What has no figure by kind, with why in words and the bills behind it."""
    return [
        {
            **one,
            "why": str(ALONE[one["reason"]]).capitalize(),
            "address": behind.without_figure(one),
        }
        for one in groups
    ]
