"""Asking somebody in, taking that back, and coming in."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from organizations.audit.event import Event
from organizations.audit.recording import record, type_of
from organizations.models import Invitation, Membership, User
from organizations.people.invitation import LASTS
from organizations.people.mail import send

MEMBER_ALREADY = _("Somebody with this address is a member already.")


def is_member(organization_id: UUID | None, email: str) -> bool:
    """Whether somebody with this address is in an organization."""
    return Membership.objects.filter(
        organization=organization_id, user__email__iexact=email
    ).exists()


@transaction.atomic
def invite(
    organization_id: UUID, email: str, role: str, invited_by_id: UUID | None = None
) -> Invitation:
    """An invitation for seven days; an earlier one to the same address ends.

    Raises ValidationError for the address of a member.
    """
    email = email.strip().lower()
    if is_member(organization_id, email):
        raise ValidationError(MEMBER_ALREADY, code="taken")
    open_ones = Invitation.objects.for_organization(organization_id)
    open_ones.filter(expires_at__lte=timezone.now()).delete()
    open_ones.filter(email=email).delete()
    row = Invitation(
        organization_id=organization_id,
        email=email,
        role=role,
        invited_by_id=invited_by_id,
        expires_at=timezone.now() + LASTS,
    )
    row.save(force_insert=True)
    note(row, Event.INVITED)
    return row


@transaction.atomic
def withdraw(row: Invitation) -> None:
    """Ends an invitation; its link leads nowhere."""
    note(row, Event.INVITATION_WITHDRAWN)
    row.delete()


def deliver(row: Invitation, request: HttpRequest) -> Invitation:
    """Sends the link by mail; where that cannot be, `row.link` has it, to be sent by hand."""
    link = row.address(request)
    row.mailed = send(
        row.email,
        gettext("You are invited to {name}").format(name=row.organization.name),
        "organizations/mail/invitation.txt",
        {"invitation": row, "link": link},
    )
    row.link = None if row.mailed else link
    return row


@transaction.atomic
def accept(row: Invitation, user: User, request: Any) -> None:
    """Makes somebody a member, once, who may from then on log in to the admin.

    `user` may be new and not stored yet. Raises ValidationError where the invitation has been used
    meanwhile.
    """
    used, _ = Invitation.objects.filter(pk=row.pk).delete()
    if not used:
        raise ValidationError(gettext("This invitation has been used already."), code="used")
    user.is_staff = True
    if user._state.adding:
        user.save()
    else:
        user.save(update_fields=["is_staff"])
    request.user = user  # whose doing the rest of this request is
    if not is_member(row.organization_id, user.email):
        Membership(user=user, organization_id=row.organization_id, role=row.role).save()
    note(row, Event.INVITATION_ACCEPTED)


def note(row: Invitation, event: Event) -> None:
    record(
        row.organization_id,
        event,
        object_type=type_of(row),
        object_id=row.pk,
        details={
            "email": row.email,
            "role": str(row.role),
            "expires_at": row.expires_at.isoformat(),
        },
    )
