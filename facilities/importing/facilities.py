"""Facilities from a file."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db import transaction
from uuid_utils import uuid7

from facilities.importing.recognition import (
    LISTS,
    PLAIN,
    Code,
    Codes,
    Columns,
    Stored,
    find,
    holders,
    identities,
    is_empty,
)
from facilities.models import Facility, country_code, taken
from facilities.serializers import FacilitySerializer
from facilities.signals import inputs_changed
from organizations.database import bulk
from organizations.history import CREATED, record, recorded
from organizations.importing.cells import ABSENT, Fault, model_faults
from organizations.importing.first_lines import FirstLines
from organizations.importing.importer import Batch, Importer, Insertions, Row
from organizations.tenancy import pass_gate

INPUTS = {"type", "country", "region", "categories"}
"""What figures depend on."""

Change = tuple[Row, Stored, dict[str, Any]]
"""A row, the facility that it is, and what differs."""

DEFAULTS: dict[str, Any] = {name: getattr(Facility(), name) for name in PLAIN}
COMPUTED = {name: getattr(Facility(), name) for name in Facility.COMPUTED}


class Countries(dict[str, str | list[Fault]]):
    """What a file says → the country's code, or what is wrong with it."""

    def __missing__(self, text: str) -> str | list[Fault]:
        try:
            code: str | list[Fault] = country_code(text)
        except ValidationError as error:
            code = model_faults(ValidationError({"country": error}), {})
        self[text] = code
        return code


class FacilityImporter(Importer):
    """A row is a facility (see `facilities.importing.recognition`)."""

    kind = "facilities"
    serializer = FacilitySerializer
    required = ("name", "type", "country")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        assert self.organization
        self.organization_id = self.organization.pk
        self._lines, self._claims = FirstLines(), FirstLines()
        self._taken: set[UUID] = set()
        self._released: set[Code] = set()
        self._countries = Countries()
        self._saved: set[UUID] = set()
        """Facilities that are stored already but for their codes."""
        self._written = 0

    def prepare(self) -> None:
        """Exclusive: writers of bills compute with a facility's country and categories."""
        pass_gate(self.organization_id, exclusive=True)
        self._nothing_stored = is_empty(self.organization_id)

    def store_batch(self, batch: Batch) -> None:
        """Columns where every row is new and none is wrong; else row by row."""
        batch = self._placed(batch)
        if not batch:
            return
        self.writer.wait()
        keys = identities(batch.columns)
        stored: dict[Any, list[Stored]] = {}
        held_by: dict[Code, UUID] = {}
        if not self._nothing_stored:
            stored = find(keys, self.organization_id)
            wanted = {
                (name, code)
                for name in LISTS
                for one in batch.columns.get(name, ())
                if one is not ABSENT
                for code in one
            }
            held_by = holders(wanted, self.organization_id)
        self.write_before()
        earlier = self._lines.add_all(keys, batch.lines)
        unclear = {at for at, key in enumerate(keys) if earlier[at] or len(stored.get(key, ())) > 1}
        claims = self._claim(batch, unclear)
        if stored or held_by or unclear or any(line for _, _, line in claims):
            self._compare(batch, keys, earlier, claims, stored, held_by)
        else:
            self.report.created += len(batch)
            self._hand_in(batch.columns, [])

    def _placed(self, batch: Batch) -> Batch:
        """The rows with their country's code in place of what the file says."""
        if not batch:
            return batch
        codes = list(map(self._countries.__getitem__, batch.columns["country"]))
        batch.columns["country"] = codes
        if list not in set(map(type, codes)):
            return batch
        known = [not isinstance(one, list) for one in codes]
        for row, code in zip(batch.rows(), codes, strict=True):
            if isinstance(code, list):
                self.refuse(row, code)
        return batch.only(known)

    def _claim(self, batch: Batch, unclear: set[int]) -> list[tuple[int, Code, int]]:
        """Position of a row, a CUPS or meter that it has, and the line that has it before, or 0."""
        pairs = [
            (at, (name, code))
            for name in LISTS
            for at, codes in enumerate(batch.columns.get(name, ()))
            if codes is not ABSENT and at not in unclear
            for code in codes
        ]
        lines = (batch.lines[at] for at, _ in pairs)
        earlier = self._claims.add_all([code for _, code in pairs], lines)
        return [(*pair, line) for pair, line in zip(pairs, earlier, strict=True)]

    def _compare(
        self,
        batch: Batch,
        keys: list[Any],
        earlier: list[int],
        claims: list[tuple[int, Code, int]],
        stored: dict[Any, list[Stored]],
        held_by: dict[Code, UUID],
    ) -> None:
        """Refuses what is wrong, and finds what is new and what differs."""
        claimed: defaultdict[int, list[tuple[Code, int]]] = defaultdict(list)
        for at, code, line in claims:
            claimed[at].append((code, line))
        new: list[dict[str, Any]] = []
        changed: list[tuple[Stored, dict[str, Any]]] = []
        of_inputs: list[Change] = []
        for at, (row, key) in enumerate(zip(batch.rows(), keys, strict=True)):
            matches = stored.get(key, [])
            if len(matches) > 1 and self._is_one_of(row.values, matches):
                self.report.unchanged += 1
                continue
            faults = list(self._same(key, earlier[at], matches))
            if faults or (faults := list(self._held(claimed[at], matches, held_by))):
                self.refuse(row, faults)
                continue
            if not matches:
                self.report.created += 1
                new.append(row.values)
                continue
            existing, values = matches[0], row.values
            diff = {n: v for n, v in values.items() if n in DEFAULTS and existing.plain[n] != v}
            released: set[Code] = set()
            for name, stored_codes in existing.lists.items():
                codes = values.get(name, stored_codes)
                if codes != stored_codes:
                    gone = set(stored_codes) - set(codes)
                    released.update((name, code) for code in gone)
                    diff[name] = codes
            if INPUTS & diff.keys():
                of_inputs.append((row, existing, diff))
                if not released:
                    continue
                # What it gives away is free for the rows behind it if it is not refused.
                if not self._saved_together([of_inputs.pop()]):
                    continue
            if diff:
                self._released |= released
                self.report.changed += 1
                changed.append((existing, diff))
            else:
                self.report.unchanged += 1
        together = self._saved_together(of_inputs)
        self.report.changed += len(together)
        changed += [(existing, diff) for _, existing, diff in together]
        names = [*PLAIN, *LISTS]
        self._hand_in({n: [one.get(n, ABSENT) for one in new] for n in names}, changed)

    def _saved_together(self, changes: list[Change]) -> list[Change]:
        """Stores what figures depend on, at once and with the figures, also in a dry run: only they
        show whether one would be too large. Those that are stored; the others are refused."""
        if not changes:
            return []
        self.writer.wait()
        try:
            with transaction.atomic():
                self._save(changes)
        except ValidationError as error:
            if len(changes) > 1:
                half = len(changes) // 2
                return self._saved_together(changes[:half]) + self._saved_together(changes[half:])
            [(row, _, diff)] = changes
            column = next(name for name in diff if name in INPUTS)
            self.refuse(row, [one._replace(column=column) for one in model_faults(error, {})])
            return []
        self._saved.update(stored.id for _, stored, _ in changes)
        return changes

    def _save(self, changes: list[Change]) -> None:
        ids = [stored.id for _, stored, _ in changes]
        self._update([(stored, diff) for _, stored, diff in changes])
        moved = [stored.id for _, stored, diff in changes if "country" in diff]
        inputs_changed.send(type(self), ids=ids, moved=moved)

    def _is_one_of(self, values: dict[str, Any], matches: list[Stored]) -> bool:
        """Whether a row equals one of several stored facilities that are called alike, which no row
        before it was."""
        for one in matches:
            before = {**one.plain, **one.lists}
            if one.id not in self._taken and before == {**before, **values}:
                self._taken.add(one.id)
                return True
        return False

    def _same(self, key: Any, earlier: int, matches: list[Stored]) -> Iterable[Fault]:
        """Whether another line, or more than one stored facility, is the same as a row."""
        if earlier:
            column = "external_id" if isinstance(key, str) else "name"
            yield Fault(column, "duplicate", f"Line {earlier} is the same facility.")
        elif len(matches) > 1:
            yield Fault(
                "name",
                "ambiguous",
                f"{len(matches)} facilities have this name, country and address; give each an "
                "external_id.",
            )

    def _held(
        self, claims: list[tuple[Code, int]], matches: list[Stored], held_by: dict[Code, UUID]
    ) -> Iterable[Fault]:
        """Which CUPS and meters of a row are another facility's."""
        mine = matches[0].id if matches else None
        for (name, code), earlier in claims:
            what = LISTS[name].what
            if earlier:
                yield Fault(name, "taken", f"Line {earlier} has the {what} “{code}” too.")
            elif held_by.get((name, code), mine) != mine and (name, code) not in self._released:
                yield from model_faults(ValidationError({name: taken(what, code)}), {})

    def _hand_in(self, new: Columns, changed: list[tuple[Stored, dict[str, Any]]]) -> None:
        if self.writing:
            self._written += len(new["name"]) + len(changed)
            self.due(partial(self._write, changed, self._insertions(new)))

    def _write(self, changed: list[tuple[Stored, dict[str, Any]]], insertions: Insertions) -> None:
        """Codes that the changed facilities give away are free for the new ones."""
        self._change(changed)
        self.insert(insertions)

    def finish(self) -> None:
        bulk.analyze(self._written, Facility, *(one.model for one in LISTS.values()))

    def _insertions(self, new: Columns) -> Insertions:
        """What stores new facilities with their CUPS and meters."""
        count, now = len(new["name"]), self.now
        ids = [uuid7().hex for _ in range(count)]

        def every(value: Any) -> list[Any]:
            return [value] * count

        values = {"id": ids, "organization_id": every(self.organization_id)}
        for name, default in DEFAULTS.items():
            given = new.get(name, every(ABSENT))
            values[name] = [default if one is ABSENT else one for one in given]
        values |= {name: every(value) for name, value in COMPUTED.items()}
        values |= {"created_at": every(now), "updated_at": every(now)}
        insertions: Insertions = [(Facility, bulk.insertion(Facility, values))]
        for name, codes in LISTS.items():
            pairs = zip(ids, new.get(name, every(ABSENT)), strict=True)
            points = [(pk, code) for pk, one in pairs if one is not ABSENT for code in one]
            columns = self._points(codes, points, now)
            insertions.append((codes.model, bulk.insertion(codes.model, columns)))
        return insertions

    def _change(self, rows: list[tuple[Stored, dict[str, Any]]]) -> None:
        """Writes what differs; lists of codes are replaced."""
        points: dict[str, list[tuple[Any, str]]] = {name: [] for name in LISTS}
        for name, codes in LISTS.items():
            replaced = [stored.id for stored, diff in rows if name in diff]
            codes.model.objects.filter(facility_id__in=replaced).delete()
        for stored, diff in rows:
            for name in LISTS:
                points[name] += [(stored.id, code) for code in diff.pop(name, ())]
        self._update([(stored, diff) for stored, diff in rows if stored.id not in self._saved])
        for name, codes in LISTS.items():
            added = self._points(codes, points[name], self.now)
            bulk.insertion(codes.model, added)()
            record(codes.model, map(UUID, added["id"]), CREATED, self.reason)

    def _update(self, rows: list[tuple[Stored, dict[str, Any]]]) -> None:
        """Writes the columns of facilities that differ, but for their lists of codes."""
        values = [
            (stored.id, *({**stored.plain, **diff}[name] for name in PLAIN), self.now)
            for stored, diff in rows
        ]
        with recorded(Facility, [pk for pk, *_ in values], self.reason):
            bulk.update(Facility, [*PLAIN, "updated_at"], values)

    def _points(self, codes: Codes, points: list[tuple[Any, str]], now: Any) -> Columns:
        """The columns of supply points or meters, given as (id of a facility, code)."""
        count = len(points)
        return {
            "id": [uuid7().hex for _ in range(count)],
            "organization_id": [self.organization_id] * count,
            "facility_id": [pk for pk, _ in points],
            codes.column: [code for _, code in points],
            "created_at": [now] * count,
            "updated_at": [now] * count,
        }
