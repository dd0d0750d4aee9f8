"""Recording an event: in the transaction of what it tells, at the end of the organization's chain.

Whoever makes something happen that is to be recorded calls `record()` as the last thing in the
transaction that makes it happen. It is stored with it, or not at all.
"""

import getpass
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import connection, models, transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import override

from organizations.access.author import REQUEST, author
from organizations.access.limits import address_of
from organizations.audit.chain import beginning, hash_of
from organizations.audit.event import AuditEvent, Event
from organizations.tenancy import PATIENCE, lock_key

CHAIN = 0x0A0D1  # the first half of the advisory lock on an organization's chain
LONGEST_DETAIL = 500
NOBODY_KNOWN = "the host"


@transaction.atomic(savepoint=False)
def record(
    organization_id: UUID | None,
    event: Event,
    *,
    object_type: str,
    object_id: Any,
    details: Mapping[str, Any] | None = None,
    actor: str = "",
) -> AuditEvent | None:
    """Adds an event to an organization's chain, in the transaction that is under way.

    `object_type` and `object_id` say what it was done to: `facility` and its id, `period` and 2024.
    `details` are what a reader needs beside that: text, whole numbers, true, false, null, lists and
    objects of these; no secret. `actor` is who, where that is not the sender of the current request
    or, without one, the account on the host. Where and in which request it happened is added.

    What belongs to no organization (a published factor) has no audit: None then. From here on until
    the transaction ends, others who record for the organization wait, no longer than `PATIENCE`
    (OperationalError). Raises TypeError for a detail that is none of the above.
    """
    if organization_id is None:
        return None
    number, previous_hash = end_of_chain(organization_id)
    request = REQUEST.get()
    row = AuditEvent(
        organization_id=organization_id,
        number=number + 1,
        event=event.value,
        actor=storable(actor or author() or account())[:300],
        address=storable(address_of(request))[:100] if request else "",
        request_id=request_id_of(request) if request else "",
        object_type=object_type,
        object_id=storable(str(object_id))[:100],
        details=plain(details or {}),
        recorded_at=timezone.now(),
        previous_hash=previous_hash,
    )
    row.hash = hash_of(row)
    row.save(force_insert=True)
    return row


def record_export(organization_id: UUID | None, what: str, kind: str, **details: Any) -> None:
    """Records that rows are given away as a file, before they are; `kind` is csv or xlsx."""
    record(
        organization_id,
        Event.EXPORTED,
        object_type="table",
        object_id=what,
        details={"format": kind, **details},
    )


def end_of_chain(organization_id: UUID) -> tuple[int, str]:
    """The number and the hash of the last event, which is the last until the transaction ends.

    SQLite's IMMEDIATE transactions see to that already.
    """
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s, %s)",
                [f"{PATIENCE.get()}s", CHAIN, lock_key(organization_id)],
            )
    events = AuditEvent.objects.for_organization(organization_id).order_by("-number")
    return events.values_list("number", "hash").first() or (0, beginning(organization_id))


def type_of(model: type[models.Model] | models.Model) -> str:
    """What `object_type` says of a model's rows, whoever's page it is: `facility`."""
    with override("en"):
        return str(model._meta.verbose_name).replace(" ", "_").lower()


def account() -> str:
    """The account on the host that a command runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return NOBODY_KNOWN


def request_id_of(request: HttpRequest) -> str:
    """What names the request in the logs, as its sender or a proxy wrote it."""
    name: str = getattr(request, "request_id", None) or request.headers.get("x-request-id", "")
    return name[:100] if name.isascii() and name.isprintable() else ""


def plain(value: Any) -> Any:
    """A detail as JSON that both databases give back as it was."""
    if isinstance(value, Mapping):
        return {storable(str(name)): plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, str):
        return storable(value)[:LONGEST_DETAIL]
    if value is None or isinstance(value, bool | int):
        return value
    raise TypeError(f"{value!r}: write it as text or as a whole number")


def storable(text: str) -> str:
    """Text without what PostgreSQL keeps in no text: the character NUL, and halves of others."""
    return text.replace("\0", "").encode("utf-8", "replace").decode()
