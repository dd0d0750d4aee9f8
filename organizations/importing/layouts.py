"""Layouts: how the columns of somebody else's file become ours.

A layout is data: which of their columns is ours, what their words for activities and units mean,
how they write numbers and days, and what every row of theirs has in common.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

from organizations.importing.tables.header import plain_name

NONE, DAY, MONTH = "none", "day", "month"
SUMS = (NONE, DAY, MONTH)


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

    def positions(self, header: Sequence[str]) -> dict[str, int]:
        """Where each of our columns stands in a header, as far as it is there."""
        places: dict[str, int] = {}
        for position, name in enumerate(header):
            places.setdefault(plain_name(name), position)
        found = {ours: places.get(plain_name(theirs), -1) for ours, theirs in self.columns.items()}
        return {ours: position for ours, position in found.items() if position >= 0}

    def is_of(self, header: Sequence[str]) -> bool:
        """Whether a header has all columns of the layout."""
        return bool(self.columns) and len(self.positions(header)) == len(self.columns)

    def missing(self, header: Sequence[str]) -> list[str]:
        """Which of their columns a header lacks."""
        found = self.positions(header)
        return [theirs for ours, theirs in self.columns.items() if ours not in found]

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


def recognised(
    layouts: Iterable[Layout], rows: Sequence[Sequence[str]]
) -> tuple[Layout, int] | None:
    """The layout whose columns one of the rows names, and the position of that row; of several the
    one with most columns."""
    found: tuple[Layout, int] | None = None
    for layout in layouts:
        for position, cells in enumerate(rows):
            if layout.is_of(cells) and (
                found is None or len(layout.columns) > len(found[0].columns)
            ):
                found = layout, position
                break
    return found


def nearest_layout(layouts: Iterable[Layout], rows: Sequence[Sequence[str]]) -> str:
    """The name of the layout that has most columns in common with any of the rows, or nothing."""
    best, name = Fraction(3, 10), ""
    for layout in layouts:
        for cells in rows:
            share = Fraction(len(layout.positions(cells)), max(len(layout.columns), 1))
            if share > best:
                best, name = share, layout.name
    return name
