"""Consumption with everything that its figures depend on, and the figures, as plain tuples.

One bill and a million take the same path: building model instances would cost more than the
calculation.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.db.models import Q

from emissions.models import Consumption, ConsumptionStatus

LIMIT = Decimal(10) ** 12
"""A stored figure is under 10¹² kg, a gigatonne; more is a mistake in the data."""

INACTIVE, CATEGORY_DISABLED, DELETED = "inactive", "category_disabled", "deleted"


class Kilograms(NamedTuple):
    """Location-based, market-based and biogenic kg."""

    co2e: Decimal = Decimal(0)
    co2e_market: Decimal = Decimal(0)
    co2e_biomass: Decimal = Decimal(0)

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(row.co2e, row.co2e_market, row.co2e_biomass)

    def plus(self, other: "Kilograms") -> "Kilograms":
        return Kilograms(self[0] + other[0], self[1] + other[1], self[2] + other[2])

    def minus(self, other: "Kilograms") -> "Kilograms":
        return Kilograms(self[0] - other[0], self[1] - other[1], self[2] - other[2])

    def too_large(self) -> bool:
        return max(map(abs, self)) >= LIMIT


class Figures(NamedTuple):
    """What is computed of a consumption: the columns of Consumption.COMPUTED."""

    co2e: Decimal | None
    co2e_market: Decimal | None
    co2e_biomass: Decimal | None
    co2e_status: str
    co2e_reason: str
    missing_on: date | None = None


class Bill(NamedTuple):
    """A consumption with everything that its figures depend on but the factors."""

    id: UUID
    organization_id: UUID
    facility_id: UUID
    external_id: str
    category: str
    activity: str
    quantity: Decimal
    unit: str
    start_date: date
    end_date: date
    supplier: str
    status: str
    deleted_at: datetime | None
    country: str
    region: str
    categories: list[str]
    facility_deleted_at: datetime | None
    gwp_set: str
    stored: Figures

    def why_not(self) -> str:
        """Why it does not count whatever the factors, or nothing."""
        if self.deleted_at or self.facility_deleted_at:
            return DELETED
        if self.status != ConsumptionStatus.ACTIVE:
            return INACTIVE
        if self.category not in self.categories:
            return CATEGORY_DISABLED
        return ""


OWN_COLUMNS = Bill._fields[: Bill._fields.index("country")]
COLUMNS = (
    *OWN_COLUMNS,
    "facility__country",
    "facility__region",
    "facility__categories",
    "facility__deleted_at",
    "organization__gwp_set",
    *Consumption.COMPUTED,
)


def bills(condition: Q, at_most: int | None = None) -> list[Bill]:
    """The consumptions that meet a condition, by facility."""
    rows = Consumption.objects.filter(condition).order_by("facility_id", "pk")[:at_most]
    split = len(Bill._fields) - 1
    return [
        Bill._make((*row[:split], Figures._make(row[split:]))) for row in rows.values_list(*COLUMNS)
    ]
