"""JSON in and out, with every number exact: a Decimal is written digit for digit, never a float."""

import json
from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import IO, Any, NoReturn

import orjson
from django.conf import settings
from rest_framework import status
from rest_framework.exceptions import APIException, ParseError
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer


class BodyTooLarge(APIException):
    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "body_too_large"

    def __init__(self) -> None:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        super().__init__(f"The body is over {limit} bytes; send less in one request.")


def plain(number: Decimal) -> str:
    """A Decimal in JSON's notation, without an exponent or trailing zeros; zero has no sign."""
    if not number:
        return "0"
    text = format(number, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def encode(value: Any) -> Any:
    """What orjson does not write itself."""
    if isinstance(value, Decimal):
        return orjson.Fragment(plain(value))
    if isinstance(value, Mapping):
        return dict(value)
    return str(value)


def dumps(data: Any) -> bytes:
    try:
        return orjson.dumps(data, default=encode)
    except TypeError:  # a lone surrogate that an error message quotes: orjson writes UTF-8 alone
        return json.dumps(data, default=str).encode()


class DecimalJSONRenderer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None
    render_style = "text"

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else dumps(data)


def exact_number(text: str) -> Decimal:
    """A JSON number; one beyond what Decimal can hold is infinite, which no field accepts."""
    try:
        return Decimal(text)
    except InvalidOperation:
        return Decimal("Infinity")


def refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


class DecimalJSONParser(BaseParser):
    """Reads a JSON body; a number with a fraction is a Decimal. Raises 400, or 413 if too large."""

    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        limit = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body = stream.read(limit + 1)
        if len(body) > limit:
            raise BodyTooLarge
        try:
            return json.loads(
                body.decode(), parse_float=exact_number, parse_constant=refuse_constant
            )
        except (ValueError, RecursionError) as error:
            raise ParseError(f"The body is not JSON: {error}.", code="invalid_json") from error
