"""Whether a row of a file may be stored.

The rules are those of `emissions.rules`, which the model asks for one row. A file repeats itself:
its activities, periods and CUPS are few, so each answer is kept and given again for the next row
with the same values.
"""

from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from datetime import date
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import gettext

from emissions import rules
from emissions.importing.periods import Bill
from emissions.importing.sites import Site
from emissions.models import Consumption, DataQuality, EmissionFactor
from emissions.models.factor import DEFAULT_ACTIVITY
from facilities.categories import Category
from facilities.models import normalise_cups, normalise_meter
from organizations.importing.cells import REMEMBERED, Fault, model_faults
from organizations.staff.cells import day
from organizations.staff.numbers import shown_number

OVERLAP, FUTURE, ZERO_LENGTH = "overlap", "future_period", "zero_length"
ALLOWABLE = (OVERLAP, FUTURE, ZERO_LENGTH)
"""What is an error in a file, though the API takes it, unless the operator allows it."""


LONGEST_ID = Consumption._meta.get_field("external_id").max_length or 0
MOST = 10**12
"""The first quantity that has too many digits to be stored."""

NORMALISE: dict[str, Callable[[str], str]] = {"cups": normalise_cups, "meter": normalise_meter}


class RowValidation:
    """Holds rows to `emissions.rules`, the functions that `Consumption.clean` asks too."""

    def __init__(self, organization_id: UUID) -> None:
        self._organization_id = organization_id
        self._today = timezone.localdate()
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        self._activities: dict[tuple[str, str], list[Fault]] = {}
        self._periods: dict[tuple[str, date, date], list[Fault]] = {}
        self._codes: dict[str, dict[str, str]] = {"cups": {}, "meter": {}}
        self._suppliers: dict[str, str] = {}

    def learn(self) -> None:
        """Reads what the rules need to know, before the writer has the connection."""
        factors = EmissionFactor.objects.usable_by(self._organization_id)
        for category, activity in factors.order_by().values_list("category", "activity").distinct():
            self._known[category].add(activity)

    def normalise(self, values: dict[str, Any]) -> None:
        """Puts activity, supplier and CUPS as they are stored; a CUPS that is none stays."""
        if "activity" in values and not values["activity"]:
            values["activity"] = DEFAULT_ACTIVITY.get(values["category"], "")
        if text := values.get("supplier"):
            values["supplier"] = " ".join(text.split())
        for name, known in self._codes.items():
            if text := values.get(name):
                if text not in known:
                    if len(known) >= REMEMBERED:
                        known.clear()
                    with suppress(ValidationError):  # `faults` says so
                        known[text] = NORMALISE[name](text)
                values[name] = known.get(text, text)

    def faults(
        self, after: dict[str, Any], before: dict[str, Any] | None, site: Site
    ) -> list[Fault]:
        """What the API would refuse of a row; what was so before may stay so."""
        category, activity = after["category"], after["activity"]
        found: list[Fault] = []
        if before is None or (before["category"], before["activity"]) != (category, activity):
            found += self._activity(category, activity)
        if before is None or (before["activity"], before["unit"]) != (activity, after["unit"]):
            found += named("unit", rules.check_unit(activity, after["unit"]))
        if len(after["external_id"]) > LONGEST_ID:  # one that is made of a meter and a month
            sentence = gettext("What it is known by is longer than {most} characters.").format(
                most=LONGEST_ID
            )
            found.append(Fault("external_id", "max_length", sentence))
        if abs(after["quantity"]) >= MOST:  # a sum of readings
            sentence = gettext("It is {most} or more; check the quantity and its unit.").format(
                most=shown_number(MOST)
            )
            found.append(Fault("quantity", "too_large", sentence))
        if after["quantity"] < 0:
            adjustment = after["data_quality"] == DataQuality.ADJUSTMENT
            error = rules.check_quantity(after["quantity"], adjustment=adjustment)
            found += named("quantity", error)
        found += self._period(category, after["start_date"], after["end_date"])
        here = before if before and before["facility_id"] == site.id else {}
        if category not in site.categories and here.get("category") != category:
            found += named("category", rules.check_category(category, site.categories))
        for name, held, check in (
            ("cups", site.cups_list, rules.check_cups),
            ("meter", site.meter_list, rules.check_meter),
        ):
            code = after[name]
            if code and code not in held and here.get(name) != code:
                try:
                    NORMALISE[name](code)
                except ValidationError as invalid:
                    found += named(name, invalid)
                else:
                    found += named(name, check(code, held))
        return found

    def suspicious(self, bill: Bill) -> list[Fault]:
        """What the API takes, and what is a mistake as a rule in a file."""
        found = []
        if sentence := ends_after(bill.end, self._today):
            found.append(Fault("end_date", FUTURE, sentence))
        supply = bill.supplies[0]
        if (
            bill.start == bill.end
            and supply.category in (Category.HEAT, Category.ELECTRICITY)
            and not rules.is_delivery(supply.category, supply.activity, bill.unit)
        ):
            found.append(
                Fault(
                    "end_date",
                    ZERO_LENGTH,
                    gettext(
                        "It starts and ends on one day; give the last day of the bill, or allow "
                        "zero_length for daily readings."
                    ),
                )
            )
        return found

    def _activity(self, category: str, activity: str) -> list[Fault]:
        key = category, activity
        if key not in self._activities:
            error = rules.check_activity(category, activity, lambda: self._known[category])
            self._activities[key] = named("activity", error)
        return self._activities[key]

    def _period(self, category: str, start: date, end: date) -> list[Fault]:
        key = category, start, end
        found = self._periods.get(key)
        if found is None:
            if len(self._periods) >= REMEMBERED:
                self._periods.clear()
            errors = rules.check_period(category, start, end)
            found = model_faults(ValidationError(dict(errors)), {}) if errors else []
            self._periods[key] = found
        return found


def ends_after(end: date, today: date) -> str:
    """That a bill is not over, in words, or nothing."""
    return (
        gettext("It ends after today ({today}); a bill is past.").format(today=day(today))
        if end > today
        else ""
    )


def named(column: str, error: ValidationError | None) -> list[Fault]:
    """An error of a rule as faults of the column it is about."""
    return model_faults(ValidationError({column: error}), {}) if error else []
