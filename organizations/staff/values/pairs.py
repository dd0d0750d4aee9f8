"""A form's field for a mapping, such as their column for each of ours: a table, a row each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext

Rows = list[list[str]]
"""What stands in the table: for each row the texts of its cells."""

SPARE = 3
"""So many empty rows stand under what there is; a button makes more."""


class Cell(NamedTuple):
    """A column of the table: a select where it has choices, else a text."""

    name: str
    label: Any
    choices: Sequence[Any] | None = None

    def widget(self) -> forms.Widget:
        if self.choices is None:
            return forms.TextInput()
        return forms.Select(choices=[("", gettext("Choose")), *self.choices])


class PairsWidget(forms.Widget):
    """The table; each cell is sent under the name of the field and of its column."""

    template_name = "organizations/pairs.html"
    label: Any = ""
    """What the field is called, for those who read by ear."""

    def __init__(self, cells: Sequence[Cell]) -> None:
        super().__init__()
        self.cells = cells

    def id_for_label(self, id_: str) -> str:
        """No label is of one of its many cells."""
        return ""

    def names(self, name: str) -> list[str]:
        return [f"{name}-{cell.name}" for cell in self.cells]

    def value_from_datadict(self, data: Any, files: Any, name: str) -> Rows:
        columns = [data.getlist(one) for one in self.names(name)]
        return [list(map(str, row)) for row in zip(*columns, strict=False)]

    def value_omitted_from_data(self, data: Any, files: Any, name: str) -> bool:
        return not any(one in data for one in self.names(name))

    def shown(self, rows: Rows) -> Rows:
        """What is filled, and the empty rows under it."""
        filled = [row for row in rows if any(row)]
        return filled + [[""] * len(self.cells)] * SPARE

    def sent(self, name: str, rows: Rows) -> dict[str, list[str]]:
        """What a browser sends of a table that nobody has touched."""
        columns = zip(*self.shown(rows), strict=True)
        return {one: list(texts) for one, texts in zip(self.names(name), columns, strict=True)}

    def in_words(self, sent: dict[str, list[str]]) -> str:
        """What was sent, as people read it."""
        order = [cell.name for cell in self.cells]
        names = sorted(sent, key=lambda name: order.index(name.rpartition("-")[2]))
        rows = zip(*(sent[name] for name in names), strict=False)
        said = [self.row_in_words(row) for row in rows if any(row)]
        return " · ".join(said) or gettext("nothing")

    def row_in_words(self, row: Sequence[str]) -> str:
        """Start date (start_date): Desde."""
        texts = zip(self.cells, row, strict=True)
        first, *others = [named(cell.choices, text) for cell, text in texts]
        return f"{first}: {', '.join(filter(None, others))}"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context = super().get_context(name, value, attrs)
        widgets = [cell.widget() for cell in self.cells]
        context |= {"cells": self.cells, "label": self.label}
        context["invalid"] = "aria-invalid" in (attrs or {})
        context["rows"] = [
            [
                widget.render(f"{name}-{cell.name}", text, {"aria-label": f"{cell.label}, {place}"})
                for cell, widget, text in zip(self.cells, widgets, row, strict=True)
            ]
            for place, row in enumerate(self.shown(value or []), 1)
        ]
        return context


def named(choices: Sequence[Any] | None, text: str) -> str:
    """What a choice is called, among groups of them too."""
    for key, name in choices or ():
        for code, label in name if isinstance(name, list | tuple) else [(key, name)]:
            if code == text:
                return str(label)
    return text


class PairsField(forms.Field):
    """Rows of the table ↔ the mapping: what stands in the first cell → what the others say."""

    widget: Any

    def __init__(self, *cells: Cell, **kwargs: Any) -> None:
        super().__init__(widget=PairsWidget(cells), required=False, **kwargs)

    def rows(self, mapping: Any) -> Rows:
        return [[str(key), str(value)] for key, value in mapping.items()]

    def pair(self, row: list[str]) -> tuple[str, Any]:
        """The key and value of a row."""
        key, value = row
        return key, value

    def lacking(self, row: list[str]) -> list[Any]:
        """What the cells are called that a row should have filled."""
        cells = zip(self.widget.cells, row, strict=True)
        return [cell.label for cell, text in cells if not text]

    def prepare_value(self, value: Any) -> Any:
        """Nothing of what an address would fill in: a text is no table."""
        if isinstance(value, dict):
            return self.rows(value)
        return value if isinstance(value, list) else []

    def clean(self, value: Rows) -> dict[str, Any]:
        """Raises ValidationError where a row is not whole, or another has the same key."""
        found: dict[str, Any] = {}
        wrong = []
        for place, row in enumerate(value or [], 1):
            row = [text.strip() for text in row]
            if not any(row):
                continue
            key, meant = self.pair(row)
            first = self.widget.cells[0]
            if lacking := self.lacking(row):
                said = gettext("Row {place} says no “{label}”.")
                wrong += [said.format(place=place, label=label) for label in lacking]
            elif key in found:
                said = gettext("“{key}” stands in two rows; keep one.")
                wrong.append(said.format(key=named(first.choices, key)))
            else:
                found[key] = meant
        if wrong:
            raise ValidationError(wrong)
        return found

    def has_changed(self, initial: Any, data: Any) -> bool:
        rows = [[text.strip() for text in row] for row in data or [] if any(row)]
        return rows != self.prepare_value(initial or {})
