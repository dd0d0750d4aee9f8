"""The one router of `/v1`."""

from django.urls import path
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiJsonRenderer2
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from config.pages import read_only
from emissions.importing.import_views import ImportViewSet
from emissions.importing.views import ImportLayoutViewSet, IntervalsView
from emissions.reports.closing_views import PeriodViewSet, RestatementsView
from emissions.reports.inventory.views import InventoryView
from emissions.reports.preview_views import (
    ConsumptionPreviewView,
    FacilityPreviewView,
    FactorPreviewView,
)
from emissions.reports.views import (
    EmissionsView,
    FacilityCoverageView,
    FacilityEmissionsView,
    LogisticsView,
    MissingFactorsView,
)
from emissions.views import ConsumptionViewSet, EmissionFactorViewSet, RecalculationViewSet
from facilities.views import FacilityViewSet
from organizations.views import (
    APIKeyViewSet,
    AuditEventViewSet,
    InvitationViewSet,
    LoginView,
    LogoutView,
    OrganizationView,
    RefreshView,
)

JSON = [OpenApiJsonRenderer2, OpenApiJsonRenderer]

router = SimpleRouter(trailing_slash=False)
router.register("facilities", FacilityViewSet, basename="facility")
router.register("consumptions", ConsumptionViewSet, basename="consumption")
router.register("emission-factors", EmissionFactorViewSet, basename="emission-factor")
router.register("recalculations", RecalculationViewSet, basename="recalculation")
router.register("imports", ImportViewSet, basename="import")
router.register("import-layouts", ImportLayoutViewSet, basename="import-layout")
router.register("api-keys", APIKeyViewSet, basename="api-key")
router.register("invitations", InvitationViewSet, basename="invitation")
router.register("audit-events", AuditEventViewSet, basename="audit-event")

urlpatterns = [
    # Above what would take their last part for an id.
    path(
        "emission-factors/preview",
        FactorPreviewView.as_view({"post": "preview"}),
        name="emission-factor-preview",
    ),
    path(
        "consumptions/preview",
        ConsumptionPreviewView.as_view({"post": "preview"}),
        name="consumption-preview",
    ),
    # Asked most.
    *router.urls,
    path("auth/login", LoginView.as_view(), name="login"),
    path("auth/refresh", RefreshView.as_view(), name="refresh"),
    path("auth/logout", LogoutView.as_view(), name="logout"),
    path("organization", OrganizationView.as_view({"get": "retrieve"}), name="organization"),
    path(
        "facilities/<pk>/emissions",
        FacilityEmissionsView.as_view({"get": "retrieve"}),
        name="facility-emissions",
    ),
    path(
        "facilities/<pk>/coverage",
        FacilityCoverageView.as_view({"get": "retrieve"}),
        name="facility-coverage",
    ),
    path("emissions/logistics", LogisticsView.as_view({"get": "list"}), name="emissions-logistics"),
    path("missing-factors", MissingFactorsView.as_view({"get": "list"}), name="missing-factors"),
    path("emissions", EmissionsView.as_view({"get": "list"}), name="emissions"),
    path(
        "consumptions/<pk>/intervals",
        IntervalsView.as_view({"get": "retrieve"}),
        name="consumption-intervals",
    ),
    path(
        "facilities/<pk>/preview",
        FacilityPreviewView.as_view({"post": "preview"}),
        name="facility-preview",
    ),
    path("reports/inventory", InventoryView.as_view({"get": "retrieve"}), name="inventory"),
    path("periods", PeriodViewSet.as_view({"get": "list"}), name="periods"),
    path("periods/<year>", PeriodViewSet.as_view({"get": "retrieve"}), name="period"),
    path("periods/<year>/close", PeriodViewSet.as_view({"post": "close"}), name="period-close"),
    path("periods/<year>/reopen", PeriodViewSet.as_view({"post": "reopen"}), name="period-reopen"),
    path(
        "periods/<year>/restatements",
        RestatementsView.as_view({"get": "list"}),
        name="period-restatements",
    ),
    path("schema", read_only(SpectacularAPIView.as_view(renderer_classes=JSON)), name="schema"),
    path("docs", read_only(SpectacularSwaggerSplitView.as_view(url_name="schema")), name="docs"),
]
