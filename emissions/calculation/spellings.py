"""How people write units, and which unit that is. Pure: no Django.

A spelling is read whatever its case, its accents and its Unicode form. What the trade uses for two
units is never guessed: it is refused with the choices. Words in brackets settle it: “MCF” may be a
thousand or a million cubic feet, “MCF(million cubic feet)” is a million.
"""

import re
import unicodedata
from difflib import get_close_matches
from functools import lru_cache
from typing import NamedTuple

from emissions.calculation.units import UNITS


class UnreadableUnit(Exception):
    """A text that names no unit, or may name several. `code` is for programs."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


AMBIGUOUS, UNKNOWN = "ambiguous_unit", "invalid_choice"

SPELLINGS = {
    "Wh": "watt hour, watthour, vatio hora",
    "kWh": "kilowatt hour, kilowatthour, thousand watt hour, kw h, kw hr, kw hour, kilovatio hora,"
    "kilowattstunde, kilowattheure, kilowatt heure",
    "MWh": "megawatt hour, megawatthour, million watt hour, mw h, mw hr, megavatio hora,"
    "megawattstunde, megawattheure",
    "GWh": "gigawatt hour, gigawatthour, billion watt hour, gw h",
    "MJ": "megajoule, million joule",
    "GJ": "gigajoule, billion joule",
    "TJ": "terajoule",
    "kBtu": "thousand btu, k btu",
    "MMBtu": "million btu, mm btu, mmbtu, dekatherm, decatherm, dth",
    "therm": "thm, us therm",
    "ton_hour": "ton hour, ton h, tonhour, ton hr, ton hour refrigeration, refrigeration ton hour",
    "kWh_net": "kwh net, kwh ncv, kwh nc, kwh lhv, kwh pci, kwh hi",
    "MWh_net": "mwh net, mwh ncv, mwh lhv, mwh pci, mwh hi",
    "GJ_net": "gj net, gj ncv, gj lhv, gj pci, gj hi",
    "L": "liter, litre, litro, ltr",
    "m3": "cubic meter, cubic metre, m 3, cu m, cbm, cum, kl, kiloliter, kilolitre, metro cubico,"
    "metre cube, kubikmeter, m cubico",
    "gal_us": "gallon us, us gallon, us gal, gal us, gallon u s, u s gallon, usg, us liquid gallon",
    "kgal_us": "kgal us, thousand gallon us, kgal thousand gallon us, thousand us gallon, us kgal",
    "gal_uk": "gallon uk, uk gallon, uk gal, gal uk, imperial gallon, gallon imperial, gal imp,"
    "imp gal",
    "ft3": "cubic foot, cubic feet, cu ft, cuft, cf, ft 3",
    "ccf": "hundred cubic foot, hundred cubic feet, hcf, 100 cubic feet, 100 cu ft, 100 cf,"
    "100 ft3, hundred cf",
    "kcf": "thousand cubic foot, thousand cubic feet, thousand cf, 1000 cubic feet, 1000 cf",
    "MMcf": "million cubic foot, million cubic feet, mm cf, million cf",
    "g": "gram, gramme, gramo",
    "kg": "kilogram, kilogramme, kilogramo, kilogramm, kilo",
    "t": "tonne, metric ton, tonelada, ton metric, tonne metric, metric tonne, tonelada metrica",
    "lb": "pound, lbs",
    "klb": "thousand pound, k lb, klbs, k lbs",
    "short_ton": "short ton, us ton, ton short, ton us",
}
"""Unit → how it is written besides its own name; a plural s is understood."""

GROSS = re.compile(r" (?:gross|gcv|hhv|pcs|hs|ho)$")
"""Energy as billed, which needs no word; for net there are units of their own."""


class Several(NamedTuple):
    """What a spelling may mean."""

    units: tuple[str, ...]
    why: str


SEVERAL = {
    "mcf": Several(("kcf", "MMcf"), "in the gas trade M is a thousand, elsewhere a million"),
    "mbtu": Several(("kBtu", "MMBtu"), "in the trade M is a thousand, elsewhere a million"),
    "gal": Several(("gal_us", "gal_uk"), "US and UK gallons differ by a fifth"),
    "gallon": Several(("gal_us", "gal_uk"), "US and UK gallons differ by a fifth"),
    "galon": Several(("gal_us", "gal_uk"), "US and UK gallons differ by a fifth"),
    "kgal": Several(("kgal_us",), "US and UK gallons differ by a fifth"),
    "thousand gallon": Several(("kgal_us",), "US and UK gallons differ by a fifth"),
    "mgal": Several(("kgal_us",), "M is a thousand or a million, and gallons are US or UK"),
    "ton": Several(("t", "short_ton"), "a ton is 1,000 kg, 2,000 lb or 2,240 lb"),
    "mlb": Several(("klb",), "M is a thousand or a million"),
    "ml": Several(("L", "m3"), "it is a thousandth of a litre or a million litres"),
    "cm": Several(("m3",), "it is a centimetre unless cubic meters are meant"),
    "nm3": Several(("m3",), "it is measured at 0 °C, and our m3 is as billed"),
    "ncm": Several(("m3",), "it is measured at 0 °C, and our m3 is as billed"),
    "normal cubic meter": Several(("m3",), "it is measured at 0 °C, and our m3 is as billed"),
    "normal cubic metre": Several(("m3",), "it is measured at 0 °C, and our m3 is as billed"),
    "sm3": Several(("m3",), "it is measured at 15 °C, and our m3 is as billed"),
    "scm": Several(("m3",), "it is measured at 15 °C, and our m3 is as billed"),
    "scf": Several(("ft3",), "it is measured at 60 °F, and our ft3 is as billed"),
}
"""Normal form → the units that may be meant, and why that is not known."""


def normal(text: str) -> str:
    """Lower case, without accents, marks and plurals: “MBtu/MMBtu” is “mbtu mmbtu”."""
    plain = unicodedata.normalize("NFKD", text).casefold().replace("^", "")
    plain = "".join(one for one in plain if not unicodedata.combining(one))
    words = re.findall(r"[^\W\d_]+[0-9]*|[0-9]+|[$€£%]", plain.replace("1,000", "1000"))
    return " ".join(word[:-1] if len(word) > 3 and word.endswith("s") else word for word in words)


KNOWN = {
    normal(spelling): unit
    for unit, spellings in SPELLINGS.items()
    for spelling in (unit, unit.replace("_", " "), *spellings.split(","))
}
BRACKETED = re.compile(r"\(([^()]*)\)")


def meaning(text: str) -> str | Several | None:
    """The unit of a text without brackets, the units that it may be, or nothing."""
    form = normal(text)
    known = KNOWN.get(form) or SEVERAL.get(form)
    gross = KNOWN.get(GROSS.sub("", form))
    return known or (None if gross and gross.endswith("_net") else gross)


@lru_cache(maxsize=1000)
def read_unit(text: str) -> str:
    """The unit that a text means, in its one spelling. Raises UnreadableUnit."""
    text = " ".join(text.split())
    if text in UNITS:
        return text
    in_brackets = " ".join(BRACKETED.findall(text))
    head = BRACKETED.sub(" ", text)
    whole, outer = meaning(text), meaning(head)
    if isinstance(whole, str):
        return whole
    inner = meaning(in_brackets) if in_brackets else None
    if isinstance(inner, str):
        if inner in candidates(head):
            return inner
        raise UnreadableUnit(
            UNKNOWN, f"“{text[:40]}” contradicts itself: give one unit, such as {inner}."
        )
    found = (whole, inner) if in_brackets else (whole, outer)  # words in brackets may rule it out
    if several := next((one for one in found if isinstance(one, Several)), None):
        what, why, (first, *others) = text[:40], several.why, several.units
        sentence = f"“{what}” is not one unit: {why}. Say {first}."
        if other := " or ".join(others):
            sentence = f"“{what}” is not one unit: {why}. Say {first} or {other}."
        raise UnreadableUnit(AMBIGUOUS, sentence)
    raise UnreadableUnit(UNKNOWN, unknown(text))


def candidates(head: str) -> set[str]:
    """The units that the words before a bracket leave open; all of them where they say nothing."""
    found: set[str] = set()
    for part in (head, *head.split("/")):
        what = meaning(part)
        found |= {what} if isinstance(what, str) else set(what.units if what else ())
    return found or set(UNITS)


def unknown(text: str) -> str:
    """What to say of a text that names no unit: the nearest ones."""
    near = get_close_matches(normal(text), [*KNOWN, *SEVERAL], n=8, cutoff=0.5)
    units = dict.fromkeys(
        unit for one in near for unit in ([KNOWN[one]] if one in KNOWN else SEVERAL[one].units)
    )
    names = list(units)[:5] or ["kWh", "m3", "L", "kg"]
    return f"“{text[:40]}” is no unit that is known here. Nearest: {', '.join(names)}."
