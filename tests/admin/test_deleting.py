"""Deleting says one sentence, keeps the reason, and is undone from its message."""

import re
from typing import Any

import pytest
from django.test import Client

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.history import changes_of
from organizations.staff.values.masses import shown_mass
from tests.admin.conftest import confirmed
from tests.admin.test_bill_form import form, page
from tests.admin.test_facilities import form as facility_form
from tests.admin.test_facilities import messages_of
from tests.admin.test_facilities import page as facility_page
from tests.conftest import Person
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db

BILLS = "/admin/emissions/consumption/"


def delete(client: Client, address: str, **fields: str) -> Any:
    gone = address.replace("/change/", "/delete/")
    return client.post(gone, {"post": "yes", **fields}, follow=True)


def pressed(client: Client, message: str) -> Any:
    """What pressing the message's Undo does."""
    [action] = re.findall(r'action="([^"]+)"', message)
    ids = re.findall(r'name="id" value="([^"]+)"', message)
    return client.post(action, {"id": ids}, follow=True)


def test_a_bill_is_deleted_and_undone(erin: Person, erin_admin: Client) -> None:
    erin.factor()
    bill = erin.consumption(erin.facility())
    asked = erin_admin.get(page(bill).replace("/change/", "/delete/")).content.decode()
    its = f"<strong>its {shown_mass('500.000000')} CO2e</strong>"
    assert f"It leaves every list and total with {its}, and can" in asked
    assert "What is closed" not in asked
    assert "Are you sure" not in asked
    [said] = messages_of(delete(erin_admin, page(bill), _reason="entered  twice"))
    assert said.startswith("Grid electricity · 1,000 kWh · 2023-03-01 – 2023-03-31 is deleted. ")
    row = Consumption.objects.get()
    assert row.deleted_at
    assert changes_of(row)[0].who.endswith("· entered twice")
    back = pressed(erin_admin, said)
    assert messages_of(back)[0].endswith(" is back.")
    assert Consumption.objects.get().co2e == 500
    assert back.request["PATH_INFO"] == BILLS


def test_what_a_closed_year_keeps_is_said_before_a_deletion(
    alice: Person, alice_admin: Client
) -> None:
    """One bill reaches from the closed year into the open one, another is in the open one."""
    alice.factor(valid_to="2024-12-31")
    facility = alice.facility()
    days = {"start_date": "2023-12-22", "end_date": "2024-01-10"}
    bill = alice.consumption(facility, **days)
    alice.consumption(facility, quantity=20, start_date="2024-02-01", end_date="2024-02-29")
    assert alice.post("/v1/periods/2023/close", {}).status == 200
    for address, leaving in ((page(bill), 250), (facility_page(facility), 260)):
        asked = alice_admin.get(address.replace("/change/", "/delete/")).content.decode()
        assert f"{shown_mass(f'{leaving}.000000')} CO2e</strong>" in asked, address
        kept = f"What is closed keeps its figures (2023): {shown_mass('250.000000')} CO2e stay."
        assert kept in asked, address


def test_a_facility_comes_back_with_what_it_had(alice: Person, alice_admin: Client) -> None:
    alice.factor()
    facility = alice.facility(cups_list=[cups(1)])
    alice.consumption(facility)
    [said] = messages_of(delete(alice_admin, facility_page(facility)))
    pressed(alice_admin, said)
    stored = alice.get(f"/v1/facilities/{facility['id']}").body
    assert (stored["co2e"], stored["cups_list"]) == (500, [cups(1)])


def test_many_are_deleted_and_undone_at_once(erin: Person, erin_admin: Client) -> None:
    facility = erin.facility()
    ids = [erin.consumption(facility)["id"] for _ in range(3)]
    data = {"action": "delete_selected", "_selected_action": ids}
    asked = erin_admin.post(BILLS, data).content.decode()
    assert "Delete these 3?" in asked
    [said] = messages_of(erin_admin.post(BILLS, data | {"post": "yes"}, follow=True))
    assert said.startswith("3 are deleted. ")
    assert not Consumption.objects.live().exists()
    assert len(messages_of(pressed(erin_admin, said))) == 3
    assert Consumption.objects.live().count() == 3


def test_nobody_undoes_what_is_not_theirs(
    alice: Person, alice_admin: Client, bob_admin: Client, charlie: Person
) -> None:
    bill = alice.consumption(alice.facility())
    theirs = charlie.consumption(charlie.facility())
    for one in Consumption.objects.all():
        one.delete()
    bob_admin.post(f"{BILLS}undelete/", {"id": [bill["id"]]})
    alice_admin.post(f"{BILLS}undelete/", {"id": [theirs["id"], "nonsense"]})
    assert not Consumption.objects.live().exists()
    assert alice_admin.get(f"{BILLS}undelete/").status_code == 405


def test_a_factors_undo_is_its_restoration_with_the_preview(
    alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor()
    alice.consumption(alice.facility())
    address = f"/admin/emissions/emissionfactor/{factor['id']}/delete/"
    preview = alice_admin.get(address)
    data = {**confirmed(preview), "post": "yes"}
    said = messages_of(alice_admin.post(address, data, follow=True))
    [link] = [one for one in said if "Undo" in one]
    [restore] = re.findall(r'href="([^"]+)"', link)
    assert alice_admin.post(restore, confirmed(alice_admin.get(restore))).status_code == 302
    assert not EmissionFactor.objects.get(pk=factor["id"]).deleted_at


def test_a_change_keeps_its_reason(erin: Person, erin_admin: Client) -> None:
    facility = erin.facility(cups_list=[cups(1)])
    bill = erin.consumption(facility)
    assert 'name="_reason"' in erin_admin.get(page(bill)).content.decode()
    assert 'name="_reason"' not in erin_admin.get(f"{BILLS}add/").content.decode()
    erin_admin.post(page(bill), form(facility, _reason="read again " + "x" * 200))
    [who] = [one.who for one in changes_of(Consumption.objects.get()) if one.fields]
    assert who.startswith("Erin") or who.startswith("erin@example.com")
    assert " · read again xxx" in who
    data = facility_form([cups(1), cups(2)], name="B", _reason="moved")
    data["supply_points-INITIAL_FORMS"] = 1
    data["supply_points-0-id"] = str(Facility.objects.get().supply_points.get().pk)
    assert erin_admin.post(facility_page(facility), data).status_code == 302
    found = [one.who for one in changes_of(Facility.objects.get())[:2]]
    assert all(who.endswith(" · moved") for who in found)
