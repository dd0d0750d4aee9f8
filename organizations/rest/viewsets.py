"""The base of every tenant's resource: whose rows, which verbs, and what a write goes through."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext, suppress
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, OperationalError, models, transaction
from django.http import Http404
from rest_framework import mixins, status, viewsets
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.database.projection import json_row
from organizations.database.statements import Statement
from organizations.rest.bodies import take_the_body
from organizations.rest.filters import SortBackend, StrictFilterBackend, chooses
from organizations.rest.idempotency import RetriedSafely
from organizations.rest.reading import object_asked, page_asked, written_object, written_page
from organizations.rest.replicated import from_a_replica
from organizations.tenancy import (
    TenantQuerySet,
    atomic_with_retry,
    caller,
    in_the_way,
    pass_gate,
)


class PreconditionFailed(APIException):
    status_code = status.HTTP_412_PRECONDITION_FAILED
    default_code = "precondition_failed"
    default_detail = "It has changed since you read it: read it again, then decide."


class Conflict(APIException):
    status_code = status.HTTP_409_CONFLICT
    default_code = "conflict"
    default_detail = "Another write is in the way, perhaps a long import: send this again later."


def etag(updated_at: datetime) -> str:
    """The version of a resource, for `ETag` and `If-Match`: every change moves `updated_at`."""
    return f'"{updated_at:%Y%m%dT%H%M%S.%f}"'


class TenantViewSet(RetriedSafely, viewsets.GenericViewSet):
    """Reads and writes start from the caller's organization; another's row does not exist."""

    http_method_names = ["get", "post", "put", "patch", "delete", "head"]
    filter_backends = [StrictFilterBackend, SortBackend]
    sort_fields: ClassVar[dict[str, str]] = {}
    """Parameter → column."""

    exclusive_writes: ClassVar[bool] = False
    """Whether a write changes what other rows are computed with (see `pass_gate`)."""

    constraint_errors: ClassVar[dict[str, tuple[str, str]]] = {}
    """Database constraint → (field, sentence), for what two requests race into."""

    replicated: ClassVar[set[str]] = {"list"}
    """The actions whose answers may be a second old, but for what the caller has written."""

    tells_of_tasks: ClassVar[bool] = False
    """Whether it says how far a task is. Who has read that it is done reads what it has stored."""

    read: Sequence[Sequence[Any]] | None = None
    """What the statement that authenticated has read; None where it has read nothing."""

    def reads(
        self, request: Request, organization_id: UUID
    ) -> tuple[Statement, dict[str, Any]] | None:
        """What the statement that authenticates is to read, and with which values."""
        return None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if settings.REPLICAS and self.may_be_late():
            name = str(request.method).lower()
            setattr(self, name, from_a_replica(getattr(self, name)))

    def may_be_late(self) -> bool:
        """Whether a replica may answer the request."""
        return self.action in self.replicated and not self.tells_of_tasks

    def get_queryset(self) -> Any:
        organization_id = getattr(getattr(self.request, "user", None), "organization_id", None)
        return self.visible(super().get_queryset(), organization_id)

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        """The rows that a caller of the organization may see."""
        return queryset.for_organization(organization_id)

    def filter_queryset(self, queryset: Any) -> Any:
        """Parameters choose from a list; they do not hide the one that was asked for."""
        return super().filter_queryset(queryset) if self.action == "list" else queryset

    passed_at: datetime | None = None
    """When a write passed the gate, where it is told."""

    def lock(self, instance: models.Model | None) -> None:
        """Locks what a write changes, after the gate and before it is read and checked."""
        if instance is not None:
            type(instance)._default_manager.select_for_update(no_key=True).get(pk=instance.pk)

    def locked_object(self) -> Any:
        """The instance as it is now that nobody else can change it; `If-Match` is held to it."""
        seen, instance = None, self.get_object()
        while seen is None or getattr(seen, "facility_id", None) != getattr(
            instance, "facility_id", None
        ):
            self.lock(instance)
            seen, instance = instance, self.get_object()
        expected = self.request.headers.get("if-match")
        if expected and expected.strip() != "*":
            versions = {one.strip().removeprefix("W/") for one in expected.split(",")}
            if etag(instance.updated_at) not in versions:
                raise PreconditionFailed
        return instance

    def write(self, change: Callable[[], Response], *, again: bool = False) -> Response:
        """Runs a change in one transaction; what the database refuses becomes a field's error.

        A change that lost a race is made once more: now it sees what was taken, and is refused in
        the same words and on the same field as if there had been no race.
        """

        take_the_body(self.request)

        @atomic_with_retry
        def run() -> Response:
            organization_id = caller(self.request).organization_id
            self.passed_at = pass_gate(organization_id, exclusive=self.exclusive_writes)
            return change()

        nested = transaction.get_connection().in_atomic_block  # then a refusal must not end it
        try:
            with transaction.atomic() if nested else nullcontext():
                return run()
        except IntegrityError as error:
            diagnosis = getattr(error.__cause__, "diag", None)
            name = getattr(diagnosis, "constraint_name", None)
            if name not in self.constraint_errors:
                raise
            if not again:
                return self.write(change, again=True)
            field, sentence = self.constraint_errors[name]
            raise ValidationError({field: [sentence]}, code="taken") from error
        except OperationalError as error:
            if not in_the_way(error):
                raise
            raise Conflict from error

    def fresh(self, instance: models.Model) -> Any:
        """A row that was written, as it is stored now."""
        return self.get_queryset().get(pk=instance.pk)

    def respond(self, serializer: Any, instance: models.Model, **kwargs: Any) -> Response:
        """The instance as a reader would get it, with what the write made the database compute."""
        fresh = self.fresh(instance)
        response = Response(serializer.to_representation(fresh), **kwargs)
        response["ETag"] = etag(fresh.updated_at)
        return response


class Listed(mixins.ListModelMixin, TenantViewSet):
    """`GET` of the list: filtered, sorted, in pages."""

    def reads(
        self, request: Request, organization_id: UUID
    ) -> tuple[Statement, dict[str, Any]] | None:
        if self.action != "list":
            return super().reads(request, organization_id)
        written = json_row(self.get_serializer_class()) is not None
        as_json = request.accepted_renderer.format == "json"
        if not written or not as_json or chooses(request.query_params):
            return None
        return page_asked(self, request, organization_id)

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if json_row(self.get_serializer_class()) is None:
            return super().list(request, *args, **kwargs)
        return written_page(self)


class Retrieved(TenantViewSet):
    """`GET` of one."""

    def reads(
        self, request: Request, organization_id: UUID
    ) -> tuple[Statement, dict[str, Any]] | None:
        if self.action != "retrieve":
            return super().reads(request, organization_id)
        if json_row(self.get_serializer_class()) is None:
            return None
        with suppress(Http404):
            return object_asked(self, organization_id)
        return None

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        if json_row(self.get_serializer_class()) is None:
            instance = self.get_object()
            data, updated_at = self.get_serializer(instance).data, instance.updated_at
        else:
            data, updated_at = written_object(self)
        response = Response(data)
        response["ETag"] = etag(updated_at)
        return response


class Created(TenantViewSet):
    """`POST`: 201 with `Location` and the row as stored and computed."""

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        def change() -> Response:
            self.lock(None)
            serializer = self.get_serializer(data=request.data)
            serializer.is_valid(raise_exception=True)
            instance = serializer.save(organization_id=caller(request).organization_id)
            return self.respond(
                serializer,
                instance,
                status=status.HTTP_201_CREATED,
                headers={"Location": f"{request.path}/{instance.pk}"},
            )

        return self.write(change)


class Updated(TenantViewSet):
    """`PUT` and `PATCH`, both partial: what the body leaves out stays."""

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        def change() -> Response:
            serializer = self.get_serializer(self.locked_object(), data=request.data, partial=True)
            serializer.is_valid(raise_exception=True)
            return self.respond(serializer, serializer.save())

        return self.write(change)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return self.update(request, *args, **kwargs)


class Deleted(TenantViewSet):
    """`DELETE`: 204; the row is kept for the ledger and seen no more."""

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        def change() -> Response:
            self.remove(self.locked_object())
            return Response(status=status.HTTP_204_NO_CONTENT)

        return self.write(change)

    def remove(self, instance: Any) -> None:
        instance.delete()


class ResourceViewSet(Listed, Retrieved, Created, Updated, Deleted):
    """A tenant's resource with every verb."""
