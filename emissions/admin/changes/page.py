"""The page of all changes: narrowed by a form, leafed by a link, undone line by line."""

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django import forms
from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import get_token
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import lazy
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.changes.entries import IMPORT, KINDS, PARTS, Asked, Entry, entries
from emissions.admin.links import page_of
from organizations.models import Import, Organization
from organizations.staff.undoing import UNDO, part_undone, undone

called = lazy(lambda kind: capfirst(gettext(kind)), str)


class AskedForm(forms.Form):
    """What the changes are narrowed by."""

    kind = forms.ChoiceField(
        choices=[("", _("Everything")), *((kind, called(kind)) for kind in (*KINDS, IMPORT))],
        required=False, label=_("Of"),
    )  # fmt: skip
    who = forms.CharField(required=False, max_length=100, label=_("By (email, name or key)"))
    reason = forms.CharField(required=False, max_length=100, label=_("Reason or file"))
    first = forms.DateField(
        required=False, label=_("From"), widget=forms.DateInput({"type": "date"})
    )
    last = forms.DateField(required=False, label=_("To"), widget=forms.DateInput({"type": "date"}))
    organization = forms.ModelChoiceField(
        Organization.objects.none(), required=False, empty_label=_("All organizations")
    )
    before = forms.UUIDField(required=False, widget=forms.HiddenInput)


def changes_page(page: Any, request: HttpRequest) -> HttpResponse:
    """Every change of what the user sees, newest first."""
    form = AskedForm(request.GET)
    choice: Any = form.fields["organization"]
    choice.queryset = admin.site._registry[Organization].get_queryset(request).order_by("name")
    found: list[Entry] = []
    following: UUID | None = None
    if form.is_valid():
        values = {name: value for name, value in form.cleaned_data.items() if value}
        if "organization" in values:
            values["organization"] = values["organization"].pk
        found, following = entries(request, Asked(**values))
    if choice.queryset.count() < 2:
        del form.fields["organization"]
    query = {name: value for name, value in request.GET.items() if name != "before" and value}
    context = {
        **page.admin_site.each_context(request),
        "title": gettext("Changes"),
        "content_title": gettext("Changes"),
        "form": form,
        "entries": [
            (one, address_of(one), undo_of(one, request), created_by(one)) for one in found
        ],
        "older": f"?{urlencode({**query, 'before': following})}" if following else "",
        "newest": f"?{urlencode(query)}" if request.GET.get("before") else "",
        "csrf": get_token(request),
    }
    return TemplateResponse(request, "admin/emissions/changes/changes.html", context)


def address_of(entry: Entry) -> str:
    return page_of(entry.row) if entry.row is not None else ""


def created_by(entry: Entry) -> str:
    """The list of what an import has created."""
    page: Any = admin.site._registry[Import]
    return str(page.created_by(entry.row)) if entry.kind == IMPORT else ""


def undo_of(entry: Entry, request: HttpRequest) -> dict[str, str]:
    """What undoes a change: an address to `open` or to `post` to; nothing where it is too late or
    not the user's."""
    row = entry.row
    if row is None or entry.kind == IMPORT:
        return {}
    page: Any = admin.site._registry[type(row)]
    name = f"admin:{row._meta.app_label}_{row._meta.model_name}"
    if not page.has_change_permission(request, row):
        return {}
    if entry.what == "deleted":
        if row.deleted_at is None:
            return {}
        if entry.kind == "factor":
            return {"open": reverse(f"{name}_restore", args=[row.pk])}
        return {"post": reverse(f"{name}_undelete")}
    if row.deleted_at is not None:
        return {}
    if entry.what in ("created", "restored"):
        return {"open": reverse(f"{name}_delete", args=[row.pk]), "label": gettext("Delete …")}
    if undone_here(entry):
        return {"open": f"{page_of(row)}?{urlencode({UNDO: entry.history.history_id})}"}
    return {}


def undone_here(entry: Entry) -> bool:
    """Whether the row, or its CUPS or meter, still holds what the change made it."""
    of = part_undone if KINDS[entry.kind] in PARTS else undone
    return bool(entry.fields) and bool(of(entry.row, str(entry.history.history_id)))
