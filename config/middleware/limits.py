"""How many requests one address may send, and what every answer says of the limits."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from rest_framework import status
from rest_framework.exceptions import Throttled

from config.errors import answer
from organizations.access.limits import ADDRESS, address_of, headers

COUNTED = ("/v1/", "/admin/")


def limit_requests(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: counts a request by its address, and answers 429 where there were too many.

    The probes and static files are not counted.
    """

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(COUNTED):
            return get_response(request)
        try:
            ADDRESS.spend(request, address_of(request))
            response = get_response(request)
        except Throttled as error:
            body = {"code": error.default_code, "detail": str(error.detail)}
            response = answer(request, body, status.HTTP_429_TOO_MANY_REQUESTS)
            response.headers["Retry-After"] = str(error.wait)  # type: ignore[attr-defined]
        for name, value in headers(request).items():
            response.headers[name] = value
        return response

    return middleware
