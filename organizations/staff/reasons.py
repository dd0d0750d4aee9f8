"""Why somebody changes or deletes a row: asked beside the form, kept in the row's history."""

from typing import Any

from django.http import HttpRequest, HttpResponse

REASON = "_reason"
LONGEST = 100
"""What a history's column of it holds."""


class AsksWhy:
    """A page that keeps the reason that was given with a change."""

    change_form_after_template = "admin/organizations/form_end.html"
    model: Any

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        changing = kwargs.get("obj") is not None and hasattr(self.model, "history")
        context["asks_why"] = changing
        context["reason_given"] = request.POST.get(REASON, "")
        parent: Any = super()
        return parent.render_change_form(request, context, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        give_reason(request, obj)
        parent: Any = super()
        parent.save_model(request, obj, form, change)

    def save_formset(self, request: HttpRequest, form: Any, formset: Any, change: bool) -> None:
        for one in formset.forms:
            give_reason(request, one.instance)
        parent: Any = super()
        parent.save_formset(request, form, formset, change)

    def delete_model(self, request: HttpRequest, obj: Any) -> None:
        give_reason(request, obj)
        parent: Any = super()
        parent.delete_model(request, obj)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        """Each row by itself, so that its history has the reason."""
        for row in queryset:
            give_reason(request, row)
            row.delete()


def give_reason(request: HttpRequest, row: Any) -> None:
    """Lets the history of a row that is about to be stored say why."""
    reason = " ".join(request.POST.get(REASON, "").split())[:LONGEST]
    if reason:
        row._change_reason = reason
