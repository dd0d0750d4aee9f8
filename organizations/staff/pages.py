"""The base of the admin's pages of tenants' rows."""

from datetime import date
from typing import Any
from uuid import UUID

from django.contrib.admin.utils import unquote
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils.translation import gettext
from unfold.admin import ModelAdmin, TabularInline

from organizations.history import changes_of
from organizations.models import Role
from organizations.staff.another import AddsAnother
from organizations.staff.cells import as_read
from organizations.staff.conflicts import AsksOnConflict, Meanwhile
from organizations.staff.forms import FORM_FIELDS, SearchedSelect
from organizations.staff.lists import CappedPaginator, Listing
from organizations.staff.reasons import AsksWhy
from organizations.staff.refusals import refusing
from organizations.staff.roles import is_superuser, organizations_of
from organizations.staff.undoing import UndoesChanges


class ReadOnly:
    """A page of what the service writes and people read."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False


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
            gone = gettext("It has been deleted meanwhile, or you may not use it. Choose another.")
            kwargs.setdefault("error_messages", {"invalid_choice": gone})
        parent: Any = super()
        if db_field.name in parent.get_autocomplete_fields(request):
            kwargs.setdefault("widget", SearchedSelect(db_field, self.admin_site))
        return parent.formfield_for_foreignkey(db_field, request, **kwargs)


class Explained:
    """A form whose fields say what they are, in the words of this page."""

    labels: dict[str, Any] = {}
    explained: dict[str, Any] = {}

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        words = {"labels": self.labels, "help_texts": self.explained}
        parent: Any = super()
        page: Any = self
        if obj is not None and not page.has_change_permission(request, obj):
            # Who may only read is not told what to type.
            words["help_texts"] = {field.name: "" for field in page.opts.fields}
        return parent.get_form(request, obj, change=change, **{**words, **kwargs})

    def get_formset(self, request: HttpRequest, obj: Any = None, **kwargs: Any) -> Any:
        words = {"labels": self.labels, "help_texts": self.explained}
        parent: Any = super()
        return parent.get_formset(request, obj, **{**words, **kwargs})

    def formfield_for_choice_field(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Nothing is chosen before somebody has chosen: the first unit of a list is a guess."""
        kwargs.setdefault("choices", db_field.get_choices(
            include_blank=db_field.blank or not db_field.has_default(),
            blank_choice=[("", gettext("Choose"))],
        ))  # fmt: skip
        parent: Any = super()
        return parent.formfield_for_choice_field(db_field, request, **kwargs)


class Saves(AsksWhy, UndoesChanges, AsksOnConflict, AddsAnother):
    """What a form is asked on its way to being stored, and what follows."""

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """What is refused while it is being stored is a sentence on the page it came from."""
        parent: Any = super()
        object_id = args[0] if args else kwargs.get("object_id")

        def view() -> Any:
            if request.method == "POST" and (answer := self.in_between(request, object_id)):
                return answer
            return parent.changeform_view(request, *args, **kwargs)

        def once_more() -> Any:
            try:
                return view()
            except Meanwhile:
                return view()

        return refusing(request, once_more)


class TenantAdmin(Saves, ScopedChoices, Explained, ModelAdmin):
    """A page of rows that belong to organizations."""

    view_role: str = Role.VIEWER
    organization_field = "organization_id"
    """What names a row's organization."""

    formfield_overrides = FORM_FIELDS
    paginator = CappedPaginator
    show_full_result_count = False
    list_per_page = 50
    list_filter_submit = True
    warn_unsaved_form = True

    readonly_preprocess_fields: Any = {}

    def __init__(self, model: Any, admin_site: Any) -> None:
        super().__init__(model, admin_site)
        names = {name: as_read(name_of) for name, name_of in getattr(model, "NAMED", {}).items()}
        self.readonly_preprocess_fields = {**names, **self.readonly_preprocess_fields}

    def visible(self, queryset: Any, request: HttpRequest) -> Any:
        """The rows of a queryset that the user may see."""
        if request.user.is_superuser:
            return queryset
        mine = organizations_of(request.user, self.view_role)
        return queryset.filter(**{f"{self.organization_field}__in": mine})

    def get_queryset(self, request: HttpRequest) -> Any:
        return self.visible(super().get_queryset(request), request)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, Any]:
        """What a link fills a new form with; what its field cannot hold is left out."""
        fields = {field.name: field for field in self.opts.concrete_fields}
        initial: dict[str, Any] = {}
        for name, text in super().get_changeform_initial_data(request).items():
            field = fields.get(name)
            if field is not None:
                try:
                    value = (field.target_field if field.is_relation else field).to_python(text)
                except ValidationError:
                    continue
                if isinstance(value, date):  # the form writes it as the page's language does
                    text = value
            initial[name] = text
        mine = organizations_of(request.user, self.edit_role)
        if "organization" in fields and len(mine) == 1 and not request.user.is_superuser:
            initial.setdefault("organization", mine[0])  # there is nothing to choose
        return initial

    def get_list_display(self, request: HttpRequest) -> Any:
        """Who is in one organization is not told which in every line."""
        columns = super().get_list_display(request)
        if is_superuser(request) or len(organizations_of(request.user)) > 1:
            return columns
        return [one for one in columns if one != "organization"]

    def usable(self, rows: Any, request: HttpRequest, role: str) -> Any:
        """Those of the rows that a new row may refer to."""
        if hasattr(rows, "live"):
            rows = rows.live()
        if request.user.is_superuser:
            return rows
        mine = organizations_of(request.user, role)
        return rows.filter(**{f"{self.organization_field}__in": mine})

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return Listing

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
            "title": gettext("Changes of {row}").format(row=row),
            "opts": self.opts,
            "original": row,
            "changes": changes_of(row),
        }
        return TemplateResponse(request, "admin/organizations/history.html", context)

    def delete_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        return refusing(request, lambda: super(TenantAdmin, self).delete_view(
            request, *args, **kwargs
        ))  # fmt: skip


class TenantInline(ScopedChoices, Explained, TabularInline):
    """Rows on the page of what they belong to: who may edit that may edit these."""

    formfield_overrides = FORM_FIELDS
    extra = 0
    view_role: str = Role.VIEWER

    def _may(self, request: HttpRequest, role: str, obj: Any) -> bool:
        return self.admin_site._registry[self.parent_model].may(request, role, obj)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.view_role, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.edit_role, obj)

    has_add_permission = has_delete_permission = has_change_permission


class SuperuserAdmin(Saves, Explained, ModelAdmin):
    """A page for superusers alone."""

    formfield_overrides = FORM_FIELDS
    paginator = CappedPaginator
    show_full_result_count = False

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> Any:
        return Listing

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
