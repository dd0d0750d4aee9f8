"""Which of our columns a column of somebody else's may be, as a first choice for people."""

from collections.abc import Iterable

from emissions.calculation.spellings import UnreadableUnit, read_unit
from organizations.importing.tables.header import nearest


def guesses(header: Iterable[str], ours: Iterable[str]) -> dict[str, str]:
    """Our column → theirs, for those that have a name like it; each of either once."""
    known, found = list(ours), dict[str, str]()
    for theirs in header:
        name = nearest(theirs, [one for one in known if one not in found])
        if name:
            found[name] = theirs
    if {"cups", "meter"} & set(found):  # it names its facility, which a site's name may not
        found.pop("facility_id", None)
    return found


def unit_in(header: Iterable[str]) -> str:
    """The unit that a column's name has in brackets: “Consumo (kWh)”."""
    for name in header:
        _, bracket, rest = name.partition("(")
        if bracket:
            try:
                return read_unit(rest.partition(")")[0])
            except UnreadableUnit:
                continue
    return ""
