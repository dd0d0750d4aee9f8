"""Keeping a copy: a list read from change to change, by `?cursor=`.

Rows come in the order of `updated_at, id`. Every change moves its row to the end of that order, so
that a copy which is walked on from its last cursor gets what has changed since, and nothing else.
A page ends where a change may still come to light (organizations.database.clock): what is later
waits for the next request.
"""

from collections.abc import Iterable
from datetime import datetime
from operator import itemgetter
from typing import Any, ClassVar, NamedTuple
from uuid import UUID

from django.db.models import BooleanField, DateTimeField, F, Func, QuerySet, UUIDField, Value
from django.http import QueryDict
from orjson import Fragment
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.database.clock import horizon
from organizations.database.projection import json_row
from organizations.database.snapshot import one_snapshot
from organizations.rest.cursors import Cursor, Malformed, as_asked, hash_of
from organizations.rest.fields import Moment
from organizations.rest.filters import (
    CURSOR,
    INCLUDE_DELETED,
    SORT,
    SortBackend,
    StrictFilterBackend,
    plain_names,
)
from organizations.rest.reading import line_of
from organizations.rest.viewsets import Listed
from organizations.tenancy import caller

BOOLEANS = {"true": True, "false": False}


class DeletedSerializer(serializers.Serializer):
    """What is left of a deleted row in a copy."""

    id = serializers.UUIDField()
    external_id = serializers.SerializerMethodField(help_text="Null where it has none.")
    deleted_at = Moment()
    updated_at = Moment()

    def get_external_id(self, row: Any) -> str | None:
        """A factor never has one."""
        return getattr(row, "external_id", "") or None


class Place(NamedTuple):
    """Where a row stands in the order of a copy."""

    updated_at: datetime
    id: UUID
    is_deleted: bool


class After(Func):
    """Whether a row stands behind a place, as one comparison: an index begins right there."""

    template = "(%(expressions)s)"
    output_field = BooleanField()
    conditional = True

    def __init__(self, cursor: Cursor) -> None:
        super().__init__(
            F("updated_at"),
            F("pk"),
            Value(cursor.updated_at, DateTimeField()),
            Value(cursor.id, UUIDField()),
        )

    def as_sql(self, compiler: Any, connection: Any) -> Any:  # type: ignore[override]
        parts = [compiler.compile(one) for one in self.get_source_expressions()]
        (updated_at, pk, then, last) = (sql for sql, _ in parts)
        params = [param for _, some in parts for param in some]
        return f"(({updated_at}, {pk}) > ({then}, {last}))", params


class CopyBackend(BaseFilterBackend):
    """The parameters of a copy, for a list that is read without them too."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: Any) -> QuerySet:
        if includes_deleted(plain_names(request.query_params)):
            raise ValidationError(
                {INCLUDE_DELETED: ["Deleted rows come with a copy alone: give `cursor` too."]},
                code="invalid_parameter",
            )
        return queryset

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor = {
            "name": CURSOR,
            "in": "query",
            "required": False,
            "allowEmptyValue": True,
            "description": "Keeps a copy: begin with an empty one, go on with each `next_cursor` "
            "until it is null, keep the last that was not, and begin there the next time: what has "
            "changed since comes, by `updated_at` and `id`. With the same filters, without `page` "
            "and `sort`.",
            "schema": {"type": "string"},
        }
        deleted = {
            "name": INCLUDE_DELETED,
            "in": "query",
            "required": False,
            "description": "With `cursor`: deleted rows come too, as `id`, `external_id`, "
            "`deleted_at` and `updated_at`.",
            "schema": {"type": "boolean"},
        }
        names = view.copy_parameters
        return [one for one in (cursor, deleted) if one["name"] in names]


class Copied(Listed):
    """`GET` of a list of which a copy can be kept."""

    filter_backends = [StrictFilterBackend, SortBackend, CopyBackend]
    copy_parameters: ClassVar[set[str]] = {CURSOR, INCLUDE_DELETED}

    copied_serializer_class: ClassVar[Any] = None
    """What writes a row of a copy, where that is not what writes it elsewhere."""

    def orders(self, organization_id: UUID) -> list[QuerySet]:
        """The rows that a copy is of, deleted ones too: each queryset has an index in its order."""
        view: Any = self
        return [view.queryset.model._default_manager.for_organization(organization_id)]

    def may_be_late(self) -> bool:
        """A copy goes as far as its changes are complete, which the primary alone knows."""
        view: Any = self
        return super().may_be_late() and CURSOR not in plain_names(view.request.query_params)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if CURSOR in plain_names(request.query_params):
            return copied_page(self)
        return super().list(request, *args, **kwargs)


def includes_deleted(params: QueryDict) -> bool:
    """Whether deleted rows are asked for. Raises ValidationError (422) for anything else."""
    text = params.get(INCLUDE_DELETED, "false")
    if text not in BOOLEANS:
        raise ValidationError({INCLUDE_DELETED: ["Say true or false."]}, code="invalid_parameter")
    return BOOLEANS[text]


def copied_page(view: Any) -> Response:
    """The next rows of a copy, and the cursor behind them; without rows there is none.

    Raises ValidationError (422) that names every parameter that is wrong.
    """
    asked = Asked(view)
    organization_id = caller(view.request).organization_id
    complete_before = horizon(organization_id)  # before the snapshot that is read
    with one_snapshot():
        orders = [asked.chosen(one) for one in view.orders(organization_id)]
        places = sorted(
            (place for one in orders for place in asked.places(one, complete_before)),
            key=itemgetter(0, 1),
        )[: asked.size]
        written = {pk: row for one in orders for pk, row in items(view, one, places)}
    following = Cursor(asked.hash, places[-1].updated_at, places[-1].id) if places else None
    return Response(
        {
            "items": [written[one.id] for one in places],
            "next_cursor": str(following) if following else None,
        }
    )


class Asked:
    """What a request wants of a copy."""

    def __init__(self, view: Any) -> None:
        self.errors: dict[str, Any] = {}
        params = plain_names(view.request.query_params)
        for name in ("page", SORT):
            if name in params:
                sentence = f"A copy is read in its own order, from its cursor: leave `{name}` out."
                self._refuse(name, sentence)
        self.size = self._try(lambda: view.paginator.asked_size(view.request))
        self.with_deleted = self._try(lambda: includes_deleted(params))
        everything = view.queryset.model._default_manager.all()
        backend = StrictFilterBackend()
        self._filterset = self._try(lambda: backend.checked(view.request, everything, view))
        self.cursor = self._try(lambda: self._read(params.get(CURSOR, "")))
        if self.errors:
            raise ValidationError(self.errors)
        model, organization_id = everything.model._meta.label, caller(view.request).organization_id
        filters = as_asked(self._filterset.form.cleaned_data)
        self.hash = hash_of(model, organization_id, self.with_deleted, filters)
        if self.cursor and self.cursor.asked != self.hash:
            sentence = (
                "This cursor is of a copy with other filters, or of another list: go on with the "
                "parameters that it was given for, or begin anew with an empty one."
            )
            raise ValidationError({CURSOR: [sentence]}, code="cursor_of_another_copy")

    def _refuse(self, name: str, sentence: str) -> None:
        self.errors[name] = [ErrorDetail(sentence, code="invalid_parameter")]

    def _try(self, read: Any) -> Any:
        try:
            return read()
        except ValidationError as error:
            found: dict[str, Any] = error.detail  # type: ignore[assignment]
            self.errors |= {name: one for name, one in found.items() if name not in self.errors}
            return None

    def _read(self, text: str) -> Cursor | None:
        if not text:
            return None
        try:
            return Cursor.read(text)
        except Malformed as error:
            sentence = "This is no cursor: give `next_cursor` as it came, or nothing to begin."
            raise ValidationError({CURSOR: [sentence]}, code="invalid_cursor") from error

    def chosen(self, order: Any) -> QuerySet:
        """The rows of an order that the copy is of."""
        return self._filterset.filter_queryset(order if self.with_deleted else alive(order))

    def places(self, rows: QuerySet, complete_before: datetime | None) -> Iterable[Place]:
        """The next places that rows have in the order."""
        if self.cursor:
            rows = rows.filter(After(self.cursor))
        if complete_before:
            rows = rows.filter(updated_at__lt=complete_before)
        columns = ["updated_at", "pk", *(["deleted_at"] if may_be_deleted(rows) else [])]
        rows = rows.order_by("updated_at", "pk").values_list(*columns)[: self.size]
        return [Place(at, pk, any(deleted_at)) for at, pk, *deleted_at in rows]


def may_be_deleted(rows: QuerySet) -> bool:
    return any(field.name == "deleted_at" for field in rows.model._meta.concrete_fields)


def alive(rows: Any) -> QuerySet:
    return rows.live() if may_be_deleted(rows) else rows


def items(view: Any, rows: QuerySet, places: list[Place]) -> Iterable[tuple[UUID, Any]]:
    """Those of some rows that stand at some places, by id, as the copy has them."""
    deleted = DeletedSerializer()
    for row in rows.filter(pk__in=[one.id for one in places if one.is_deleted]):
        yield row.pk, deleted.to_representation(row)
    there = rows.filter(pk__in=[one.id for one in places if not one.is_deleted])
    serializer = view.copied_serializer_class or view.get_serializer_class()
    if json_row(serializer) is not None:
        for pk, line in there.values_list("pk", line_of(serializer)):
            yield pk, Fragment(line)
        return
    living = serializer(context=view.get_serializer_context())
    for row in view.queryset.filter(pk__in=there.values("pk")):
        yield row.pk, living.to_representation(row)
