"""What a log-in to the admin has still to do: superusers, who need no membership to see an
organization's rows, set a second factor up where any organization requires one of its members."""

from typing import Any

from django.http import HttpRequest

from organizations.database import wall
from organizations.models import Organization, User

DUE = "second_factor_due"
"""In the session of a superuser: whether a second factor is required."""


def remember_who_must(request: HttpRequest, user: User, **kwargs: Any) -> None:
    """At a log-in; others are looked up with their memberships, on every page."""
    if user.is_superuser and hasattr(request, "session"):
        with wall.seeing(wall.EVERYBODY):
            due = Organization.objects.filter(second_factor_required=True).exists()
        request.session[DUE] = due
