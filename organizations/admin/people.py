"""Users, organizations and memberships."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from organizations.admin.members import MembersPage
from organizations.models import Membership, Organization, Role, User
from organizations.staff import (
    OrganizationFilter,
    TenantAdmin,
    is_superuser,
    organizations_of,
)

ROLES = _(
    "Viewers read; editors also write facilities, consumption and the organization's own factors; "
    "admins also give access."
)
admin.site.index_title = _("Dashboard")
admin.site.unregister(Group)  # a membership's role says what somebody may do


class ListsMemberships:
    """A page that lists who is in what, each a link to where that is changed."""

    change_form_outer_after_template = "admin/organizations/memberships.html"

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row, page = kwargs.get("obj"), admin.site._registry[Membership]
        if row is not None and page.has_view_permission(request):
            rows = page.get_queryset(request).filter(pk__in=row.memberships.all())
            context["memberships"] = rows.select_related("user", "organization")
            context["may_add_membership"] = isinstance(row, User) and page.has_add_permission(
                request
            )
        parent: Any = super()
        return parent.render_change_form(request, context, *args, **kwargs)


@admin.register(User)
class UserAdmin(ListsMemberships, DjangoUserAdmin, TenantAdmin):  # type: ignore[misc]
    """Superusers edit people; an organization's admins see who its members are."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    view_role = edit_role = Role.ADMIN
    ordering = ("email",)
    list_display = ["email", "name", "is_active", "is_staff", "is_superuser", "last_login"]
    list_filter = ["is_active", "is_staff", "is_superuser"]
    filter_horizontal = ()
    search_fields = ["email", "name"]
    search_help_text = _("Email or name")
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "name", "language", "password"]}),
        (
            _("Access to the admin"),
            {
                "fields": ["is_active", "is_staff", "is_superuser", "last_login", "created_at"],
                "description": _(
                    "Staff may log in here and do in each organization what their "
                    "membership's role says; superusers may do everything."
                ),
            },
        ),
    ]
    add_fieldsets = [
        (
            None,
            {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]},
        )
    ]

    def visible(self, queryset: Any, request: HttpRequest) -> Any:
        if request.user.is_superuser:
            return queryset
        members = Membership.objects.filter(
            organization__in=organizations_of(request.user, self.view_role)
        )
        return queryset.filter(pk__in=members.values("user"))

    def has_view_permission(self, request: HttpRequest, obj: User | None = None) -> bool:
        if obj is None:
            return self.may(request, self.view_role)
        return self.visible(User.objects.filter(pk=obj.pk), request).exists()

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def usable(self, rows: Any, request: HttpRequest, role: str) -> Any:
        return rows


@admin.register(Organization)
class OrganizationAdmin(ListsMemberships, TenantAdmin):
    """Its admins edit it; superusers make new ones."""

    edit_role = Role.ADMIN
    organization_field = "pk"
    ordering = ["name", "id"]
    list_display = ["name", "id", "gwp_set", "created_at"]
    search_fields = ["name", "id"]
    search_help_text = _("Name or id")
    fields = ["name", "gwp_set", "second_factor_required", "id", "created_at", "updated_at"]
    readonly_fields = ["id", "created_at", "updated_at"]

    def get_fields(self, request: HttpRequest, obj: Organization | None = None) -> Any:
        return self.fields if obj else self.fields[:2]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(MembersPage, TenantAdmin):
    view_role = edit_role = Role.ADMIN
    list_display = ["user", "organization", "role"]
    list_filter = [("organization", OrganizationFilter), "role"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__email", "organization__name"]
    search_help_text = _("Email or organization")
    autocomplete_fields = ["user", "organization"]
    explained = {"role": ROLES}

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """One by one: the last admin stays."""
        for row in queryset:
            try:
                row.delete()
            except ValidationError as error:
                self.message_user(request, f"{row}: {' '.join(error.messages)}", messages.ERROR)
