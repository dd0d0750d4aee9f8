"""Where there are replicas: what a caller has written is read by their next request."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from rest_framework.permissions import SAFE_METHODS

from organizations.access.own_writes import LastWrite
from organizations.tenancy import Caller


def remember_own_writes(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: before a write is answered it is noted how far a replica must be to read for
    whoever sent it; before it is said how far a task is, likewise. What was refused stored nothing.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        refused = 400 <= response.status_code < 500
        if not refused and may_have_stored(request) and (who := sender(request)):
            LastWrite.remember(who)
        return response

    return middleware


def may_have_stored(request: HttpRequest) -> bool:
    """Whether something of the sender's may have been stored, now or since they last asked."""
    if request.method not in SAFE_METHODS:
        return True
    view: Any = getattr(request.resolver_match, "func", None)
    return bool(getattr(getattr(view, "cls", None), "tells_of_tasks", False))


def sender(request: HttpRequest) -> UUID | None:
    """The API key or the person that a request came from; None where it is nobody known."""
    user: Any = vars(request).get("user")
    if type(user) is not Caller:  # the admin's is looked up when it is asked for
        user = getattr(request, "_cached_user", None)
    return getattr(user, "pk", None)
