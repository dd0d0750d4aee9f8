"""Where the account menu sends the language that somebody chooses for their pages."""

from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from organizations.models import Language, User


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Stores the language and goes back to the page that the menu was on."""
    user: Any = request.user
    if not (user.is_active and user.is_staff):
        return redirect("admin:login")
    language = request.POST.get("language")
    if language not in Language.values:
        return HttpResponseBadRequest("language: en or es")
    User.objects.filter(pk=user.pk).update(language=language)
    back = request.POST.get("next", "")
    allowed = url_has_allowed_host_and_scheme(
        back, {request.get_host()}, require_https=request.is_secure()
    )
    return redirect(back if allowed else reverse("admin:index"))
