"""The ledger of emissions."""

from datetime import datetime
from typing import Any

import uuid_utils.compat as uuid
from django.db import models
from django.db.models import F, Q
from django.utils import timezone

from emissions.models.consumption import Consumption, DataQuality
from emissions.models.factor import EmissionFactor
from emissions.names import NAMED, activity_name
from facilities.categories import Category
from facilities.models import Facility
from organizations.access.author import LONGEST_CAUSE
from organizations.database.decimals import ExactDecimalField, kilograms
from organizations.models import Organization
from organizations.staff.numbers import shown_number
from organizations.tenancy import TenantQuerySet


class EmissionQuerySet(TenantQuerySet):
    """Ledger lines; `current()` are those that count, `counted_at()` those that counted then."""

    def current(self) -> "EmissionQuerySet":
        return self.filter(superseded_at=None)

    def counted_at(self, moment: datetime | None) -> "EmissionQuerySet":
        """The lines that counted at a moment; without one, those that count now."""
        if moment is None:
            return self.current()
        still = Q(superseded_at=None) | Q(superseded_at__gt=moment)
        return self.filter(still, recorded_at__lte=moment)


class Emission(models.Model):
    """One computed line: the part of a consumption in one calendar month under one factor.

    A ledger: a line is written once and never changed. It counts while `superseded_at` is empty.
    Each figure keeps the factor's value as it was used, and where, of whom and for which GWP set
    it was asked, so that it stays explained when the factor or the facility is edited.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    consumption = models.ForeignKey(Consumption, models.PROTECT, related_name="lines")
    facility = models.ForeignKey(Facility, models.PROTECT, related_name="+", db_index=False)
    category = models.CharField(max_length=11, choices=Category.choices)
    activity = models.CharField(max_length=50)
    scope = models.PositiveSmallIntegerField()
    facility_type = models.CharField(max_length=100, help_text="The facility's, like its place.")
    country = models.CharField(max_length=3)
    region = models.CharField(max_length=64, blank=True)
    supplier = models.CharField(
        max_length=200, blank=True, help_text="Who sold the electricity; of other things nobody."
    )
    gwp_set = models.CharField(max_length=3, blank=True, help_text="Asked for, for refrigerants.")
    month = models.DateField(help_text="Its first day.")
    start_date = models.DateField()
    end_date = models.DateField()
    quantity = ExactDecimalField(max_digits=24, decimal_places=12, help_text="In `unit`.")
    unit = models.CharField(max_length=12, help_text="The consumption's.")
    energy_kwh = ExactDecimalField(
        max_digits=18,
        decimal_places=6,
        help_text="kWh as billed, gross or net; 0 where the unit does not measure energy.",
    )
    data_quality = models.CharField(
        max_length=10, choices=DataQuality.choices, help_text="The consumption's."
    )

    location_factor = models.ForeignKey(
        EmissionFactor, models.PROTECT, related_name="+", db_index=False
    )
    location_value = ExactDecimalField(max_digits=18, decimal_places=10)
    location_biomass = ExactDecimalField(max_digits=18, decimal_places=10)
    location_unit = models.CharField(max_length=12)
    location_fallbacks = models.CharField(max_length=100, blank=True)
    market_factor = models.ForeignKey(
        EmissionFactor, models.PROTECT, related_name="+", db_index=False
    )
    market_value = ExactDecimalField(max_digits=18, decimal_places=10)
    market_unit = models.CharField(max_length=12)
    market_fallbacks = models.CharField(max_length=100, blank=True)

    co2e = kilograms("kg CO2e, fossil, location-based.")
    co2e_market = kilograms("kg CO2e, fossil, market-based.")
    co2e_biomass = kilograms("kg biogenic CO2, outside the scopes.")
    recorded_at = models.DateTimeField(default=timezone.now, editable=False)
    superseded_at = models.DateTimeField(null=True, editable=False)
    superseded_by = models.CharField(
        max_length=LONGEST_CAUSE,
        blank=True,
        db_default="",
        editable=False,
        help_text="Who and what ended it.",
    )

    objects = EmissionQuerySet.as_manager()

    WRITTEN = (
        "organization_id",
        "consumption_id",
        "facility_id",
        "category",
        "activity",
        "scope",
        "facility_type",
        "country",
        "region",
        "supplier",
        "gwp_set",
        "month",
        "start_date",
        "end_date",
        "quantity",
        "unit",
        "energy_kwh",
        "data_quality",
        "location_factor_id",
        "location_value",
        "location_biomass",
        "location_unit",
        "location_fallbacks",
        "market_factor_id",
        "market_value",
        "market_unit",
        "market_fallbacks",
        "co2e",
        "co2e_market",
        "co2e_biomass",
    )
    """What makes two lines the same line."""

    NAMED = NAMED

    CLOSED_BY = "superseded_at"
    """What is set once in a stored line, and nothing else ever (organizations.database.guards)."""

    class Meta:
        ordering = ["start_date", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "consumption", "start_date"],
                condition=Q(superseded_at=None),
                name="emission_day_counts_once",
            ),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")), name="emission_period_in_order"
            ),
            models.CheckConstraint(condition=Q(scope__in=[1, 2, 3]), name="emission_scope_1_to_3"),
        ]
        indexes = [
            models.Index(
                fields=["facility", "month"],
                name="emission_of_facility",
                condition=Q(superseded_at=None),
            ),
            # A month of an organization, and its facilities in their order.
            models.Index(
                fields=["organization", "month", "facility"],
                name="emission_of_month",
                condition=Q(superseded_at=None),
            ),
            # With the first one, what stood at a facility at a moment is read by indexes.
            models.Index(
                fields=["facility", "superseded_at"],
                name="emission_superseded",
                condition=Q(superseded_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.month:%Y-%m} · {activity_name(self.activity)} · {shown_number(self.co2e)} kg"

    def written(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.WRITTEN)
