"""What activities, units and places are called on pages. The API and files keep their codes.

An activity that is not in the list, such as an organization's own or a refrigerant, is called what
its code says: `biogas_site` is “Biogas site”, `R-410A` is “R-410A”.
"""

import re
from collections.abc import Callable
from datetime import date

from emissions.calculation.units import UNITS
from facilities.names import category_name, country_name

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
    "lng": "LNG (liquefied gas)",
    "lpg": "LPG (liquefied petroleum gas)",
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
    """Where a factor is for: Spain; Canada (CA-ON); worldwide."""
    if not country:
        return "worldwide"
    return f"{country_name(country)} ({region})" if region else country_name(country)


def period_name(first: date, last: date | None) -> str:
    """When a factor is for: 2023; 2015–2017; since 2000."""
    if last is None:
        return f"since {first.year}"
    return f"{first.year}" if first.year == last.year else f"{first.year}–{last.year}"


CODE = re.compile(r"^[a-z_]+: ")
WHAT = re.compile(
    r"\b(?:heat|electricity|water|recharge)/(.+?) per unit of ([a-z ]+?)(?: \((\w+)\))?(?= )"
)


def reason_in_words(reason: str) -> str:
    """Why a bill has no figure, as pages say it: without its code, with the names of what it lacks.

    “no_factor: there is no factor for heat/natural_gas per unit of volume (m3) valid on …” →
    “There is no factor for Natural gas per unit of volume (m³) valid on …”
    """

    def named(found: re.Match[str]) -> str:
        unit = f" ({unit_name(found[3])})" if found[3] else ""
        return f"{activity_name(found[1])} per unit of {found[2]}{unit}"

    sentence = WHAT.sub(named, CODE.sub("", reason))
    return sentence[:1].upper() + sentence[1:]


CAUSE = re.compile(r"^(factor \w+: )(\S+) · (\S+) · (\d{4} · \S+ kg)/(\w+)$")


def cause_in_words(cause: str) -> str:
    """What made a recalculation, as pages say it: “factor changed: Grid electricity · Spain …”."""

    def named(found: re.Match[str]) -> str:
        place = place_name("" if found[3] == "world" else found[3])
        per = f"{found[4]} CO2e per {unit_name(found[5])}"
        return f"{found[1]}{activity_name(found[2])} · {place} · {per}"

    return CAUSE.sub(named, cause)


NAMED: dict[str, Callable[[str], str]] = {
    "category": category_name,
    "activity": activity_name,
    "unit": unit_name,
    "country": country_name,
}
"""Column → its names, for the models that have such columns."""
