"""What files brought, what happened, and who is locked out."""

from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from organizations.audit.event import Event
from organizations.models import AuditEvent, Import, Role
from organizations.staff import OrganizationFilter, ReadOnly, SuperuserAdmin, TenantAdmin, number

CREATED, CHANGED, UNCHANGED, REJECTED, WARNINGS = (
    number(name, _(name)) for name in ("created", "changed", "unchanged", "rejected", "warnings")
)


@admin.register(Import)
class ImportAdmin(ReadOnly, TenantAdmin):
    """What files brought, and the first rows that were refused, with why."""

    list_display = [
        "started_at",
        "kind_named",
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
    search_help_text = _("File or kind")
    fields = [
        ("file_name", "kind_named"),
        ("organization", "started_by"),
        ("outcome", REJECTED),
        ("started_at", "finished_at"),
        (CREATED, CHANGED),
        (UNCHANGED, WARNINGS),
    ]
    readonly_fields: Any = ["kind_named", CREATED, CHANGED, UNCHANGED, REJECTED, WARNINGS]
    change_form_outer_after_template = "admin/organizations/rejects.html"

    @admin.display(description=_("kind"), ordering="kind")
    def kind_named(self, row: Import) -> str:
        return gettext(row.kind)


class EventFilter(DropdownFilter):
    title = _("event")
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
        "object_named",
        "object_id",
    ]
    list_filter = [("organization", OrganizationFilter), EventFilter]
    list_select_related = ["organization"]
    search_fields = ["actor", "address", "object_id", "request_id"]
    search_help_text = _("Who, address, request, or the id of what it was done to")
    fields = [
        ("organization", "number"),
        ("recorded_at", "event_name"),
        ("actor", "address"),
        ("object_named", "object_id"),
        "details",
        "request_id",
        ("previous_hash", "hash"),
    ]
    readonly_fields: Any = ["event_name", "object_named"]

    @admin.display(description=_("event"), ordering="event")
    def event_name(self, row: AuditEvent) -> str:
        return str(dict(Event.choices).get(row.event, row.event))

    @admin.display(description=_("object type"), ordering="object_type")
    def object_named(self, row: AuditEvent) -> str:
        words = row.object_type.replace("_", " ").replace("api key", "API key")
        return gettext(words) if words else ""


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
