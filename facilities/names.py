"""What countries and categories are called on pages. The API and files keep their codes."""

from django.utils.translation import gettext_lazy as _
from django_countries import countries

CATEGORIES = {
    "heat": _("Heat"),
    "electricity": _("Electricity"),
    "water": _("Water"),
    "recharge": _("Refrigerants"),
}


def category_name(code: str) -> str:
    """recharge, or Django's own word for it → Refrigerants."""
    return str(CATEGORIES.get(code.lower(), code))


def category_choices() -> list[tuple[str, str]]:
    return [(code, str(name)) for code, name in CATEGORIES.items()]


def country_name(code: str) -> str:
    return str(countries.name(code)) or code
