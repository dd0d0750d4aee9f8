"""Serializer fields that take JSON at its word: a string is a string, a number a number.

`in_database` is what the database writes in the place of `to_representation` (see projection).
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from copy import copy, deepcopy
from datetime import date
from decimal import Context, Decimal
from functools import cache
from typing import Any, ClassVar, NoReturn
from uuid import UUID

from django.core.exceptions import ValidationError as ModelValidationError
from django.db import models
from django.db.models import F
from django.db.models.expressions import Combinable
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail
from rest_framework.fields import SkipField

from organizations.database.decimals import ExactDecimalField, TooSmall, to_places
from organizations.database.projection import Hyphenated, NullIfBlank, Trimmed, UTCText
from organizations.tenancy import caller

EVERY_DIGIT = Context(prec=2000)
ISO_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


class NullWhereBlank:
    """For text that may be left out: null and "" both mean unset, and unset reads null."""

    allow_blank: bool

    def __init__(self, **kwargs: Any) -> None:
        if kwargs.get("allow_blank"):
            kwargs["allow_null"] = True
        super().__init__(**kwargs)

    def validate_empty_values(self, data: Any) -> tuple[bool, Any]:
        if data is None and self.allow_blank:
            return True, ""
        return super().validate_empty_values(data)  # type: ignore[misc]

    def to_representation(self, value: Any) -> Any:
        return (value or None) if self.allow_blank else value

    def in_database(self, column: F) -> Combinable:
        return NullIfBlank(column) if self.allow_blank else column


class AsStored:
    """For what the database's JSON writes as the field does."""

    def in_database(self, column: F) -> Combinable:
        return column


def none_of(value: Any, choices: Iterable[Any]) -> str:
    """That a value is not among the choices, with the choices."""
    return f"“{value}” is none of: {', '.join(map(str, choices))}."


class Text(NullWhereBlank, serializers.CharField):
    """A JSON string."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class Choice(NullWhereBlank, serializers.ChoiceField):
    """One of a fixed set of JSON strings."""

    def fail(self, key: str, **kwargs: Any) -> NoReturn:
        if key == "invalid_choice":
            raise serializers.ValidationError(none_of(kwargs["input"], self.choices), code=key)
        super().fail(key, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid_choice", input=type(data).__name__)
        return super().to_internal_value(data)


class Number(serializers.DecimalField):
    """A JSON number, written exactly; more decimals than are kept are rounded half up.

    A string or a boolean is not one. One that is not zero and would become zero is `too_small`.
    """

    def to_internal_value(self, data: Any) -> Decimal:
        if isinstance(data, bool) or not isinstance(data, (int, Decimal)):
            self.fail("invalid")
        try:
            number = to_places(Decimal(data), self.decimal_places or 0)
        except TooSmall as error:
            raise serializers.ValidationError(str(error), code="too_small") from error
        return super().to_internal_value(number)

    def validate_precision(self, value: Decimal) -> Decimal:
        """Trailing zeros do not count as decimals; a number out of all bounds keeps its size."""
        within_reason = abs(value.adjusted()) < 100
        return super().validate_precision(value.normalize(EVERY_DIGIT) if within_reason else value)

    def in_database(self, column: F) -> Combinable:
        return Trimmed(column)


class ShortList(serializers.ListField):
    """A JSON list of at most `max_length` elements.

    One that is longer is refused before any of its elements is looked at: a body of 2.5 MB has
    room for a million, each of which would be compared with all others, or named in the answer.
    """

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            self.run_validators(data)
        return super().to_internal_value(data)


class WholeNumber(serializers.IntegerField):
    """A JSON number without a fraction. A string or a boolean is not one."""

    def to_internal_value(self, data: Any) -> int:
        if isinstance(data, bool) or not isinstance(data, (int, Decimal)):
            self.fail("invalid")
        return super().to_internal_value(str(data))


class Day(AsStored, serializers.DateField):
    """A calendar day as YYYY-MM-DD."""

    def to_internal_value(self, value: Any) -> date:
        if not isinstance(value, str) or not ISO_DATE.fullmatch(value):
            self.fail("invalid", format="YYYY-MM-DD")
        return super().to_internal_value(value)


class Id(serializers.UUIDField):
    """A UUID as a JSON string."""

    def to_internal_value(self, data: Any) -> UUID:
        if not isinstance(data, str):
            self.fail("invalid", value=type(data).__name__)
        return super().to_internal_value(data)

    def in_database(self, column: F) -> Combinable:
        return Hyphenated(column)


class Moment(serializers.DateTimeField):
    """A point in time as ISO 8601 text; UTC where it names no zone."""

    def to_internal_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            self.fail("invalid", format="YYYY-MM-DDThh:mm:ssZ")
        return super().to_internal_value(value)

    def in_database(self, column: F) -> Combinable:
        return UTCText(column)


class ModelSerializer(serializers.ModelSerializer):
    """A ModelSerializer with the strict fields, whose rules are the model's own.

    What a model's `clean()` finds wrong with the row as it would be is reported on its field, so
    that the API, the admin and the imports refuse the same things with the same words.
    """

    serializer_field_mapping = {
        **serializers.ModelSerializer.serializer_field_mapping,
        models.CharField: Text,
        models.TextField: Text,
        models.UUIDField: Id,
        models.DateField: Day,
        models.DateTimeField: Moment,
        ExactDecimalField: Number,
    }
    serializer_choice_field = Choice

    needs: ClassVar[dict[str, set[str]]] = {}
    """Field → the fields that its rules look at too: where one of them cannot be read, the rules
    of the field have nothing to say."""

    rules_need: ClassVar[set[str]] = set()
    """Fields without which no rule can be asked."""

    def get_fields(self) -> dict[str, Any]:
        """Copies of fields that are made once for a class: making them takes longer than a row."""
        return {name: fresh(field) for name, field in made_fields(type(self)).items()}

    def to_internal_value(self, data: Any) -> Any:
        """The values of all fields. What cannot be read is named with what breaks a rule."""
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            unread: dict[str, Any] = error.detail  # type: ignore[assignment]
            raise serializers.ValidationError(
                {**self._broken_rules(data, set(unread)), **unread}
            ) from error

    def _broken_rules(self, data: Any, unread: set[str]) -> dict[str, Any]:
        """What the rules find wrong with the fields that can be read."""
        attrs: dict[str, Any] = {}
        if not isinstance(data, Mapping) or unread & self.rules_need:
            return {}
        for field in self._writable_fields:
            if field.field_name not in unread:
                with suppress(SkipField):
                    attrs[str(field.source)] = field.run_validation(field.get_value(data))
        try:
            self.validate(attrs)
        except serializers.ValidationError as error:
            found: dict[str, Any] = error.detail  # type: ignore[assignment]
            return {
                name: errors
                for name, errors in found.items()
                if not unread & {name, *self.needs.get(name, ())}
            }
        return {}

    def get_validators(self) -> list[Any]:
        return []  # uniqueness is per organization: the model's rules and the database hold it

    def as_row(self, attrs: dict[str, Any]) -> Any:
        """The row as it would be with `attrs` written, unsaved."""
        model: type[Any] = self.Meta.model
        row = model()
        if self.instance is not None:
            for field in model._meta.concrete_fields:
                setattr(row, field.attname, getattr(self.instance, field.attname))
            row._state.adding = False
        row.organization_id = caller(self.context["request"]).organization_id
        for name, value in attrs.items():
            setattr(row, name, value)
        return row

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        """Writes what the request changes and nothing else of a row that may be stale."""
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        return instance

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row = self.as_row(attrs)
        names = [field.name for field in row._meta.concrete_fields if field.name in row.__dict__]
        given = {name: row.__dict__[name] for name in names}
        try:
            row.clean()
        except ModelValidationError as error:
            wire_names = {field.source: name for name, field in self.fields.items()}
            detail = as_detail(error)
            raise serializers.ValidationError(
                {wire_names.get(name, name): errors for name, errors in detail.items()}
            ) from error
        filled = {name: row.__dict__[name] for name in names if row.__dict__[name] != given[name]}
        return {**attrs, **filled}


@cache
def made_fields(serializer: type[ModelSerializer]) -> dict[str, Any]:
    """The fields of a serializer, which belong to nobody."""
    return serializers.ModelSerializer.get_fields(serializer())


def fresh(field: Any) -> Any:
    """A field for a serializer of its own; one with fields inside is made anew."""
    if hasattr(field, "child") or hasattr(field, "child_relation") or hasattr(field, "fields"):
        return deepcopy(field)
    return copy(field)


def as_detail(error: ModelValidationError) -> dict[str, Any]:
    """A model's ValidationError as DRF's detail, with the codes kept."""
    by_field = error.error_dict if hasattr(error, "error_dict") else {"": error.error_list}
    return {
        field: [
            ErrorDetail(message, code=one.code or "invalid")
            for one in errors
            for message in one.messages
        ]
        for field, errors in by_field.items()
    }
