"""Pages call activities, categories, units and places by their names; codes stay behind them."""

import re
from html import unescape
from typing import Any

import pytest
from django.test import Client

from emissions.calculation.units import UNITS
from emissions.models import EmissionFactor
from emissions.names import (
    ACTIVITIES,
    activity_name,
    cause_in_words,
    place_name,
    reason_in_words,
    unit_choices,
    unit_name,
)
from facilities.categories import Category
from facilities.names import CATEGORIES
from tests.conftest import Person

pytestmark = pytest.mark.django_db

LIST, ADD = "/admin/emissions/consumption/", "/admin/emissions/consumption/add/"
NO_PAGE_SAYS = re.compile(
    r"natural_gas|\bm3\b(?!<)|gal_us|\bKg\b|\brecharge\b|Recharge|world ·|Create a new item|Co2e\b"
)


def text(response: Any) -> str:
    """What a page says: without its marks, and without what choices are looked for by."""
    assert response.status_code == 200
    page = response.content.decode()
    page = re.sub(r"(?s)<(script|style|option)\b.*?</\1>", " ", page)
    return unescape(re.sub(r"<[^>]+>", " ", page))


def options(response: Any, name: str) -> dict[str, str]:
    """Code → name of what a select of a form offers."""
    page = response.content.decode()
    select = re.search(rf'(?s)<select name="{name}".*?</select>', page)
    assert select, name
    found = re.findall(r'<option value="([^"]*)"[^>]*>([^<]*)</option>', select[0])
    return {code: unescape(label) for code, label in found}


@pytest.fixture
def gas(erin: Person) -> dict[str, Any]:
    """A bill in m³ of natural gas in Spain, with the factor that gives its figure."""
    erin.factor(category="heat", activity="natural_gas", method="", unit="m3", country="")
    return erin.consumption(erin.facility(), category="heat", activity="natural_gas", unit="m3")


def test_every_code_that_is_shipped_has_a_name() -> None:
    shipped = EmissionFactor.objects.exclude(category="recharge").values_list("activity", flat=True)
    assert set(shipped) <= set(ACTIVITIES)
    assert set(CATEGORIES) == set(Category.values)
    assert [code for code, _ in unit_choices()] == [*UNITS]
    said = [*map(activity_name, ACTIVITIES), *map(unit_name, UNITS)]
    assert not [name for name in said if "_" in name]
    assert len(set(said)) == len(said), "two codes of one name cannot be told apart"


def test_what_has_no_name_is_called_what_its_code_says() -> None:
    assert activity_name("biogas_site") == "Biogas site"
    assert activity_name("R-410A") == "R-410A"
    assert unit_name("kWh") == "kWh"
    assert place_name("CA", "CA-ON") == "Canada (CA-ON)"


def test_a_reason_is_said_without_codes(erin: Person) -> None:
    bill = erin.consumption(
        erin.facility(), category="heat", activity="natural_gas", unit="m3",
        start_date="1990-01-01", end_date="1990-01-31",
    )  # fmt: skip
    said = reason_in_words(bill["co2e_reason"])
    assert said.startswith("There is no factor for Natural gas per unit of volume (m³) valid on ")
    assert reason_in_words("") == ""
    assert reason_in_words("Odd: but a sentence.") == "Odd: but a sentence."


def test_what_made_a_recalculation_is_said_by_name() -> None:
    said = cause_in_words("factor changed: natural_gas · CA · 2022 · 0.031 kg/m3")
    assert said == "factor changed: Natural gas · Canada · 2022 · 0.031 kg CO2e per m³"
    assert cause_in_words("import a · b.csv") == "import a · b.csv"


def test_the_api_and_the_audit_keep_their_codes(gas: dict[str, Any], alice: Person) -> None:
    assert (gas["category"], gas["activity"], gas["unit"]) == ("heat", "natural_gas", "m3")
    alice.delete(f"/v1/consumptions/{gas['id']}")
    [event] = alice.get("/v1/audit-events?event=deleted").body["items"]
    assert event["details"]["name"].startswith("natural_gas · 1,000 m3 · ")


def test_no_page_says_a_code(
    gas: dict[str, Any], erin: Person, erin_admin: Client, bob_admin: Client, root: Client
) -> None:
    facility = gas["facility_id"]
    erin.patch(f"/v1/consumptions/{gas['id']}", {"quantity": 900, "unit": "gal_us"})
    erin.patch(f"/v1/consumptions/{gas['id']}", {"quantity": 950, "unit": "m3"})
    erin.patch(f"/v1/facilities/{facility}", {"categories": ["heat", "recharge"]})
    factor = EmissionFactor.objects.get(organization=erin.organization)
    world = EmissionFactor.objects.filter(country="", category="recharge")[0]
    pages = [
        "/admin/",
        "/admin/emissions/emission/monthly/",
        "/admin/emissions/emission/figures/?year=2023",
        LIST,
        f"{LIST}?category__exact=water",
        f"{LIST}{gas['id']}/change/",
        f"{LIST}{gas['id']}/history/",
        f"{LIST}missing/",
        f"{LIST}changes/",
        "/admin/emissions/emission/",
        "/admin/emissions/emissionfactor/?q=natural+gas",
        f"/admin/emissions/emissionfactor/{factor.pk}/change/",
        f"/admin/emissions/emissionfactor/{world.pk}/change/",
        f"/admin/facilities/facility/{facility}/change/",
        "/admin/emissions/closedperiod/inventory/?year=2023",
    ]
    for client in (erin_admin, bob_admin, root):
        for page in pages:
            if client is bob_admin and page.endswith("changes/"):
                continue
            found = NO_PAGE_SAYS.findall(text(client.get(page)))
            assert not found, (page, found)
    said = text(bob_admin.get(f"{LIST}{gas['id']}/change/"))
    for name in ("Heat", "Natural gas", "m³", "Natural gas · worldwide"):
        assert name in said


def test_a_form_offers_names_and_sends_codes(erin: Person, erin_admin: Client) -> None:
    erin.factor(category="heat", activity="olive_pits", method="", unit="kg")
    form = erin_admin.get(ADD)
    activities = options(form, "activity")
    assert activities["natural_gas"] == "Natural gas"
    assert activities["olive_pits"] == "Olive pits"
    assert activities["R-410A"] == "R-410A"
    assert options(form, "category")["recharge"] == "Refrigerants"
    assert options(form, "unit")["m3"] == "m³ – cubic metre, m3"
    sent = {
        "facility": erin.facility()["id"], "category": "heat", "activity": "natural_gas",
        "quantity": "7", "unit": "m3", "start_date": "2023-03-01", "end_date": "2023-03-31",
        "data_quality": "actual", "status": "active",
    }  # fmt: skip
    assert erin_admin.post(ADD, sent).status_code == 302
    stored = erin.get("/v1/consumptions").body["items"][0]
    assert (stored["activity"], stored["unit"]) == ("natural_gas", "m3")
    refused = erin_admin.post(ADD, {**sent, "activity": "made_up"})
    assert "No heat factor knows the activity" in text(refused)
    assert options(refused, "activity")["made_up"] == "Made up"


def test_nobody_is_offered_the_activities_of_others(charlie: Person, erin_admin: Client) -> None:
    charlie.factor(category="heat", activity="secret_fuel", method="", unit="kg")
    assert "secret_fuel" not in options(erin_admin.get(ADD), "activity")
    assert "Secret fuel" not in erin_admin.get(LIST).content.decode()


def test_a_factor_may_be_of_a_new_activity(alice_admin: Client, alice: Person) -> None:
    address = "/admin/emissions/emissionfactor/add/"
    assert b'data-tags="true"' in alice_admin.get(address).content
    assert b'data-tags="true"' not in alice_admin.get(ADD).content


def test_lists_are_narrowed_by_name(gas: dict[str, Any], erin_admin: Client) -> None:
    page = erin_admin.get(LIST)
    assert '<option value="natural_gas">Natural gas</option>' in page.content.decode()
    for query, count in (("activity__exact=natural_gas", 1), ("activity__exact=lpg", 0),
                         ("category__exact=heat", 1), ("category__exact=recharge", 0)):  # fmt: skip
        assert erin_admin.get(f"{LIST}?{query}").context["cl"].result_count == count, query


def test_who_may_only_read_is_not_told_what_to_type(
    gas: dict[str, Any], erin_admin: Client, bob_admin: Client
) -> None:
    address = f"{LIST}{gas['id']}/change/"
    assert "Only an adjustment may be negative." in text(erin_admin.get(address))
    assert "Only an adjustment may be negative." not in text(bob_admin.get(address))


def test_an_empty_list_offers_to_add_to_those_who_may(
    erin_admin: Client, bob_admin: Client
) -> None:
    assert "Add consumption" in text(erin_admin.get(LIST))
    assert "Add consumption" not in text(bob_admin.get(LIST))
    assert "There is nothing here yet." in text(bob_admin.get(LIST))
    assert "Nothing fits what you search for." in text(bob_admin.get(f"{LIST}?q=x"))
