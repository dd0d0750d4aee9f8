"""Consumption: what was used, where, when, and what it emits."""

from typing import Any, NamedTuple
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext, override

from emissions.calculation.units import UNITS
from emissions.models.factor import DEFAULT_ACTIVITY, UNIT_CHOICES, EmissionFactor
from emissions.names import NAMED, activity_name, unit_name
from emissions.rules import (
    check_activity,
    check_category,
    check_cups,
    check_meter,
    check_period,
    check_quantity,
    check_unit,
)
from facilities.categories import Category
from facilities.models import (
    LONGEST_METER,
    Facility,
    normalise_cups,
    normalise_meter,
    require_same_organization,
)
from organizations.database.decimals import ExactDecimalField, kilograms
from organizations.database.statements import Compiled, Statement, compiled
from organizations.history import records
from organizations.models import Organization
from organizations.staff.cells import day
from organizations.staff.numbers import shown_number
from organizations.tenancy import SoftDeleteModel, TenantQuerySet


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
    unit = models.CharField(max_length=12, choices=UNIT_CHOICES)
    start_date = models.DateField(help_text="The first day.")
    end_date = models.DateField(help_text="The last day, included.")
    supplier = models.CharField(max_length=200, blank=True, help_text="Who sold the electricity.")
    cups = models.CharField("CUPS", max_length=30, blank=True, help_text="One of the facility's.")
    meter = models.CharField(
        max_length=LONGEST_METER, blank=True, help_text="Any other meter, one of the facility's."
    )
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

    missing_on = models.DateField(
        null=True, editable=False, help_text="The first day that no factor is for."
    )

    NAMED = NAMED

    told: "OfOthers | None" = None
    """What others say of it, where that has been asked together with something else."""

    COMPUTED = (
        "co2e",
        "co2e_market",
        "co2e_biomass",
        "co2e_status",
        "co2e_reason",
        "missing_on",
    )

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
            models.CheckConstraint(condition=Q(unit__in=[*UNITS]), name="consumption_unit_known"),
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
            # Copies are read in this order, deleted ones too.
            models.Index(fields=["organization", "updated_at", "id"], name="consumption_changes"),
            # Whether a facility is incomplete is one probe of this, whatever its history.
            models.Index(
                fields=["facility", "co2e_status", "status", "category"],
                name="consumption_completeness",
                condition=Q(deleted_at=None),
            ),
            # With the one before, all of a facility's bills are read without those of others.
            models.Index(
                fields=["facility"],
                name="consumption_deleted",
                condition=Q(deleted_at__isnull=False),
            ),
            models.Index(
                fields=["category", "activity", "start_date"], name="consumption_activity"
            ),
            # The bills beside a new one, whatever the facility's history.
            models.Index(
                fields=["facility", "category", "activity", "end_date"],
                name="consumption_neighbours",
                condition=Q(deleted_at=None),
            ),
            # What waits for a factor is little, and read as a whole.
            models.Index(
                fields=["organization", "category", "activity"],
                name="consumption_uncalculated",
                condition=Q(deleted_at=None, co2e_status=CalculationStatus.NOT_CALCULATED),
            ),
        ]

    def __str__(self) -> str:
        quantity = f"{shown_number(self.quantity)} {unit_name(self.unit)}"
        period = f"{day(self.start_date)} – {day(self.end_date)}"
        return f"{activity_name(self.activity)} · {quantity} · {period}"

    def save(self, **kwargs: Any) -> None:
        """Stores it, with the facility's totals. Raises ValidationError across organizations."""
        require_same_organization(self)
        super().save(**kwargs)

    def in_codes(self) -> str:
        with override("en"):  # it is kept, whatever the language of who writes it
            quantity = f"{shown_number(self.quantity)} {self.unit}"
            return f"{self.activity} · {quantity} · {day(self.start_date)} – {day(self.end_date)}"

    def clean(self) -> None:
        """Fills the default activity, normalises, and checks every rule across fields.

        Raises ValidationError with the field, a code and the fix for each thing that is wrong.
        """
        errors: dict[str, ValidationError] = {}
        before = None if self._state.adding else Consumption.objects.filter(pk=self.pk).first()
        self.supplier = " ".join(self.supplier.split())
        self.activity = self.activity or DEFAULT_ACTIVITY.get(self.category, "")
        if self.organization_id is None and self.facility_id:
            self.organization_id = self.facility.organization_id
        told = self._of_others()
        if not told.activity_known:
            self._check_activity(errors, before)
        if self.quantity is not None:
            adjustment = self.data_quality == DataQuality.ADJUSTMENT
            if error := check_quantity(self.quantity, adjustment=adjustment):
                errors["quantity"] = error
        as_before = before and (before.activity, before.unit) == (self.activity, self.unit)
        if not as_before and (error := check_unit(self.activity, self.unit)):
            errors["unit"] = error
        if self.start_date and self.end_date:
            errors |= check_period(self.category, self.start_date, self.end_date)
        self._check_facility(errors, before)
        if told.taken:
            errors["external_id"] = ValidationError(
                gettext(
                    "The external_id “{external_id}” belongs to another consumption of this "
                    "organization."
                ).format(external_id=self.external_id),
                code="taken",
            )
        if errors:
            raise ValidationError(errors)

    def _of_others(self) -> "OfOthers":
        """What others say, from what has been told if that is about this row."""
        asked = (self.external_id, str(self.category), self.activity)
        if self.told is not None and self.told[:3] == asked:
            return self.told
        if any("\0" in text for text in asked):  # which PostgreSQL is not even asked about
            return OfOthers(*asked, activity_known=False, taken=False)
        external_id, category, activity = asked
        [told] = OF_OTHERS.rows(
            organization_id=self.organization_id,
            external_id=external_id,
            pk=self.pk,
            category=category,
            activity=activity,
        )
        return OfOthers(*asked, *told)

    def _check_activity(
        self, errors: dict[str, ValidationError], before: "Consumption | None"
    ) -> None:
        if before and (before.category, before.activity) == (self.category, self.activity):
            return
        known = EmissionFactor.objects.usable_by(self.organization_id)
        known = known.filter(category=self.category)
        names = known.order_by().values_list("activity", flat=True).distinct()
        if error := check_activity(self.category, self.activity, lambda: set(names)):
            errors["activity"] = error

    def _check_facility(
        self, errors: dict[str, ValidationError], before: "Consumption | None"
    ) -> None:
        if self.facility_id is None:
            return
        facility = self.facility
        if facility.organization_id != self.organization_id or facility.deleted_at:
            errors["facility"] = ValidationError(
                gettext("There is no such facility in this organization."), code="does_not_exist"
            )
            return
        moved = before is None or (before.facility_id, before.category) != (
            self.facility_id,
            self.category,
        )
        if moved and (error := check_category(self.category, facility.categories)):
            errors["category"] = error
        stayed = before is not None and before.facility_id == self.facility_id
        if self.cups:
            try:
                self.cups = normalise_cups(self.cups)
            except ValidationError as invalid:
                errors["cups"] = invalid
            else:
                held = facility.supply_points.filter(cups=self.cups).values_list("cups", flat=True)
                same = stayed and before is not None and before.cups == self.cups
                if not same and (error := check_cups(self.cups, held)):
                    errors["cups"] = error
        if self.meter:
            try:
                self.meter = normalise_meter(self.meter)
            except ValidationError as invalid:
                errors["meter"] = invalid
            else:
                meters = facility.meters.filter(code=self.meter).values_list("code", flat=True)
                same = stayed and before is not None and before.meter == self.meter
                if not same and (error := check_meter(self.meter, meters)):
                    errors["meter"] = error


class OfOthers(NamedTuple):
    """Whether another live consumption of the organization has an external_id, and whether a factor
    that the organization may use is for an activity."""

    external_id: str
    category: str
    activity: str
    taken: bool
    activity_known: bool


def with_external_id(organization_id: UUID, external_id: str) -> TenantQuerySet:
    """The live consumption that has an external_id; nothing for the empty one."""
    others = Consumption.objects.for_organization(organization_id).live()
    return others.filter(external_id__is_set=True, external_id=external_id).order_by()


def of_activity(organization_id: UUID, category: str, activity: str) -> TenantQuerySet:
    """The factors for an activity that an organization may use."""
    factors = EmissionFactor.objects.usable_by(organization_id)
    return factors.filter(category=category, activity=activity).order_by()


def of_others(
    organization_id: UUID, external_id: str, pk: UUID, category: str, activity: str
) -> Compiled:
    """The last two of OfOthers, for a row that may be stored."""
    others = with_external_id(organization_id, external_id).exclude(pk=pk)
    factors = of_activity(organization_id, category, activity)
    one, other = (compiled(rows.values_list("pk")) for rows in (others, factors))
    return Compiled(
        f"SELECT EXISTS ({one.sql}), EXISTS ({other.sql})", [*one.params, *other.params]
    )


OF_OTHERS = Statement(
    of_others, organization_id=UUID, external_id=str, pk=UUID, category=str, activity=str
)
