"""The one shape of every error: code and detail, and on 422 `errors` with field, code, detail."""

import logging
import sys
from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.core.exceptions import (
    PermissionDenied,
    RequestDataTooBig,
    SuspiciousOperation,
    TooManyFieldsSent,
)
from django.core.exceptions import ValidationError as ModelValidationError
from django.core.signals import got_request_exception
from django.http import Http404, HttpRequest, HttpResponse
from django.template.loader import render_to_string
from django.utils.translation import gettext_noop
from rest_framework import exceptions, status
from rest_framework.permissions import SAFE_METHODS
from rest_framework.response import Response

from config.bodies import NotWhole
from config.rendering import BodyTooLarge, DecimalJSONRenderer, dumps
from config.security import OVER_HTTP
from organizations.database.unavailable import nothing_stored, unavailable, was_too_slow
from organizations.rest.fields import as_detail
from organizations.staff.said import said

logger = logging.getLogger(__name__)

NOT_FOUND = {"code": "not_found", "detail": gettext_noop("There is nothing here.")}
SERVER_ERROR = gettext_noop("Something went wrong on our side and has been logged.")
NOTHING_STORED = gettext_noop("Nothing was stored.")
PERHAPS_STORED = gettext_noop(
    "It is not known whether this was stored: look before you send it again."
)
DATABASE_SLOW = gettext_noop("The database took longer over this than it may.")
DATABASE_AWAY = gettext_noop("The database cannot be used at the moment.")
TRY_AGAIN = gettext_noop("Try again in {seconds} seconds.")
UNREADABLE = gettext_noop("The request could not be read.")
TOO_MUCH = gettext_noop(
    "That is too much text for a form; save the cells as a file, CSV or XLSX, and choose it."
)
TOO_MANY = gettext_noop("A request has {most} parameters at most; send fewer.")
NOT_ALLOWED = gettext_noop("You may not do this.")
WITHOUT_COOKIE = gettext_noop("This form was not accepted: its cookie did not come with it.")
NOT_ACCEPTED = gettext_noop("This form was not accepted.")
SEND_ANEW = gettext_noop("Allow cookies for this address, open the page anew and send it again.")
RETRY_AFTER = 5
"""Seconds after which it is worth asking a database again that could not be used."""
WHOLE_BODY = "body"
HINTS = {
    403: gettext_noop(
        "Your role in the organization does not include it; its admins can change that."
    ),
    404: gettext_noop("The address is wrong, or it is not yours to see."),
    503: gettext_noop("Nothing is wrong with what you did."),
}
"""What people are told besides, on a page."""


def exception_handler(error: Exception, context: dict[str, Any]) -> Response:
    """DRF's hook: any exception of a view, as the error body with its status and headers.

    It is JSON, whatever the caller accepts.
    """
    context["request"].accepted_renderer = DecimalJSONRenderer()
    context["request"].accepted_media_type = DecimalJSONRenderer.media_type
    if isinstance(error, Http404):
        error = exceptions.NotFound(NOT_FOUND["detail"])
    elif isinstance(error, PermissionDenied):
        error = exceptions.PermissionDenied()
    elif isinstance(error, RequestDataTooBig):
        error = BodyTooLarge()
    elif isinstance(error, NotWhole):
        return Response({"code": error.code, "detail": error.detail}, status=error.status_code)
    elif isinstance(error, RecursionError):
        error = exceptions.ParseError("The body is nested too deeply.")
    elif isinstance(error, TooManyFieldsSent):
        error = exceptions.ParseError(too_many())
    elif isinstance(error, SuspiciousOperation):
        error = exceptions.ParseError()
    elif isinstance(error, ModelValidationError):
        error = exceptions.ValidationError(as_detail(error))
    if not isinstance(error, exceptions.APIException):
        request = context["request"]._request
        if unavailable(error):
            body = unavailable_body(request, error)
            headers = {"Retry-After": str(RETRY_AFTER)}
            return Response(body, status=status.HTTP_503_SERVICE_UNAVAILABLE, headers=headers)
        logger.error("Unhandled error", exc_info=error)
        got_request_exception.send(sender=None, request=request)
        body = server_error_body(request, error)
        return Response(body, status=status.HTTP_500_INTERNAL_SERVER_ERROR)

    headers = {}
    if challenge := getattr(error, "auth_header", None):
        headers["WWW-Authenticate"] = challenge
    if wait := getattr(error, "wait", None):
        headers["Retry-After"] = str(int(wait))
    if isinstance(error, exceptions.ValidationError):
        errors = list(flatten(error.detail))
        detail = "; ".join(f"{one['field']}: {one['detail']}" for one in errors[:3])
        if len(errors) > 3:
            detail += f"; and {len(errors) - 3} more"
        refusal = {"code": "validation_error", "detail": detail, "errors": errors}
        return Response(refusal, status=status.HTTP_422_UNPROCESSABLE_ENTITY, headers=headers)
    code = getattr(error.detail, "code", error.default_code)
    body = {"code": code, "detail": str(error.detail)}
    return Response(body, status=error.status_code, headers=headers)


def flatten(detail: Any, path: str = "") -> Iterator[dict[str, str]]:
    """DRF's nested error detail as a flat list; a list's items are named by position."""
    if isinstance(detail, dict):
        for name, inner in detail.items():
            name = WHOLE_BODY if name == "non_field_errors" else str(name)
            yield from flatten(inner, name if not path or name == WHOLE_BODY else f"{path}.{name}")
    elif isinstance(detail, list):
        for index, inner in enumerate(detail):
            nested = isinstance(inner, (dict, list))
            yield from flatten(inner, f"{path}.{index}" if nested else path)
    else:
        yield {
            "field": path or WHOLE_BODY,
            "code": getattr(detail, "code", "invalid"),
            "detail": str(detail),
        }


def too_many() -> str:
    return TOO_MANY.format(most=settings.DATA_UPLOAD_MAX_NUMBER_FIELDS)


def plain_response(body: dict[str, str], status_code: int) -> HttpResponse:
    return HttpResponse(dumps(body), status=status_code, content_type="application/json")


def answer(
    request: HttpRequest, body: dict[str, str], status_code: int, hint: str | None = None
) -> HttpResponse:
    """An error outside the API's views; staff at the admin get a page in their language, a hint
    and a way back."""
    if request.path.startswith("/admin/"):
        hint = HINTS.get(status_code, "") if hint is None else hint
        context = {"detail": said(body["detail"]), "hint": said(hint)}
        return HttpResponse(render_to_string("error.html", context), status=status_code)
    return plain_response(body, status_code)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        body = {"code": BodyTooLarge.default_code, "detail": TOO_MUCH}
        return answer(request, body, status.HTTP_413_REQUEST_ENTITY_TOO_LARGE)
    many = isinstance(exception, TooManyFieldsSent)
    body = {"code": "bad_request", "detail": too_many() if many else UNREADABLE}
    return answer(request, body, status.HTTP_400_BAD_REQUEST)


def permission_denied(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    body = {"code": "permission_denied", "detail": NOT_ALLOWED}
    return answer(request, body, status.HTTP_403_FORBIDDEN)


def form_refused(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the cookie that shows where it came from."""
    detail, hint = WITHOUT_COOKIE, SEND_ANEW
    if settings.CSRF_COOKIE_SECURE and not request.is_secure():
        detail, hint = NOT_ACCEPTED, str(OVER_HTTP)
    body = {"code": "permission_denied", "detail": detail}
    return answer(request, body, status.HTTP_403_FORBIDDEN, hint)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return answer(request, NOT_FOUND, status.HTTP_404_NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django calls it while it handles the exception: of a page, or of what is around it."""
    error = sys.exception()
    if error and unavailable(error):
        return database_unavailable(request, error)
    body = server_error_body(request, error)
    return answer(request, body, status.HTTP_500_INTERNAL_SERVER_ERROR)


def database_unavailable(request: HttpRequest, error: BaseException) -> HttpResponse:
    """A page or an error of the API for a database that cannot be used now."""
    body = unavailable_body(request, error)
    response = answer(request, body, status.HTTP_503_SERVICE_UNAVAILABLE)
    response.headers["Retry-After"] = str(RETRY_AFTER)
    return response


def unavailable_body(request: HttpRequest, error: BaseException) -> dict[str, str]:
    logger.warning("The database could not be used: %s", error)
    slow = was_too_slow(error)
    what = DATABASE_SLOW if slow else DATABASE_AWAY
    again = TRY_AGAIN.format(seconds=RETRY_AFTER)
    detail = f"{what} {outcome(request, error) or again}"
    return {"code": "unavailable", "detail": detail}


def server_error_body(request: HttpRequest, error: BaseException | None) -> dict[str, str]:
    detail = f"{SERVER_ERROR} {outcome(request, error)}".strip()
    return {"code": "server_error", "detail": detail}


def outcome(request: HttpRequest, error: BaseException | None) -> str:
    """What is known of a write that ended with an error; nothing for a read."""
    if request.method in SAFE_METHODS:
        return ""
    return NOTHING_STORED if error and nothing_stored(error) else PERHAPS_STORED
