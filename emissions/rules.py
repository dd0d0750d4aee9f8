"""The rules of one consumption, as functions of plain values.

The model asks them for one row and an import for many, so that both refuse the same with the same
code. Each gives what is wrong by field, or nothing.
"""

from collections.abc import Callable, Collection
from datetime import date
from decimal import Decimal
from difflib import get_close_matches

from django.core.exceptions import ValidationError
from django.utils.translation import gettext

from emissions.calculation.units import Dimension, dimension
from facilities.categories import Category
from organizations.staff import cells

LONGEST_PERIOD_DAYS = 3653
BY_PIPE = ("natural_gas", "district_heating", "district_cooling", "district_steam")
LIQUEFIED, LIQUID_OR_GAS = ("propane", "butane", "lpg"), ("m3", "ft3", "ccf", "kcf", "MMcf")
EARLIEST_DAY, LATEST_DAY = date(1900, 1, 1), date(2199, 12, 31)


def check_activity(
    category: str, activity: str, known: Callable[[], Collection[str]]
) -> ValidationError | None:
    """An activity is one that a factor of its category knows; `known` lists those."""
    if not activity:
        return ValidationError(
            gettext("Name what was consumed; {category} has no default.").format(category=category),
            code="required",
        )
    names = known()
    return None if activity in names else unknown_activity(category, activity, sorted(names))


def check_quantity(quantity: Decimal, *, adjustment: bool) -> ValidationError | None:
    """A quantity is negative in a correction only."""
    if adjustment or quantity >= 0:
        return None
    return ValidationError(
        gettext("A quantity is 0 or more; for a correction set data_quality to adjustment."),
        code="min_value",
    )


def check_unit(activity: str, unit: str) -> ValidationError | None:
    """A fuel that is a gas at the meter and a liquid in the tank has no unit of both: its factors
    per litre are of the liquid."""
    if activity not in LIQUEFIED or unit not in LIQUID_OR_GAS:
        return None
    return ValidationError(
        gettext(
            "{unit} of {activity} may be of gas or of liquid, which is 250 times as heavy; give L, "
            "kg or kWh. Gas from a meter may be an activity with a factor of your own."
        ).format(unit=unit, activity=activity),
        code="ambiguous_unit",
    )


def check_period(category: str, start: date, end: date) -> dict[str, ValidationError]:
    """From 1900 to 2199, in order, ten years at most; a refill happens on one day."""
    errors: dict[str, ValidationError] = {}
    for name, day in (("start_date", start), ("end_date", end)):
        if not EARLIEST_DAY <= day <= LATEST_DAY:
            errors[name] = ValidationError(
                gettext("Give a day from {first} to {last}.").format(
                    first=cells.day(EARLIEST_DAY), last=cells.day(LATEST_DAY)
                ),
                code="out_of_range",
            )
    if end < start:
        errors["end_date"] = ValidationError(
            gettext("It ends before it starts ({start}).").format(start=cells.day(start)),
            code="reversed_period",
        )
    elif category == Category.RECHARGE and end != start:
        errors["end_date"] = ValidationError(
            gettext("A refill happens on one day: give start_date ({start}) here too.").format(
                start=cells.day(start)
            ),
            code="refill_is_one_day",
        )
    elif (end - start).days >= LONGEST_PERIOD_DAYS:
        errors.setdefault(
            "end_date",
            ValidationError(
                gettext("A period lasts ten years at most; divide it."), code="period_too_long"
            ),
        )
    return errors


def is_delivery(category: str, activity: str, unit: str) -> bool:
    """Whether it is fuel that may arrive on one day: oil, LPG, wood; not what comes by pipe."""
    return (
        category == Category.HEAT
        and activity not in BY_PIPE
        and dimension(unit) in (Dimension.MASS, Dimension.VOLUME)
    )


def check_category(category: str, enabled: Collection[str]) -> ValidationError | None:
    """Consumption is recorded only in a category that its facility has enabled."""
    if category in enabled:
        return None
    return ValidationError(
        gettext(
            "{category} is not enabled at this facility; add it to the facility's categories first."
        ).format(category=category),
        code="category_disabled",
    )


def check_cups(cups: str, cups_list: Collection[str]) -> ValidationError | None:
    """A CUPS, when given, is one of the facility's."""
    if cups in cups_list:
        return None
    return ValidationError(
        gettext(
            "“{cups}” is not one of this facility's CUPS; add it to its cups_list first."
        ).format(cups=cups),
        code="not_of_facility",
    )


def check_meter(meter: str, meter_list: Collection[str]) -> ValidationError | None:
    """A meter, when given, is one of the facility's."""
    if meter in meter_list:
        return None
    return ValidationError(
        gettext(
            "“{meter}” is not one of this facility's meters; add it to its meter_list first."
        ).format(meter=meter),
        code="not_of_facility",
    )


def unknown_activity(category: str, activity: str, known: list[str]) -> ValidationError:
    """The error of an activity that no factor of the category knows, with the nearest names."""
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(activity.casefold().replace(" ", "_"), folded, n=5, cutoff=0.5)
    near += [name for name in folded if name not in near and activity.casefold() in name]
    names = [folded[name] for name in near[:5]] or known[:5]
    return ValidationError(
        gettext("No {category} factor knows the activity “{activity}”. Nearest: {names}.").format(
            category=category, activity=activity, names=", ".join(names)
        ),
        code="unknown_activity",
    )
