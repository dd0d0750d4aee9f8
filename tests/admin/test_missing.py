"""Missing factors: grouped by the exact key, each with a form that resolves what waits for it."""

from datetime import date
from importlib import import_module
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.apps import apps
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from emissions.models import Consumption
from emissions.names import reason_in_words
from facilities.models import Facility
from tests.admin.conftest import confirmed
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ADD = reverse("admin:emissions_emissionfactor_add")
MISSING = reverse("admin:emissions_consumption_missing")
STRAW = {"category": "heat", "activity": "straw", "unit": "kg"}
NEW_YEAR = {"start_date": "2023-12-20", "end_date": "2024-01-10"}


def straw(person: Person, year: int, **fields: Any) -> dict[str, Any]:
    """A factor for straw of one year: in France, unless a place is named."""
    period = {"valid_from": f"{year}-01-01", "valid_to": f"{year}-12-31"}
    return person.factor(**{**STRAW, "method": "", "country": "FR", "co2e": 1, **period, **fields})


def waiting(client: Client) -> list[tuple[str, int, int]]:
    """Country, year and number of consumptions of each key that is missing."""
    keys = [one["missing"] for one in client.get(MISSING).context["rows"]]
    return [(one.key.country, one.key.year, one.consumptions) for one in keys]


def add_the_factor(client: Client, address: str, co2e: str = "2") -> None:
    """Follows a link to the form and stores what it is filled with, through the preview."""
    given = {name: one for name, [one] in parse_qs(urlsplit(address).query).items()}
    response = client.post(ADD, {**given, "co2e": co2e})
    assert response.status_code == 200
    assert client.post(ADD, confirmed(response)).status_code == 302


def test_over_new_year_the_year_that_lacks_a_factor_is_named_and_one_form_resolves_it(
    alice: Person, alice_admin: Client
) -> None:
    facility = alice.facility()
    straw(alice, 2016)
    straw(alice, 2023, country="ES")
    bill = alice.consumption(facility, **STRAW, start_date="2023-12-20", end_date="2024-01-10")
    assert bill["co2e"], "the factor of 2023 stands in for 2024"
    earlier = alice.consumption(facility, **STRAW, start_date="2022-12-20", end_date="2023-01-10")
    assert earlier["co2e"] is None, "a later one never does"
    assert waiting(alice_admin) == [("ES", 2022, 1)]
    row = alice_admin.get(MISSING).context["rows"][0]
    assert alice_admin.get(row["behind"]).context["cl"].result_count == 1
    add_the_factor(alice_admin, row["new_factor"])
    assert waiting(alice_admin) == []
    assert Consumption.objects.get(pk=earlier["id"]).co2e is not None


def test_over_new_year_only_the_second_year_may_be_missing(
    alice: Person, alice_admin: Client
) -> None:
    """The first year is answered by a factor too old for the second."""
    straw(alice, 2018, country="ES")
    bill = alice.consumption(alice.facility(), **STRAW, **NEW_YEAR)
    stored = Consumption.objects.get(pk=bill["id"])
    assert stored.missing_on == date(2024, 1, 1)
    assert waiting(alice_admin) == [("ES", 2024, 1)]
    page = alice_admin.get(reverse("admin:emissions_consumption_change", args=[bill["id"]]))
    assert "valid_from=2024-01-01" in page.context["new_factor"]
    [row] = alice_admin.get(MISSING).context["rows"]
    assert alice_admin.get(row["behind"]).context["cl"].result_count == 1
    add_the_factor(alice_admin, row["new_factor"])
    stored.refresh_from_db()
    assert stored.missing_on is None
    assert stored.co2e is not None
    assert waiting(alice_admin) == []


def test_where_both_years_are_missing_the_second_follows_once_the_first_is_there(
    alice: Person, alice_admin: Client
) -> None:
    """Which needs a first factor that cannot stand in for the second year."""
    straw(alice, 2016)
    facility = alice.facility()
    bill = alice.consumption(facility, **STRAW, **NEW_YEAR)
    assert waiting(alice_admin) == [("ES", 2023, 1)]
    straw(alice, 2018, country="ES")
    assert waiting(alice_admin) == [("ES", 2024, 1)]
    [row] = alice_admin.get(MISSING).context["rows"]
    add_the_factor(alice_admin, row["new_factor"])
    assert waiting(alice_admin) == []
    assert Consumption.objects.get(pk=bill["id"]).co2e is not None


def test_what_electricity_lacks_is_a_location_based_factor(
    alice: Person, alice_admin: Client
) -> None:
    """A supplier's factor gives the market-based figure; there is none that is location-based."""
    alice.factor(country="AQ", method="market", supplier="Ice Power")
    there = {"activity": "penguins", "supplier": "Ice Power", "unit": "kWh"}
    alice.factor(country="AQ", activity="penguins", method="market", supplier="Ice Power")
    alice.consumption(alice.facility(country="AQ"), **there)
    [row] = alice_admin.get(MISSING).context["rows"]
    assert row["missing"].key.method == "location"
    assert "method=location" in row["new_factor"]
    assert "supplier" not in row["new_factor"]
    add_the_factor(alice_admin, row["new_factor"])
    stored = Consumption.objects.get()
    assert (stored.co2e, stored.co2e_market) == (2000, 500)


def test_a_refill_lacks_a_factor_of_the_organizations_gwp_set(
    alice: Person, alice_admin: Client
) -> None:
    gas = {"category": "recharge", "activity": "R-999", "unit": "kg"}
    alice.factor(**gas, method="", gwp_set="AR6", country="FR", co2e=1)
    day = {"start_date": "2023-05-05", "end_date": "2023-05-05"}
    alice.consumption(alice.facility(), **gas, **day, quantity=3)
    [row] = alice_admin.get(MISSING).context["rows"]
    assert row["missing"].key.gwp_set == "AR6"
    add_the_factor(alice_admin, row["new_factor"])
    assert Consumption.objects.get().co2e == 6


def test_the_day_without_a_factor_is_held_to_what_is_computed(alice: Person) -> None:
    straw(alice, 2016)
    bill = alice.consumption(alice.facility(), **STRAW)
    Consumption.objects.update(missing_on="2001-01-01")
    found = StringIO()
    with pytest.raises(SystemExit):
        call_command("recalculate_co2e", check=True, stdout=found, stderr=StringIO())
    assert f"consumption {bill['id']} missing_on: stored 2001-01-01" in found.getvalue()


def test_bills_stored_before_there_was_the_column_get_their_day(alice: Person) -> None:
    straw(alice, 2018, country="ES")
    facility = alice.facility()
    for fields in (NEW_YEAR, {}):
        alice.consumption(facility, **STRAW, **fields)
    days = dict(Consumption.objects.values_list("pk", "missing_on"))
    assert set(days.values()) == {date(2024, 1, 1), None}
    Consumption.objects.update(missing_on=None)
    import_module("emissions.migrations.0008_missing_on").read_the_reasons(apps, None)
    assert dict(Consumption.objects.values_list("pk", "missing_on")) == days


def test_missing_factors_are_grouped_by_their_key_the_biggest_first(
    alice: Person, alice_admin: Client
) -> None:
    near, far = alice.facility(), alice.facility(name="Oslo", country="NO")
    alice.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    straw = {"category": "heat", "activity": "straw", "unit": "kg"}
    alice.consumption(far, **straw)
    alice.consumption(near, **straw)
    alice.consumption(near, **{**straw, "unit": "t"})
    alice.consumption(near, **straw, start_date="2024-01-01", end_date="2024-01-31")
    alice.consumption(near)
    rows = alice_admin.get(MISSING).context["rows"]
    found = [(one["missing"].key.country, one["missing"].key.year, one["missing"].consumptions)
             for one in rows]  # fmt: skip
    assert found == [("ES", 2023, 2), ("ES", 2024, 1), ("NO", 2023, 1)]
    behind = alice_admin.get(rows[0]["behind"])
    assert behind.context["cl"].result_count == 2, "the list behind the number"


def test_a_missing_factor_leads_to_a_form_with_exactly_its_key_and_is_resolved(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    facility = alice.facility(region="Soria")
    alice.consumption(facility, category="heat", activity="straw", unit="kg")
    response = alice_admin.get(reverse("admin:facilities_facility_change", args=[facility["id"]]))
    [waiting] = response.context["uncalculated"]
    assert escape(reason_in_words(waiting["row"].co2e_reason)) in response.content.decode()
    given = {name: one for name, [one] in parse_qs(urlsplit(waiting["new_factor"]).query).items()}
    assert given == {
        "organization": str(alice.organization.pk), "category": "heat", "activity": "straw",
        "country": "ES", "region": "Soria", "unit": "kg", "valid_from": "2023-01-01",
        "valid_to": "2023-12-31",
    }  # fmt: skip
    begun = alice_admin.get(waiting["new_factor"]).context["adminform"].form.initial
    assert {name: str(begun[name]) for name in given} == given
    response = alice_admin.post(ADD, {**given, "co2e": "2"})
    assert response.context["impact"].gained == 1
    alice_admin.post(ADD, confirmed(response))
    assert Facility.objects.get(pk=facility["id"]).co2e == 2000
    assert alice_admin.get(MISSING).context["rows"] == []


def test_a_viewer_is_offered_no_form(alice: Person, bob_admin: Client) -> None:
    alice.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    alice.consumption(alice.facility(), category="heat", activity="straw", unit="kg")
    [row] = bob_admin.get(MISSING).context["rows"]
    assert row["new_factor"] == ""
