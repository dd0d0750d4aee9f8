"""How the admin looks: its names, colours, and what it loads besides its library's own files."""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def asset(path: str) -> Callable[[HttpRequest], str]:
    """The address of a bundled file, as it is when a page is asked for."""
    return lambda request: static(path)


LOOK: dict[str, Any] = {
    "SITE_TITLE": "Facilities API",
    "SITE_HEADER": "Facilities API",
    "SITE_SYMBOL": "eco",
    "SITE_URL": "/",
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "BORDER_RADIUS": "6px",
    "DASHBOARD_CALLBACK": "emissions.admin.dashboard.dashboard",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": asset("organizations/icon.svg")}
    ],
    "STYLES": [asset("organizations/admin.css"), asset("organizations/fitting.css")],
    "SCRIPTS": [
        asset("organizations/zone.js"),
        asset("emissions/charts.js"),
        asset("organizations/accessible.js"),
        asset("organizations/search.js"),
    ],
    "SHOW_LANGUAGES": True,
    "ACCOUNT": {
        "navigation": [
            {"title": _("Change password"), "link": reverse_lazy("admin:password_change")},
            {"title": _("Second factor"), "link": reverse_lazy("second_factor")},
        ]
    },
    "SIDEBAR": {"show_search": True, "command_search": True, "navigation": "config.menu.menu"},
    "COMMAND": {"search_callback": "config.menu.found"},
    "COLORS": {
        "primary": {
            "50": "oklch(98.2% .018 155.8)",
            "100": "oklch(96.2% .044 156.7)",
            "200": "oklch(92.5% .084 156)",
            "300": "oklch(87.1% .15 154.4)",
            "400": "oklch(79.2% .209 151.7)",
            "500": "oklch(62.7% .17 149.2)",
            "600": "oklch(52.7% .154 150.1)",
            "700": "oklch(44.8% .119 151.3)",
            "800": "oklch(39.3% .095 152.5)",
            "900": "oklch(33.5% .075 153)",
            "950": "oklch(26.6% .065 152.9)",
        },
    },
}
