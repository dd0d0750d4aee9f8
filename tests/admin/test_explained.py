"""A bill's page: how its figure comes about, step by step, or what would give it one."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from tests.admin.conftest import confirmed
from tests.admin.test_bill_form import page
from tests.admin.test_facilities import messages_of
from tests.admin.test_facilities import page as facility_page
from tests.conftest import Person

pytestmark = pytest.mark.django_db

MISSING = "/admin/emissions/consumption/missing/"
ADD_FACTOR = "/admin/emissions/emissionfactor/add/"


def test_the_lines_of_one_factor_are_one_step_with_its_conversion(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor(
        category="heat", activity="natural_gas", method="", unit="GJ", co2e=50, country="ES"
    )
    alice.factor(
        category="heat", activity="natural_gas", method="", unit="GJ", co2e=60,
        valid_from="2024-01-01", valid_to="2024-12-31",
    )  # fmt: skip
    bill = alice.consumption(
        alice.facility(), category="heat", activity="natural_gas", unit="kWh", quantity=731,
        start_date="2023-01-01", end_date="2024-12-31",
    )  # fmt: skip
    response = alice_admin.get(page(bill))
    one, two = response.context["steps"]
    assert (len(one.lines), len(two.lines)) == (12, 12)
    [way] = one.ways
    assert way.method == "Location-based and market-based"
    assert way.conversion == "1 kWh = 9/2500 GJ"
    assert (one.quantity, way.converted, way.factor.co2e) == (365, Decimal("1.314"), 50)
    assert way.co2e == Decimal("65.7")
    assert way.co2e + two.ways[0].co2e == alice.get(f"/v1/consumptions/{bill['id']}").body["co2e"]
    assert "12 lines of the ledger" in response.content.decode()


def test_both_methods_are_ways_where_they_differ_and_the_source_is_a_link(
    alice: Person, alice_admin: Client
) -> None:
    bill = alice.consumption(alice.facility())
    text = alice_admin.get(page(bill)).content.decode()
    calculation = alice.get(f"/v1/consumptions/{bill['id']}/calculation").body
    [line] = calculation["lines"]
    for method in ("location", "market"):
        source = line[method]["factor"]["source"]
        assert f'<a href="{source["url"]}" rel="noopener noreferrer">' in text
    ways = alice_admin.get(page(bill)).context["steps"][0].ways
    assert [way.method for way in ways] == ["Location-based", "Market-based"]
    assert [way.co2e for way in ways] == [line["co2e"], line["co2e_market"]]


def wood(erin: Person, **fields: Any) -> dict[str, Any]:
    facility = erin.facility()
    bill = {"category": "heat", "activity": "straw", "unit": "kWh", "quantity": 10, **fields}
    return {"facility": facility, "bill": erin.consumption(facility, **bill)}


def test_a_unit_that_no_factor_knows_is_to_be_corrected_first(
    erin: Person, erin_admin: Client, bob_admin: Client
) -> None:
    erin.factor(category="heat", activity="straw", method="", unit="kg", country="ES")
    made = wood(erin)
    addresses = (page(made["bill"]), facility_page(made["facility"]), MISSING)
    for address in addresses:
        text = erin_admin.get(address).content.decode()
        assert "There are factors per kg." in text, address
        assert text.index("Correct the unit") < text.index("Add a factor per kWh")
    assert "#id_unit" in erin_admin.get(addresses[0]).content.decode()
    assert "Correct the unit" not in bob_admin.get(addresses[0]).content.decode()


def test_a_unit_that_fits_is_offered_its_factor(erin: Person, erin_admin: Client) -> None:
    erin.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    made = wood(erin, unit="t")
    for address in (page(made["bill"]), facility_page(made["facility"]), MISSING):
        text = erin_admin.get(address).content.decode()
        assert "Add the factor" in text
        assert "Correct the unit" not in text


def test_another_organizations_factor_knows_nothing_here(
    erin: Person, erin_admin: Client, charlie: Person
) -> None:
    charlie.factor(category="heat", activity="straw", method="", unit="kWh", country="ES")
    erin.factor(category="heat", activity="straw", method="", unit="kg", country="ES")
    made = wood(erin)
    assert "Correct the unit" in erin_admin.get(page(made["bill"])).content.decode()


def test_a_new_factor_says_how_many_bills_have_figures_now(
    erin: Person, erin_admin: Client
) -> None:
    erin.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    for _ in range(2):
        wood(erin, unit="kg")
    factor = {
        "organization": str(erin.organization.pk), "category": "heat", "activity": "straw",
        "country": "ES", "unit": "kg", "valid_from": "2023-01-01", "co2e": "2",
    }  # fmt: skip
    preview = erin_admin.post(ADD_FACTOR, factor)
    said = messages_of(erin_admin.post(ADD_FACTOR, confirmed(preview), follow=True))
    assert said[1] == "2 bills have a figure now that had none."
    missing = erin_admin.get(MISSING).context["rows"]
    assert missing == []


def test_a_changed_factor_says_how_many_bills_it_moved(erin: Person, erin_admin: Client) -> None:
    factor = erin.factor()
    erin.consumption(erin.facility())
    address = f"/admin/emissions/emissionfactor/{factor['id']}/change/"
    data = {
        "organization": str(erin.organization.pk), "category": "electricity", "activity": "grid",
        "country": "ES", "method": "location", "unit": "kWh", "valid_from": "2023-01-01",
        "valid_to": "2023-12-31", "co2e": "0.75", "co2e_biomass": "0", "scope": "2",
    }  # fmt: skip
    preview = erin_admin.post(address, data)
    said = messages_of(erin_admin.post(address, confirmed(preview), follow=True))
    assert said[1] == "1 bill has another figure now, or none any more."
