"""Reads whose JSON PostgreSQL writes (see projection): one statement a page, one an object.

What every caller asks is compiled once and prepared (see statements): one object, and the pages of
a list that is neither filtered nor sorted. A filtered or sorted list is compiled every time.
"""

from functools import cache, lru_cache
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from orjson import Fragment
from rest_framework.response import Response

from organizations.database.projection import JSONRow, json_row
from organizations.database.replicas import reader
from organizations.database.statements import Compiled, Statement, compiled
from organizations.rest.filters import NEWEST_FIRST, chooses
from organizations.tenancy import caller

PAGES_KEPT = 500


def written_page(view: Any) -> Response:
    """A page of a list, as `ListModelMixin.list` would answer it."""
    request = view.request
    chosen = view.filter_queryset(view.get_queryset()) if chooses(request.query_params) else None
    start, size = view.paginator.asked(request)
    serializer = view.get_serializer_class()
    if chosen is None:
        statement = page_of_all(view.__class__, serializer, start, size)
        [(total, items)] = statement.rows(organization_id=caller(request).organization_id)
    else:
        sql, params, _ = page(chosen, line_of(serializer), start, size)
        with reader().cursor() as cursor:
            cursor.execute(sql, params)
            [(total, items)] = cursor.fetchall()
    return view.paginator.answer(Fragment(f"[{items}]") if items else [], total)


def written_object(view: Any) -> tuple[Fragment, Any]:
    """One object and when it was updated. Raises Http404 where the caller has none of this id."""
    try:
        pk = UUID(view.kwargs["pk"])
    except ValueError as error:
        raise Http404 from error
    organization_id = caller(view.request).organization_id
    statement = one_object(view.__class__, view.get_serializer_class())
    rows = statement.rows(organization_id=organization_id, pk=pk)
    if not rows:
        raise Http404
    [(line, updated_at)] = rows
    return Fragment(line), updated_at


@cache
def one_object(view: Any, serializer: Any) -> Statement:
    def build(organization_id: UUID, pk: UUID) -> Compiled:
        mine = visible(view, organization_id).order_by()
        return compiled(mine.filter(pk=pk).values_list(line_of(serializer), "updated_at"))

    return Statement(build, organization_id=UUID, pk=UUID)


@lru_cache(maxsize=PAGES_KEPT)
def page_of_all(view: Any, serializer: Any, start: int, size: int) -> Statement:
    def build(organization_id: UUID) -> Compiled:
        newest_first = visible(view, organization_id).order_by(*NEWEST_FIRST)
        return page(newest_first, line_of(serializer), start, size)

    return Statement(build, organization_id=UUID)


def page(queryset: QuerySet, line: JSONRow, start: int, size: int) -> Compiled:
    """How many rows there are, and the JSON of some of them, separated by commas.

    The ids of the page come first, from an index alone, so that what stands before a deep page is
    counted but not read.
    """
    every = compiled(queryset.order_by().values_list("pk"))
    ids = queryset.values("pk")[start : start + size]
    rows = queryset.model._default_manager.filter(pk__in=ids).order_by(*queryset.query.order_by)
    lines = compiled(rows.values_list(line))
    return Compiled(
        f"SELECT (SELECT count(*) FROM ({every.sql}) AS every), "
        f"(SELECT coalesce(string_agg(line, ','), '') FROM ({lines.sql}) AS page(line))",
        [*every.params, *lines.params],
    )


def visible(view: Any, organization_id: UUID) -> QuerySet:
    """The rows that a view shows to an organization."""
    return view().visible(view.queryset.all(), organization_id)


def line_of(serializer: Any) -> JSONRow:
    line = json_row(serializer)
    assert line is not None, f"{serializer.__name__} is not written by the database"
    return line
