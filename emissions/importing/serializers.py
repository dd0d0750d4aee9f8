"""Import layouts and intervals on the wire."""

import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from rest_framework import serializers

from emissions.importing.kinds import KINDS, check_layout
from emissions.importing.validation import ALLOWABLE
from organizations.importing.dates import ORDERS
from organizations.importing.layouts.known import shipped_id
from organizations.importing.layouts.layout import Layout
from organizations.importing.layouts.shipped import SHIPPED
from organizations.importing.numbers import STYLES
from organizations.importing.options import ABORT, SKIP
from organizations.models import Import, ImportLayout
from organizations.rest.fields import ModelSerializer, Moment, Number, Text, as_detail

SHIPPED_AT = datetime(2026, 11, 26, tzinfo=UTC)
LONGEST = 50_000
"""Characters of the words of a layout."""

WORDS = ("columns", "constants", "activities", "units")


class ImportLayoutSerializer(ModelSerializer):
    """How the columns of somebody else's file become ours."""

    rules_need = {"kind", "columns"}

    own = serializers.SerializerMethodField(
        help_text="The organization's own; the others are shipped and read-only."
    )
    columns = serializers.DictField(
        child=Text(max_length=200), help_text="Our column → theirs, whatever its case."
    )
    constants = serializers.DictField(
        required=False, help_text="Our column → what every row has in it."
    )
    activities = serializers.DictField(
        required=False, help_text="Their word → our activity, or {category, activity}."
    )
    units = serializers.DictField(
        child=Text(max_length=50), required=False, help_text="Their word → our unit."
    )

    class Meta:
        model = ImportLayout
        fields = [
            "id",
            "own",
            "name",
            "kind",
            *WORDS,
            "decimal",
            "dates",
            "sum_by",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]

    def validate_columns(self, value: dict[str, Any]) -> dict[str, Any]:
        return storable_words(value)

    def validate_constants(self, value: dict[str, Any]) -> dict[str, Any]:
        """Numbers are kept as their text, exactly."""
        words = {}
        for name, one in value.items():
            if isinstance(one, dict | list) or one is None:
                raise serializers.ValidationError("Give a text or a number.")
            words[name] = str(one).lower() if isinstance(one, bool) else str(one)
        return storable_words(words)

    def validate_activities(self, value: dict[str, Any]) -> dict[str, Any]:
        for one in value.values():
            parts = one.values() if isinstance(one, dict) else [one]
            if not all(isinstance(part, str) for part in parts):
                raise serializers.ValidationError(
                    "Each word of theirs is an activity, or {category, activity}."
                )
        return storable_words(value)

    def validate_units(self, value: dict[str, Any]) -> dict[str, Any]:
        return storable_words(value)

    def get_own(self, row: ImportLayout) -> bool:
        return row.organization_id is not None

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        row = self.as_row(attrs)
        said = {name: getattr(row, name) for name in (*WORDS, "name", "sum_by")}
        errors: dict[str, Any] = dict(check_layout(row.kind, said))
        others = ImportLayout.objects.for_organization(row.organization_id).exclude(pk=row.pk)
        if others.filter(name=row.name).exists():
            errors["name"] = ValidationError(
                f"Another layout of this organization is called “{row.name}”.", code="taken"
            )
        if errors:
            raise serializers.ValidationError(as_detail(ValidationError(errors)))
        return attrs


def storable_words(value: dict[str, Any]) -> dict[str, Any]:
    """Words that any database keeps. Raises ValidationError."""
    text = json.dumps(value, ensure_ascii=False)
    if "\\u0000" in text or len(text) > LONGEST or text != text.encode("utf-8", "ignore").decode():
        raise serializers.ValidationError("This is too long, or has characters that are no text.")
    return value


def shipped_row(layout: Layout) -> ImportLayout:
    """A shipped layout as a row that is not stored; its id is made of its name."""
    return ImportLayout(
        id=UUID(shipped_id(layout)),
        organization=None,
        name=layout.name,
        kind=layout.kind,
        columns={ours: theirs.split("|")[0] for ours, theirs in layout.columns.items()},
        constants=dict(layout.constants),
        activities=dict(layout.activities),
        units=dict(layout.units),
        decimal=layout.decimal or "",
        dates=layout.dates or "",
        sum_by=layout.sum_by,
        created_at=SHIPPED_AT,
        updated_at=SHIPPED_AT,
    )


def shipped_rows() -> list[ImportLayout]:
    return [shipped_row(one) for one in SHIPPED]


class FaultSerializer(serializers.Serializer):
    """What is wrong with a cell of a row."""

    line = serializers.IntegerField(help_text="Of the file; of JSON rows the position, from 1.")
    column = serializers.CharField()
    value = serializers.CharField()
    code = serializers.CharField()
    detail = serializers.CharField(source="reason")


class WarningsSerializer(serializers.Serializer):
    """What is suspicious about rows that are stored all the same."""

    items = FaultSerializer(source="first_warnings", many=True, help_text="The first 100.")


class ImportSerializer(ModelSerializer):
    """What a file brought."""

    kind = serializers.SerializerMethodField(
        help_text="facilities, consumption or emission-factors."
    )
    status = serializers.CharField(
        source="outcome",
        read_only=True,
        help_text="queued and running: the worker has it; stored; refused: nothing was stored; "
        "checked: it was a dry run.",
    )
    layout = serializers.SerializerMethodField(help_text="By which it was read, or null.")
    progress = serializers.IntegerField(
        read_only=True, help_text="Percent; 100 when it is finished."
    )
    faults = FaultSerializer(source="first_rejects", many=True, help_text="The first 100.")

    class Meta:
        model = Import
        fields = [
            "id",
            "kind",
            "file_name",
            "layout",
            "status",
            "progress",
            "created",
            "changed",
            "unchanged",
            "rejected",
            "warnings",
            "faults",
            "started_by",
            "started_at",
            "finished_at",
        ]
        read_only_fields = fields

    def get_kind(self, row: Import) -> str:
        return row.kind.replace(" ", "-")

    def get_layout(self, row: Import) -> str | None:
        return row.layout or None


class ImportQuery(serializers.Serializer):
    """How a file is read, and what becomes of bad rows."""

    kind = serializers.ChoiceField(choices=list(KINDS))
    dry_run = serializers.BooleanField(required=False, default=False)
    on_error = serializers.ChoiceField(choices=[ABORT, SKIP], required=False, default=ABORT)
    allow = serializers.MultipleChoiceField(choices=list(ALLOWABLE), required=False, default=set)
    layout = serializers.CharField(required=False, max_length=100)
    facility = serializers.CharField(required=False, max_length=100)
    decimal = serializers.ChoiceField(choices=list(STYLES), required=False)
    dates = serializers.ChoiceField(choices=list(ORDERS), required=False)


class IntervalSerializer(serializers.Serializer):
    """What was used from one moment until the next."""

    start = Moment(help_text="In the meter's local time, with its offset from UTC.")
    end = Moment()
    quantity = Number(max_digits=30, decimal_places=9)
    unit = serializers.CharField()
    estimated = serializers.BooleanField()


class IntervalsSerializer(serializers.Serializer):
    """The intervals that a bill is the sum of."""

    items = IntervalSerializer(many=True)
    seconds = serializers.IntegerField(allow_null=True, help_text="How long each one is.")
    missing = serializers.IntegerField(help_text="Gaps between the first and the last one.")
    quantity = Number(max_digits=30, decimal_places=6, help_text="Their exact sum.")
    unit = serializers.CharField()
