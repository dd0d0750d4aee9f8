"""Addresses that nobody types: with control characters, or with what is no text at all."""

import re
from collections.abc import Callable
from urllib.parse import unquote_plus

from django.http import HttpRequest, HttpResponse

from config.errors import bad_request, not_found

NO_TEXT = re.compile("[\\x00-\\x1f\\x7f\\ud800-\\udfff]")


def refuse_control_characters(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: 404 for such a path, 400 for such a parameter of a page.

    The API's own parameters name the one that is wrong (422).
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith("/v1/"):
            if NO_TEXT.search(request.path):
                return not_found(request)
            if NO_TEXT.search(unquote_plus(request.META.get("QUERY_STRING", ""))):
                return bad_request(request)
        return get_response(request)

    return middleware
