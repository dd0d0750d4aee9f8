"""Two people edit one row: the second sees what the first has changed, and decides field by field.

A form carries what it was filled with, signed. When it comes back and the row says something else
by then, nothing is stored: a page shows each field that somebody else has changed, as it was, as
it is and as it was typed here, and asks which it shall be. Of a row that somebody else has deleted
it asks whether it shall come back.
"""

from typing import Any, NamedTuple

from django.contrib import messages
from django.contrib.admin.utils import unquote
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from organizations.history import changes_of
from organizations.staff.values.sent import (
    Values,
    as_sent,
    codes_sent,
    comparable,
    in_words,
    replace_codes,
)

BASE, CHOICE, RESTORE = "_base", "_choice-", "_restore"
DELETED = "deleted_at"
THEIRS, MINE = "theirs", "mine"
SALT = "organizations.staff.conflicts"


class Meanwhile(Exception):
    """The row was changed between the look at it and the save."""


class Conflict(NamedTuple):
    """A field that somebody else has changed since the form was filled."""

    name: str
    label: str
    before: str
    theirs: str
    mine: str
    untouched: bool
    """Whether it was left here as it was."""


class AsksOnConflict:
    """A page that stores no row over changes that its form has not shown."""

    admin_site: Any
    opts: Any
    restores_at_once = False
    """Whether a deleted row can come back without a preview of its own."""

    change_form_before_template = "admin/organizations/form_start.html"

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        row = kwargs.get("obj")
        if row is not None and row.pk and not context.get("add"):
            context["base"] = request.POST.get(BASE) or self.base_of(request, row.pk)
        parent: Any = super()
        return parent.render_change_form(request, context, *args, **kwargs)

    def base_of(self, request: HttpRequest, pk: Any) -> str:
        """What the row's form is filled with now, signed for this person and row."""
        page: Any = self
        row = page.model._default_manager.get(pk=pk)
        sent = {"about": self._about(request, row), "values": self.values_of(request, row)}
        return signing.dumps(sent, salt=SALT, compress=True)

    def _about(self, request: HttpRequest, row: Any) -> list[str]:
        return [row._meta.label, str(row.pk), str(request.user.pk)]

    def values_of(self, request: HttpRequest, row: Any) -> Values:
        """What a browser would send of each field, and of each list of codes, unchanged."""
        page: Any = self
        form = page.get_form(request, row, change=True)(instance=row)
        values = {name: as_sent(form[name]) for name in comparable(form)}
        for prefix, _, _, codes in self._lists(request, row):
            values[prefix] = {prefix: [code for _, code in codes]}
        if getattr(row, DELETED, None):
            values[DELETED] = {}
        return values

    def _lists(self, request: HttpRequest, row: Any) -> list[tuple[str, str, str, list[Any]]]:
        """The lists of codes beside the form: prefix, column, name, and (id, code) of each row."""
        page: Any = self
        found = []
        for inline in page.get_inline_instances(request, row):
            column = getattr(inline.formset, "column", None)
            if column:
                formset = inline.get_formset(request, row)
                rows = inline.get_queryset(request).filter(**{formset.fk.name: row})
                codes = [(str(one.pk), str(getattr(one, column))) for one in rows]
                found.append(
                    (formset.get_default_prefix(), column, inline.verbose_name_plural, codes)
                )
        return found

    def in_between(self, request: HttpRequest, object_id: str | None) -> HttpResponse | None:
        """What is asked before a form is stored; nothing where it may be."""
        page: Any = self
        row = page.get_object(request, unquote(object_id)) if object_id else None
        if row is None or not page.has_change_permission(request, row):
            return None
        base = self._sent_base(request, row)
        if base is None:
            return None
        now = self.values_of(request, row)
        if base == now:
            return None
        if DELETED in now and DELETED not in base:
            if not (self.restores_at_once and RESTORE in request.POST):
                return self._ask_back(request, row)
            row.restore()
            messages.success(request, gettext("{row} is back.").format(row=row))
            now = self.values_of(request, row)
        conflicts = self._conflicts(request, row, base, now)
        open_ones = [one for one in conflicts if f"{CHOICE}{one.name}" not in request.POST]
        if not open_ones:
            self._decide(request, row, conflicts, now)
            return None
        return self._ask_which(request, row, conflicts)

    def _sent_base(self, request: HttpRequest, row: Any) -> Values | None:
        try:
            sent = signing.loads(request.POST.get(BASE, ""), salt=SALT)
        except signing.BadSignature:
            return None
        return sent["values"] if sent["about"] == self._about(request, row) else None

    def _conflicts(
        self, request: HttpRequest, row: Any, base: Values, now: Values
    ) -> list[Conflict]:
        """The fields that are no longer what the form was filled with, and not what it says."""
        page: Any = self
        form_class = page.get_form(request, row, change=True)
        was = form_class(instance=row)
        typed = form_class(request.POST, instance=page.model._default_manager.get(pk=row.pk))
        changed = set(typed.changed_data)
        found = []
        for name in comparable(was):
            field, before = was.fields[name], base.get(name, {})
            if before == now[name] or name not in changed:
                continue
            mine = {one: request.POST.getlist(one) for one in {*before, *now[name]}}
            mine = {one: values for one, values in mine.items() if values}
            was_, is_, here = (in_words(field, one) for one in (before, now[name], mine))
            label = str(field.label)
            found.append(Conflict(name, label, was_, is_, here, mine == before))
        for prefix, column, label, codes in self._lists(request, row):
            theirs, old = [code for _, code in codes], base.get(prefix, {}).get(prefix, [])
            sent = codes_sent(request.POST, prefix, column)
            if theirs != old and sent is not None and sorted(sent) != sorted(theirs):
                was_, is_, here = (
                    ", ".join(one) or gettext("nothing") for one in (old, theirs, sent)
                )
                found.append(Conflict(prefix, label, was_, is_, here, sent == old))
        return found

    def _decide(
        self, request: HttpRequest, row: Any, conflicts: list[Conflict], now: Values
    ) -> None:
        """Makes of what was sent what has been decided, on top of the row as it is now."""
        data: QueryDict = request.POST.copy()
        theirs = {one.name for one in conflicts if data.get(f"{CHOICE}{one.name}") == THEIRS}
        for one in conflicts:
            data.pop(f"{CHOICE}{one.name}", None)
        lists = {prefix: (column, codes) for prefix, column, _, codes in self._lists(request, row)}
        for one in conflicts:
            if one.name in lists:
                column, codes = lists[one.name]
                wanted = None if one.name in theirs else codes_sent(data, one.name, column)
                replace_codes(data, one.name, column, codes, wanted)
            elif one.name in theirs:
                for name in [key for key in data if key == one.name]:
                    del data[name]
                for name, values in now[one.name].items():
                    data.setlist(name, values)
        data[BASE] = self.base_of(request, row.pk)
        request.POST = data  # type: ignore[assignment]

    def _ask_which(self, request: HttpRequest, row: Any, conflicts: list[Conflict]) -> HttpResponse:
        return self._asked(request, row, {"conflicts": conflicts})

    def _ask_back(self, request: HttpRequest, row: Any) -> HttpResponse:
        """What was typed of a row that is deleted, and whether to put it back."""
        page: Any = self
        form_class = page.get_form(request, row, change=True)
        typed = form_class(request.POST, instance=page.model._default_manager.get(pk=row.pk))
        was = form_class(instance=row)
        lost = []
        for name in comparable(was):
            if name in typed.changed_data:
                now, field = as_sent(was[name]), was.fields[name]
                sent = {one: request.POST.getlist(one) for one in now or {name: []}}
                pair = (in_words(field, one) for one in (now, sent))
                lost.append((str(field.label), *pair))
        return self._asked(request, row, {"deleted": True, "lost": lost})

    def _asked(self, request: HttpRequest, row: Any, more: dict[str, Any]) -> HttpResponse:
        last = changes_of(row)[:1] if hasattr(row, "history") else []
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("{row} has changed").format(row=row),
            "opts": self.opts,
            "row": row,
            "restores_at_once": self.restores_at_once,
            "last": last[0] if last else None,
            "hidden": [
                (name, value)
                for name, values in request.POST.lists()
                for value in values
                if name != "csrfmiddlewaretoken"
                and not name.startswith((CHOICE, "_confirmed", "_preview"))
            ],
            "back": request.get_full_path(),
            **more,
        }
        return TemplateResponse(request, "admin/organizations/conflict.html", context, status=409)

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        """The last look, while nobody else can write the row. Raises Meanwhile."""
        if change:
            page: Any = self
            self.hold(form.instance)
            stored = page.model._default_manager.get(pk=form.instance.pk)
            base = self._sent_base(request, stored)
            if base is not None and base != self.values_of(request, stored):
                raise Meanwhile
        parent: Any = super()
        return parent.save_form(request, form, change)

    def hold(self, row: Any) -> None:
        """Keeps everybody else from writing the row until the transaction ends."""
        type(row)._default_manager.select_for_update(no_key=True).get(pk=row.pk)
