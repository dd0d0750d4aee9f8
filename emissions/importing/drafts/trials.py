"""What a file would do, by doing it and undoing it: counts, refused rows, and the figures."""

import csv
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from io import StringIO
from itertools import islice
from typing import Any, NamedTuple, Self
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from emissions.importing.background.queue import leave_to_worker
from emissions.importing.drafts.drafts import is_workers, opened
from emissions.importing.kinds import ALLOWED, KINDS
from emissions.models import CalculationStatus, Consumption
from facilities.models import Facility
from organizations.importing.engine import NotStored, bring_in, nobody
from organizations.importing.importer import Importer
from organizations.importing.layouts.choice import find_sheet
from organizations.importing.layouts.layout import Layout
from organizations.importing.options import SKIP, Options
from organizations.importing.progress import Quiet, Rows
from organizations.importing.rejects import REASONS, Report, storable
from organizations.importing.spreadsheets import Table, Unreadable
from organizations.importing.uploads import on_disk
from organizations.models import Draft, Import, ImportOutcome, Organization

SAMPLE = 5
MENDABLE = 50
"""Refused rows that are shown to be mended at once."""

MOST_FIELDS = settings.DATA_UPLOAD_MAX_NUMBER_FIELDS - 100
"""Of one form; a cell is two, what it was and what it is to be."""

MOVES = 50


class Sampled(NamedTuple):
    """A column of the file: its name, what it was taken for, its first cells."""

    theirs: str
    ours: str
    cells: list[str]


class Refusal(NamedTuple):
    """A refused row: its line, its cells with their positions, and what is wrong with it."""

    line: int
    cells: list[tuple[int, str, str, bool]]
    """(position, name of the column, text, whether it is at fault)"""

    reasons: list[str]
    """What is wrong with it, a sentence each, in English."""


class Move(NamedTuple):
    """A facility's kg CO2e before and after; nothing before where it is new."""

    facility: str
    before: Decimal | None
    after: Decimal


@dataclass
class Counts:
    """What becomes of its rows, and the first faults and warnings."""

    created: int
    changed: int
    unchanged: int
    rejected: int
    first: list[dict[str, Any]]
    warned: list[dict[str, Any]]

    @classmethod
    def of(cls, report: Report) -> Self:
        return cls(**{one.name: getattr(report, one.name) for one in fields(cls)})


@dataclass
class Trial:
    """What a draft would do; `error` says why nothing can be said."""

    columns: list[Sampled] = field(default_factory=list)
    layout: str = ""
    error: str = ""
    code: str = ""
    counts: Counts | None = None
    rejects: str = ""
    """The refused rows as CSV."""

    refusals: list[Refusal] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    moved: int = 0
    without_figure: int = 0
    """Consumption that has no figure afterwards and was not there, or had one, before."""

    @property
    def codes(self) -> set[str]:
        return {one["code"] for one in self.counts.first} if self.counts else set()

    def as_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> Self:
        return cls(
            **{
                **kept,
                "columns": [Sampled(*one) for one in kept["columns"]],
                "counts": Counts(**kept["counts"]) if kept["counts"] else None,
                "refusals": [Refusal(*one) for one in kept["refusals"]],
                "moves": [
                    Move(name, None if before is None else Decimal(before), Decimal(after))
                    for name, before, after in kept["moves"]
                ],
            }
        )


def options_of(draft: Draft, started_by: str, on_error: str) -> Options:
    """What has been said about a draft, for the engine."""
    said = draft.said
    layout: Layout | str = said.get("layout", "")
    if draft.columns:
        layout = Layout("", draft.kind, columns=draft.columns)
    return Options(
        on_error=on_error,
        allow=[one for one in ALLOWED.get(draft.kind, ()) if one in said.get("allow", ())],
        layout=layout,
        constants=draft.constants,
        facility=said.get("facility", ""),
        decimal=said.get("decimal") or None,
        dates=said.get("dates") or None,
        started_by=started_by,
    )


@translation.override("en")
def attempt(
    draft: Draft,
    organization: Organization,
    started_by: str,
    watch: Callable[[str, int], Rows | Quiet] = nobody,
) -> Trial:
    """Brings the good rows of a draft in, looks at what that makes, and undoes it.

    What it says is in English, whoever looks: a page says it in its reader's language.
    """
    trial = Trial()
    rejects = StringIO()
    try:
        options = options_of(draft, started_by, SKIP)
        with opened(draft) as table:
            kind = KINDS[draft.kind]
            trial.layout = find_sheet(kind, organization, table, options).name
            try:
                importer: Importer = kind.of(organization, table, options)
            finally:
                trial.columns = sample(table, {})
            trial.columns = sample(table, importer.places)
            with transaction.atomic():
                before = standing(organization)
                report = bring_in(importer, draft.file_name, rejects=rejects, watch=watch)
                after = standing(organization)
                transaction.set_rollback(True)
            trial.counts, trial.rejects = Counts.of(report), storable(rejects.getvalue())
            trial.refusals = refusals(table, rejects, report)
    except Unreadable as error:
        trial.error, trial.code = str(error), error.code
    except NotStored as error:
        trial.error, trial.code = (
            gettext("Nothing can be said now: {error}").format(error=error),
            "conflict",
        )
    else:
        moves = list(differences(before, after))
        trial.moves, trial.moved = moves[:MOVES], len(moves)
        trial.without_figure = after.without_figure - before.without_figure
    return trial


@transaction.atomic
def store(draft: Draft, organization: Organization, started_by: str, on_error: str) -> Import:
    """Brings a draft in, or leaves it to the worker, and gives the import's record; the draft is
    gone then, unless the import was refused. Raises Unreadable, NotStored and, where somebody else
    is storing it or has, Draft.DoesNotExist.

    What it refuses is kept with the import, which the API shows too: in English.
    """
    draft = Draft.objects.select_for_update(skip_locked=True).get(pk=draft.pk)
    options = options_of(draft, started_by, on_error)
    if is_workers(draft):
        with on_disk(draft) as path:
            record = leave_to_worker(
                organization,
                draft.kind,
                path,
                draft.file_name,
                options,
                user=draft.user_id,
                mended=draft.mended,
            )
    else:
        with translation.override("en"), opened(draft) as table:
            importer = KINDS[draft.kind].of(organization, table, options)
            report = bring_in(importer, draft.file_name, rejects=StringIO(), keep=True)
            record = report.record
    if record.outcome != ImportOutcome.REFUSED:
        draft.delete()
    return record


def sample(table: Table, places: dict[str, int]) -> list[Sampled]:
    """The columns of a file with their first cells."""
    try:
        rows = [cells for _, cells in islice(table.rows(), SAMPLE)]
    except Unreadable:
        rows = []
    taken: dict[int, list[str]] = {}
    for ours, place in places.items():
        taken.setdefault(place, []).append(ours)
    return [
        Sampled(
            name, ", ".join(taken.get(place, ())), ["".join(row[place : place + 1]) for row in rows]
        )
        for place, name in enumerate(table.columns)
    ]


def refusals(table: Table, rejects: StringIO, report: Report) -> list[Refusal]:
    """The first refused rows as the file has them, from what a command would write of them: there,
    those that are refused by what is stored come after those that cannot be read."""
    rejects.seek(0)
    lines = csv.DictReader(rejects, delimiter=table.delimiter)
    kept = [(place, name) for place, name in enumerate(table.columns) if name not in REASONS]
    found, why = [], defaultdict(list)
    for one in report.first:
        why[str(one["line"])].append(one["reason"])
    most = min(MENDABLE, MOST_FIELDS // max(2 * len(kept), 1))
    for row in islice(lines, most):
        wrong = row["column"].split("|")
        cells = [(place, name, row.get(name) or "", name in wrong) for place, name in kept]
        found.append(Refusal(int(row["line"]), cells, why[row["line"]] or [row["reason"]]))
    return sorted(found, key=lambda one: one.line)


class Standing(NamedTuple):
    """The totals of an organization's facilities, and how much of it has no figure."""

    totals: dict[UUID, tuple[str, Decimal]]
    without_figure: int


def standing(organization: Organization) -> Standing:
    rows = Facility.objects.for_organization(organization.pk).live().order_by("name", "pk")
    bills = Consumption.objects.for_organization(organization.pk).live()
    bills = bills.filter(co2e_status=CalculationStatus.NOT_CALCULATED, status="active")
    totals = {pk: (name, co2e) for pk, name, co2e in rows.values_list("pk", "name", "co2e")}
    return Standing(totals, bills.count())


def differences(before: Standing, after: Standing) -> Iterator[Move]:
    """The facilities that are new or have another total."""
    for pk, (name, co2e) in after.totals.items():
        was = before.totals.get(pk)
        if was is None or was[1] != co2e:
            yield Move(name, was[1] if was else None, co2e)
