"""`/metrics`, for who is allowed to read it; for everybody else there is nothing there."""

import ipaddress
import secrets

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from prometheus_client import CONTENT_TYPE_LATEST

from config.errors import not_found
from config.operations.metrics import exposition
from config.pages import read_only
from organizations.access.limits import address_of
from organizations.database.wall import EVERYBODY, seeing


@read_only
def metrics(request: HttpRequest) -> HttpResponse:
    """The metrics of all web workers in the text format of Prometheus; 404 unless allowed."""
    if not (has_token(request) or comes_from_an_allowed_address(request)):
        return not_found(request)
    with seeing(EVERYBODY):
        return HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)


def has_token(request: HttpRequest) -> bool:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    expected: str = settings.METRICS_TOKEN
    same = secrets.compare_digest(token.strip().encode(), expected.encode())
    return bool(expected) and scheme.lower() == "bearer" and same


def comes_from_an_allowed_address(request: HttpRequest) -> bool:
    """A request through a proxy that TRUSTED_PROXIES does not count has nobody's address."""
    if not settings.TRUSTED_PROXIES and "x-forwarded-for" in request.headers:
        return False
    try:
        address = ipaddress.ip_address(address_of(request))
    except ValueError:
        return False
    networks = (ipaddress.ip_network(one, strict=False) for one in settings.METRICS_ALLOWED)
    return any(address in network for network in networks)
