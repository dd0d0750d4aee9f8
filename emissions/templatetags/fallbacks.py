"""`{{ flags|fallbacks }}`: why a factor that is not the exact answer was taken, in words."""

from collections.abc import Iterable

from django import template
from django.utils.translation import gettext_lazy as _

from emissions.calculation.selection import (
    EARLIER_YEAR,
    LOCATION_FOR_MARKET,
    OLDER_GWP_SET,
    WIDER_REGION,
    WORLD,
)

WORDS = {
    EARLIER_YEAR: _("of an earlier year"),
    WIDER_REGION: _("as there is none of the region"),
    WORLD: _("as there is none of the country"),
    OLDER_GWP_SET: _("of an older GWP set"),
    LOCATION_FOR_MARKET: _("location-based, as there is no market-based one"),
}

register = template.Library()


@register.filter
def fallbacks(flags: Iterable[str]) -> str:
    return ", ".join(str(WORDS[one]) for one in flags)
