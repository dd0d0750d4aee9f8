"""Consumption, emission factors and recalculations on the wire."""

from typing import Any, ClassVar

from django.db.models import Case, F, TextField, Value, When
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from emissions.calculation.spellings import UnreadableUnit, read_unit
from emissions.models import (
    UNIT_CHOICES,
    Consumption,
    EmissionFactor,
    FactorSource,
    Recalculation,
)
from emissions.models.factor import DEFAULT_ACTIVITY
from facilities.models import Completeness, Facility
from organizations.database.projection import Hyphenated, NullIfBlank
from organizations.rest.fields import Choice, Id, ModelSerializer, Text, WholeNumber
from organizations.tenancy import caller

RECALCULATING = "recalculating: a factor has changed; the new figures are on their way"
UNITS_HELP = (
    "In any usual spelling: KWH, m³ or ccf (hundred cubic feet). What may be two units, such as "
    "Mcf, gal or ton, is refused with the choices. Answers have the one spelling."
)
COMPUTED = ["co2e", "co2e_market", "co2e_biomass"]


class FacilityId(serializers.PrimaryKeyRelatedField):
    """A facility of the caller's organization, by id; any other does not exist."""

    default_error_messages = {"does_not_exist": "There is no such facility in this organization."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            queryset=Facility.objects.none(), pk_field=Id(), source="facility", **kwargs
        )

    def get_queryset(self) -> Any:
        organization_id = caller(self.context["request"]).organization_id
        return Facility.objects.for_organization(organization_id).live()

    def to_internal_value(self, data: Any) -> Any:
        """The one that the view has locked, where it is that."""
        held = getattr(self.context.get("view"), "held", None)
        if held and held.deleted_at is None and str(held.pk) == data:
            return held
        return super().to_internal_value(data)

    def in_database(self, column: F) -> Hyphenated:
        return Hyphenated(F(f"{self.source}_id"))


@extend_schema_field(Text(allow_null=True))
class Reason(serializers.Field):
    """Why a consumption has no figure, or that a new one is on its way."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(source="*", read_only=True, **kwargs)

    def to_representation(self, value: Consumption) -> str | None:
        """`facility_status` comes with a list; a single row has its facility."""
        status = getattr(value, "facility_status", None) or value.facility.co2e_status
        if status == Completeness.RECALCULATING:
            return RECALCULATING
        return value.co2e_reason or None

    def in_database(self, column: F) -> Any:
        waits = When(facility__co2e_status=Completeness.RECALCULATING, then=Value(RECALCULATING))
        return Case(waits, default=NullIfBlank(F("co2e_reason")), output_field=TextField())


class KeptReason(Reason):
    """Why a consumption has no figure, as it is stored: in a copy, which hears of a facility that
    is recalculated, but not of each of its bills."""

    def to_representation(self, value: Consumption) -> str | None:
        return value.co2e_reason or None

    def in_database(self, column: F) -> Any:
        return NullIfBlank(F("co2e_reason"))


class Unit(Choice):
    """A unit, read in the spellings people use and always written in its own."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            return super().to_internal_value(data)
        try:
            return read_unit(data)
        except UnreadableUnit as error:
            raise serializers.ValidationError(str(error), code=error.code) from error


def asked_of_others(body: Any) -> tuple[str, str, str]:
    """The external_id, category and activity of a body, as the fields read them; what they refuse
    is left out, and a wrong guess only means that they are asked again."""
    names = ("external_id", "category", "activity")
    given = [value if isinstance(value := body.get(name), str) else "" for name in names]
    texts = [text.strip() if text.isprintable() else "" for text in given]
    external_id, category, activity = texts
    return external_id, category, activity or DEFAULT_ACTIVITY.get(category, "")


class ConsumptionSerializer(ModelSerializer):
    """One bill, reading or refill with its kg CO2e."""

    needs = {
        "activity": {"category"},
        "category": {"facility_id"},
        "cups": {"facility_id"},
        "quantity": {"data_quality"},
        "end_date": {"category", "start_date"},
    }
    facility_id = FacilityId()
    unit = Unit(choices=UNIT_CHOICES, help_text=UNITS_HELP)
    co2e_reason = Reason(help_text="Why there is no figure, or that a new one is on its way.")

    class Meta:
        model = Consumption
        fields = [
            "id",
            "external_id",
            "facility_id",
            "category",
            "activity",
            "quantity",
            "unit",
            "start_date",
            "end_date",
            "supplier",
            "cups",
            "meter",
            "data_quality",
            "status",
            "note",
            *COMPUTED,
            "co2e_status",
            "co2e_reason",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", *Consumption.COMPUTED, "created_at", "updated_at"]
        extra_kwargs = {
            "activity": {
                "required": False,
                "allow_blank": True,
                "help_text": "grid, supply, treatment, a fuel or a refrigerant; grid for "
                "electricity and supply for water unless set.",
            },
            "cups": {"max_length": 64},  # before its spaces and dashes are taken out
            "meter": {"max_length": 64},
        }

    def as_row(self, attrs: dict[str, Any]) -> Consumption:
        row: Consumption = super().as_row(attrs)
        row.told = getattr(self.context.get("view"), "told", None)
        return row

    def create(self, validated_data: dict[str, Any]) -> Consumption:
        """Stores one whose facility the view has locked."""
        row = Consumption(**validated_data)
        row.held_since = self.context["view"].held_since(row.facility)
        row.save(force_insert=True)
        row.held_since = None
        return row


class CopiedConsumptionSerializer(ConsumptionSerializer):
    """The same in a copy."""

    co2e_reason = KeptReason()


class WarningSerializer(serializers.Serializer):
    """What is odd about a bill that was stored all the same."""

    field = serializers.CharField()
    code = serializers.ChoiceField(choices=["duplicate", "overlap", "future_period", "jump"])
    detail = serializers.CharField()


class WrittenConsumptionSerializer(ConsumptionSerializer):
    """The answer to a write: what was stored, and what is odd about it."""

    warnings = WarningSerializer(many=True, read_only=True)

    class Meta(ConsumptionSerializer.Meta):
        fields = [*ConsumptionSerializer.Meta.fields, "warnings"]


class FactorSourceSerializer(serializers.ModelSerializer):
    """Who published a factor, where, and under which licence."""

    class Meta:
        model = FactorSource
        fields = ["id", "title", "url", "licence", "attribution"]
        extra_kwargs: ClassVar[dict[str, Any]] = {
            "id": {"validators": []}
        }  # a file may name those that are stored


class Source(serializers.RelatedField):
    """Read as the whole source; written as its id, or as an object that has one."""

    default_error_messages = {
        "does_not_exist": "There is no source “{value}”; give the id of one, or null.",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._whole = FactorSourceSerializer()  # made once, and not for every row

    def use_pk_only_optimization(self) -> bool:
        return False

    def to_internal_value(self, data: Any) -> FactorSource:
        value = data.get("id") if isinstance(data, dict) else data
        source = None
        if isinstance(value, str) and "\0" not in value and value.isprintable():
            source = FactorSource.objects.filter(pk=value).first()
        if source is None:
            self.fail("does_not_exist", value=str(value)[:50])
        return source

    def to_representation(self, value: Any) -> dict[str, Any]:
        return self._whole.to_representation(value)


class EmissionFactorSerializer(ModelSerializer):
    """kg CO2e per unit of an activity, in a place, in a period, from a named source."""

    needs = {
        "activity": {"category"},
        "method": {"category"},
        "supplier": {"category", "method"},
        "region": {"country"},
        "gwp_set": {"category"},
        "valid_to": {"valid_from"},
        "valid_from": {
            "category", "activity", "country", "region", "supplier", "method", "gwp_set", "unit",
            "valid_to",
        },
    }  # fmt: skip
    own = serializers.BooleanField(
        read_only=True, help_text="The organization's own, not published."
    )
    source = Source(  # type: ignore[assignment]
        queryset=FactorSource.objects.all(), required=False, allow_null=True
    )
    scope = WholeNumber(required=False, min_value=1, max_value=3)
    unit = Unit(choices=UNIT_CHOICES, help_text=f"What one factor is per. {UNITS_HELP}")

    class Meta:
        model = EmissionFactor
        fields = [
            "id",
            "own",
            "category",
            "activity",
            "country",
            "region",
            "supplier",
            "method",
            "gwp_set",
            "unit",
            "valid_from",
            "valid_to",
            "co2e",
            "co2e_biomass",
            "scope",
            "source",
            "source_ref",
            "note",
            "created_at",
            "updated_at",
        ]
        read_only_fields = ["id", "created_at", "updated_at"]
        extra_kwargs = {
            "activity": {"required": False, "allow_blank": True},
            "country": {"max_length": 100},  # a name gets the sentence on codes
        }


class RecalculationSerializer(ModelSerializer):
    """A change that reached too much for its own request, and how far its new figures are."""

    started_by = serializers.SerializerMethodField(
        help_text="Who made the change; null where the service's staff changed a published factor."
    )

    class Meta:
        model = Recalculation
        fields = [
            "id",
            "cause",
            "started_by",
            "published",
            "state",
            "facilities",
            "facilities_done",
            "consumptions",
            "consumptions_done",
            "consumptions_changed",
            "error",
            "started_at",
            "finished_at",
            "created_at",
            "updated_at",
        ]
        read_only_fields = fields
        extra_kwargs = {"error": {"allow_blank": True}}

    def get_started_by(self, row: Recalculation) -> str | None:
        return None if row.published else row.started_by or None
