"""Files that were imported, and how an organization reads others' columns."""

from typing import Any

import uuid_utils.compat as uuid
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext

from organizations.tenancy import TenantQuerySet, TimestampedModel


class ImportOutcome(models.TextChoices):
    """`queued` and `running`: it is the worker's; `refused`: there were bad rows, or it could not
    be finished, and so nothing was stored; `checked`: it was a dry run."""

    QUEUED = "queued"
    RUNNING = "running"
    STORED = "stored"
    REFUSED = "refused"
    CHECKED = "checked"


class Import(models.Model):
    """A file that was imported, checked or refused, however it came."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization",
        models.CASCADE,
        null=True,
        blank=True,
        related_name="+",
        help_text="Empty: published to everybody.",
    )
    kind = models.CharField(max_length=50, help_text="What the rows are.")
    file_name = models.CharField(max_length=255)
    layout = models.CharField(max_length=100, blank=True)
    started_by = models.CharField(max_length=150, blank=True, help_text="The account on the host.")
    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=7, choices=ImportOutcome.choices)
    progress = models.PositiveSmallIntegerField(default=100, help_text="Percent.")
    asked = models.JSONField(
        default=dict,
        editable=False,
        help_text="What is said of a file that waits, and by whom.",
    )
    created = models.PositiveIntegerField(default=0)
    changed = models.PositiveIntegerField(default=0)
    unchanged = models.PositiveIntegerField(default=0)
    rejected = models.PositiveIntegerField(default=0)
    warnings = models.PositiveIntegerField(default=0)
    first_rejects = models.JSONField(
        default=list, help_text="line, column, value, code and reason of the first faults."
    )
    first_warnings = models.JSONField(
        default=list, db_default=[], help_text="The same of the first warnings."
    )
    rejects = models.TextField(blank=True, editable=False, help_text="The refused rows as CSV.")

    objects = TenantQuerySet.as_manager()

    ON_EVERY_NODE = "what is published to everybody is imported for no organization"

    class Meta:
        ordering = ["-started_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(outcome__in=ImportOutcome.values), name="import_outcome_known"
            )
        ]

    def __str__(self) -> str:
        outcome = str(self.get_outcome_display()).lower()
        return f"{gettext(self.kind)} · {self.file_name} · {outcome}"

    def as_reason(self) -> str:
        """How the history of a row names it."""
        return " by ".join(filter(None, [f"import {self.file_name}", self.started_by]))


UNFINISHED = (ImportOutcome.QUEUED, ImportOutcome.RUNNING)


class Block(models.Model):
    """A part of a file that waits in the database, where each machine finds it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey("organizations.Organization", models.CASCADE, related_name="+")
    row_id: Any
    number = models.PositiveIntegerField()
    data = models.BinaryField()

    objects = TenantQuerySet.as_manager()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.row_id} · {self.number}"


class ImportBlock(Block):
    """A part of a file that waits for the worker."""

    row = models.ForeignKey(Import, models.CASCADE, related_name="blocks")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "row", "number"], name="import_block_once"
            )
        ]


class Draft(models.Model):
    """A file that somebody looks at in the admin before it is stored, with what they said of it."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey("organizations.Organization", models.CASCADE, related_name="+")
    user = models.ForeignKey("organizations.User", models.CASCADE, related_name="+")
    created_at = models.DateTimeField(default=timezone.now)
    kind = models.CharField(max_length=20, help_text="As /v1/imports names it.")
    file_name = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField(help_text="Bytes.")
    said = models.JSONField(default=dict, help_text="How it is read: options of the import.")
    columns = models.JSONField(default=dict, help_text="Our column → theirs, chosen by hand.")
    constants = models.JSONField(default=dict, help_text="Our column → what every row has.")
    mended = models.JSONField(
        default=dict, help_text="Line → position of a cell → what it should have been."
    )
    revision = models.PositiveIntegerField(
        default=0, help_text="So many times something else was said of it."
    )
    trial = models.JSONField(
        null=True, help_text="What it would do, where the worker has found that out."
    )
    waits = models.BooleanField(default=False, help_text="For the worker to look at it.")
    attempts = models.PositiveSmallIntegerField(
        default=0, help_text="So many times a worker began to."
    )
    progress = models.PositiveSmallIntegerField(default=0, help_text="Percent.")

    objects = TenantQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["organization", "id"], name="draft_of_organization")
        ]

    def __str__(self) -> str:
        return f"{self.kind} · {self.file_name}"


class DraftBlock(Block):
    """A part of a file that somebody looks at."""

    row = models.ForeignKey(Draft, models.CASCADE, related_name="blocks")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "row", "number"], name="draft_block_once"
            )
        ]


class SumBy(models.TextChoices):
    """What the rows of a file are added up to."""

    NONE = "none"
    DAY = "day"
    MONTH = "month"


class ImportLayout(TimestampedModel):
    """How the columns of a file that an organization often gets become ours."""

    KINDS = ("facilities", "consumption", "emission-factors")

    organization = models.ForeignKey("organizations.Organization", models.CASCADE, related_name="+")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=20, choices=[(one, one) for one in KINDS])
    columns = models.JSONField(default=dict, help_text="Our column → theirs.")
    constants = models.JSONField(
        default=dict, blank=True, help_text="Our column → what every row has."
    )
    activities = models.JSONField(
        default=dict,
        blank=True,
        help_text="Their word → our activity, or {category, activity}.",
    )
    units = models.JSONField(default=dict, blank=True, help_text="Their word → our unit.")
    decimal = models.CharField(
        max_length=5, blank=True, choices=[(one, one) for one in ("point", "comma")]
    )
    dates = models.CharField(
        max_length=3, blank=True, choices=[(one, one) for one in ("ymd", "dmy", "mdy")]
    )
    sum_by = models.CharField(max_length=5, choices=SumBy.choices, default=SumBy.NONE)

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = "import layout"
        ordering = ["name", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], name="import_layout_name_unique"
            ),
            models.CheckConstraint(
                condition=models.Q(
                    kind__in=("facilities", "consumption", "emission-factors"),
                    decimal__in=("", "point", "comma"),
                    dates__in=("", "ymd", "dmy", "mdy"),
                    sum_by__in=SumBy.values,
                ),
                name="import_layout_choices_known",
            ),
        ]

    def __str__(self) -> str:
        return self.name
