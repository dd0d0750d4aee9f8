"""What stands above the readings of Enedis's files, or beside each of them.

A CSV has blocks: the PRM and what was measured, then “Horodate” and its readings, and again for the
next PRM. Files of many PRMs (R63) have all of it on each line. The workbook of the customers'
portal has titles (“Point Référence Mesure (PRM) : ”) above “Date” or “Début”.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from fractions import Fraction

from organizations.importing.cells import Fault
from organizations.importing.layouts.layout import fold
from organizations.importing.tables.header import plain_name
from organizations.importing.tables.marks import unmarked

PRM = "identifiant_prm"
TITLES = {"point_reference_mesure_prm": PRM, "prm": PRM, "type_de_comptage": "grandeur_metier"}
"""Titles of the workbook → those of the CSV."""

TIMES = ("horodate", "debut", "date")
QUANTITIES = ("valeur", "eas_t", "valeur_en_kwh", "valeur_en_kw")
POWERS = {"w": Fraction(1, 1000), "kw": Fraction(1)}
ENERGIES = {"wh": Fraction(1, 1000), "kwh": Fraction(1)}
STEP = re.compile(r"(?:PT)?([0-9]+)M?")
FRENCH_TIME = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})(?: ([0-9]{2}):([0-9]{2})(?::00)?)?")


class Blocks:
    """What the lines so far say of the readings that follow."""

    def __init__(self) -> None:
        self.told: dict[str, str] = {}
        """What is said of them, by its title."""
        self.names: list[str] = []
        """The columns of the readings; none before the first of them."""
        self.passing = False
        """Whether they are of something else, such as calendars."""
        self._titles: list[str] = []

    def take(self, cells: Sequence[str]) -> bool:
        """Whether a row belongs to what stands above readings; it is taken then."""
        texts = [unmarked(cell).strip() for cell in cells]
        plain = list(map(plain_name, texts))
        while plain and not plain[-1]:
            plain.pop()
        if PRM in plain and "horodate" not in plain:
            self._titles, self.names = plain, []
            return True
        if self._titles:
            self.told, self._titles = dict(zip(self._titles, texts, strict=False)), []
            return True
        if set(TIMES) & set(plain) and set(QUANTITIES) & set(plain):
            self.names, self.passing = plain, False
            return True
        if plain and plain[0] in ("horodate", "periode"):
            self.names, self.passing = plain, True
            return True
        if not self.names:
            pairs = zip(plain, texts, [*texts[1:], ""], strict=False)
            said = {TITLES[one]: after for one, text, after in pairs if text[-1:] == ":"
                    and one in TITLES}  # fmt: skip
            self.told.update(said)
            return not texts or time_of(texts[0]) is None
        return False

    def take_beside(self, cells: Sequence[str]) -> None:
        """Takes what a reading says of itself, where its line has all of it."""
        if PRM in self.names:
            texts = [unmarked(cell).strip() for cell in cells]
            self.told = dict(zip(self.names, texts, strict=False))

    @property
    def code(self) -> str:
        return self.told.get(PRM, "")

    @property
    def place(self) -> int | None:
        """Where the quantity stands, in readings that are read."""
        kind = self.told.get("type_de_donnees", "").casefold()
        if self.passing or kind.startswith("puissance max"):
            return None
        found = [self.names.index(one) for one in QUANTITIES if one in self.names]
        return found[0] if found else None

    @property
    def time_place(self) -> int:
        return next(self.names.index(one) for one in TIMES if one in self.names)

    @property
    def is_index(self) -> bool:
        return "eas_t" in self.names

    @property
    def is_daily(self) -> bool:
        """Whether a reading is what was used on a day."""
        return "valeur_en_kwh" in self.names

    @property
    def ends(self) -> bool:
        """Whether a reading's time is that of its end."""
        return "horodate" in self.names

    @property
    def by_wall(self) -> bool:
        """Whether its times may be those of the wall clock in Paris."""
        return PRM in self.names or not self.ends

    @property
    def _unit(self) -> str:
        quantity = self.names[self.place or 0]
        return fold(self.told.get("unite", "")) or quantity.rpartition("_en_")[2]

    @property
    def size(self) -> Fraction:
        """What 1 of a reading is in kWh, or in kW."""
        return (ENERGIES if self.is_index or self.is_daily else POWERS)[self._unit]

    @property
    def step(self) -> int:
        """Seconds of a reading, where it is said."""
        said = self.told.get("pas_en_minutes") or self.told.get("pas", "")
        return int(found[1]) * 60 if (found := STEP.fullmatch(said)) else 0

    def faults(self) -> list[Fault]:
        """What is not consumption of active energy."""
        use = plain_name(self.told.get("grandeur_metier", "consommation"))
        kind = plain_name(self.told.get("grandeur_physique", "energie active"))
        known, units = (
            (ENERGIES, "Wh and kWh") if self.is_index or self.is_daily else (POWERS, "W and kW")
        )
        if not self.code:
            return [Fault("Identifiant PRM", "required", "No PRM stands above these readings.")]
        if self._unit not in known:
            return [Fault("Unite", "invalid", f"The unit is “{self._unit}”; {units} are read.")]
        if not use.startswith("cons"):
            return [Fault("Grandeur metier", "invalid", f"This is “{use}”, not consumption.")]
        if "reactive" in kind or not ("active" in kind or kind in ("ea", "pa")):
            return [Fault("Grandeur physique", "invalid", f"This is “{kind}”, not active energy.")]
        return []


def time_of(text: str) -> datetime | None:
    """An ISO time with its offset or of the wall clock, or a French one; nothing where it is
    none."""
    text = unmarked(text).strip()
    if found := FRENCH_TIME.fullmatch(text):
        day, month, year, hour, minute = (int(part or 0) for part in found.groups())
        parts = year, month, day, hour, minute
    else:
        parts = None
    try:
        return datetime(*parts) if parts else datetime.fromisoformat(text)
    except ValueError:
        return None
