"""The embedded default: a bill costs the same whatever the history of its facility."""

from collections.abc import Iterator

from benchmarks.frame import Row
from benchmarks.writes import flat


def rows(quick: bool) -> Iterator[Row]:
    yield from flat(quick)
