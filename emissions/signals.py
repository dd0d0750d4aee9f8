"""What recomputes what.

- consumption saved or deleted → its lines and its facility's totals (both facilities', if moved)
- facility's type, country, region or categories changed, or it deleted or restored → it
- factor saved or deleted → every consumption it applied or now applies to
- organization's gwp_set changed → its refrigerant refills

Everything happens in the transaction of the save (`TimestampedModel.save`): `before_…` receivers
take the locks and remember what was stored, `after_…` receivers recompute. What the last two reach
beyond a few thousand consumptions is only marked there, and left to a task
(`emissions.ledger.runs`). Bulk paths send no signals: they call the same functions of
`emissions.ledger.recalculation`.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.db.models.signals import post_save, pre_save

from emissions.ledger.creation import NewBill, computed, locked_facility, write
from emissions.ledger.reach import Reach, reaches
from emissions.ledger.recalculation import lock_facilities, recalculate, recalculate_facilities
from emissions.ledger.runs import recalculate_reached
from emissions.models import Consumption, EmissionFactor
from facilities.categories import Category
from facilities.models import Facility
from facilities.signals import inputs_changed
from organizations.database.clock import moment
from organizations.models import Organization
from organizations.tenancy import pass_gate

FACILITY_INPUTS = ("type", "country", "region", "categories", "deleted_at")


def before_consumption(instance: Consumption, **kwargs: Any) -> None:
    """A new one is computed before it is stored. Of a stored one, locks the facility it is at and
    the one it comes from, until it stays where it was read."""
    if instance._state.adding:
        instance.before_save = compute_new(instance)
        return
    pass_gate(instance.organization_id)
    stored = Consumption.objects.filter(pk=instance.pk).values_list("facility_id", flat=True)
    instance.before_save = set()
    while not (wanted := {instance.facility_id, *stored.all()}) <= instance.before_save:
        lock_facilities(wanted)
        instance.before_save |= wanted


def compute_new(instance: Consumption) -> NewBill:
    """Sets the figures of a new consumption, and its moment to one at which it is locked."""
    if instance.held_since is not None:
        return computed(instance, instance.facility)
    pass_gate(instance.organization_id)
    facility = locked_facility(instance.organization_id, instance.facility_id)
    assert facility is not None, "it was there when its organization was compared"
    instance.created_at = instance.updated_at = moment()
    return computed(instance, facility)


def after_consumption(instance: Consumption, created: bool, **kwargs: Any) -> None:
    if created:
        write(instance.before_save, instance.updated_at)
        return
    recalculate([(instance.facility_id, instance.pk)], also=instance.before_save)
    instance.refresh_from_db(fields=[*Consumption.COMPUTED, "updated_at"])


def before_facility(instance: Facility, **kwargs: Any) -> None:
    pass_gate(instance.organization_id)
    lock_facilities([instance.pk])
    instance.before_save = Facility.objects.filter(pk=instance.pk).values(*FACILITY_INPUTS).first()


def after_facility(instance: Facility, **kwargs: Any) -> None:
    """Deleting takes the consumption along, and restoring brings the same consumption back."""
    before = instance.before_save
    after = Facility.objects.values(*FACILITY_INPUTS).get(pk=instance.pk)
    if before is None or before == after:
        return
    consumptions = Consumption.objects.filter(facility=instance)
    if before["deleted_at"] != after["deleted_at"]:
        take_along(instance, consumptions.filter(deleted_at=before["deleted_at"]), after)
    elif before["country"] != after["country"]:  # a copy of one country's bills has others now
        consumptions.update(updated_at=moment())
    recalculate_facilities([instance.pk])


def after_facilities(ids: Sequence[UUID], moved: Sequence[UUID], **kwargs: Any) -> None:
    """The same of many that a file has changed."""
    if moved:
        Consumption.objects.filter(facility__any_of=moved).update(updated_at=moment())
    recalculate_facilities(ids)


def take_along(facility: Facility, consumptions: QuerySet, after: Any) -> None:
    """Deletes consumption with its facility, or brings it back. Raises ValidationError."""
    if after["deleted_at"] is None:
        refuse_taken_ids(facility, consumptions.values("external_id"))
    consumptions.update(deleted_at=after["deleted_at"], updated_at=moment())


def refuse_taken_ids(facility: Facility, external_ids: QuerySet) -> None:
    """Raises ValidationError when consumption that would come back has lost its external_id."""
    live = Consumption.objects.for_organization(facility.organization_id).live()
    taken = live.filter(external_id__in=external_ids).exclude(external_id="").first()
    if taken:
        raise ValidationError(
            f"Its consumption “{taken.external_id}” cannot come back: another one has taken that "
            "external_id since. Change that one first.",
            code="taken",
        )


def before_factor(instance: EmissionFactor, **kwargs: Any) -> None:
    pass_gate(instance.organization_id, exclusive=True)
    instance.before_save = EmissionFactor.objects.filter(pk=instance.pk).first()


def after_factor(instance: EmissionFactor, **kwargs: Any) -> None:
    before = instance.before_save
    after = EmissionFactor.objects.get(pk=instance.pk)
    if before is not None and before.applied() == after.applied():
        return
    what = "created" if before is None else "deleted" if after.deleted_at else "changed"
    cause = f"factor {what}: {after.in_codes()}"
    both = reaches(before, after)
    try:
        instance.recalculated = recalculate_reached(both, cause, published=not after.own)
    except ValidationError as error:
        found = [one for errors in error.error_dict.values() for one in errors]
        raise ValidationError({"co2e": found}) from error


def before_organization(instance: Organization, **kwargs: Any) -> None:
    pass_gate(instance.pk, exclusive=True)
    instance.before_save = Organization.objects.filter(pk=instance.pk).values("gwp_set").first()


def after_organization(instance: Organization, **kwargs: Any) -> None:
    before = instance.before_save
    after = Organization.objects.values("gwp_set").get(pk=instance.pk)
    if before is not None and before != after:
        recalculate_reached(
            [Reach(instance.pk, Category.RECHARGE)], f"GWP set changed to {after['gwp_set']}"
        )


def connect() -> None:
    """Connects every receiver, once, by name."""
    for sender, before, after in (
        (Consumption, before_consumption, after_consumption),
        (Facility, before_facility, after_facility),
        (EmissionFactor, before_factor, after_factor),
        (Organization, before_organization, after_organization),
    ):
        name = sender.__name__
        pre_save.connect(before, sender, dispatch_uid=f"emissions.before_{name}")
        post_save.connect(after, sender, dispatch_uid=f"emissions.after_{name}")
    inputs_changed.connect(after_facilities, dispatch_uid="emissions.after_facilities")
