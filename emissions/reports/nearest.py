"""The factors that come nearest to a missing one, each with why it does not fit.

The reasons are those of the selection (`emissions.calculation.selection`), in words.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from emissions.calculation.selection import GWP_SETS, YEARS_BACK, last_day_of_use
from emissions.calculation.units import dimension
from emissions.models import EmissionFactor, Method
from emissions.reports.missing import AMBIGUOUS, Missing, MissingKey
from facilities.categories import Category

SHOWN = 3


class Why(NamedTuple):
    """One reason why a factor does not fit, with the field of it that would have to be another."""

    field: str
    code: str
    detail: str


class Near(NamedTuple):
    factor: EmissionFactor
    why: list[Why]


def candidates(keys: Iterable[MissingKey]) -> dict[tuple[str, str], list[EmissionFactor]]:
    """Every factor of the activities of some keys of one organization, by (category, activity)."""
    found: dict[tuple[str, str], list[EmissionFactor]] = {}
    asked = list(keys)
    if not asked:
        return found
    usable = EmissionFactor.objects.usable_by(asked[0].organization_id).select_related("source")
    for factor in usable.filter(
        category__in={key.category for key in asked}, activity__in={key.activity for key in asked}
    ):
        found.setdefault((factor.category, factor.activity), []).append(factor)
    return found


def nearest(missing: Missing, factors: Iterable[EmissionFactor]) -> list[Near]:
    """The few factors with the fewest reasons against them, the nearest in time first.

    Where several fit equally: all of those.
    """
    if missing.reason == AMBIGUOUS:
        return [Near(one, [_tie(missing)]) for one in factors if one.pk in missing.tied]
    found = [Near(factor, list(reasons(missing, factor))) for factor in factors]
    found = [one for one in found if one.why]

    def distance(one: Near) -> tuple[int, bool, int, str]:
        days = min(
            abs((day - missing.first_day).days)
            for day in (one.factor.valid_from, one.factor.valid_to or missing.first_day)
        )
        elsewhere = any(why.field == "country" for why in one.why)
        return len(one.why), elsewhere, days, str(one.factor.pk)

    return sorted(found, key=distance)[:SHOWN]


def _tie(missing: Missing) -> Why:
    others = len(missing.tied) - 1
    return Why(
        "valid_to",
        "tied",
        f"{others} other{'s fit' if others > 1 else ' fits'} equally, and none is chosen: delete "
        "all but one, or limit them in time.",
    )


def reasons(missing: Missing, factor: EmissionFactor) -> Iterator[Why]:
    """Why a factor of the same activity is not the answer for the days that lack one."""
    key = missing.key
    if dimension(factor.unit) is not dimension(key.unit):
        yield Why(
            "unit",
            "other_dimension",
            f"It is per {factor.unit} ({dimension(factor.unit)}); what was used is in "
            f"{key.unit} ({dimension(key.unit)}), and only a factor in that dimension turns one "
            "into kg.",
        )
    if factor.country not in ("", key.country):
        yield Why("country", "other_country", f"It is for {factor.country}, not {key.country}.")
    elif factor.region not in ("", key.region):
        where = key.region or f"{key.country} without a region"
        yield Why("region", "other_region", f"It is for the region {factor.region}, not {where}.")
    if factor.valid_from > missing.last_day:
        yield Why(
            "valid_from",
            "later",
            f"It is valid from {factor.valid_from}, after {missing.last_day}; a later factor is "
            "never used.",
        )
    elif last_day_of_use(factor.as_value()) < missing.first_day:
        yield Why(
            "valid_to",
            "too_old",
            f"It ended on {factor.valid_to}, more than {YEARS_BACK} years before "
            f"{missing.first_day}.",
        )
    if key.category == Category.RECHARGE and factor.gwp_set not in usable_sets(key.gwp_set):
        yield Why(
            "gwp_set",
            "newer_gwp_set",
            f"Its GWPs are {factor.gwp_set}; the organization uses {key.gwp_set} or older.",
        )
    if factor.method == Method.MARKET:
        yield Why(
            "method",
            "market_based",
            "It is market-based; a location-based figure needs a location-based factor.",
        )


def usable_sets(gwp_set: str) -> tuple[str, ...]:
    return GWP_SETS[GWP_SETS.index(gwp_set) :]
