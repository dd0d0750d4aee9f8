"""The rows of the inventory's tables, each figure with the address of what stands behind it."""

from datetime import date
from typing import Any

from django.urls import reverse
from django.utils.translation import gettext

from emissions.admin.inventory.data_points import CARRIERS
from emissions.admin.links import lines_of, list_of, page_of
from emissions.models import Consumption, DataQuality
from facilities.categories import Category
from facilities.models import Facility
from organizations.models import Organization


class Links:
    """Addresses of what stands behind the figures of a year."""

    def __init__(self, organization: Organization, year: int) -> None:
        self._year = year
        self._filters = {
            "organization__id__exact": organization.pk,
            "month__gte": date(year, 1, 1),
            "month__lte": date(year, 12, 31),
        }
        self.all = lines_of(None, **self._filters)
        self.scope_1, self.scope_2, self.scope_3 = (
            lines_of(None, **self._filters, scope=scope) for scope in (1, 2, 3)
        )
        query = f"organization={organization.pk}&year={year}"
        self.here = f"{reverse('admin:emissions_closedperiod_inventory')}?{query}"

    def lines(self, **chosen: Any) -> str:
        """The ledger's lines of the year with these values."""
        return lines_of(None, **self._filters, **chosen)

    def computed_with(self, factor: dict[str, Any], method: str) -> str:
        """The lines that a factor was used for, by a method, with the value that it had."""
        chosen = {
            f"{method}_factor__id__exact": factor["factor_id"],
            f"{method}_value": factor["co2e_per_unit"],
        }
        return self.lines(**chosen)

    def without_figure(self, group: dict[str, Any]) -> str:
        """The consumption of a kind and country that has no figure for one reason."""
        return list_of(
            Consumption,
            organization__id__exact=self._filters["organization__id__exact"],
            start_date__lte=date(self._year, 12, 31),
            end_date__gte=date(self._year, 1, 1),
            category__exact=group["category"],
            activity__exact=group["activity"],
            facility__country=group["country"],
            status__exact="active",
            co2e_status__exact="not_calculated",
            co2e_reason__startswith=f"{group['reason']}:",
        )


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
    return [
        {
            "name": row.external_id or str(row.consumption_id),
            "address": page_of(Consumption(pk=row.consumption_id)),
            "deleted": row.deleted,
            "before": row.before and row.before.co2e,
            "after": row.after and row.after.co2e,
        }
        for row in rows
    ]
