"""What the text in a cell means: the API's own fields read it, so that both refuse the same.

A cell is the JSON value that its field would take: a number or a day as its column proves it to be
written (see `proof`), a list divided by “|”, otherwise a string. An empty cell unsets text and
dates that may be empty; where a field is needed it is missing; anywhere else it says nothing, so
that a new row gets the default and a stored one stays.
"""

import re
from collections.abc import Iterator, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError as ModelValidationError
from django.core.validators import MaxLengthValidator, ProhibitNullCharactersValidator
from rest_framework import serializers
from rest_framework.validators import ProhibitSurrogateCharactersValidator

from organizations.importing.dates import not_a_date
from organizations.importing.numbers import COMMA, CURRENCY, measured, not_a_number
from organizations.importing.proof import DateProof, NumberProof, Unproved
from organizations.importing.tables.marks import ABSENT as ABSENT_CELL
from organizations.importing.tables.marks import DAY, ERROR, LIST, MARKS, NUMBER, STRUCTURE
from organizations.rest.escaping import NOTHING_THERE, SPOILED, as_meant
from organizations.rest.fields import ISO_DATE, Day, Number, Text, WholeNumber, as_detail

CODES = {"external_id", "facility_id", "cups", "cups_list", "meter", "meter_list"}
"""Columns whose cells are names and never numbers."""

SPOILED_PART = re.compile(r"[eE]\+|[.,][0-9]+[eE]")
SPREADSHEET_DIGITS = 15
"""So many digits of a number every spreadsheet keeps."""

PERCENT = "%"
DASHES = {"-", "--", "–", "—"}
"""What people write where there is nothing; in a column of text a dash is a dash."""

NEVER_A_DASH = {"activity", "cups"}
"""Columns of text in which a dash is nothing all the same."""

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


class WithUnit(NamedTuple):
    """In place of a quantity that has its unit in the cell: “1,234.50 kWh”."""

    value: Decimal
    unit: str


class Column(dict[str, Any]):
    """Text → value for the cells of one column, each distinct text read by its field once."""

    unit_in_cell = False
    """Whether a number may have its unit beside it."""

    def __init__(self, name: str, field: serializers.Field) -> None:
        super().__init__()
        self.name, self.field = name, field
        self.is_code = name in CODES
        self._number = isinstance(field, Number | WholeNumber)
        self._day = isinstance(field, Day)
        self._text = isinstance(field, Text)
        dashes = not self._text or name in NEVER_A_DASH
        self._nothings = NOTHING_THERE | DASHES if dashes else NOTHING_THERE
        self._longest_plain = 0
        self._blank = getattr(field, "allow_blank", False)
        self._plain_number = ""
        self.proof: NumberProof | DateProof | None = None
        if self._number or self._day:
            self.decide(None)
        if type(field) is Text and field.trim_whitespace:
            if all(isinstance(one, PLAIN_VALIDATORS) for one in field.validators):
                self._longest_plain = field.max_length or 0
        elif type(field) is Number and not field.validators and field.max_whole_digits:
            self._plain_number = rf"-?(?:0|[1-9][0-9]{{0,{field.max_whole_digits - 1}}})"
            self._plain_fraction = rf"(?:\.[0-9]{{1,{field.decimal_places}}})?"

    def decide(self, style: str | None) -> None:
        """Begins to look for how the column is written; `style` is what the reader was told."""
        self.proof = NumberProof(style) if self._number else DateProof(style)
        self.clear()

    def note(self, lines: Sequence[int], cells: Sequence[str]) -> None:
        """Looks at cells for what they prove, before any of them is read."""
        if self.proof:
            if any(mark in "".join(cells) for mark in MARKS):
                pairs = zip(lines, cells, strict=True)
                plain = [pair for pair in pairs if pair[1][:1] not in MARKS or not pair[1]]
                lines, cells = [line for line, _ in plain], [text for _, text in plain]
            self.proof.note_all(lines, cells)

    def alone(self, text: str) -> str:
        """A cell as it can be read without the others of its column."""
        real, plain = text[:1] if text[:1] in MARKS else "", text.lstrip(MARKS)
        if not self.proof or real == DAY:
            return plain
        if real == NUMBER and isinstance(self.proof, NumberProof):
            return self.proof.of_real(plain)
        return plain if real else self.proof.written(plain)

    def read(self, cells: Sequence[str]) -> list[Any]:
        """The values of many cells; where one cannot be read a Refused stands."""
        distinct = set(cells)
        if len(distinct) * MANY > len(cells):
            if self._longest_plain and self._all_plain(cells, distinct):
                return list(cells)
            if self._plain_number:
                found = self._all_numbers(cells)
                if found is not None:
                    return found
        return list(map(self.__getitem__, cells))

    def _all_plain(self, cells: Sequence[str], distinct: set[str]) -> bool:
        """Whether `_read` would give each text as it is, asked of all of them at once."""
        together = "".join(distinct)
        return (
            together.isascii()
            and together.isprintable()
            and max(map(len, distinct)) <= self._longest_plain
            and ("" not in distinct or self._blank)
            and not ("'" in together or self._nothings & distinct)
            and not (self.is_code and SPOILED_PART.search(together))
            and distinct == set(map(str.strip, distinct))
        )

    def _all_numbers(self, cells: Sequence[str]) -> list[Any] | None:
        """The values of cells that are all plain numbers; else nothing."""
        assert isinstance(self.proof, NumberProof)
        together = "\n".join([*cells, ""])
        # A cell with a line break in it would pass for two numbers.
        if together.count("\n") != len(cells):
            return None
        style = self.proof.style
        if style == COMMA:
            if "." in together:
                return None
            together = together.replace(",", ".")
            cells = together.split("\n")[:-1]
        form = self._plain_number + (self._plain_fraction if style else "")
        return list(map(Decimal, cells)) if re.fullmatch(f"(?:{form}\n)*", together) else None

    def __missing__(self, text: str) -> Any:
        if text.startswith(ERROR):
            value = self._without_value(text)
        elif text == ABSENT_CELL:
            value = self._absent()
        elif text[:1] in (LIST, STRUCTURE):
            value = self._of_json(text)
        else:
            value = self._read(text)
        if len(self) >= REMEMBERED:
            self.clear()
        self[text] = value
        return value

    def _read(self, text: str) -> Any:
        # Most cells are plainly what the field takes as it is: no need to ask all of it.
        if text and len(text) <= self._longest_plain and text.isascii() and text.isprintable():
            whole = text[0] not in " '" and text[-1] != " "
            if whole and not self.is_code and text not in self._nothings:
                return text
        real = text[:1] if text[:1] in (NUMBER, DAY) else ""
        text = text.removeprefix(real)
        if not text:
            return self._empty()
        if NOT_UTF_8.search(text):
            return self._refused("undecodable", "It is not UTF-8 text; save the file in UTF-8.")
        stripped = text.strip()
        if stripped in self._nothings:
            return self._nothing(stripped)
        if self.is_code and (fault := spoiled(stripped, real)):
            return self._refused("spoiled_code", fault)
        try:
            if self._number:
                return self._read_number(stripped, real)
            if self._day:
                return self._read_day(stripped, real)
            return self.field.run_validation(self._as_json(text))
        except serializers.ValidationError as error:
            return Refused(faults(self.name, error.detail))
        except ModelValidationError as error:
            return Refused(faults(self.name, as_detail(error)[""]))

    def _read_number(self, text: str, real: str) -> Any:
        assert self.proof
        if real == NUMBER:
            return self._read_real(text)
        found, unit = self.proof.value(text), ""
        if found is None and self.unit_in_cell and (parts := measured(text)):
            found, unit = self.proof.value(parts.number), parts.unit
        if found is None:
            return self._refused(*not_a_number(text))
        if isinstance(found, Unproved):
            return self._refused(*found)
        value = self.field.run_validation(found)
        return WithUnit(value, unit) if unit else value

    def _read_real(self, text: str) -> Any:
        """A workbook's number, with what its cell shows beside it."""
        number, _, beside = text.partition(" ")
        if CURRENCY.search(beside):
            return self._refused(*not_a_number(text))
        if beside == PERCENT:  # of a quantity it is a part of nothing that is known
            if self.unit_in_cell:
                return self._refused(*not_a_number(text))
            number = str(exact(number).scaleb(-2))
        value = self.field.run_validation(exact(number))
        has_unit = beside and beside != PERCENT and self.unit_in_cell
        return WithUnit(value, beside) if has_unit else value

    def _read_day(self, text: str, real: str) -> Any:
        assert self.proof
        if real == NUMBER:
            return self._refused(*not_a_date(text))
        found = self.proof.value(text)
        if isinstance(found, Unproved):
            return self._refused(*found)
        if found is None:
            if not ISO_DATE.fullmatch(text):
                return self._refused(*not_a_date(text))
            found = text  # no day, or one too far away: the field has the words
        return self.field.run_validation(str(found))

    def _without_value(self, text: str) -> Refused:
        """For a cell of a spreadsheet where an error stands, or a formula without its value."""
        shown = text.removeprefix(ERROR)
        sentence = f"The spreadsheet has the error {shown} here; mend it there."
        if shown.startswith("="):
            sentence = "This formula was never calculated; open the file in Excel and save it."
        return self._refused("no_value", sentence)

    def _as_json(self, text: str) -> Any:
        is_list = isinstance(self.field, serializers.ListField)
        if is_list or self._text:
            text = as_meant(text)
        return [part.strip() for part in text.split("|")] if is_list else text

    def _of_json(self, text: str) -> Any:
        """For a list of JSON, which a list of ours takes, and for what no cell can hold."""
        if text[0] == LIST and isinstance(self.field, serializers.ListField):
            return self._read(text[1:])
        sentence = f"{text[1:41]} is neither text nor a number."
        return self._refused("invalid", sentence)

    def _empty(self) -> Any:
        if self._blank:
            return ""
        if self.field.required:
            return self._refused("required", "This cell is needed and empty.")
        return None if self.field.allow_null else ABSENT

    def _absent(self) -> Any:
        """For a key that a JSON row does not have."""
        if self.field.required:
            return self._refused("required", "This key is needed.")
        return ABSENT

    def _nothing(self, text: str) -> Any:
        """For a word that stands where there is no value: an empty cell, unless one is needed."""
        if self.field.required:
            return self._refused("no_value", f"“{text}” stands where a value is needed.")
        return self._empty()

    def _refused(self, code: str, detail: str) -> Refused:
        return Refused([Fault(self.name, code, detail)])


def exact(text: str) -> Decimal:
    """A number as a program writes it."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def spoiled(text: str, real: str) -> str:
    """Why a code is not what its owner wrote, or nothing."""
    for part in text.split("|"):
        if SPOILED.fullmatch(part.strip()):
            return (
                f"“{text[:40]}” is what a spreadsheet makes of a long code; format its column as "
                "text and put the codes in again."
            )
    if real == DAY:
        return f"A spreadsheet has made the day {text} of this code; format its column as text."
    if real == NUMBER and len(text.lstrip("-0.").replace(".", "")) > SPREADSHEET_DIGITS:
        return (
            f"A spreadsheet keeps {SPREADSHEET_DIGITS} digits of a number, and this code has more; "
            "format its column as text and put the codes in again."
        )
    return ""


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
