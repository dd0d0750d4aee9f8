"""`/v1/periods`: calendar years, closing them, and what a closed one would say otherwise."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError as ModelValidationError
from django.db.models.functions import ExtractYear
from django.http.response import HttpResponseBase
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, status
from rest_framework.exceptions import APIException, NotFound, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from emissions.ledger.bills import Kilograms
from emissions.ledger.closing import NotNow, Restatement, close, reopen, restatements
from emissions.models import ClosedPeriod, Emission
from emissions.reports.periods import Period
from emissions.reports.serializers import (
    KilogramsSerializer,
    RestatementsSerializer,
)
from emissions.reports.totals import Question
from organizations.database.snapshot import one_snapshot
from organizations.models import Role
from organizations.rest.fields import as_detail
from organizations.rest.filters import PAGING, plain_names, refuse_unknown
from organizations.rest.tables import TABLES, table_response, wants_table
from organizations.rest.viewsets import TenantViewSet
from organizations.tenancy import caller


class PeriodNotReady(APIException):
    """409: the year is not in the state that this needs."""

    status_code = status.HTTP_409_CONFLICT


class PeriodSerializer(KilogramsSerializer):
    """A calendar year with its figures, and when and by whom they were fixed."""

    year = serializers.IntegerField()
    status = serializers.ChoiceField(choices=["open", "closed"])
    closed_at = serializers.DateTimeField(allow_null=True)
    closed_by = serializers.CharField(allow_null=True)
    reopened_at = serializers.DateTimeField(
        allow_null=True, help_text="When it was last opened again; null while it is closed."
    )
    reopened_by = serializers.CharField(allow_null=True)


YEAR = OpenApiParameter(
    "year", OpenApiTypes.INT, OpenApiParameter.PATH, description="Such as 2024."
)
COLUMNS = (
    "consumption_id", "external_id", "facility_id", "deleted",
    *(f"before_{name}" for name in Kilograms._fields),
    *(f"after_{name}" for name in Kilograms._fields),
    "reason",
)  # fmt: skip


@extend_schema(tags=["periods"])
class PeriodViewSet(TenantViewSet):
    """Calendar years. A closed one keeps its lines whatever changes, until it is opened again."""

    queryset = ClosedPeriod.objects.all()
    serializer_class = PeriodSerializer
    filter_backends = []
    exclusive_writes = True
    http_method_names = ["get", "post", "head"]
    paginator: Any

    @property
    def required_role(self) -> str | None:
        return Role.ADMIN if self.action in ("close", "reopen") else None

    @extend_schema(
        operation_id="periods_list",
        summary="List the years that have figures or have been closed",
    )
    def list(self, request: Request) -> Response:
        """Newest first, each with its totals."""
        refuse_unknown(plain_names(request.query_params), PAGING, set())
        start, size = self.paginator.asked(request)
        organization_id = caller(request).organization_id
        with one_snapshot():
            lines = Emission.objects.current().filter(organization_id=organization_id)
            years = set(lines.order_by().values_list(ExtractYear("month"), flat=True).distinct())
            years |= set(self.get_queryset().values_list("year", flat=True))
            asked = sorted(years, reverse=True)[start : start + size]
            items = [self.shown(year) for year in asked]
        return self.paginator.answer(items, len(years))

    @extend_schema(
        operation_id="periods_retrieve",
        summary="Get a year with its totals",
        parameters=[YEAR],
        responses=PeriodSerializer,
    )
    def retrieve(self, request: Request, year: str) -> Response:
        with one_snapshot():
            return Response(self.shown(_as_year(year)))

    @extend_schema(
        operation_id="periods_close",
        summary="Close a year: its figures stay as they are",
        parameters=[YEAR],
        request=None,
        responses=PeriodSerializer,
    )
    def close(self, request: Request, year: str) -> Response:
        """For admins. New factors, changed, late and deleted bills, and facilities that move no
        longer change it; `/restatements` lists what they would have changed."""
        return self._change(close, _as_year(year))

    @extend_schema(
        operation_id="periods_reopen",
        summary="Open a year again: its figures follow their data",
        parameters=[YEAR],
        request=None,
        responses=PeriodSerializer,
    )
    def reopen(self, request: Request, year: str) -> Response:
        """For admins. What `/restatements` listed is now so."""
        return self._change(reopen, _as_year(year))

    def shown(self, year: int) -> Any:
        return self.get_serializer(_period(caller(self.request).organization_id, year)).data

    def _change(self, change: Callable[[UUID, int], ClosedPeriod], year: int) -> Response:
        organization_id = caller(self.request).organization_id

        def run() -> Response:
            try:
                change(organization_id, year)
            except NotNow as error:
                raise PeriodNotReady(str(error), error.code) from error
            except ModelValidationError as error:
                raise ValidationError(as_detail(error)) from error
            return Response(self.shown(year))

        return self.write(run)


@extend_schema(tags=["periods"])
class RestatementsView(TenantViewSet):
    """What changes since have not changed, because the year is closed."""

    queryset = ClosedPeriod.objects.all()
    serializer_class = RestatementsSerializer
    renderer_classes: Any = [*api_settings.DEFAULT_RENDERER_CLASSES, *TABLES]
    filter_backends = []
    http_method_names = ["get", "head"]
    paginator: Any

    @extend_schema(
        operation_id="periods_restatements",
        summary="List what a closed year would say otherwise",
        parameters=[YEAR],
        responses=RestatementsSerializer,
    )
    def list(self, request: Request, year: str) -> HttpResponseBase:
        """Each consumption that would have other figures in the year if it were open, before and
        after; of an open year none. Also as CSV and XLSX."""
        asked, organization_id = _as_year(year), caller(request).organization_id
        refuse_unknown(plain_names(request.query_params), PAGING, set())
        start, size = self.paginator.asked(request)

        def rows() -> Iterator[Restatement]:
            with one_snapshot():
                yield from restatements(organization_id, asked)

        if wants_table(request):
            return table_response(
                request, f"restatements-{asked}", COLUMNS, lambda: map(_row, rows())
            )
        before, after, items, count = Kilograms(), Kilograms(), [], 0
        for count, row in enumerate(rows(), 1):
            before = before.plus(row.before or Kilograms())
            after = after.plus(row.after or Kilograms())
            if start < count <= start + size:
                items.append(_item(row))
        return self.paginator.answer(items, count, before=before._asdict(), after=after._asdict())


def _as_year(text: str) -> int:
    """A year of the calendar, as a path has it. Raises 404 for what is none."""
    if text.isascii() and text.isdecimal() and len(text) == 4:
        year = int(text)
        if Period.is_year(year):
            return year
    raise NotFound


def _period(organization_id: UUID, year: int) -> dict[str, Any]:
    rows = ClosedPeriod.objects.filter(organization_id=organization_id, year=year)
    newest = rows.order_by("-closed_at", "-id").first()
    total = Question(organization_id, Period.of_year(year)).total()
    return {
        "year": year,
        "status": "closed" if newest and newest.reopened_at is None else "open",
        "closed_at": newest and newest.closed_at,
        "closed_by": (newest and newest.closed_by) or None,
        "reopened_at": newest and newest.reopened_at,
        "reopened_by": (newest and newest.reopened_by) or None,
        **total.kilograms()._asdict(),
    }


def _item(row: Restatement) -> dict[str, Any]:
    return {
        **row._asdict(),
        "external_id": row.external_id or None,
        "before": row.before and row.before._asdict(),
        "after": row.after and row.after._asdict(),
        "reason": row.reason or None,
    }


def _row(row: Restatement) -> list[Any]:
    nothing = (None,) * len(Kilograms._fields)
    return [*row[:4], *(row.before or nothing), *(row.after or nothing), row.reason]
