"""What most would write: a bill's figure when it is saved, and then its facility's sum."""

from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum
from django.db.models.signals import post_save, pre_save
from django.dispatch import receiver

from benchmarks.rivals.stock_drf.models import Consumption, EmissionFactor


@receiver(pre_save, sender=Consumption)
def multiply(instance: Consumption, **kwargs: Any) -> None:
    factor = (
        EmissionFactor.objects.filter(
            Q(organization=None) | Q(organization=instance.organization_id),
            category=instance.category,
            activity=instance.activity,
            country=instance.facility.country,
            valid_from__lte=instance.start_date,
            deleted_at=None,
        )
        .order_by("-valid_from")
        .first()
    )
    if factor:
        figure = round(instance.quantity * factor.co2e, 6)
        instance.co2e = instance.co2e_market = figure
        instance.co2e_biomass = Decimal(0)
        instance.co2e_status = "calculated"


@receiver(post_save, sender=Consumption)
def add_up(instance: Consumption, **kwargs: Any) -> None:
    facility = instance.facility
    bills = facility.consumptions.filter(deleted_at=None, status="active")
    facility.co2e = bills.aggregate(total=Sum("co2e"))["total"] or 0
    facility.save()
