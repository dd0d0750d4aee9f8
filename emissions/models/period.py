"""Years whose figures are fixed."""

import uuid_utils.compat as uuid
from django.db import models
from django.db.models import Q
from django.utils import timezone

from organizations.models import Organization
from organizations.tenancy import TenantQuerySet

LONGEST_PERSON = 254


class ClosedPeriod(models.Model):
    """That a calendar year was closed, by whom, and by whom it was opened again.

    The years that are closed now are also on the organization (`closed_years`), where every
    calculation finds them without asking once more.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+", db_index=False)
    year = models.PositiveSmallIntegerField()
    closed_at = models.DateTimeField(default=timezone.now, editable=False)
    closed_by = models.CharField(max_length=LONGEST_PERSON, blank=True)
    reopened_at = models.DateTimeField(null=True, editable=False)
    reopened_by = models.CharField(max_length=LONGEST_PERSON, blank=True)

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-closed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "year"],
                condition=Q(reopened_at=None),
                name="closed_period_once",
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "year", "-closed_at"], name="closed_period_of"),
        ]

    def __str__(self) -> str:
        state = "closed" if self.reopened_at is None else "reopened"
        return f"{self.year} · {state}"
