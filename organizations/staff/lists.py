"""How lists count, and what they are narrowed by."""

from typing import Any

from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.contrib.filters.admin import AutocompleteSelectFilter, DropdownFilter

from organizations.staff.numbers import shown_number
from organizations.staff.roles import roles_of

COUNTED = 10_000
"""Lists count so far and no further: what a page shows does not depend on millions of others."""


class CappedPaginator(Paginator):
    """Counts up to `COUNTED` rows; a list that is longer is to be filtered, not to be leafed."""

    template_name = "admin/organizations/pagination.html"

    @property
    def counted(self) -> str:
        """The count as it is shown: 26, or 10,000+."""
        if self.count > COUNTED:
            return f"{shown_number(COUNTED)}+"
        return shown_number(self.count)

    @cached_property
    def count(self) -> int:
        rows: Any = self.object_list
        return rows.order_by()[: COUNTED + 1].count() if isinstance(rows, QuerySet) else len(rows)


class Listing(ChangeList):
    """A list that says beside its title what it was narrowed to, and nothing if it was not."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        narrowed = bool(self.query or self.get_filters_params())
        if not narrowed or self.result_count > COUNTED:
            self.full_result_count = self.result_count


class DeletedFilter(DropdownFilter):
    """Lists show what is there; the deleted ones are one click away."""

    title = _("deleted")
    parameter_name = "deleted"
    all_option = ["", _("Not deleted")]

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("yes", gettext("Deleted")), ("all", gettext("Both"))]

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
