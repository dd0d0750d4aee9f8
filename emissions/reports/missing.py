"""Which factors are missing, or one too many: uncalculated consumption grouped by its exact key.

The key is the one of the first day without a factor, which the calculation has stored on the
consumption. Without a factor (`no_factor`), that day lacks a location-based one: where there is
one, it stands in for a market-based one, so none is ever missing alone. Where several fit equally
(`ambiguous_factor`) either method may have them, and the day is the bill's first.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import reduce
from operator import or_
from typing import Any, NamedTuple
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Case, Count, Max, Min, Q, QuerySet, Value, When
from django.db.models.functions import Coalesce, ExtractYear

from emissions.calculation.formula import convert, rounded
from emissions.calculation.selection import LOCATION, MARKET
from emissions.calculation.units import UNITS, dimension, ratio
from emissions.ledger.bills import PERIOD_CLOSED
from emissions.models import CalculationStatus, Consumption, ConsumptionStatus, EmissionFactor
from facilities.categories import Category
from organizations.database.decimals import ExactSum

NO_FACTOR, AMBIGUOUS = "no_factor", "ambiguous_factor"
TIED_MARKET = f"{AMBIGUOUS}: more than one market-based"
"""How the reason begins where the factors that fit equally are market-based."""

WITHOUT_FIGURE = (NO_FACTOR, AMBIGUOUS, PERIOD_CLOSED)
"""Why what counts may have no figure: a factor is missing, one is too many, or it came too late."""

DAY = Coalesce("missing_on", "start_date")
"""The day that a key is of: of a tie, which stores none, the first of the bill."""

AN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
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
    method: str
    """Only electricity has methods."""

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
    """A key with why there is no figure, what waits for it, and the earliest and the latest day.

    `tied` are the ids of factors that fit one of these days equally; more ties may come to light.
    """

    key: MissingKey
    reason: str
    tied: tuple[UUID, ...]
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


def without_figure(rows: Any) -> QuerySet[Consumption]:
    """Those of some consumptions that ought to have a figure and have none, whatever the reason."""
    return reduce(or_, (uncalculated(rows, reason) for reason in WITHOUT_FIGURE))


def kinds_without_figure(rows: Any) -> Iterator[dict[str, Any]]:
    """The same by why, kind and country, with how many and at how many facilities."""
    for reason in WITHOUT_FIGURE:
        without = uncalculated(rows, reason).order_by()
        for category, activity, country, count, places in (
            without.values_list("category", "activity", "facility__country")
            .annotate(count=Count("pk"), places=Count("facility_id", distinct=True))
            .order_by("-count", "category", "activity", "facility__country")
        ):
            yield {
                "category": category,
                "activity": activity,
                "country": country,
                "reason": reason,
                "consumptions": count,
                "facilities": places,
            }


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
        LOCATION if row.category == Category.ELECTRICITY else "",
    )


def _asked(rows: Any, reasons: Sequence[str]) -> QuerySet[Consumption]:
    """What has no figure for any of some reasons, with the reason and the method it is about."""
    return reduce(or_, (uncalculated(rows, one) for one in reasons)).annotate(
        reason=Case(
            When(co2e_reason__startswith=f"{AMBIGUOUS}:", then=Value(AMBIGUOUS)),
            default=Value(NO_FACTOR),
        ),
        method=Case(
            When(co2e_reason__startswith=TIED_MARKET, then=Value(MARKET)),
            When(category=Category.ELECTRICITY, then=Value(LOCATION)),
            default=Value(""),
        ),
    )


def missing_keys(rows: Any, *reasons: str) -> QuerySet:
    """The keys that consumption waits for, those of the most first; read some with `as_missing`."""
    named = Case(*(When(unit=unit, then=Value(dimension(unit))) for unit in UNITS))
    return (
        _asked(rows, reasons)
        .order_by()
        .values(*PLACE, *NAMES, "reason", "method", year=ExtractYear(DAY), per=named)
        .annotate(
            any_reason=Min("co2e_reason"),
            any_unit=Min("unit"),
            consumptions=Count("pk"),
            facilities=Count("facility_id", distinct=True),
            first_day=Min(DAY),
            last_day=Max(DAY),
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
            "reason",
            "method",
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
            row["method"],
        ),
        row["reason"],
        tuple(UUID(one) for one in AN_ID.findall(row["any_reason"])),
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


def quantities(rows: Any, found: Sequence[Missing]) -> list[Decimal]:
    """How much waits for each of some, in its key's unit; rounded once, half up, to 6 decimals."""
    waiting = {_columns(one): number for number, one in enumerate(found)}
    sums = (
        _asked(rows, (NO_FACTOR, AMBIGUOUS))
        .filter(activity__in={one.key.activity for one in found})
        .order_by()
        .values_list(*PLACE, "reason", "method", ExtractYear(DAY), "unit", ExactSum("quantity"))
    )
    exact = [Fraction()] * len(found)
    for *columns, unit, used in sums:
        number = waiting.get((*columns, dimension(unit)))
        if number is not None:
            exact[number] += Fraction(used) * ratio(unit, found[number].key.unit)
    return [rounded(convert(Decimal(1), quantity)) for quantity in exact]


def _columns(one: Missing) -> tuple[Any, ...]:
    """What tells one from another, by the columns of PLACE and those that follow them."""
    key = one.key
    place = (key.organization_id, key.category, key.activity, key.country, key.region)
    return *place, one.reason, key.method, key.year, dimension(key.unit)
