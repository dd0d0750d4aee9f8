"""Layouts: how the columns of somebody else's file become ours.

A layout is data: which of their columns is ours, what their words for activities and units mean,
how they write numbers and days, and what every row of theirs has in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from typing import Any

from organizations.importing.tables.header import find_header, plain_name
from organizations.importing.tables.shapes import (
    half_hours,
    has_months,
    like_half_hour,
    like_month,
)

NONE, DAY, MONTH = "none", "day", "month"
SHAPES = {"half_hours": half_hours, "months": has_months}
LIKE = {"half_hours": like_half_hour, "months": like_month}
"""Whether a column's name is like those of the shape."""


@dataclass(frozen=True)
class Layout:
    """What `/v1/import-layouts` says of one; the empty layout takes our own columns as they are."""

    name: str = ""
    kind: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Ours → theirs."""
    constants: Mapping[str, str] = field(default_factory=dict)
    """Ours → the text that every row has."""
    activities: Mapping[str, Any] = field(default_factory=dict)
    """Their word → our activity, or {category, activity}."""
    units: Mapping[str, str] = field(default_factory=dict)
    """Their word → our unit."""
    decimal: str | None = None
    dates: str | None = None
    sum_by: str = NONE
    own: bool = False
    qualities: Mapping[str, str] = field(default_factory=dict)
    """Their word → our data_quality."""
    reader: str = ""
    """Which code reads it, where columns alone do not say enough."""

    shape: str = ""
    """Which columns there are besides, `half_hours` or `months`."""
    optional: Mapping[str, str] = field(default_factory=dict)
    """Ours → theirs, for columns that may be there."""
    pk: str = ""
    """The id of a saved one."""

    @property
    def is_theirs(self) -> bool:
        """Whether it is one, and not our own columns as they are."""
        return bool(self.columns or self.shape)

    def beside(self, said: Iterable[str]) -> "Layout":
        """The same for a file that need not have what is said of all its rows."""
        given = {ours: theirs for ours, theirs in self.columns.items() if ours in set(said)}
        if not given:
            return self
        columns = {ours: theirs for ours, theirs in self.columns.items() if ours not in given}
        return replace(self, columns=columns, optional={**self.optional, **given})

    def positions(self, header: Sequence[str]) -> dict[str, int]:
        """Where each of our columns stands in a header, as far as it is there. One of theirs may
        have several names, divided by |."""
        places: dict[str, int] = {}
        for position, name in enumerate(header):
            places.setdefault(plain_name(name), position)
        found: dict[str, int] = {}
        for ours, theirs in {**self.optional, **self.columns}.items():
            for name in theirs.split("|"):
                if plain_name(name) in places:
                    found.setdefault(ours, places[plain_name(name)])
        return found

    def missing(self, header: Sequence[str]) -> list[str]:
        """Which of their columns a header lacks."""
        found = self.positions(header)
        lacking = [theirs for ours, theirs in self.columns.items() if ours not in found]
        if self.shape and not SHAPES[self.shape](header):
            lacking.append(f"for each of the {self.shape.replace('_', ' ')}")
        return lacking

    def share_in(self, header: Sequence[str]) -> Fraction:
        """How much of the layout a header has; nothing without any half hour or month, where it
        has a column for each."""
        found = self.columns.keys() & self.positions(header).keys()
        if self.shape and not any(map(LIKE[self.shape], header)):
            return Fraction(0)
        return Fraction(len(found) + bool(self.shape), len(self.columns) + bool(self.shape))

    def is_of(self, header: Sequence[str]) -> bool:
        """Whether a header has all columns of the layout."""
        return self.is_theirs and not self.missing(header)

    def row_of(self, rows: Sequence[Sequence[str]]) -> int | None:
        """The position of the row that is its header, or else has most of its columns."""
        for position, cells in enumerate(rows):
            if self.is_of(cells):
                return position
        names = [name for theirs in self.columns.values() for name in theirs.split("|")]
        return find_header(rows, names)

    def words(self, name: str) -> Mapping[str, str]:
        """Their words → ours, for the cells of one of our columns."""
        if name == "unit":
            return folded(self.units)
        if name == "data_quality":
            return folded(self.qualities)
        if name in ("activity", "category"):
            meanings = {theirs: meaning(ours) for theirs, ours in self.activities.items()}
            return folded({theirs: one[name] for theirs, one in meanings.items() if name in one})
        return {}


OURS = Layout()


def meaning(activity: Any) -> Mapping[str, str]:
    """An entry of `activities` as {category, activity}."""
    return activity if isinstance(activity, Mapping) else {"activity": activity}


def folded(words: Mapping[str, str]) -> dict[str, str]:
    return {fold(theirs): ours for theirs, ours in words.items()}


def fold(text: str) -> str:
    """A word whatever its case and spaces."""
    return " ".join(text.casefold().split())


def recognised(layouts: Iterable[Layout], rows: Sequence[Sequence[str]]) -> Layout | None:
    """The layout whose columns one of the rows names; of several the one with most columns, and of
    these the first."""
    found = [layout for layout in layouts if any(map(layout.is_of, rows))]
    return max(found, key=lambda one: len(one.columns), default=None)


def nearest_layout(layouts: Iterable[Layout], header: Sequence[str]) -> str:
    """The name of the layout of whose columns a header has the largest share, or nothing."""
    shares = {one.name: one.share_in(header) for one in layouts if one.reader != "green_button"}
    name = max(shares, key=lambda one: shares[one], default="")
    return name if name and shares[name] else ""
