"""A session that ends while somebody works in the admin: they log in and go on where they were.

What was sent with a session that had ended is kept in the new one, which knows nobody yet. After
the log-in the page that it was sent to asks whether to go on, and sends it once more. Who has
logged in anew in another tab, or has lost the cookies, sends a form with a token that counts no
more: it is kept, or asked about, in the same way.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode, urlsplit

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext

from config import errors

KEPT = "sent_without_a_session"
LONGEST = 200_000
"""Characters that are kept; a file is never."""

SECRET = "password"
OWN_FIELDS = ("csrfmiddlewaretoken",)


def resume_after_login(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: keeps a form over a log-in, and lets no log-in page appear inside a panel."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(reverse("admin:index")):
            return get_response(request)
        in_a_part = "HX-Request" in request.headers
        if request.method == "GET" and not in_a_part and (kept := kept_for(request)):
            return ask_to_go_on(request, kept)
        response = get_response(request)
        if not goes_to_login(request, response):
            return response
        by_script = request.headers.get("Sec-Fetch-Dest") == "empty" and not in_a_part
        if request.method == "POST" and not by_script:
            keep(request)
        if in_a_part:
            return HttpResponse(headers={"HX-Redirect": login_and_back(request)})
        return response

    return middleware


def form_out_of_date(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token counts no more. One of our own pages has sent it, or it is refused: what
    somebody else's page sends is never offered to be sent again."""
    user: Any = request.user
    login = reverse("admin:login")
    to_the_admin = request.path.startswith(reverse("admin:index"))
    if not (to_the_admin and is_own(request)) or "HX-Request" in request.headers:
        return errors.form_refused(request, reason)
    if user.is_active and user.is_staff:
        if request.path == login:  # logged in already, in another tab
            return HttpResponseRedirect(login)
        kept = {"path": request.get_full_path(), "fields": fields_of(request)}
        return ask_to_go_on(request, kept)
    if request.path == login:
        return errors.form_refused(request, reason)
    keep(request)
    return HttpResponseRedirect(login_and_back(request))


def is_own(request: HttpRequest) -> bool:
    """Whether a page of this host has sent a form, as the browser says: a page cannot say it."""
    sender = urlsplit(request.headers.get("Origin", ""))
    return (sender.scheme, sender.netloc) == (request.scheme, request.get_host())


def goes_to_login(request: HttpRequest, response: HttpResponse) -> bool:
    """Whether a page answers that one has to log in first."""
    login = reverse("admin:login")
    return (
        isinstance(response, HttpResponseRedirect)
        and urlsplit(response.url).path == login
        and request.path not in (login, reverse("admin:logout"))
    )


def keep(request: HttpRequest) -> None:
    """Keeps what was sent, but for passwords and files."""
    fields = fields_of(request)
    if sum(len(name) + len(value) for name, value in fields) <= LONGEST:
        request.session[KEPT] = {"path": request.get_full_path(), "fields": fields}


def fields_of(request: HttpRequest) -> list[tuple[str, str]]:
    """What was sent, but for passwords and files."""
    return [
        (name, str(value))
        for name, values in request.POST.lists()
        for value in values
        if name not in OWN_FIELDS and SECRET not in name
    ]


def login_and_back(request: HttpRequest) -> str:
    """The log-in page, which leads back: to where a form was sent, else to the page around it."""
    back = request.get_full_path()
    if request.method == "GET":
        address = urlsplit(request.headers.get("HX-Current-URL", ""))
        back = f"{address.path}?{address.query}" if address.query else address.path
    return f"{reverse('admin:login')}?{urlencode({'next': back})}"


def kept_for(request: HttpRequest) -> dict[str, Any] | None:
    """What was sent to this address before its sender logged in; it is given out once."""
    user: Any = request.user
    kept = request.session.get(KEPT)
    if (
        not kept
        or kept["path"] != request.get_full_path()
        or not (user.is_active and user.is_staff)
    ):
        return None
    del request.session[KEPT]
    return kept


def ask_to_go_on(request: HttpRequest, kept: dict[str, Any]) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": gettext("You are logged in again"),
        "kept": kept["fields"],
        "back": kept["path"],
    }
    response = render(request, "admin/resume.html", context)
    response["Cache-Control"] = "no-store"
    return response
