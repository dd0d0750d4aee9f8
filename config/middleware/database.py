"""How long a request waits for the database, and what it is told where that was in vain."""

from collections.abc import Callable

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest, HttpResponse

from config.errors import database_unavailable
from organizations.database.postgresql.connections import COMMITS, LIMIT, LONG_JOB, limited
from organizations.database.replicas import reading
from organizations.database.unavailable import unavailable


class DatabaseLimits:
    """Limits every statement of a request, which begins on the primary; 503 for a page whose
    database cannot be used.

    The views of the API answer for themselves. What is sent while it is read from the database is a
    long job: the client has its status already.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        token = COMMITS.set([])
        try:
            with limited(settings.DB_STATEMENT_TIMEOUT), reading(DEFAULT_DB_ALIAS):
                response = self.get_response(request)
        finally:
            COMMITS.reset(token)
        if response.streaming:
            LIMIT.set(LONG_JOB)  # the server's thread reads it to its end now, then asks anew
        return response

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        return database_unavailable(request, error) if unavailable(error) else None
