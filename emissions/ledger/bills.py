"""A bill, and what it gives: its lines and figures, from the factors that could apply to it.

Plain tuples, for one bill and for a million: building model instances would cost more than the
calculation.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial, reduce
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q

from emissions.calculation.energy import kilowatt_hours_of
from emissions.calculation.formula import NOTHING, Calculator, Line, NoFigure
from emissions.calculation.selection import YEARS_BACK, Factor, Key
from emissions.models import CalculationStatus, ConsumptionStatus, Emission, EmissionFactor
from facilities.categories import Category
from organizations.database.statements import Compiled, Statement, compiled

LIMIT = Decimal(10) ** 12
"""A stored figure is under 10¹² kg, a gigatonne, or 10¹² kWh; more is a mistake in the data."""

INACTIVE, CATEGORY_DISABLED, DELETED = "inactive", "category_disabled", "deleted"
PERIOD_CLOSED = "period_closed"


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
        return max(self) >= LIMIT or min(self) <= -LIMIT


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
    data_quality: str
    status: str
    deleted_at: datetime | None
    facility_type: str
    country: str
    region: str
    categories: list[str]
    facility_deleted_at: datetime | None
    gwp_set: str
    closed_years: str
    """As the organization has them: “2022,2023”."""

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


CONSUMPTION, FACILITY, START, MONTH = map(
    Emission.WRITTEN.index, ("consumption_id", "facility_id", "start_date", "month")
)
AMOUNTS = slice(Emission.WRITTEN.index("co2e"), None)


FACTOR_COLUMNS = tuple(Factor.__dataclass_fields__)


def calculator_for(rows: Iterable[Bill], supposing: Iterable[EmissionFactor] = ()) -> Calculator:
    """A calculator with every factor that could apply to the consumptions, from one query.

    `supposing` are factors that are taken as they are given and not as they are stored.
    """
    rows = [row for row in rows if not row.why_not()]
    if not rows:
        return Calculator([])
    found = _for_one(rows[0]) if len(rows) == 1 else _for_many(rows)
    known = {one[0]: Factor(*one) for one in found}
    for factor in supposing:
        if factor.deleted_at is None:
            known[factor.pk] = factor.as_value()
        else:
            known.pop(factor.pk, None)
    return Calculator(known.values())


def _for_many(rows: Sequence[Bill]) -> Iterable[Sequence[Any]]:
    factors = EmissionFactor.objects.live().filter(
        Q(organization=None) | Q(organization__in={row.organization_id for row in rows}),
        Q(valid_to=None) | Q(valid_to__gte=_still_of_use(min(row.start_date for row in rows))),
        category__in={row.category for row in rows},
        activity__in={row.activity for row in rows},
        country__in={"", *(row.country for row in rows)},
        region__in={"", *(row.region for row in rows)},
        valid_from__lte=max(row.end_date for row in rows),
    )
    if not any(row.supplier for row in rows):
        factors = factors.filter(supplier="")
    return factors.order_by().values_list(*FACTOR_COLUMNS)


def _for_one(row: Bill) -> Sequence[Sequence[Any]]:
    """The same by a statement that the database knows already."""
    statement = FACTORS if row.supplier else FACTORS_OF_NO_SUPPLIER
    return statement.rows(
        organization_id=row.organization_id,
        category=str(row.category),
        activity=row.activity,
        country=row.country,
        region=row.region,
        since=_still_of_use(row.start_date),
        until=row.end_date,
    )


def _still_of_use(day: date) -> date:
    """A factor that ended before this day is too old for the other one, whatever else there is."""
    return date(max(day.year - YEARS_BACK, 1), 1, 1)


def _factors(
    organization_id: UUID,
    category: str,
    activity: str,
    country: str,
    region: str,
    since: date,
    until: date,
    **fixed: str,
) -> Compiled:
    factors = EmissionFactor.objects.live().filter(
        Q(organization=None) | Q(organization=organization_id),
        Q(valid_to=None) | Q(valid_to__gte=since),
        category=category,
        activity=activity,
        country__in=["", country],
        region__in=["", region],
        valid_from__lte=until,
        **fixed,
    )
    return compiled(factors.order_by().values_list(*FACTOR_COLUMNS))


ASKED: dict[str, type] = {
    "organization_id": UUID,
    "category": str,
    "activity": str,
    "country": str,
    "region": str,
    "since": date,
    "until": date,
}
FACTORS = Statement(_factors, **ASKED)
FACTORS_OF_NO_SUPPLIER = Statement(partial(_factors, supplier=""), **ASKED)


def compute(
    row: Bill, calculator: Calculator, stored: Iterable[tuple] = ()
) -> tuple[list[tuple], Figures]:
    """A consumption's lines, as Emission.WRITTEN, and its figures.

    `stored` are its current lines: those of closed years stay, whatever they would be now. Raises
    ValidationError when a figure is too large to be stored.
    """
    lines, figures = compute_as_if_open(row, calculator)
    if not row.closed_years:
        return lines, figures
    return _with_closed_years(row.closed_years.split(","), lines, figures, stored)


def _with_closed_years(
    closed: Sequence[str], lines: list[tuple], figures: Figures, stored: Iterable[tuple]
) -> tuple[list[tuple], Figures]:
    """What a consumption gives as lines and figures when the lines of closed years stay."""

    def of_closed(some: Iterable[tuple]) -> list[tuple]:
        return [line for line in some if str(line[MONTH].year) in closed]

    would, stay = of_closed(lines), of_closed(stored)
    if sorted(would, key=itemgetter(START)) == sorted(stay, key=itemgetter(START)):
        return lines, figures
    years = sorted({line[MONTH].year for line in {*would} ^ {*stay}})
    reason = f"{PERIOD_CLOSED}: {', '.join(map(str, years))} is closed and keeps its figures"
    if figures.co2e_reason:
        reason = f"{reason}; {figures.co2e_reason}"
    counting = [*stay, *(line for line in lines if str(line[MONTH].year) not in closed)]
    if not counting:
        return [], Figures(None, None, None, CalculationStatus.NOT_CALCULATED, reason)
    total = reduce(Kilograms.plus, [Kilograms._make(line[AMOUNTS]) for line in counting])
    missing_on = figures.missing_on
    return counting, Figures(*total, CalculationStatus.CALCULATED, reason, missing_on)


def compute_as_if_open(row: Bill, calculator: Calculator) -> tuple[list[tuple], Figures]:
    """The same as if no year were closed."""
    reason, missing_on = row.why_not(), None
    if not reason:
        key = Key(
            row.organization_id,
            row.category,
            row.activity,
            row.unit,
            row.country,
            row.region,
            row.supplier,
            row.gwp_set,
        )
        lines = calculator.lines(key, row.quantity, row.start_date, row.end_date)
        if not isinstance(lines, NoFigure):
            energy = list(_energy_of(lines, row.unit))
            written = [_written(row, *both) for both in zip(lines, energy, strict=True)]
            total = Kilograms._make(written[0][AMOUNTS])
            large = total.too_large()
            for line in written[1:]:
                amounts = Kilograms._make(line[AMOUNTS])
                total = total.plus(amounts)
                large = large or amounts.too_large() or total.too_large()
            if large or abs(sum(energy, NOTHING)) >= LIMIT:
                raise too_large(f"figure of consumption {row.external_id or row.id}")
            return written, Figures(*total, CalculationStatus.CALCULATED, "")
        reason, missing_on = lines
    return [], Figures(None, None, None, CalculationStatus.NOT_CALCULATED, reason, missing_on)


def _energy_of(lines: list[Line], unit: str) -> Iterator[Decimal]:
    """The kWh of each line; those of a calendar year add up to theirs, rounded once."""
    for _, some in groupby(lines, key=lambda line: line.start.year):
        yield from kilowatt_hours_of([line.quantity for line in some], unit)


def _written(row: Bill, line: Line, energy_kwh: Decimal) -> tuple:
    """A line as Emission.WRITTEN."""
    location, market = line.location.factor, line.market.factor
    return (
        row.organization_id,
        row.id,
        row.facility_id,
        row.category,
        row.activity,
        location.scope,
        row.facility_type,
        row.country,
        row.region,
        row.supplier if row.category == Category.ELECTRICITY else "",
        row.gwp_set if row.category == Category.RECHARGE else "",
        line.month,
        line.start,
        line.end,
        line.quantity,
        row.unit,
        energy_kwh,
        row.data_quality,
        location.id,
        location.co2e,
        location.co2e_biomass,
        location.unit,
        ",".join(line.location.fallbacks),
        market.id,
        market.co2e,
        market.unit,
        ",".join(line.market.fallbacks),
        line.co2e,
        line.co2e_market,
        line.co2e_biomass,
    )


def too_large(what: str) -> ValidationError:
    """The error of a figure beyond `LIMIT`."""
    return ValidationError(
        {
            "quantity": ValidationError(
                f"The {what} would be a gigatonne or more; check quantity, unit and factor.",
                code="too_large",
            )
        }
    )
