"""Every address of the service."""

from django.contrib import admin
from django.urls import include, path, re_path
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import RedirectView

from config import pages
from config.errors import not_found
from config.operations import probes, scrape
from organizations.admin import language, second_factor
from organizations.people.joining import join

urlpatterns = [
    path("v1/", include("config.api")),  # asked most
    path("", pages.home, name="home"),
    path("healthz", probes.healthz, name="healthz"),
    path("readyz", probes.readyz, name="readyz"),
    path("metrics", scrape.metrics, name="metrics"),
    path("admin", RedirectView.as_view(url="/admin/")),
    path("admin/language/", language.choose, name="language"),
    path("admin/join/", join, name="join"),
    path("admin/second-factor/", second_factor.page, name="second_factor"),
    path("admin/password/", include("organizations.people.passwords")),
    path("admin/", admin.site.urls),
    # Also with DEBUG on, where Django would answer an unknown path with a page of its own.
    re_path("", csrf_exempt(not_found)),
]

handler400 = "config.errors.bad_request"
handler403 = "config.errors.permission_denied"
handler404 = "config.errors.not_found"
handler500 = "config.errors.server_error"
