"""What recomputes what when rows are saved without the API, and what a save leaves alone."""

import ast
import inspect
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.db.models import Model
from django.db.models.signals import post_save, pre_save
from django.test.utils import CaptureQueriesContext

from emissions import signals
from emissions.models import Consumption, Emission, EmissionFactor
from facilities.models import Facility
from facilities.signals import inputs_changed
from organizations.models import Organization
from tests.cases import each

pytestmark = pytest.mark.django_db

FIGURES = ("co2e", "co2e_market", "co2e_biomass")
LONGEST_RECEIVER = 12


@pytest.fixture
def facility(organization: Organization) -> Facility:
    return Facility.objects.create(
        organization=organization, name="Madrid Office", type="office", country="ES"
    )


def bill(facility: Facility, **fields: Any) -> Consumption:
    """1,000 kWh of grid electricity in March 2023, or what the fields say."""
    values: dict[str, Any] = {
        "organization": facility.organization,
        "category": "electricity",
        "activity": "grid",
        "quantity": Decimal(1000),
        "unit": "kWh",
        "start_date": date(2023, 3, 1),
        "end_date": date(2023, 3, 31),
    }
    return Consumption.objects.create(facility=facility, **{**values, **fields})


def refill(facility: Facility, **fields: Any) -> Consumption:
    day = {"start_date": date(2023, 3, 7), "end_date": date(2023, 3, 7)}
    kind = {"category": "recharge", "activity": "R-410A", "quantity": Decimal(2), "unit": "kg"}
    return bill(facility, **{**kind, **day, **fields})


def factor(organization: Organization | None, **fields: Any) -> EmissionFactor:
    """0.5 kg per kWh of Spanish electricity in 2023."""
    values: dict[str, Any] = {
        "organization": organization,
        "category": "electricity",
        "activity": "grid",
        "country": "ES",
        "method": "location",
        "unit": "kWh",
        "valid_from": date(2023, 1, 1),
        "valid_to": date(2023, 12, 31),
        "co2e": Decimal("0.5"),
        "scope": 2,
    }
    return EmissionFactor.objects.create(**{**values, **fields})


def figure(row: Consumption | Facility) -> Decimal | None:
    """What is stored as the row's co2e; for a facility, proved to be the sum of its lines."""
    stored = type(row).objects.get(pk=row.pk)
    if isinstance(stored, Facility):
        lines = list(Emission.objects.current().filter(facility=row))
        for name in FIGURES:
            assert getattr(stored, name) == sum(getattr(line, name) for line in lines), name
    return stored.co2e


def current(row: Consumption | Facility) -> set[Any]:
    name = str(row._meta.model_name)
    return set(Emission.objects.current().filter(**{name: row}).values_list("pk", flat=True))


def written_by(change: Callable[[], Any]) -> list[str]:
    """The statements that a change sends but those of transactions."""
    with CaptureQueriesContext(connection) as captured:
        change()
    control = ("SAVEPOINT", "RELEASE", "BEGIN", "COMMIT")
    return [one["sql"] for one in captured if not one["sql"].startswith(control)]


def test_a_saved_consumption_is_computed_and_its_facility_follows(facility: Facility) -> None:
    factor(facility.organization)
    one, two = bill(facility), bill(facility, quantity=Decimal(10))
    assert (one.co2e, two.co2e, one.co2e_status) == (500, 5, "calculated")
    assert figure(facility) == 505
    one.quantity = Decimal(2000)
    one.save()
    assert one.co2e == figure(one) == 1000
    assert figure(facility) == 1005


def test_a_consumption_saved_with_only_some_fields_is_computed_all_the_same(
    facility: Facility,
) -> None:
    factor(facility.organization)
    one = bill(facility)
    one.status = "inactive"
    one.save(update_fields=["status"])
    assert (one.co2e, one.co2e_reason) == (None, "inactive")
    assert figure(facility) == 0


def test_a_deleted_consumption_stops_counting_and_a_restored_one_counts_again(
    facility: Facility,
) -> None:
    factor(facility.organization)
    one = bill(facility)
    one.delete()
    assert figure(one) is None
    assert figure(facility) == 0
    assert not current(one)
    one.restore()
    assert figure(one) == figure(facility) == 500


def test_a_moved_consumption_leaves_one_facility_and_counts_at_the_other(
    facility: Facility, organization: Organization
) -> None:
    there = Facility.objects.create(organization=organization, name="B", type="x", country="FR")
    factor(organization)
    factor(organization, country="FR", co2e=Decimal("0.2"))
    one = bill(facility)
    one.facility = there
    one.save()
    assert (figure(facility), figure(there), figure(one)) == (0, 200, 200)


@each(
    ("change", "expected"),
    [
        ({"country": "FR"}, 200),
        ({"region": "Madrid"}, 300),
        ({"categories": ["heat", "water"]}, 0),
        ({"name": "Other", "type": "factory", "status": "archived"}, 500),
    ],
)
def test_a_facility_is_recomputed_when_what_its_figures_depend_on_changes(
    facility: Facility, change: dict[str, Any], expected: int
) -> None:
    factor(facility.organization)
    factor(facility.organization, country="FR", co2e=Decimal("0.2"))
    factor(facility.organization, region="Madrid", co2e=Decimal("0.3"))
    bill(facility)
    for name, value in change.items():
        setattr(facility, name, value)
    facility.save()
    assert figure(facility) == expected


def test_a_deleted_facility_takes_its_consumption_along_and_brings_it_back(
    facility: Facility,
) -> None:
    factor(facility.organization)
    one, gone_before = bill(facility), bill(facility)
    gone_before.delete()
    facility.delete()
    assert figure(facility) == 0
    assert not current(facility)
    assert not Consumption.objects.live().exists()
    facility.restore()
    assert figure(facility) == figure(one) == 500
    assert list(Consumption.objects.live()) == [one]


def test_a_facility_whose_consumption_has_lost_its_external_id_is_not_restored(
    facility: Facility, organization: Organization
) -> None:
    bill(facility, external_id="INV-1")
    facility.delete()
    there = Facility.objects.create(organization=organization, name="B", type="x", country="FR")
    bill(there, external_id="INV-1")
    with pytest.raises(ValidationError, match="INV-1"):
        facility.restore()
    assert Facility.objects.get(pk=facility.pk).deleted_at
    assert Consumption.objects.live().count() == 1


def test_a_factor_recomputes_what_it_applied_to_and_what_it_applies_to_now(
    facility: Facility, organization: Organization
) -> None:
    there = Facility.objects.create(organization=organization, name="B", type="x", country="FR")
    here, abroad = bill(facility), bill(there)
    published = (here.co2e, abroad.co2e)

    own = factor(organization)
    assert (figure(here), figure(abroad)) == (500, published[1])
    own.co2e = Decimal("0.6")
    own.save()
    assert (figure(here), figure(abroad)) == (600, published[1])
    own.country = "FR"
    own.save(update_fields=["country"])
    assert (figure(here), figure(abroad)) == (published[0], 600)
    own.valid_to = date(2023, 3, 30)
    own.save()
    assert len(current(abroad)) == 2
    own.valid_to = date(2023, 12, 31)
    own.save()
    own.delete()
    assert (figure(here), figure(abroad)) == published
    own.restore()
    assert (figure(here), figure(abroad)) == (published[0], 600)
    assert figure(there) == 600


def test_a_published_factor_recomputes_every_organization_and_an_own_one_its_own_alone(
    facility: Facility, elsewhere: Organization
) -> None:
    theirs = Facility.objects.create(organization=elsewhere, name="C", type="x", country="ES")
    one, other = bill(facility), bill(theirs)
    published = EmissionFactor.objects.get(
        organization=None, category="electricity", country="ES", method="location",
        unit="kWh", valid_from=date(2023, 1, 1),
    )  # fmt: skip
    published.co2e = Decimal("0.9")
    published.save()
    assert figure(one) == figure(other) == 900
    factor(facility.organization)
    assert (figure(one), figure(other)) == (500, 900)
    assert (figure(facility), figure(theirs)) == (500, 900)


def test_another_gwp_set_recomputes_the_refills_of_that_organization_alone(
    facility: Facility, elsewhere: Organization
) -> None:
    theirs = Facility.objects.create(organization=elsewhere, name="C", type="x", country="ES")
    ours, other, electricity = refill(facility), refill(theirs), bill(facility)
    before, untouched = figure(ours), current(electricity)
    organization = facility.organization
    organization.gwp_set = "AR4"
    organization.save()
    assert figure(ours) != before
    assert figure(other) == before
    assert current(electricity) == untouched
    figure(facility)
    organization.gwp_set = "AR6"
    organization.save(update_fields=["gwp_set"])
    assert figure(ours) == before


def test_a_stale_facility_does_not_write_its_old_totals(facility: Facility) -> None:
    stale = Facility.objects.get(pk=facility.pk)
    factor(facility.organization)
    bill(facility)
    bill(facility, start_date=date(1950, 1, 1), end_date=date(1950, 1, 31))
    stale.name = "Renamed"
    stale.save()
    stored = Facility.objects.get(pk=facility.pk)
    assert (stored.name, stored.co2e, stored.co2e_status) == ("Renamed", 500, "incomplete")


def test_a_stale_consumption_does_not_write_its_old_figures(facility: Facility) -> None:
    stale = bill(facility)
    factor(facility.organization)
    stale.note = "read"
    stale.save()
    assert stale.co2e == figure(stale) == figure(facility) == 500


@pytest.mark.parametrize("only", [None, ["co2e", "co2e_status"]])
def test_figures_set_by_hand_are_not_saved(facility: Facility, only: list[str] | None) -> None:
    factor(facility.organization)
    row = bill(facility)
    facility.refresh_from_db()
    for one in (row, facility):
        one.co2e = Decimal(7)
        one.co2e_status = "recalculating"
        one.save(update_fields=only)
    assert figure(row) == figure(facility) == 500
    assert Facility.objects.get(pk=facility.pk).co2e_status == "complete"


def test_a_new_row_cannot_bring_figures_along(facility: Facility) -> None:
    factor(facility.organization)
    figures = dict.fromkeys(FIGURES, Decimal(7))
    row = bill(facility, **figures, co2e_status="calculated", co2e_reason="inactive")
    assert (figure(row), row.co2e_reason) == (500, "")
    new = Facility.objects.create(
        organization=facility.organization, name="B", type="x", country="ES", co2e=Decimal(7)
    )
    assert figure(new) == 0


def test_a_facility_renamed_costs_the_same_with_many_bills_as_with_none(
    facility: Facility, organization: Organization
) -> None:
    empty = Facility.objects.create(organization=organization, name="B", type="x", country="FR")
    for _ in range(30):
        bill(facility)
    lines = current(facility)
    statements = {}
    for row in (empty, facility):
        row.name = "Renamed"
        statements[row.pk] = written_by(partial(row.save, update_fields=["name"]))
        assert not any("emissions_" in sql for sql in statements[row.pk])
    # Moment, (gate), lock, inputs before, whether it has a history, the update, its history,
    # inputs after
    expected = 8 if connection.vendor == "postgresql" else 7
    assert [len(one) for one in statements.values()] == [expected, expected]
    assert current(facility) == lines


def test_a_factors_note_is_saved_without_looking_at_any_consumption(facility: Facility) -> None:
    own = factor(facility.organization)
    row = bill(facility)
    lines = current(row)
    own.note, own.source_ref = "Checked", "page 7"
    statements = written_by(own.save)
    assert not any("emissions_consumption" in sql for sql in statements)
    assert not any('"emissions_emission"' in sql for sql in statements)
    # Moment, (gate), the row before, whether it has a history, the update, its history, the row
    # after
    assert len(statements) == (7 if connection.vendor == "postgresql" else 6)
    assert current(row) == lines


@each("name", ["row", "facility", "own", "organization"])
def test_a_save_that_changes_nothing_writes_no_lines(facility: Facility, name: str) -> None:
    organization = facility.organization
    rows: dict[str, Model] = {
        "facility": facility,
        "organization": organization,
        "own": factor(organization),
        "row": bill(facility, end_date=date(2023, 6, 30)),
    }
    refill(facility)
    before = list(Emission.objects.order_by("pk").values())
    rows[name].save()
    assert list(Emission.objects.order_by("pk").values()) == before
    assert figure(facility)


def test_only_the_lines_that_changed_are_written_again(facility: Facility) -> None:
    row = bill(facility, start_date=date(2023, 1, 1), end_date=date(2023, 12, 31))
    before = current(row)
    factor(facility.organization, valid_from=date(2023, 12, 1))
    assert len(before) == 12
    assert len(current(row) & before) == 11


@each("model", [Facility, Consumption, EmissionFactor])
def test_deleting_a_queryset_is_soft_and_the_totals_follow(
    facility: Facility, model: type[Facility] | type[Consumption] | type[EmissionFactor]
) -> None:
    factor(facility.organization)
    one, two = bill(facility), bill(facility)
    assert figure(facility) == 1000
    rows = model.objects.filter(organization=facility.organization)
    count = rows.count()
    assert rows.delete() == (count, {model._meta.label: count})
    assert rows.count() == count
    assert not rows.live().exists()
    if model is EmissionFactor:
        assert figure(one) == figure(two) != 500
        assert current(facility)
    else:
        assert figure(facility) == 0
        assert not Emission.objects.current().exists()


def test_a_figure_too_large_to_store_undoes_the_save(facility: Facility) -> None:
    row = bill(facility)
    before, lines = figure(facility), current(row)
    with pytest.raises(ValidationError, match="gigatonne"):
        bill(facility, quantity=Decimal(999_999_999_999), unit="TJ")
    row.quantity, row.unit = Decimal(999_999_999_999), "TJ"
    with pytest.raises(ValidationError, match="gigatonne"):
        row.save()
    assert Consumption.objects.get().quantity == 1000
    assert figure(facility) == before
    assert current(row) == lines


def test_the_ledger_keeps_every_line_as_it_was_written(
    facility: Facility, organization: Organization
) -> None:
    there = Facility.objects.create(organization=organization, name="B", type="x", country="FR")
    own = factor(organization)
    row = bill(facility, end_date=date(2023, 5, 31))
    ledger: dict[Any, dict[str, Any]] = {}

    def set_and_save(instance: Any, **values: Any) -> None:
        for name, value in values.items():
            setattr(instance, name, value)
        instance.save()

    for change in (
        lambda: None,
        lambda: set_and_save(row, quantity=Decimal(1)),
        lambda: set_and_save(own, co2e=Decimal("0.7")),
        lambda: set_and_save(own, valid_from=date(2023, 4, 10)),
        lambda: set_and_save(facility, country="PT"),
        lambda: set_and_save(facility, categories=["heat"]),
        lambda: set_and_save(facility, categories=["electricity"]),
        lambda: set_and_save(row, facility=there),
        own.delete,
        row.delete,
        row.restore,
        there.delete,
        there.restore,
    ):
        change()
        lines: list[dict[str, Any]] = [dict(line) for line in Emission.objects.values()]
        now = {line["id"]: line for line in lines}
        for pk, old in ledger.items():
            superseded = old["superseded_at"] or now[pk]["superseded_at"]
            by = old["superseded_by"] or now[pk]["superseded_by"]
            assert now[pk] == {**old, "superseded_at": superseded, "superseded_by": by}
            assert bool(by) == bool(superseded)
            assert superseded is None or superseded >= old["recorded_at"]
        ledger = now
        stored = Consumption.objects.get(pk=row.pk)
        counting = [line for line in lines if line["superseded_at"] is None]
        assert stored.co2e == (sum(line["co2e"] for line in counting) if counting else None)
        assert {line["facility_id"] for line in counting} <= {stored.facility_id}
        figure(facility)
        figure(there)


def test_nothing_deleted_inactive_or_disabled_has_current_lines(
    facility: Facility, organization: Organization
) -> None:
    gone = Facility.objects.create(organization=organization, name="B", type="x", country="ES")
    bill(gone)
    gone.delete()
    bill(facility).delete()
    bill(facility, status="inactive")
    refill(facility)
    facility.categories = ["electricity"]  # type: ignore[assignment]
    facility.save()
    counting = bill(facility)
    assert {line.consumption_id for line in Emission.objects.current()} == {counting.pk}
    assert figure(facility) == figure(counting)
    assert figure(gone) == 0


def receivers() -> list[ast.FunctionDef]:
    tree = ast.parse(inspect.getsource(signals))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    return [one for one in functions if one.name.startswith(("before_", "after_"))]


@pytest.mark.parametrize("function", receivers(), ids=lambda one: one.name)
def test_a_receiver_is_short_and_saves_nothing(function: ast.FunctionDef) -> None:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    assert body[-1].end_lineno
    assert body[-1].end_lineno - body[0].lineno < LONGEST_RECEIVER
    called = {ast.unparse(one.func) for one in ast.walk(function) if isinstance(one, ast.Call)}
    assert not [name for name in called if name.endswith((".save", ".delete", ".bulk_create"))]


def test_every_receiver_is_connected_once_however_often_connect_runs() -> None:
    def connected() -> list[Any]:
        every = [*pre_save.receivers, *post_save.receivers, *inputs_changed.receivers]
        ids = [lookup[0] for lookup, *_ in every]
        return sorted(one for one in ids if str(one).startswith("emissions."))

    models = ("Consumption", "EmissionFactor", "Facility", "Organization")
    saved = (f"emissions.{when}_{name}" for when in ("before", "after") for name in models)
    expected = sorted(["emissions.after_facilities", *saved])
    assert connected() == expected
    signals.connect()
    assert connected() == expected
    assert len(receivers()) == len(expected)
