"""`{{ code|activity_name }}`, `category_name`, `unit_name`: what pages call a code; `reason`: why
a bill has no figure, in their words; `country|place:region`."""

from django import template
from django.utils.translation import gettext_lazy as _

from emissions.names import activity_name, cause_in_words, place_name, reason_in_words, unit_name
from facilities.names import category_name

register = template.Library()
register.filter("activity_name", activity_name)
register.filter("category_name", category_name)
register.filter("unit_name", unit_name)
register.filter("reason", reason_in_words)
register.filter("cause", cause_in_words)
register.filter("place", place_name)


@register.filter
def unit_names(codes: list[str]) -> str:
    return ", ".join(map(unit_name, codes))


PER = {
    "energy": _("per unit of energy"),
    "net energy": _("per unit of net energy"),
    "volume": _("per unit of volume"),
    "mass": _("per unit of mass"),
}


@register.filter
def per_dimension(dimension: str) -> str:
    """volume → per unit of volume."""
    return str(PER[dimension])
