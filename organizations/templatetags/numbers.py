"""`{{ value|number }}` and `{{ value|signed }}`: numbers as people read them."""

from django import template

from organizations.staff.numbers import shown_number, signed_number

register = template.Library()
register.filter("number", shown_number)
register.filter("signed", signed_number)
