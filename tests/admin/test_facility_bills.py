"""A facility's page: its figures first, the days of its year, its bills, the next one's form."""

import re
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client

from emissions.admin.bills.after import next_period
from emissions.models import Consumption
from tests.admin.test_bill_form import ADD, form
from tests.admin.test_facilities import form as facility_form
from tests.admin.test_facilities import page
from tests.conftest import Person
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("2024-01-01", "2024-01-31", "2024-02-01", "2024-02-29"),
        ("2023-12-15", "2024-01-14", "2024-01-15", "2024-02-14"),
        ("2023-11-01", "2023-12-31", "2024-01-01", "2024-02-29"),
        ("2023-01-01", "2023-12-31", "2024-01-01", "2024-12-31"),
        ("2024-03-01", "2024-03-10", "2024-03-11", "2024-03-20"),
        ("2024-03-31", "2024-03-31", "2024-04-01", "2024-04-01"),
    ],
)
def test_the_period_after_a_period(start: str, end: str, first: str, last: str) -> None:
    found = next_period(date.fromisoformat(start), date.fromisoformat(end))
    assert [str(day) for day in found] == [first, last]


def filled(address: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}


def test_save_and_add_another_goes_on_where_the_bill_ends(erin: Person, erin_admin: Client) -> None:
    facility = erin.facility(cups_list=[cups(1)])
    data = form(facility, cups=cups(1), supplier="Iberdrola", _addanother="1")
    response = erin_admin.post(ADD, data)
    assert filled(response["Location"]) == {
        "facility": facility["id"], "category": "electricity", "activity": "grid", "unit": "kWh",
        "supplier": "Iberdrola", "cups": cups(1), "data_quality": "actual",
        "start_date": "2023-04-01", "end_date": "2023-04-30",
    }  # fmt: skip
    text = erin_admin.get(response["Location"]).content.decode()
    assert re.search(r'name="start_date"[^>]*value="2023-04-01"', text)
    assert re.search(r'<option value="electricity" selected>', text)


def test_a_facility_and_a_factor_keep_what_the_next_shares(
    alice: Person, alice_admin: Client
) -> None:
    data = facility_form([], organization=alice.organization.pk, region="MD", _addanother="1")
    response = alice_admin.post("/admin/facilities/facility/add/", data)
    assert filled(response["Location"]) == {
        "organization": str(alice.organization.pk), "type": "office", "country": "ES",
        "region": "MD",
    }  # fmt: skip
    factor = {
        "organization": alice.organization.pk, "category": "heat", "activity": "straw",
        "unit": "kg", "valid_from": "2023-01-01", "co2e": "2", "_addanother": "1",
    }  # fmt: skip
    response = alice_admin.post("/admin/emissions/emissionfactor/add/", factor)
    kept = filled(response["Location"])
    assert (kept["activity"], kept["unit"]) == ("straw", "kg")
    assert not {"co2e", "valid_from"} & set(kept)


def test_its_figures_come_before_its_form(alice: Person, alice_admin: Client) -> None:
    alice.factor()
    facility = alice.facility()
    alice.consumption(facility)
    text = alice_admin.get(page(facility)).content.decode()
    order = ['id="figures"', 'id="monthly"', 'id="coverage"', 'id="bills"', 'id="facility_form"']
    places = [text.index(one) for one in order]
    assert places == sorted(places)
    assert "260" in text[places[0] : places[1]], "market-based"


def test_its_bills_are_listed_by_category_and_lead_to_the_next(
    erin: Person, erin_admin: Client
) -> None:
    erin.factor()
    facility = erin.facility(cups_list=[cups(1), cups(2)], categories=["electricity", "water"])
    for code in (cups(1), cups(2)):
        erin.consumption(facility, cups=code)
    for month in range(1, 9):
        erin.consumption(facility, start_date=f"2022-0{month}-01", end_date=f"2022-0{month}-28")
    parts = erin_admin.get(page(facility)).context["bills"]
    assert [part.category for part in parts] == ["electricity", "water"]
    assert len(parts[0].bills) == 6
    assert {stream.code for stream in parts[0].streams} == {cups(1), cups(2), ""}
    [second] = [one for one in parts[0].streams if one.code == cups(2)]
    assert filled(second.add)["start_date"] == "2023-04-01"
    assert filled(second.add)["cups"] == cups(2)
    behind = erin_admin.get(parts[0].everything).context["cl"].result_count
    assert behind == 10
    assert filled(parts[1].add) == {"facility": facility["id"], "category": "water"}


def test_a_viewer_sees_the_bills_and_adds_none(
    alice: Person, alice_admin: Client, bob_admin: Client
) -> None:
    facility = alice.facility()
    alice.consumption(facility)
    assert "Add the next bill" in alice_admin.get(page(facility)).content.decode()
    seen = bob_admin.get(page(facility)).content.decode()
    assert "2023-03-01 – 2023-03-31" in seen
    assert "Add the next bill" not in seen


def test_a_deleted_bill_is_not_listed(alice: Person, alice_admin: Client) -> None:
    facility = alice.facility()
    bill = alice.consumption(facility)
    Consumption.objects.get(pk=bill["id"]).delete()
    parts = alice_admin.get(page(facility)).context["bills"]
    assert [row for part in parts for row in part.bills] == []


def test_the_days_of_a_year_without_a_bill_are_named(alice: Person, alice_admin: Client) -> None:
    facility = alice.facility(categories=["electricity"])
    alice.consumption(facility, start_date="2023-01-01", end_date="2023-03-31")
    alice.consumption(
        facility, start_date="2023-05-01", end_date="2023-12-31", data_quality="estimated"
    )
    coverage = alice_admin.get(page(facility)).context["coverage"]
    assert coverage["year"] == 2023
    [stream] = coverage["streams"]
    assert stream["days"] == {"actual": 90, "estimated": 245, "twice": 0, "none": 30}
    assert [str(one["start"]) for one in stream["stretches"]] == [
        "2023-01-01", "2023-04-01", "2023-05-01",
    ]  # fmt: skip
    earlier = alice_admin.get(page(facility), {"coverage": "2022"}).context["coverage"]
    assert earlier["streams"][0]["days"]["none"] == 365
    wrong: Any = alice_admin.get(page(facility), {"coverage": "9999999"}).context["coverage"]
    assert wrong["year"] == 2023


SHOWN_COMPLETE = r'(field-completeness[^>]*|fa-figure")>\s*Complete\s*<'


def test_a_facility_without_a_bill_is_not_complete_with_0_kg(
    erin: Person, erin_admin: Client
) -> None:
    """Neither on its page nor in the list; one bill of nothing is 0 kg."""
    facility = erin.facility()
    for address in (page(facility), "/admin/facilities/facility/"):
        text = erin_admin.get(address).content.decode()
        assert "No bills yet" in text, address
        assert "data-kg" not in text, address
        assert not re.search(SHOWN_COMPLETE, text), address
    erin.factor()
    erin.consumption(facility, quantity=0)
    for address in (page(facility), "/admin/facilities/facility/"):
        text = erin_admin.get(address).content.decode()
        assert "No bills yet" not in text, address
        assert ">0 kg<" in text, address
        assert re.search(SHOWN_COMPLETE, text), address


def test_no_section_is_named_before_a_list_of_its_name(erin: Person, erin_admin: Client) -> None:
    """It said Facilities › Facilities."""
    erin.facility()
    for address, heading in (
        ("/admin/facilities/facility/", ["Facilities"]),
        ("/admin/emissions/consumption/", ["Emissions", "Consumption"]),
        (page(erin.facility()), ["Facilities", "Madrid Office"]),
    ):
        text = erin_admin.get(address).content.decode()
        title = text.split("<h1")[1].split("</h1>")[0]
        names = [one.strip() for one in re.findall(r"tracking-tight\">([^<]*)<", title)]
        assert names == heading
