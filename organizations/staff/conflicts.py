"""Two people edit one row: the second sees what the first has changed, and decides field by field.

A form carries what it was filled with, signed. When it comes back and the row says something else
by then, nothing is stored: a page shows each field that somebody else has changed, as it was, as
it is and as it was typed here, and asks which it shall be.
"""

from typing import Any, NamedTuple

from django import forms
from django.contrib.admin.utils import unquote
from django.core import signing
from django.http import HttpRequest, HttpResponse, QueryDict
from django.template.response import TemplateResponse
from django.utils.translation import gettext

from organizations.history import changes_of
from organizations.staff.values.pairs import PairsWidget

BASE, CHOICE = "_base", "_choice-"
THEIRS, MINE = "theirs", "mine"
SALT = "organizations.staff.conflicts"

Values = dict[str, dict[str, list[str]]]
"""Field → what a browser sends of it: name of the input → values."""


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
        last = changes_of(row)[:1] if hasattr(row, "history") else []
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("{row} has changed").format(row=row),
            "opts": self.opts,
            "row": row,
            "last": last[0] if last else None,
            "conflicts": conflicts,
            "hidden": [
                (name, value)
                for name, values in request.POST.lists()
                for value in values
                if name != "csrfmiddlewaretoken"
                and not name.startswith((CHOICE, "_confirmed", "_preview"))
            ],
            "back": request.get_full_path(),
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


def comparable(form: Any) -> list[str]:
    """The fields that are sent with a page: not those that nobody can change, such as the hash of
    a password, and no password."""
    return [
        name
        for name, field in form.fields.items()
        if not field.disabled and not isinstance(field.widget, forms.PasswordInput)
    ]


def as_sent(field: Any) -> dict[str, list[str]]:
    """What a browser sends of a form's field that nobody has touched."""
    widget, value = field.field.widget, field.value()
    if isinstance(widget, PairsWidget):
        return widget.sent(field.html_name, value)
    if isinstance(widget, forms.MultiWidget):
        parts = zip(widget.widgets, widget.decompress(value) or (), strict=True)
        return {
            f"{field.html_name}_{place}": [str(one.format_value(part) or "")]
            for place, (one, part) in enumerate(parts)
        }
    if isinstance(widget, forms.CheckboxInput):
        return {field.html_name: ["on"]} if value else {}
    shown = widget.format_value(value)
    values = shown if isinstance(shown, list | tuple) else [shown]
    texts = ["" if one is None else str(one) for one in values]
    return {field.html_name: texts} if texts else {}


def in_words(field: forms.Field, sent: dict[str, list[str]]) -> str:
    """What was sent of a field, as people read it."""
    if isinstance(field.widget, PairsWidget):
        return field.widget.in_words(sent)
    values = [one for some in sent.values() for one in some if one]
    if isinstance(field, forms.BooleanField):
        return gettext("yes") if values else gettext("no")
    if isinstance(field, forms.ModelChoiceField):
        rows: Any = field.queryset
        return ", ".join(
            str(one) for one in rows.model._base_manager.filter(pk__in=values)
        ) or gettext("nothing")
    if isinstance(field, forms.ChoiceField):
        choices: Any = field.choices
        labels = {
            str(key): str(name) for key, name in choices if not isinstance(name, list | tuple)
        }
        values = [labels.get(one, one) for one in values]
    return ", ".join(values) or gettext("nothing")


def codes_sent(data: Any, prefix: str, column: str) -> list[str] | None:
    """The codes that a form wants a row to have; nothing if it says nothing of them."""
    total = data.get(f"{prefix}-TOTAL_FORMS", "")
    if not total.isdecimal():
        return None
    rows = [f"{prefix}-{place}" for place in range(int(total))]
    kept = [one for one in rows if not data.get(f"{one}-DELETE")]
    return [code for one in kept if (code := data.get(f"{one}-{column}", "").strip())]


def replace_codes(
    data: QueryDict, prefix: str, column: str, stored: list[Any], wanted: list[str] | None
) -> None:
    """Makes a form want these codes of the rows that are stored now; None: leave them alone."""
    for name in [one for one in data if one.startswith(f"{prefix}-")]:
        del data[name]
    if wanted is None:
        return
    known = {code for _, code in stored}
    new = [code for code in dict.fromkeys(wanted) if code not in known]
    for place, (pk, code) in enumerate(stored):
        data[f"{prefix}-{place}-id"], data[f"{prefix}-{place}-{column}"] = pk, code
        if code not in wanted:
            data[f"{prefix}-{place}-DELETE"] = "on"
    for place, code in enumerate(new, len(stored)):
        data[f"{prefix}-{place}-{column}"] = code
    data[f"{prefix}-INITIAL_FORMS"] = str(len(stored))
    data[f"{prefix}-TOTAL_FORMS"] = str(len(stored) + len(new))
