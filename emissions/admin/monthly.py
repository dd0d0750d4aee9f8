"""What is emitted by month and category: what the charts draw and the tables under them say."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from emissions.admin.links import lines_of
from emissions.admin.period import DRAWN, Months, usual
from emissions.reports.adding import Group, Grouped, Lines
from facilities.categories import Category
from facilities.models import Facility
from facilities.names import category_name
from organizations.staff.local import separators
from organizations.staff.values.masses import shown_mass, unit_for

BY = ("month", "category")


def of_lines(lines: Any) -> Iterable[Group]:
    """What `monthly` takes, of any lines."""
    return Grouped(Lines(lines), BY, {})


def monthly(
    groups: Iterable[Group],
    facility: Facility | None = None,
    listed: int = DRAWN,
    period: Months | None = None,
    **filters: Any,
) -> dict[str, Any]:
    """Groups BY month and category; `rows` newest first, each number with its lines' address.

    `filters` are of the list of lines, the same that chose the groups. The chart shows every month
    of the period, with a gap where nothing is; the table the newest `listed` that have figures.
    """
    sums: dict[str, dict[str, Decimal]] = {}
    for keys, found, _ in groups:
        sums.setdefault(keys["month"], {})[keys["category"]] = found.co2e
    period = period or usual(sorted(sums))
    axis = list(period)
    months = [month for month in axis if month in sums]
    used = [one for one in Category if any(one in sums[month] for month in months)]
    total = sum((sum(sums[month].values(), Decimal(0)) for month in months), Decimal(0))
    return {
        "chart": {
            "labels": axis,
            "separators": separators(),
            "unit": unit_for(sum(sums[month].values(), Decimal(0)) for month in months),
            "series": [
                {
                    "label": category_name(category),
                    "category": str(category),
                    "data": [
                        str(sums[month][category]) if category in sums.get(month, {}) else None
                        for month in axis
                    ],
                }
                for category in used
            ],
        },
        "period": {"first": axis[0], "last": axis[-1]},
        "total": shown_mass(total),
        "categories": [category_name(category) for category in used],
        "rows": [
            {
                "month": month,
                "cells": [
                    {
                        "value": shown_mass(sums[month].get(category)),
                        "address": lines_of(
                            facility,
                            **filters,
                            month=f"{month}-01",
                            category__exact=category,
                        ),
                    }
                    for category in used
                ],
                "total": shown_mass(sum(sums[month].values(), Decimal(0))),
                "address": lines_of(facility, **filters, month=f"{month}-01"),
            }
            for month in months[: -listed - 1 : -1]
        ],
        "any": bool(sums),
        "earlier": sum(month < axis[0] for month in sums) + max(len(months) - listed, 0),
        "later": sum(month > axis[-1] for month in sums),
        "after": lines_of(facility, **filters, month__gt=f"{axis[-1]}-01"),
        "all": lines_of(facility, **filters),
    }
