"""/v1/periods: a closed year keeps its figures, whatever is changed, until it is opened again."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core.management import call_command

from organizations.models import Organization
from tests.cases import each
from tests.conftest import Answer, Person
from tests.emissions.figures import gas, kg, refill
from tests.importing import run, write_csv

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

YEAR = "/v1/emissions?start_date=2023-01-01&end_date=2023-12-31&group_by=country&group_by=category"


def close(alice: Person, year: int = 2023) -> dict[str, Any]:
    answer = alice.post(f"/v1/periods/{year}/close", None)
    assert answer.status == 200, answer.body
    return answer.body


def reopen(alice: Person, year: int = 2023) -> dict[str, Any]:
    answer = alice.post(f"/v1/periods/{year}/reopen", None)
    assert answer.status == 200, answer.body
    return answer.body


def restated(person: Person, year: int = 2023) -> list[dict[str, Any]]:
    return person.get(f"/v1/periods/{year}/restatements").body["items"]


def figures(person: Person) -> tuple[Any, Any]:
    """What the organization's year says, without how much of it is covered."""
    body = person.get(YEAR).body
    return body["items"], kg(body)


@pytest.fixture
def sites(alice: Person) -> list[dict[str, Any]]:
    """Two facilities with bills of 2023, one of them over New Year."""
    home = alice.facility(name="Home", external_id="HOME")
    away = alice.facility(name="Away", country="FR", external_id="AWAY")
    alice.consumption(home, external_id="POWER")
    alice.consumption(home, external_id="OVER", start_date="2023-12-17", end_date="2024-01-15")
    gas(alice, home, external_id="GAS")
    refill(alice, home, external_id="POOL")
    alice.consumption(away, external_id="FR-1")
    return [home, away]


def bill(person: Person, external_id: str) -> dict[str, Any]:
    [row] = person.get(f"/v1/consumptions?external_id={external_id}").body["items"]
    return row


def patch(person: Person, external_id: str, **fields: Any) -> dict[str, Any]:
    row = bill(person, external_id)
    answer = person.patch(f"/v1/consumptions/{row['id']}", fields)
    assert answer.status == 200, answer.body
    return answer.body


Change = Callable[[Person, list[dict[str, Any]]], Any]

CHANGES: dict[str, Change] = {
    "a new factor": lambda who, sites: who.factor(co2e=Decimal("0.5")),
    "another quantity": lambda who, sites: patch(who, "POWER", quantity=5),
    "a bill that moves": lambda who, sites: patch(who, "POWER", facility_id=sites[1]["id"]),
    "other days": lambda who, sites: patch(
        who, "POWER", start_date="2024-03-01", end_date="2024-03-31"
    ),
    "an inactive bill": lambda who, sites: patch(who, "GAS", status="inactive"),
    "a deleted bill": lambda who, sites: who.delete(f"/v1/consumptions/{bill(who, 'POOL')['id']}"),
    "a late bill": lambda who, sites: who.consumption(sites[0], external_id="LATE"),
    "a facility elsewhere": lambda who, sites: who.patch(
        f"/v1/facilities/{sites[0]['id']}", {"country": "PT", "type": "depot"}
    ),
    "a category that is disabled": lambda who, sites: who.patch(
        f"/v1/facilities/{sites[0]['id']}", {"categories": ["heat"]}
    ),
    "a deleted facility": lambda who, sites: who.delete(f"/v1/facilities/{sites[0]['id']}"),
}


@each("what", CHANGES)
def test_a_closed_year_stays_and_says_what_it_would_be(
    alice: Person, sites: list[dict[str, Any]], what: str
) -> None:
    close(alice)
    stood = figures(alice)
    CHANGES[what](alice, sites)
    assert figures(alice) == stood
    page = alice.get("/v1/periods/2023/restatements").body
    assert page["items"], "it says nothing of the change"
    moved = kg(page["after"]), kg(page["before"])
    reopen(alice)
    now = figures(alice)
    assert now != stood
    difference = [after - before for after, before in zip(*moved, strict=True)]
    assert difference == [a - b for a, b in zip(now[1], stood[1], strict=True)]
    assert restated(alice) == []


def test_what_changes_back_is_no_restatement(alice: Person, sites: list[dict[str, Any]]) -> None:
    close(alice)
    changed = patch(alice, "POWER", quantity=5)
    assert changed["co2e_reason"].startswith("period_closed: 2023")
    assert kg(changed) == kg(patch(alice, "POWER", quantity=1000))
    assert bill(alice, "POWER")["co2e_reason"] is None
    assert restated(alice) == []


def test_a_late_bill_is_kept_without_a_figure(alice: Person, sites: list[dict[str, Any]]) -> None:
    close(alice)
    late = alice.consumption(sites[0], external_id="LATE")
    assert (late["co2e"], late["co2e_status"]) == (None, "not_calculated")
    assert late["co2e_reason"].startswith("period_closed: 2023")
    assert alice.get(f"/v1/facilities/{sites[0]['id']}").body["co2e_status"] == "complete"
    [row] = restated(alice)
    assert (row["consumption_id"], row["external_id"]) == (late["id"], "LATE")
    assert (row["before"], row["deleted"], row["reason"]) == (None, False, None)
    assert row["after"]["co2e"] > 0
    reopen(alice)
    assert bill(alice, "LATE")["co2e"] == row["after"]["co2e"]


def test_a_bill_over_new_year_changes_in_the_open_year_alone(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    close(alice)
    before = alice.get(f"/v1/consumptions/{bill(alice, 'OVER')['id']}/calculation").body["lines"]
    changed = patch(alice, "OVER", quantity=2000)
    after = alice.get(f"/v1/consumptions/{changed['id']}/calculation").body["lines"]
    assert kg(after[0]) == kg(before[0])
    assert after[1]["co2e"] > before[1]["co2e"]
    assert changed["co2e"] == after[0]["co2e"] + after[1]["co2e"]


def test_a_bill_names_the_closed_years_that_would_differ_and_no_other(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    """Whichever was closed first: what is stored is what computing it again gives."""
    close(alice, 2024)
    alice.factor(co2e=Decimal("0.5"), valid_from="2024-01-01", valid_to="2024-12-31")
    assert bill(alice, "OVER")["co2e_reason"].startswith("period_closed: 2024 is closed")
    close(alice, 2023)
    stored = bill(alice, "OVER")
    call_command("recalculate_co2e", check=True, verbosity=0)
    assert patch(alice, "OVER", note="looked at")["co2e_reason"] == stored["co2e_reason"]
    assert [row["external_id"] for row in restated(alice, 2024)] == ["OVER"]
    assert restated(alice, 2023) == []


def test_another_year_and_another_organization_are_open(
    alice: Person, charlie: Person, sites: list[dict[str, Any]]
) -> None:
    close(alice, 2022)
    assert patch(alice, "POWER", quantity=5)["co2e_reason"] is None
    site = charlie.facility()
    row = charlie.consumption(site, start_date="2022-03-01", end_date="2022-03-31")
    assert row["co2e"]
    assert charlie.get("/v1/periods/2022").body["status"] == "open"
    assert charlie.get("/v1/periods/2022/restatements").body["total"] == 0


def test_an_import_cannot_change_a_closed_year(
    alice: Person, organization: Organization, sites: list[dict[str, Any]], tmp_path: Any
) -> None:
    close(alice)
    stood = figures(alice)
    common = {"category": "electricity", "unit": "kWh", "start_date": "2023-03-01"}
    rows = [
        {"facility_id": "HOME", "external_id": "POWER", "end_date": "2023-03-31", "quantity": 9},
        {"facility_id": "AWAY", "external_id": "NEW", "end_date": "2023-03-31", "quantity": 7},
    ]
    file = write_csv(tmp_path / "late.csv", [{**common, **row} for row in rows])
    outcome = run("import_consumption", file, organization, "--allow=overlap")
    assert outcome.status == 0, outcome
    assert figures(alice) == stood
    assert {row["external_id"] for row in restated(alice)} == {"POWER", "NEW"}


def test_recalculating_everything_leaves_it_alone(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    close(alice)
    stood = figures(alice)
    for change in ("a bill that moves", "a deleted bill", "a new factor"):
        CHANGES[change](alice, sites)
    call_command("recalculate_co2e", "--check", verbosity=0)
    call_command("recalculate_co2e", verbosity=0)
    assert figures(alice) == stood


def test_a_year_says_when_and_by_whom(alice: Person, sites: list[dict[str, Any]]) -> None:
    closed = close(alice)
    assert (closed["year"], closed["status"]) == (2023, "closed")
    assert closed["closed_by"].startswith("alice")
    assert closed["closed_at"]
    assert closed["reopened_at"] is None
    assert kg(closed) == figures(alice)[1]
    opened = reopen(alice)
    assert (opened["status"], opened["closed_at"]) == ("open", closed["closed_at"])
    assert opened["reopened_by"].startswith("alice")
    events = alice.get("/v1/audit-events?object_type=period").body["items"]
    assert [(one["event"], one["object_id"]) for one in events] == [
        ("period_reopened", "2023"),
        ("period_closed", "2023"),
    ]
    listed = alice.get("/v1/periods").body
    assert [one["year"] for one in listed["items"]] == [2024, 2023]
    assert (listed["total"], listed["page"], listed["pages"]) == (2, 1, 1)
    assert alice.get("/v1/periods/2023").body == opened


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.body["code"]


def test_what_cannot_be_closed_or_opened_is_said(alice: Person, erin: Person, bob: Person) -> None:
    assert refused(alice.post("/v1/periods/2023/reopen", None)) == (409, "not_closed")
    close(alice)
    assert refused(alice.post("/v1/periods/2023/close", None)) == (409, "already_closed")
    this_year = alice.post(f"/v1/periods/{date.today().year}/close", None)
    assert (this_year.status, this_year.error("year")["code"]) == (422, "not_over")
    for year in ("23", "x", "0000", "20231", "２０２３"):
        assert alice.post(f"/v1/periods/{year}/close", None).status == 404
    for who in (erin, bob):
        assert who.post("/v1/periods/2022/close", None).status == 403
        assert who.post("/v1/periods/2023/reopen", None).status == 403
        assert who.get("/v1/periods/2023/restatements").status == 200
    assert alice.get("/v1/periods?x=1").fields == ["x"]
    assert alice.get("/v1/periods/2023/restatements?x=1").fields == ["x"]


def test_restatements_are_a_table_too(alice: Person, sites: list[dict[str, Any]]) -> None:
    close(alice)
    patch(alice, "POWER", quantity=5)
    answer = alice.get("/v1/periods/2023/restatements", accept="text/csv")
    header, row = answer.body.decode("utf-8-sig").splitlines()
    assert header.startswith("consumption_id,external_id,facility_id,deleted,before_co2e,")
    assert row.split(",")[1] == "POWER"
