from rest_framework.routers import SimpleRouter

from benchmarks.rivals.stock_drf.views import ConsumptionViewSet, FacilityViewSet

router = SimpleRouter(trailing_slash=False)
router.register("v1/facilities", FacilityViewSet, basename="facility")
router.register("v1/consumptions", ConsumptionViewSet, basename="consumption")
urlpatterns = router.urls
