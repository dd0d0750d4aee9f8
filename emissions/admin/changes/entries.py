"""The entries of every history that somebody sees, newest first, each with what it changed."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, Value
from django.db.models.functions import Concat
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext, gettext_noop

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility, Meter, SupplyPoint
from organizations.history import (
    CREATED,
    DELETED,
    NOTHING,
    FieldChange,
    differences,
    names_of,
    what_happened,
)
from organizations.models import APIKey, Import, ImportOutcome, User

KINDS: dict[str, Any] = {
    gettext_noop("facility"): Facility,
    gettext_noop("consumption"): Consumption,
    gettext_noop("factor"): EmissionFactor,
    "CUPS": SupplyPoint,
    gettext_noop("meter"): Meter,
}
"""What changes are kept of; the last two are changes of their facility."""

PARTS = (SupplyPoint, Meter)
IMPORT = gettext_noop("import")
"""A file or rows that were brought in: one entry, because what it has created has none."""

SIZE = 50
BASELINE = timedelta(minutes=1)
"""An entry that is so much younger than its moment was written at the first change of a row that
a command or a file had brought, so that the change has a before."""


class Asked(NamedTuple):
    """What the page is narrowed to."""

    kind: str = ""
    who: str = ""
    reason: str = ""
    first: date | None = None
    last: date | None = None
    organization: UUID | None = None
    before: UUID | None = None
    """Where the page begins: entries older than this one."""


class Entry(NamedTuple):
    """One change of one row."""

    kind: str
    history: Any
    when: datetime
    row: Any
    """What it is about, as it is now; of a CUPS or a meter, its facility; of an import, itself."""

    before: Any
    """The entry before it of the same row, or nothing."""

    who: str
    what: str
    fields: list[FieldChange]


def entries(request: HttpRequest, asked: Asked) -> tuple[list[Entry], UUID | None]:
    """A page of changes, and where the next one begins; None at the end."""
    found: list[tuple[str, Any]] = []
    for kind in (*KINDS, IMPORT):
        if asked.kind in ("", kind):
            rows = imports(request, asked) if kind == IMPORT else seen(request, KINDS[kind], asked)
            found += [(kind, one) for one in rows.order_by("-pk")[: SIZE + 1]]
    found.sort(key=lambda one: one[1].pk, reverse=True)  # UUIDv7: in order of time
    following = found[SIZE - 1][1].pk if len(found) > SIZE else None
    return described(found[:SIZE]), following


def imports(request: HttpRequest, asked: Asked) -> Any:
    """The imports that have stored something, which the user sees and has asked for."""
    page: Any = admin.site._registry[Import]
    stored = Import.objects.filter(outcome=ImportOutcome.STORED)
    rows = page.visible(stored.exclude(created=0, changed=0), request)
    if asked.who:
        rows = rows.filter(started_by__icontains=asked.who)
    if asked.reason:
        reason = Concat(Value("import "), "file_name", Value(" by "), "started_by")  # as_reason()
        rows = rows.annotate(reason=reason).filter(reason__icontains=asked.reason)
    return narrowed(rows.select_related("organization"), asked, "started_at")


def seen(request: HttpRequest, model: Any, asked: Asked) -> Any:
    """The entries of a model's history that the user sees and has asked for."""
    about = Facility if model in PARTS else model
    page: Any = admin.site._registry[about]
    rows = page.visible(model.history.all(), request)
    if asked.who:
        rows = rows.filter(by(asked.who))
    if asked.reason:
        rows = rows.filter(history_change_reason__icontains=asked.reason)
    return narrowed(rows, asked, "history_date")


def narrowed(rows: Any, asked: Asked, moment: str) -> Any:
    """Those of the organization and the days asked for, that are older than where the page begins;
    `moment` is the field that says when."""
    if asked.organization:
        rows = rows.filter(organization_id=asked.organization)
    if asked.first:
        rows = rows.filter(**{f"{moment}__gte": at_start(asked.first)})
    if asked.last:
        rows = rows.filter(**{f"{moment}__lt": at_start(asked.last + timedelta(days=1))})
    if asked.before:
        rows = rows.filter(pk__lt=asked.before)
    return rows


def by(name: str) -> Q:
    """The entries of people whose email or name, and of keys whose name, has this in it."""
    users = User.objects.filter(Q(email__icontains=name) | Q(name__icontains=name))
    keys = APIKey.objects.filter(name__icontains=name)
    return Q(history_user_id__in=users.values("pk")) | Q(history_api_key__in=keys.values("pk"))


def at_start(day: date) -> datetime:
    return timezone.make_aware(datetime(day.year, day.month, day.day))


def described(found: list[tuple[str, Any]]) -> list[Entry]:
    """Entries with what they changed; what only repeats how a row was loaded is left out."""
    kept = [(kind, one) for kind, one in found if kind != IMPORT]
    who = names_of([one for _, one in kept])
    before = befores(kept)
    rows = rows_of(kept)
    described = []
    for kind, one in found:
        if kind == IMPORT:
            by_whom = one.started_by or gettext("the service")
            described.append(Entry(kind, one, one.started_at, one, None, by_whom, "stored", []))
            continue
        was = before.get(one.history_id)
        if was is None and one.history_type == CREATED and written_later(one):
            continue
        about = rows.get((kind, one.facility_id if KINDS[kind] in PARTS else one.id))
        if KINDS[kind] in PARTS:
            fields, what = of_part(kind, was, one), "changed"
        else:
            fields, what = differences(was, one) if was else [], what_happened(was, one)
        if fields or what != "changed":
            described.append(Entry(kind, one, one.history_date, about, was, who(one), what, fields))
    return described


def of_part(kind: str, was: Any, one: Any) -> list[FieldChange]:
    """A code that a facility has got, has no more, or has changed."""
    gone, nothing = one.history_type == DELETED, gettext(NOTHING)
    now = nothing if gone else str(one.instance)
    then = str(was.instance) if was else str(one.instance) if gone else nothing
    return [FieldChange(gettext(kind), then, now)] if then != now else []


def written_later(one: Any) -> bool:
    """Whether an entry was written long after the moment that it is of (UUIDv7 has its own)."""
    written = datetime.fromtimestamp((one.history_id.int >> 80) / 1000, tz=one.history_date.tzinfo)
    return written - one.history_date > BASELINE


def befores(found: Iterable[tuple[str, Any]]) -> dict[UUID, Any]:
    """The entry before each of some entries, of the same row; one query a kind."""
    of_kind: defaultdict[str, list[Any]] = defaultdict(list)
    for kind, one in found:
        of_kind[kind].append(one)
    before = {}
    for kind, some in of_kind.items():
        newest = max(one.history_id for one in some)
        every = KINDS[kind].history.filter(id__in={one.id for one in some}, history_id__lte=newest)
        last: dict[UUID, Any] = {}
        for one in every.order_by("history_id"):
            if one.id in last:
                before[one.history_id] = last[one.id]
            last[one.id] = one
    return before


def rows_of(found: Iterable[tuple[str, Any]]) -> dict[tuple[str, UUID], Any]:
    """What the entries are about, as it is now."""
    wanted: defaultdict[str, set[UUID]] = defaultdict(set)
    for kind, one in found:
        wanted[kind].add(one.facility_id if KINDS[kind] in PARTS else one.id)
    rows: dict[tuple[str, UUID], Any] = {}
    for kind, ids in wanted.items():
        model: Any = Facility if KINDS[kind] in PARTS else KINDS[kind]
        found_here = model.objects.select_related("organization").in_bulk(list(ids))
        rows |= {(kind, pk): row for pk, row in found_here.items()}
    return rows
