"""How answers travel: compressed where the client accepts it, and not at all where it has them."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils.cache import get_conditional_response, set_response_etag

SMALL = 1024
"""Bytes below which compressing saves nothing."""


class Compress(GZipMiddleware):
    """gzip for bodies over 1 kB. An `ETag` becomes a weak one, which `If-Match` takes as well."""

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        small = not response.streaming and len(getattr(response, "content", b"")) <= SMALL
        if small or not accepts_gzip(request.META.get("HTTP_ACCEPT_ENCODING", "")):
            return response
        return super().process_response(request, response)


def accepts_gzip(header: str) -> bool:
    """Whether an `Accept-Encoding` names gzip with a weight above 0 (RFC 9110, 12.5.3)."""
    for one in header.lower().split(","):
        name, _, weight = one.partition(";")
        if name.strip() in ("gzip", "x-gzip", "*"):
            value = weight.replace(" ", "").removeprefix("q=").rstrip("0").rstrip(".")
            return not weight or value not in ("", "0")
    return False


def not_modified(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: every answer of the API to a GET has an `ETag`; 304 to who has it already."""

    def middleware(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        if request.method not in ("GET", "HEAD") or not request.path.startswith("/v1/"):
            return response
        if response.status_code != 200 or response.streaming:
            return response
        if not response.has_header("ETag"):
            set_response_etag(response)
        if "HTTP_IF_NONE_MATCH" not in request.META:
            return response
        etag = response.headers.get("ETag")
        return get_conditional_response(request, etag=etag, response=response) or response

    return middleware
