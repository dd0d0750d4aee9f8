"""`Idempotency-Key`: the same POST sent twice is done once, and answered twice.

A client that lost an answer cannot know whether its POST was done. With a key of its own choice in
`Idempotency-Key` it may send it again for 24 hours: the first answer comes again. The answer is
stored in the transaction of what was written, so that either both are there or neither is.
"""

import hashlib
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any, cast
from uuid import UUID

from cryptography.fernet import InvalidToken
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.http import Http404
from django.utils import timezone
from django.utils.http import parse_header_parameters
from orjson import Fragment
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.database.sealing import box
from organizations.models import IdempotentAnswer
from organizations.rest.bodies import take_the_body
from organizations.tenancy import Caller, caller, in_the_way

HEADER = "idempotency-key"
REPLAYED = "Idempotent-Replayed"
KEPT_FOR = timedelta(hours=24)
KEPT_HEADERS = ("Location", "ETag")
SECONDS_TO_WAIT = 1
PURPOSE = "idempotent answers"
CLEARED_AT_ONCE = 100
"""Expired answers that one request clears away; more than it adds, so that they never pile up."""

A_KEY = re.compile(r"[\x21-\x7e][\x20-\x7e]{0,254}")
NOT_FINAL = {
    status.HTTP_401_UNAUTHORIZED,
    status.HTTP_403_FORBIDDEN,
    status.HTTP_409_CONFLICT,
    status.HTTP_429_TOO_MANY_REQUESTS,
}
"""Answers that the same request may not get the next time: sending it again tries it again."""


class StillRunning(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_key_in_use"
    default_detail = "The first request with this Idempotency-Key is still running: send it again."
    wait = SECONDS_TO_WAIT


class AnswerUnreadable(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "idempotency_answer_unreadable"
    default_detail = (
        "This request was done, but its answer was stored under a SECRET_KEY that has been changed "
        "since. Read what it made, or use a new Idempotency-Key to do it once more."
    )


class RetriedSafely:
    """A view whose POSTs take an `Idempotency-Key`. Without the header it adds nothing to them."""

    post: Callable[..., Response]

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Once the caller is known and allowed in, a POST with a key may get its first answer."""
        super().initial(request, *args, **kwargs)  # type: ignore[misc]
        if request.method == "POST" and HEADER in request.headers:
            self.post = self._once(self.post)

    def fingerprint(self, request: Request) -> str:
        """What makes two requests the same: the address with its query, and the body. What divides
        the parts of a form is made up anew each time it is sent, so it does not count."""
        digest = hashlib.sha256(request.get_full_path().encode() + b"\n")
        take_the_body(request)
        body = request._request.body
        _, parameters = parse_header_parameters(request.content_type or "")
        boundary = parameters.get("boundary", "").encode()
        digest.update(body.replace(boundary, b"") if boundary else body)
        return digest.hexdigest()

    def _once(self, post: Callable[..., Response]) -> Callable[..., Response]:
        def answer(request: Request, *args: Any, **kwargs: Any) -> Response:
            key, who = read_key(request), caller(request)
            fingerprint = self.fingerprint(request)
            try:
                with transaction.atomic():
                    claim(who, key)
                    if found := stored_answer(who, key):
                        return replay(found, fingerprint)
                    response = self._attempt(post, request, *args, **kwargs)
                    if response.status_code < 500 and response.status_code not in NOT_FINAL:
                        store(who, key, fingerprint, response)
                    return response
            except OperationalError as error:
                if not in_the_way(error):
                    raise
                raise StillRunning from error

        return answer

    def _attempt(self, post: Callable[..., Response], *args: Any, **kwargs: Any) -> Response:
        """The answer as it goes out; what was refused has left nothing in the transaction."""
        view: Any = self
        try:
            with transaction.atomic():
                response = post(*args, **kwargs)
        except (APIException, Http404, PermissionDenied) as error:
            response = view.handle_exception(error)
        return view.finalize_response(view.request, response).render()


def read_key(request: Request) -> str:
    """The client's key. Raises ValidationError (422) for one that cannot be kept."""
    key = request.headers[HEADER].strip()
    if not A_KEY.fullmatch(key):
        sentence = "Send 1 to 255 printable ASCII characters, a new UUID for instance."
        raise ValidationError({"idempotency-key": [sentence]}, code="invalid")
    return key


def credential(who: Caller) -> UUID:
    """The API key or the user: a user's next token goes on with the keys of the one before."""
    return cast(UUID, who.pk)


def claim(who: Caller, key: str) -> None:
    """Holds a key until the transaction ends. Raises StillRunning where another request does.

    A process that dies lets go of it with its connection. On SQLite the transaction itself, which
    is the only one that writes, is the claim.
    """
    if connection.vendor != "postgresql":
        return
    number = hashlib.sha256(f"{who.organization_id} {credential(who)} {key}".encode()).digest()[:8]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_try_advisory_xact_lock(%s)", [int.from_bytes(number, signed=True)]
        )
        if not cursor.fetchone()[0]:
            raise StillRunning


def stored_answer(who: Caller, key: str) -> IdempotentAnswer | None:
    """The first answer to a key, if it is not older than a day."""
    mine = IdempotentAnswer.objects.for_organization(who.organization_id)
    since = timezone.now() - KEPT_FOR
    return mine.filter(credential=credential(who), key=key, created_at__gt=since).first()


def store(who: Caller, key: str, fingerprint: str, response: Response) -> None:
    """Keeps an answer, and clears away some that are older than a day."""
    mine = IdempotentAnswer.objects.for_organization(who.organization_id)
    old = mine.filter(created_at__lte=timezone.now() - KEPT_FOR)
    mine.filter(pk__in=list(old.values_list("pk", flat=True)[:CLEARED_AT_ONCE])).delete()
    old.filter(credential=credential(who), key=key).delete()
    IdempotentAnswer.objects.create(
        organization_id=who.organization_id,
        credential=credential(who),
        key=key,
        fingerprint=fingerprint,
        status=response.status_code,
        headers={name: response[name] for name in KEPT_HEADERS if name in response},
        body=box(PURPOSE).encrypt(response.content),
    )


def replay(found: IdempotentAnswer, fingerprint: str) -> Response:
    """The first answer once more. Raises ValidationError (422) where the request was another."""
    if found.fingerprint != fingerprint:
        sentence = "This key came with another request before: take a new key for a new request."
        raise ValidationError({"idempotency-key": [sentence]}, code="idempotency_key_reused")
    try:
        body = box(PURPOSE).decrypt(bytes(found.body))
    except InvalidToken as error:
        raise AnswerUnreadable from error
    response = Response(Fragment(body), status=found.status, headers=found.headers)
    response[REPLAYED] = "true"
    return response
