"""Energy consumed and its mix, for ESRS E1-5.

Only what is billed in a unit of energy has kWh. What a fuel billed by volume or mass holds is not
known without its calorific value: it is listed by quantity, never guessed.
"""

from decimal import Decimal
from typing import Any

from emissions.calculation.formula import rounded
from emissions.calculation.units import UNITS, Dimension, dimension
from emissions.reports.inventory.quantities import added_up
from emissions.reports.totals import Question
from facilities.categories import Category

OIL = {
    "butane", "fuel_oil", "gas_oil", "heating_oil", "kerosene", "lpg", "petroleum_coke", "propane",
}  # fmt: skip
GAS = {"natural_gas", "lng"}
BIOMASS = {
    "biodiesel", "biogas", "charcoal", "grass_straw", "landfill_gas", "olive_stones", "wood_chips",
    "wood_logs", "wood_pellets", "wood_residuals",
}  # fmt: skip
FOSSIL = ("coal", "oil", "natural_gas")
POINTS = (*FOSSIL, "biomass", "other_fuels", "purchased_electricity", "purchased_heat")
ENERGY = (Dimension.ENERGY, Dimension.NET_ENERGY)
PURCHASED_HEAT = ("district", "steam")
KWH_IN_MWH = 1000


def energy_of(question: Question) -> dict[str, Any]:
    """Energy in MWh by carrier, with the data points of ESRS E1-5 (37, 38) that it gives."""
    carriers = []
    points: dict[str, Decimal] = dict.fromkeys(POINTS, Decimal(0))
    total = Decimal(0)
    for one in question.grouped(["category", "activity"]):
        kwh = one.sums.energy_kwh
        if not kwh:
            continue
        total += kwh
        point = point_of(one.keys["category"], one.keys["activity"])
        points[point] += kwh
        carriers.append({**one.keys, "kind": point, "mwh": kwh / KWH_IN_MWH, "kwh": kwh})
    for carrier in carriers:
        carrier["share"] = rounded(carrier.pop("kwh") / total)
    fossil = sum((points[name] for name in FOSSIL), Decimal(0))
    return {
        "total_mwh": total / KWH_IN_MWH,
        "mix": sorted(carriers, key=lambda one: (-one["mwh"], one["activity"])),
        "esrs_e1_5": {
            **{f"{name}_mwh": kwh / KWH_IN_MWH for name, kwh in points.items()},
            "fossil_fuels_mwh": fossil / KWH_IN_MWH,
        },
        "not_in_energy_units": _by_quantity(question),
    }


def point_of(category: str, activity: str) -> str:
    """Which data point of ESRS E1-5 a carrier belongs to.

    What share of purchased electricity is renewable is not known from bills.
    """
    if category == Category.ELECTRICITY:
        return "purchased_electricity"
    if activity.startswith(PURCHASED_HEAT):
        return "purchased_heat"
    if activity.startswith("coal"):
        return "coal"
    for name, activities in (("oil", OIL), ("natural_gas", GAS), ("biomass", BIOMASS)):
        if activity in activities:
            return name
    return "other_fuels"


def _by_quantity(question: Question) -> list[dict[str, Any]]:
    """Fuels that were billed by volume or mass."""
    measured = [unit for unit in UNITS if dimension(unit) in ENERGY]
    lines = question.lines().filter(category=Category.HEAT).exclude(unit__in=measured)
    return [
        {"activity": activity, "unit": unit, "quantity": rounded(quantity)}
        for activity, unit, quantity in added_up(lines, ("activity", "unit"), ())
    ]
