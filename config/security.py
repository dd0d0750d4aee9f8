"""What a page of this service may load and from where: this host alone."""

from typing import Any

from csp.constants import NONE, SELF, UNSAFE_EVAL, UNSAFE_INLINE
from csp.middleware import CSPMiddleware
from django.http import HttpRequest, HttpResponseBase

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
