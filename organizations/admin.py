"""Users, organizations, memberships, API keys, the audit and lock-outs in the admin."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.contrib.filters.admin import DropdownFilter
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from organizations.audit.event import Event
from organizations.models import APIKey, AuditEvent, Import, Membership, Organization, Role, User
from organizations.staff import (
    OrganizationFilter,
    ReadOnly,
    SuperuserAdmin,
    TenantAdmin,
    TenantInline,
    is_superuser,
    number,
    organizations_of,
)

admin.site.index_title = "Dashboard"

ROLES = (
    "Viewers read; editors also write facilities, consumption and the organization's own factors; "
    "admins also give access."
)
admin.site.unregister(Group)  # a membership's role says what somebody may do


class MembershipInline(TenantInline):
    model = Membership
    view_role = edit_role = Role.ADMIN
    autocomplete_fields = ["user", "organization"]
    hide_title = True
    explained = {"role": ROLES}


@admin.register(User)
class UserAdmin(DjangoUserAdmin, TenantAdmin):  # type: ignore[misc]
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
    search_help_text = "Email or name"
    readonly_fields = ["last_login", "created_at"]
    fieldsets = [
        (None, {"fields": ["email", "name", "password"]}),
        (
            "Access to the admin",
            {
                "fields": ["is_active", "is_staff", "is_superuser", "last_login", "created_at"],
                "description": "Staff may log in here and do in each organization what their "
                "membership's role says; superusers may do everything.",
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

    def get_inlines(self, request: HttpRequest, obj: User | None) -> list[Any]:
        return [MembershipInline] if request.user.is_superuser else []

    def usable(self, rows: Any, request: HttpRequest, role: str) -> Any:
        return rows


@admin.register(Organization)
class OrganizationAdmin(TenantAdmin):
    """Its admins edit it; superusers make new ones."""

    edit_role = Role.ADMIN
    organization_field = "pk"
    ordering = ["name", "id"]
    list_display = ["name", "id", "gwp_set", "created_at"]
    search_fields = ["name", "id"]
    search_help_text = "Name or id"
    fields = ["name", "gwp_set", "id", "created_at", "updated_at"]
    readonly_fields = ["id", "created_at", "updated_at"]
    inlines = [MembershipInline]

    def get_fields(self, request: HttpRequest, obj: Organization | None = None) -> Any:
        return self.fields if obj else self.fields[:2]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


@admin.register(Membership)
class MembershipAdmin(TenantAdmin):
    view_role = edit_role = Role.ADMIN
    list_display = ["user", "organization", "role"]
    list_filter = [("organization", OrganizationFilter), "role"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__email", "organization__name"]
    search_help_text = "Email or organization"
    autocomplete_fields = ["user", "organization"]
    explained = {"role": ROLES}


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
    ]
    list_filter = [
        ("organization", OrganizationFilter),
        "role",
        ("revoked_at", admin.EmptyFieldListFilter),
    ]
    list_select_related = ["organization"]
    search_fields = ["name", "prefix", "organization__name"]
    search_help_text = "Name, prefix or organization"
    autocomplete_fields = ["organization"]
    explained = {
        "organization": "The key opens this one alone.",
        "name": "What uses it, so that it is known what to revoke.",
        "role": ROLES,
        "expires_at": "Empty: when it is revoked.",
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
        "last_used_at",
    ]
    readonly_fields = ["prefix", "created_by", "revoked_at", "last_used_at"]
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
        super().save_model(request, obj, form, change)

    def response_add(
        self, request: HttpRequest, obj: APIKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        """The answer itself shows the key, so that it is kept in no session and no cookie."""
        context = {**self.admin_site.each_context(request), "title": "The new API key", "key": obj}
        response = TemplateResponse(request, "admin/organizations/key_created.html", context)
        response["Cache-Control"] = "no-store"
        return response

    @admin.action(description="Revoke selected keys", permissions=["change"])
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        active = list(queryset.filter(revoked_at=None))
        for key in active:
            key.revoke()
        self.message_user(request, f"Revoked {len(active)}.")


CREATED, CHANGED, UNCHANGED, REJECTED, WARNINGS = (
    number(name, name) for name in ("created", "changed", "unchanged", "rejected", "warnings")
)


@admin.register(Import)
class ImportAdmin(ReadOnly, TenantAdmin):
    """What files brought, and the first rows that were refused, with why."""

    list_display = [
        "started_at",
        "kind",
        "file_name",
        "organization",
        "outcome",
        CREATED,
        CHANGED,
        REJECTED,
        "started_by",
    ]
    list_filter = [("organization", OrganizationFilter), "outcome"]
    list_select_related = ["organization"]
    search_fields = ["file_name", "kind"]
    search_help_text = "File or kind"
    fields = [
        ("file_name", "kind"),
        ("organization", "started_by"),
        ("outcome", REJECTED),
        ("started_at", "finished_at"),
        (CREATED, CHANGED),
        (UNCHANGED, WARNINGS),
    ]
    readonly_fields: Any = [CREATED, CHANGED, UNCHANGED, REJECTED, WARNINGS]
    change_form_outer_after_template = "admin/organizations/rejects.html"


class EventFilter(DropdownFilter):
    title = "event"
    parameter_name = "event"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(one.value, str(one.label)) for one in Event]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        return queryset.filter(event=self.value()) if self.value() else queryset


@admin.register(AuditEvent)
class AuditEventAdmin(ReadOnly, TenantAdmin):
    """What somebody may have to answer for; for the organization's admins."""

    view_role = Role.ADMIN
    list_display = [
        "recorded_at",
        "organization",
        "event_name",
        "actor",
        "address",
        "object_type",
        "object_id",
    ]
    list_filter = [("organization", OrganizationFilter), EventFilter]
    list_select_related = ["organization"]
    search_fields = ["actor", "address", "object_id", "request_id"]
    search_help_text = "Who, address, request, or the id of what it was done to"
    fields = [
        ("organization", "number"),
        ("recorded_at", "event_name"),
        ("actor", "address"),
        ("object_type", "object_id"),
        "details",
        "request_id",
        ("previous_hash", "hash"),
    ]
    readonly_fields: Any = ["event_name"]

    @admin.display(description="event", ordering="event")
    def event_name(self, row: AuditEvent) -> str:
        return str(dict(Event.choices).get(row.event, row.event))


@admin.register(AccessAttempt)
class LockOutAdmin(SuperuserAdmin):
    """Wrong passwords; deleting a row opens its lock."""

    list_display = ["attempt_time", "username", "ip_address", "failures_since_start"]
    search_fields = ["username", "ip_address"]
    fields = ["username", "ip_address", "path_info", "failures_since_start", "attempt_time"]
    readonly_fields = fields
    ordering = ["-attempt_time"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
