"""The inventory report on the wire."""

from typing import Any

from drf_spectacular.utils import extend_schema_serializer
from rest_framework import serializers

from emissions.reports.serializers import (
    TOTAL,
    CoverageSerializer,
    SumsSerializer,
    TotalsItemSerializer,
)
from organizations.rest.fields import Number

SHARE: dict[str, Any] = {"max_digits": 40, "decimal_places": 6}
THOUSANDTHS: dict[str, Any] = {"max_digits": 40, "decimal_places": 9}


class OrganizationNamedSerializer(serializers.Serializer):
    """Whose inventory it is."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    gwp_set = serializers.CharField(help_text="The IPCC report of its refrigerants' GWPs.")


class WithoutFigureSerializer(serializers.Serializer):
    """Consumption of one kind in one country that has no figure."""

    category = serializers.CharField()
    activity = serializers.CharField()
    country = serializers.CharField()
    reason = serializers.CharField(help_text="no_factor, ambiguous_factor or period_closed")
    consumptions = serializers.IntegerField()
    facilities = serializers.IntegerField()


class FacilityInventorySerializer(SumsSerializer):
    """A facility's part."""

    facility_id = serializers.UUIDField()
    external_id = serializers.CharField(allow_null=True)
    name = serializers.CharField()
    type = serializers.CharField()
    country = serializers.CharField()
    scope_1 = Number(**TOTAL)
    scope_2_location = Number(**TOTAL)
    scope_2_market = Number(**TOTAL)


class CarrierSerializer(serializers.Serializer):
    """Energy of one carrier."""

    category = serializers.CharField()
    activity = serializers.CharField()
    kind = serializers.CharField(help_text="Its data point in `esrs_e1_5`.")
    mwh = Number(**THOUSANDTHS)
    share = Number(help_text="Of the total, 0 to 1.", **SHARE)


class FuelByQuantitySerializer(serializers.Serializer):
    """A fuel billed by volume or mass, whose energy is not known."""

    activity = serializers.CharField()
    unit = serializers.CharField()
    quantity = Number(**TOTAL)


class EnergyPointsSerializer(serializers.Serializer):
    """ESRS E1-5, 37 and 38, as far as bills tell it."""

    coal_mwh = Number(**THOUSANDTHS)
    oil_mwh = Number(help_text="Crude oil and petroleum products.", **THOUSANDTHS)
    natural_gas_mwh = Number(**THOUSANDTHS)
    biomass_mwh = Number(
        help_text="Renewable fuels, biogas and biofuels among them.", **THOUSANDTHS
    )
    other_fuels_mwh = Number(**THOUSANDTHS)
    purchased_electricity_mwh = Number(
        help_text="Its renewable and nuclear shares are not known from bills.", **THOUSANDTHS
    )
    purchased_heat_mwh = Number(help_text="Heat, steam and cooling from networks.", **THOUSANDTHS)
    fossil_fuels_mwh = Number(help_text="Coal, oil and natural gas.", **THOUSANDTHS)


class EnergySerializer(serializers.Serializer):
    """Energy consumed, as billed."""

    total_mwh = Number(**THOUSANDTHS)
    mix = CarrierSerializer(many=True)
    esrs_e1_5 = EnergyPointsSerializer()
    not_in_energy_units = FuelByQuantitySerializer(many=True)


class GrossEmissionsSerializer(serializers.Serializer):
    """ESRS E1-6, 44 and 48 to 52, in t CO2e, as far as bills tell it."""

    gross_scope_1_t = Number(**THOUSANDTHS)
    gross_scope_2_location_t = Number(**THOUSANDTHS)
    gross_scope_2_market_t = Number(**THOUSANDTHS)
    gross_scope_3_t = Number(help_text="Water alone: bills tell no more of scope 3.", **THOUSANDTHS)
    total_location_t = Number(**THOUSANDTHS)
    total_market_t = Number(**THOUSANDTHS)
    biogenic_t = Number(help_text="t biogenic CO2, outside the scopes.", **THOUSANDTHS)


class RefrigerantSerializer(serializers.Serializer):
    """Refills of one gas."""

    gas = serializers.CharField()
    refilled_kg = Number(**TOTAL)
    co2e = Number(**TOTAL)
    co2e_market = Number(**TOTAL)
    co2e_biomass = Number(**TOTAL)


class PartOfChangeSerializer(serializers.Serializer):
    """kg, and % of the base year."""

    kg = Number(**TOTAL)
    percent = Number(allow_null=True, **SHARE)


class ExplainedSerializer(serializers.Serializer):
    """The change by cause; the three add up to it exactly."""

    activity = PartOfChangeSerializer(help_text="More or less was consumed.")
    factor = PartOfChangeSerializer(help_text="A unit emits more or less.")
    structure = PartOfChangeSerializer(help_text="Facilities came or went.")


class ChangeSerializer(serializers.Serializer):
    """The change under one method."""

    base_kg = Number(**TOTAL)
    kg = Number(**TOTAL)
    change_kg = Number(**TOTAL)
    change_percent = Number(allow_null=True, **SHARE)
    explained = ExplainedSerializer()


class BaseYearSerializer(serializers.Serializer):
    """The year it is compared with."""

    year = serializers.IntegerField()
    co2e = ChangeSerializer(help_text="Location-based.")
    co2e_market = ChangeSerializer(help_text="Market-based.")


class SourceNamedSerializer(serializers.Serializer):
    """Where a factor comes from."""

    id = serializers.CharField()
    title = serializers.CharField()
    url = serializers.CharField()
    licence = serializers.CharField()


class FactorUsedSerializer(serializers.Serializer):
    """A factor as it was used, and what was computed with it."""

    factor_id = serializers.UUIDField()
    own = serializers.BooleanField(help_text="The organization's own.")
    category = serializers.CharField()
    activity = serializers.CharField()
    country = serializers.CharField(allow_null=True)
    region = serializers.CharField(allow_null=True)
    supplier = serializers.CharField(allow_null=True)
    method = serializers.CharField(allow_null=True)
    gwp_set = serializers.CharField(allow_null=True)
    co2e_per_unit = Number(max_digits=18, decimal_places=10)
    unit = serializers.CharField()
    valid_from = serializers.DateField()
    valid_to = serializers.DateField(allow_null=True)
    source = SourceNamedSerializer(allow_null=True)  # type: ignore[assignment]
    source_ref = serializers.CharField(allow_null=True)
    lines = serializers.IntegerField(help_text="How many lines of the ledger use it.")
    co2e = Number(help_text="kg computed with it, location-based.", **TOTAL)
    co2e_market = Number(help_text="kg computed with it, market-based.", **TOTAL)
    in_spain = serializers.BooleanField(help_text="Used for a facility in Spain.")


class SpainSerializer(serializers.Serializer):
    """Whether all factors used in Spain are MITECO's official ones (Real Decreto 214/2025)."""

    facilities = serializers.IntegerField()
    all_factors_official = serializers.BooleanField(
        allow_null=True, help_text="Null where nothing was used in Spain."
    )
    rule = serializers.CharField()
    not_official = FactorUsedSerializer(many=True)


@extend_schema_serializer(many=False)
class InventorySerializer(serializers.Serializer):
    """An organization's year; all parts add up to the totals exactly."""

    organization = OrganizationNamedSerializer()
    year = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["open", "closed"])
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(allow_null=True)
    missing = WithoutFigureSerializer(many=True, help_text="What has no figure, first of all.")
    coverage = CoverageSerializer()
    scope_1 = Number(**TOTAL)
    scope_2_location = Number(**TOTAL)
    scope_2_market = Number(**TOTAL)
    scope_3 = Number(help_text="Water.", **TOTAL)
    biogenic = Number(help_text="kg biogenic CO2, outside the scopes.", **TOTAL)
    total_location = Number(**TOTAL)
    total_market = Number(**TOTAL)
    by_scope = TotalsItemSerializer(many=True)
    by_category = TotalsItemSerializer(many=True)
    by_fuel = TotalsItemSerializer(many=True)
    by_country = TotalsItemSerializer(many=True)
    by_facility = FacilityInventorySerializer(many=True)
    by_month = TotalsItemSerializer(many=True)
    data_quality = TotalsItemSerializer(many=True)
    energy = EnergySerializer()
    esrs_e1_6 = GrossEmissionsSerializer()
    refrigerants = RefrigerantSerializer(many=True)
    base_year = BaseYearSerializer(allow_null=True)
    factors = FactorUsedSerializer(many=True)
    spain = SpainSerializer()
