"""Answers from the ledger: totals, breakdowns, logistics, coverage and missing factors."""

from collections.abc import Iterator
from datetime import date
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from emissions.models import Consumption
from emissions.reports.coverage import covered
from emissions.reports.filters import MissingFilter, ReportFilter, TotalsFilter
from emissions.reports.logistics import LogisticsRow, LogisticsTotal, logistics
from emissions.reports.missing import AMBIGUOUS, NO_FACTOR, as_missing, missing_keys, quantities
from emissions.reports.nearest import candidates, nearest
from emissions.reports.serializers import (
    BreakdownQuery,
    BreakdownSerializer,
    CoverageQuery,
    DaysCoveredSerializer,
    LogisticsSerializer,
    MissingFactorSerializer,
    TotalsSerializer,
)
from emissions.reports.totals import HOW_GOOD, Question, table_of, total_and_coverage
from facilities.models import Facility
from organizations.database.snapshot import one_snapshot
from organizations.rest.filters import StrictFilterBackend, plain_names, refuse_unknown
from organizations.rest.tables import TABLES, table_response, wants_table
from organizations.rest.viewsets import Listed, TenantViewSet
from organizations.tenancy import TenantQuerySet, caller


class LiveFacilities(TenantViewSet):
    """What is asked about the facilities of the caller's organization."""

    queryset = Facility.objects.all()
    http_method_names = ["get", "head"]

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()


class Report(LiveFacilities):
    """Figures of the organization, filtered as facilities are; also as CSV and XLSX."""

    renderer_classes: Any = [*api_settings.DEFAULT_RENDERER_CLASSES, *TABLES]
    filter_backends = [StrictFilterBackend]
    paginator: Any

    def asked(self) -> ReportFilter:
        """The parameters, checked. Raises ValidationError."""
        return StrictFilterBackend().checked(self.request, self.get_queryset(), self)


class EmissionsView(Report):
    """What the organization emits."""

    serializer_class = TotalsSerializer
    filterset_class = TotalsFilter

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        """Deleted ones too: they have no figures now, but may have had some at a moment."""
        return queryset.for_organization(organization_id)

    @extend_schema(
        tags=["emissions"], operation_id="emissions", summary="Sum the organization's emissions up"
    )
    def list(self, request: Request) -> HttpResponseBase:
        """By any of ten keys and over any days; the groups add up to the totals exactly.

        With `Accept: text/csv`, or XLSX's media type, all groups on one page.
        """
        asked = self.asked()
        question = asked.question(caller(request).organization_id)
        group_by = list(dict.fromkeys(asked.form.cleaned_data["group_by"])) or ["category"]
        start, size = self.paginator.asked(request)

        if wants_table(request):
            return table_response(request, "emissions", *table_of(question, group_by))
        with one_snapshot():
            groups, count = question.grouped(group_by, HOW_GOOD).page(start, size)
            every = groups if len(groups) == count else None
            total, coverage = total_and_coverage(question, every)
            return self.paginator.answer(
                [one.as_item() for one in groups],
                count,
                **total._asdict(),
                coverage=coverage,
            )


class LogisticsView(Report):
    """The share of scope 2 that logistics counts."""

    serializer_class = LogisticsSerializer
    filterset_class = ReportFilter

    @extend_schema(
        tags=["emissions"],
        operation_id="emissions_logistics",
        summary="Scope 2 of each facility × its logistic_factor",
    )
    def list(self, request: Request) -> HttpResponseBase:
        """Every facility, oldest first, those without scope 2 too; filters choose among them."""
        asked = self.asked()
        question = asked.question(caller(request).organization_id)
        start, size = self.paginator.asked(request)

        def rows() -> Iterator[LogisticsRow]:
            with one_snapshot():
                yield from logistics(question, asked.qs)

        if wants_table(request):
            return table_response(request, "logistics", LogisticsRow._fields, rows)
        total, items, count = LogisticsTotal(), [], 0
        for count, row in enumerate(rows(), 1):
            total = total.plus(row)
            if start < count <= start + size:
                items.append(row._asdict())
        return self.paginator.answer(items, count, **total._asdict())


class MissingFactorsView(Listed):
    """What consumption waits for."""

    queryset = Consumption.objects.all()
    serializer_class = MissingFactorSerializer
    filterset_class = MissingFilter
    filter_backends = [StrictFilterBackend]
    http_method_names = ["get", "head"]
    paginator: Any

    def visible(self, queryset: Any, organization_id: UUID | None) -> TenantQuerySet:
        return queryset.for_organization(organization_id).live()

    @extend_schema(
        tags=["emission factors"],
        operation_id="missing_factors",
        summary="List the factors that are missing",
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """By the exact key that no factor has, those of most consumption first: what waits for it,
        and the nearest factors, each with why it does not fit. Where several fit equally none is
        chosen (`ambiguous_factor`): the nearest are those, and all but one have to go."""
        rows = self.filter_queryset(self.get_queryset())
        start, size = self.paginator.asked(request)
        with one_snapshot():
            keys = missing_keys(rows, NO_FACTOR, AMBIGUOUS)
            found = [as_missing(row) for row in keys[start : start + size]]
            waiting = quantities(rows, found)
            near = candidates(one.key for one in found)
            total = keys.count()
        items = [
            {
                **one._asdict(),
                "key": unset_as_null(one.key.as_factor()),
                "quantity": quantity,
                "nearest": nearest(one, near.get((one.key.category, one.key.activity), ())),
            }
            for one, quantity in zip(found, waiting, strict=True)
        ]
        return self.paginator.answer(self.get_serializer(items, many=True).data, total)


def unset_as_null(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value if value != "" else None for name, value in fields.items()}


class FacilityEmissionsView(LiveFacilities):
    """What one facility emits, broken down."""

    replicated = {"retrieve"}
    serializer_class = BreakdownSerializer
    filter_backends = []

    @extend_schema(
        tags=["facilities"],
        operation_id="facilities_emissions",
        summary="Break a facility's emissions down",
        parameters=[BreakdownQuery],
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """The sums of the facility's current lines by category, activity, scope, month or year."""
        params = plain_names(request.query_params)
        query = BreakdownQuery(
            data={
                name: params.getlist(name) if name == "group_by" else value
                for name, value in params.items()
            }
        )
        refuse_unknown(params, set(query.fields), {"group_by"})
        query.is_valid(raise_exception=True)
        asked = query.validated_data
        facility = self.get_object()
        question = Question(
            facility.organization_id,
            asked["period"],
            facility_ids=[facility.pk],
            as_of=asked.get("as_of"),
        )
        with one_snapshot():
            items = [
                {**keys, **sums.kilograms()._asdict()}
                for keys, sums, _ in question.grouped(asked["group_by"])
            ]
            return Response({"items": items, **question.total().kilograms()._asdict()})


class FacilityCoverageView(LiveFacilities):
    """Which days a facility has bills for."""

    replicated = {"retrieve"}
    serializer_class = DaysCoveredSerializer
    filter_backends = []

    @extend_schema(
        tags=["facilities"],
        operation_id="facilities_coverage",
        summary="See which days of a year are billed",
        parameters=[CoverageQuery],
    )
    def retrieve(self, request: Request, pk: str) -> Response:
        """By category, activity, CUPS and meter: the days with an actual bill, an estimate, two
        bills or none. Refills, corrections and deliveries of fuel are not looked at."""
        facility = self.get_object()
        params = plain_names(request.query_params)
        query = CoverageQuery(data=params.dict())
        refuse_unknown(params, set(query.fields), set())
        query.is_valid(raise_exception=True)
        year = query.validated_data.get("year") or timezone.localdate().year
        body = {
            "facility_id": facility.pk,
            "year": year,
            "days": (date(year, 12, 31) - date(year, 1, 1)).days + 1,
            "items": covered(facility, year),
        }
        return Response(self.get_serializer(body).data)
