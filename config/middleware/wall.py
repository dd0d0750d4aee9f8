"""Whose rows a request may see in the database (see organizations.database.wall)."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from organizations.database import wall
from organizations.staff.roles import seen_in_the_admin

STAFF = "/admin/"


def keep_the_wall(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: a request sees nobody's rows until the API has authenticated it; in the admin a
    superuser sees everybody's, and other staff those of their organizations."""

    def middleware(request: HttpRequest) -> HttpResponse:
        in_admin = request.path.startswith(STAFF)
        with wall.seeing(seen_in_the_admin(request.user) if in_admin else wall.NOBODY):
            response = get_response(request)
            wall.keep_while_streamed(response)
        return response

    return middleware
