"""Cells in somebody else's words."""

from collections.abc import Mapping, Sequence
from typing import Any

from organizations.importing.cells import Column
from organizations.importing.layouts.layout import fold
from organizations.importing.tables.marks import unmarked


class Translated(Column):
    """A column of somebody else's words, each read as the word that it means with us."""

    def __init__(
        self,
        column: Column,
        words: Mapping[str, str],
        *,
        known_only: bool = False,
        otherwise: Any = None,
    ) -> None:
        super().__init__(column.name, column.field)
        self._column, self._words, self._known_only = column, words, known_only
        self._otherwise = otherwise

    def read(self, cells: Sequence[str]) -> list[Any]:
        return list(map(self.__getitem__, cells))

    def _read(self, text: str) -> Any:
        said = fold(unmarked(text))
        ours = self._words.get(said)
        if ours is None and self._otherwise is not None:
            return self._otherwise
        if ours is None and self._known_only and said:
            return self._refused("unknown_word", f"The layout does not say what “{text[:60]}” is.")
        return self._column[text if ours is None else ours]
