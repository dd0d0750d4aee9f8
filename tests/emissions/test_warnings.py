"""A bill that is posted or typed alone is stored, and its author is told what is odd about it."""

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from emissions.models import Consumption
from tests.cases import each
from tests.conftest import Person, created
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db

MARCH = {"start_date": "2023-03-01", "end_date": "2023-03-31"}


def codes(row: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["field"], one["code"]) for one in row["warnings"]]


def bill(person: Person, site: dict[str, Any], **fields: Any) -> dict[str, Any]:
    body = {
        "facility_id": site["id"], "category": "electricity", "quantity": 1000, "unit": "kWh",
        **MARCH, **fields,
    }  # fmt: skip
    return created(person.post("/v1/consumptions", body))


def refill(person: Person, site: dict[str, Any]) -> dict[str, Any]:
    day = {"start_date": "2023-07-01", "end_date": "2023-07-01"}
    return bill(person, site, category="recharge", activity="R-410A", unit="kg", **day)


def test_a_usual_bill_has_none_and_says_so(erin: Person) -> None:
    site = erin.facility()
    row = bill(erin, site)
    assert row["warnings"] == []
    assert bill(erin, site, start_date="2023-04-01", end_date="2023-04-30")["warnings"] == []
    assert "warnings" not in erin.get(f"/v1/consumptions/{row['id']}").body
    assert "warnings" not in erin.get("/v1/consumptions").body["items"][0]


def test_the_same_bill_again_is_a_duplicate(erin: Person) -> None:
    site = erin.facility()
    bill(erin, site, external_id="A")
    again = bill(erin, site, external_id="B", quantity=999)
    assert codes(again) == [("start_date", "duplicate")]
    assert "same facility, activity, meter and period" in again["warnings"][0]["detail"]
    assert erin.get("/v1/consumptions").body["total"] == 2
    assert codes(refill(erin, site)) == []
    assert codes(refill(erin, site)) == [("start_date", "duplicate")]


def test_a_bill_is_no_duplicate_of_itself(erin: Person) -> None:
    site = erin.facility()
    row = bill(erin, site)
    for change in ({"note": "read"}, {"quantity": 1001}, {}):
        answer = erin.patch(f"/v1/consumptions/{row['id']}", change)
        assert answer.body["warnings"] == []


def test_shared_days_are_an_overlap_with_the_other_bills_period(erin: Person) -> None:
    site = erin.facility()
    bill(erin, site)
    row = bill(erin, site, start_date="2023-03-21", end_date="2023-04-20")
    assert codes(row) == [("start_date", "overlap")]
    assert (
        "It shares 11 days with a stored bill, 2023-03-01 to 2023-03-31"
        in (row["warnings"][0]["detail"])
    )
    moved = erin.patch(f"/v1/consumptions/{row['id']}", {"start_date": "2023-04-01"})
    assert moved.body["warnings"] == []
    put = erin.call("PUT", f"/v1/consumptions/{row['id']}", {"start_date": "2023-03-01"})
    assert codes(put.body) == [("start_date", "overlap")]


@each(
    "other",
    [
        {"data_quality": "adjustment", "quantity": -5},
        {"data_quality": "estimated"},
        {"status": "inactive"},
        {"start_date": "2023-03-31", "end_date": "2023-04-30"},
        {"category": "heat", "activity": "natural_gas"},
    ],
)
def test_what_may_share_days_is_no_overlap(erin: Person, other: dict[str, Any]) -> None:
    site = erin.facility()
    bill(erin, site)
    start = {"start_date": "2023-03-11", "end_date": "2023-04-10", **other}
    assert "overlap" not in [code for _, code in codes(bill(erin, site, **start))]


def test_deleted_bills_and_those_of_other_meters_have_no_say(erin: Person) -> None:
    site = erin.facility(cups_list=[cups(1), cups(2)], meter_list=["M-1", "M-2"])
    first = bill(erin, site, cups=cups(1), meter="M-1")
    assert codes(bill(erin, site, cups=cups(2))) == []
    assert codes(bill(erin, site, meter="M-2")) == []
    # either code in common is one supply
    assert codes(bill(erin, site, meter="M-1")) == [("start_date", "duplicate")]
    for row in erin.get("/v1/consumptions").body["items"]:
        assert erin.delete(f"/v1/consumptions/{row['id']}").status == 204
    assert codes(bill(erin, site, cups=cups(1), meter=first["meter"])) == []


def test_a_bill_that_is_not_over_is_of_the_future(erin: Person) -> None:
    end = date.today() + timedelta(days=40)
    row = bill(erin, erin.facility(), start_date=f"{date.today()}", end_date=f"{end}")
    assert codes(row) == [("end_date", "future_period")]


@pytest.mark.parametrize("quantity", [1_000_000, 1])
def test_a_thousandfold_is_a_jump(erin: Person, quantity: int) -> None:
    site = erin.facility()
    bill(erin, site)
    april = {"start_date": "2023-04-01", "end_date": "2023-04-30", "quantity": quantity}
    row = bill(erin, site, **april)
    assert codes(row) == [("quantity", "jump")]
    assert "check the unit" in row["warnings"][0]["detail"]
    mended = erin.patch(f"/v1/consumptions/{row['id']}", {"quantity": 1000})
    assert mended.body["warnings"] == []


def test_a_bill_of_long_ago_is_compared_with_the_later_ones(erin: Person) -> None:
    site = erin.facility(meter_list=["M-1", "M-2"])
    bill(erin, site, meter="M-1")
    old = {"start_date": "2021-04-01", "end_date": "2021-04-30", "meter": "M-2"}
    assert codes(bill(erin, site, **old, quantity=1_000_000)) == [("quantity", "jump")]


def test_units_are_compared_by_what_they_measure(erin: Person) -> None:
    site = erin.facility()
    gas = {"category": "heat", "activity": "natural_gas"}
    bill(erin, site, **gas)
    april = {"start_date": "2023-04-01", "end_date": "2023-04-30"}
    assert codes(bill(erin, site, **gas, **april, quantity=1, unit="MWh")) == []


def test_what_is_replayed_says_the_same(erin: Person) -> None:
    site = erin.facility()
    bill(erin, site)
    body = {
        "facility_id": site["id"], "category": "electricity", "quantity": 5, "unit": "kWh", **MARCH
    }  # fmt: skip
    answers = [
        erin.call("POST", "/v1/consumptions", body, **{"idempotency-key": "k"}) for _ in "ab"
    ]
    assert answers[0].body == answers[1].body
    assert ("start_date", "duplicate") in codes(answers[0].body)


def test_it_costs_the_same_whatever_the_history(erin: Person) -> None:
    site = erin.facility()
    bill(erin, site)
    counts = []
    for month in range(1, 9):
        days = {"start_date": f"2022-{month:02}-01", "end_date": f"2022-{month:02}-28"}
        with CaptureQueriesContext(
            connection,
        ) as queries:
            bill(erin, site, **days)
        counts.append(len(queries))
    assert len(set(counts)) == 1


def test_staff_are_told_in_the_admin(alice: Person) -> None:
    site = alice.facility()
    bill(alice, site)
    alice.user.is_staff = True
    alice.user.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(alice.user, "django.contrib.auth.backends.ModelBackend")
    form = {
        "facility": site["id"], "category": "electricity", "activity": "grid", "quantity": "5",
        "unit": "kWh", **MARCH, "supplier": "", "cups": "", "meter": "",
        "data_quality": "actual", "status": "active", "external_id": "", "note": "",
    }  # fmt: skip
    answer = client.post("/admin/emissions/consumption/add/", form, follow=True)
    seen = answer.content.decode()
    assert "Stored, but look at the start date: A stored bill has the same facility" in seen
    assert Consumption.objects.count() == 2
