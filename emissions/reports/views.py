"""`/v1/emissions` and `/v1/facilities/{id}/emissions`."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http.response import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from emissions.reports.filters import ReportFilter, TotalsFilter
from emissions.reports.serializers import BreakdownQuery, BreakdownSerializer, TotalsSerializer
from emissions.reports.totals import Question, Sums, coverage, groups
from facilities.models import Facility
from organizations.database.snapshot import one_snapshot
from organizations.rest.filters import StrictFilterBackend, plain_names, refuse_unknown
from organizations.rest.tables import TABLES, table_response, wants_table
from organizations.rest.viewsets import TenantViewSet
from organizations.tenancy import TenantQuerySet, caller

ROWS_AT_ONCE = 2000


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

        def rows() -> Iterator[list[Any]]:
            with one_snapshot():
                for group in groups(question.grouped(group_by).iterator(ROWS_AT_ONCE)):
                    yield [*group.keys.values(), *group.sums]

        if wants_table(request):
            return table_response(request, "emissions", [*group_by, *Sums._fields], rows)
        with one_snapshot():
            grouped = question.grouped(group_by)
            return self.paginator.answer(
                [one.as_item() for one in groups(grouped[start : start + size])],
                grouped.count(),
                **question.total()._asdict(),
                coverage={name: part.as_item() for name, part in coverage(question).items()},
            )


class FacilityEmissionsView(LiveFacilities):
    """What one facility emits, broken down."""

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
        question = Question(facility.organization_id, asked["period"], facility_ids=[facility.pk])
        with one_snapshot():
            items = [
                {**keys, **sums.kilograms()._asdict()}
                for keys, sums in groups(question.grouped(asked["group_by"]))
            ]
            return Response({"items": items, **question.total().kilograms()._asdict()})
