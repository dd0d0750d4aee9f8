"""Facilities and their supply points."""

from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.db.models.functions import Length
from django.db.models.lookups import Exact, In
from django.utils.translation import gettext
from django_countries import countries
from stdnum.es import cups as cups_rule
from stdnum.exceptions import InvalidChecksum
from stdnum.exceptions import ValidationError as InvalidNumber

from facilities.categories import COMBINATIONS, CategoriesField
from facilities.names import category_name, country_name
from organizations.database.decimals import ExactDecimalField, kilograms
from organizations.history import records
from organizations.models import Organization
from organizations.tenancy import SoftDeleteModel, TimestampedModel


def country_code(value: str) -> str:
    """The ISO 3166-1 alpha-2 code of an alpha-2 or alpha-3 code in any case.

    Raises ValidationError for anything else.
    """
    text = value.strip().upper() if value.isascii() else ""
    code = countries.alpha2(text) if text.isalpha() and len(text) in (2, 3) else ""
    if not code:
        raise ValidationError(
            gettext("“{value}” is not an ISO 3166-1 country code; write it like ES or ESP.").format(
                value=value[:32]
            ),
            code="unknown_country",
        )
    return code


def normalise_cups(value: str) -> str:
    """A CUPS without spaces or dashes, in capitals, its check letters proved (python-stdnum).

    The rule is Spain's BOE of 1 September 2007 (Procedimiento de operación 10.8). Raises
    ValidationError.
    """
    try:
        return cups_rule.validate(value)
    except InvalidChecksum as error:
        expected = cups_rule.calc_check_digits(cups_rule.compact(value))
        raise ValidationError(
            gettext("“{value}” is not a CUPS: its check letters should be {expected}.").format(
                value=value[:32], expected=expected
            ),
            code="invalid_cups",
        ) from error
    except InvalidNumber as error:
        raise ValidationError(
            gettext(
                "“{value}” is not a CUPS: it has 20 or 22 characters, ES, 16 digits and "
                "2 check letters first."
            ).format(value=value[:32]),
            code="invalid_cups",
        ) from error


LONGEST_METER = 50


def normalise_meter(value: str) -> str:
    """A meter's code without spaces: MPAN, PRM, POD, ESI ID, a serial number; its case is kept.

    Lists in files are divided by “|”, so no code has one. Raises ValidationError.
    """
    code = "".join(value.split())
    if not code or len(code) > LONGEST_METER or not code.isprintable() or "|" in code:
        raise ValidationError(
            gettext(
                "“{value}” is not a meter's code: it has 1 to {most} characters, none of them “|”."
            ).format(value=value[:60], most=LONGEST_METER),
            code="invalid_meter",
        )
    return code


class FacilityStatus(models.TextChoices):
    ACTIVE = "active"
    ARCHIVED = "archived"


class Completeness(models.TextChoices):
    """Whether a facility's totals hold all that they should."""

    COMPLETE = "complete"
    INCOMPLETE = "incomplete"
    RECALCULATING = "recalculating"


class Facility(SoftDeleteModel):
    """A physical site, with the CO2e of everything that counts there."""

    NAMED = {"categories": category_name, "country": country_name}

    FOLDED = {"name": "name_folded"}
    """What PostgreSQL keeps folded, for `mentions` (organizations.database.search), and where."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="facilities")
    external_id = models.CharField(
        max_length=100, blank=True, help_text="The owner's own code; unique when set."
    )
    name = models.CharField(max_length=255)
    type = models.CharField(max_length=100, help_text="What it is: office, warehouse, factory, …")
    country = models.CharField(
        max_length=3, help_text="ISO 3166-1 alpha-2; alpha-3 is accepted and stored as alpha-2."
    )
    region = models.CharField(
        max_length=64,
        blank=True,
        help_text="Chooses sub-national factors, such as eGRID:CAMX for California's grid.",
    )
    address = models.CharField(max_length=500, blank=True)
    categories = CategoriesField(help_text="What counts here; consumption of others does not.")
    logistic_factor = ExactDecimalField(
        max_digits=7,
        decimal_places=6,
        default=Decimal("0.8"),
        validators=[MinValueValidator(0), MaxValueValidator(1)],
        help_text="The share of scope 2 that the logistics report counts.",
    )
    status = models.CharField(
        max_length=8, choices=FacilityStatus.choices, default=FacilityStatus.ACTIVE
    )
    co2e = kilograms("kg CO2e, fossil, location-based.", default=0)
    co2e_market = kilograms("kg CO2e, fossil, market-based.", default=0)
    co2e_biomass = kilograms("kg biogenic CO2, outside the scopes.", default=0)
    co2e_status = models.CharField(
        max_length=13, choices=Completeness.choices, default=Completeness.COMPLETE, editable=False
    )

    COMPUTED = ("co2e", "co2e_market", "co2e_biomass", "co2e_status")

    history = records(COMPUTED, [])
    HISTORY_PARTS = ("supply_points", "meters")

    class Meta:
        verbose_name_plural = "facilities"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "external_id"],
                condition=models.Q(deleted_at=None) & ~models.Q(external_id=""),
                name="facility_external_id_unique",
            ),
            # What composite foreign keys (organization, facility) point at.
            models.UniqueConstraint(fields=["organization", "id"], name="facility_of_organization"),
            models.CheckConstraint(
                condition=models.Q(logistic_factor__gte=0, logistic_factor__lte=1),
                name="facility_logistic_factor_0_to_1",
            ),
            models.CheckConstraint(
                condition=models.Q(status__in=FacilityStatus.values), name="facility_status_known"
            ),
            models.CheckConstraint(
                condition=models.Q(co2e_status__in=Completeness.values),
                name="facility_co2e_status_known",
            ),
            models.CheckConstraint(
                condition=models.Q(categories__in=COMBINATIONS), name="facility_categories_known"
            ),
            models.CheckConstraint(
                condition=Exact(Length("country"), 2), name="facility_country_alpha_2"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"],
                name="facility_newest_first",
                condition=models.Q(deleted_at=None),
            ),
            # Copies are read in this order, deleted ones too.
            models.Index(fields=["organization", "updated_at", "id"], name="facility_changes"),
        ]

    def __str__(self) -> str:
        return self.name

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Takes the facility and all its consumption away; its external_id, CUPS and meters are
        free."""
        with self.named():
            deleted = super().delete()
            for points in (self.supply_points, self.meters):
                points.filter(released_at=None).update(released_at=self.deleted_at)
            return deleted

    @transaction.atomic
    def restore(self) -> None:
        """Puts the facility back with its consumption, CUPS and meters.

        Raises ValidationError when its external_id, a CUPS or a meter has been taken since.
        """
        with self.named():
            points = self.supply_points.filter(released_at=self.deleted_at)
            for cups in points.values_list("cups", flat=True):
                SupplyPoint(organization=self.organization, facility=self, cups=cups).clean()
            meters = self.meters.filter(released_at=self.deleted_at)
            for code in meters.values_list("code", flat=True):
                Meter(organization=self.organization, facility=self, code=code).clean()
            points.update(released_at=None)
            meters.update(released_at=None)
            super().restore()

    def clean(self) -> None:
        """Normalises the country and holds the external_id unique. Raises ValidationError."""
        errors: dict[str, Any] = {}
        if self.country:
            try:
                self.country = country_code(self.country)
            except ValidationError as error:
                errors["country"] = error
        try:
            self._check_external_id()
        except ValidationError as error:
            errors.update(error.error_dict)
        if errors:
            raise ValidationError(errors)

    def _check_external_id(self) -> None:
        if not self.external_id:
            return
        others = Facility.objects.for_organization(self.organization_id).live()
        others = others.filter(external_id__is_set=True)
        if others.filter(external_id=self.external_id).exclude(pk=self.pk).exists():
            raise ValidationError({"external_id": taken("external_id", self.external_id)})


class SupplyPoint(TimestampedModel):
    """One CUPS of one facility."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, models.CASCADE, related_name="supply_points")
    cups = models.CharField("CUPS", max_length=30)
    released_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its facility was deleted."
    )

    history = records([], [])

    class Meta:
        verbose_name = verbose_name_plural = "CUPS"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "cups"],
                condition=models.Q(released_at=None),
                name="supply_point_cups_unique",
            ),
            models.CheckConstraint(
                condition=In(Length("cups"), [20, 22]), name="supply_point_cups_length"
            ),
        ]

    def __str__(self) -> str:
        return self.cups

    def save(self, **kwargs: Any) -> None:
        """Stores it. Raises ValidationError when the facility is another organization's."""
        require_same_organization(self)
        super().save(**kwargs)

    def clean(self) -> None:
        """Normalises and checks the CUPS, and that no other facility has it."""
        self.organization_id = self.facility.organization_id
        try:
            self.cups = normalise_cups(self.cups)
        except ValidationError as error:
            raise ValidationError({"cups": error}) from error
        holders = SupplyPoint.objects.filter(
            organization_id=self.organization_id, cups=self.cups, released_at=None
        )
        if holders.exclude(facility_id=self.facility_id).exists():
            raise ValidationError({"cups": taken("CUPS", self.cups)})


class Meter(TimestampedModel):
    """Any other supply point or meter of one facility, by its code."""

    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+")
    facility = models.ForeignKey(Facility, models.CASCADE, related_name="meters")
    code = models.CharField(max_length=LONGEST_METER, help_text="MPAN, PRM, POD, a serial number.")
    released_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text="When its facility was deleted."
    )

    history = records([], [])

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "code"],
                condition=models.Q(released_at=None),
                name="meter_code_unique",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    def save(self, **kwargs: Any) -> None:
        """Stores it. Raises ValidationError when the facility is another organization's."""
        require_same_organization(self)
        super().save(**kwargs)

    def clean(self) -> None:
        """Normalises the code, and checks that no other facility has it."""
        self.organization_id = self.facility.organization_id
        try:
            self.code = normalise_meter(self.code)
        except ValidationError as error:
            raise ValidationError({"code": error}) from error
        holders = Meter.objects.filter(
            organization_id=self.organization_id, code=self.code, released_at=None
        )
        if holders.exclude(facility_id=self.facility_id).exists():
            raise ValidationError({"code": taken("meter", self.code)})


def require_same_organization(row: Any) -> None:
    """What belongs to a facility belongs to its organization. Raises ValidationError.

    PostgreSQL holds this with composite foreign keys too.
    """
    if row.organization_id != row.facility.organization_id:
        raise ValidationError(
            {
                "facility": ValidationError(
                    gettext("It is another organization's."), code="does_not_exist"
                )
            }
        )


def taken(what: str, value: str) -> ValidationError:
    """The error of a code that another live facility of the organization has."""
    return ValidationError(
        gettext("The {what} “{value}” belongs to another facility of this organization.").format(
            what=gettext(what), value=value
        ),
        code="taken",
    )
