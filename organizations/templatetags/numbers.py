"""`{{ value|number }}`: a number as people read it."""

from django import template

from organizations.numbers import shown_number

register = template.Library()
register.filter("number", shown_number)
