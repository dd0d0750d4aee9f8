"""The facility on the wire."""

from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.core.exceptions import ValidationError as ModelValidationError
from django.db import transaction
from django.db.models import F, OuterRef
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from facilities.categories import Category, all_categories, ordered
from facilities.models import Facility, SupplyPoint, normalise_cups, taken
from organizations.database.projection import Split
from organizations.history import CREATED, record
from organizations.rest.fields import Choice, ModelSerializer, Text, as_detail
from organizations.tenancy import caller


class CupsList(serializers.ListField):
    """The CUPS of a facility, as strings; a written list replaces the stored one."""

    child = Text(max_length=64)
    default_error_messages = {"duplicate": "The CUPS “{cups}” is in this list already."}

    def to_representation(self, value: Any) -> list[str]:
        return [point.cups for point in value.all()]

    def in_database(self, column: F) -> ArraySubquery:
        return ArraySubquery(SupplyPoint.objects.filter(facility=OuterRef("pk")).values("cups"))

    def run_child_validation(self, data: Any) -> list[str]:
        result: list[str] = []
        errors: dict[Any, Any] = {}
        for position, item in enumerate(data):
            try:
                cups = normalise_cups(self.child.run_validation(item))
                if cups in result:
                    self.fail("duplicate", cups=cups)
                result.append(cups)
            except ModelValidationError as error:
                errors[position] = as_detail(ModelValidationError({"cups": error}))["cups"]
            except serializers.ValidationError as error:
                errors[position] = error.detail
        if errors:
            raise serializers.ValidationError(errors)
        return result


@extend_schema_field(
    {
        "type": "array",
        "items": {"type": "string", "enum": Category.values},
        "default": Category.values,
    }
)
class CategoryList(serializers.ListField):
    """Which categories count at a facility, each once, in their own order."""

    child = Choice(choices=Category.choices)

    def to_internal_value(self, data: Any) -> list[str]:
        return ordered(super().to_internal_value(data))

    def in_database(self, column: F) -> Split:
        return Split(column)


class FacilitySerializer(ModelSerializer):
    """A physical site with its kg CO2e."""

    categories = CategoryList(
        required=False, default=all_categories, help_text="What counts here; all four unless set."
    )
    cups_list = CupsList(
        source="supply_points",
        required=False,
        max_length=100,
        help_text="Spanish supply points: 20 or 22 characters, check letters included. Replaces.",
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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        cups_list = attrs.pop("supply_points", None)
        errors: dict[str, Any] = {}
        try:
            attrs = super().validate(attrs)
        except serializers.ValidationError as error:
            errors |= error.detail  # type: ignore[arg-type]
        if cups_list is not None:
            errors |= self._taken(cups_list)
            attrs["supply_points"] = cups_list
        if errors:
            raise serializers.ValidationError(errors)
        return attrs

    def _taken(self, cups_list: list[str]) -> dict[str, Any]:
        """The errors of the CUPS that other facilities have, by their position."""
        held = SupplyPoint.objects.filter(
            organization_id=caller(self.context["request"]).organization_id,
            cups__in=cups_list,
            released_at=None,
        ).exclude(facility=self.instance)
        errors: dict[Any, Any] = {
            cups_list.index(cups): as_detail(ModelValidationError({"cups": taken("CUPS", cups)}))[
                "cups"
            ]
            for cups in held.values_list("cups", flat=True)
        }
        return {"cups_list": errors} if errors else {}

    @transaction.atomic
    def create(self, validated_data: dict[str, Any]) -> Facility:
        cups_list = validated_data.pop("supply_points", [])
        facility = Facility(**validated_data)
        facility.save()
        self._add_supply_points(facility, cups_list)
        return facility

    @transaction.atomic
    def update(self, instance: Facility, validated_data: dict[str, Any]) -> Facility:
        cups_list = validated_data.pop("supply_points", None)
        stored = [point.cups for point in instance.supply_points.all()]
        if cups_list is not None and cups_list != stored:
            instance.supply_points.all().delete()
            self._add_supply_points(instance, cups_list)
        for name, value in validated_data.items():
            setattr(instance, name, value)
        instance.save(update_fields=list(validated_data))
        return instance

    def _add_supply_points(self, facility: Facility, cups_list: list[str]) -> None:
        points = SupplyPoint.objects.bulk_create(
            SupplyPoint(organization_id=facility.organization_id, facility=facility, cups=cups)
            for cups in cups_list
        )
        record(SupplyPoint, [point.pk for point in points], CREATED)
