"""Every request has an id, a line in the log and its place in the metrics."""

import logging
import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from time import perf_counter
from typing import Any
from uuid import uuid4

from django.http import FileResponse, HttpRequest, HttpResponse

from config.operations.logs import REQUEST_ID
from config.operations.metrics import count
from organizations.access.authentication import KEY_VARIABLE
from organizations.access.keys import PREFIX_LENGTH
from organizations.tenancy import Caller

logger = logging.getLogger("request")

HEADER = "x-request-id"
SANE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/+=@-]{0,99}")
PROBES = ("/healthz", "/readyz", "/metrics")
PATTERN = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^()]*\))*\)|<\w+:(\w+)>")


SECRET = re.compile(r"^(/admin/password/reset/)[^/]+/.*$", re.DOTALL)
"""What follows is as good as a password: the link to set a new one."""


def watch_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware, around all others: the id comes from the request, or is made, and goes back."""

    def middleware(request: HttpRequest) -> HttpResponse:
        began = perf_counter()
        given = request.META.get("HTTP_X_REQUEST_ID", "")
        name = given if SANE.fullmatch(given) else str(uuid4())
        token = REQUEST_ID.set(name)
        try:
            response = get_response(request)
            response.headers[HEADER] = name
            response._has_been_logged = True  # type: ignore[attr-defined] # Django adds no line
            if response.streaming and not isinstance(response, FileResponse):
                body: Any = response
                body.streaming_content = watched(body.streaming_content, request, response, began)
            else:
                note(request, response.status_code, began)
        finally:
            REQUEST_ID.reset(token)
        return response

    return middleware


def watched(
    content: Iterator[bytes], request: HttpRequest, response: HttpResponse, began: Any
) -> Iterator[bytes]:
    """What is streamed; its request has come to its end with it, or where the client went away."""
    name = response.headers[HEADER]
    try:
        yield from content
    except Exception:
        REQUEST_ID.set(name)
        logger.exception("The answer broke off.")
        raise
    finally:
        REQUEST_ID.set(name)
        note(request, response.status_code, began)
        REQUEST_ID.set("")


def note(request: HttpRequest, status: int, began: Any) -> None:
    """Logs and counts a request that has been answered; not its query, which may be private."""
    seconds = perf_counter() - began
    count(str(request.method), route_of(request), status, seconds)
    milliseconds = round(seconds * 1000, 1)
    path = SECRET.sub(r"\1…", request.path)
    shown = SECRET.sub(r"\1…", request.path.encode("unicode_escape").decode())
    logger.log(
        level_of(request, status),
        "%s %s %s %s ms", request.method, shown, status, milliseconds,
        extra={
            "fields": {
                "method": request.method,
                "path": path,
                **caller_of(request),
                "status": status,
                "ms": milliseconds,
            }
        },
    )  # fmt: skip


def level_of(request: HttpRequest, status: int) -> int:
    """Probes that find nothing wrong are for who looks for them."""
    if status >= 500:
        return logging.WARNING if status == 503 else logging.ERROR
    return logging.DEBUG if request.path in PROBES else logging.INFO


def caller_of(request: HttpRequest) -> dict[str, str | None]:
    """Who was let in: the organization, and the first characters of the key or the person's id."""
    user: Any = vars(request).get("user")
    if type(user) is Caller:  # isinstance would ask the database who else it is
        key = request.META.get(KEY_VARIABLE, "")[:PREFIX_LENGTH] if user.api_key_id else None
        person = str(user.user_id) if user.user_id else None
        return {"organization": str(user.organization_id), "key": key, "user": person}
    staff = getattr(request, "_cached_user", None)
    person = str(staff.pk) if staff is not None and staff.pk else None
    return {"organization": None, "key": None, "user": person}


def route_of(request: HttpRequest) -> str:
    """The pattern of the address, such as /v1/facilities/<pk>; `none` where there is no page."""
    match = request.resolver_match
    if match is None or not (match.route or match.url_name):
        return "none"
    return plain_route(match.route)


@lru_cache
def plain_route(route: str) -> str:
    return "/" + PATTERN.sub(r"<\1\2>", route).replace("^", "").replace("$", "").replace("\\Z", "")
