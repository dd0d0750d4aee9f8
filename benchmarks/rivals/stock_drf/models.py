"""The service's tables, as plain models."""

import uuid
from typing import Any

from django.db import models


class Organization(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=255)

    class Meta:
        managed = False
        db_table = "organizations_organization"

    def __str__(self) -> str:
        return self.name


class APIKey(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE)
    role = models.CharField(max_length=6)
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField(null=True)
    revoked_at = models.DateTimeField(null=True)

    is_authenticated = True

    class Meta:
        managed = False
        db_table = "organizations_apikey"

    def __str__(self) -> str:
        return str(self.id)


class Stored(models.FloatField):
    """A figure of the service's tables, which keep it on SQLite as a whole number of `unit`s."""

    def __init__(self, *args: Any, unit: float = 1e-6, **options: Any) -> None:
        self.unit = unit
        super().__init__(*args, **options)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Any:
        if connection.vendor != "sqlite" or value is None:
            return value
        return round(value * self.unit, 6)


class Facility(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE)
    external_id = models.CharField(max_length=100)
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=100)
    country = models.CharField(max_length=2)
    region = models.CharField(max_length=64)
    address = models.CharField(max_length=500)
    categories = models.CharField(max_length=31)
    logistic_factor = Stored(unit=1e-6)
    status = models.CharField(max_length=8)
    co2e = Stored()
    co2e_market = Stored()
    co2e_biomass = Stored()
    co2e_status = models.CharField(max_length=13)
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "facilities_facility"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return self.name


class SupplyPoint(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    facility = models.ForeignKey(Facility, models.CASCADE, related_name="supply_points")
    cups = models.CharField(max_length=30)

    class Meta:
        managed = False
        db_table = "facilities_supplypoint"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.cups


class Meter(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    facility = models.ForeignKey(Facility, models.CASCADE, related_name="meters")
    code = models.CharField(max_length=50)

    class Meta:
        managed = False
        db_table = "facilities_meter"
        ordering = ["id"]

    def __str__(self) -> str:
        return self.code


class EmissionFactor(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE, null=True)
    category = models.CharField(max_length=11)
    activity = models.CharField(max_length=50)
    country = models.CharField(max_length=3)
    method = models.CharField(max_length=8)
    valid_from = models.DateField()
    co2e = models.DecimalField(max_digits=18, decimal_places=10)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "emissions_emissionfactor"

    def __str__(self) -> str:
        return self.activity


class Consumption(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    organization = models.ForeignKey(Organization, models.CASCADE)
    facility = models.ForeignKey(Facility, models.CASCADE, related_name="consumptions")
    external_id = models.CharField(max_length=100, blank=True, default="")
    category = models.CharField(max_length=11)
    activity = models.CharField(max_length=50, default="grid")
    quantity = models.DecimalField(max_digits=18, decimal_places=6)
    unit = models.CharField(max_length=12)
    start_date = models.DateField()
    end_date = models.DateField()
    supplier = models.CharField(max_length=200, blank=True, default="")
    cups = models.CharField(max_length=30, blank=True, default="")
    meter = models.CharField(max_length=50, blank=True, default="")
    data_quality = models.CharField(max_length=10, default="actual")
    status = models.CharField(max_length=8, default="active")
    note = models.CharField(max_length=500, blank=True, default="")
    co2e = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    co2e_market = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    co2e_biomass = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    co2e_status = models.CharField(max_length=14, default="not_calculated")
    co2e_reason = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)
    deleted_at = models.DateTimeField(null=True)

    class Meta:
        managed = False
        db_table = "emissions_consumption"
        ordering = ["-created_at", "-id"]

    def __str__(self) -> str:
        return str(self.id)
