"""Emission factors and their sources."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models, transaction
from django.db.models import F, Q
from django.utils.translation import gettext

from emissions.calculation.selection import Factor
from emissions.calculation.units import UNITS
from emissions.names import NAMED, activity_name, period_name, place_name, unit_name
from facilities.categories import Category
from facilities.models import country_code
from organizations.database.clock import announced_moment
from organizations.database.decimals import ExactDecimalField
from organizations.database.tenant import about
from organizations.history import records
from organizations.models import GWPSet, Organization
from organizations.staff.cells import day
from organizations.staff.numbers import in_own_language
from organizations.tenancy import SoftDeleteModel, SoftDeleteQuerySet

UNIT_CHOICES = [(unit, unit) for unit in UNITS]
DEFAULT_ACTIVITY: dict[str, str] = {Category.ELECTRICITY: "grid", Category.WATER: "supply"}
DEFAULT_SCOPE: dict[str, int] = {
    Category.HEAT: 1,
    Category.ELECTRICITY: 2,
    Category.WATER: 3,
    Category.RECHARGE: 1,
}


class FactorSource(models.Model):
    """Who published a factor, where, and under which licence."""

    id = models.SlugField(primary_key=True, max_length=50)
    title = models.CharField(max_length=500)
    url = models.URLField(max_length=500, blank=True)
    licence = models.CharField(max_length=200, blank=True)
    attribution = models.CharField(max_length=500, blank=True)

    ON_EVERY_NODE = "the factors of every organization refer to it"

    SHOWN = ("title", "url", "licence", "attribution")
    """What every factor of it shows."""

    class Meta:
        ordering = ["id"]

    def __str__(self) -> str:
        return self.title

    @transaction.atomic
    def save(self, **kwargs: Any) -> None:
        """Stores it; its factors, which show it, have changed too."""
        with about(None):
            super().save(**kwargs)
            touch_factors_of([self.pk])

    def differs(self, other: "FactorSource") -> bool:
        return any(getattr(self, name) != getattr(other, name) for name in self.SHOWN)


class Method(models.TextChoices):
    """The GHG Protocol's two Scope 2 methods."""

    LOCATION = "location"
    MARKET = "market"


class FactorQuerySet(SoftDeleteQuerySet):
    """Factors; an organization sees the published ones and its own."""

    def usable_by(self, organization_id: Any) -> "FactorQuerySet":
        if organization_id is None:
            return self.none()
        return self.live().filter(Q(organization=None) | Q(organization_id=organization_id))

    def same_key(self, factor: "EmissionFactor") -> "FactorQuerySet":
        """Live factors of one key, which may not overlap in time."""
        names = EmissionFactor.KEY
        return self.live().filter(**{name: getattr(factor, name) for name in names})


class EmissionFactor(SoftDeleteModel):
    """kg CO2e per unit of an activity, in a place, in a period, from a named source."""

    organization = models.ForeignKey(
        Organization,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: published to everybody.",
    )
    category = models.CharField(max_length=11, choices=Category.choices)
    activity = models.CharField(
        max_length=50,
        help_text="grid, supply, treatment, a fuel such as natural_gas, or a refrigerant.",
    )
    country = models.CharField(max_length=3, blank=True, help_text="ISO 3166-1; empty: the world.")
    region = models.CharField(max_length=64, blank=True, help_text="A part of the country.")
    supplier = models.CharField(
        max_length=200, blank=True, help_text="Whose electricity; market-based factors only."
    )
    method = models.CharField(
        max_length=8, blank=True, choices=Method.choices, help_text="Electricity only."
    )
    gwp_set = models.CharField(
        "GWP set",
        max_length=3,
        blank=True,
        choices=GWPSet.choices,
        help_text="The IPCC report its GWPs are from; a refrigerant needs one.",
    )
    unit = models.CharField(
        max_length=12, choices=UNIT_CHOICES, help_text="What one factor is per."
    )
    valid_from = models.DateField(help_text="The first day it is for.")
    valid_to = models.DateField(
        null=True, blank=True, help_text="The last day it is for; empty: until further notice."
    )
    co2e = ExactDecimalField(
        max_digits=18,
        decimal_places=10,
        validators=[MinValueValidator(0)],
        help_text="kg CO2e per unit, fossil.",
    )
    co2e_biomass = ExactDecimalField(
        max_digits=18,
        decimal_places=10,
        default=0,
        validators=[MinValueValidator(0)],
        help_text="kg biogenic CO2 per unit, outside the scopes.",
    )
    scope = models.PositiveSmallIntegerField(
        choices=[(1, "1"), (2, "2"), (3, "3")], help_text="GHG Protocol scope, 1 to 3."
    )
    source = models.ForeignKey(FactorSource, models.PROTECT, null=True, blank=True)
    source_ref = models.CharField(max_length=200, blank=True, help_text="Where in the source.")
    note = models.CharField(max_length=500, blank=True)

    objects = FactorQuerySet.as_manager()  # type: ignore[misc]
    history = records([], ["source"])

    NAMED = NAMED

    PUBLISHED_TO_ALL = True
    """A factor without an organization is everybody's (organizations.database.tenant)."""

    ON_EVERY_NODE = "the lines of every organization are computed with published factors"

    KEY = (
        "organization_id",
        "category",
        "activity",
        "country",
        "region",
        "supplier",
        "method",
        "gwp_set",
        "unit",
    )
    APPLIED = (*KEY, "valid_from", "valid_to", "co2e", "co2e_biomass", "scope", "deleted_at")
    """What a figure depends on; other columns may change without a recalculation."""

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(category__in=Category.values), name="factor_category_known"
            ),
            models.CheckConstraint(condition=Q(unit__in=[*UNITS]), name="factor_unit_known"),
            models.CheckConstraint(
                condition=Q(valid_to=None) | Q(valid_to__gte=F("valid_from")),
                name="factor_period_in_order",
            ),
            models.CheckConstraint(
                condition=Q(co2e__gte=0, co2e_biomass__gte=0), name="factor_not_negative"
            ),
            models.CheckConstraint(condition=Q(scope__in=[1, 2, 3]), name="factor_scope_1_to_3"),
            models.CheckConstraint(
                condition=Q(category=Category.ELECTRICITY, method__in=Method.values)
                | (~Q(category=Category.ELECTRICITY) & Q(method="")),
                name="factor_method_of_electricity",
            ),
            models.CheckConstraint(
                condition=Q(supplier="") | Q(method=Method.MARKET), name="factor_supplier_is_market"
            ),
            models.CheckConstraint(
                condition=Q(gwp_set__in=GWPSet.values)
                | (Q(gwp_set="") & ~Q(category=Category.RECHARGE)),
                name="factor_gwp_set_known",
            ),
        ]
        indexes = [
            models.Index(
                fields=["category", "activity", "country"],
                name="factor_lookup",
                condition=Q(deleted_at=None),
            ),
            # Copies are read in this order, own factors and published ones.
            models.Index(fields=["organization", "updated_at", "id"], name="factor_changes"),
            models.Index(
                fields=["updated_at", "id"],
                name="factor_published_changes",
                condition=Q(organization=None),
            ),
        ]

    def __str__(self) -> str:
        """Natural gas · worldwide · since 2000 · 0.2 kg CO2e per kWh."""
        co2e = Decimal(self.co2e or 0).normalize()
        words = (
            activity_name(self.activity),
            place_name(self.country, self.region),
            period_name(self.valid_from, self.valid_to),
            gettext("{co2e} kg CO2e per {unit}").format(
                co2e=in_own_language(f"{co2e:f}"), unit=unit_name(self.unit)
            ),
        )
        return " · ".join(words)

    def in_codes(self) -> str:
        place = self.region or self.country or "world"
        co2e = Decimal(self.co2e or 0).normalize()
        return f"{self.activity} · {place} · {self.valid_from:%Y} · {co2e:f} kg/{self.unit}"

    recalculated: Any = (0, 0)
    """After a save: how many consumptions have other figures for it, and how many of them had none
    before; None if a task works it out."""

    @property
    def own(self) -> bool:
        """Whether it is an organization's, not published."""
        return self.organization_id is not None

    def as_value(self) -> Factor:
        """The factor as the calculation takes it."""
        return Factor(**{name: getattr(self, name) for name in Factor.__dataclass_fields__})

    def applied(self) -> tuple[Any, ...]:
        return tuple(getattr(self, name) for name in self.APPLIED)

    def clean(self) -> None:
        """Fills what follows from the category and checks the rest. Raises ValidationError."""
        self.check_alone()
        if other := self.overlapping():
            sentence = gettext(
                "It overlaps the factor {other} of the same key, valid from {first} to {last}."
            ).format(
                other=other.pk,
                first=day(other.valid_from),
                last=day(other.valid_to) if other.valid_to else gettext("further notice"),
            )
            raise ValidationError({"valid_from": ValidationError(sentence, code="overlap")})

    def check_alone(self) -> None:
        """The rules that concern no other factor. Raises ValidationError."""
        errors: dict[str, Any] = {}
        self.supplier = " ".join(self.supplier.split())
        self.activity = self.activity or DEFAULT_ACTIVITY.get(self.category, "")
        if not self.activity:
            errors["activity"] = ValidationError(gettext("Name the activity."), code="required")
        if self.country:
            try:
                self.country = country_code(self.country)
            except ValidationError as error:
                errors["country"] = error
        if self.category == Category.ELECTRICITY:
            self.method = self.method or Method.LOCATION
        elif self.method:
            errors["method"] = ValidationError(
                gettext(
                    "Only electricity has location-based and market-based factors; "
                    "leave this empty."
                ),
                code="not_applicable",
            )
        if self.supplier and self.method != Method.MARKET:
            errors["supplier"] = ValidationError(
                gettext(
                    "A supplier's factor is market-based electricity: set method to market, or "
                    "leave the supplier empty."
                ),
                code="not_applicable",
            )
        if self.region and not self.country:
            errors["region"] = ValidationError(
                gettext("A region is part of a country: name the country too."),
                code="not_applicable",
            )
        if self.category == Category.RECHARGE and not self.gwp_set:
            errors["gwp_set"] = ValidationError(
                gettext("A refrigerant's factor needs its GWP set: AR4, AR5 or AR6."),
                code="required",
            )
        if self.scope is None:
            steam = self.activity == "district_heating"
            self.scope = 2 if steam else DEFAULT_SCOPE.get(self.category)
        if self.valid_to and self.valid_from and self.valid_to < self.valid_from:
            errors["valid_to"] = ValidationError(
                gettext("It ends before it starts ({valid_from}).").format(
                    valid_from=day(self.valid_from)
                ),
                code="reversed_period",
            )
        if errors:
            raise ValidationError(errors)

    def overlapping(self) -> "EmissionFactor | None":
        """A live factor of the same key whose period shares a day with this one."""
        if self.valid_from is None:
            return None
        others = EmissionFactor.objects.same_key(self).exclude(pk=self.pk)
        others = others.filter(Q(valid_to=None) | Q(valid_to__gte=self.valid_from))
        if self.valid_to:
            others = others.filter(valid_from__lte=self.valid_to)
        return others.first()


def touch_factors_of(sources: Iterable[str]) -> None:
    """Moves `updated_at` of every factor of some sources, whoever has it."""
    now = announced_moment(None)
    EmissionFactor.objects.filter(source__in=sources).update(updated_at=now)


class ShippedRow(models.Model):
    """What the file that ships with the project last said of a factor.

    While it still says the same, what staff have made of the factor since stays.
    """

    factor = models.OneToOneField(
        EmissionFactor, models.CASCADE, primary_key=True, related_name="+"
    )
    row = models.JSONField(help_text="Each column of the file as text.")

    ON_EVERY_NODE = "it is about a published factor"

    def __str__(self) -> str:
        return f"what was shipped of {self.factor_id}"
