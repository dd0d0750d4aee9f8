"""Organizations, their members and their API keys."""

from datetime import timedelta
from typing import Any

import uuid_utils.compat as uuid
from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import connection, models, transaction
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from organizations.access.families import TokenFamily
from organizations.access.keys import new_key
from organizations.access.own_writes import LastWrite
from organizations.audit.event import AuditEvent
from organizations.models.imports import (
    UNFINISHED,
    Draft,
    DraftBlock,
    Import,
    ImportBlock,
    ImportLayout,
    ImportOutcome,
    SumBy,
)
from organizations.people.invitation import Invitation
from organizations.tenancy import TenantQuerySet, TimestampedModel

__all__ = [
    "UNFINISHED",
    "APIKey",
    "AuditEvent",
    "Draft",
    "DraftBlock",
    "GWPSet",
    "IdempotentAnswer",
    "Import",
    "ImportBlock",
    "ImportLayout",
    "ImportOutcome",
    "Invitation",
    "Language",
    "LastWrite",
    "Membership",
    "Organization",
    "RequestCount",
    "Role",
    "SumBy",
    "TokenFamily",
    "User",
    "UserManager",
]


class Role(models.TextChoices):
    """What a member or a key may do; each includes the one before it."""

    VIEWER = "viewer", _("Viewer")
    EDITOR = "editor", _("Editor")
    ADMIN = "admin", _("Admin")


class Language(models.TextChoices):
    """What the pages of the admin are written in; each is named in itself."""

    ENGLISH = "en", "English"
    SPANISH = "es", "Español"


class GWPSet(models.TextChoices):
    """The IPCC assessment report that global warming potentials (100 years) are taken from."""

    AR4 = "AR4", "AR4"
    AR5 = "AR5", "AR5"
    AR6 = "AR6", "AR6"


class UserManager(BaseUserManager["User"]):
    """Users are found by email, whatever its case."""

    def get_by_natural_key(self, username: str | None) -> "User":
        return self.get(email__iexact=username)

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "User":
        if not email:
            raise ValueError("A user needs an email address.")
        user = self.model(email=self.normalize_email(email), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "User":
        return self.create_user(email, password, is_staff=True, is_superuser=True, **fields)


class User(TimestampedModel, AbstractBaseUser, PermissionsMixin):
    """A person, who logs in by email and belongs to organizations."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150, blank=True)
    is_active = models.BooleanField(default=True)
    is_staff = models.BooleanField(default=False, help_text="May log in to the admin.")
    language = models.CharField(
        max_length=2,
        choices=Language.choices,
        default=Language.ENGLISH,
        db_default=Language.ENGLISH,
        help_text="Of the admin's pages; the API is English.",
    )
    second_factor = models.JSONField(
        null=True, blank=True, editable=False, help_text="See organizations.people.second_factor."
    )

    objects = UserManager()

    ON_EVERY_NODE = "who logs in is looked up before it is known for which organization"

    EMAIL_FIELD = "email"
    USERNAME_FIELD = "email"

    class Meta:
        ordering = ["email"]
        constraints = [
            models.UniqueConstraint(
                Lower("email"),
                name="user_email_unique_any_case",
                violation_error_message="A user with this email address exists already.",
            )
        ]

    def __str__(self) -> str:
        return self.email

    def get_full_name(self) -> str:
        """Their name, which the account menu shows above the email."""
        return self.name


class Organization(TimestampedModel):
    """The tenant."""

    name = models.CharField(max_length=255)
    gwp_set = models.CharField(
        "GWP set",
        max_length=3,
        choices=GWPSet.choices,
        default=GWPSet.AR6,
        help_text="The IPCC report whose 100-year GWPs its refrigerants are computed with.",
    )
    second_factor_required = models.BooleanField(
        "second factor",
        default=False,
        db_default=False,
        help_text="Its members use the admin only with a code of an app beside their password.",
    )
    closed_years = models.CharField(
        max_length=2000,
        blank=True,
        editable=False,
        help_text="The years whose figures are fixed, separated by commas.",
    )
    subtotals_kept = models.BooleanField(
        default=True,
        db_default=False,
        editable=False,
        help_text="Whether the ledger's subtotals hold all of its lines.",
    )

    ON_EVERY_NODE = "its rows are joined to those of each shard, and keys and members refer to them"

    class Meta:
        ordering = ["name", "id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(gwp_set__in=GWPSet.values), name="organization_gwp_set_known"
            )
        ]

    def __str__(self) -> str:
        return self.name


class Membership(TimestampedModel):
    """A user's place in an organization."""

    user = models.ForeignKey(User, models.CASCADE, related_name="memberships")
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.VIEWER)

    ON_EVERY_NODE = "a person's organizations are looked up by the person"
    MAY_MOVE = True

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "user"],
                name="membership_once_per_organization",
                violation_error_message="This user is a member of the organization already.",
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="membership_role_known"
            ),
        ]

    def __str__(self) -> str:
        role = str(self.get_role_display()).lower()
        return f"{self.user} · {self.organization} · {role}"

    def save(self, **kwargs: Any) -> None:
        """Raises ValidationError where this was the last admin, and would be no more."""
        with transaction.atomic(), self.named():
            if not self._state.adding:
                self._keep_an_admin(self.organization_id if self.role == Role.ADMIN else None)
            super().save(**kwargs)

    @transaction.atomic
    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        """Raises ValidationError for the last admin of an organization."""
        with self.named():
            self._keep_an_admin(None)
            return super().delete(*args, **kwargs)

    def _keep_an_admin(self, of: Any) -> None:
        """Holds the organization, so that of two admins who leave at once one stays."""
        stored = Membership.objects.filter(pk=self.pk, role=Role.ADMIN).first()
        if stored is None or stored.organization_id == of:
            return
        Organization.objects.select_for_update(no_key=True).get(pk=stored.organization_id)
        others = Membership.objects.filter(
            organization=stored.organization_id, role=Role.ADMIN, user__is_active=True
        )
        if not others.exclude(pk=self.pk).exists():
            sentence = "This is the organization's last admin: make somebody else an admin first."
            raise ValidationError(sentence, code="last_admin")


class APIKey(TimestampedModel):
    """An integrator's credential for one organization. The key itself is stored nowhere."""

    organization = models.ForeignKey(Organization, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100)
    role = models.CharField(max_length=6, choices=Role.choices, default=Role.EDITOR)
    prefix = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    created_by = models.ForeignKey(User, models.SET_NULL, null=True, blank=True, editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_from = models.CharField(
        max_length=100, blank=True, default="", db_default="", editable=False
    )
    replaced_by = models.CharField(
        max_length=16,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text="The prefix of the key that follows.",
    )

    ON_EVERY_NODE = "it is looked up before it is known for which organization"

    key = ""
    """The key itself, on the row that `issue()` returns and nowhere else."""

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name = "API key"
        ordering = ["-created_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(role__in=Role.values), name="api_key_role_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"

    def clean(self) -> None:
        """A new key must last beyond now. Raises ValidationError."""
        if self._state.adding and self.expires_at and self.expires_at <= timezone.now():
            raise ValidationError(
                {"expires_at": ValidationError(gettext("This is in the past."), code="in_the_past")}
            )

    @classmethod
    def issue(cls, **fields: Any) -> "APIKey":
        """Makes a key and stores its digest; the row it returns alone has `key` set."""
        row = cls(**fields)
        row.assign_key()
        row.save()
        return row

    def assign_key(self) -> None:
        """Gives a row that is not stored yet its key."""
        self.key, self.prefix, self.digest = new_key()

    @transaction.atomic
    def rotate(self, overlap: timedelta, **fields: Any) -> "APIKey":
        """Makes the key that follows this one, which goes on working for the overlap and then ends.

        The new one has its name, its role and, unless `expires_at` is among the fields, as long a
        life as this one was given. Raises ValidationError for a key that has ended or that has been
        replaced before.
        """
        self.refresh_from_db(from_queryset=APIKey.objects.select_for_update())
        now = timezone.now()
        if self.revoked_at or (self.expires_at and self.expires_at <= now):
            raise ValidationError(gettext("This key has ended: make a new one."), code="ended")
        if self.replaced_by:
            sentence = f"This key has been replaced by {self.replaced_by}… already."
            raise ValidationError(sentence, code="replaced")
        life = self.expires_at and now + (self.expires_at - self.created_at)
        given = {"name": self.name, "role": self.role, "expires_at": life, **fields}
        following = APIKey.issue(organization_id=self.organization_id, **given)
        self.replaced_by = following.prefix
        self.expires_at = min(now + overlap, self.expires_at or now + overlap)
        self.save(update_fields=["replaced_by", "expires_at"])
        return following

    def revoke(self) -> None:
        """Ends the key at once; staff still see that it was there."""
        self.revoked_at = timezone.now()
        self.save(update_fields=["revoked_at"])


class IdempotentAnswer(models.Model):
    """The first answer to a POST that came with an `Idempotency-Key`, kept for a day."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.CASCADE, related_name="+")
    credential = models.UUIDField(help_text="The API key or the user whose request it was.")
    key = models.CharField(max_length=255)
    fingerprint = models.CharField(max_length=64, help_text="SHA-256 of address and body.")
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.BinaryField(help_text="Encrypted: it may carry a new API key.")
    created_at = models.DateTimeField(default=timezone.now)

    objects = TenantQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "credential", "key"], name="idempotent_answer_once"
            )
        ]
        indexes = [
            models.Index(fields=["organization", "created_at"], name="idempotent_answer_oldest")
        ]

    def __str__(self) -> str:
        return f"{self.status} · {self.created_at:%Y-%m-%d %H:%M}"


class RequestCount(models.Model):
    """How many requests of a minute's quota a caller's processes have taken; PostgreSQL's alone."""

    caller = models.CharField(primary_key=True, max_length=100)
    minute = models.PositiveIntegerField(help_text="Minutes since 1970.")
    requests = models.PositiveIntegerField()

    TAKE = """
        INSERT INTO organizations_requestcount AS stored (caller, minute, requests)
        VALUES (%s, %s, %s)
        ON CONFLICT (caller) DO UPDATE SET
            requests = excluded.requests
                + CASE WHEN stored.minute = excluded.minute THEN stored.requests ELSE 0 END,
            minute = excluded.minute
        RETURNING requests
    """

    class Meta:
        indexes = [models.Index(fields=["minute"], name="request_count_minute")]

    def __str__(self) -> str:
        return f"{self.caller} · {self.requests}"

    @classmethod
    def take(cls, caller: str, minute: int, share: int) -> int:
        """Takes a share of a minute for one process; returns what all have taken of it by now.

        The first of a minute clears away callers who have not come back for an hour.
        """
        with connection.cursor() as cursor:
            cursor.execute(cls.TAKE, [caller[:100], minute, share])
            [taken] = cursor.fetchone()
        if taken == share:
            cls.objects.filter(minute__lt=minute - 60).delete()
        return taken
