"""What countries and categories are called on pages. The API and files keep their codes."""

from django_countries import countries

CATEGORIES = {
    "heat": "Heat",
    "electricity": "Electricity",
    "water": "Water",
    "recharge": "Refrigerants",
}


def category_name(code: str) -> str:
    """recharge, or Django's own word for it → Refrigerants."""
    return CATEGORIES.get(code.lower(), code)


def category_choices() -> list[tuple[str, str]]:
    return list(CATEGORIES.items())


def country_name(code: str) -> str:
    return countries.name(code) or code
