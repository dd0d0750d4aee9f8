"""One event of an organization's audit, as it is stored."""

import uuid_utils.compat as uuid
from django.db import models

from organizations.tenancy import TenantQuerySet


class Event(models.TextChoices):
    """What is recorded. A new one needs no migration: events are only ever added."""

    LOGIN = "login", "Log-in"
    LOGIN_FAILED = "login_failed", "Failed log-in"
    LOGOUT = "logout", "Log-out"
    TOKEN_REUSED = "token_reused", "Refresh token used twice"
    KEY_CREATED = "key_created", "Key created"
    KEY_ROTATED = "key_rotated", "Key replaced"
    KEY_REVOKED = "key_revoked", "Key revoked"
    MEMBER_ADDED = "member_added", "Member added"
    MEMBER_REMOVED = "member_removed", "Member removed"
    ROLE_CHANGED = "role_changed", "Role changed"
    SECOND_FACTOR_ON = "second_factor_on", "Second factor set up"
    SECOND_FACTOR_OFF = "second_factor_off", "Second factor taken away"
    INVITED = "invited", "Invited"
    INVITATION_WITHDRAWN = "invitation_withdrawn", "Invitation withdrawn"
    INVITATION_ACCEPTED = "invitation_accepted", "Invitation accepted"
    EXPORTED = "exported", "Exported"
    IMPORT_STORED = "import_stored", "Import stored"
    IMPORT_REFUSED = "import_refused", "Import refused"
    DELETED = "deleted", "Deleted"
    RESTORED = "restored", "Restored"
    PERIOD_CLOSED = "period_closed", "Period closed"
    PERIOD_REOPENED = "period_reopened", "Period reopened"


class AuditEvent(models.Model):
    """An event of an organization, with the hash of the one before it (see organizations.audit).

    Written once: triggers refuse to change or to delete it.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(
        "organizations.Organization", models.PROTECT, related_name="+", db_index=False
    )
    number = models.PositiveBigIntegerField(help_text="1, 2, 3 … in each organization.")
    event = models.CharField(max_length=40)
    actor = models.CharField(
        max_length=300,
        help_text="A person's email, an API key's name and prefix, or an account on the host; for "
        "a failed log-in the email that was tried.",
    )
    address = models.CharField(max_length=100, blank=True, help_text="Where it came from.")
    request_id = models.CharField(max_length=100, blank=True, help_text="The `x-request-id`.")
    object_type = models.CharField(max_length=40, help_text="What it was done to.")
    object_id = models.CharField(max_length=100, help_text="Its id, or its name.")
    details = models.JSONField(default=dict)
    recorded_at = models.DateTimeField()
    previous_hash = models.CharField(max_length=64)
    hash = models.CharField(max_length=64)

    objects = TenantQuerySet.as_manager()

    CLOSED_BY = ""
    """Nothing is changed in a stored row (see organizations.database.guards)."""

    class Meta:
        ordering = ["-number", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "number"], name="audit_event_number_once"
            ),
            models.CheckConstraint(
                condition=models.Q(number__gte=1), name="audit_event_number_from_1"
            ),
        ]
        indexes = [
            models.Index(fields=["organization", "object_id"], name="audit_event_of_object"),
        ]

    def __str__(self) -> str:
        return f"{self.number} · {self.event} · {self.actor}"
