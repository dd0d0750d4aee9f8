"""What every file of emission factors goes by: which factor a row is, and which may not overlap.

A row is told by its key and first day. Writing them is one path too, whoever brings them.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from emissions.ledger.reach import reaches
from emissions.ledger.runs import recalculate_everything_reached
from emissions.models import EmissionFactor, FactorSource
from emissions.models.factor import touch_factors_of
from organizations.database.clock import moment
from organizations.history import recorded

IDENTITY = (*EmissionFactor.KEY, "valid_from")
VALUES = ("valid_to", "co2e", "co2e_biomass", "scope", "source_id", "source_ref", "note")
COLUMNS = (*IDENTITY[1:], *VALUES)
"""What a file says of a factor; whose it is, the file does not say."""


class Change(NamedTuple):
    before: EmissionFactor
    after: EmissionFactor


def identity(factor: EmissionFactor) -> tuple[Any, ...]:
    return tuple(getattr(factor, name) for name in IDENTITY)


def values(factor: EmissionFactor) -> tuple[Any, ...]:
    return tuple(getattr(factor, name) for name in VALUES)


class Periods:
    """Factors by key, to find the one that another of the same key would share a day with."""

    def __init__(self, factors: Iterable[EmissionFactor] = ()) -> None:
        self._of_key: defaultdict[tuple, list[EmissionFactor]] = defaultdict(list)
        for factor in factors:
            self.add(factor)

    def add(self, factor: EmissionFactor) -> None:
        self._of_key[identity(factor)[:-1]].append(factor)

    def rival(self, factor: EmissionFactor) -> EmissionFactor | None:
        same_key = self._of_key[identity(factor)[:-1]]
        return next((one for one in same_key if overlap(one, factor)), None)


def overlap(one: EmissionFactor, other: EmissionFactor) -> bool:
    """Whether two factors are valid on the same day."""
    return one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (
        one.valid_to or date.max
    )


def store_sources(sources: Iterable[FactorSource]) -> None:
    """Stores who published factors; one that is known is updated, and so are its factors, which
    show it."""
    sources = list(sources)
    stored = FactorSource.objects.in_bulk([one.pk for one in sources])
    changed = [one.pk for one in sources if one.pk in stored and one.differs(stored[one.pk])]
    FactorSource.objects.bulk_create(
        sources,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=FactorSource.SHOWN,
    )
    if changed:
        touch_factors_of(changed)


def store_factors(
    created: Sequence[EmissionFactor], changes: Sequence[Change], reason: str, begun: datetime
) -> None:
    """Stores factors with their history and recomputes what they touch, in the transaction; what
    is new of a file was created when its import began, so that it can be told by that."""
    changed = [change.after for change in changes]
    now = moment()
    for factor in created:
        factor.created_at = begun
    for factor in (*changed, *created):
        factor.updated_at = now
    with recorded(EmissionFactor, [one.pk for one in changed], reason):
        EmissionFactor.objects.bulk_update(changed, [*COLUMNS, "updated_at"], batch_size=500)
    EmissionFactor.objects.bulk_create(created, batch_size=500)
    before = [change.before for change in changes]
    recalculate_everything_reached(reaches(*before, *changed, *created))
