"""A change is undone on the row's own form: it opens with what was before, and is saved as any."""

from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest
from django.utils.translation import gettext

from organizations.history import DELETED, changed_columns

UNDO = "_undo"


class PartUndone(NamedTuple):
    """What a change of a code that belongs to a row made of it, to be taken back."""

    model: Any
    pk: Any
    before: str
    """The code that it was; nothing where it was added."""

    after: str
    """The code that it is; nothing where it was removed."""


class UndoesChanges:
    """A page whose form opens with what was before a change, for `?_undo=` of its history."""

    model: Any

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        parent: Any = super()
        row = parent.get_object(request, object_id, from_field)
        asked = request.GET.get(UNDO, "") if request.method == "GET" else ""
        if row is not None and asked and hasattr(row, "history"):
            self.open_with(request, row, asked)
        return row

    def open_with(self, request: HttpRequest, row: Any, asked: str) -> None:
        """Sets what a change has changed to what it was before; the row is not stored."""
        back = undone(row, asked)
        if back is None and part_undone(row, asked):
            back = {}  # its list of codes opens without the change
        if back is None:
            messages.warning(
                request, gettext("This cannot be undone: it has been changed again since.")
            )
            return
        for name, value in back.items():
            setattr(row, name, value)
        sentence = gettext(
            "The form shows what was before that change. Save it to undo the change."
        )
        messages.info(request, sentence)


def undone(row: Any, asked: str) -> dict[str, Any] | None:
    """Column → value before one change of a row; nothing if it holds no longer what the change
    made it, or there is no such change."""
    try:
        history_id = UUID(asked)
    except ValueError:
        return None
    entries = row.history.filter(history_id__lte=history_id).order_by("-history_id")
    newest = list(entries[:2])
    if len(newest) < 2 or newest[0].history_id != history_id:
        return None
    after, before = newest
    changed = changed_columns(before, after)
    if not changed or any(getattr(row, name) != getattr(after, name) for name in changed):
        return None
    return {name: getattr(before, name) for name in changed}


def part_undone(row: Any, asked: str) -> PartUndone | None:
    """What would take back a change of a code that belongs to a row (its `HISTORY_PARTS`);
    nothing if that code has been changed again since, or there is no such change."""
    try:
        history_id = UUID(asked)
    except ValueError:
        return None
    for name in getattr(row, "HISTORY_PARTS", ()):
        relation = getattr(type(row), name).rel
        model, owner = relation.related_model, relation.field.attname
        entry = model.history.filter(history_id=history_id, **{owner: row.pk}).first()
        if entry is not None:
            return _taken_back(model, entry)
    return None


def _taken_back(model: Any, entry: Any) -> PartUndone | None:
    stored = model._default_manager.filter(pk=entry.id).first()
    code = str(entry.instance)
    if entry.history_type == DELETED:
        return None if stored else PartUndone(model, entry.id, code, "")
    if stored is None or str(stored) != code:
        return None
    earlier = model.history.filter(id=entry.id, history_id__lt=entry.history_id)
    before = earlier.order_by("-history_id").first()
    was = "" if before is None or before.history_type == DELETED else str(before.instance)
    return None if was == code else PartUndone(model, entry.id, was, code)
