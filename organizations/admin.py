"""Users, organizations, memberships and API keys in the admin."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.forms import AdminUserCreationForm
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest

from organizations.models import APIKey, Membership, Organization, User

admin.site.site_header = admin.site.site_title = "Facilities API"


class SoftDeleteAdmin(admin.ModelAdmin):
    """Deleting keeps the row, so nothing that refers to it stands in the way; it can come back."""

    actions = ["restore_selected"]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        objs = list(objs)
        names = [str(one) for one in objs]
        return names, {self.model._meta.verbose_name_plural: len(objs)}, set(), []

    @admin.action(description="Restore selected %(verbose_name_plural)s")
    def restore_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        for row in queryset.exclude(deleted_at=None):
            try:
                row.restore()
            except ValidationError as error:
                reason = " ".join(error.messages)
                self.message_user(request, f"{row} stays deleted: {reason}", messages.ERROR)
            else:
                self.message_user(request, f"{row} is back.")


class MembershipInline(admin.TabularInline):
    model = Membership
    extra = 0
    autocomplete_fields = ["user", "organization"]


@admin.register(User)
class UserAdmin(DjangoUserAdmin):
    add_form = AdminUserCreationForm
    ordering = ["email"]
    list_display = ["email", "name", "is_active", "is_staff", "is_superuser", "last_login"]
    search_fields = ["email", "name"]
    fieldsets = [
        (None, {"fields": ["email", "password", "name"]}),
        (
            "Access to the admin",
            {"fields": ["is_active", "is_staff", "is_superuser", "groups", "user_permissions"]},
        ),
    ]
    add_fieldsets = [
        (
            None,
            {"classes": ["wide"], "fields": ["email", "usable_password", "password1", "password2"]},
        )
    ]
    inlines = [MembershipInline]


@admin.register(Organization)
class OrganizationAdmin(admin.ModelAdmin):
    list_display = ["name", "id", "gwp_set", "created_at"]
    search_fields = ["name", "id"]
    readonly_fields = ["id", "created_at", "updated_at"]
    inlines = [MembershipInline]


@admin.register(Membership)
class MembershipAdmin(admin.ModelAdmin):
    list_display = ["user", "organization", "role"]
    list_filter = ["role"]
    list_select_related = ["user", "organization"]
    search_fields = ["user__email", "organization__name"]
    autocomplete_fields = ["user", "organization"]


@admin.register(APIKey)
class APIKeyAdmin(admin.ModelAdmin):
    """A key is shown once, after it is made, and revoked rather than deleted."""

    list_display = [
        "name",
        "organization",
        "role",
        "prefix",
        "expires_at",
        "revoked_at",
        "last_used_at",
    ]
    list_filter = ["role", ("revoked_at", admin.EmptyFieldListFilter)]
    list_select_related = ["organization"]
    search_fields = ["name", "prefix", "organization__name"]
    autocomplete_fields = ["organization"]
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

    def has_delete_permission(self, request: HttpRequest, obj: APIKey | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: APIKey, form: Any, change: bool) -> None:
        if not change:
            obj.assign_key()
            obj.created_by_id = request.user.pk
            messages.warning(request, f"The key, shown this once: {obj.key}")
        super().save_model(request, obj, form, change)

    @admin.action(description="Revoke selected keys")
    def revoke_selected(self, request: HttpRequest, queryset: QuerySet[APIKey]) -> None:
        active = queryset.filter(revoked_at=None)
        count = len(active)
        for key in active:
            key.revoke()
        self.message_user(request, f"Revoked {count}.")
