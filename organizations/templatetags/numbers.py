"""Numbers and sentences as people read them: `{{ value|kg }}`, `{{ text|said }}`."""

from django import template

from organizations.staff.local import zone_name
from organizations.staff.numbers import (
    shown_amount,
    shown_kg,
    shown_mass,
    shown_number,
    signed_kg,
    signed_number,
)
from organizations.staff.said import said

register = template.Library()
register.filter("number", shown_number)
register.filter("signed", signed_number)
register.filter("kg", shown_kg)
register.filter("signed_kg", signed_kg)
register.filter("mass", shown_mass)
register.filter("amount", shown_amount)
register.filter("said", said)
register.simple_tag(zone_name)
