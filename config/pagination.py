"""Pages of lists."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.rest.filters import plain_names

DEFAULT_SIZE = 50
MAX_SIZE = 100
FURTHEST = 2**62
"""No list is as long, and the database can still add a page's size to it."""


def whole_number(request: Request, name: str, default: int, maximum: int | None = None) -> int:
    """A positive whole number of the query. Raises ValidationError (422) for anything else."""
    text = plain_names(request.query_params).get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) <= 100:
        number = int(text)
        if number >= 1 and (maximum is None or number <= maximum):
            return number
    limit = f"1 to {maximum}" if maximum else "1 or more"
    raise ValidationError({name: [f"Give a whole number, {limit}."]}, code="invalid_parameter")


class Pagination(BasePagination):
    """`page` and `size` in, `{items, total, page, size, pages}` out; past the end is empty."""

    def asked(self, request: Request) -> tuple[int, int]:
        """Where the page starts, from 0, and how many fit on it. Raises ValidationError (422)."""
        self.page = whole_number(request, "page", 1)
        self.size = self.asked_size(request)
        return min((self.page - 1) * self.size, FURTHEST), self.size

    def asked_size(self, request: Request) -> int:
        """How many fit on a page. Raises ValidationError (422)."""
        return whole_number(request, "size", DEFAULT_SIZE, MAX_SIZE)

    def answer(self, items: Any, total: int, **beside: Any) -> Response:
        return Response(
            {
                "items": items,
                **beside,
                "total": total,
                "page": self.page,
                "size": self.size,
                "pages": -(-total // self.size),
            }
        )

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        start, size = self.asked(request)
        self.total = queryset.count()
        return list(queryset[start : start + size]) if start < self.total else []

    def get_paginated_response(self, data: Any) -> Response:
        return self.answer(data, self.total)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        counts = {
            "total": ("How many there are on all pages.", 1),
            "page": ("This page.", 1),
            "size": ("How many fit on a page.", DEFAULT_SIZE),
            "pages": ("How many pages there are.", 1),
        }
        return {
            "type": "object",
            "required": ["items", *counts],
            "properties": {
                "items": schema,
                **{
                    name: {"type": "integer", "description": text, "example": example}
                    for name, (text, example) in counts.items()
                },
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "page",
                "in": "query",
                "required": False,
                "description": "The page, from 1.",
                "schema": {"type": "integer", "minimum": 1, "default": 1},
            },
            {
                "name": "size",
                "in": "query",
                "required": False,
                "description": "Items on a page.",
                "schema": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": MAX_SIZE,
                    "default": DEFAULT_SIZE,
                },
            },
        ]
