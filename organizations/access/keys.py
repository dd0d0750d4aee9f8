"""API keys: how one is made and how it is recognised.

A key is `sk_live_`, 8 characters that name it in lists, and a 256-bit secret. The database holds
the SHA-256 digest alone, under a unique index: finding it is the comparison, so nothing depends on
how many leading characters a guess has right.
"""

import hashlib
import secrets
from typing import NamedTuple

MARK = "sk_live_"
PREFIX_LENGTH = len(MARK) + 8

OVERLAP_HOURS = 24
"""How long a key that is replaced goes on working, unless another time is asked for."""

MOST_HOURS = 24 * 30


class NewKey(NamedTuple):
    key: str
    prefix: str
    digest: str


def new_key() -> NewKey:
    """A fresh key with what is stored of it; `key` itself is shown once and kept nowhere."""
    key = MARK + secrets.token_hex(4) + secrets.token_urlsafe(32)
    return NewKey(key, key[:PREFIX_LENGTH], digest(key))


def digest(key: str) -> str:
    """The SHA-256 of a whole key, in hex."""
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
