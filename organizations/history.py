"""Who changed what, when, from what to what: in the API, the admin, commands and imports alike.

Saves are recorded by django-simple-history. Bulk writes send no signals: whoever changes many rows
does it in `recorded()`. History rows are a tenant's rows: they carry the organization, have
UUIDv7 ids, and are read through the row that they are about. What the calculation computes is not
history: the ledger has it.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat as uuid
from django.db import models
from django.db.models.signals import pre_save
from django.utils import timezone
from django.utils.formats import date_format, number_format
from django.utils.translation import gettext, gettext_noop
from simple_history.models import HistoricalRecords

from organizations.access.author import REQUEST
from organizations.database import bulk
from organizations.models import APIKey, Import, User
from organizations.tenancy import Caller

CREATED, CHANGED, DELETED = "+", "~", "-"
ABOUT = (
    "history_date",
    "history_type",
    "history_change_reason",
    "history_user_id",
    "history_api_key",
)
"""What a history's row says of the change, besides what was changed."""

BATCH = 5000
NOTHING = gettext_noop("nothing")
SAID_IN_A_WORD = ("deleted_at",)
"""Whether something was deleted or restored is what happened, and no field beside it."""

UNREMARKABLE = gettext_noop("changed")
SHOWN = 50
"""So many of the newest changes are shown on a page."""


def acting_key() -> UUID | None:
    """The API key that the current request came with."""
    user = getattr(REQUEST.get(), "user", None)
    return user.api_key_id if isinstance(user, Caller) else None


def acting_user_id() -> UUID | None:
    """Who is logged in or whose token it is; nobody outside a request or with a key."""
    user = getattr(REQUEST.get(), "user", None)
    if isinstance(user, Caller):
        return user.user_id
    return user.pk if isinstance(user, User) else None


class ByKey(models.Model):
    """A change that an API key made; a user's is in `history_user`."""

    history_api_key = models.UUIDField(null=True, editable=False, default=acting_key)

    class Meta:
        abstract = True


class Records(HistoricalRecords):
    """The history of a model, with what a row was before its first recorded change."""

    def finalize(self, sender: Any, **kwargs: Any) -> None:
        super().finalize(sender, **kwargs)
        if sender is self.cls:
            pre_save.connect(before_change, sender)

    def create_historical_record(
        self, instance: Any, history_type: str, using: str | None = None
    ) -> None:
        """The row as it was saved, in one statement and as a bulk write records its own."""
        model: Any = type(instance)
        history = history_of(model)
        names = [field.attname for field in history.tracked_fields]
        values = [getattr(instance, name) for name in names]
        reason = getattr(instance, "_change_reason", None)
        about = (timezone.now(), history_type, reason, acting_user_id(), acting_key())
        bulk.insert(history, ["history_id", *names, *ABOUT], [(uuid.uuid7(), *values, *about)])


@cache
def history_of(model: Any) -> Any:
    """The model of the history of a model."""
    return model.history.model


def before_change(instance: Any, **kwargs: Any) -> None:
    """A stored row that is saved for the first time since it was loaded."""
    if not instance._state.adding:
        keep_baseline(type(instance), [instance.pk])


def records(excluded: Iterable[str], references: Iterable[str]) -> HistoricalRecords:
    """The history of a model without its computed columns; `references` need no index there."""
    return Records(
        history_id_field=models.UUIDField(default=uuid.uuid7, editable=False),
        bases=[ByKey],
        excluded_fields=[*excluded, "created_at", "updated_at"],
        no_db_index=["organization", *references],
        user_db_constraint=False,
    )


def record(
    model: Any, ids: Iterable[UUID], kind: str = CHANGED, reason: str = "", user: Any = None
) -> None:
    """Records rows of a bulk write as they are stored now; call it in the write's transaction.

    `kind` is CREATED, CHANGED or DELETED; `reason` says what wrote them, such as
    "import facilities.csv"; `user` is who, if it is not the sender of the current request.
    """
    by = user.pk if user else acting_user_id()
    what = (timezone.now(), kind, reason or None, by, acting_key())
    _insert(model, ids, lambda organization_id, created_at: what)


@contextmanager
def recorded(model: Any, ids: Iterable[UUID], reason: str) -> Iterator[None]:
    """Around a bulk change of rows: what they were, if that is nowhere, and what they are."""
    ids = list(ids)
    keep_baseline(model, ids)
    yield
    record(model, ids, CHANGED, reason)


def keep_baseline(model: Any, ids: Iterable[UUID]) -> None:
    """Records how rows without any history were stored, so that a change has a before.

    A load of many rows is not recorded row by row: that would cost as much again. Their history
    begins here, with the first change, under the moment and the import that brought them.
    """
    history = history_of(model)
    wanted = list(ids)
    for start in range(0, len(wanted), BATCH):
        batch = wanted[start : start + BATCH]
        known = set(history.objects.filter(id__any_of=batch).values_list("id", flat=True))
        missing = [pk for pk in batch if pk not in known]
        if missing:
            _insert(model, missing, _as_loaded)


def _as_loaded(organization_id: UUID | None, created_at: datetime) -> tuple[Any, ...]:
    return (created_at, CREATED, imported(organization_id, created_at), None, None)


def imported(organization_id: UUID | None, created_at: datetime) -> str | None:
    """The organization's import during which a row was stored, in words."""
    then = Import.objects.filter(started_at__lte=created_at, finished_at__gte=created_at)
    source = then.filter(organization=organization_id).first()
    return source.as_reason() if source else None


def _insert(
    model: Any, ids: Iterable[UUID], about: Callable[[UUID | None, datetime], tuple[Any, ...]]
) -> None:
    """Stores rows as they are now in their history, with what `about` says of each."""
    history = history_of(model)
    tracked = [field.attname for field in history.tracked_fields]
    about = cache(about)
    wanted = list(ids)
    for start in range(0, len(wanted), BATCH):
        rows = model._base_manager.filter(pk__any_of=wanted[start : start + BATCH])
        # All are read before COPY has the connection.
        stored = list(rows.values_list("organization_id", "created_at", *tracked))
        bulk.insert(
            history,
            ["history_id", *tracked, *ABOUT],
            ((uuid.uuid7(), *row, *about(whose, when)) for whose, when, *row in stored),
        )


class FieldChange(NamedTuple):
    name: str
    before: Any
    after: Any


class Change(NamedTuple):
    """One entry of a row's history, with what became different."""

    when: datetime
    who: str
    what: str
    fields: list[FieldChange]


def changes_of(row: Any) -> list[Change]:
    """The newest changes of a row first, with those of its `HISTORY_PARTS`.

    The caller has seen to it that the row may be seen.
    """
    entries = list(row.history.order_by("-history_date", "-history_id")[: SHOWN + 1])
    found = []
    for entry, before in zip(entries[:SHOWN], [*entries[1:], None], strict=False):
        fields = differences(before, entry) if before else []
        what = what_happened(before, entry)
        if fields or what != UNREMARKABLE:
            found.append((entry, what, fields))
    for name in getattr(row, "HISTORY_PARTS", ()):
        found += part_changes(row, name)
    who = names_of([entry for entry, _, _ in found])
    changes = [
        Change(entry.history_date, who(entry), what, fields) for entry, what, fields in found
    ]
    if not entries:
        loaded_by = imported(row.organization_id, row.created_at) or gettext("a command")
        changes.append(Change(row.created_at, loaded_by, "created", []))
    return sorted(changes, key=lambda one: one.when, reverse=True)[:SHOWN]


def part_changes(row: Any, name: str) -> list[tuple[Any, str, list[FieldChange]]]:
    """What was added to a row, taken from it or changed in what belongs to it."""
    relation = getattr(type(row), name).rel
    model = relation.related_model
    entries = model.history.filter(**{relation.field.attname: row.pk})
    earlier: dict[UUID, str] = {}
    found = []
    for entry in entries.order_by("history_date", "history_id"):
        value = str(entry.instance)
        nothing = gettext(NOTHING)
        was = earlier.get(entry.id, value if entry.history_type == DELETED else nothing)
        now = earlier[entry.id] = nothing if entry.history_type == DELETED else value
        if was != now:
            found.append((entry, "changed", [FieldChange(model._meta.verbose_name, was, now)]))
    return found


def names_of(entries: list[Any]) -> Callable[[Any], str]:
    """Who made each of some entries, in words."""
    users = User.objects.in_bulk({one.history_user_id for one in entries if one.history_user_id})
    keys = APIKey.objects.in_bulk({one.history_api_key for one in entries if one.history_api_key})

    def who(entry: Any) -> str:
        user, key = users.get(entry.history_user_id), keys.get(entry.history_api_key)
        name = str(user) if user else gettext("API key {key}").format(key=key) if key else ""
        return " · ".join(filter(None, [name, entry.history_change_reason])) or gettext("a command")

    return who


def what_happened(before: Any, entry: Any) -> str:
    if before is None:
        if entry.history_type == CREATED:
            return gettext_noop("created")
        return gettext_noop("as it was first recorded")
    if getattr(entry, "deleted_at", None) and not before.deleted_at:
        return gettext_noop("deleted")
    if getattr(before, "deleted_at", None) and not entry.deleted_at:
        return gettext_noop("restored")
    return UNREMARKABLE


def differences(before: Any, after: Any) -> list[FieldChange]:
    """The tracked fields whose values differ, as people read them."""
    return [
        FieldChange(label(field), shown(before, field), shown(after, field))
        for field in after.tracked_fields
        if field.name not in SAID_IN_A_WORD
        and getattr(before, field.attname) != getattr(after, field.attname)
    ]


def changed_columns(before: Any, after: Any) -> list[str]:
    """The columns by which two entries of a row's history differ, but for its deletion."""
    return [
        field.attname
        for field in after.tracked_fields
        if field.name not in SAID_IN_A_WORD
        and getattr(before, field.attname) != getattr(after, field.attname)
    ]


def changed_fields(before: Any, after: Any) -> list[FieldChange]:
    """What is different between a row as it is stored and as it is wanted, as people read it."""
    model: Any = type(after)
    fields = history_of(model).tracked_fields if hasattr(model, "history") else model._meta.fields
    return [
        FieldChange(label(field), shown(before, field), shown(after, field))
        for field in fields
        if field.editable and getattr(before, field.attname) != getattr(after, field.attname)
    ]


def model_of(entry: Any) -> Any:
    """The model of a row, or of what an entry of a history is about."""
    return getattr(entry, "instance_type", type(entry))


def label(field: Any) -> str:
    return str(field.verbose_name).replace("co2e", "CO2e")


def shown(entry: Any, field: Any) -> str:
    value = getattr(entry, field.attname)
    if value in (None, "", []):
        return gettext(NOTHING)
    if field.is_relation:
        return str(field.related_model._base_manager.filter(pk=value).first() or value)
    name_of = model_of(entry).NAMED.get(field.name)
    if name_of:
        return ", ".join(map(name_of, value if isinstance(value, list) else [value]))
    if field.choices:
        return str(dict(field.flatchoices).get(value, value))
    if isinstance(value, Decimal):  # 1,047.5, not 1047.500000
        text = f"{value:f}"
        text = text.rstrip("0").rstrip(".") if "." in text else text
        return number_format(text, use_l10n=True, force_grouping=True)
    if isinstance(value, date):  # and no time, which is not tracked
        return date_format(value, "DATE_FORMAT")
    return ", ".join(value) if isinstance(value, list) else str(value)
