"""Which factors are missing: uncalculated consumption grouped by the exact key nobody has.

The key is the one of the first day without a factor, which the calculation has stored on the
consumption. That day lacks a location-based factor: where there is one, it stands in for a
market-based one, so none is ever missing alone.
"""

from datetime import date
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, Count, Min, QuerySet, Value, When
from django.db.models.functions import ExtractYear

from emissions.calculation.selection import LOCATION
from emissions.calculation.units import UNITS, dimension
from emissions.models import CalculationStatus, Consumption, ConsumptionStatus
from facilities.categories import Category

NO_FACTOR, AMBIGUOUS = "no_factor", "ambiguous_factor"


class MissingKey(NamedTuple):
    """What a factor would have to be for, so that the consumption behind it gets a figure."""

    organization_id: UUID
    category: str
    activity: str
    unit: str
    country: str
    region: str
    gwp_set: str
    year: int

    @property
    def method(self) -> str:
        """Only electricity has methods."""
        return LOCATION if self.category == Category.ELECTRICITY else ""

    def as_factor(self) -> dict[str, Any]:
        """The fields of a new factor of exactly this key, for its year."""
        return {
            "organization": self.organization_id,
            "category": self.category,
            "activity": self.activity,
            "country": self.country,
            "region": self.region,
            "method": self.method,
            "gwp_set": self.gwp_set,
            "unit": self.unit,
            "valid_from": date(self.year, 1, 1),
            "valid_to": date(self.year, 12, 31),
        }

    def as_query(self) -> str:
        """The same as a query string, for a form to start with."""
        return urlencode({name: value for name, value in self.as_factor().items() if value != ""})


class Missing(NamedTuple):
    """A key with what waits for it."""

    key: MissingKey
    organization: str
    dimension: str
    consumptions: int
    facilities: int


def uncalculated(rows: Any, reason: str) -> QuerySet[Consumption]:
    """Those of some consumptions that ought to have a figure, and have none for this reason."""
    return rows.live().filter(
        co2e_status=CalculationStatus.NOT_CALCULATED,
        status=ConsumptionStatus.ACTIVE,
        co2e_reason__startswith=f"{reason}:",
    )


def key_of(row: Consumption) -> MissingKey:
    """The key that one consumption misses; read it with its facility and organization.

    Another one may come to light once it is there: of a bill over New Year, the second year's.
    """
    return MissingKey(
        row.organization_id,
        row.category,
        row.activity,
        row.unit,
        row.facility.country,
        row.facility.region,
        row.organization.gwp_set if row.category == Category.RECHARGE else "",
        (row.missing_on or row.start_date).year,
    )


def missing_keys(rows: Any, limit: int) -> list[Missing]:
    """The keys that most consumption waits for, those of the most first."""
    named = Case(*(When(unit=unit, then=Value(dimension(unit))) for unit in UNITS))
    groups = (
        uncalculated(rows, NO_FACTOR)
        .order_by()
        .values(
            "organization_id",
            "organization__name",
            "organization__gwp_set",
            "category",
            "activity",
            "facility__country",
            "facility__region",
            year=ExtractYear("missing_on"),
            per=named,
        )
        .annotate(
            unit=Min("unit"),
            consumptions=Count("pk"),
            facilities=Count("facility_id", distinct=True),
        )
        .order_by("-consumptions", "category", "activity", "facility__country", "year")
    )
    return [
        Missing(
            MissingKey(
                one["organization_id"],
                one["category"],
                one["activity"],
                one["unit"],
                one["facility__country"],
                one["facility__region"],
                one["organization__gwp_set"] if one["category"] == Category.RECHARGE else "",
                one["year"],
            ),
            one["organization__name"],
            one["per"],
            one["consumptions"],
            one["facilities"],
        )
        for one in groups[:limit]
    ]
