"""Who changed what, when, from what to what: in the API, the admin, commands and imports alike.

Saves are recorded by django-simple-history. Bulk writes send no signals: whoever stores many rows
calls `record()` with them. History rows are a tenant's rows: they carry the organization, have
UUIDv7 ids, and are read through the row that they are about. What the calculation computes is not
history: the ledger has it.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat as uuid
from django.db import models
from django.utils import timezone
from simple_history.models import HistoricalRecords

from organizations import bulk
from organizations.actor import REQUEST
from organizations.models import APIKey, User
from organizations.tenancy import Caller

CREATED, CHANGED, DELETED = "+", "~", "-"
BATCH = 5000
SHOWN = 50
"""So many of the newest changes are shown on a page."""


def acting_key() -> UUID | None:
    """The API key that the current request came with."""
    user = getattr(REQUEST.get(), "user", None)
    return user.api_key_id if isinstance(user, Caller) else None


def acting_user_id() -> UUID | None:
    """Who is logged in or whose token it is; nobody outside a request or with a key."""
    user = getattr(REQUEST.get(), "user", None)
    if isinstance(user, Caller):
        return user.user_id
    return user.pk if isinstance(user, User) else None


def acting_user(instance: Any = None, **kwargs: Any) -> User | None:
    pk = acting_user_id()
    return User(pk=pk) if pk else None


class ByKey(models.Model):
    """A change that an API key made; a user's is in `history_user`."""

    history_api_key = models.UUIDField(null=True, editable=False, default=acting_key)

    class Meta:
        abstract = True


def records(excluded: Iterable[str], references: Iterable[str]) -> HistoricalRecords:
    """The history of a model without its computed columns; `references` need no index there."""
    return HistoricalRecords(
        history_id_field=models.UUIDField(default=uuid.uuid7, editable=False),
        bases=[ByKey],
        get_user=acting_user,
        excluded_fields=[*excluded, "created_at", "updated_at"],
        no_db_index=["organization", *references],
        user_db_constraint=False,
    )


def record(
    model: Any, ids: Iterable[UUID], kind: str = CHANGED, reason: str = "", user: Any = None
) -> None:
    """Records rows of a bulk write as they are stored now; call it in the write's transaction.

    `kind` is CREATED, CHANGED or DELETED; `reason` says what wrote them, such as
    "import facilities.csv"; `user` is who, if it is not the sender of the current request.
    """
    history = model.history.model
    tracked = [field.attname for field in history.tracked_fields]
    own = [
        "history_id",
        "history_date",
        "history_type",
        "history_change_reason",
        "history_user_id",
        "history_api_key",
    ]
    now, key = timezone.now(), acting_key()
    by = user.pk if user else acting_user_id()
    wanted = list(ids)
    for start in range(0, len(wanted), BATCH):
        stored = model._base_manager.filter(pk__any_of=wanted[start : start + BATCH])
        rows = list(stored.values_list(*tracked))  # all read before COPY has the connection
        bulk.insert(
            history,
            [*tracked, *own],
            ((*row, uuid.uuid7(), now, kind, reason or None, by, key) for row in rows),
        )


class FieldChange(NamedTuple):
    name: str
    before: Any
    after: Any


class Change(NamedTuple):
    """One entry of a row's history, with what became different."""

    when: datetime
    who: str
    what: str
    fields: list[FieldChange]


def changes_of(row: Any) -> list[Change]:
    """The newest changes of a row first. The caller has seen to it that the row may be seen."""
    entries = list(row.history.order_by("-history_date", "-history_id")[: SHOWN + 1])
    users = User.objects.in_bulk({one.history_user_id for one in entries if one.history_user_id})
    keys = APIKey.objects.in_bulk({one.history_api_key for one in entries if one.history_api_key})
    found = []
    for position, entry in enumerate(entries[:SHOWN]):
        before = entries[position + 1] if position + 1 < len(entries) else None
        fields = differences(before, entry) if before else []
        if before and not fields:
            continue
        who: Any = users.get(entry.history_user_id) or keys.get(entry.history_api_key)
        if isinstance(who, APIKey):
            who = f"API key {who}"
        reason = entry.history_change_reason or ""
        found.append(
            Change(
                entry.history_date,
                " · ".join(filter(None, [str(who or ""), reason])) or "a command",
                what_happened(before, entry),
                fields,
            )
        )
    return found


def what_happened(before: Any, entry: Any) -> str:
    if before is None:
        return "created" if entry.history_type == CREATED else "as it was first recorded"
    if getattr(entry, "deleted_at", None) and not before.deleted_at:
        return "deleted"
    if getattr(before, "deleted_at", None) and not entry.deleted_at:
        return "restored"
    return "changed"


def differences(before: Any, after: Any) -> list[FieldChange]:
    """The tracked fields whose values differ, as people read them."""
    return [
        FieldChange(field.verbose_name, shown(before, field), shown(after, field))
        for field in after.tracked_fields
        if getattr(before, field.attname) != getattr(after, field.attname)
    ]


def shown(entry: Any, field: Any) -> str:
    value = getattr(entry, field.attname)
    if value in (None, "", []):
        return "nothing"
    if field.is_relation:
        return str(field.related_model._base_manager.filter(pk=value).first() or value)
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    return ", ".join(value) if isinstance(value, list) else str(value)
