"""What activities, units and places are called on pages. The API and files keep their codes.

An activity that is not in the list, such as an organization's own or a refrigerant, is called what
its code says: `biogas_site` is “Biogas site”, `R-410A` is “R-410A”.
"""

from emissions.calculation.units import UNITS
from facilities.names import country_name

ACTIVITIES = {
    "grid": "Grid electricity",
    "supply": "Water supply",
    "treatment": "Waste water treatment",
    "biodiesel": "Biodiesel",
    "biogas": "Biogas",
    "butane": "Butane",
    "charcoal": "Charcoal",
    "coal": "Coal",
    "coal_anthracite": "Anthracite",
    "coal_bituminous": "Bituminous coal",
    "coal_coke": "Coke",
    "coal_domestic": "Coal for homes",
    "coal_industrial": "Coal for industry",
    "coal_lignite": "Lignite",
    "coal_subbituminous": "Sub-bituminous coal",
    "district_cooling": "District cooling",
    "district_heating": "District heating",
    "district_steam": "District steam",
    "fuel_oil": "Heavy fuel oil",
    "gas_oil": "Gas oil",
    "grass_straw": "Grass and straw",
    "heating_oil": "Heating oil",
    "kerosene": "Kerosene",
    "landfill_gas": "Landfill gas",
    "lng": "Liquefied natural gas (LNG)",
    "lpg": "Liquefied petroleum gas (LPG)",
    "natural_gas": "Natural gas",
    "olive_stones": "Olive stones",
    "petroleum_coke": "Petroleum coke",
    "propane": "Propane",
    "wood_chips": "Wood chips",
    "wood_logs": "Wood logs",
    "wood_pellets": "Wood pellets",
    "wood_residuals": "Wood residues",
}

UNIT_NAMES = {
    "ton_hour": ("ton-hour", "of refrigeration"),
    "kWh_net": ("kWh (net)", "net calorific value"),
    "MWh_net": ("MWh (net)", "net calorific value"),
    "GJ_net": ("GJ (net)", "net calorific value"),
    "kBtu": ("kBtu", "thousand Btu"),
    "MMBtu": ("MMBtu", "million Btu"),
    "therm": ("therm", "100,000 Btu"),
    "L": ("L", "litre"),
    "m3": ("m³", "cubic metre, m3"),
    "gal_us": ("US gal", "US gallon"),
    "kgal_us": ("thousand US gal", "US kgal"),
    "gal_uk": ("UK gal", "imperial gallon"),
    "ft3": ("ft³", "cubic foot, ft3"),
    "ccf": ("ccf", "hundred cubic feet"),
    "kcf": ("thousand ft³", "kcf"),
    "MMcf": ("million ft³", "MMcf"),
    "g": ("g", "gram"),
    "kg": ("kg", "kilogram"),
    "t": ("t", "tonne, 1,000 kg"),
    "lb": ("lb", "pound"),
    "klb": ("thousand lb", "klb"),
    "short_ton": ("short ton", "2,000 lb"),
}
"""Unit → how the field writes it, and what else it is looked for by; others are their own name."""


def activity_name(code: str) -> str:
    """natural_gas → Natural gas; R-410A stays."""
    words = code.replace("_", " ")
    return ACTIVITIES.get(code) or words[:1].upper() + words[1:]


def unit_name(code: str) -> str:
    """m3 → m³."""
    return UNIT_NAMES.get(code, (code, ""))[0]


def unit_choices() -> list[tuple[str, str]]:
    """Every unit as a select offers it: m³ – cubic metre, m3."""
    return [(unit, " – ".join(filter(None, UNIT_NAMES.get(unit, (unit, ""))))) for unit in UNITS]


def place_name(country: str, region: str = "") -> str:
    """Where a factor is for: Spain; Canada, CA-ON; the whole world."""
    if not country:
        return "the whole world"
    return ", ".join(filter(None, [country_name(country), region]))
