"""What a browser sends of a form: of each field, and of the lists of codes beside it."""

from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext

from organizations.staff.values.pairs import PairsWidget

Values = dict[str, dict[str, list[str]]]
"""Field → what a browser sends of it: name of the input → values."""


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
