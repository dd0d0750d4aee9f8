"""Every number leads to the list behind it: addresses of filtered lists."""

from typing import Any
from urllib.parse import urlencode

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html

from emissions.calculation.units import same_dimension
from emissions.models import Consumption, Emission, EmissionFactor
from emissions.reports.missing import MissingKey
from facilities.models import Facility


def rows_seen(model: Any, request: HttpRequest) -> Any:
    """The rows of a model that the user sees on its page of the admin."""
    return admin.site._registry[model].get_queryset(request)


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
