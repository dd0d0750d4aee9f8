"""What files there are, who reads each, and what a saved layout of each may say."""

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError

from emissions.importing.consumption import ConsumptionImporter
from emissions.importing.factors import FactorImporter
from emissions.importing.intervals.enedis import Enedis
from emissions.importing.intervals.files import Datadis, GreenButton
from emissions.importing.intervals.half_hours import HalfHours
from emissions.importing.intervals.sums import Sums
from emissions.importing.metered.bills import Months, PortfolioManager
from emissions.importing.validation import ALLOWABLE
from facilities.importing.facilities import FacilityImporter
from organizations.importing.cells import Column, Fault, Refused
from organizations.importing.importer import Importer
from organizations.importing.layouts.layout import NONE, meaning
from organizations.importing.layouts.shipped import SHIPPED
from organizations.importing.tables.header import nearest

ConsumptionImporter.readers = {
    "datadis": Datadis,
    "enedis": Enedis,
    "green_button": GreenButton,
    "half_hours": HalfHours,
    "months": Months,
    "portfolio_manager": PortfolioManager,
    "sums": Sums,
}

KINDS: dict[str, type[Importer]] = {
    "facilities": FacilityImporter,
    "consumption": ConsumptionImporter,
    "emission-factors": FactorImporter,
}
"""Kind, as `/v1/imports` names it → its importer."""

ALLOWED = {"consumption": ALLOWABLE}
"""Kind → the faults that may be allowed in its files."""

LONGEST_WORD = 200


def check_layout(kind: str, said: Mapping[str, Any]) -> dict[str, ValidationError]:
    """What is wrong with a layout, by field: columns and constants that are none of ours, what is
    needed and comes from nowhere, and values that our columns refuse."""
    if kind not in KINDS:
        return {}  # which is wrong by itself
    importer = KINDS[kind]
    fields = importer.fields()
    errors: dict[str, ValidationError] = {}

    def wrong(field: str, code: str, sentence: str) -> None:
        errors.setdefault(field, ValidationError(sentence, code=code))

    for field in ("columns", "constants"):
        for name in said[field]:
            if name not in fields:
                near = nearest(name, list(fields))
                hint = f" Did you mean “{near}”?" if near else f" There are: {', '.join(fields)}."
                wrong(field, "unknown_column", f"“{name[:50]}” is no column of ours.{hint}")
    for theirs in said["columns"].values():
        if not isinstance(theirs, str) or not theirs.strip() or len(theirs) > LONGEST_WORD:
            wrong("columns", "invalid", "Give the name of their column for each of ours.")
    for name, value in said["constants"].items():
        if name in fields and name != "facility_id":
            read = Column(name, fields[name])[str(value)]
            if isinstance(read, Refused):
                wrong("constants", read[0].code, f"{name}: {read[0].detail}")
    given = {*said["columns"], *said["constants"]}
    needed = set(importer.required) - given
    if kind == "consumption":
        needed -= {"facility_id"}  # a CUPS or meter names it, or the option of the import
        if any("category" in meaning(one) for one in said["activities"].values()):
            needed -= {"category"}
        if said["sum_by"] != NONE:
            needed -= {"end_date"}
        elif not given & {"quantity", "start_date", "end_date"}:
            needed -= {"quantity", "start_date", "end_date"}  # a column for each month
    elif said["sum_by"] != NONE:
        wrong("sum_by", "not_applicable", "Only quantities of consumption are added up.")
    if not said["columns"]:
        wrong("columns", "required", "Say at least one column of theirs.")
    if needed:
        names = ", ".join(sorted(needed))
        wrong("columns", "required", f"Say where {names} comes from, here or in constants.")
    for one in said["activities"].values():
        parts = meaning(one)
        good = all(isinstance(text, str) for text in parts.values())
        if not good or not set(parts) <= {"category", "activity"}:
            wrong(
                "activities",
                "invalid",
                "Each word of theirs is an activity, or {category, activity}.",
            )
        elif "category" in parts:
            read = Column("category", fields["category"])[parts["category"]]
            if isinstance(read, Refused):
                wrong("activities", read[0].code, f"“{parts['category']}”: {read[0].detail}")
    if "unit" in fields:
        for ours in said["units"].values():
            read = Column("unit", fields["unit"])[ours] if isinstance(ours, str) else WRONG
            if isinstance(read, Refused):
                wrong("units", read[0].code, f"“{ours}”: {read[0].detail}")
    if any(said["name"] == one.name for one in SHIPPED):
        wrong("name", "taken", f"“{said['name']}” is the name of a layout that is shipped.")
    return errors


WRONG = Refused([Fault("unit", "invalid", "Give a unit.")])
