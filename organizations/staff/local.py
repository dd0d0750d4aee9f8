"""The language and the time zone of whoever looks at a page of the admin.

Numbers take their separators from the browser's first language; moments are in the zone that the
browser tells in a cookie, and in UTC where it tells none.
"""

from collections.abc import Callable
from contextvars import ContextVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf.locale import LANG_INFO
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.formats import get_format

LANGUAGE: ContextVar[str] = ContextVar("LANGUAGE", default="en")

COOKIE = "timezone"
BY_POINTS = {"es"}
"""Where Django's table has a space between thousands, and browsers and bills have a point."""


def remember_reader(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: pages of the admin are in the reader's own numbers and time."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/admin/"):
            return get_response(request)
        token = LANGUAGE.set(language_of(request))
        try:
            with timezone.override(zone_of(request)):
                return get_response(request)
        finally:
            LANGUAGE.reset(token)

    return middleware


def language_of(request: HttpRequest) -> str:
    """The first language that the browser asks for, where Django knows it; else English."""
    tag = request.headers.get("Accept-Language", "").split(",")[0].split(";")[0].strip().lower()
    return next((one for one in (tag, tag.split("-")[0]) if one in LANG_INFO), "en")


def zone_of(request: HttpRequest) -> ZoneInfo:
    """The zone of the cookie, such as Europe/Madrid; UTC without one that exists."""
    try:
        return ZoneInfo(request.COOKIES.get(COOKIE, "") or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def separators() -> tuple[str, str]:
    """The decimal and the thousands separator of the reader's language."""
    language = LANGUAGE.get()
    if language.split("-")[0] == "en":
        return ".", ","
    decimal = get_format("DECIMAL_SEPARATOR", language, use_l10n=True)
    thousands = get_format("THOUSAND_SEPARATOR", language, use_l10n=True)
    return decimal, "." if language in BY_POINTS else thousands


def zone_name() -> str:
    """The zone that moments are shown in, as its people name it: Europe/Madrid, or UTC."""
    return str(timezone.get_current_timezone_name())
