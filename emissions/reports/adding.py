"""How figures are added up by whatever one asks for: from the lines, or from their subtotals.

Both know of the same columns what lines have in common, and give the same sums to the milligram.
Lines tell which days they are of and at which facility; subtotals are few.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from django.db.models import Count, F, Q, QuerySet, Sum
from django.db.models.functions import ExtractYear

from emissions.ledger.bills import Kilograms
from emissions.models import Subtotal
from emissions.reports.periods import ALWAYS, Period
from organizations.database.decimals import ExactSum

GROUPS: dict[str, Any] = {
    "category": F("category"),
    "activity": F("activity"),
    "scope": F("scope"),
    "month": F("month"),
    "year": ExtractYear("month"),
    "country": F("country"),
    "region": F("region"),
    "type": F("facility_type"),
    "facility": F("facility_id"),
    "data_quality": F("data_quality"),
}
"""What figures may be grouped by → the value of a line, and of a subtotal of any facility."""

AMOUNTS = Subtotal.AMOUNTS
ROWS_AT_ONCE = 2000
ALL = Q()

Counts = Mapping[tuple[Any, ...], int]
"""Numbers of consumptions by group."""


class Sums(NamedTuple):
    """Amounts added up: kg under both methods, biogenic kg, kWh, and of how many consumptions."""

    co2e: Decimal
    co2e_market: Decimal
    co2e_biomass: Decimal
    energy_kwh: Decimal
    consumptions: int

    @classmethod
    def of(cls, row: Mapping[str, Any], beside: int = 0) -> "Sums":
        """A row's sums, and consumptions beside those that it counts; of nothing at all 0."""
        amounts = [row[f"sum_{name}"] or Decimal(0) for name in AMOUNTS]
        return cls._make([*amounts, (row.get("sum_consumptions") or 0) + beside])

    def kilograms(self) -> Kilograms:
        return Kilograms(self.co2e, self.co2e_market, self.co2e_biomass)


class Group(NamedTuple):
    """The values that are grouped by, in the order asked for, and their sums."""

    keys: dict[str, Any]
    sums: Sums
    kg: dict[str, Decimal]
    """The part of `sums.co2e` that is of each kind that was asked for."""

    @classmethod
    def of(
        cls, keys: dict[str, Any], row: Mapping[str, Any], kinds: Iterable[str], beside: int = 0
    ) -> "Group":
        kg = {name: row[f"kg_{name}"] or Decimal(0) for name in kinds}
        return cls(keys, Sums.of(row, beside), kg)

    def as_item(self) -> dict[str, Any]:
        return {**self.keys, **self.sums._asdict()}


class Lines:
    """Lines of the ledger that a period touches."""

    def __init__(self, rows: Any, period: Period = ALWAYS) -> None:
        self.rows, self.period = rows.order_by(), period

    def amount(self, name: str) -> Any:
        return self.period.amount(name)

    def amounts(self) -> dict[str, Any]:
        """The aggregates of AMOUNTS, by the names that `Sums.of` reads."""
        return {f"sum_{name}": ExactSum(self.amount(name)) for name in AMOUNTS}

    def sums(self) -> dict[str, Any]:
        """The same of Sums."""
        return {**self.amounts(), "sum_consumptions": self.consumptions()}

    def kg(self, kinds: Mapping[str, Q]) -> dict[str, Any]:
        """The aggregates of `Group.kg`."""
        amount = self.amount("co2e")
        return {f"kg_{name}": ExactSum(amount, filter=kind) for name, kind in kinds.items()}

    def together(self, kinds: Mapping[str, Q]) -> Group:
        """All of them as one group, whose consumptions are not counted."""
        return Group.of({}, self.rows.aggregate(**self.amounts(), **self.kg(kinds)), kinds)

    def consumptions(self) -> Any:
        """How many consumptions there are, without those that are counted `beside`."""
        return Count("consumption_id", distinct=True)

    def present(self, groups: QuerySet) -> QuerySet:
        """Those of some groups in which there are lines."""
        return groups

    def beside(self, keys: Mapping[str, Any]) -> Counts:
        """How many more consumptions each group has."""
        return {}

    def of_kinds(self, kinds: Mapping[str, Q]) -> dict[str, int]:
        """How many consumptions have lines of each kind: one may have lines of several."""
        lines = {f"lines_{name}": Count("pk", filter=kind) for name, kind in kinds.items()}
        having = {
            name: Count("consumption_id", filter=Q(**{f"lines_{name}__gt": 0})) for name in kinds
        }
        return self.rows.values("consumption_id").annotate(**lines).aggregate(**having)


class Subtotals(Lines):
    """Subtotals of whole months.

    Consumptions that have no other key add up. Those of a pattern are counted with each of its
    keys; all of its keys have as many.
    """

    def consumptions(self) -> Any:
        return Sum("consumptions", filter=Q(pattern=None))

    def present(self, groups: QuerySet) -> QuerySet:
        """A group all of whose lines were superseded has rows that add up to nothing."""
        return groups.annotate(lines=Sum("consumptions")).filter(lines__gt=0)

    def beside(self, keys: Mapping[str, Any]) -> Counts:
        found: defaultdict[tuple[Any, ...], int] = defaultdict(int)
        rows = self._patterns().values("pattern", **keys).annotate(each=self._each(ALL))
        for row in rows.iterator(ROWS_AT_ONCE):
            found[tuple(row[key] for key in keys)] += row["each"]
        return found

    def of_kinds(self, kinds: Mapping[str, Q]) -> dict[str, int]:
        alone = {
            name: Sum("consumptions", filter=kind & Q(pattern=None)) for name, kind in kinds.items()
        }
        found = {name: count or 0 for name, count in self.rows.aggregate(**alone).items()}
        each = {name: self._each(kind) for name, kind in kinds.items()}
        for row in self._patterns().values("pattern").annotate(**each).iterator(ROWS_AT_ONCE):
            for name in kinds:
                found[name] += row[name] or 0
        return found

    def _patterns(self) -> Any:
        return self.rows.exclude(pattern=None)

    def _each(self, kind: Q) -> Any:
        """Of one pattern: how many consumptions have a key of the kind."""
        return Sum("consumptions", filter=kind) / Count("key", distinct=True, filter=kind)


class Grouped:
    """Sums by keys of GROUPS, in the order of the keys; asked for when they are read."""

    def __init__(self, of: Lines, group_by: Sequence[str], kinds: Mapping[str, Q]) -> None:
        self._of, self._kinds = of, kinds
        self._keys = {f"by_{key}": GROUPS[key] for key in dict.fromkeys(group_by)}
        rows = of.rows.values(**self._keys).annotate(**of.sums(), **of.kg(kinds))
        self._rows = of.present(rows).order_by(*self._keys)

    def __iter__(self) -> Iterator[Group]:
        return self._groups(self._rows.iterator(ROWS_AT_ONCE))

    def page(self, start: int, size: int) -> tuple[list[Group], int]:
        """Some groups, and how many there are in all: not asked where these show it."""
        found = list(self._groups(self._rows[start : start + size]))
        if (found or start == 0) and len(found) < size:
            return found, start + len(found)
        return found, self._rows.count()

    def _groups(self, rows: Any) -> Iterator[Group]:
        beside = self._of.beside(self._keys)
        for row in rows:
            values = tuple(row[key] for key in self._keys)
            keys = {key[3:]: shown(key[3:], row[key]) for key in self._keys}
            yield Group.of(keys, row, self._kinds, beside.get(values, 0))


def shown(key: str, value: Any) -> Any:
    """A key as answers have it: a month as 2024-01, a region that is not set as null."""
    if isinstance(value, date):
        return f"{value:%Y-%m}"
    return value or None if key == "region" else value
