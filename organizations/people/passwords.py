"""A forgotten password: a link by mail to set a new one, by views of Django's own.

The log-in page offers it where a mail server is set.
"""

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.contrib.auth import views
from django.http import Http404, HttpRequest, HttpResponseBase
from django.urls import path
from django.utils.translation import gettext_lazy as _


class InTheAdmin:
    """The look of the log-in page; where no mail server is set there is no such page."""

    template_name: Any = "organizations/password.html"
    extra_context: Any = {}

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not settings.MAIL_IS_SET:
            raise Http404
        parent: Any = super()
        return parent.dispatch(request, *args, **kwargs)

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        parent: Any = super()
        view: Any = self
        return {**admin.site.each_context(view.request), **parent.get_context_data(**kwargs)}


class Asked(InTheAdmin, views.PasswordResetView):
    email_template_name = "organizations/mail/password.txt"
    subject_template_name = "organizations/mail/password_subject.txt"
    title = _("A new password")
    extra_context = {
        "button": _("Send me a link"),
        "sentence": _("A link to set a new password comes by mail, if the address is known here."),
    }


class Sent(InTheAdmin, views.PasswordResetDoneView):
    title = _("Look into your mail")
    extra_context = {
        "sentence": _(
            "If the address is known here, a link comes within minutes. It works once, for three "
            "days."
        )
    }


class Chosen(InTheAdmin, views.PasswordResetConfirmView):
    title = _("Choose a new password")
    extra_context = {
        "button": _("Store it"),
        "sentence": _("It ends every log-in with the old one."),
    }


class Done(InTheAdmin, views.PasswordResetCompleteView):
    title = _("The new password is stored")
    extra_context = {"done": True}


urlpatterns = [
    path("", Asked.as_view(), name="password_reset"),
    path("sent/", Sent.as_view(), name="password_reset_done"),
    path("reset/<uidb64>/<token>/", Chosen.as_view(), name="password_reset_confirm"),
    path("done/", Done.as_view(), name="password_reset_complete"),
]
