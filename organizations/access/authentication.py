"""Who is calling, and for which organization: answered by one query on every request.

Membership, `is_active`, expiry and revocation are part of that query, so that taking any of them
away ends access with the next request, whatever a token still says.
"""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, OperationalError, connection
from django.db.models import FilteredRelation, Q
from django.utils import timezone
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import (
    AuthenticationFailed,
    NotAuthenticated,
    NotFound,
    ValidationError,
)
from rest_framework.request import Request
from rest_framework_simplejwt.exceptions import TokenError
from rest_framework_simplejwt.tokens import AccessToken
from rest_framework_simplejwt.utils import get_md5_hash_password

from organizations.access.families import FAMILY
from organizations.access.keys import digest
from organizations.access.limits import address_of
from organizations.access.own_writes import with_position
from organizations.database import wall
from organizations.database.replicas import Position
from organizations.database.statements import Compiled, Statement, compiled
from organizations.database.unavailable import unavailable
from organizations.models import APIKey, User
from organizations.tenancy import Caller, in_the_way

ORGANIZATION_HEADER = "x-organization-id"
KEY_HEADER = "x-api-key"
KEY_VARIABLE = "HTTP_X_API_KEY"
"""The same, as WSGI names it."""

CHALLENGE = 'Bearer realm="api", ApiKey realm="api"'
LAST_USED_EVERY = timedelta(minutes=1)
NOBODYS = UUID(int=0)


def live_key(digest: str, now: datetime) -> Compiled:
    """A key that is neither revoked nor expired: id, organization, role and when it was used.

    On PostgreSQL a function of the database finds it, and lets its organization's rows be seen.
    """
    if wall.is_told_by_statements():
        function = Compiled("SELECT * FROM caller_by_key(%s, %s)", [digest, now])
        return with_position(function, "found.id")
    keys = APIKey.objects.filter(digest=digest, revoked_at=None).exclude(expires_at__lte=now)
    columns = ("id", "organization_id", "role", "last_used_at")
    return with_position(compiled(keys.order_by().values_list(*columns)), "found.id")


def active_user(user_id: UUID, family_id: UUID, organization_id: UUID) -> Compiled:
    """An active user who is still logged in, with a password and the role in the organization.

    The role is null for somebody who has none there. On PostgreSQL a function of the database finds
    them, and lets a member see the rows.
    """
    if wall.is_told_by_statements():
        function = Compiled(
            "SELECT * FROM caller_by_token(%s, %s, %s)", [user_id, family_id, organization_id]
        )
        return with_position(function, "%s", user_id)
    membership = FilteredRelation(
        "memberships", condition=Q(memberships__organization=organization_id)
    )
    users = User.objects.filter(pk=user_id, is_active=True, token_families=family_id)
    users = users.annotate(mine=membership)
    found = compiled(users.order_by().values_list("password", "mine__role"))
    return with_position(found, "%s", user_id)


BY_KEY = Statement(live_key, digest=str, now=datetime)
BY_TOKEN = Statement(active_user, user_id=UUID, family_id=UUID, organization_id=UUID)


READ_BY_KEY = """
SELECT found.*, item.* FROM ({found}) AS found
LEFT JOIN LATERAL (
    SELECT one.* FROM ({read}) AS one WHERE found.organization_id = %s
) AS item ON true
"""
"""A left join reads its right side when it has a row of the left: who calls is found first, and the
connection sees the rows of their organization and nobody else's, before anything is read."""


@lru_cache(maxsize=500)
def read_by_key(read: Statement) -> Statement:
    """`BY_KEY`, and beside a live key of the organization that is read from what is read, which has
    one row, or nulls where it has none."""

    def build(digest: str, now: datetime, organization_id: UUID, **values: Any) -> Compiled:
        found = live_key(digest, now)
        item = read.build(organization_id=organization_id, **values)

        def convert(rows: Any) -> Any:
            return [
                (*row[:CALLER_COLUMNS], *one)
                for row in rows
                for one in item.convert([row[CALLER_COLUMNS:]])
            ]

        return Compiled(
            READ_BY_KEY.format(found=found.sql, read=item.sql),
            [*found.params, *item.params, organization_id],
            convert,
        )

    return Statement(build, digest=str, now=datetime, **read.types)


CALLER_COLUMNS = 4
"""Of `live_key`."""


class CallerAuthentication(BaseAuthentication):
    """Turns a key or a JWT, with the organization header, into a `Caller`.

    Without good credentials 401; then without a usable header 422; then, for an organization that
    does not exist or is not the caller's, 404 and not a word more.
    """

    def authenticate(self, request: Request) -> tuple[Caller, Caller]:
        key = request.META.get(KEY_VARIABLE)
        caller = self._by_key(key, request) if key else self._by_token(request)
        return caller, caller

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE

    def _by_key(self, key: str, request: Request) -> Caller:
        now = timezone.now()
        read = read_with_it(request)
        with wall.authenticating():
            if read is None:
                rows = BY_KEY.rows(digest=digest(key), now=now)
            else:
                statement, values = read
                rows = read_by_key(statement).rows(digest=digest(key), now=now, **values)
        if not rows:
            raise AuthenticationFailed("This API key is unknown, expired or revoked.")
        [(key_id, organization_id, role, last_used_at, *position)] = rows
        if read is not None:
            position, item = [], position
            request.parser_context["view"].read = [item] if item[0] is not None else []
        if organization_header(request) != organization_id:
            raise NotFound("There is no such organization.")
        wall.entered(organization_id)
        if last_used_at is None or now - last_used_at > LAST_USED_EVERY:
            mark_used(key_id, now, address_of(request._request))
        return Caller(organization_id, role, api_key_id=key_id, position=as_position(position))

    def _by_token(self, request: Request) -> Caller:
        scheme, _, raw = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not raw.strip():
            raise NotAuthenticated(
                f"Send an API key in {KEY_HEADER}, or a token in Authorization: Bearer …"
            )
        try:
            token = AccessToken(raw.strip())  # type: ignore[arg-type]
            user_id = UUID(str(token["user_id"]))
            family_id = UUID(str(token[FAMILY]))
            password_claim = token["hash_password"]
        except (TokenError, KeyError, ValueError) as error:
            raise AuthenticationFailed("This token is invalid or has expired.") from error
        try:
            organization_id = organization_header(request)
        except ValidationError:
            organization_id = NOBODYS
        with wall.authenticating():
            rows = BY_TOKEN.rows(
                user_id=user_id, family_id=family_id, organization_id=organization_id
            )
        if not rows or get_md5_hash_password(rows[0][0]) != password_claim:
            raise AuthenticationFailed(
                "This token's user is gone, inactive, logged out, or has a new password."
            )
        organization_id = organization_header(request)
        [(_, role, *position)] = rows
        if role is None:
            raise NotFound("There is no such organization.")
        wall.entered(organization_id)
        return Caller(organization_id, role, user_id=user_id, position=as_position(position))


def read_with_it(request: Request) -> tuple[Statement, dict[str, Any]] | None:
    """What the statement that authenticates can read too, so that it takes one round trip: what the
    view reads from the organization that the header names."""
    reads = getattr(request.parser_context["view"], "reads", None)
    if reads is None or settings.REPLICAS or not wall.is_told_by_statements():
        return None
    try:
        return reads(request, organization_header(request))
    except ValidationError:
        return None  # it is said after 401, and in its turn


def as_position(columns: list[Any]) -> Position | None:
    """What `with_position` has added to a row."""
    return Position(*columns) if columns else None


def mark_used(key_id: UUID, now: datetime, address: str) -> None:
    """Notes that a key was used and from where, once a minute whoever asks.

    On SQLite a file that is being written is not waited for.
    A reader must not queue behind a long import for this, nor be refused where nothing can be
    written; the next request will note it.
    """
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - LAST_USED_EVERY)
    key = APIKey.objects.filter(due, pk=key_id)
    note = {"last_used_at": now, "last_used_from": address[:100]}
    if connection.vendor != "sqlite":
        try:
            key.update(**note)
        except DatabaseError as error:
            if not unavailable(error):
                raise
        return
    with connection.cursor() as cursor:
        [patience] = cursor.execute("PRAGMA busy_timeout").fetchone()
        cursor.execute("PRAGMA busy_timeout = 0")
        try:
            key.update(**note)
        except OperationalError as error:
            if not in_the_way(error):
                raise
        finally:
            cursor.execute(f"PRAGMA busy_timeout = {patience:d}")


def organization_header(request: Request) -> UUID:
    """The organization a request names. Raises ValidationError (422) when it names none."""
    value = request.META.get("HTTP_X_ORGANIZATION_ID", "").strip()
    if not value:
        raise ValidationError(
            {ORGANIZATION_HEADER: ["Send the organization's id in this header."]}, code="required"
        )
    try:
        return UUID(value)
    except ValueError as error:
        raise ValidationError(
            {ORGANIZATION_HEADER: [f"“{value[:64]}” is not a UUID."]}, code="invalid"
        ) from error
