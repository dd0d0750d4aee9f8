"""Keeping every stored figure equal to what its data and its factors give.

One path for one bill and for many: take the consumptions, compute their lines, compare them with
the current lines of the ledger, supersede what is wrong, write what is missing, and move the
facilities' totals by the difference. What is right already is not written again.

Every caller is in a transaction and holds, in this order, the gate (organizations.tenancy), the
facilities by id, and then what it writes: so writers queue and none deadlocks. A facility's total
is read under its lock and moved by an exact Decimal difference, so that one bill costs the same
whatever the facility's history.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from emissions.factors import YEARS_BACK, years_later
from emissions.ledger import (
    BATCH,
    LIMIT,
    Difference,
    Kilograms,
    Plan,
    make_plan,
    too_large,
    write_plan,
)
from emissions.models import (
    CalculationStatus,
    Consumption,
    ConsumptionStatus,
    Emission,
    EmissionFactor,
)
from emissions.units import same_dimension
from facilities.categories import Category
from facilities.models import Completeness, Facility
from organizations.tenancy import pass_gate


class Total(NamedTuple):
    """A facility's stored totals, read under its lock."""

    kilograms: Kilograms
    status: str


def lock_facilities(ids: Iterable[UUID]) -> dict[UUID, Total]:
    """Locks facilities in the order of their ids and reads what is stored on them."""
    rows = Facility.objects.filter(pk__in=set(ids)).order_by("pk").select_for_update(no_key=True)
    return {
        row.pk: Total(Kilograms.of(row), row.co2e_status)
        for row in rows.only("pk", *Facility.COMPUTED)
    }


def recalculate(
    targets: Sequence[tuple[UUID, UUID]], also: Iterable[UUID] = ()
) -> list[Consumption]:
    """Makes consumptions right, with their facilities' totals; the last batch, as it is now.

    `targets` are (facility id, consumption id) in order; `also` are facilities that a consumption
    has left. Raises ValidationError when a figure is too large to be stored.
    """
    rows: list[Consumption] = []
    for start in range(0, len(targets), BATCH):
        batch = targets[start : start + BATCH]
        totals = lock_facilities({facility_id for facility_id, _ in batch} | set(also))
        rows = _consumptions(Q(pk__in=[consumption_id for _, consumption_id in batch]))
        plan = make_plan(rows)
        write_plan(plan)
        _write_totals(
            totals, {pk: total.kilograms.plus(plan.moves[pk]) for pk, total in totals.items()}
        )
    return rows


def recalculate_facility(facility_id: UUID, *, check: bool = False) -> list[Difference]:
    """Makes everything of a facility right, from the ground up; what was not, in order.

    With `check` it writes nothing.
    """
    totals = lock_facilities([facility_id])
    consumptions = Consumption.objects.filter(facility_id=facility_id).order_by("pk")
    ids = list(consumptions.values_list("pk", flat=True))
    lines = Emission.objects.current().filter(facility_id=facility_id)
    differences: list[Difference] = []
    computed = Kilograms()
    for start in range(0, len(ids), BATCH):
        rows = _consumptions(Q(pk__in=ids[start : start + BATCH]))
        plan = make_plan(rows)
        differences += plan.differences
        computed = computed.plus(plan.totals[facility_id])
        if not check:
            write_plan(plan)
    strays = list(lines.exclude(consumption__facility_id=facility_id))
    differences += [Difference("emission", one.pk, "co2e", one.co2e, None) for one in strays]
    if not check:
        write_plan(Plan(stale=strays))
    differences += _write_totals(totals, {facility_id: computed}, check=check)
    return differences


def recalculate_factors(before: Iterable[EmissionFactor], after: Iterable[EmissionFactor]) -> None:
    """Makes right every consumption that the factors applied to as they were or apply to now.

    Deleted ones are ignored, so that `before` and `after` may be the same rows at two times.
    """
    if not Consumption.objects.live().exists():
        return
    wanted = [_may_apply(factor) for factor in {*_values(before), *_values(after)}]
    targets: set[tuple[UUID, UUID]] = set()
    for start in range(0, len(wanted), 50):
        any_of = Q()
        for one in wanted[start : start + 50]:
            any_of |= one
        rows = Consumption.objects.live().filter(any_of).values_list("facility_id", "pk")
        targets.update(rows.iterator())
    recalculate(sorted(targets))


def recalculate_refrigerants(organization_id: UUID) -> None:
    """Makes an organization's refills right after its GWP set has changed."""
    refills = Consumption.objects.for_organization(organization_id).live()
    rows = refills.filter(category=Category.RECHARGE).values_list("facility_id", "pk")
    recalculate(sorted(rows.iterator()))


@transaction.atomic
def check_or_repair(facility: Facility, *, check: bool) -> list[Difference]:
    """One facility in a transaction of its own, for the command that walks all of them."""
    pass_gate(facility.organization_id)
    return recalculate_facility(facility.pk, check=check)


def _consumptions(condition: Q) -> list[Consumption]:
    rows = Consumption.objects.filter(condition).select_related("facility", "organization")
    return list(rows.order_by("facility_id", "pk"))


def _write_totals(
    stored: dict[UUID, Total], computed: dict[UUID, Kilograms], *, check: bool = False
) -> list[Difference]:
    """Writes the totals and the completeness of locked facilities; those that were not so."""
    differences: list[Difference] = []
    for pk, status in _completeness(computed):
        after = {**computed[pk]._asdict(), "co2e_status": status}
        before = {**stored[pk].kilograms._asdict(), "co2e_status": stored[pk].status}
        changes = [
            Difference("facility", pk, name, before[name], value)
            for name, value in after.items()
            if before[name] != value
        ]
        differences += changes
        if changes and not check:
            if any(abs(one) >= LIMIT for one in computed[pk]):
                raise too_large(f"total of facility {pk}")
            Facility.objects.filter(pk=pk).update(**after, updated_at=timezone.now())
    return differences


def _completeness(ids: Iterable[UUID]) -> Iterator[tuple[UUID, str]]:
    """Whether each facility has an active consumption, in an enabled category, without a figure."""
    missing = Consumption.objects.live().filter(
        facility=OuterRef("pk"),
        co2e_status=CalculationStatus.NOT_CALCULATED,
        status=ConsumptionStatus.ACTIVE,
    )
    facilities = Facility.objects.filter(pk__in=list(ids)).order_by("pk")
    probes = {f"missing_{one}": Exists(missing.filter(category=one)) for one in Category.values}
    for row in facilities.annotate(**probes).values("pk", "categories", "deleted_at", *probes):
        incomplete = row["deleted_at"] is None and any(
            row[f"missing_{category}"] for category in row["categories"]
        )
        yield row["pk"], Completeness.INCOMPLETE if incomplete else Completeness.COMPLETE


def _values(factors: Iterable[EmissionFactor]) -> Iterator[tuple]:
    """What of each live factor decides whom it may apply to."""
    for one in factors:
        if one.deleted_at is None:
            last = years_later(one.valid_to, YEARS_BACK) if one.valid_to else date.max
            yield (
                one.organization_id, one.category, one.activity, one.country, one.region, one.unit,
                one.valid_from, last,
            )  # fmt: skip


def _may_apply(value: tuple) -> Q:
    """Consumptions for which a factor is a candidate; a few more than it applies to."""
    organization_id, category, activity, country, region, unit, first, last = value
    condition = Q(
        category=category,
        activity=activity,
        unit__in=same_dimension(unit),
        start_date__lte=last,
        end_date__gte=first,
    )
    if organization_id:
        condition &= Q(organization_id=organization_id)
    if country:
        condition &= Q(facility__country=country)
    if region:
        condition &= Q(facility__region=region)
    return condition
