"""The language and the time zone of whoever looks at a page of the admin.

Words, numbers and dates are in the language that the user has chosen; before the log-in in the one
that the browser asks for. Moments are in the zone that the browser tells in a cookie, and in UTC
where it tells none. The page at `/` is like those. All else is English: the API, its
errors, commands.
"""

from collections.abc import Callable
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.http import HttpRequest, HttpResponse
from django.utils import timezone, translation
from django.utils.cache import patch_vary_headers
from django.utils.formats import get_format

COOKIE, PAGES = "timezone", "/admin/"


def remember_reader(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: pages of the admin are in the reader's own words, numbers and time."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(PAGES) and request.path != "/":
            return get_response(request)
        with translation.override(language_of(request)), timezone.override(zone_of(request)):
            response = get_response(request)
        patch_vary_headers(response, ["Accept-Language"])
        return response

    return middleware


def language_of(request: HttpRequest) -> str:
    """The user's own language; for nobody yet, what the browser asks for, else English."""
    user: Any = request.user
    return (
        user.language if user.is_authenticated else translation.get_language_from_request(request)
    )


def zone_of(request: HttpRequest) -> ZoneInfo:
    """The zone of the cookie, such as Europe/Madrid; UTC without one that exists."""
    try:
        return ZoneInfo(request.COOKIES.get(COOKIE, "") or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def separators() -> tuple[str, str]:
    """The decimal and the thousands separator of the page's language (config.formats)."""
    return get_format("DECIMAL_SEPARATOR"), get_format("THOUSAND_SEPARATOR")


def zone_name() -> str:
    """The zone that moments are shown in, as its people name it: Europe/Madrid, or UTC."""
    return str(timezone.get_current_timezone_name())
