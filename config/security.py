"""What a page of this service may load and from where: this host alone."""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from django.conf import settings
from django.http import HttpRequest, HttpResponseBase
from django.utils.translation import gettext_lazy as _

PAGES: dict[str, list[str]] = {
    "default-src": [SELF],
    "script-src": [SELF],
    "style-src": [SELF, UNSAFE_INLINE],
    "img-src": [SELF, "data:"],
    "object-src": [NONE],
    "base-uri": [SELF],
    "form-action": [SELF],
    "frame-ancestors": [NONE],
}


OVER_HTTP = _(
    "Over plain http nobody can log in: the cookies go over https alone. Open the https:// "
    "address; behind a proxy that ends TLS, let it send X-Forwarded-Proto."
)


def over_http(request: HttpRequest) -> dict[str, Any]:
    """For the log-in page: why logging in cannot work, where it cannot; whether mail is set."""
    cannot = settings.SESSION_COOKIE_SECURE and not request.is_secure()
    return {"over_http": OVER_HTTP if cannot else "", "mail_is_set": settings.MAIL_IS_SET}


class ContentPolicy(CSPMiddleware):
    """Puts the policy on pages; JSON loads nothing.

    The admin's Alpine.js evaluates the expressions of its own templates, so there scripts of this
    host may evaluate.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        if request.path.startswith("/admin/"):
            page: Any = response
            page._csp_update = {"script-src": [UNSAFE_EVAL]}
        return super().process_response(request, response)
