"""Which factors are missing: uncalculated consumption grouped by the exact key nobody has.

The key is the one of the first day without a factor, which the calculation has stored on the
consumption. That day lacks a location-based factor: where there is one, it stands in for a
market-based one, so none is ever missing alone.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, Count, Max, Min, Q, QuerySet, Value, When
from django.db.models.functions import ExtractYear

from emissions.calculation.formula import convert, rounded
from emissions.calculation.selection import LOCATION
from emissions.calculation.units import UNITS, dimension, ratio
from emissions.models import CalculationStatus, Consumption, ConsumptionStatus, EmissionFactor
from facilities.categories import Category
from organizations.database.decimals import ExactSum

NO_FACTOR, AMBIGUOUS = "no_factor", "ambiguous_factor"
PLACE = ("organization_id", "category", "activity", "facility__country", "facility__region")
NAMES = ("organization__name", "organization__gwp_set")


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
    """A key with what waits for it, and the earliest and the latest day that lacks a factor."""

    key: MissingKey
    organization: str
    dimension: str
    consumptions: int
    facilities: int
    first_day: date
    last_day: date


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


def missing_keys(rows: Any) -> QuerySet:
    """The keys that consumption waits for, those of the most first; read some with `as_missing`."""
    named = Case(*(When(unit=unit, then=Value(dimension(unit))) for unit in UNITS))
    return (
        uncalculated(rows, NO_FACTOR)
        .order_by()
        .values(*PLACE, *NAMES, year=ExtractYear("missing_on"), per=named)
        .annotate(
            any_unit=Min("unit"),
            consumptions=Count("pk"),
            facilities=Count("facility_id", distinct=True),
            first_day=Min("missing_on"),
            last_day=Max("missing_on"),
        )
        .order_by(
            "-consumptions",
            "category",
            "activity",
            "facility__country",
            "facility__region",
            "year",
            "per",
            "organization_id",
        )
    )


def as_missing(row: dict[str, Any]) -> Missing:
    """A row of `missing_keys`."""
    return Missing(
        MissingKey(
            row["organization_id"],
            row["category"],
            row["activity"],
            row["any_unit"],
            row["facility__country"],
            row["facility__region"],
            row["organization__gwp_set"] if row["category"] == Category.RECHARGE else "",
            row["year"],
        ),
        row["organization__name"],
        row["per"],
        row["consumptions"],
        row["facilities"],
        row["first_day"],
        row["last_day"],
    )


def units_instead(found: Iterable[MissingKey]) -> dict[MissingKey, list[str]]:
    """Of keys whose unit no factor of the activity can be converted to: the units that factors of
    it are per. A key whose activity has no factor at all, or one in its own dimension, is not in.
    """
    keys = list(found)
    factors = EmissionFactor.objects.live().filter(
        Q(organization=None) | Q(organization__in={key.organization_id for key in keys}),
        category__in={key.category for key in keys},
        activity__in={key.activity for key in keys},
    )
    known: defaultdict[tuple[Any, ...], set[str]] = defaultdict(set)
    names = ("organization_id", "category", "activity", "unit")
    for organization_id, category, activity, unit in (
        factors.values_list(*names).distinct().order_by()
    ):
        known[organization_id, category, activity].add(unit)
    instead = {}
    for key in keys:
        units = {
            unit
            for whose in (None, key.organization_id)
            for unit in known[whose, key.category, key.activity]
        }
        if units and all(dimension(unit) != dimension(key.unit) for unit in units):
            instead[key] = sorted(units)
    return instead


def quantities(rows: Any, found: Iterable[MissingKey]) -> dict[MissingKey, Decimal]:
    """How much waits for each key, in the key's unit; rounded once, half up, to 6 decimals."""
    waiting = {(*_place(key), key.year, dimension(key.unit)): key for key in found}
    sums = (
        uncalculated(rows, NO_FACTOR)
        .filter(activity__in={key.activity for key in waiting.values()})
        .order_by()
        .values_list(*PLACE, ExtractYear("missing_on"), "unit", ExactSum("quantity"))
    )
    exact = dict.fromkeys(waiting.values(), Fraction())
    for *place, year, unit, used in sums:
        key = waiting.get((*place, year, dimension(unit)))
        if key:
            exact[key] += Fraction(used) * ratio(unit, key.unit)
    return {key: rounded(convert(Decimal(1), quantity)) for key, quantity in exact.items()}


def _place(key: MissingKey) -> tuple[Any, ...]:
    """A key by the columns of PLACE."""
    return key.organization_id, key.category, key.activity, key.country, key.region
