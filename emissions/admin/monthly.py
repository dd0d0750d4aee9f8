"""Kg CO2e by month and category: what the charts draw and the tables under them say."""

from decimal import Decimal
from typing import Any

from emissions.admin.links import lines_of
from emissions.reports.totals import grouped, groups
from facilities.categories import Category
from facilities.models import Facility
from organizations.staff.numbers import shown_number

MONTHS = 24
"""The newest so many months are drawn."""


def monthly(
    lines: Any, facility: Facility | None = None, listed: int = MONTHS, **filters: Any
) -> dict[str, Any]:
    """The current lines summed; `rows` newest first, each number with its lines' address.

    `filters` are of the list of lines, the same that chose these.
    The chart shows `MONTHS`, the table `listed` of them, rounded to 100 g.
    """
    sums: dict[str, dict[str, Decimal]] = {}
    for keys, found in groups(grouped(lines, ["month", "category"])):
        sums.setdefault(keys["month"], {})[keys["category"]] = found.co2e
    months = sorted(sums)[-MONTHS:]
    used = [one for one in Category if any(one in sums[month] for month in months)]
    return {
        "chart": {
            "labels": months,
            "series": [
                {
                    "label": category.label,
                    "category": str(category),
                    "data": [str(sums[month].get(category, 0)) for month in months],
                }
                for category in used
            ],
        },
        "categories": [category.label for category in used],
        "rows": [
            {
                "month": month,
                "cells": [
                    {
                        "value": shown_number(sums[month].get(category), 1),
                        "address": lines_of(
                            facility,
                            **filters,
                            month=f"{month}-01",
                            category__exact=category,
                        ),
                    }
                    for category in used
                ],
                "total": shown_number(sum(sums[month].values(), Decimal(0)), 1),
                "address": lines_of(facility, **filters, month=f"{month}-01"),
            }
            for month in months[: -listed - 1 : -1]
        ],
        "earlier": len(sums) - min(len(months), listed),
        "all": lines_of(facility, **filters),
    }
