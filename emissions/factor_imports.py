"""Emission factors from a file: published ones, or an organization's own."""

import copy
from collections import defaultdict
from datetime import date
from pathlib import Path
from typing import Any

from django.core.exceptions import ValidationError
from django.utils import timezone

from emissions.models import EmissionFactor, FactorSource
from emissions.reach import reaches
from emissions.runs import recalculate_everything_reached
from emissions.serializers import EmissionFactorSerializer, FactorSourceSerializer
from organizations.cells import Column, Fault, Refused, model_faults
from organizations.history import recorded
from organizations.imports import Importer, Row
from organizations.spreadsheets import Unreadable, open_table
from organizations.tenancy import pass_gate

IDENTITY = (*EmissionFactor.KEY, "valid_from")
VALUES = ("valid_to", "co2e", "co2e_biomass", "scope", "source_id", "source_ref", "note")


class FactorImporter(Importer):
    """A row is a factor, told by its key (category, activity, place, …, unit) and first day."""

    kind = "emission factors"
    required = ("category", "unit", "valid_from", "co2e")
    aliases = {"source_id": "source"}
    sources: Path | None = None

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._organization_id = self.organization.pk if self.organization else None
        self._read: list[tuple[Row, EmissionFactor]] = []
        self._lines: dict[tuple, int] = {}
        self._before: list[EmissionFactor] = []
        self._created: list[EmissionFactor] = []
        self._changed: list[EmissionFactor] = []

    def make_columns(self) -> dict[str, Column]:
        fields = EmissionFactorSerializer().fields
        return {name: Column(name, one) for name, one in fields.items() if not one.read_only}

    def prepare(self) -> None:
        pass_gate(self._organization_id, exclusive=True)
        if self.sources:
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
        others: defaultdict[tuple, list[tuple[EmissionFactor, int]]] = defaultdict(list)
        for one in stored.values():
            if identity(one) not in self._lines:
                others[identity(one)[:-1]].append((one, 0))
        for row, factor in self._read:
            key, existing = identity(factor), stored.get(identity(factor))
            factor = merged(existing, row, factor) if existing else factor
            rivals = [one for one in others[key[:-1]] if overlap(one[0], factor)]
            if rivals:
                other, line = rivals[0]
                period = f"{other.valid_from} to {other.valid_to or 'further notice'}"
                of = f"line {line}" if line else f"the stored factor {other.pk}"
                sentence = f"It overlaps {of} of the same key, valid {period}."
                self.refuse(row, [Fault("valid_from", "overlap", sentence)])
                if existing:
                    others[key[:-1]].append((existing, 0))
                continue
            others[key[:-1]].append((factor, row.line))
            if existing is None:
                self._created.append(factor)
            elif any(getattr(existing, name) != getattr(factor, name) for name in VALUES):
                self._before.append(existing)
                self._changed.append(factor)
            else:
                self.report.unchanged += 1
        self.report.created, self.report.changed = len(self._created), len(self._changed)

    def finish(self) -> None:
        for factor in self._changed:
            factor.updated_at = timezone.now()
        with recorded(EmissionFactor, [one.pk for one in self._changed], self.reason):
            EmissionFactor.objects.bulk_update(
                self._changed, [*VALUES, "updated_at"], batch_size=500
            )
        EmissionFactor.objects.bulk_create(self._created, batch_size=500)
        touched = reaches(*self._before, *self._changed, *self._created)
        recalculate_everything_reached(touched)


def identity(factor: EmissionFactor) -> tuple:
    return tuple(getattr(factor, name) for name in IDENTITY)


def merged(existing: EmissionFactor, row: Row, factor: EmissionFactor) -> EmissionFactor:
    """The stored factor with what the row says of it."""
    after = copy.copy(existing)
    names = {"source_id" if name == "source" else name for name in row.values}
    for name in names.intersection(VALUES):
        setattr(after, name, getattr(factor, name))
    return after


def overlap(one: EmissionFactor, other: EmissionFactor) -> bool:
    """Whether two factors are valid on the same day."""
    return one.valid_from <= (other.valid_to or date.max) and other.valid_from <= (
        one.valid_to or date.max
    )


def store_sources(path: Path) -> None:
    """Stores who published factors, from a file with the columns of the API's `source`.

    Raises Unreadable when a row of it is wrong.
    """
    fields = FactorSourceSerializer().fields
    columns = {name: Column(name, field) for name, field in fields.items()}
    columns["source_id"] = columns.pop("id")
    sources = []
    with open_table(str(path)) as table:
        table.require(list(columns), ["source_id", "title"])
        for line, cells in table.rows():
            values = {
                name: columns[name][cell] for name, cell in zip(table.columns, cells, strict=False)
            }
            for one in values.values():
                if type(one) is Refused:
                    raise Unreadable(f"{path}, line {line}: {one[0].column}: {one[0].detail}")
            sources.append(FactorSource(id=values.pop("source_id"), **values))
    FactorSource.objects.bulk_create(
        sources,
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["title", "url", "licence", "attribution"],
    )
