"""Numbers and sentences as people read them: `{{ kilograms|mass }}`, `{{ text|said }}`."""

from django import template

from organizations.staff.local import zone_name
from organizations.staff.numbers import shown_amount, shown_number
from organizations.staff.said import said
from organizations.staff.values.masses import shown_mass, signed_mass

register = template.Library()
register.filter("number", shown_number)
register.filter("mass", shown_mass)
register.filter("signed_mass", signed_mass)
register.filter("amount", shown_amount)
register.filter("said", said)
register.simple_tag(zone_name)
