"""What is recorded when.

- somebody logged in, to the API or to the admin → each of their organizations
- a log-in failed → each organization of the user with that email; while the email is locked out
  from an address, no more is recorded than that it was
- an API key stored for the first time, replaced by another, revoked, or with another name, role or
  end → its organization
- a membership stored, changed, deleted → its organization
- a row that is kept for the ledger was deleted or restored → its organization

Exports and imports are recorded where they happen (`rest.tables`, `importing.engine`,
`importing.export`). Saves in bulk send no signals: who does such a thing in bulk calls `record()`.
"""

from datetime import UTC
from typing import Any

from django.conf import settings
from django.contrib.auth import user_logged_in, user_login_failed
from django.db import transaction
from django.db.models.signals import post_delete, post_save, pre_save

from organizations.access.due import remember_who_must
from organizations.audit.event import Event
from organizations.audit.recording import record, type_of
from organizations.database import wall
from organizations.models import APIKey, Membership, User
from organizations.tenancy import row_deleted, row_restored


@transaction.atomic
def record_for_user(user: User, event: Event, actor: str, **details: Any) -> None:
    """For each organization of a user, in one order, so that no two wait for each other."""
    theirs = Membership.objects.filter(user=user).order_by("organization")
    with wall.seeing(wall.EVERYBODY):  # who logs in is not in one yet
        for organization_id in theirs.values_list("organization_id", flat=True):
            record(
                organization_id,
                event,
                object_type=type_of(User),
                object_id=user.pk,
                details=details,
                actor=actor,
            )


def after_login(user: User, request: Any, **kwargs: Any) -> None:
    record_for_user(user, Event.LOGIN, user.email, into=door(request))


def after_failed_login(credentials: dict[str, Any], request: Any, **kwargs: Any) -> None:
    failures = getattr(request, "axes_failures_since_start", 0)
    if failures > settings.AXES_FAILURE_LIMIT:  # locked out: nothing was tried
        return
    email = str(credentials.get("username") or "").strip()
    user = User.objects.filter(email__iexact=email).first() if email.isprintable() else None
    if user is not None:
        locks = failures == settings.AXES_FAILURE_LIMIT
        record_for_user(user, Event.LOGIN_FAILED, email, into=door(request), locked_out=locks)


def door(request: Any) -> str:
    """What somebody logs in to."""
    return "api" if getattr(request, "path", "").startswith("/v1/") else "admin"


def before_key(instance: APIKey, **kwargs: Any) -> None:
    instance.before_save = APIKey.objects.filter(pk=instance.pk).first()


def after_key(instance: APIKey, **kwargs: Any) -> None:
    """What a stored key has become, by what it was: a form saves every column of it."""
    before: APIKey | None = instance.before_save
    if before is None:
        record_key(instance, Event.KEY_CREATED)
    elif before.revoked_at != instance.revoked_at:
        record_key(instance, Event.KEY_REVOKED)
    elif before.replaced_by != instance.replaced_by:
        record_key(instance, Event.KEY_ROTATED)
    else:
        was, is_ = details_of(before), details_of(instance)
        changed = {f"{name}_before": was[name] for name in was if was[name] != is_[name]}
        if changed:
            record_key(instance, Event.KEY_CHANGED, **changed)


def details_of(key: APIKey) -> dict[str, Any]:
    return {
        "name": key.name,
        "prefix": key.prefix,
        "role": str(key.role),
        "expires_at": key.expires_at and key.expires_at.astimezone(UTC).isoformat(),
    }


def record_key(key: APIKey, event: Event, **details: Any) -> None:
    followed = {"replaced_by": key.replaced_by} if key.replaced_by else {}
    record(
        key.organization_id,
        event,
        object_type=type_of(key),
        object_id=key.pk,
        details={**details_of(key), **followed, **details},
    )


def before_membership(instance: Membership, **kwargs: Any) -> None:
    instance.before_save = Membership.objects.filter(pk=instance.pk).first()


def after_membership(instance: Membership, **kwargs: Any) -> None:
    before: Membership | None = instance.before_save
    if before is None:
        record_member(instance, Event.MEMBER_ADDED)
    elif (before.organization_id, before.user_id) != (instance.organization_id, instance.user_id):
        record_member(before, Event.MEMBER_REMOVED)
        record_member(instance, Event.MEMBER_ADDED)
    elif before.role != instance.role:
        record_member(instance, Event.ROLE_CHANGED, role_before=str(before.role))


def after_removed_membership(instance: Membership, **kwargs: Any) -> None:
    record_member(instance, Event.MEMBER_REMOVED)


def record_member(row: Membership, event: Event, **details: Any) -> None:
    record(
        row.organization_id,
        event,
        object_type=type_of(User),
        object_id=row.user_id,
        details={"email": row.user.email, "role": str(row.role), **details},
    )


def after_deletion(row: Any, **kwargs: Any) -> None:
    record_row(row, Event.DELETED)


def after_restoration(row: Any, **kwargs: Any) -> None:
    record_row(row, Event.RESTORED)


def record_row(row: Any, event: Event) -> None:
    record(
        row.organization_id,
        event,
        object_type=type_of(row),
        object_id=row.pk,
        details={"name": row.in_codes(), "external_id": getattr(row, "external_id", "") or None},
    )


def connect() -> None:
    """Connects every receiver, once, by name."""
    for signal, follow, sender in (
        (user_logged_in, after_login, None),
        (user_logged_in, remember_who_must, None),
        (user_login_failed, after_failed_login, None),
        (pre_save, before_key, APIKey),
        (post_save, after_key, APIKey),
        (pre_save, before_membership, Membership),
        (post_save, after_membership, Membership),
        (post_delete, after_removed_membership, Membership),
        (row_deleted, after_deletion, None),
        (row_restored, after_restoration, None),
    ):
        signal.connect(follow, sender, dispatch_uid=f"organizations.{follow.__name__}")
