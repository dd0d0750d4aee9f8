"""Who sees what in the admin, and the base of its pages.

Superusers see everything. Other staff see the organizations they are members of, and do there what
their role says: the same roles, and the same querysets, as in the API. Every list, choice,
autocomplete, export, chart and page starts from `visible()`.
"""

from typing import Any
from uuid import UUID

from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.core.paginator import Paginator
from django.db import IntegrityError, OperationalError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.utils.functional import cached_property
from unfold.admin import ModelAdmin, TabularInline
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter

from organizations.history import changes_of
from organizations.models import Membership, Role, User
from organizations.permissions import RANK
from organizations.tenancy import in_the_way

COUNTED = 10_000
"""Lists count so far and no further: what a page shows does not depend on millions of others."""


def roles_of(user: Any) -> dict[UUID, str]:
    """The role of a user of the admin in each of their organizations, read once a request."""
    if not hasattr(user, "roles"):
        rows = Membership.objects.filter(user_id=user.pk) if isinstance(user, User) else ()
        user.roles = {row.organization_id: row.role for row in rows}
    return user.roles


def organizations_of(user: Any, role: str = Role.VIEWER) -> list[UUID]:
    """The organizations in which a user has at least a role."""
    return [one for one, mine in roles_of(user).items() if RANK[mine] >= RANK[role]]


class ReadOnly:
    """A page of what the service writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


def is_superuser(request: HttpRequest) -> bool:
    user: Any = request.user
    return user.is_active and user.is_staff and user.is_superuser


class CappedPaginator(Paginator):
    """Counts up to `COUNTED` rows; a list that is longer is to be filtered, not to be leafed."""

    template_name = "admin/organizations/pagination.html"

    @property
    def counted(self) -> str:
        """The count as it is shown: 26, or 10,000+."""
        return f"{COUNTED:,}+" if self.count > COUNTED else f"{self.count:,}"

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: COUNTED + 1].count() if isinstance(rows, QuerySet) else len(rows)


class ScopedChoices:
    """A form whose choices are the rows that the user sees and may use for a new one."""

    edit_role: str = Role.EDITOR
    admin_site: Any

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        related = self.admin_site._registry.get(db_field.related_model)
        if related is not None:
            rows = related.get_queryset(request)
            if isinstance(related, TenantAdmin):
                rows = related.usable(rows, request, self.edit_role)
            kwargs["queryset"] = rows
        parent: Any = super()
        return parent.formfield_for_foreignkey(db_field, request, **kwargs)


class TenantAdmin(ScopedChoices, ModelAdmin):
    """A page of rows that belong to organizations."""

    view_role: str = Role.VIEWER
    organization_field = "organization_id"
    """What names a row's organization."""

    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    warn_unsaved_form = True

    def visible(self, queryset: Any, request: HttpRequest) -> Any:
        """The rows of a queryset that the user may see."""
        if request.user.is_superuser:
            return queryset
        mine = organizations_of(request.user, self.view_role)
        return queryset.filter(**{f"{self.organization_field}__in": mine})

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.visible(super().get_queryset(request), request)

    def usable(self, rows: Any, request: HttpRequest, role: str) -> Any:
        """Those of the rows that a new row may refer to."""
        if hasattr(rows, "live"):
            rows = rows.live()
        if request.user.is_superuser:
            return rows
        mine = organizations_of(request.user, role)
        return rows.filter(**{f"{self.organization_field}__in": mine})

    def get_ordering(self, request: HttpRequest) -> Any:
        """Newest first: by the ids, which are in order of time, or by an organization's index."""
        return self.ordering or ("-pk",)

    def organization_of(self, row: Any) -> UUID | None:
        return getattr(row, self.organization_field)

    def may(self, request: HttpRequest, role: str, row: Any = None) -> bool:
        """Whether the user has a role where the row is, or anywhere if there is none yet."""
        user: Any = request.user
        if not (user.is_active and user.is_staff):
            return False
        if user.is_superuser:
            return True
        mine = organizations_of(user, role)
        return bool(mine) if row is None else self.organization_of(row) in mine

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.view_role, obj)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return self.may(request, self.edit_role)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.edit_role, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.may(request, self.edit_role, obj)

    def get_search_results(
        self, request: HttpRequest, queryset: Any, search_term: str
    ) -> tuple[Any, bool]:
        """A choice offers what may be chosen; a list shows the deleted ones too."""
        if request.path.endswith("/autocomplete/"):
            queryset = self.usable(queryset, request, Role.EDITOR)
        return super().get_search_results(request, queryset, search_term)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: Any = None
    ) -> HttpResponse:
        """What was changed anywhere, not in the admin alone, where that is recorded."""
        row = self.get_object(request, unquote(object_id))
        if row is None or not hasattr(row, "history"):
            return super().history_view(request, object_id, extra_context)
        context = {
            **self.admin_site.each_context(request),
            "title": f"Changes of {row}",
            "opts": self.opts,
            "original": row,
            "changes": changes_of(row),
        }
        return TemplateResponse(request, "admin/organizations/history.html", context)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What is refused while it is being stored is a sentence on the page it came from."""
        return refusing(request, lambda: super(TenantAdmin, self).changeform_view(
            request, *args, **kwargs
        ))  # fmt: skip

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return refusing(request, lambda: super(TenantAdmin, self).delete_view(
            request, *args, **kwargs
        ))  # fmt: skip


def refusing(request: HttpRequest, view: Any) -> HttpResponse:
    """Runs a page; what the rules or the database refuse comes back as a message."""
    try:
        return view()
    except ValidationError as error:
        sentence = " ".join(error.messages)
    except IntegrityError:
        sentence = "Somebody else has just stored something that this one collides with."
    except OperationalError as error:
        if not in_the_way(error):
            raise
        sentence = "Another write was in the way; send this one again."
    messages.error(request, f"Nothing has been saved. {sentence}")
    return HttpResponseRedirect(request.get_full_path())


class SoftDeleteAdmin(TenantAdmin):
    """Deleting keeps the row, so nothing that refers to it stands in the way; it can come back."""

    actions = ["restore_selected"]

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> tuple[list, dict, set, list]:
        objs = list(objs)
        names = [str(one) for one in objs]
        refused = {str(one) for one in objs if not self.has_delete_permission(request, one)}
        return names, {self.model._meta.verbose_name_plural: len(objs)}, refused, []

    @admin.action(description="Restore selected %(verbose_name_plural)s", permissions=["change"])
    def restore_selected(self, request: HttpRequest, queryset: QuerySet) -> None:
        for row in queryset.exclude(deleted_at=None):
            if not self.has_change_permission(request, row):
                self.message_user(request, f"{row} is not yours to restore.", messages.ERROR)
                continue
            try:
                row.restore()
            except ValidationError as error:
                reason = " ".join(error.messages)
                self.message_user(request, f"{row} stays deleted: {reason}", messages.ERROR)
            else:
                self.message_user(request, f"{row} is back.")


class TenantInline(ScopedChoices, TabularInline):
    """Rows on the page of what they belong to: who may edit that may edit these."""

    extra = 0
    view_role: str = Role.VIEWER

    def _may(self, request: HttpRequest, role: str, obj: Any) -> bool:
        return self.admin_site._registry[self.parent_model].may(request, role, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.view_role, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.edit_role, obj)

    has_add_permission = has_delete_permission = has_change_permission


class DeletedFilter(DropdownFilter):
    """Lists show what is there; the deleted ones are one click away."""

    title = "deleted"
    parameter_name = "deleted"
    all_option = ["", "Not deleted"]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", "Deleted"), ("all", "Both")]

    def queryset(self, request: HttpRequest, queryset: QuerySet) -> QuerySet:
        if self.value() == "yes":
            return queryset.exclude(deleted_at=None)
        return queryset if self.value() == "all" else queryset.filter(deleted_at=None)


class ScopedFilter(AutocompleteSelectFilter):
    """Chooses by a related row, by name, among those that the user sees."""

    def choices(self, changelist: Any) -> Any:
        related = changelist.model_admin.admin_site._registry[self.field.related_model]
        for choice in super().choices(changelist):
            for field in choice["form"].fields.values():
                field.queryset = related.get_queryset(self.request)
            yield choice


class OrganizationFilter(ScopedFilter):
    """For those who see more than one organization."""

    def has_output(self) -> bool:
        user: Any = self.request.user
        return user.is_superuser or len(roles_of(user)) > 1


class SuperuserAdmin(ModelAdmin):
    """A page for superusers alone."""

    paginator = CappedPaginator
    show_full_result_count = False

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_superuser(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_superuser(request)
