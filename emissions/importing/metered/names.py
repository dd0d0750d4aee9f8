"""The external_ids of the bills of meters, by which the same file again changes nothing.

“90002 2023-01” is the bill of meter 90002 for January. A code that its facility does not hold, such
as a usage point “01”, may be another facility's too: what is used and the end of the facility's id
(in hex) stand there as well, “Main grid 2023-01 at 3e67d9db0c2a”. What a facility uses itself is
“HQ grid 2023-01”.
"""

import re
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from emissions.importing.sites import AT_ONCE, Site
from emissions.models import Consumption
from emissions.models.factor import DEFAULT_ACTIVITY

OF_A_METER = re.compile(
    r"(\S.*?) [0-9]{4}-[0-9]{2}(?:-[0-9]{2}(?: [0-9]{4}-[0-9]{2}-[0-9]{2}(?: [0-9]+)?)?)?"
    r"( at [0-9a-f]{12})?"
)


class Named(NamedTuple):
    """A bill with all names that it may have: which of them it has depends on whether its facility
    holds the meter, and that may change after it was stored."""

    names: tuple[str, ...]
    """The first one is that of a new bill."""
    facility: UUID
    category: str
    activity: str


def names_of(
    code: str, what: str, period: str, site: Site, *, held: bool, own: bool = False
) -> tuple[str, ...]:
    """All names of a bill, the one that it gets when it is new first.

    `held` says that the code is a meter of the facility, `own` that it stands for the facility.
    """
    short, long = f"{code} {period}", f"{code} {what}".rstrip() + f" {period}"
    elsewhere = f"{long} at {site.key[-12:]}"
    if own:
        return long, short
    return (short, elsewhere) if held else (elsewhere, short)


def meter_in(external_id: str, *used: str) -> str:
    """The meter of a bill that came through a layout, or nothing: “90002 2023-01” is of 90002, and
    “HQ grid 2023-01” of the facility itself. `used` are the words for what a bill is of."""
    found = OF_A_METER.fullmatch(external_id)
    if not found:
        return ""
    code, somewhere = found.groups()
    for what in used:
        if code.endswith(f" {what}"):
            return code.removesuffix(f" {what}") if somewhere else ""
    return code


class StoredNames:
    """Under which of their names the bills of a file are stored."""

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id
        self._other: dict[str, str] = {}
        """The name of a new bill → the other one that it has."""

    def look_up(self, bills: Iterable[Named]) -> None:
        """Reads which of the bills are stored, and have another name than a new one would."""
        stream = iter(bills)
        while some := list(islice(stream, AT_ONCE)):
            live = Consumption.objects.for_organization(self._organization_id).live()
            found = live.filter(
                external_id__is_set=True,
                external_id__any_of=list({name for one in some for name in one.names}),
            ).values_list("external_id", "facility_id", "category", "activity")
            stored = {name: tuple(of) for name, *of in found}
            for names, facility, category, activity in some:
                of = facility, category, activity or DEFAULT_ACTIVITY.get(category, "")
                others = [name for name in names[1:] if stored.get(name) == of]
                if others and names[0] not in stored:
                    self._other[names[0]] = others[0]

    def of(self, names: tuple[str, ...]) -> str:
        """The name of a bill."""
        return self._other.get(names[0], names[0])
