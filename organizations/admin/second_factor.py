"""The page of the second factor, and who is sent there before any other page of the admin."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.safestring import mark_safe
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from organizations.access.due import DUE
from organizations.models import User
from organizations.people import second_factor
from organizations.staff.roles import roles_of

PASSED, WAITING = "second_factor_passed", "second_factor_waiting"
"""In the session: the factor that it was shown a code of; the secret that an app is to show its
first code of."""

OPEN = ("admin:login", "admin:logout", "admin:jsi18n", "second_factor", "join")
WRONG = _("This is not the code that the app shows now. Each code works once.")
PAUSED = _("There were too many wrong codes. Wait for a quarter of an hour.")


def must_have_one(request: HttpRequest) -> bool:
    """Whether an organization requires a second factor of the user."""
    user: Any = request.user
    if user.is_superuser:
        return bool(request.session.get(DUE))
    roles_of(user)
    return bool(user.must_have_second_factor)


def ask_second_factor(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Middleware: no page of the admin before the second factor."""

    def middleware(request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(reverse("admin:index")) or not is_due(request):
            return get_response(request)
        there = f"{reverse('second_factor')}?{urlencode({'next': back_to(request)})}"
        if "HX-Request" in request.headers:
            return HttpResponse(headers={"HX-Redirect": there})
        return redirect(there)

    return middleware


def is_due(request: HttpRequest) -> bool:
    user: Any = request.user
    if not (user.is_active and user.is_staff) or request.path in map(reverse, OPEN):
        return False
    if user.second_factor:
        return not has_passed(request, user)
    return must_have_one(request)


def has_passed(request: HttpRequest, user: User) -> bool:
    """Whether this session was shown a code of the factor that the user has now."""
    return bool(request.session.get(PASSED) == second_factor.mark_of(user))


def back_to(request: HttpRequest) -> str:
    return request.get_full_path() if request.method == "GET" else reverse("admin:index")


@sensitive_post_parameters("code")
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def page(request: HttpRequest) -> HttpResponse:
    """Asks for a code, sets the factor up or takes it away: what the user is there for."""
    user: Any = request.user
    if not (user.is_active and user.is_staff):
        return redirect(f"{reverse('admin:login')}?{urlencode({'next': request.get_full_path()})}")
    if not user.second_factor:
        return enrol(request, user)
    if not has_passed(request, user):
        return ask(request, user)
    return manage(request, user)


def enrol(request: HttpRequest, user: User) -> HttpResponse:
    secret = request.session.setdefault(WAITING, second_factor.new_secret())
    error = ""
    if request.method == "POST":
        codes = second_factor.set_up(user, secret, request.POST.get("code", ""))
        if codes:
            request.session.cycle_key()
            del request.session[WAITING]
            request.session[PASSED] = second_factor.mark_of(user)
            return shown(request, gettext("The second factor is set up"), codes=codes)
        error = str(WRONG)
    return shown(
        request,
        gettext("Set up a second factor"),
        error=error,
        picture=mark_safe(second_factor.as_picture(user, secret)),
        secret=second_factor.as_text(secret),
        required=must_have_one(request),
    )


def ask(request: HttpRequest, user: User) -> HttpResponse:
    error = wrong(request, user)
    if request.method == "POST" and not error:
        request.session.cycle_key()
        request.session[PASSED] = second_factor.mark_of(user)
        return redirect(next_page(request))
    return shown(request, gettext("The code of your app"), error=error, asked=True)


def manage(request: HttpRequest, user: User) -> HttpResponse:
    required = must_have_one(request)
    error = ""
    if request.method == "POST" and not required:
        error = wrong(request, user)
        if not error:
            second_factor.take_away(user)
            messages.success(request, gettext("The second factor is taken away."))
            return redirect("admin:index")
    left = len((user.second_factor or {})["recovery"])
    title = gettext("Your second factor")
    return shown(request, title, error=error, set_up=True, required=required, left=left)


def wrong(request: HttpRequest, user: User) -> str:
    """Why what was sent is no good; nothing where it is, or where nothing was sent."""
    if request.method != "POST":
        return ""
    try:
        return "" if second_factor.passes(user, request.POST.get("code", "")) else str(WRONG)
    except second_factor.Paused:
        return str(PAUSED)


def next_page(request: HttpRequest) -> str:
    wanted = request.GET.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        wanted, {request.get_host()}, require_https=request.is_secure()
    )
    return wanted if allowed else reverse("admin:index")


def shown(request: HttpRequest, title: str, **context: Any) -> HttpResponse:
    context |= {
        **admin.site.each_context(request),
        "title": title,
        "on": next_page(request),
    }
    return TemplateResponse(request, "organizations/second_factor.html", context)
