"""A bill's form says what the bill emits: while it is typed, and when it has been stored."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from emissions.models import Consumption
from organizations.staff.values.masses import shown_mass
from tests.admin.test_facilities import messages_of
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ADD = reverse("admin:emissions_consumption_add")
FIGURE = reverse("admin:emissions_consumption_figure")


def page(bill: Any) -> str:
    return reverse("admin:emissions_consumption_change", args=[bill["id"]])


def form(facility: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "facility": facility["id"],
        "category": "electricity",
        "quantity": "1047,5",
        "unit": "kWh",
        "start_date": "2023-03-01",
        "end_date": "2023-03-31",
        "data_quality": "actual",
        "status": "active",
        **fields,
    }


def test_what_is_saved_says_its_kg_and_the_factor(erin: Person, erin_admin: Client) -> None:
    factor = erin.factor()
    said = messages_of(erin_admin.post(ADD, form(erin.facility()), follow=True))
    address = reverse("admin:emissions_emissionfactor_change", args=[factor["id"]])
    factor_said = "Grid electricity · Spain · 2023 · 0.5 kg CO2e per kWh"
    link = f'<a class="fa-link" href="{address}">{factor_said}</a>'
    location, market = shown_mass("523.750000"), shown_mass("272.350000")
    assert said[1].startswith(f"{location} CO2e: 1,047.5 kWh × {link}; market-based {market}, by ")
    assert ' title="523.75 kg" ' in said[1], "exact where one points at it"
    assert ">524 kg<" in said[1]


def test_a_market_based_figure_that_differs_is_said_too(erin: Person, erin_admin: Client) -> None:
    erin.factor()
    erin.factor(method="market", co2e=Decimal("0.25"))
    said = messages_of(erin_admin.post(ADD, form(erin.facility(), quantity="100"), follow=True))
    assert f"{shown_mass('50.000000')} CO2e" in said[1]
    assert f"market-based {shown_mass('25.000000')}" in said[1]


def test_what_has_no_figure_says_why(erin: Person, erin_admin: Client) -> None:
    erin.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    data = form(erin.facility(), category="heat", activity="straw", unit="kg")
    said = messages_of(erin_admin.post(ADD, data, follow=True))
    assert said[1].startswith(
        "It has no figure. There is no factor for Straw per unit of mass (kg) "
    )


def test_a_change_says_the_new_figure_and_what_is_odd(erin: Person, erin_admin: Client) -> None:
    erin.factor()
    facility = erin.facility()
    bill = erin.consumption(facility)
    erin.consumption(facility, start_date="2023-04-01", end_date="2023-04-30")
    data = form(facility, quantity="10", end_date="2023-04-05")
    said = messages_of(erin_admin.post(page(bill), data, follow=True))
    assert said[1].startswith(f"{shown_mass('5.000000')} CO2e")
    assert said[2].startswith("Stored, but look at the")


def typed(client: Client, data: dict[str, Any]) -> str:
    response = client.post(FIGURE, data)
    assert response.status_code == 200
    return response.content.decode()


def test_the_figure_is_shown_while_it_is_typed_and_nothing_is_stored(
    erin: Person, erin_admin: Client
) -> None:
    erin.factor()
    facility = erin.facility()
    assert "as soon as" in typed(erin_admin, form(facility, quantity=""))
    assert f"{shown_mass('523.750000')} CO2e: 1,047.5 kWh" in typed(erin_admin, form(facility))
    assert "may be 1200 " in typed(erin_admin, form(facility, quantity="1,200"))
    assert "ends before it starts" in typed(erin_admin, form(facility, end_date="2023-02-01"))
    assert not Consumption.objects.exists()


def shown_now(panel: str) -> str:
    """What the panel says the stored bill is."""
    return panel.partition("fa-muted")[2]


def test_a_typed_change_is_of_the_bill_that_is_stored(erin: Person, erin_admin: Client) -> None:
    erin.factor()
    facility = erin.facility()
    bill = erin.consumption(facility)
    shown = typed(erin_admin, form(facility, _row=bill["id"]))
    assert "has the same facility" not in shown
    assert f"It is {shown_mass('500.000000')} now" in shown
    assert "+23.75 kg" in shown
    assert "(" not in shown_now(typed(erin_admin, form(facility, quantity="1000", _row=bill["id"])))
    assert "has the same facility" in typed(erin_admin, form(facility))
    assert Consumption.objects.get().quantity == 1000


def test_a_figure_too_large_is_said_and_not_an_error(erin: Person, erin_admin: Client) -> None:
    erin.factor(co2e=5)
    assert "gigatonne" in typed(erin_admin, form(erin.facility(), quantity="9" * 12))


def test_who_may_not_write_a_bill_gets_no_figure_of_one(
    alice: Person, bob_admin: Client, charlie: Person, erin_admin: Client
) -> None:
    facility = alice.facility()
    assert bob_admin.post(FIGURE, form(facility)).status_code == 403
    theirs = charlie.facility()
    assert "you may not use it" in typed(erin_admin, form(theirs))
    bill = charlie.consumption(theirs)
    assert bill["id"] not in typed(erin_admin, form(facility, _row=bill["id"]))
    assert (
        bob_admin.get(page(alice.consumption(facility))).content.decode().count("data-address") == 0
    )


def test_a_bill_of_a_closed_year_is_not_explained_by_what_it_says_now(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    facility = alice.facility()
    bill = alice.consumption(facility, quantity=700)
    assert alice.post("/v1/periods/2023/close", {}).status == 200
    said = typed(alice_admin, form(facility, quantity="1.2", _row=bill["id"]))
    assert f"It counts with {shown_mass('350.000000')} CO2e." in said
    assert "2023 is closed and keeps its figures" in said
    assert "1.2 kWh" not in said, "1.2 kWh do not give 350 kg"
