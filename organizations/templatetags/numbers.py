"""`{{ value|number }}`, `{{ value|signed }}`, `{{ value|kg }}`: numbers as people read them."""

from django import template

from organizations.staff.local import zone_name
from organizations.staff.numbers import shown_kg, shown_number, signed_number

register = template.Library()
register.filter("number", shown_number)
register.filter("signed", signed_number)
register.filter("kg", shown_kg)
register.simple_tag(zone_name)
