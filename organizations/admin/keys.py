"""API keys."""

from datetime import timedelta
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import path
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from organizations.access.keys import MOST_HOURS
from organizations.admin.people import ROLES
from organizations.models import APIKey, Role
from organizations.staff import OrganizationFilter, TenantAdmin


@admin.register(APIKey)
class APIKeyAdmin(TenantAdmin):
    """A key is shown once, after it is made, and revoked rather than deleted."""

    view_role = edit_role = Role.ADMIN
    list_display = [
        "name",
        "organization",
        "role",
        "prefix",
        "expires_at",
        "revoked_at",
        "last_used_at",
        "last_used_from",
    ]
    list_filter = [
        ("organization", OrganizationFilter),
        "role",
        ("revoked_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["organization"]
    search_fields = ["name", "prefix", "organization__name"]
    search_help_text = _("Name, prefix or organization")
    autocomplete_fields = ["organization"]
    explained = {
        "organization": _("The key gives access to this organization only."),
        "name": _("What will use the key, so that you know later which one to revoke."),
        "role": ROLES,
        "expires_at": _(
            "It stops working then. Leave it empty to let it work until it is revoked."
        ),
    }
    change_form_outer_after_template = "admin/organizations/key_after.html"
    fields = [
        "organization",
        "name",
        "role",
        "expires_at",
        "prefix",
        "created_by",
        "revoked_at",
        "replaced_by",
        ("last_used_at", "last_used_from"),
    ]
    readonly_fields = [
        "prefix",
        "created_by",
        "revoked_at",
        "replaced_by",
        "last_used_at",
        "last_used_from",
    ]
    actions = ["revoke_selected"]

    def get_readonly_fields(self, request: HttpRequest, obj: APIKey | None = None) -> list[str]:
        return [*self.readonly_fields, "organization"] if obj else [*self.readonly_fields]

    def get_fields(self, request: HttpRequest, obj: APIKey | None = None) -> Any:
        return self.fields if obj else [one for one in self.fields if one in self.explained]

    def has_delete_permission(self, request: HttpRequest, obj: APIKey | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> None:
        if not change:
            obj.assign_key()
            obj.created_by_id = request.user.pk
        elif "expires_at" not in form.changed_data:
            obj.expires_at = form.initial["expires_at"]  # the form shows no fractions of a second
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: APIKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self.show(request, obj)

    def get_urls(self) -> list[Any]:
        rotate = self.admin_site.admin_view(self.rotate)
        mine = path("<path:object_id>/rotate/", rotate, name="organizations_apikey_rotate")
        return [mine, *super().get_urls()]

    def rotate(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Makes the key that follows, and says how long the old one still works."""
        key = self.get_object(request, object_id)
        if key is None or not self.has_change_permission(request, key):
            raise PermissionDenied
        back = redirect("admin:organizations_apikey_change", key.pk)
        hours = request.POST.get("overlap_hours", "")
        if request.method != "POST":
            return back
        if not (hours.isascii() and hours.isdigit() and int(hours) <= MOST_HOURS):
            self.message_user(
                request,
                gettext("Give whole hours, from 0 to {most}.").format(most=MOST_HOURS),
                messages.ERROR,
            )
            return back
        try:
            following = key.rotate(timedelta(hours=int(hours)), created_by_id=request.user.pk)
        except ValidationError as error:
            self.message_user(request, " ".join(error.messages), messages.ERROR)
            return back
        return self.show(request, following, replaces=key)

    def show(
        self, request: HttpRequest, obj: APIKey, replaces: APIKey | None = None
    ) -> HttpResponse:
        """The answer itself shows the key, so that it is kept in no session and no cookie."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("The new API key"),
            "content_title": gettext("The new API key"),
            "key": obj,
            "replaces": replaces,
        }
        response = TemplateResponse(request, "admin/organizations/key_created.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description=_("Revoke selected keys"), permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        active = list(queryset.filter(revoked_at=None))
        for key in active:
            key.revoke()
        self.message_user(request, gettext("Revoked {count}.").format(count=len(active)))
