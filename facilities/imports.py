"""Facilities from a file."""

from collections import defaultdict
from collections.abc import Iterable
from functools import partial
from typing import Any, NamedTuple
from uuid import UUID

import uuid_utils.compat as uuid
from django.core.exceptions import ValidationError
from django.utils import timezone

from facilities.models import Facility, SupplyPoint, country_code, taken
from facilities.serializers import FacilitySerializer
from organizations import bulk
from organizations.cells import Column, Fault, model_faults
from organizations.history import CREATED, record, recorded
from organizations.imports import Importer, Row
from organizations.seen import Seen
from organizations.tenancy import pass_gate

PLAIN = (
    "external_id",
    "name",
    "type",
    "country",
    "region",
    "address",
    "categories",
    "logistic_factor",
    "status",
)
INPUTS = {"country", "region", "categories"}
"""What figures depend on: a change of these is saved one by one, with the signals it sends."""

DEFAULTS: dict[str, Any] = {name: getattr(Facility(), name) for name in PLAIN}
COMPUTED = [getattr(Facility(), name) for name in Facility.COMPUTED]


class Stored(NamedTuple):
    """A facility as it is, with its PLAIN columns and its CUPS."""

    id: UUID
    plain: dict[str, Any]
    cups_list: list[str]


class FacilityImporter(Importer):
    """A row is a facility, told by external_id, or else by name, country and address."""

    kind = "facilities"
    required = ("name", "type", "country")

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        assert self.organization
        self.organization_id = self.organization.pk
        self._lines, self._claims = Seen(), Seen()
        self._released: set[str] = set()
        self._countries: dict[str, str | list[Fault]] = {}

    def make_columns(self) -> dict[str, Column]:
        fields = FacilitySerializer().fields
        return {name: Column(name, one) for name, one in fields.items() if not one.read_only}

    def prepare(self) -> None:
        """Exclusive: writers of bills compute with a facility's country and categories."""
        pass_gate(self.organization_id, exclusive=True)

    def store(self, rows: list[Row]) -> None:
        rows = [row for row in rows if self._place(row)]
        self.writer.wait()
        stored = self._stored(rows)
        holders = self._holders(cups for row in rows for cups in row.values.get("cups_list", ()))
        self.write_before()
        new, changed = [], []
        for row in rows:
            matches = stored.get(identity(row.values), [])
            existing = matches[0] if matches else None
            if faults := list(self._faults(row, matches, holders)):
                self.refuse(row, faults)
                continue
            if existing is None:
                self.report.created += 1
                new.append(row.values)
                continue
            diff = {n: v for n, v in row.values.items() if n in DEFAULTS and existing.plain[n] != v}
            cups_list = row.values.get("cups_list", existing.cups_list)
            if cups_list != existing.cups_list:
                self._released.update(set(existing.cups_list) - set(cups_list))
                diff["cups_list"] = cups_list
            if diff:
                self.report.changed += 1
                changed.append((existing, diff))
            else:
                self.report.unchanged += 1
        if self.writing:
            self.due(partial(self._write, new, changed))

    def _place(self, row: Row) -> bool:
        """Puts the country's code in the row; whether there is one."""
        text = row.values["country"]
        code = self._countries.get(text)
        if code is None:
            try:
                code = country_code(text)
            except ValidationError as error:
                code = model_faults(ValidationError({"country": error}), {})
            self._countries[text] = code
        if isinstance(code, list):
            self.refuse(row, code)
            return False
        row.values["country"] = code
        return True

    def _faults(self, row: Row, matches: list[Stored], holders: dict[str, UUID]) -> Iterable[Fault]:
        key = identity(row.values)
        if earlier := self._lines.add(key, row.line):
            column = "external_id" if isinstance(key, str) else "name"
            yield Fault(column, "duplicate", f"Line {earlier} is the same facility.")
            return
        if len(matches) > 1:
            yield Fault(
                "name",
                "ambiguous",
                f"{len(matches)} facilities have this name, country and address; give each an "
                "external_id.",
            )
            return
        mine = matches[0].id if matches else None
        for cups in row.values.get("cups_list", ()):
            if earlier := self._claims.add(cups, row.line):
                yield Fault("cups_list", "taken", f"Line {earlier} has the CUPS “{cups}” too.")
            elif holders.get(cups, mine) != mine and cups not in self._released:
                yield from model_faults(ValidationError({"cups_list": taken("CUPS", cups)}), {})

    def _stored(self, rows: list[Row]) -> dict[Any, list[Stored]]:
        """The live facilities that the rows may be, by identity, the oldest first."""
        live = Facility.objects.for_organization(self.organization_id).live().order_by("id")
        ids = {row.values["external_id"] for row in rows if row.values.get("external_id")}
        names = {row.values["name"] for row in rows if not row.values.get("external_id")}
        found: list[tuple] = []
        if ids:
            named = live.exclude(external_id="").filter(external_id__any_of=ids)
            found += named.values_list("id", *PLAIN)
        if names:
            found += live.filter(external_id="", name__any_of=names).values_list("id", *PLAIN)
        cups_lists: defaultdict[UUID, list[str]] = defaultdict(list)
        if found:
            points = SupplyPoint.objects.filter(
                facility__any_of=[one[0] for one in found], released_at=None
            )
            for facility_id, cups in points.order_by("id").values_list("facility_id", "cups"):
                cups_lists[facility_id].append(cups)
        stored: defaultdict[Any, list[Stored]] = defaultdict(list)
        for pk, *values in found:
            plain = dict(zip(PLAIN, values, strict=True))
            stored[identity(plain)].append(Stored(pk, plain, cups_lists[pk]))
        return stored

    def _holders(self, cups: Iterable[str]) -> dict[str, UUID]:
        wanted = set(cups)
        if not wanted:
            return {}
        points = SupplyPoint.objects.filter(
            organization_id=self.organization_id, cups__any_of=wanted, released_at=None
        )
        return dict(points.values_list("cups", "facility_id"))

    def _write(
        self, new: list[dict[str, Any]], changed: list[tuple[Stored, dict[str, Any]]]
    ) -> None:
        self._change(changed)
        self._create(new)

    def _create(self, rows: list[dict[str, Any]]) -> None:
        now = timezone.now()
        points: list[tuple] = []
        facilities: list[tuple] = []
        for values in rows:
            pk = uuid.uuid7()
            values["categories"] = ",".join(values.get("categories", DEFAULTS["categories"]))
            plain = [values.get(name, default) for name, default in DEFAULTS.items()]
            facilities.append((pk, self.organization_id, *plain, *COMPUTED, now, now))
            points += self._points(pk, values.get("cups_list", ()), now)
        columns = ["id", "organization_id", *PLAIN, *Facility.COMPUTED, "created_at", "updated_at"]
        bulk.insert(Facility, columns, facilities)
        self._insert_points(points)

    def _change(self, rows: list[tuple[Stored, dict[str, Any]]]) -> None:
        """Writes what differs; CUPS lists are replaced."""
        now = timezone.now()
        points: list[tuple] = []
        plain: list[tuple] = []
        replaced = [stored.id for stored, diff in rows if "cups_list" in diff]
        SupplyPoint.objects.filter(facility_id__in=replaced).delete()
        for stored, diff in rows:
            points += self._points(stored.id, diff.pop("cups_list", ()), now)
            if INPUTS & diff.keys():
                facility: Any = Facility.objects.get(pk=stored.id)
                for name, value in diff.items():
                    setattr(facility, name, value)
                facility._change_reason = self.reason
                facility.save(update_fields=list(diff))
            else:
                after = {**stored.plain, **diff}
                plain.append((stored.id, *(after[name] for name in PLAIN), now))
        with recorded(Facility, [pk for pk, *_ in plain], self.reason):
            bulk.update(Facility, [*PLAIN, "updated_at"], plain)
        self._insert_points(points)
        record(SupplyPoint, [pk for pk, *_ in points], CREATED, self.reason)

    def _points(self, facility_id: UUID, cups_list: Iterable[str], now: Any) -> list[tuple]:
        organization_id = self.organization_id
        return [(uuid.uuid7(), organization_id, facility_id, cups, now, now) for cups in cups_list]

    def _insert_points(self, points: list[tuple]) -> None:
        columns = ["id", "organization_id", "facility_id", "cups", "created_at", "updated_at"]
        bulk.insert(SupplyPoint, columns, points)


def identity(values: dict[str, Any]) -> Any:
    """What tells a facility from the others of its organization."""
    return values.get("external_id") or (
        values["name"],
        values["country"],
        values.get("address", ""),
    )
