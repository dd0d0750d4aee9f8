"""`manage.py load_emission_factors` and `manage.py recalculate_co2e`."""

import csv
from collections.abc import Callable
from decimal import Decimal
from importlib import import_module
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from emissions.ledger import runs
from emissions.management.commands.load_emission_factors import DATA
from emissions.models import Consumption, Emission, EmissionFactor, FactorSource, ShippedRow
from facilities.models import Facility
from organizations.models import Organization
from tests import emptying
from tests.cases import each
from tests.conftest import Person
from tests.written_once import lifted

pytestmark = pytest.mark.django_db

SHIPPED = 4021
SPAIN_2023 = {"category": "electricity", "country": "ES", "method": "location", "gwp_set": ""}
FIGURES = ("co2e", "co2e_market", "co2e_biomass")


def load(**options: Any) -> str:
    """Runs load_emission_factors as a transaction of its own; what it said on stderr."""
    said, out = StringIO(), StringIO()
    with transaction.atomic():
        call_command("load_emission_factors", stderr=said, stdout=out, **options)
        connection.check_constraints()
    assert out.getvalue() == ""
    return said.getvalue().strip()


def shipped_row(**wanted: str) -> dict[str, str]:
    """The only row of the shipped file with these values."""
    with (DATA / "emission_factors.csv").open(encoding="utf-8", newline="") as file:
        [row] = [
            row
            for row in csv.DictReader(file)
            if all(row[name] == value for name, value in wanted.items())
        ]
    return row


def spain_2023() -> dict[str, str]:
    return shipped_row(**SPAIN_2023, region="", supplier="", unit="kWh", valid_from="2023-01-01")


@pytest.fixture
def data(tmp_path: Path) -> Callable[..., Path]:
    """Makes a data directory with the shipped sources and some rows of factors."""

    def make(*rows: dict[str, str]) -> Path:
        (tmp_path / "factor_sources.csv").write_bytes((DATA / "factor_sources.csv").read_bytes())
        with (tmp_path / "emission_factors.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return tmp_path

    return make


def test_an_empty_database_gets_every_shipped_factor_and_a_second_run_changes_nothing() -> None:
    ShippedRow.objects.all().delete()
    EmissionFactor.objects.all()._raw_delete("default")
    FactorSource.objects.all().delete()
    assert load() == f"factors: created {SHIPPED}, changed 0, unchanged 0"
    before = list(EmissionFactor.objects.order_by("pk").values())
    assert len(before) == SHIPPED
    assert load() == f"factors: created 0, changed 0, unchanged {SHIPPED}"
    assert list(EmissionFactor.objects.order_by("pk").values()) == before


def test_every_shipped_factor_names_its_source_with_attribution_and_licence() -> None:
    factors = EmissionFactor.objects.filter(organization=None)
    assert factors.count() == SHIPPED
    assert not factors.filter(source=None).exists()
    for source in FactorSource.objects.all():
        assert source.title, source.pk
        assert source.licence, source.pk
        assert source.attribution, source.pk
        assert source.url.startswith("https://"), source.pk
    assert not FactorSource.objects.filter(emissionfactor=None).exists()


def test_every_kind_of_shipped_factor_is_stored_as_the_admin_and_the_api_would_store_it() -> None:
    shipped = EmissionFactor.objects.filter(organization=None).iterator()
    kinds = {
        (one.category, one.activity, one.region, one.supplier, one.unit, one.source_id): one
        for one in shipped
    }
    assert len(kinds) > 200
    for factor in kinds.values():
        loaded = factor.applied()
        factor.overlapping = lambda: None  # type: ignore[method-assign]  # `load` refuses those
        factor.clean()
        assert factor.applied() == loaded


def test_a_changed_row_updates_its_factor_and_everything_computed_from_it(
    alice: Person, data: Callable[..., Path]
) -> None:
    facility = alice.facility()
    path = f"/v1/consumptions/{alice.consumption(facility)['id']}"
    row = spain_2023()
    assert alice.get(path).body["co2e"] == 1000 * Decimal(row["co2e"])
    said = load(data=data({**row, "co2e": "0.75", "note": "corrected"}))
    assert said == "factors: created 0, changed 1, unchanged 0"
    assert alice.get(path).body["co2e"] == 750
    assert alice.get(f"/v1/facilities/{facility['id']}").body["co2e"] == 750
    line = alice.get(f"{path}/calculation").body["lines"][0]
    assert line["location"]["factor"]["note"] == "corrected"


def test_a_row_that_ends_sooner_leaves_later_bills_to_the_next_best_factor(
    alice: Person, data: Callable[..., Path]
) -> None:
    path = f"/v1/consumptions/{alice.consumption(alice.facility())['id']}/calculation"
    assert alice.get(path).body["lines"][0]["location"]["fallbacks"] == []
    load(data=data({**spain_2023(), "valid_to": "2023-02-28"}))
    line = alice.get(path).body["lines"][0]
    assert line["location"]["fallbacks"] == ["earlier_year"]
    assert line["location"]["factor"]["valid_to"] == "2023-02-28"


def test_a_new_row_is_added_and_used_by_the_bills_that_waited_for_it(
    alice: Person, data: Callable[..., Path]
) -> None:
    facility = alice.facility(country="AQ")
    consumption = alice.consumption(facility)
    assert consumption["co2e"] is None
    said = load(data=data({**spain_2023(), "country": "AQ", "co2e": "0.5"}))
    assert said == "factors: created 1, changed 0, unchanged 0"
    assert alice.get(f"/v1/consumptions/{consumption['id']}").body["co2e"] == 500
    assert alice.get(f"/v1/facilities/{facility['id']}").body["co2e_status"] == "complete"


def test_a_factor_that_staff_have_deleted_stays_deleted(
    alice: Person, data: Callable[..., Path]
) -> None:
    path = f"/v1/consumptions/{alice.consumption(alice.facility())['id']}/calculation"
    factor = EmissionFactor.objects.get(
        **SPAIN_2023, organization=None, unit="kWh", valid_from="2023-01-01"
    )
    factor.delete()
    assert load() == f"factors: created 0, changed 0, unchanged {SHIPPED}"
    load(data=data({**spain_2023(), "co2e": "0.75"}))
    factor.refresh_from_db()
    assert factor.deleted_at
    assert alice.get(path).body["lines"][0]["location"]["fallbacks"] == ["earlier_year"]


def spanish_factor() -> EmissionFactor:
    """The stored factor of `spain_2023()`."""
    return EmissionFactor.objects.get(
        **SPAIN_2023,
        organization=None,
        region="",
        supplier="",
        unit="kWh",
        valid_from="2023-01-01",
    )


def edit(factor: EmissionFactor, **values: Any) -> None:
    """Changes a factor as staff do."""
    for name, value in values.items():
        setattr(factor, name, value)
    factor.save()


def test_what_staff_have_changed_stays_until_its_row_changes(
    alice: Person, data: Callable[..., Path]
) -> None:
    path = f"/v1/consumptions/{alice.consumption(alice.facility())['id']}"
    factor = spanish_factor()
    edit(factor, co2e=Decimal("0.3"), note="our auditor's figure")
    kept = f"factors: created 0, changed 0, unchanged {SHIPPED - 1}, kept as staff have them 1"
    assert [load(), load()] == [kept, kept]
    assert alice.get(path).body["co2e"] == 300
    factor.refresh_from_db()
    assert factor.note == "our auditor's figure"
    said = load(data=data({**spain_2023(), "co2e": "0.75"}))
    assert said == "factors: created 0, changed 1, unchanged 0"
    assert alice.get(path).body["co2e"] == 750
    edit(spanish_factor(), co2e=Decimal("0.3"))
    assert load(data=data({**spain_2023(), "co2e": "0.75"})).endswith("kept as staff have them 1")
    assert alice.get(path).body["co2e"] == 300


@each("change", [{"valid_from": "2023-02-01"}, {"region": "ES-CN"}, {"unit": "MWh"}], ids=str)
def test_a_factor_whose_key_staff_have_changed_is_not_loaded_once_more(
    data: Callable[..., Path], change: dict[str, str]
) -> None:
    factor = spanish_factor()
    edit(factor, **change)
    said = f"factors: created 0, changed 0, unchanged {SHIPPED - 1}, kept as staff have them 1"
    assert load() == said
    load(data=data({**spain_2023(), "co2e": "0.75"}))
    assert EmissionFactor.objects.filter(organization=None).count() == SHIPPED
    factor.refresh_from_db()
    assert (factor.region, factor.unit, str(factor.valid_from)) == ("", "kWh", "2023-01-01")
    assert factor.co2e == Decimal("0.75")


def test_a_published_factor_that_staff_have_added_stands_in_the_way_of_a_row(
    data: Callable[..., Path],
) -> None:
    row = {**spain_2023(), "country": "AQ"}
    factor = spanish_factor()
    factor.pk, factor.country, factor._state.adding = uuid4(), "AQ", True
    edit(factor, co2e=Decimal("0.3"), valid_to=None)
    same_day = load(data=data(row))
    assert same_day == "factors: created 0, changed 0, unchanged 0, kept as staff have them 1"
    later = load(data=data({**row, "valid_from": "2023-06-01"}))
    assert later == "factors: created 0, changed 0, unchanged 0, kept as staff have them 1"
    [stands] = EmissionFactor.objects.filter(country="AQ")
    assert stands.co2e == Decimal("0.3")


def test_a_row_that_would_reach_into_a_factor_of_the_staffs_is_kept_out(
    data: Callable[..., Path],
) -> None:
    edit(spanish_factor(), valid_to="2023-06-30")
    factor = spanish_factor()
    factor.pk, factor._state.adding = uuid4(), True
    edit(factor, co2e=Decimal("0.3"), valid_from="2023-07-01", valid_to="2023-12-31")
    said = load(data=data({**spain_2023(), "co2e": "0.75"}))
    assert said == "factors: created 0, changed 0, unchanged 0, kept as staff have them 1"
    assert str(spanish_factor().valid_to) == "2023-06-30"


def test_factors_of_an_older_version_count_as_loaded_but_for_what_their_history_says(
    data: Callable[..., Path],
) -> None:
    """The migration that began to keep what was shipped."""
    edit(spanish_factor(), co2e=Decimal("0.3"))
    before = list(ShippedRow.objects.order_by("pk").values())
    ShippedRow.objects.all().delete()
    migration = import_module("emissions.migrations.0007_shipped_row")
    migration.what_was_shipped(apps, None)
    assert list(ShippedRow.objects.order_by("pk").values()) == before
    assert load().endswith(f"unchanged {SHIPPED - 1}, kept as staff have them 1")


def test_a_source_that_changed_is_updated(data: Callable[..., Path]) -> None:
    folder = data(spain_2023())
    sources = folder / "factor_sources.csv"
    sources.write_text(sources.read_text(encoding="utf-8").replace("ember,", "ember,New ", 1))
    assert load(data=folder) == "factors: created 0, changed 0, unchanged 1"
    assert FactorSource.objects.get(pk="ember").title.startswith("New ")


HEAT = {"category": "heat", "activity": "natural_gas", "method": "", "scope": "1"}
REFRIGERANT = {"category": "recharge", "activity": "R-410A", "method": "", "unit": "kg"}


@each(
    "wrong",
    [
        {"category": "gas"},
        {"activity": ""},
        {"country": "Spain"},
        {"country": "XX"},
        {"unit": "kW"},
        {"unit": ""},
        {"valid_from": "2023-13-01"},
        {"valid_from": ""},
        {"valid_to": "2022-12-31"},
        {"co2e": "0,5"},
        {"co2e": ""},
        {"co2e": "-0.5"},
        {"co2e": "NaN"},
        {"co2e": "0.12345678901"},
        {"co2e_biomass": "-1"},
        {"scope": "4"},
        {"scope": ""},
        {"method": "average"},
        {"supplier": "Iberdrola"},
        {"country": "", "region": "CAMX"},
        {"source_id": "nobody"},
        {"note": "x" * 501},
        {**HEAT, "method": "location"},
        {**REFRIGERANT, "gwp_set": ""},
        {**REFRIGERANT, "gwp_set": "AR7"},
    ],
    ids=str,
)
def test_a_bad_row_is_named_by_its_line_and_nothing_is_stored(
    data: Callable[..., Path], wrong: dict[str, str]
) -> None:
    good = {**spain_2023(), "country": "AQ"}
    folder = data(good, {**good, "country": "BV", **wrong})
    with pytest.raises(CommandError, match=r"emission_factors\.csv, line 3\b"):
        load(data=folder)
    assert emptying.published_as_loaded()


def test_a_file_without_a_column_is_refused(data: Callable[..., Path]) -> None:
    row = spain_2023()
    del row["scope"]
    with pytest.raises(CommandError, match=r"line 2\b.*scope"):
        load(data=data(row))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"factor_sources\.csv: No such file"):
        load(data=tmp_path)


@each(
    "rows",
    [
        [{"country": "AQ"}, {"country": "AQ", "valid_from": "2023-12-31", "valid_to": ""}],
        [
            {"country": "AQ", "valid_to": ""},
            {"country": "AQ", "valid_from": "2030-01-01", "valid_to": ""},
        ],
        [{"country": "AQ"}, {"country": "AQ", "co2e": "0.9"}],
        [{"valid_from": "2023-06-01"}],
        [{"valid_to": "2024-01-01"}],
    ],
    ids=["share a day", "open end", "twice the same first day", "with a stored one", "stretched"],
)
def test_rows_of_one_key_that_overlap_are_refused_and_nothing_is_stored(
    data: Callable[..., Path], rows: list[dict[str, str]]
) -> None:
    rows = [{**spain_2023(), **row} for row in rows]
    with pytest.raises(CommandError, match="overlap"):
        load(data=data(*rows))
    assert emptying.published_as_loaded()


def test_what_a_refused_load_had_begun_is_undone(
    committed: None, data: Callable[..., Path]
) -> None:
    folder = data(spain_2023(), {**spain_2023(), "valid_from": "2023-06-01"})
    sources = folder / "factor_sources.csv"
    sources.write_text(sources.read_text(encoding="utf-8").replace("ember,", "ember,New ", 1))
    with pytest.raises(CommandError, match="overlap"):
        call_command("load_emission_factors", data=folder, stderr=StringIO())
    assert not FactorSource.objects.get(pk="ember").title.startswith("New ")


def recalculate(**options: Any) -> tuple[int, list[str], str]:
    """Exit status, lines on stdout, and what was said on stderr."""
    out, said = StringIO(), StringIO()
    try:
        call_command("recalculate_co2e", stdout=out, stderr=said, **options)
        status = 0
    except SystemExit as end:
        status = int(str(end.code))
    return status, out.getvalue().splitlines(), said.getvalue().strip()


@pytest.fixture
def facility(alice: Person) -> dict[str, Any]:
    """A facility with a bill of each kind: over three months, unknown, inactive, deleted, moved."""
    facility = alice.facility()
    alice.consumption(facility, end_date="2023-05-31")
    alice.consumption(facility, category="heat", activity="natural_gas")
    day = "2023-03-07"
    refill = {"category": "recharge", "activity": "R-410A", "unit": "kg", "quantity": 2}
    alice.consumption(facility, **refill, start_date=day, end_date=day)
    alice.consumption(facility, start_date="1950-01-01", end_date="1950-01-31")
    alice.consumption(facility, status="inactive")
    deleted = alice.consumption(facility)
    alice.delete(f"/v1/consumptions/{deleted['id']}")
    moved = alice.consumption(facility)
    alice.patch(f"/v1/consumptions/{moved['id']}", {"facility_id": alice.facility()["id"]})
    return alice.get(f"/v1/facilities/{facility['id']}").body


def test_nothing_differs_after_any_request(alice: Person, facility: dict[str, Any]) -> None:
    path = f"/v1/facilities/{facility['id']}"
    alice.patch(path, {"country": "FR", "categories": ["electricity", "recharge"]})
    factor = alice.factor(country="FR", co2e=Decimal("0.3"))
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": Decimal("0.4")})
    other = alice.facility()
    alice.consumption(other)
    alice.delete(f"/v1/facilities/{other['id']}")
    assert recalculate(check=True) == (0, [], "facilities 3, figures differ 0")
    assert recalculate() == (0, [], "facilities 3, figures corrected 0")


def test_a_check_of_many_facilities_asks_no_more_than_one_of_few(alice: Person) -> None:
    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert recalculate(check=True)[0] == 0
        return len(asked)

    for _ in range(2):
        alice.consumption(alice.facility())
    few = queries()
    for _ in range(10):
        alice.consumption(alice.facility())
    assert queries() == few


def test_every_facility_is_checked_however_the_lots_are_cut(
    alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facilities with three bills, with one and with none, of two organizations."""
    facilities = []
    for person in (alice, charlie):
        for bills in (3, 0, 1, 0, 0, 2):
            facility = person.facility()
            facilities.append(facility["id"])
            for _ in range(bills):
                person.consumption(facility)
    Facility.objects.update(co2e=F("co2e") + 1)
    found = set()
    for lot in (1, 2, 3, 1000):
        monkeypatch.setattr(runs, "LOT", lot)
        status, lines, said = recalculate(check=True)
        assert (status, said) == (1, "facilities 12, figures differ 12")
        found.add(tuple(lines))
    [listed] = found
    assert [line.split()[1] for line in listed] == sorted_by_organization(facilities)
    assert recalculate()[2] == "facilities 12, figures corrected 12"
    assert recalculate(check=True) == (0, [], "facilities 12, figures differ 0")


def sorted_by_organization(facilities: list[str]) -> list[str]:
    rows = Facility.objects.filter(pk__in=facilities).order_by("organization_id", "pk")
    return [str(pk) for pk in rows.values_list("pk", flat=True)]


Damage = Callable[[dict[str, Any]], Any]


def a_facility_total(facility: dict[str, Any]) -> Any:
    with connection.cursor() as cursor:
        cursor.execute("UPDATE facilities_facility SET co2e = co2e + 1 WHERE co2e > 0")
    return facility["id"]


def a_facility_column(**values: Any) -> Damage:
    def damage(facility: dict[str, Any]) -> Any:
        Facility.objects.filter(pk=facility["id"]).update(**values)
        return facility["id"]

    return damage


def a_bill(category: str = "electricity", **values: Any) -> Damage:
    def damage(facility: dict[str, Any]) -> Any:
        rows = Consumption.objects.live().filter(facility=facility["id"], category=category)
        row = rows.exclude(co2e=None).get()
        Consumption.objects.filter(pk=row.pk).update(**values)
        return row.pk

    return damage


def a_line(**values: Any) -> Damage:
    def damage(facility: dict[str, Any]) -> Any:
        line = Emission.objects.current().filter(facility=facility["id"], month="2023-04-01").get()
        with lifted():
            Emission.objects.filter(pk=line.pk).update(**values)
        return line.consumption_id if "superseded_at" in values else line.pk

    return damage


def a_line_elsewhere(facility: dict[str, Any]) -> Any:
    other = Facility.objects.exclude(pk=facility["id"]).get()
    return a_line(facility=other)(facility)


def a_bill_elsewhere(facility: dict[str, Any]) -> Any:
    other = Facility.objects.exclude(pk=facility["id"]).get()
    return a_bill(facility=other)(facility)


def the_factor(facility: dict[str, Any]) -> Any:
    EmissionFactor.objects.filter(**SPAIN_2023, unit="kWh").update(co2e=7)
    return facility["id"]


def the_gwp_set(facility: dict[str, Any]) -> Any:
    Organization.objects.update(gwp_set="AR4")
    return Consumption.objects.get(category="recharge").pk


def a_line_of_a_deleted_bill(facility: dict[str, Any]) -> Any:
    line = Emission.objects.exclude(superseded_at=None).filter(
        consumption__deleted_at__isnull=False
    )
    pk = line.get().pk
    with lifted():
        line.update(superseded_at=None)
    return pk


@each(
    "damage",
    [
        a_facility_total,
        a_facility_column(co2e_market=1),
        a_facility_column(co2e_biomass=1),
        a_facility_column(co2e_status="complete"),
        a_facility_column(co2e_status="recalculating"),
        a_facility_column(country="FR"),
        a_facility_column(region="eGRID:CAMX", country="US"),
        a_facility_column(categories=["heat"]),
        a_facility_column(deleted_at=timezone.now()),
        a_bill(co2e=1),
        a_bill(co2e_biomass=1),
        a_bill(co2e_reason="inactive"),
        a_bill(co2e=None, co2e_market=None, co2e_biomass=None, co2e_status="not_calculated"),
        a_bill(status="inactive"),
        a_bill(quantity=1),
        a_bill(unit="MWh"),
        a_bill(end_date="2023-06-30"),
        a_bill("heat", activity="lpg"),
        a_bill(deleted_at=timezone.now()),
        a_line(co2e=F("co2e") + 1),
        a_line(co2e_market=F("co2e_market") + 1),
        a_line(quantity=1),
        a_line(scope=3),
        a_line(location_fallbacks="world"),
        a_line(superseded_at=timezone.now()),
        a_line_of_a_deleted_bill,
        a_line_elsewhere,
        a_bill_elsewhere,
        the_factor,
        the_gwp_set,
    ],
)
def test_what_no_signal_saw_is_found_named_and_repaired(
    facility: dict[str, Any], damage: Damage
) -> None:
    assert recalculate(check=True)[0] == 0
    lines = set(Emission.objects.values_list("pk", flat=True))
    damaged = str(damage(facility))

    status, found, said = recalculate(check=True)
    assert status == 1
    assert any(damaged in line for line in found), found
    assert said == f"facilities 2, figures differ {len(found)}"
    assert recalculate(check=True) == (status, found, said), "--check has stored something"
    assert set(Emission.objects.values_list("pk", flat=True)) == lines

    assert recalculate()[0] == 0
    assert recalculate(check=True) == (0, [], "facilities 2, figures differ 0")
    for row in Facility.objects.all():
        current = Emission.objects.current().filter(facility=row)
        for name in FIGURES:
            assert getattr(row, name) == sum(getattr(line, name) for line in current)
    assert lines <= set(Emission.objects.values_list("pk", flat=True)), "a line has been deleted"


def test_a_repair_brings_the_figures_back_and_tells_what_it_corrected(
    alice: Person, facility: dict[str, Any]
) -> None:
    a_facility_total(facility)
    a_line(superseded_at=timezone.now())(facility)
    status, corrected, said = recalculate()
    assert status == 0
    assert said == f"facilities 2, figures corrected {len(corrected)}"
    assert corrected
    after = alice.get(f"/v1/facilities/{facility['id']}").body
    assert {name: after[name] for name in FIGURES} == {name: facility[name] for name in FIGURES}


def test_only_the_named_organization_or_facility_is_looked_at(
    alice: Person, charlie: Person
) -> None:
    mine, other, theirs = alice.facility(), alice.facility(), charlie.facility()
    Facility.objects.update(co2e=7)

    def found(**options: Any) -> set[str]:
        return {line.split()[1] for line in recalculate(check=True, **options)[1]}

    assert found() == {mine["id"], other["id"], theirs["id"]}
    assert found(organization=str(alice.organization.pk)) == {mine["id"], other["id"]}
    assert found(facility=mine["id"]) == {mine["id"]}
    assert found(facility=mine["id"], organization=str(alice.organization.pk)) == {mine["id"]}
    recalculate(facility=mine["id"])
    assert found() == {other["id"], theirs["id"]}
    recalculate(organization=str(alice.organization.pk))
    assert found() == {theirs["id"]}


def test_an_organization_or_facility_that_is_not_there_is_an_error(
    alice: Person, charlie: Person
) -> None:
    nobody = "0199f1c2-7b1e-7c3a-9d53-0d1f3a2b4c5d"
    for options, sentence in (
        ({"organization": "acme"}, "acme.*UUID"),
        ({"organization": nobody}, nobody),
        ({"facility": "madrid"}, "madrid.*UUID"),
        ({"facility": nobody}, nobody),
        (
            {"facility": charlie.facility()["id"], "organization": str(alice.organization.pk)},
            "no f",
        ),
    ):
        with pytest.raises(CommandError, match=sentence):
            call_command("recalculate_co2e", **options)
