from rest_framework.routers import SimpleRouter

from benchmarks.rivals.stock_drf.views import FacilityViewSet

router = SimpleRouter(trailing_slash=False)
router.register("v1/facilities", FacilityViewSet, basename="facility")
urlpatterns = router.urls
