"""What files brought, what happened, and who is locked out."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from axes.models import AccessAttempt
from django.contrib import admin
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.html import format_html
from django.utils.timezone import localdate
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import DropdownFilter

from organizations.audit.event import Event
from organizations.audit.recording import record_export
from organizations.models import UNFINISHED, AuditEvent, Import, ImportOutcome, Role
from organizations.staff import OrganizationFilter, ReadOnly, SuperuserAdmin, TenantAdmin, number

LONGEST = 100
"""What a history's reason holds."""

LISTS = {
    "consumption": "emissions_consumption",
    "facilities": "facilities_facility",
    "emission factors": "emissions_emissionfactor",
}
"""What the rows of a kind of file are listed as."""

SECONDS_BETWEEN = "2"
"""After so long the page of an import that is under way looks again."""

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
        ("outcome", "progress_shown"),
        (REJECTED, WARNINGS),
        ("started_at", "finished_at"),
        (CREATED, CHANGED),
        ("its_rows", "its_changes"),
        UNCHANGED,
    ]
    readonly_fields: Any = [
        "kind_named",
        "progress_shown",
        "its_rows",
        "its_changes",
        CREATED,
        CHANGED,
        UNCHANGED,
        REJECTED,
        WARNINGS,
    ]
    change_form_outer_after_template = "admin/organizations/rejects.html"

    def change_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """One that the worker is at looks again by itself."""
        page = super().change_view(request, *args, **kwargs)
        row = getattr(page, "context_data", {}).get("original")
        if row and row.outcome in UNFINISHED:
            page["Refresh"] = SECONDS_BETWEEN
        return page

    def get_urls(self) -> list[Any]:
        rejects = self.admin_site.admin_view(self.rejects)
        name = "organizations_import_rejects"
        return [path("<uuid:pk>/rejects.csv", rejects, name=name), *super().get_urls()]

    def rejects(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """The refused rows as a file, to be mended and brought in as it is."""
        row = self.get_queryset(request).filter(pk=pk).first()
        if row is None or not self.has_view_permission(request, row):
            raise Http404
        record_export(row.organization_id, f"rejects-{row.pk}", "csv")
        return HttpResponse(
            row.rejects,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="rejects.csv"'},
        )

    @admin.display(description=_("kind"), ordering="kind")
    def kind_named(self, row: Import) -> str:
        return gettext(row.kind)

    @admin.display(description=_("progress"))
    def progress_shown(self, row: Import) -> str:
        return f"{row.progress} %"

    def created_by(self, row: Import) -> str:
        """The list of what an import has created, or nothing: it was all created as it began."""
        page = LISTS.get(row.kind)
        if page is None or not row.created or row.outcome != ImportOutcome.STORED:
            return ""
        return f"{reverse(f'admin:{page}_changelist')}?{urlencode({'created_at': row.started_at})}"

    @admin.display(description=_("what it has created"))
    def its_rows(self, row: Import) -> str:
        address = self.created_by(row)
        if not address:
            return "–"
        return format_html('<a href="{}">{}</a>', address, gettext("See what it has created"))

    @admin.display(description=_("changes"))
    def its_changes(self, row: Import) -> str:
        """Where the rows that it has changed are listed, and undone line by line."""
        if row.organization_id is None or not row.changed:
            return "–"
        asked = {
            "organization": str(row.organization_id),
            "reason": f"import {row.file_name}"[:LONGEST],
            "first": f"{localdate(row.started_at):%Y-%m-%d}",
            "last": f"{localdate(row.finished_at or row.started_at):%Y-%m-%d}",
        }
        address = f"{reverse('admin:emissions_consumption_changes')}?{urlencode(asked)}"
        return format_html('<a href="{}">{}</a>', address, gettext("See what it has changed"))


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
        "object_called",
    ]
    list_filter = [("organization", OrganizationFilter), EventFilter]
    list_select_related = ["organization"]
    search_fields = ["actor", "address", "object_id", "request_id"]
    search_help_text = _("Who, address, request, or the id of what it was done to")
    fields = [
        ("organization", "number"),
        ("recorded_at", "event_name"),
        ("actor", "address"),
        ("object_named", "object_called"),
        "object_id",
        "details",
        "request_id",
        ("previous_hash", "hash"),
    ]
    readonly_fields: Any = ["event_name", "object_named", "object_called"]

    @admin.display(description=_("event"), ordering="event")
    def event_name(self, row: AuditEvent) -> str:
        return str(dict(Event.choices).get(row.event, row.event))

    @admin.display(description=_("object type"), ordering="object_type")
    def object_named(self, row: AuditEvent) -> str:
        words = row.object_type.replace("_", " ").replace("api key", "API key")
        return gettext(words) if words else ""

    @admin.display(description=_("object"), ordering="object_id")
    def object_called(self, row: AuditEvent) -> str:
        """What the event says it is called; its id where it says nothing."""
        said = [row.details.get(name) for name in ("name", "email", "file_name")]
        if row.event in (Event.LOGIN, Event.LOGIN_FAILED, Event.LOGOUT):
            said.append(row.actor)  # who logs in does it themselves
        return str(next(filter(None, said), row.object_id))


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
