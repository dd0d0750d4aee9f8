"""What django-axes asks us: who is trying to log in, and what to answer when that is locked out."""

from typing import Any

from axes.helpers import get_cool_off
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext


def email_of(request: HttpRequest | None, credentials: dict[str, Any] | None) -> str:
    """The email of an attempt, so that its case does not get around the lock."""
    given = (credentials or {}).get("username") or getattr(request, "POST", {}).get("username", "")
    return given.lower()


def retry_after() -> int:
    """Seconds until a lock opens; every attempt during it starts it anew."""
    return int(get_cool_off().total_seconds())


def locked_out(
    request: HttpRequest, response: HttpResponse | None, credentials: dict[str, Any] | None
) -> HttpResponse:
    """The API answers for itself; the admin's login form gets a plain page."""
    if response is not None and request.path.startswith("/v1/"):
        return response
    sentence = gettext("Too many wrong passwords. Wait {minutes} minutes, then try again.")
    return HttpResponse(
        sentence.format(minutes=retry_after() // 60),
        status=429,
        content_type="text/plain; charset=utf-8",
        headers={"Retry-After": str(retry_after())},
    )
