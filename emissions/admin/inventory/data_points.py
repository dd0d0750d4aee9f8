"""The data points of ESRS E1 as the inventory's page calls them."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

CARRIERS = {
    "coal": _("Coal"),
    "oil": _("Oil products"),
    "natural_gas": _("Natural gas"),
    "biomass": _("Renewable fuels"),
    "other_fuels": _("Other fuels"),
    "purchased_electricity": _("Purchased electricity"),
    "purchased_heat": _("Purchased heat, steam and cooling"),
    "fossil_fuels": _("Coal, oil and natural gas together"),
}
GROSS = {
    "gross_scope_1": _("Gross scope 1"),
    "gross_scope_2_location": _("Gross scope 2, location-based"),
    "gross_scope_2_market": _("Gross scope 2, market-based"),
    "gross_scope_3": _("Gross scope 3: water alone"),
    "total_location": _("Total, scope 2 location-based"),
    "total_market": _("Total, scope 2 market-based"),
    "biogenic": _("Biogenic CO2, outside the scopes"),
}


class DataPoint(NamedTuple):
    """A figure that the standard asks for."""

    standard: str
    name: Any
    value: Decimal
    unit: str


def data_points(report: dict[str, Any]) -> Iterator[DataPoint]:
    """Those of E1-5 and E1-6 that a report has, in its order."""
    energy, gross = report["energy"]["esrs_e1_5"], report["esrs_e1_6"]
    for name, words in CARRIERS.items():
        yield DataPoint("E1-5", words, energy[f"{name}_mwh"], "MWh")
    for name, words in GROSS.items():
        yield DataPoint("E1-6", words, gross[f"{name}_t"], "t CO2e")
