"""The tables of a period's figures: each with the lines behind every row, and its file."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any, NamedTuple
from urllib.parse import urlencode

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.links import Behind, page_of
from emissions.names import activity_name, place_name
from emissions.reports.adding import Group
from emissions.reports.totals import Question
from facilities.models import Facility
from facilities.names import category_name

FACILITIES_SHOWN = 25

TABLES: dict[str, Sequence[str]] = {
    "scopes": ["scope"],
    "months": ["month", "category"],
    "kinds": ["scope", "category", "activity"],
    "countries": ["country"],
    "facilities": ["facility"],
}
"""Table → what it is grouped by, as `/v1/emissions` calls it."""

HOW_GOOD: dict[str, tuple[Any, dict[str, str]]] = {
    "exact": (_("With exactly the factor that was asked for"), {"location_fallbacks__exact": ""}),
    "earlier_year": (
        _("With a factor of an earlier year"),
        {"location_fallbacks__contains": "earlier_year"},
    ),
    "wider": (
        _("With a factor of a wider area"),
        {"location_fallbacks__regex": "wider_region|world"},
    ),
    "estimated": (_("From estimated consumption"), {"data_quality__exact": "estimated"}),
}
"""What coverage tells apart → what it is called, and the filter of its lines."""


class Files(NamedTuple):
    """The addresses of what a table says as a file."""

    csv: str
    xlsx: str


def files_of(asked: dict[str, Any]) -> dict[str, Files]:
    """The files of every table, for what the page is asked."""
    return {
        name: Files(
            *(f"?{urlencode({**asked, 'table': name, 'format': one})}" for one in Files._fields)
        )
        for name in TABLES
    }


def scopes(kinds: Iterable[Group], behind: Behind) -> list[dict[str, Any]]:
    """Scope 1, scope 2 under both methods, scope 3, and the totals under both."""
    found = {
        (scope, method): sum(
            (getattr(one.sums, method) for one in kinds if one.keys["scope"] == scope), Decimal(0)
        )
        for scope in (1, 2, 3)
        for method in ("co2e", "co2e_market")
    }
    return [
        {"name": name, "kg": found[scope, method], "address": behind.lines(scope=scope)}
        for name, scope, method in (
            (_("Scope 1: fuels burnt and refrigerants"), 1, "co2e"),
            (_("Scope 2, location-based"), 2, "co2e"),
            (_("Scope 2, market-based"), 2, "co2e_market"),
            (_("Scope 3: water"), 3, "co2e"),
        )
    ]


def coverage_rows(coverage: dict[str, dict[str, Any]], behind: Behind) -> list[dict[str, Any]]:
    return [
        {"name": name, **coverage[kind], "address": behind.lines(**of_lines)}
        for kind, (name, of_lines) in HOW_GOOD.items()
    ]


def by_kind(kinds: Iterable[Group], behind: Behind) -> dict[str, Any]:
    return {
        "id": "kinds",
        "title": gettext("By fuel, gas and network"),
        "headings": [gettext("Scope"), gettext("Category"), gettext("Activity")],
        "rows": [
            {
                "names": [
                    {"text": one.keys["scope"]},
                    {"text": category_name(one.keys["category"])},
                    {"text": activity_name(one.keys["activity"])},
                ],
                "sums": one.sums,
                "address": behind.lines(
                    scope=one.keys["scope"],
                    category__exact=one.keys["category"],
                    activity__exact=one.keys["activity"],
                ),
            }
            for one in kinds
        ],
    }


def by_country(question: Question, behind: Behind) -> dict[str, Any]:
    return {
        "id": "countries",
        "title": gettext("By country"),
        "headings": [gettext("Country")],
        "rows": [
            {
                "names": [{"text": place_name(one.keys["country"])}],
                "sums": one.sums,
                "address": behind.lines(country=one.keys["country"]),
            }
            for one in question.grouped(TABLES["countries"])
        ],
    }


def by_facility(question: Question, behind: Behind, page: int) -> dict[str, Any]:
    """Some facilities, those that emit most first; deleted ones too."""
    every = sorted(
        question.grouped(TABLES["facilities"]),
        key=lambda one: (-one.sums.co2e, one.keys["facility"]),
    )
    start = (page - 1) * FACILITIES_SHOWN
    shown = every[start : start + FACILITIES_SHOWN]
    facilities = Facility.objects.in_bulk([one.keys["facility"] for one in shown])
    return {
        "id": "facilities",
        "title": gettext("By facility"),
        "headings": [gettext("Facility"), gettext("Country")],
        "rows": [
            {
                "names": [
                    {"text": facility.name, "address": page_of(facility)},
                    {"text": place_name(facility.country)},
                ],
                "sums": one.sums,
                "address": behind.lines(facility__id__exact=facility.pk),
            }
            for one in shown
            for facility in [facilities[one.keys["facility"]]]
        ],
        "first": start + 1,
        "last": start + len(shown),
        "count": len(every),
        "before": page - 1 if start else None,
        "after": page + 1 if start + len(shown) < len(every) else None,
    }
