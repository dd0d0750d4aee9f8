"""What activities, units and places are called on pages. The API and files keep their codes.

An activity that is not in the list, such as an organization's own or a refrigerant, is called what
its code says: `biogas_site` is “Biogas site”, `R-410A` is “R-410A”.
"""

import re
from collections.abc import Callable
from datetime import date

from django.utils.formats import date_format
from django.utils.translation import get_language, gettext, gettext_noop
from django.utils.translation import gettext_lazy as _

from emissions.calculation.units import UNITS
from facilities.names import category_name, country_name

ACTIVITIES = {
    "grid": _("Grid electricity"),
    "supply": _("Water supply"),
    "treatment": _("Waste water treatment"),
    "biodiesel": _("Biodiesel"),
    "biogas": _("Biogas"),
    "butane": _("Butane"),
    "charcoal": _("Charcoal"),
    "coal": _("Coal"),
    "coal_anthracite": _("Anthracite"),
    "coal_bituminous": _("Bituminous coal"),
    "coal_coke": _("Coke"),
    "coal_domestic": _("Coal for homes"),
    "coal_industrial": _("Coal for industry"),
    "coal_lignite": _("Lignite"),
    "coal_subbituminous": _("Sub-bituminous coal"),
    "district_cooling": _("District cooling"),
    "district_heating": _("District heating"),
    "district_steam": _("District steam"),
    "fuel_oil": _("Heavy fuel oil"),
    "gas_oil": _("Gas oil"),
    "grass_straw": _("Grass and straw"),
    "heating_oil": _("Heating oil"),
    "kerosene": _("Kerosene"),
    "landfill_gas": _("Landfill gas"),
    "lng": _("LNG (liquefied gas)"),
    "lpg": _("LPG (liquefied petroleum gas)"),
    "natural_gas": _("Natural gas"),
    "olive_stones": _("Olive stones"),
    "petroleum_coke": _("Petroleum coke"),
    "propane": _("Propane"),
    "wood_chips": _("Wood chips"),
    "wood_logs": _("Wood logs"),
    "wood_pellets": _("Wood pellets"),
    "wood_residuals": _("Wood residues"),
}

UNIT_NAMES = {
    "ton_hour": (_("ton-hour"), _("of refrigeration")),
    "kWh_net": (_("kWh (net)"), _("net calorific value")),
    "MWh_net": (_("MWh (net)"), _("net calorific value")),
    "GJ_net": (_("GJ (net)"), _("net calorific value")),
    "kBtu": ("kBtu", _("thousand Btu")),
    "MMBtu": ("MMBtu", _("million Btu")),
    "therm": (_("therm"), _("100,000 Btu")),
    "L": ("L", _("litre")),
    "m3": ("m³", _("cubic metre, m3")),
    "gal_us": (_("US gal"), _("US gallon")),
    "kgal_us": (_("thousand US gal"), "US kgal"),
    "gal_uk": (_("UK gal"), _("imperial gallon")),
    "ft3": ("ft³", _("cubic foot, ft3")),
    "ccf": ("ccf", _("hundred cubic feet")),
    "kcf": (_("thousand ft³"), "kcf"),
    "MMcf": (_("million ft³"), "MMcf"),
    "g": ("g", _("gram")),
    "kg": ("kg", _("kilogram")),
    "t": ("t", _("tonne, 1,000 kg")),
    "lb": ("lb", _("pound")),
    "klb": (_("thousand lb"), "klb"),
    "short_ton": (_("short ton"), _("2,000 lb")),
}
"""Unit → how the field writes it, and what else it is looked for by; others are their own name."""


def activity_name(code: str) -> str:
    """natural_gas → Natural gas; R-410A stays."""
    words = code.replace("_", " ")
    return str(ACTIVITIES.get(code) or words[:1].upper() + words[1:])


def unit_name(code: str) -> str:
    """m3 → m³."""
    return str(UNIT_NAMES.get(code, (code, ""))[0])


def unit_choices() -> list[tuple[str, str]]:
    """Every unit as a select offers it: m³ – cubic metre, m3."""
    return [
        (unit, " – ".join(str(one) for one in UNIT_NAMES.get(unit, (unit, "")) if one))
        for unit in UNITS
    ]


def place_name(country: str, region: str = "") -> str:
    """Where a factor is for: Spain; Canada (CA-ON); worldwide."""
    if not country:
        return gettext("worldwide")
    return f"{country_name(country)} ({region})" if region else country_name(country)


def period_name(first: date, last: date | None) -> str:
    """When a factor is for: 2023; 2015–2017; since 2000."""
    if last is None:
        return gettext("since {year}").format(year=first.year)
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

    sentence = translated(CODE.sub("", reason)) or WHAT.sub(named, CODE.sub("", reason))
    return sentence[:1].upper() + sentence[1:]


NO_FACTOR = re.compile(
    r"there is no (?:\w+-based )?factor for \w+/(?P<activity>.+?) per unit of [a-z ]+? "
    r"\((?P<unit>\w+)\).*? valid on (?P<day>\S+) or at most (?P<years>\d+) years before; .* for "
    r"(?P<places>.+)"
)
SEVERAL = re.compile(
    r"more than one (?:\w+-based )?factor for \w+/(?P<activity>.+?) per unit of [a-z ]+? fits "
    r"(?P<day>\S+) equally: (?P<factors>.+); delete or limit all but one"
)
CLOSED = re.compile(r"(?P<years>[\d, ]+) is closed and keeps its figures(?:; (?P<rest>.+))?")
REASONS = {
    NO_FACTOR: _(
        "There is no factor for {activity} per {unit}, valid on {day} or at most {years} years "
        "before. The organization's own and the published ones for {places} were searched."
    ),
    SEVERAL: _(
        "More than one factor for {activity} fits {day} equally: {factors}. Delete or limit all "
        "but one."
    ),
    CLOSED: _("{years} is closed and keeps its figures."),
}
"""The stored sentences → how they are said in other languages than the one they are stored in."""

CAUSES = (
    gettext_noop("factor created"),
    gettext_noop("factor changed"),
    gettext_noop("factor deleted"),
)
"""What a recalculation's stored cause begins with."""

ALONE = {
    "inactive": _("inactive"),
    "category_disabled": _("category disabled"),
    "deleted": _("deleted"),
    "no_factor": _("no factor"),
    "ambiguous_factor": _("ambiguous factor"),
    "period_closed": _("period closed"),
}
"""The code of a reason → the first word on why there is no figure."""


def translated(sentence: str) -> str:
    """A stored sentence in the language of the page; nothing where it is stored in that one."""
    if (get_language() or "en").startswith("en"):
        return ""
    if sentence in ALONE:
        return str(ALONE[sentence])
    for pattern, words in REASONS.items():
        if found := pattern.fullmatch(sentence):
            given = found.groupdict(default="")
            if "activity" in given:
                given["activity"] = activity_name(given["activity"])
            if "unit" in given:
                given["unit"] = unit_name(given["unit"])
            if "day" in given:
                given["day"] = date_format(date.fromisoformat(given["day"]), "DATE_FORMAT")
            if "places" in given:
                given["places"] = ", ".join(map(searched_place, given["places"].split(", ")))
            rest = reason_in_words(given["rest"]) if given.get("rest") else ""
            return f"{str(words).format(**given)} {rest}".strip()
    return ""


def searched_place(code: str) -> str:
    """ES → Spain; world → worldwide; a region keeps its code."""
    if code == "world":
        return place_name("")
    return code.removeprefix("region ") if code.startswith("region ") else country_name(code)


CAUSE = re.compile(r"^(factor \w+): (\S+) · (\S+) · (\d{4} · \S+ kg)/(\w+)$")


def cause_in_words(cause: str) -> str:
    """What made a recalculation, as pages say it: “factor changed: Grid electricity · Spain …”."""

    def named(found: re.Match[str]) -> str:
        place = place_name("" if found[3] == "world" else found[3])
        per = gettext("{co2e} CO2e per {unit}").format(co2e=found[4], unit=unit_name(found[5]))
        return f"{gettext(found[1])}: {activity_name(found[2])} · {place} · {per}"

    return CAUSE.sub(named, cause)


NAMED: dict[str, Callable[[str], str]] = {
    "category": category_name,
    "activity": activity_name,
    "unit": unit_name,
    "country": country_name,
}
"""Column → its names, for the models that have such columns."""
