"""The cursor of a copy: where it is in the order of `updated_at, id`, and of which rows it is.

It is opaque but no secret: a place in the caller's own rows, which the credential chooses again in
every request, and the hash of what was asked for, so that it is not carried over to another list,
to other filters or to another organization.
"""

import json
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime
from hashlib import sha256
from typing import Any, NamedTuple
from uuid import UUID

from organizations.database.clock import EPOCH, MICROSECOND

VERSION = 1
PACKED = struct.Struct(">B8sq16s")
"""Version, hash, microseconds since 1970, id; without padding in Base64."""


class Malformed(ValueError):
    """Text that is no cursor."""


class Cursor(NamedTuple):
    """The last row that was given."""

    asked: bytes
    updated_at: datetime
    id: UUID

    def __str__(self) -> str:
        microseconds = (self.updated_at - EPOCH) // MICROSECOND
        packed = PACKED.pack(VERSION, self.asked, microseconds, self.id.bytes)
        return urlsafe_b64encode(packed).decode()

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """A cursor from what the client was given. Raises Malformed."""
        try:
            packed = urlsafe_b64decode(text.encode("ascii"))
            version, asked, microseconds, pk = PACKED.unpack(packed)
            cursor = cls(asked, EPOCH + microseconds * MICROSECOND, UUID(bytes=pk))
        except (ValueError, OverflowError, struct.error) as error:
            raise Malformed(text[:100]) from error
        if version != VERSION or str(cursor) != text:
            raise Malformed(text[:100])
        return cursor


def hash_of(*asked: Any) -> bytes:
    """What tells one copy from another."""
    return sha256(json.dumps(asked, sort_keys=True, default=str).encode()).digest()[:8]


def as_asked(cleaned: dict[str, Any]) -> dict[str, Any]:
    """The filters that choose anything, however they were written: `es` and `ES` are the same."""
    return {
        name: sorted(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in cleaned.items()
        if value not in (None, "", [])
    }
