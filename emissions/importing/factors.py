"""Emission factors from a file: published ones, or an organization's own."""

import copy
from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.db import transaction

from emissions.importing.factor_rows import (
    VALUES,
    Change,
    Periods,
    identity,
    store_factors,
    store_sources,
    values,
)
from emissions.importing.release import preview_of
from emissions.models import EmissionFactor, FactorSource
from emissions.serializers import EmissionFactorSerializer, FactorSourceSerializer
from organizations.importing.cells import Column, Fault, Refused, model_faults
from organizations.importing.importer import Importer, Row
from organizations.importing.spreadsheets import Unreadable, open_table
from organizations.tenancy import pass_gate

Differing = tuple[Row, EmissionFactor | None, EmissionFactor]
"""A row, the stored factor that it is, and the factor as it would be."""


class FactorImporter(Importer):
    """A row is a factor, told by its key (category, activity, place, …, unit) and first day."""

    kind = "emission factors"
    serializer = EmissionFactorSerializer
    required = ("category", "unit", "valid_from", "co2e")
    aliases = {"source_id": "source"}
    sources: Sequence[FactorSource] = ()
    """Who published them, to be stored first."""

    with_preview = False
    """Whether to say what storing them would move; for a dry run."""

    preview: Sequence[str] = ()
    """What was said, in lines of text."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._organization_id = self.organization.pk if self.organization else None
        self._read: list[tuple[Row, EmissionFactor]] = []
        self._lines: dict[tuple, int] = {}
        self._differing: list[Differing] = []

    def prepare(self) -> None:
        pass_gate(self._organization_id, exclusive=True)
        store_sources(self.sources)

    def store(self, rows: list[Row]) -> None:
        for row in rows:
            factor = EmissionFactor(organization=self.organization, **row.values)
            try:
                factor.check_alone()
            except ValidationError as error:
                self.refuse(row, model_faults(error, {}))
                continue
            if self.organization is None and factor.source_id is None:
                self.refuse(row, [Fault("source", "required", "A published factor has a source.")])
            elif (earlier := self._lines.setdefault(identity(factor), row.line)) != row.line:
                sentence = f"Line {earlier} is the same factor: its key and valid_from are these."
                self.refuse(row, [Fault("valid_from", "duplicate", sentence)])
            else:
                self._read.append((row, factor))

    def settle(self) -> None:
        """Holds every factor against those of its key as they would be, stored or in the file."""
        live = EmissionFactor.objects.live().filter(organization=self.organization)
        stored = {identity(one): one for one in live}
        others = Periods(one for key, one in stored.items() if key not in self._lines)
        for row, factor in self._read:
            existing = stored.get(identity(factor))
            factor = merged(existing, row, factor) if existing else factor
            if other := others.rival(factor):
                period = f"{other.valid_from} to {other.valid_to or 'further notice'}"
                is_stored = stored.get(identity(other)) is other
                of = (
                    f"the stored factor {other.pk}"
                    if is_stored
                    else (f"line {self._lines[identity(other)]}")
                )
                sentence = f"It overlaps {of} of the same key, valid {period}."
                self.refuse(row, [Fault("valid_from", "overlap", sentence)])
                if existing:
                    others.add(existing)
                continue
            others.add(factor)
            if existing and values(existing) == values(factor):
                self.report.unchanged += 1
            else:
                self._differing.append((row, existing, factor))
        good = self._store_good()
        self.report.created = sum(existing is None for _, existing, _ in good)
        self.report.changed = len(good) - self.report.created

    def _store_good(self) -> list[Differing]:
        """Stores what makes no figure too large, and refuses the rows that would."""
        before = transaction.savepoint()
        self._kept = Periods()
        good = list(self._stored(sorted(self._differing, key=frees_no_day)))
        if self.with_preview:
            transaction.savepoint_rollback(before)
            self.preview = list(preview_of(*self._sorted(good)))
        else:
            transaction.savepoint_commit(before)
        return good

    def _stored(self, rows: list[Differing]) -> Iterator[Differing]:
        """Stores rows together; where a figure would be too large, each half of them by itself,
        until the row that makes it so is alone. The days that a refused row would have given up
        stay taken: what was to be valid on them is refused too."""
        rows = [one for one in rows if self._is_free(one)]
        try:
            with transaction.atomic():
                store_factors(*self._sorted(rows), self.reason, self.now)
        except ValidationError as error:
            if len(rows) == 1:
                [(row, existing, _)] = rows
                self.refuse(row, faults_of_factor(error))
                if existing:
                    self._kept.add(existing)
                return
            middle = len(rows) // 2
            yield from self._stored(rows[:middle])
            yield from self._stored(rows[middle:])
        else:
            yield from rows

    def _is_free(self, one: Differing) -> bool:
        row, existing, factor = one
        kept = self._kept.rival(factor)
        if kept is None or kept is existing:
            return True
        sentence = f"It overlaps the stored factor {kept.pk}, whose own row is refused."
        self.refuse(row, [Fault("valid_from", "overlap", sentence)])
        if existing:
            self._kept.add(existing)
        return False

    @staticmethod
    def _sorted(rows: list[Differing]) -> tuple[list[EmissionFactor], list[Change]]:
        """The factors that are new, and those that change."""
        new = [factor for _, existing, factor in rows if existing is None]
        changes = [Change(existing, factor) for _, existing, factor in rows if existing]
        return new, changes


def frees_no_day(one: Differing) -> bool:
    """Rows that free days come first: what takes these days is stored after them."""
    _, existing, factor = one
    return existing is None or (factor.valid_to or date.max) >= (existing.valid_to or date.max)


def faults_of_factor(error: ValidationError) -> list[Fault]:
    """What is wrong with figures, as a fault of the factor that they are computed with."""
    return [fault._replace(column="co2e") for fault in model_faults(error, {})]


def merged(existing: EmissionFactor, row: Row, factor: EmissionFactor) -> EmissionFactor:
    """The stored factor with what the row says of it."""
    after = copy.copy(existing)
    names = {"source_id" if name == "source" else name for name in row.values}
    for name in names.intersection(VALUES):
        setattr(after, name, getattr(factor, name))
    return after


def read_sources(path: Path) -> list[FactorSource]:
    """Who published factors, from a file with the columns of the API's `source`.

    Raises Unreadable with everything that is wrong in it.
    """
    fields = FactorSourceSerializer().fields
    columns = {"source_id" if name == "id" else name: field for name, field in fields.items()}
    readers = {name: Column(name, field) for name, field in columns.items()}
    sources, problems = [], []
    with open_table(str(path)) as table:
        places = table.require(list(readers), ["source_id", "title"])
        width = len(table.columns)
        for line, cells in table.rows():
            if len(cells) != width:
                problems.append(f"line {line} has {len(cells)} cells and the header {width}.")
                continue
            said = {name: readers[name][cells[place]] for name, place in places.items()}
            for one in said.values():
                for fault in one if type(one) is Refused else ():
                    problems.append(f"line {line}: {fault.column}: {fault.detail}")
            sources.append(said)
    if problems:
        raise Unreadable(" ".join(problems))
    return [FactorSource(id=said.pop("source_id"), **said) for said in sources]
