"""A release of factors before it is stored: what it adds, changes and closes, and what moves."""

from collections.abc import Iterator, Sequence

from emissions.importing.factor_rows import Change
from emissions.ledger.effects import effects_of_factors
from emissions.models import EmissionFactor
from organizations.models import Organization
from organizations.staff.numbers import shown_number


def preview_of(created: Sequence[EmissionFactor], changes: Sequence[Change]) -> Iterator[str]:
    """The release in lines of text: counts, each factor, each organization before → after, in kg.

    `+` is added, `~` changed, `x` closed: valid no longer than to a day before its old end. Raises
    ValidationError when a figure would be too large to be stored.
    """
    closed = [change for change in changes if ends_earlier(change)]
    others = [change for change in changes if not ends_earlier(change)]
    yield f"added {len(created)}, changed {len(others)}, closed {len(closed)}"
    yield from (f"+ {one}: {amount(one)}" for one in created)
    for sign, some in (("~", others), ("x", closed)):
        for before, after in some:
            yield f"{sign} {after}: {' '.join(differences(before, after))}"
    effects = effects_of_factors([*((None, one) for one in created), *changes])
    names = dict(Organization.objects.filter(pk__in=effects).values_list("pk", "name"))
    for pk, effect in effects.items():
        yield (
            f"{pk} {names[pk]}: {effect.consumptions} consumptions at {effect.facilities} "
            f"facilities, {effect.gained} with a first figure, {effect.lost} without one any more"
        )
        for year, moved in sorted(effect.years.items()):
            yield (
                f"  {year} location {moved.before.co2e} → {moved.after.co2e}, "
                f"market {moved.before.co2e_market} → {moved.after.co2e_market}, "
                f"biogenic {moved.before.co2e_biomass} → {moved.after.co2e_biomass}"
            )
    if not effects:
        yield "No figure of any organization moves."


def ends_earlier(change: Change) -> bool:
    before, after = change.before.valid_to, change.after.valid_to
    return after is not None and (before is None or after < before)


def amount(factor: EmissionFactor) -> str:
    return f"{shown_number(factor.co2e)} kg/{factor.unit}"


def differences(before: EmissionFactor, after: EmissionFactor) -> Iterator[str]:
    """What a change makes different."""
    for name in ("valid_to", "co2e", "co2e_biomass", "scope", "source_id", "source_ref", "note"):
        was, now = getattr(before, name), getattr(after, name)
        if was != now:
            if name.startswith("co2e"):
                was, now = shown_number(was), shown_number(now)
            yield f"{name} {was or 'nothing'} → {now or 'nothing'};"
