"""One event of an organization's audit, as it is stored."""

import uuid_utils.compat as uuid
from django.db import models
from django.utils.translation import gettext_lazy as _

from organizations.tenancy import TenantQuerySet


class Event(models.TextChoices):
    """What is recorded. A new one needs no migration: events are only ever added."""

    LOGIN = "login", _("Log-in")
    LOGIN_FAILED = "login_failed", _("Failed log-in")
    LOGOUT = "logout", _("Log-out")
    TOKEN_REUSED = "token_reused", _("Refresh token used twice")
    KEY_CREATED = "key_created", _("Key created")
    KEY_CHANGED = "key_changed", _("Key changed")
    KEY_ROTATED = "key_rotated", _("Key replaced")
    KEY_REVOKED = "key_revoked", _("Key revoked")
    MEMBER_ADDED = "member_added", _("Member added")
    MEMBER_REMOVED = "member_removed", _("Member removed")
    ROLE_CHANGED = "role_changed", _("Role changed")
    SECOND_FACTOR_ON = "second_factor_on", _("Second factor set up")
    SECOND_FACTOR_OFF = "second_factor_off", _("Second factor taken away")
    INVITED = "invited", _("Invited")
    INVITATION_WITHDRAWN = "invitation_withdrawn", _("Invitation withdrawn")
    INVITATION_ACCEPTED = "invitation_accepted", _("Invitation accepted")
    EXPORTED = "exported", _("Exported")
    IMPORT_STORED = "import_stored", _("Import stored")
    IMPORT_REFUSED = "import_refused", _("Import refused")
    DELETED = "deleted", _("Deleted")
    RESTORED = "restored", _("Restored")
    PERIOD_CLOSED = "period_closed", _("Period closed")
    PERIOD_REOPENED = "period_reopened", _("Period reopened")


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
