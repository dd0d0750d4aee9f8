"""Reads whose JSON the database writes (see projection): one statement a page, one an object.

What every caller asks is compiled once and prepared (see statements): one object, and the pages of
a list that is neither filtered nor sorted. Both are read by the statement that authenticates, where
it can (organizations.access.authentication). A filtered or sorted list is compiled once for all
organizations that ask for it in the same words; it is not prepared, so that PostgreSQL plans it for
its values.
"""

from functools import cache, lru_cache, partial
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet
from django.db import connection
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
LONGEST_QUERY = 300
"""Characters of a query whose statement is kept."""

TOGETHER = {"postgresql": "string_agg", "sqlite": "group_concat"}

CHOSEN: dict[tuple[Any, Any, str], Statement] = {}


def written_page(view: Any) -> Response:
    """A page of a list, as `ListModelMixin.list` would answer it."""
    request = view.request
    organization_id = caller(request).organization_id
    if chooses(request.query_params):
        try:
            sql, params, _ = chosen_page(view, organization_id)
        except EmptyResultSet:  # a code that nobody has, or what contradicts itself
            return view.paginator.answer([], 0)
        with reader().cursor() as cursor:
            cursor.execute(sql, params)
            rows = cursor.fetchall()
    else:
        statement, values = page_asked(view, request, organization_id)
        rows = statement.rows(**values) if view.read is None else view.read
    [(total, items)] = rows
    return view.paginator.answer(Fragment(f"[{items}]") if items else [], total)


def page_asked(view: Any, request: Any, organization_id: UUID) -> tuple[Statement, dict[str, Any]]:
    """What reads a page of all, and its values. Raises ValidationError (422)."""
    start, size = view.paginator.asked(request)
    statement = page_of_all(view.__class__, view.get_serializer_class(), start, size)
    return statement, {"organization_id": organization_id}


def chosen_page(view: Any, organization_id: UUID) -> Compiled:
    """A page of what a query chooses. Raises ValidationError (422), and EmptyResultSet where the
    ORM knows that there is nothing.

    On SQLite a filter may look into the organization first (MultiCodeFilter), and each is compiled
    for itself.
    """
    if connection.vendor == "sqlite":
        return build_page(view, organization_id)
    return kept_page(view).filled(organization_id=organization_id)


def kept_page(view: Any) -> Statement:
    """The same for whoever asks in the same words. Raises ValidationError (422).

    The rules of filters and sorting depend on the query alone, so what one caller has asked another
    may ask: only the organization differs.
    """
    request = view.request
    query = request.META.get("QUERY_STRING", "")
    key = (view.__class__, view.get_serializer_class(), query)
    if (kept := CHOSEN.get(key)) is not None:
        view.paginator.asked(request)
        return kept
    statement = Statement(partial(build_page, view), organization_id=UUID)
    statement.compile()
    del statement.build  # which holds the request
    if len(query) <= LONGEST_QUERY:
        if len(CHOSEN) >= PAGES_KEPT:
            CHOSEN.clear()
        CHOSEN[key] = statement
    return statement


def build_page(view: Any, organization_id: UUID) -> Compiled:
    rows = view.filter_queryset(visible(view.__class__, organization_id))
    line = line_of(view.get_serializer_class())
    return page(rows, line, *view.paginator.asked(view.request))


def written_object(view: Any) -> tuple[Fragment, Any]:
    """One object and when it was updated. Raises Http404 where the caller has none of this id."""
    statement, values = object_asked(view, caller(view.request).organization_id)
    rows = statement.rows(**values) if view.read is None else view.read
    if not rows:
        raise Http404
    [(line, updated_at)] = rows
    return Fragment(line), updated_at


def object_asked(view: Any, organization_id: UUID) -> tuple[Statement, dict[str, Any]]:
    """What reads the object of an address, and its values. Raises Http404 where it has no id."""
    try:
        pk = UUID(view.kwargs["pk"])
    except ValueError as error:
        raise Http404 from error
    statement = one_object(view.__class__, view.get_serializer_class())
    return statement, {"organization_id": organization_id, "pk": pk}


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
    lines = compiled(rows.annotate(line=line).values_list("line"))
    return Compiled(
        f"SELECT (SELECT count(*) FROM ({every.sql}) AS every), "
        f"(SELECT coalesce({TOGETHER[connection.vendor]}(line, ','), '') "
        f"FROM ({lines.sql}) AS page)",
        [*every.params, *lines.params],
    )


def visible(view: Any, organization_id: UUID) -> QuerySet:
    """The rows that a view shows to an organization."""
    return view().visible(view.queryset.all(), organization_id)


def line_of(serializer: Any) -> JSONRow:
    line = json_row(serializer)
    assert line is not None, f"{serializer.__name__} is not written by the database"
    return line
