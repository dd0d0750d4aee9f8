"""Recalculations too large for the request that causes them."""

import uuid_utils.compat as uuid
from django.db import models
from django.db.models import Q

from emissions.names import cause_in_words
from facilities.models import Facility
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet, TimestampedModel


class RecalculationState(models.TextChoices):
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class RecalculationQuerySet(TenantQuerySet):
    def unfinished(self) -> "RecalculationQuerySet":
        """Waiting, under way, interrupted or failed, oldest first."""
        return self.exclude(state=RecalculationState.DONE).order_by("created_at", "id")


class Recalculation(TimestampedModel):
    """One organization's share of a change of a factor or of its GWP set, being worked off.

    What is left of it are its pending facilities: each is made right and taken off in one
    transaction, so that a run that was killed goes on where it was.
    """

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    cause = models.CharField(max_length=300, help_text="What has changed.")
    started_by = models.CharField(max_length=254, blank=True, help_text="Who changed it.")
    published = models.BooleanField(
        default=False, help_text="Whether a published factor changed, by the service's own staff."
    )
    reaches = models.JSONField(help_text="Which consumption the change may touch.")
    state = models.CharField(
        max_length=7, choices=RecalculationState.choices, default=RecalculationState.WAITING
    )
    started_at = models.DateTimeField(null=True, blank=True)
    finished_at = models.DateTimeField(null=True, blank=True)
    facilities = models.PositiveIntegerField(help_text="How many facilities it touches.")
    facilities_done = models.PositiveIntegerField(default=0)
    consumptions = models.PositiveIntegerField(help_text="How many consumptions it touches.")
    consumptions_done = models.PositiveIntegerField(default=0)
    consumptions_changed = models.PositiveIntegerField(
        default=0, help_text="How many of them have other figures now."
    )
    error = models.TextField(blank=True, help_text="Why some of it could not be done.")

    NAMED = {"cause": cause_in_words}

    objects = RecalculationQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "id"], name="recalculation_of_organization"
            ),
            models.CheckConstraint(
                condition=Q(state__in=RecalculationState.values), name="recalculation_state_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["organization", "-created_at", "-id"], name="recalculation_newest_first"
            ),
        ]

    def __str__(self) -> str:
        return f"{cause_in_words(self.cause)} · {self.state}"


class PendingFacility(models.Model):
    """A facility that a recalculation has yet to make right."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    recalculation = models.ForeignKey(
        Recalculation, models.CASCADE, related_name="pending", db_index=False
    )
    facility = models.ForeignKey(Facility, models.CASCADE, related_name="+")
    consumptions = models.PositiveIntegerField(help_text="How many of its bills may change.")

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "pending facilities"
        constraints = [
            models.UniqueConstraint(
                fields=["recalculation", "facility", "organization"],
                name="pending_facility_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility_id} · {self.recalculation_id}"
