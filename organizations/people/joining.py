"""The page behind an invitation's link: somebody sets their name and password, and is a member."""

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import authenticate
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from organizations.database import wall
from organizations.models import Invitation, User
from organizations.people.inviting import accept

PASSWORD = forms.PasswordInput(attrs={"autocomplete": "new-password"})


class NewPersonForm(forms.Form):
    """For an address that nobody has logged in with yet."""

    name = forms.CharField(
        max_length=150, label=_("Name"), widget=forms.TextInput({"autocomplete": "name"})
    )
    password = forms.CharField(strip=False, label=_("Password"), widget=PASSWORD)
    again = forms.CharField(strip=False, widget=PASSWORD, label=_("The password once more"))

    def __init__(self, data: Any, request: HttpRequest, email: str) -> None:
        super().__init__(data)
        self.email = email

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if {"name", "password", "again"} <= given.keys():
            email = User.objects.normalize_email(self.email)
            language = get_language() or "en"  # they go on in the one they have read this page in
            self.user = User(email=email, name=given["name"], language=language)
            password = given["password"]
            if password != given["again"]:
                self.add_error("again", gettext("The two passwords are not the same."))
            try:
                validate_password(password, self.user)
            except ValidationError as error:
                self.add_error("password", error)
            self.user.set_password(password)
        return given


class KnownPersonForm(forms.Form):
    """For somebody who has a password here already."""

    password = forms.CharField(
        strip=False,
        label=_("Password"),
        widget=forms.PasswordInput({"autocomplete": "current-password"}),
    )

    def __init__(self, data: Any, request: HttpRequest, email: str) -> None:
        super().__init__(data)
        self.request, self.email = request, email

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if "password" in given:
            self.user: Any = authenticate(
                self.request, username=self.email, password=given["password"]
            )
            if self.user is None:
                self.add_error("password", gettext("This is not your password here."))
        return given


@sensitive_post_parameters()
@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def join(request: HttpRequest) -> HttpResponse:
    """Shows the invitation; nobody is logged in by it, they log in with their password next."""
    row = Invitation.of_token(request.GET.get("token", ""))
    if row is None:
        return page(request, None, status=404)
    with wall.seeing(wall.organizations([row.organization_id])):
        return joined(request, row)


def joined(request: HttpRequest, row: Invitation) -> HttpResponse:
    known = User.objects.filter(email__iexact=row.email).first()
    kind: Any = KnownPersonForm if known else NewPersonForm
    form = kind(request.POST or None, request, known.email if known else row.email)
    is_here = known is not None and known == request.user and known.is_active
    if request.method != "POST" or not (is_here or form.is_valid()):
        return page(request, row, form=form, known=known, is_here=is_here)
    user: Any = known if is_here else form.user
    try:
        accept(row, user, request)
    except ValidationError:
        return page(request, None, status=404)
    messages.success(
        request, gettext("You are a member of {name}.").format(name=row.organization.name)
    )
    return redirect("admin:index")


def page(
    request: HttpRequest, row: Invitation | None, status: int = 200, **context: Any
) -> HttpResponse:
    context |= {
        **admin.site.each_context(request),
        "title": gettext("Join"),
        "invitation": row,
    }
    return TemplateResponse(request, "organizations/join.html", context, status=status)
