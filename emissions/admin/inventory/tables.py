"""The rows of the inventory's tables, each figure with the address of what stands behind it."""

from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from emissions.admin.inventory.data_points import CARRIERS
from emissions.admin.links import Behind, page_of
from emissions.models import Consumption, DataQuality
from emissions.names import activity_name
from emissions.reports.periods import Period
from facilities.categories import Category
from facilities.models import Facility
from facilities.names import category_name
from organizations.models import Organization
from organizations.staff.local import separators


class Links(Behind):
    """Addresses of what stands behind the figures of a year."""

    def __init__(self, organization: Organization, year: int) -> None:
        super().__init__(organization.pk, Period.of_year(year))
        self.scope_1, self.scope_2, self.scope_3 = (self.lines(scope=one) for one in (1, 2, 3))
        query = f"organization={organization.pk}&year={year}"
        self.here = f"{reverse('admin:emissions_closedperiod_inventory')}?{query}"

    def computed_with(self, factor: dict[str, Any], method: str) -> str:
        """The lines that a factor was used for, by a method, with the value that it had."""
        chosen = {
            f"{method}_factor__id__exact": factor["factor_id"],
            f"{method}_value": factor["co2e_per_unit"],
        }
        return self.lines(**chosen)


def leading_to_lines(report: dict[str, Any], links: Links) -> dict[str, Any]:
    """The rows of the report's tables, each with the addresses of the lines behind its figures."""
    return {
        "fuels": [
            {
                **one,
                "address": links.lines(
                    scope=one["scope"],
                    category__exact=one["category"],
                    activity__exact=one["activity"],
                ),
            }
            for one in report["by_fuel"]
        ],
        "carriers": [
            {
                **one,
                "name": CARRIERS[one["kind"]],
                "percent": one["share"] * 100,
                "address": links.lines(
                    category__exact=one["category"], activity__exact=one["activity"]
                ),
            }
            for one in report["energy"]["mix"]
        ],
        "gases": [
            {
                **one,
                "address": links.lines(
                    category__exact=Category.RECHARGE, activity__exact=one["gas"]
                ),
            }
            for one in report["refrigerants"]
        ],
        "countries": [
            {**one, "address": links.lines(country=one["country"])} for one in report["by_country"]
        ],
        "qualities": [
            {
                **one,
                "name": gettext(DataQuality(one["data_quality"]).label),
                "address": links.lines(data_quality=one["data_quality"]),
            }
            for one in report["data_quality"]
        ],
        "facilities": [
            {
                **one,
                "page": page_of(Facility(pk=one["facility_id"])),
                "address": links.lines(facility__id__exact=one["facility_id"]),
                "scopes": {
                    f"scope_{scope}": links.lines(
                        facility__id__exact=one["facility_id"], scope=scope
                    )
                    for scope in (1, 2)
                },
            }
            for one in report["by_facility"]
        ],
        "factors": [
            {
                **one,
                "not_official": one in report["spain"]["not_official"],
                "at_location": links.computed_with(one, "location"),
                "at_market": links.computed_with(one, "market"),
            }
            for one in report["factors"]
        ],
    }


def changes(base_year: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The change since the base year under each method."""
    if base_year is None:
        return []
    headings = {
        "co2e": gettext("Change since {year}, location-based"),
        "co2e_market": gettext("Change since {year}, market-based"),
    }
    year = base_year["year"]
    return [
        {"id": method, "heading": heading.format(year=year), "base": year, **base_year[method]}
        for method, heading in headings.items()
    ]


def restated(rows: Any) -> list[dict[str, Any]]:
    ids = [row.consumption_id for row in rows]
    known = Consumption.objects.filter(pk__in=ids).select_related("facility").in_bulk()
    bills = [known[pk] for pk in ids]
    return [
        {
            "name": " · ".join(filter(None, [str(bill.facility), str(bill), bill.external_id])),
            "address": page_of(bill),
            "deleted": row.deleted,
            "before": row.before and row.before.co2e,
            "after": row.after and row.after.co2e,
        }
        for row, bill in zip(rows, bills, strict=True)
    ]


def mix(carriers: list[dict[str, Any]]) -> dict[str, Any]:
    """The energy mix as a chart: a bar of MWh for each carrier, coloured by its category."""
    return {
        "labels": [activity_name(one["activity"]) for one in carriers],
        "separators": separators(),
        "unit": "MWh",
        "series": [
            {
                "label": category_name(category),
                "category": category,
                "data": [
                    str(one["mwh"]) if one["category"] == category else None for one in carriers
                ],
            }
            for category in dict.fromkeys(one["category"] for one in carriers)
        ],
    }
