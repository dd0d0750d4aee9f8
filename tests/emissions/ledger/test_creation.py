"""A new bill is computed before it is stored; it is as if it had been computed afterwards."""

from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from emissions.models import Consumption
from facilities.models import Facility
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db

AT_MOST = 9 if connection.vendor == "postgresql" else 10
"""SQLite inserts into one table at a time, and has no way to a server that would count."""
BRACKETS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE")
MARCH = {"start_date": "2023-03-01", "end_date": "2023-03-31"}
USUAL = {"category": "electricity", "unit": "kWh"}
KINDS: dict[str, dict[str, Any]] = {
    "usual": USUAL,
    "over two years": {**USUAL, "start_date": "2022-12-10", "end_date": "2023-02-09"},
    "without a factor": {**USUAL, "start_date": "1980-01-01", "end_date": "1980-01-31"},
    "half without a factor": {**USUAL, "start_date": "1999-12-01", "end_date": "2009-11-30"},
    "inactive": {**USUAL, "status": "inactive", "start_date": "2023-03-30"},
    "in a closed year": {**USUAL, "start_date": "2021-03-01", "end_date": "2021-03-31"},
    "a refill": {
        "category": "recharge", "activity": "R-410A", "unit": "kg", "start_date": "2023-05-04",
        "end_date": "2023-05-04",
    },
}  # fmt: skip


def nothing_differs() -> None:
    out = StringIO()
    call_command("recalculate_co2e", check=True, stdout=out, stderr=StringIO())
    assert out.getvalue() == ""


@each("first", ["nothing", "usual", "without a factor"])
@each("kind", KINDS)
def test_a_new_bill_is_what_a_recalculation_makes_of_it(
    alice: Person, kind: str, first: str
) -> None:
    site = alice.facility()
    assert alice.post("/v1/periods/2021/close", None).status == 200
    if first != "nothing":
        alice.consumption(site, **KINDS[first])
    body = {"facility_id": site["id"], "quantity": 123.456789, **MARCH, **KINDS[kind]}
    answer = alice.post("/v1/consumptions", body)
    assert answer.status == 201, answer.body
    nothing_differs()
    read = alice.get(f"/v1/consumptions/{answer.body['id']}")
    assert {**answer.body, "warnings": None} == {**read.body, "warnings": None}
    assert answer.headers["etag"] == read.headers["etag"]


def test_a_new_bill_saved_by_the_orm_is_the_same(alice: Person) -> None:
    site = Facility.objects.get(pk=alice.facility()["id"])
    row = Consumption(
        facility=site, organization=site.organization, category="electricity", activity="grid",
        quantity="1000", unit="kWh", start_date="2023-03-01", end_date="2023-03-31",
    )  # fmt: skip
    row.save()
    nothing_differs()
    stored = Consumption.objects.get(pk=row.pk)
    assert (row.co2e, row.co2e_status, row.updated_at) == (
        stored.co2e, stored.co2e_status, stored.updated_at,
    )  # fmt: skip
    assert stored.co2e


def test_it_takes_at_most_ten_statements(erin: Person) -> None:
    site = erin.facility()
    erin.consumption(site)
    with CaptureQueriesContext(connection) as captured:
        erin.consumption(site, external_id="B-1", start_date="2023-04-01", end_date="2023-04-30")
    sent = [one["sql"] for one in captured.captured_queries if not one["sql"].startswith(BRACKETS)]
    assert len(sent) <= AT_MOST, "\n".join(sent)
