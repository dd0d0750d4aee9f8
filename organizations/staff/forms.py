"""The base of the admin's forms, and how a number is typed into them."""

from collections.abc import Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext
from unfold.widgets import UnfoldAdminTextInputWidget

from organizations.database.decimals import ExactDecimalField, TooSmall, to_places
from organizations.importing.numbers import (
    AMBIGUOUS,
    NumberError,
    number_readings,
    plain,
    read_number,
)
from organizations.staff.local import separators


class RowForm(forms.ModelForm):
    """A form whose refusals are the model's own sentences, as in the API.

    Django would put the form field's words in place of a sentence whose code it knows.
    """

    def _update_errors(self, errors: ValidationError) -> None:
        self.add_error(None, errors)


class SearchedSelect(AutocompleteSelect):
    """A select whose rows are searched; what can be no row's key, made by hand, selects none."""

    def optgroups(self, name: str, value: Sequence[Any], attr: Any = None) -> Any:
        key = self.field.remote_field.model._meta.pk
        keys = []
        for one in value:
            with suppress(ValidationError):
                keys.append(str(key.clean(one, None)))
        return super().optgroups(name, keys, attr)


class TypedNumber(UnfoldAdminTextInputWidget):
    """A text input: a browser's own number input drops commas and follows the mouse wheel."""

    def __init__(self, attrs: dict[str, Any] | None = None) -> None:
        super().__init__({"inputmode": "decimal", "autocomplete": "off", **(attrs or {})})


class NumberField(forms.DecimalField):
    """A number as people type it: 1047,5 and 1.047,5 and 1,047.5 are one number.

    What may be two numbers, such as 1,200, is refused with both. The form repeats the number as it
    was understood, and never in a way that could be read as another.
    """

    widget = TypedNumber

    def to_python(self, value: Any) -> Any:
        if isinstance(value, Decimal) or value in self.empty_values:
            return super().to_python(value)
        try:
            return to_places(read_number(str(value).strip()), self.decimal_places or 0)
        except NumberError as error:
            ambiguous = error.code == AMBIGUOUS
            fix = gettext(
                "; write it without a thousands separator, or its fraction with one more 0."
            )
            raise ValidationError(f"{error}{fix * ambiguous}", code=error.code) from error
        except TooSmall as error:
            raise ValidationError(str(error), code="too_small") from error

    def prepare_value(self, value: Any) -> Any:
        return proved(value) if isinstance(value, Decimal) else value

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            return proved(read_number(str(data).strip()))
        except NumberError:
            return data


def proved(number: Decimal) -> str:
    """A number in the reader's own language, written so that it is read as itself, in whatever
    language that is: 1047,5 in Spanish; 12.3450, not 12.345, in English."""
    text = plain(number).replace(".", separators()[0])
    return text if len(set(number_readings(text).values())) == 1 else f"{text}0"


FORM_FIELDS: dict[type[models.Field], dict[str, Any]] = {
    ExactDecimalField: {"form_class": NumberField, "widget": TypedNumber},
    models.IntegerField: {"widget": TypedNumber({"inputmode": "numeric"})},
    models.URLField: {"assume_scheme": "https"},
}
"""For `formfield_overrides` of every page and every table in a page."""
