"""An invitation that is open, and the link that leads to it."""

from datetime import timedelta
from urllib.parse import urlencode

from django.core.signing import BadSignature, Signer
from django.db import models
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone

from organizations.database import wall
from organizations.tenancy import TenantQuerySet, TimestampedModel

LASTS = timedelta(days=7)
SIGNER = Signer(salt="organizations.invitation")


class Invitation(TimestampedModel):
    """Somebody is asked in. The row goes when they come, when it is withdrawn or has run out.

    Its link is signed with SECRET_KEY and stored nowhere.
    """

    ROLES = [("viewer", "Viewer"), ("editor", "Editor"), ("admin", "Admin")]

    organization = models.ForeignKey(
        "organizations.Organization", models.CASCADE, related_name="invitations"
    )
    email = models.EmailField()
    role = models.CharField(max_length=6, choices=ROLES, default="viewer")
    invited_by = models.ForeignKey(
        "organizations.User", models.SET_NULL, null=True, editable=False, related_name="+"
    )
    expires_at = models.DateTimeField()

    mailed = False
    link: str | None = None
    """Set on a row that has just been made, for who made it."""

    objects = TenantQuerySet.as_manager()

    ON_EVERY_NODE = "who comes is in no organization yet"

    class Meta:
        ordering = ["-created_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "email"], name="invitation_once_per_address"
            ),
            models.CheckConstraint(
                condition=models.Q(role__in=("viewer", "editor", "admin")),
                name="invitation_role_known",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.email} · {self.role}"

    def address(self, request: HttpRequest) -> str:
        """The link, at the host that was asked for it. The token is in its query: no log has it."""
        query = urlencode({"token": SIGNER.sign(str(self.pk))})
        return request.build_absolute_uri(f"{reverse('join')}?{query}")

    @classmethod
    def of_token(cls, token: str) -> "Invitation | None":
        """The open invitation that a link leads to."""
        try:
            pk = SIGNER.unsign(token)
        except BadSignature:
            return None
        rows = cls.objects.select_related("organization")
        with wall.seeing(wall.EVERYBODY):  # who comes in is in none yet
            return rows.filter(pk=pk, expires_at__gt=timezone.now()).first()
