"""The base of pages whose rows are kept when they are deleted: one sentence before, Undo after."""

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import PermissionDenied, ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.urls import path, reverse
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from organizations.staff.numbers import shown_number
from organizations.staff.pages import TenantAdmin


class SoftDeleteAdmin(TenantAdmin):
    """Deleting keeps the row, so nothing that refers to it stands in the way; it can come back."""

    actions = ["delete_selected", "restore_selected"]
    restores_at_once = True
    delete_confirmation_template = "admin/organizations/soft_delete.html"
    delete_selected_confirmation_template = "admin/organizations/soft_delete_selected.html"
    change_form_outer_before_template = "admin/organizations/deleted.html"

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(require_POST(self.undelete_view))
        name = f"{self.opts.app_label}_{self.opts.model_name}_undelete"
        return [path("undelete/", view, name=name), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Once: what was released when it was deleted comes back by that moment."""
        if obj is not None and obj.deleted_at:
            return False
        return super().has_delete_permission(request, obj)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        objs = list(objs)
        names = [str(one) for one in objs]
        refused = {str(one) for one in objs if not self.has_delete_permission(request, one)}
        return names, {self.model._meta.verbose_name_plural: len(objs)}, refused, []

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        """The list, with one sentence and what undoes it."""
        self.say_deleted(request, obj_display, [obj_id])
        return HttpResponseRedirect(self._list())

    def _list(self) -> str:
        return reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_changelist")

    def say_deleted(self, request: HttpRequest, what: str, ids: list[Any]) -> None:
        messages.success(
            request, format_html(gettext("{} is deleted. {}"), what, self.undo(request, ids))
        )

    def undo(self, request: HttpRequest, ids: list[Any]) -> str:
        """The button that puts rows back."""
        return format_html(
            '<form method="post" action="{}" class="fa-undo"><input type="hidden" '
            'name="csrfmiddlewaretoken" value="{}">{}<button class="fa-link">{}</button></form>',
            reverse(f"admin:{self.opts.app_label}_{self.opts.model_name}_undelete"),
            get_token(request),
            format_html_join("", '<input type="hidden" name="id" value="{}">', ((i,) for i in ids)),
            gettext("Undo"),
        )

    def undelete_view(self, request: HttpRequest) -> HttpResponse:
        """Puts back what the Undo of a message, or of a line of all changes, is about."""
        rows = self.get_queryset(request).filter(pk__in=self._ids(request))
        self.restore_selected(request, rows)
        return HttpResponseRedirect(self._list())

    def _ids(self, request: HttpRequest) -> list[Any]:
        try:
            return [self.opts.pk.to_python(one) for one in request.POST.getlist("id")]
        except ValidationError:
            return []

    @admin.action(description=_("Delete selected %(verbose_name_plural)s"), permissions=["delete"])
    def delete_selected(self, request: HttpRequest, queryset: QuerySet) -> Any:
        """Asks first, as Django does; then says one sentence with Undo."""
        if not request.POST.get("post"):
            return delete_selected(self, request, queryset)
        rows = list(queryset)
        if not all(self.has_delete_permission(request, row) for row in rows):
            raise PermissionDenied
        self.log_deletions(request, queryset)
        self.delete_queryset(request, queryset)
        undo = self.undo(request, [row.pk for row in rows])
        if len(rows) == 1:
            self.say_deleted(request, str(rows[0]), [rows[0].pk])
        else:
            count = shown_number(len(rows))
            messages.success(request, format_html(gettext("{} are deleted. {}"), count, undo))
        return None

    @admin.action(description=_("Restore selected %(verbose_name_plural)s"), permissions=["change"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        for row in queryset.exclude(deleted_at=None):
            if not self.has_change_permission(request, row):
                self.message_user(
                    request,
                    gettext("{row} is not yours to restore.").format(row=row),
                    messages.ERROR,
                )
                continue
            try:
                row.restore()
            except ValidationError as error:
                reason = " ".join(error.messages)
                self.message_user(
                    request,
                    gettext("{row} stays deleted: {reason}").format(row=row, reason=reason),
                    messages.ERROR,
                )
            else:
                self.message_user(request, gettext("{row} is back.").format(row=row))
