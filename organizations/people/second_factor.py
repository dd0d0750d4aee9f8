"""The second factor of the admin's log-in: codes of an authenticator app (RFC 6238, TOTP).

A user's `second_factor` has

- `secret`: what the app knows too, encrypted with a key made from SECRET_KEY
- `step`: the last half minute whose code was taken; no code is taken twice
- `recovery`: SHA-256 of each code that works once in the place of the app
- `failures` and `failed_at`: wrong codes in a row, and when the last one came
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp
import segno
from django.db import transaction
from django.utils import timezone

from organizations.audit.event import Event
from organizations.audit.receivers import record_for_user
from organizations.database.sealing import box
from organizations.models import User

PURPOSE = "second factor"
ISSUER = "Facilities API"
STEP = 30
AROUND = (0, -1, 1)
"""Steps whose code is taken: the clocks of the two may differ by half a minute."""

RECOVERY_CODES = 10
FAILURES = 5
PAUSE = timedelta(minutes=15)
"""After so many wrong codes in a row, none is looked at for so long."""


class Paused(Exception):
    """There were too many wrong codes."""


def new_secret() -> str:
    """What an app is to know, encrypted, so that it can wait in a session until it does."""
    return sealed(pyotp.random_base32())


def sealed(secret: str) -> str:
    return box(PURPOSE).encrypt(secret.encode()).decode()


def opened(secret: str) -> str:
    return box(PURPOSE).decrypt(secret.encode()).decode()


def as_text(secret: str) -> str:
    """An encrypted secret as it is typed into an app, in groups of four."""
    plain = opened(secret)
    return " ".join(plain[at : at + 4] for at in range(0, len(plain), 4))


def as_picture(user: User, secret: str) -> str:
    """An encrypted secret as the QR code, in SVG, that an app reads."""
    uri = pyotp.TOTP(opened(secret)).provisioning_uri(name=user.email, issuer_name=ISSUER)
    return segno.make(uri, error="m").svg_inline(scale=5, border=4, light="#fff", dark="#000")


def step_of(secret: str, code: str, after: int, now: datetime) -> int | None:
    """The step whose code this is, if it comes after another; None for a wrong or a used one."""
    code = "".join(code.split())
    current = int(now.timestamp()) // STEP
    app = pyotp.TOTP(opened(secret))
    for step in (current + one for one in AROUND):
        if step > after and secrets.compare_digest(app.at(step * STEP).encode(), code.encode()):
            return step
    return None


@transaction.atomic
def set_up(user: User, secret: str, code: str) -> list[str] | None:
    """Begins to ask for codes, once the app has shown its first; the recovery codes, told once.

    None for a wrong code, and where another page has set one up meanwhile: nothing is stored then.
    """
    row = held(user.pk)
    step = step_of(secret, code, 0, timezone.now())
    if step is None or row.second_factor:
        return None
    codes = [f"{secrets.token_hex(3)}-{secrets.token_hex(3)}" for _ in range(RECOVERY_CODES)]
    row.second_factor = {
        "secret": secret,
        "step": step,
        "recovery": [digest(one) for one in codes],
        "failures": 0,
        "failed_at": None,
    }
    row.save(update_fields=["second_factor"])
    user.second_factor = row.second_factor
    record_for_user(row, Event.SECOND_FACTOR_ON, row.email)
    return codes


def mark_of(user: User) -> str:
    """What a session keeps of the factor that it was shown: another one is asked for anew."""
    stored: Any = user.second_factor
    return digest(stored["secret"])


@transaction.atomic
def passes(user: User, code: str) -> bool:
    """Whether it is a code of the app, or of recovery, that was not used before.

    Raises Paused while there were too many wrong ones.
    """
    row = held(user.pk)
    stored: Any = row.second_factor
    now = timezone.now()
    failed_at = stored["failed_at"] and datetime.fromisoformat(stored["failed_at"])
    if stored["failures"] >= FAILURES and now - failed_at < PAUSE:
        raise Paused
    step = step_of(stored["secret"], code, stored["step"], now)
    recovery = digest(code)
    good = step is not None or recovery in stored["recovery"]
    if step is not None:
        stored["step"] = step
    elif good:
        stored["recovery"].remove(recovery)
    stored["failures"] = 0 if good else stored["failures"] + 1
    stored["failed_at"] = None if good else now.isoformat()
    row.save(update_fields=["second_factor"])
    if not good:
        record_for_user(row, Event.LOGIN_FAILED, row.email, into="admin", second_factor=True)
    return good


@transaction.atomic
def take_away(user: User, actor: str = "") -> None:
    """Asks for no codes any more."""
    row = held(user.pk)
    row.second_factor = None
    row.save(update_fields=["second_factor"])
    record_for_user(row, Event.SECOND_FACTOR_OFF, actor or row.email)


def held(user_id: UUID) -> User:
    """The user's row, which nobody else changes until the transaction ends."""
    return User.objects.select_for_update(of=("self",)).get(pk=user_id)


def digest(code: str) -> str:
    """SHA-256 of a code, however it is spaced and cased."""
    return hashlib.sha256("".join(code.split()).lower().encode()).hexdigest()
