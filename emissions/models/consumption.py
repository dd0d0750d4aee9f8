"""Consumption: what was used, where, when, and what it emits."""

from datetime import date
from difflib import get_close_matches
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q

from emissions.models.factor import DEFAULT_ACTIVITY, UNIT_CHOICES, EmissionFactor
from emissions.units import UNITS
from facilities.categories import Category
from facilities.models import Facility, normalise_cups, require_same_organization
from organizations.decimals import ExactDecimalField, kilograms
from organizations.history import records
from organizations.models import Organization
from organizations.tenancy import SoftDeleteModel

LONGEST_PERIOD_DAYS = 3653
EARLIEST_DAY, LATEST_DAY = date(1900, 1, 1), date(2199, 12, 31)


class DataQuality(models.TextChoices):
    ACTUAL = "actual"
    ESTIMATED = "estimated"
    ADJUSTMENT = "adjustment"


class ConsumptionStatus(models.TextChoices):
    ACTIVE = "active"
    INACTIVE = "inactive"


class CalculationStatus(models.TextChoices):
    CALCULATED = "calculated"
    NOT_CALCULATED = "not_calculated"


class Consumption(SoftDeleteModel):
    """One bill, reading or refill: a quantity of an activity over a period at a facility."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    facility = models.ForeignKey(
        Facility, models.PROTECT, related_name="consumptions", db_index=False
    )
    external_id = models.CharField(
        max_length=100, blank=True, help_text="The owner's own code; unique when set."
    )
    category = models.CharField(max_length=11, choices=Category.choices)
    activity = models.CharField(
        max_length=50,
        help_text="grid, supply, treatment, a fuel such as natural_gas, or a refrigerant.",
    )
    quantity = ExactDecimalField(
        max_digits=18, decimal_places=6, help_text="In `unit`; negative for an adjustment only."
    )
    unit = models.CharField(max_length=8, choices=UNIT_CHOICES)
    start_date = models.DateField(help_text="The first day.")
    end_date = models.DateField(help_text="The last day, included.")
    supplier = models.CharField(max_length=200, blank=True, help_text="Who sold the electricity.")
    cups = models.CharField("CUPS", max_length=30, blank=True, help_text="One of the facility's.")
    data_quality = models.CharField(
        max_length=10, choices=DataQuality.choices, default=DataQuality.ACTUAL
    )
    status = models.CharField(
        max_length=8, choices=ConsumptionStatus.choices, default=ConsumptionStatus.ACTIVE
    )
    note = models.CharField(max_length=500, blank=True)
    co2e = kilograms("kg CO2e, fossil, location-based.", null=True)
    co2e_market = kilograms("kg CO2e, fossil, market-based.", null=True)
    co2e_biomass = kilograms("kg biogenic CO2, outside the scopes.", null=True)
    co2e_status = models.CharField(
        max_length=14,
        choices=CalculationStatus.choices,
        editable=False,
        default=CalculationStatus.NOT_CALCULATED,
    )
    co2e_reason = models.TextField(
        blank=True, editable=False, help_text="Why there is no figure, or empty."
    )

    COMPUTED = ("co2e", "co2e_market", "co2e_biomass", "co2e_status", "co2e_reason")

    history = records(COMPUTED, ["facility"])

    class Meta:
        verbose_name_plural = "consumption"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=Q(deleted_at=None) & ~Q(external_id=""),
                name="consumption_external_id_unique",
            ),
            models.UniqueConstraint(
                fields=["organization", "id"], name="consumption_of_organization"
            ),
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="consumption_category_known"
            ),
            models.CheckConstraint(condition=Q(unit__in=UNITS), name="consumption_unit_known"),
            models.CheckConstraint(
                condition=Q(end_date__gte=F("start_date")), name="consumption_period_in_order"
            ),
            models.CheckConstraint(
                condition=~Q(category=Category.RECHARGE) | Q(end_date=F("start_date")),
                name="consumption_refill_is_one_day",
            ),
            models.CheckConstraint(
                condition=Q(quantity__gte=0) | Q(data_quality=DataQuality.ADJUSTMENT),
                name="consumption_quantity_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(data_quality__in=DataQuality.values),
                name="consumption_data_quality_known",
            ),
            models.CheckConstraint(
                condition=Q(status__in=ConsumptionStatus.values), name="consumption_status_known"
            ),
            models.CheckConstraint(
                condition=Q(
                    co2e_status=CalculationStatus.CALCULATED,
                    co2e__isnull=False,
                    co2e_market__isnull=False,
                    co2e_biomass__isnull=False,
                )
                | Q(
                    co2e_status=CalculationStatus.NOT_CALCULATED,
                    co2e=None,
                    co2e_market=None,
                    co2e_biomass=None,
                ),
                name="consumption_co2e_where_calculated",
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"],
                name="consumption_newest_first",
                condition=Q(deleted_at=None),
            ),
            # Whether a facility is incomplete is one probe of this, whatever its history.
            models.Index(
                fields=["facility", "co2e_status", "status", "category"],
                name="consumption_completeness",
                condition=Q(deleted_at=None),
            ),
            models.Index(
                fields=["category", "activity", "start_date"], name="consumption_activity"
            ),
            # What waits for a factor is little, and read as a whole.
            models.Index(
                fields=["organization", "category", "activity"],
                name="consumption_uncalculated",
                condition=Q(deleted_at=None, co2e_status=CalculationStatus.NOT_CALCULATED),
            ),
        ]

    def __str__(self) -> str:
        return (
            f"{self.activity} · {self.quantity} {self.unit} · {self.start_date} – {self.end_date}"
        )

    def save(self, **kwargs: Any) -> None:
        """Stores it, with the facility's totals. Raises ValidationError across organizations."""
        require_same_organization(self)
        super().save(**kwargs)

    def clean(self) -> None:
        """Fills the default activity, normalises, and checks every rule across fields.

        Raises ValidationError with the field, a code and the fix for each thing that is wrong.
        """
        errors: dict[str, ValidationError] = {}
        before = None if self._state.adding else Consumption.objects.filter(pk=self.pk).first()
        self.supplier = " ".join(self.supplier.split())
        self.activity = self.activity or DEFAULT_ACTIVITY.get(self.category, "")
        self._check_activity(errors, before)
        self._check_quantity(errors)
        self._check_period(errors)
        self._check_facility(errors, before)
        if self.external_id:
            others = Consumption.objects.for_organization(self.organization_id).live()
            if others.filter(external_id=self.external_id).exclude(pk=self.pk).exists():
                errors["external_id"] = ValidationError(
                    f"The external_id “{self.external_id}” belongs to another consumption of this "
                    "organization.",
                    code="taken",
                )
        if errors:
            raise ValidationError(errors)

    def _check_activity(
        self, errors: dict[str, ValidationError], before: "Consumption | None"
    ) -> None:
        if before and (before.category, before.activity) == (self.category, self.activity):
            return
        if not self.activity:
            errors["activity"] = ValidationError(
                f"Name what was consumed; {self.category} has no default.", code="required"
            )
            return
        known = EmissionFactor.objects.usable_by(self.organization_id).filter(
            category=self.category
        )
        if known.filter(activity=self.activity).exists():
            return
        names = known.order_by("activity").values_list("activity", flat=True).distinct()
        errors["activity"] = unknown_activity(self.category, self.activity, list(names))

    def _check_quantity(self, errors: dict[str, ValidationError]) -> None:
        if self.quantity is None or self.data_quality == DataQuality.ADJUSTMENT:
            return
        if self.quantity < 0:
            errors["quantity"] = ValidationError(
                "A quantity is 0 or more; for a correction set data_quality to adjustment.",
                code="min_value",
            )

    def _check_period(self, errors: dict[str, ValidationError]) -> None:
        start, end = self.start_date, self.end_date
        if not (start and end):
            return
        for name, day in (("start_date", start), ("end_date", end)):
            if not EARLIEST_DAY <= day <= LATEST_DAY:
                errors[name] = ValidationError(
                    f"Give a day from {EARLIEST_DAY} to {LATEST_DAY}.", code="out_of_range"
                )
        if end < start:
            errors["end_date"] = ValidationError(
                f"It ends before it starts ({start}).", code="reversed_period"
            )
        elif self.category == Category.RECHARGE and end != start:
            errors["end_date"] = ValidationError(
                f"A refill happens on one day: give start_date ({start}) here too.",
                code="refill_is_one_day",
            )
        elif (end - start).days >= LONGEST_PERIOD_DAYS:
            errors.setdefault(
                "end_date",
                ValidationError(
                    "A period lasts ten years at most; divide it.", code="period_too_long"
                ),
            )

    def _check_facility(
        self, errors: dict[str, ValidationError], before: "Consumption | None"
    ) -> None:
        if self.facility_id is None:
            return
        facility = self.facility
        if self.organization_id is None:
            self.organization_id = facility.organization_id
        if facility.organization_id != self.organization_id or facility.deleted_at:
            errors["facility"] = ValidationError(
                "There is no such facility in this organization.", code="does_not_exist"
            )
            return
        moved = before is None or (before.facility_id, before.category) != (
            self.facility_id,
            self.category,
        )
        if moved and self.category not in facility.categories:
            errors["category"] = ValidationError(
                f"{self.category} is not enabled at this facility; add it to the facility's "
                "categories first.",
                code="category_disabled",
            )
        if self.cups:
            try:
                self.cups = normalise_cups(self.cups)
            except ValidationError as error:
                errors["cups"] = error
                return
            if before and (before.facility_id, before.cups) == (self.facility_id, self.cups):
                return
            if not facility.supply_points.filter(cups=self.cups).exists():
                errors["cups"] = ValidationError(
                    f"“{self.cups}” is not one of this facility's CUPS; add it to its cups_list "
                    "first.",
                    code="not_of_facility",
                )


def unknown_activity(category: str, activity: str, known: list[str]) -> ValidationError:
    """The error of an activity that no factor of the category knows, with the nearest names."""
    folded = {name.casefold(): name for name in known}
    near = get_close_matches(activity.casefold().replace(" ", "_"), folded, n=5, cutoff=0.5)
    near += [name for name in folded if name not in near and activity.casefold() in name]
    names = [folded[name] for name in near[:5]] or known[:5]
    return ValidationError(
        f"No {category} factor knows the activity “{activity}”. Nearest: {', '.join(names)}.",
        code="unknown_activity",
    )
