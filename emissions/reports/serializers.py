"""Breakdowns and explanations of figures on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from emissions.reports.periods import Period
from emissions.serializers import ConsumptionSerializer, EmissionFactorSerializer
from organizations.rest.fields import Choice, Day, Number


class KilogramsSerializer(serializers.Serializer):
    """kg under both Scope 2 methods, and the biogenic part apart."""

    co2e = Number(max_digits=18, decimal_places=6, help_text="kg CO2e, fossil, location-based.")
    co2e_market = Number(
        max_digits=18, decimal_places=6, help_text="kg CO2e, fossil, market-based."
    )
    co2e_biomass = Number(
        max_digits=18, decimal_places=6, help_text="kg biogenic CO2, outside the scopes."
    )


class SumsSerializer(KilogramsSerializer):
    """Figures added up, with the energy and of how many consumptions."""

    energy_kwh = Number(
        max_digits=18,
        decimal_places=6,
        help_text="kWh of what is billed in a unit of energy, gross or net as billed; fuels billed "
        "by volume or mass are not in it.",
    )
    consumptions = serializers.IntegerField(help_text="How many have a part in it.")


class BreakdownQuery(serializers.Serializer):
    """What a breakdown is asked for."""

    group_by = serializers.ListField(
        child=Choice(choices=["category", "activity", "scope", "month", "year"]),
        default=["category"],
        help_text="Repeatable; the keys of each item.",
    )
    start_date = Day(
        required=False,
        help_text="From this day on. A line that the period cuts counts by days.",
    )
    end_date = Day(required=False, help_text="Up to and with this day.")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The period as `period`."""
        period = Period(attrs.get("start_date"), attrs.get("end_date"))
        return {**attrs, "period": period.checked()}


class BreakdownItemSerializer(KilogramsSerializer):
    """One group; it has the keys that were asked for."""

    category = serializers.CharField(required=False)
    activity = serializers.CharField(required=False)
    scope = serializers.IntegerField(required=False)
    month = serializers.CharField(required=False, help_text="YYYY-MM")
    year = serializers.IntegerField(required=False)


class BreakdownSerializer(KilogramsSerializer):
    """Groups that add up to the totals exactly."""

    items = BreakdownItemSerializer(many=True)


class TotalsItemSerializer(SumsSerializer):
    """One group; it has the keys that were asked for."""

    category = serializers.CharField(required=False)
    activity = serializers.CharField(required=False)
    scope = serializers.IntegerField(required=False)
    month = serializers.CharField(required=False, help_text="YYYY-MM")
    year = serializers.IntegerField(required=False)
    country = serializers.CharField(required=False)
    region = serializers.CharField(required=False, allow_null=True)
    type = serializers.CharField(required=False)
    facility = serializers.UUIDField(required=False, help_text="Its id.")
    data_quality = serializers.CharField(required=False)


class PartSerializer(serializers.Serializer):
    """How many consumptions have lines of some kind, and what those lines emit."""

    count = serializers.IntegerField()
    kg = Number(
        max_digits=18,
        decimal_places=6,
        allow_null=True,
        help_text="kg CO2e, location-based; null where there is no figure.",
    )


class CoverageSerializer(serializers.Serializer):
    """How much of the consumption has a figure, and how good the location-based figures are."""

    consumptions = PartSerializer(help_text="All that ought to have a figure.")
    calculated = PartSerializer(help_text="Those that have one.")
    missing = PartSerializer(help_text="Those that have none; their kg are not known.")
    exact = PartSerializer(help_text="With exactly the factor that was asked for.")
    earlier_year = PartSerializer(help_text="With the factor of an earlier year.")
    wider = PartSerializer(help_text="With the country's factor for a region's, or the world's.")
    estimated = PartSerializer(help_text="From consumption that is estimated.")


@extend_schema_serializer(many=False)
class TotalsSerializer(SumsSerializer):
    """A page of groups; all groups together add up to the totals exactly."""

    items = TotalsItemSerializer(many=True)
    coverage = CoverageSerializer()
    total = serializers.IntegerField(help_text="How many groups there are on all pages.")
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    pages = serializers.IntegerField()


class AskedSerializer(serializers.Serializer):
    """What a factor was asked for."""

    category = serializers.CharField()
    activity = serializers.CharField()
    method = serializers.CharField(allow_null=True)
    unit = serializers.CharField()
    country = serializers.CharField()
    region = serializers.CharField(allow_null=True)
    supplier = serializers.CharField(allow_null=True)
    gwp_set = serializers.CharField(allow_null=True)
    start_date = serializers.DateField()
    end_date = serializers.DateField()


class FigureSerializer(serializers.Serializer):
    """How one figure of a line came to be."""

    asked = AskedSerializer(help_text="What the factor was asked for.")
    factor = EmissionFactorSerializer(help_text="The factor, with the value as it was used.")
    converted_quantity = Number(
        max_digits=60, decimal_places=28, help_text="The quantity in the factor's unit."
    )
    unit = serializers.CharField(help_text="The factor's unit.")
    conversion = Number(
        max_digits=60, decimal_places=28, help_text="How many of the factor's unit one unit is."
    )
    conversion_exact = serializers.CharField(help_text="The same as an exact fraction.")
    product = Number(
        max_digits=60,
        decimal_places=28,
        help_text="quantity × conversion × factor, before rounding.",
    )
    carried = Number(
        max_digits=60,
        decimal_places=28,
        help_text="kg that rounding has left over of the bill's earlier lines in this calendar "
        "year; the line's figure is product + carried, rounded half up to 6 decimals.",
    )
    fallbacks = serializers.ListField(
        child=serializers.CharField(),
        help_text="Steps away from the exact answer: earlier_year, wider_region, world, "
        "older_gwp_set, location_for_market.",
    )


class LineSerializer(KilogramsSerializer):
    """The part of a consumption that falls in one month under one factor."""

    month = serializers.CharField(help_text="YYYY-MM")
    start_date = serializers.DateField()
    end_date = serializers.DateField()
    days = serializers.IntegerField()
    quantity = Number(max_digits=24, decimal_places=12)
    unit = serializers.CharField()
    scope = serializers.IntegerField()
    location = FigureSerializer()
    market = FigureSerializer()


class CalculationSerializer(serializers.Serializer):
    """A consumption explained; its lines add up to its figures exactly."""

    consumption = ConsumptionSerializer()
    lines = LineSerializer(many=True)
    co2e = Number(max_digits=18, decimal_places=6, allow_null=True)
    co2e_market = Number(max_digits=18, decimal_places=6, allow_null=True)
    co2e_biomass = Number(max_digits=18, decimal_places=6, allow_null=True)
    reason = serializers.CharField(allow_null=True, help_text="Why there is no figure.")
