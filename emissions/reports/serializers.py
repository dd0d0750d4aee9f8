"""Breakdowns and explanations of figures on the wire."""

import re
from datetime import datetime
from typing import Any

from django.core.exceptions import ValidationError
from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from emissions.reports.missing import AMBIGUOUS, NO_FACTOR
from emissions.reports.moments import AsOfField
from emissions.reports.periods import Period
from emissions.rules import EARLIEST_DAY, LATEST_DAY
from emissions.serializers import ConsumptionSerializer, EmissionFactorSerializer
from organizations.rest.fields import Choice, Day, Moment, Number

PLAIN_DIGITS = re.compile("[0-9]{1,9}")
TOTAL: dict[str, Any] = {"max_digits": 40, "decimal_places": 6}
"""A sum: of one facility it is under a gigatonne, of an organization it may be any number."""


class KilogramsSerializer(serializers.Serializer):
    """kg under both Scope 2 methods, and the biogenic part apart."""

    co2e = Number(**TOTAL, help_text="kg CO2e, fossil, location-based.")
    co2e_market = Number(**TOTAL, help_text="kg CO2e, fossil, market-based.")
    co2e_biomass = Number(**TOTAL, help_text="kg biogenic CO2, outside the scopes.")


class PageSerializer(serializers.Serializer):
    """The counts of a page."""

    total = serializers.IntegerField()
    page = serializers.IntegerField()
    size = serializers.IntegerField()
    pages = serializers.IntegerField()


class SumsSerializer(KilogramsSerializer):
    """Figures added up, with the energy and of how many consumptions."""

    energy_kwh = Number(
        **TOTAL,
        help_text="kWh of what is billed in a unit of energy, gross or net as billed; fuels billed "
        "by volume or mass are not in it.",
    )
    consumptions = serializers.IntegerField(help_text="How many have a part in it.")


class AsOf(Moment):
    """A moment that has been."""

    def to_internal_value(self, value: Any) -> datetime:
        try:
            return AsOfField().clean(value)
        except ValidationError as error:
            raise serializers.ValidationError(error.messages[0], error.code) from error


class CalculationQuery(serializers.Serializer):
    """Which explanation is asked for."""

    as_of = AsOf(required=False, help_text="The figures as they stood at this moment.")


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
    as_of = AsOf(required=False, help_text="The figures as they stood at this moment.")

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

    def to_representation(self, instance: Any) -> Any:
        """Without a region that was not asked for: the framework gives what may be null as null."""
        group = super().to_representation(instance)
        return group if "region" in instance else {k: group[k] for k in group if k != "region"}


class PartSerializer(serializers.Serializer):
    """How many consumptions have lines of some kind, and what those lines emit."""

    count = serializers.IntegerField()
    kg = Number(
        **TOTAL,
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
class TotalsSerializer(SumsSerializer, PageSerializer):
    """A page of groups; all groups together add up to the totals exactly."""

    items = TotalsItemSerializer(many=True)
    coverage = CoverageSerializer()


class LogisticsTotalSerializer(serializers.Serializer):
    """kg CO2e of scope 2, and the share of it that logistics counts."""

    scope2_location = Number(**TOTAL)
    scope2_market = Number(**TOTAL)
    logistic_location = Number(**TOTAL, help_text="scope2_location × logistic_factor.")
    logistic_market = Number(**TOTAL, help_text="scope2_market × logistic_factor.")


class LogisticsItemSerializer(LogisticsTotalSerializer):
    """One facility; the products are rounded half up to the milligram."""

    facility_id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    logistic_factor = Number(max_digits=7, decimal_places=6)


@extend_schema_serializer(many=False)
class LogisticsSerializer(LogisticsTotalSerializer, PageSerializer):
    """A page of facilities; all facilities together add up to the totals exactly."""

    items = LogisticsItemSerializer(many=True)


class StretchSerializer(serializers.Serializer):
    """Days in a row."""

    start_date = serializers.DateField()
    end_date = serializers.DateField(help_text="The last day, included.")


class RestatementSerializer(serializers.Serializer):
    """A consumption that would have other figures in a closed year if the year were open."""

    consumption_id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    facility_id = serializers.UUIDField(help_text="Where it is now.")
    deleted = serializers.BooleanField(help_text="Whether it has been deleted since.")
    before = KilogramsSerializer(allow_null=True, help_text="What stays; null is no figure.")
    after = KilogramsSerializer(allow_null=True, help_text="What it would be; null is no figure.")
    reason = serializers.CharField(allow_null=True, help_text="Why it would have no figure.")


@extend_schema_serializer(many=False)
class RestatementsSerializer(PageSerializer):
    """A page of restatements, with the sums of all of them."""

    items = RestatementSerializer(many=True)
    before = KilogramsSerializer()
    after = KilogramsSerializer()


class DaysSerializer(serializers.Serializer):
    """How many days, and which."""

    days = serializers.IntegerField()
    ranges = StretchSerializer(many=True)


class StreamSerializer(serializers.Serializer):
    """What is billed again and again; each day of the year is in one of the four."""

    category = serializers.CharField()
    activity = serializers.CharField(allow_null=True, help_text="Null where nothing is billed yet.")
    cups = serializers.CharField(allow_null=True, help_text="Null for bills that name none.")
    meter = serializers.CharField(allow_null=True, help_text="Null for bills that name none.")
    actual = DaysSerializer(help_text="One actual bill.")
    estimated = DaysSerializer(help_text="One estimate.")
    twice = DaysSerializer(help_text="Two bills or more, actual or estimated.")
    none = DaysSerializer(help_text="No bill.")


class DaysCoveredSerializer(serializers.Serializer):
    """Which days of a year a facility has bills for."""

    facility_id = serializers.UUIDField()
    year = serializers.IntegerField()
    days = serializers.IntegerField(help_text="How many days the year has.")
    items = StreamSerializer(many=True)


class Year(serializers.IntegerField):
    """A calendar year that consumption may lie in, as a parameter: plain digits."""

    default_error_messages = {"invalid": "Write a year like 2024."}

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(min_value=EARLIEST_DAY.year, max_value=LATEST_DAY.year, **kwargs)

    def to_internal_value(self, data: Any) -> int:
        if not PLAIN_DIGITS.fullmatch(data):
            self.fail("invalid")
        return super().to_internal_value(data)


class CoverageQuery(serializers.Serializer):
    """Which year is asked for."""

    year = Year(required=False, help_text="A calendar year; this one unless set.")


class NewFactorSerializer(serializers.Serializer):
    """The fields of a factor of exactly the missing key; its co2e is yours to add."""

    category = serializers.CharField()
    activity = serializers.CharField()
    country = serializers.CharField()
    region = serializers.CharField(allow_null=True)
    method = serializers.CharField(allow_null=True)
    gwp_set = serializers.CharField(allow_null=True)
    unit = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField()


class WhySerializer(serializers.Serializer):
    """Why a factor does not fit."""

    field = serializers.CharField(help_text="Of the factor.")
    code = serializers.CharField()
    detail = serializers.CharField()


class NearSerializer(serializers.Serializer):
    """A factor that comes near."""

    factor = EmissionFactorSerializer()
    why = WhySerializer(many=True)


class MissingFactorSerializer(serializers.Serializer):
    """A key that no factor has, or several; what waits for it; the factors that come nearest."""

    key = NewFactorSerializer(help_text="With co2e it is the body of POST /v1/emission-factors.")
    reason = serializers.ChoiceField(
        choices=[NO_FACTOR, AMBIGUOUS],
        help_text="`no_factor`: add one of this key. `ambiguous_factor`: several fit equally; "
        "delete all but one, or limit them in time.",
    )
    dimension = serializers.CharField(help_text="What the unit measures.")
    consumptions = serializers.IntegerField(help_text="How many have no figure for it.")
    facilities = serializers.IntegerField(help_text="At how many facilities.")
    quantity = Number(**TOTAL, help_text="Theirs together, in the unit.")
    first_day = serializers.DateField(
        help_text="The earliest day that lacks a factor, or first day of such a bill."
    )
    last_day = serializers.DateField(help_text="The latest.")
    nearest = NearSerializer(many=True)


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
    recorded_at = serializers.DateTimeField(help_text="When it was computed.")
    superseded_at = serializers.DateTimeField(
        allow_null=True, help_text="When it stopped counting; null while it counts."
    )
    superseded_by = serializers.CharField(
        allow_null=True,
        help_text="What ended it, and who: a request, an import or a recalculation.",
    )


class CalculationSerializer(serializers.Serializer):
    """A consumption explained; its lines add up to its figures exactly."""

    consumption = ConsumptionSerializer()
    lines = LineSerializer(many=True)
    co2e = Number(**TOTAL, allow_null=True)
    co2e_market = Number(**TOTAL, allow_null=True)
    co2e_biomass = Number(**TOTAL, allow_null=True)
    as_of = serializers.DateTimeField(
        allow_null=True, help_text="The moment whose figures were asked for; null is now."
    )
    reason = serializers.CharField(allow_null=True, help_text="Why there is no figure.")
