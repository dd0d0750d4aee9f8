"""Who changed what, when, from what to what: API, admin and bulk writes alike."""

from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.contrib import admin
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from emissions.ledger.recalculation import recalculate_facilities
from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility, SupplyPoint
from organizations import history
from organizations.history import CREATED, Change, changes_of, record
from tests.admin.conftest import at_the_admin
from tests.admin.test_facilities import form
from tests.conftest import PASSWORD, Person, call
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db

TRACKED: list[Any] = [Facility, SupplyPoint, Consumption, EmissionFactor]


def said(change: Change) -> tuple[str, list[tuple[str, str, str]]]:
    return change.what, [tuple(one) for one in change.fields]


def test_a_change_through_the_api_names_the_key_and_both_values(alice: Person) -> None:
    made = alice.facility()
    alice.patch(f"/v1/facilities/{made['id']}", {"name": "Sevilla", "categories": ["water"]})
    alice.delete(f"/v1/facilities/{made['id']}")
    deleted, changed, created = changes_of(Facility.objects.get(pk=made["id"]))
    assert deleted.what == "deleted"
    assert said(changed) == (
        "changed",
        [
            ("name", "Madrid Office", "Sevilla"),
            ("categories", "Heat, Electricity, Water, Refrigerants", "Water"),
        ],
    )
    assert created.what == "created"
    assert "API key alice (sk_live_" in changed.who


def test_a_change_with_a_token_names_the_person(alice: Person) -> None:
    made = alice.facility()
    login = call("POST", "/v1/auth/login", {"email": alice.user.email, "password": PASSWORD})
    headers = {
        "authorization": f"Bearer {login.body['access_token']}",
        "x-organization-id": str(alice.organization.pk),
    }
    answer = call("PATCH", f"/v1/facilities/{made['id']}", {"name": "New"}, headers)
    assert answer.status == 200
    assert changes_of(Facility.objects.get())[0].who == alice.user.email


def test_a_change_in_the_admin_names_the_person_and_is_read_on_the_page(
    alice: Person, erin: Person
) -> None:
    made = alice.facility()
    client = at_the_admin(erin.user)
    page = reverse("admin:facilities_facility_change", args=[made["id"]])
    assert client.post(page, form([], name="Renamed")).status_code == 302
    newest = changes_of(Facility.objects.get())[0]
    assert newest.who == erin.user.email
    assert ("name", "Madrid Office", "Renamed") in newest.fields
    history = reverse("admin:facilities_facility_history", args=[made["id"]])
    for address in (page, history):
        text = client.get(address).content.decode()
        assert "<del>Madrid Office</del> → <ins>Renamed</ins>" in text
        assert erin.user.email in text


def test_factors_and_consumption_have_a_history_too(alice: Person) -> None:
    factor = alice.factor()
    bill = alice.consumption(alice.facility())
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": 1})
    alice.patch(f"/v1/consumptions/{bill['id']}", {"end_date": "2023-03-30"})
    newest = changes_of(EmissionFactor.objects.get(pk=factor["id"]))[0]
    assert said(newest) == ("changed", [("CO2e", "0.5", "1")])
    newest = changes_of(Consumption.objects.get())[0]
    assert said(newest) == ("changed", [("end date", "2023-03-31", "2023-03-30")])


def test_what_is_computed_is_no_history_and_recalculating_writes_none(alice: Person) -> None:
    for model in TRACKED:
        names = {field.name for field in model.history.model._meta.fields}
        assert not names & {*getattr(model, "COMPUTED", ()), "updated_at"} or (
            model is EmissionFactor
        )
    facility = alice.facility()
    alice.consumption(facility)
    before = [model.history.count() for model in TRACKED]
    Consumption.objects.update(co2e=1)
    recalculate_facilities([Facility.objects.get().pk])
    assert [model.history.count() for model in TRACKED] == before


def test_bulk_writes_record_many_rows_in_few_queries(alice: Person) -> None:
    made = [alice.facility(name=f"{number}")["id"] for number in range(20)]
    Facility.objects.update(type="depot")
    with CaptureQueriesContext(
        connection,
    ) as queries:
        record(Facility, made, reason="import sites.csv", user=alice.user)
    assert len(queries) <= 2
    for row in Facility.objects.all():
        newest = changes_of(row)[0]
        assert said(newest) == ("changed", [("type", "office", "depot")])
        assert newest.who == f"{alice.user.email} · import sites.csv"


def test_more_rows_than_one_batch_are_all_recorded(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "BATCH", 3)
    made = [alice.facility(name=f"{number}")["id"] for number in range(8)]
    before = Facility.history.count()
    record(Facility, made)
    assert Facility.history.count() == before + 8


def test_bulk_creation_is_recorded_as_what_it_is(alice: Person) -> None:
    row = EmissionFactor(
        organization=alice.organization, category="heat", activity="straw", unit="kg",
        valid_from=date(2023, 1, 1), co2e=1, scope=1,
    )  # fmt: skip
    EmissionFactor.objects.bulk_create([row])
    record(EmissionFactor, [row.pk], CREATED)
    [change] = changes_of(row)
    assert (change.what, change.who) == ("created", "a command")


@pytest.mark.parametrize("model", TRACKED, ids=lambda model: model.__name__)
def test_history_is_a_tenants_table(model: Any) -> None:
    """It carries the organization, and no page of the admin shows it but its row's."""
    history = model.history.model
    assert history._meta.get_field("organization")
    assert history not in admin.site._registry
    assert history._meta.pk.get_internal_type() == "UUIDField"


def test_staff_of_another_organization_do_not_read_a_history(
    alice: Person, charlie: Person
) -> None:
    made = alice.facility()
    client = at_the_admin(charlie.user)
    response = client.get(reverse("admin:facilities_facility_history", args=[made["id"]]))
    assert response.status_code == 302


def test_a_write_costs_two_more_queries(alice: Person) -> None:
    made = alice.facility()
    with CaptureQueriesContext(connection) as queries:
        alice.patch(f"/v1/facilities/{made['id']}", {"name": "Sevilla"})
    about = [one["sql"] for one in queries if "historical" in one["sql"]]
    assert [sql.split()[0] for sql in about] == ["SELECT", "INSERT"], about


def test_what_an_import_changed_shows_what_was_there_before(
    alice: Person, charlie: Person, tmp_path: Path
) -> None:
    """A load is not recorded row by row; its import is who made what is changed later."""
    site = alice.facility(external_id="HQ")
    header = "external_id,facility_id,category,quantity,unit,start_date,end_date\n"
    row = "B-1,HQ,electricity,{},kWh,2023-01-01,2023-01-31\n"
    for name, quantity in (("first.csv", 100), ("second.csv", 200)):
        (tmp_path / name).write_text(header + row.format(quantity), encoding="utf-8")
        organization = str(alice.organization.pk)
        call_command(
            "import_consumption", str(tmp_path / name), organization=organization,
            stdout=StringIO(), stderr=StringIO(),
        )  # fmt: skip
        if quantity == 100:
            bill = Consumption.objects.get(external_id="B-1")
            assert bill.history.count() == 0
            [change] = changes_of(bill)
            assert (change.what, change.when) == ("created", bill.created_at)
            assert change.who.startswith("import first.csv by ")
    alice.patch(f"/v1/consumptions/{bill.pk}", {"quantity": 300})
    by_key, by_import, first = changes_of(bill)
    assert said(by_key) == ("changed", [("quantity", "200", "300")])
    assert by_key.who.startswith("API key alice")
    assert said(by_import) == ("changed", [("quantity", "100", "200")])
    assert by_import.who.startswith("import second.csv by ")
    assert said(first) == ("created", [])
    assert (first.when, first.who.split(" by ")[0]) == (bill.created_at, "import first.csv")
    facility_import = tmp_path / "sites.csv"
    facility_import.write_text(
        "external_id,name,type,country\nHQ,New,office,PT\n", encoding="utf-8"
    )
    call_command(
        "import_facilities", str(facility_import), organization=organization,
        stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip
    newest = changes_of(Facility.objects.get(pk=site["id"]))[0]
    assert newest.who.startswith("import sites.csv")
    assert ("name", "Madrid Office", "New") in said(newest)[1]


def test_the_cups_of_a_facility_are_in_its_history(alice: Person, tmp_path: Path) -> None:
    first, second, third = cups(1), cups(2), cups(3)
    site = alice.facility(external_id="HQ", cups_list=[first])
    alice.patch(f"/v1/facilities/{site['id']}", {"cups_list": [second]})
    point = SupplyPoint.objects.get()
    point.cups = third
    point.save()
    file = tmp_path / "sites.csv"
    file.write_text(f"external_id,name,type,country,cups_list\nHQ,New,office,ES,{first}\n")
    call_command(
        "import_facilities", str(file), organization=str(alice.organization.pk),
        stdout=StringIO(), stderr=StringIO(),
    )  # fmt: skip
    changes = changes_of(Facility.objects.get())
    of_cups = [one for change in changes for one in change.fields if one.name == "CUPS"]
    assert sorted(tuple(one)[1:] for one in of_cups) == sorted(
        [
            ("nothing", first), (first, "nothing"), ("nothing", second), (second, third),
            (third, "nothing"), ("nothing", first),
        ]
    )  # fmt: skip
    assert changes[0].when >= changes[-1].when
    assert any("import sites.csv" in change.who for change in changes)
