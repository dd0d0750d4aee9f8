"""The chain that an organization's events make: each carries the hash of the one before it.

A hash is the SHA-256 of the event as `/v1/audit-events` answers it, without `hash`: JSON with its
names in order, no spaces, in UTF-8. What the first one has as the hash before it is the SHA-256 of
the organization's id. So whoever has read the events can verify them, without this service.
"""

import hashlib
import json
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

HASHED = (
    "id",
    "number",
    "event",
    "actor",
    "address",
    "request_id",
    "object_type",
    "object_id",
    "details",
    "recorded_at",
    "previous_hash",
)
"""In no order: the names are sorted."""


def beginning(organization_id: UUID) -> str:
    """What stands for the hash before an organization's first event."""
    return hashlib.sha256(str(organization_id).encode()).hexdigest()


def hash_of(event: Any) -> str:
    """The hash that an event must have, in hex."""
    content = {name: written(getattr(event, name)) for name in HASHED}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def written(value: Any) -> Any:
    """A value as the API writes it: nothing is null, a moment is in UTC."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, UUID):
        return str(value)
    return None if value == "" else value
