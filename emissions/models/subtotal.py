"""What the lines of the ledger add up to: read where a sum need not read every line."""

import uuid_utils.compat as uuid
from django.db import models

from emissions.models.consumption import DataQuality
from facilities.categories import Category
from organizations.database.decimals import ExactDecimalField, kilograms
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet


class Subtotal(models.Model):
    """What one write has added to the current lines of a month that are alike, or taken away.

    All rows of one `key` together are what its lines add up to. A write only adds rows, so that
    writers never wait for each other; rows of a key are put together later.

    A consumption whose lines are of several keys is told by its `pattern`, the set of these keys:
    those of one pattern are counted with each of its keys, and so can be counted once wherever
    some of them are added up.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    key = models.UUIDField(help_text="A digest of what the lines have in common, and of `pattern`.")
    pattern = models.UUIDField(null=True, help_text="Null: its consumptions have no other key.")
    month = models.DateField()
    category = models.CharField(max_length=11, choices=Category.choices)
    activity = models.CharField(max_length=50)
    scope = models.PositiveSmallIntegerField()
    facility_type = models.CharField(max_length=100)
    country = models.CharField(max_length=3)
    region = models.CharField(max_length=64, blank=True)
    data_quality = models.CharField(max_length=10, choices=DataQuality.choices)
    location_fallbacks = models.CharField(max_length=100, blank=True)
    consumptions = models.IntegerField(help_text="How many have lines of this key.")
    co2e = kilograms("kg CO2e, fossil, location-based.")
    co2e_market = kilograms("kg CO2e, fossil, market-based.")
    co2e_biomass = kilograms("kg biogenic CO2, outside the scopes.")
    energy_kwh = ExactDecimalField(max_digits=18, decimal_places=6)

    objects = TenantQuerySet.as_manager()

    ALIKE = (
        "month",
        "category",
        "activity",
        "scope",
        "facility_type",
        "country",
        "region",
        "data_quality",
        "location_fallbacks",
    )
    """What the lines of a key have in common, besides their organization."""

    AMOUNTS = ("co2e", "co2e_market", "co2e_biomass", "energy_kwh")

    class Meta:
        ordering = ["month", "id"]
        indexes = [models.Index(fields=["organization", "month"], name="subtotal_of_month")]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} · {self.activity} · {self.co2e} kg"
