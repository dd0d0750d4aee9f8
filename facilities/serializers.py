"""The facility on the wire."""

from typing import Any

from django.core.exceptions import ValidationError as ModelValidationError
from django.db import transaction
from django.db.models import F, OuterRef
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from facilities.categories import Category, all_categories, ordered
from facilities.models import (
    Facility,
    Meter,
    SupplyPoint,
    normalise_cups,
    normalise_meter,
    taken,
)
from organizations.database.projection import Listed, Split
from organizations.history import CREATED, record
from organizations.rest.fields import Choice, ModelSerializer, ShortList, Text, as_detail
from organizations.tenancy import caller


class CodeList(ShortList):
    """The codes of a facility's supply points, as strings; a written list replaces the stored
    one."""

    child = Text(max_length=64)
    default_error_messages = {"duplicate": "The {what} “{code}” is in this list already."}
    model: type[Any]
    column: str
    what: str

    def normalise(self, code: str) -> str:
        """A code as it is stored. Raises ValidationError."""
        raise NotImplementedError

    def to_representation(self, value: Any) -> list[str]:
        return [getattr(point, self.column) for point in value.all()]

    def in_database(self, column: F) -> Listed:
        points = self.model.objects.filter(facility=OuterRef("pk"))
        return Listed(points.values(text=F(self.column)))

    def run_child_validation(self, data: Any) -> list[str]:
        result: list[str] = []
        errors: dict[Any, Any] = {}
        for position, item in enumerate(data):
            try:
                code = self.normalise(self.child.run_validation(item))
                if code in result:
                    self.fail("duplicate", what=self.what, code=code)
                result.append(code)
            except ModelValidationError as error:
                errors[position] = as_detail(ModelValidationError({"code": error}))["code"]
            except serializers.ValidationError as error:
                errors[position] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return result

    def held(self, organization_id: Any) -> Any:
        """The points that a live facility of the organization has."""
        return self.model.objects.filter(organization_id=organization_id, released_at=None)

    def check_free(self, codes: list[str], organization_id: Any, facility: Any) -> dict[Any, Any]:
        """By position in the list: which of the codes another facility has."""
        held = self.held(organization_id).filter(**{f"{self.column}__in": codes})
        return {
            codes.index(code): as_detail(ModelValidationError({"code": taken(self.what, code)}))[
                "code"
            ]
            for code in held.exclude(facility=facility).values_list(self.column, flat=True)
        }

    def add(self, facility: Facility, codes: list[str]) -> None:
        """Stores points of a facility."""
        points = self.model.objects.bulk_create(
            self.model(
                organization_id=facility.organization_id,
                facility=facility,
                **{self.column: code},
            )
            for code in codes
        )
        record(self.model, [point.pk for point in points], CREATED)


class CupsList(CodeList):
    """Spanish supply points, their check letters proved."""

    model, column, what = SupplyPoint, "cups", "CUPS"

    def normalise(self, code: str) -> str:
        return normalise_cups(code)


class MeterList(CodeList):
    """Any other supply points and meters."""

    model, column, what = Meter, "code", "meter"

    def normalise(self, code: str) -> str:
        return normalise_meter(code)


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "enum": Category.values},
        "default": Category.values,
    }
)
class CategoryList(ShortList):
    """Which categories count at a facility, each once, in their own order."""

    child = Choice(choices=Category.choices)

    def to_internal_value(self, data: Any) -> list[str]:
        return ordered(super().to_internal_value(data))

    def in_database(self, column: F) -> Split:
        return Split(column)


class FacilitySerializer(ModelSerializer):
    """A physical site with its kg CO2e."""

    categories = CategoryList(
        required=False,
        default=all_categories,
        max_length=100,
        help_text="What counts here; all four unless set.",
    )
    cups_list = CupsList(
        source="supply_points",
        required=False,
        max_length=100,
        help_text="Spanish supply points: 20 or 22 characters, check letters included. Replaces.",
    )

    meter_list = MeterList(
        source="meters",
        required=False,
        max_length=100,
        help_text="Any other supply points or meters: MPAN, PRM, POD, a serial number. Replaces.",
    )

    class Meta:
        model = Facility
        fields = [
            "id",
            "external_id",
            "name",
            "type",
            "country",
            "region",
            "address",
            "categories",
            "cups_list",
            "meter_list",
            "logistic_factor",
            "status",
            "co2e",
            "co2e_market",
            "co2e_biomass",
            "co2e_status",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", *Facility.COMPUTED, "created_at", "updated_at"]
        extra_kwargs = {"country": {"max_length": 100}}  # a name gets the sentence on codes

    @property
    def code_lists(self) -> dict[str, CodeList]:
        """The lists of codes by what they are of."""
        return {
            str(field.source): field
            for field in self.fields.values()
            if isinstance(field, CodeList)
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        lists = {name: attrs.pop(name) for name in self.code_lists if name in attrs}
        organization_id = caller(self.context["request"]).organization_id
        errors: dict[str, Any] = {}
        try:
            attrs = super().validate(attrs)
        except serializers.ValidationError as error:
            errors |= error.detail  # type: ignore[arg-type]
        for name, codes in lists.items():
            field = self.code_lists[name]
            if found := field.check_free(codes, organization_id, self.instance):
                errors[str(field.field_name)] = found
        if errors:
            raise serializers.ValidationError(errors)
        return attrs | lists

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Facility:
        lists = {name: validated_data.pop(name, []) for name in self.code_lists}
        facility = Facility(**validated_data)
        facility.save()
        for name, codes in lists.items():
            self.code_lists[name].add(facility, codes)
        return facility

    @transaction.atomic
    def update(self, instance: Facility, validated_data: dict[str, Any]) -> Facility:
        for name, field in self.code_lists.items():
            codes = validated_data.pop(name, None)
            points = getattr(instance, name)
            if codes is not None and codes != field.to_representation(points):
                points.all().delete()
                field.add(instance, codes)
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        return instance
