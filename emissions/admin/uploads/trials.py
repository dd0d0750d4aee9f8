"""What a file would do, by doing it and undoing it: counts, refused rows, and the figures."""

import csv
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from io import StringIO
from itertools import islice
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext

from emissions.admin.uploads.drafts import Draft
from emissions.importing.kinds import ALLOWED, KINDS
from emissions.models import CalculationStatus, Consumption
from facilities.models import Facility
from organizations.importing.engine import NotStored, bring_in
from organizations.importing.importer import Importer
from organizations.importing.layouts.layout import Layout
from organizations.importing.options import SKIP, Options
from organizations.importing.rejects import REASONS, Report
from organizations.importing.spreadsheets import Table, Unreadable, open_table
from organizations.models import Organization
from organizations.staff.said import said

SAMPLE = 5
MENDABLE = 50
"""Refused rows that are shown to be mended at once."""

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

    reasons: str


class Move(NamedTuple):
    """A facility's kg CO2e before and after; nothing before where it is new."""

    facility: str
    before: Decimal | None
    after: Decimal


@dataclass
class Trial:
    """What a draft would do; `error` says why nothing can be said."""

    columns: list[Sampled] = field(default_factory=list)
    layout: str = ""
    error: str = ""
    code: str = ""
    report: Report | None = None
    refusals: list[Refusal] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    moved: int = 0
    without_figure: int = 0
    """Consumption that has no figure afterwards and was not there, or had one, before."""

    @property
    def codes(self) -> set[str]:
        return {one["code"] for one in self.report.first} if self.report else set()


@contextmanager
def opened(draft: Draft) -> Iterator[Table]:
    """The table of a draft, as it was mended. Raises Unreadable."""
    with open_table(str(draft.path)) as table:
        table.mended = draft.mended
        yield table


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


def attempt(draft: Draft, organization: Organization, started_by: str) -> Trial:
    """Brings the good rows of a draft in, looks at what that makes, and undoes it."""
    trial = Trial()
    rejects = StringIO()
    try:
        options = options_of(draft, started_by, SKIP)
        with opened(draft) as table:
            kind = KINDS[draft.kind]
            trial.layout = kind.choose(organization, table.head(), options).name
            try:
                importer: Importer = kind.of(organization, table, options)
            finally:
                trial.columns = sample(table, {})
            trial.columns = sample(table, importer.places)
            with transaction.atomic():
                before = standing(organization)
                trial.report = bring_in(importer, draft.name, rejects=rejects)
                after = standing(organization)
                transaction.set_rollback(True)
            trial.refusals = refusals(table, rejects, trial.report)
    except Unreadable as error:
        trial.error, trial.code = said(str(error)), error.code
    except NotStored as error:
        trial.error, trial.code = (
            gettext("Nothing can be said now: {error}").format(error=said(str(error))),
            "conflict",
        )
    else:
        moves = list(differences(before, after))
        trial.moves, trial.moved = moves[:MOVES], len(moves)
        trial.without_figure = after.without_figure - before.without_figure
    return trial


def store(draft: Draft, organization: Organization, started_by: str, on_error: str) -> Report:
    """Brings a draft in. Raises Unreadable and NotStored.

    What it refuses is kept with the import, which the API shows too: in English.
    """
    options = options_of(draft, started_by, on_error)
    with translation.override("en"), opened(draft) as table:
        importer = KINDS[draft.kind].of(organization, table, options)
        return bring_in(importer, draft.name, rejects=StringIO(), keep=True)


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
    """The first refused rows, from the file that a command would write of them."""
    rejects.seek(0)
    lines = csv.DictReader(rejects, delimiter=table.delimiter)
    kept = [(place, name) for place, name in enumerate(table.columns) if name not in REASONS]
    found, why = [], defaultdict(list)
    for one in report.first:
        why[str(one["line"])].append(said(one["reason"]))
    for row in islice(lines, MENDABLE):
        wrong = row["column"].split("|")
        cells = [(place, name, row.get(name) or "", name in wrong) for place, name in kept]
        found.append(Refusal(int(row["line"]), cells, " ".join(why[row["line"]]) or row["reason"]))
    return found


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
