"""What the text in a cell means: the API's own fields read it, so that both refuse the same.

A cell is the JSON value that its field would take: a number by JSON's rules, a list divided by
“|”, otherwise a string. An empty cell unsets text and dates that may be empty; where a field is
needed it is missing; anywhere else it says nothing, so that a new row gets the default and a stored
one stays.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError as ModelValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from organizations.importing.cell_errors import MARK
from organizations.rest.fields import Number, Text, WholeNumber, as_detail

JSON_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?")
NOT_UTF_8 = re.compile("[\udc80-\udcff]")
PLAIN_VALIDATORS = (
    MaxLengthValidator,
    ProhibitNullCharactersValidator,
    ProhibitSurrogateCharactersValidator,
)
REMEMBERED = 20_000
"""Distinct texts of one column whose values are kept."""

MANY = 4
"""Where each text comes fewer times than this, all are looked at together; else each one once."""


class Fault(NamedTuple):
    """What is wrong with a column of a row."""

    column: str
    code: str
    detail: str


class Refused(tuple[Fault, ...]):
    """In place of the value of a cell that its field refuses: why."""

    __slots__ = ()


class Absent:
    """In place of the value of a cell that says nothing."""


ABSENT = Absent()


class Column(dict[str, Any]):
    """Text → value for the cells of one column, each distinct text read by its field once."""

    def __init__(self, name: str, field: serializers.Field) -> None:
        super().__init__()
        self.name, self.field = name, field
        self._number = isinstance(field, Number | WholeNumber)
        self._longest_plain = 0
        self._blank = getattr(field, "allow_blank", False)
        self._plain_number: re.Pattern[str] | None = None
        if type(field) is Text and field.trim_whitespace:
            if all(isinstance(one, PLAIN_VALIDATORS) for one in field.validators):
                self._longest_plain = field.max_length or 0
        elif type(field) is Number and not field.validators and field.max_whole_digits:
            number = (
                rf"-?(?:0|[1-9][0-9]{{0,{field.max_whole_digits - 1}}})"
                rf"(?:\.[0-9]{{1,{field.decimal_places}}})?"
            )
            self._plain_number = re.compile(number)
            self._plain_numbers = re.compile(rf"(?:{number}\n)*")

    def read(self, cells: Sequence[str]) -> list[Any]:
        """The values of many cells; where one cannot be read a Refused stands."""
        distinct = set(cells)
        if len(distinct) * MANY > len(cells):
            if self._longest_plain and self._all_plain(cells, distinct):
                return list(cells)
            if self._plain_number:
                together = "\n".join([*cells, ""])
                # A cell with a line break in it would pass for two numbers.
                if together.count("\n") == len(cells) and self._plain_numbers.fullmatch(together):
                    return list(map(Decimal, cells))
        return list(map(self.__getitem__, cells))

    def _all_plain(self, cells: Sequence[str], distinct: set[str]) -> bool:
        """Whether `_read` would give each text as it is, asked of all of them at once."""
        together = "".join(distinct)
        return (
            together.isascii()
            and together.isprintable()
            and max(map(len, distinct)) <= self._longest_plain
            and ("" not in distinct or self._blank)
            and distinct == set(map(str.strip, distinct))
        )

    def __missing__(self, text: str) -> Any:
        value = self._without_value(text) if text.startswith(MARK) else self._read(text)
        if len(self) >= REMEMBERED:
            self.clear()
        self[text] = value
        return value

    def _read(self, text: str) -> Any:
        # Most cells are plainly what the field takes as it is: no need to ask all of it.
        if text and len(text) <= self._longest_plain and text.isascii() and text.isprintable():
            if text[0] != " " and text[-1] != " ":
                return text
        elif self._plain_number and self._plain_number.fullmatch(text):
            return Decimal(text)
        if not text:
            return self._empty()
        if NOT_UTF_8.search(text):
            return self._refused("undecodable", "It is not UTF-8 text; save the file in UTF-8.")
        try:
            return self.field.run_validation(self._as_json(text))
        except serializers.ValidationError as error:
            if self._number and not JSON_NUMBER.fullmatch(text.strip()):
                return self._refused("invalid", not_a_number(text))
            return Refused(faults(self.name, error.detail))
        except ModelValidationError as error:
            return Refused(faults(self.name, as_detail(error)[""]))

    def _without_value(self, text: str) -> Refused:
        """For a cell of a spreadsheet where an error stands, or a formula without its value."""
        shown = text.removeprefix(MARK)
        sentence = f"The spreadsheet has the error {shown} here; mend it there."
        if shown.startswith("="):
            sentence = "This formula was never calculated; open the file in Excel and save it."
        return self._refused("no_value", sentence)

    def _as_json(self, text: str) -> Any:
        if isinstance(self.field, serializers.ListField):
            return [part.strip() for part in text.split("|")]
        if self._number and JSON_NUMBER.fullmatch(text.strip()):
            try:
                return Decimal(text.strip())
            except InvalidOperation:
                return Decimal("Infinity")
        return text

    def _empty(self) -> Any:
        if self._blank:
            return ""
        if self.field.required:
            return self._refused("required", "This cell is needed and empty.")
        return None if self.field.allow_null else ABSENT

    def _refused(self, code: str, detail: str) -> Refused:
        return Refused([Fault(self.name, code, detail)])


def not_a_number(text: str) -> str:
    """What to do about a cell that is not a number."""
    shown = f"“{text[:40]}”"
    if "," in text:
        return (
            f"{shown} has a comma, which is not read as a decimal point: write the number like "
            "1234.5, with a decimal point and no thousands separators."
        )
    return f"{shown} is not a number; write it like 1234.5."


def faults(column: str, detail: Any) -> Iterator[Fault]:
    """DRF's error detail as faults of one column, whatever is nested in it."""
    if isinstance(detail, dict):
        for one in detail.values():
            yield from faults(column, one)
    elif isinstance(detail, list):
        for one in detail:
            yield from faults(column, one)
    else:
        yield Fault(column, detail.code, str(detail))


def model_faults(error: ModelValidationError, names: dict[str, str]) -> list[Fault]:
    """What the model's rules found wrong, under the columns' names."""
    return [
        fault
        for field, detail in as_detail(error).items()
        for fault in faults(names.get(field, field), detail)
    ]
