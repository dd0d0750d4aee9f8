"""Scope 2 of each facility and the share of it that logistics counts: × its logistic_factor."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import QuerySet

from emissions.calculation.formula import NOTHING, rounded
from emissions.reports.totals import Question
from facilities.models import Facility

SCOPE_2 = 2
ROWS_AT_ONCE = 2000


class LogisticsRow(NamedTuple):
    """One facility, in kg; the products are rounded half up to the milligram."""

    facility_id: UUID
    external_id: str | None
    name: str
    scope2_location: Decimal
    scope2_market: Decimal
    logistic_factor: Decimal
    logistic_location: Decimal
    logistic_market: Decimal


class LogisticsTotal(NamedTuple):
    """The facilities' figures added up: products are rounded before they are added."""

    scope2_location: Decimal = NOTHING
    scope2_market: Decimal = NOTHING
    logistic_location: Decimal = NOTHING
    logistic_market: Decimal = NOTHING

    def plus(self, row: LogisticsRow) -> "LogisticsTotal":
        return LogisticsTotal._make(
            total + getattr(row, name) for name, total in self._asdict().items()
        )


def logistics(question: Question, facilities: QuerySet[Facility]) -> Iterator[LogisticsRow]:
    """Every one of some facilities, those without scope 2 too, in the order they were created."""
    if question.facility_ids is not None:
        facilities = facilities.filter(pk__in=question.facility_ids)
    scope_2 = replace(question, scopes=[SCOPE_2], facilities=facilities)
    found = {one.keys["facility"]: one.sums for one in scope_2.grouped(["facility"])}
    columns: Any = ("pk", "external_id", "name", "logistic_factor")
    ordered = facilities.order_by("created_at", "pk").values_list(*columns)
    for pk, external_id, name, share in ordered.iterator(ROWS_AT_ONCE):
        sums = found.get(pk)
        location, market = (sums.co2e, sums.co2e_market) if sums else (NOTHING, NOTHING)
        yield LogisticsRow(
            pk,
            external_id or None,
            name,
            location,
            market,
            share,
            rounded(location * share),
            rounded(market * share),
        )
