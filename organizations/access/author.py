"""Who and what a change is recorded for: a caller of the API, staff in the admin, a command."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from organizations.models import APIKey, User
from organizations.tenancy import PATIENCE, Caller

SECONDS_TO_WAIT = 8
"""How long a request waits for what another write holds: less than a statement may take, so that it
is told what was in the way."""

LONGEST_CAUSE = 300

BECAUSE: ContextVar[str] = ContextVar("BECAUSE", default="")
REQUEST: ContextVar[HttpRequest | None] = ContextVar("REQUEST", default=None)


def remember_request(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: what happens during a request is its sender's doing, who does not wait long."""

    def middleware(request: HttpRequest) -> HttpResponse:
        patience = max(1, min(SECONDS_TO_WAIT, settings.DB_STATEMENT_TIMEOUT - 1))
        request_token, patience_token = REQUEST.set(request), PATIENCE.set(patience)
        try:
            return get_response(request)
        finally:
            REQUEST.reset(request_token)
            PATIENCE.reset(patience_token)

    return middleware


def author() -> str:
    """A person's email, an API key's name and prefix, or nothing outside a request."""
    request = REQUEST.get()
    user = getattr(request, "user", None)
    if isinstance(user, Caller):
        if user.api_key_id:
            return str(APIKey.objects.filter(pk=user.api_key_id).first() or "")
        return str(User.objects.filter(pk=user.pk or "").first() or "")
    return user.email if isinstance(user, User) else ""


@contextmanager
def because(what: str) -> Iterator[None]:
    """What happens inside does so for this reason, such as “import bills.csv by alice@…”."""
    token = BECAUSE.set(what)
    try:
        yield
    finally:
        BECAUSE.reset(token)


def cause() -> str:
    """Who is changing something and by what: “alice@example.com · PATCH /v1/consumptions/…”.

    The reason that `because` gave names its author itself.
    """
    if what := BECAUSE.get():
        return what[:LONGEST_CAUSE]
    request = REQUEST.get()
    if request is None:
        return "a command"
    return " · ".join(filter(None, [author(), f"{request.method} {request.path}"]))[:LONGEST_CAUSE]
