"""A changed factor that reaches more than its own request can wait for."""

import os
import signal
import subprocess
import sys
import time
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction

from emissions.ledger import runs
from emissions.models import Emission, EmissionFactor, PendingFacility, Recalculation
from facilities.models import Facility
from organizations.models import Organization, Role
from tests.conftest import Cast, Person

pytestmark = pytest.mark.usefixtures("committed")

POSTGRESQL = connection.vendor == "postgresql"
left_to_a_worker = pytest.mark.skipif(
    not POSTGRESQL, reason="on SQLite a recalculation is done before the answer"
)


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Limits that a few bills pass; what happens beyond them is the same."""
    monkeypatch.setattr(runs, "IN_REQUEST", 4)
    monkeypatch.setattr(runs, "LOT", 2)


@pytest.fixture
def sites(alice: Person) -> list[dict[str, Any]]:
    """Three facilities with two bills each."""
    sites = [alice.facility(country="ES") for _ in range(3)]
    for site in sites:
        alice.consumption(site, quantity=100)
        alice.consumption(site, quantity=200)
    return sites


def work() -> None:
    """What a worker does, once."""
    if POSTGRESQL:
        call_command("db_worker", batch=True, interval=0, startup_delay=False)


def check() -> str:
    found = StringIO()
    try:
        call_command("recalculate_co2e", check=True, stdout=found, stderr=StringIO())
    except SystemExit:
        return found.getvalue()
    return ""


def totals(alice: Person) -> set[Any]:
    return {row["co2e"] for row in alice.get("/v1/facilities").body["items"]}


def statuses(alice: Person) -> set[str]:
    return {row["co2e_status"] for row in alice.get("/v1/facilities").body["items"]}


def the_run(alice: Person) -> dict[str, Any]:
    [one] = alice.get("/v1/recalculations").body["items"]
    assert alice.get(f"/v1/recalculations/{one['id']}").body == one
    return one


def test_a_change_that_reaches_little_is_done_before_the_answer(alice: Person) -> None:
    site = alice.facility()
    alice.consumption(site, quantity=100)
    alice.factor(co2e=Decimal("0.5"))
    assert totals(alice) == {50}
    assert alice.get("/v1/recalculations").body["total"] == 0


def test_a_change_that_reaches_much_is_a_run_that_shows_its_progress(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    alice.factor(co2e=Decimal("0.5"))
    work()
    one = the_run(alice)
    assert one["state"] == "done"
    assert one["cause"].startswith("factor created: grid · ES · 2023")
    assert one["started_by"].startswith("alice (sk_live_")
    assert (one["facilities"], one["facilities_done"]) == (3, 3)
    assert (one["consumptions"], one["consumptions_done"]) == (6, 6)
    assert one["consumptions_changed"] == 6
    assert one["error"] is None
    assert one["started_at"] <= one["finished_at"]
    assert totals(alice) == {150}
    assert statuses(alice) == {"complete"}
    assert check() == ""


@left_to_a_worker
def test_until_it_is_done_the_figures_say_so(alice: Person, sites: list[dict[str, Any]]) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    work()
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": 1})
    assert totals(alice) == {150}, "the new figures are not there yet"
    assert statuses(alice) == {"recalculating"}
    bills = alice.get("/v1/consumptions").body["items"]
    assert {bill["co2e_reason"].split(":")[0] for bill in bills} == {"recalculating"}
    explained = alice.get(f"/v1/consumptions/{bills[0]['id']}/calculation").body
    assert explained["consumption"] == bills[0]

    alice.consumption(sites[0], quantity=1000)
    first = alice.get(f"/v1/facilities/{sites[0]['id']}").body
    assert (first["co2e"], first["co2e_status"]) == (1150, "recalculating")
    assert len(check().splitlines()) > 0, "it says what is not done yet"

    work()
    assert totals(alice) == {300, 1300}
    assert statuses(alice) == {"complete"}
    bills = alice.get("/v1/consumptions").body["items"]
    assert {bill["co2e_reason"] for bill in bills} == {None}
    assert check() == ""


@left_to_a_worker
def test_two_changes_under_way_leave_the_last_ones_figures(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": 1})
    alice.delete(f"/v1/facilities/{sites[2]['id']}")
    assert PendingFacility.objects.count() == 4, "a deleted facility has nothing to wait for"
    work()
    assert totals(alice) == {300}
    states = [one["state"] for one in alice.get("/v1/recalculations").body["items"]]
    assert states == ["done", "done"]
    assert check() == ""


@left_to_a_worker
def test_a_worker_killed_in_the_middle_is_taken_over(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    """A lock on the last facility holds the worker where it can be killed."""
    alice.factor(co2e=Decimal("0.5"))
    last = Facility.objects.order_by("pk").last()
    assert last is not None
    with transaction.atomic():
        Facility.objects.select_for_update().get(pk=last.pk)
        worker = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(runs.LOT)],
            cwd=settings.BASE_DIR,
            env={**os.environ, "DATABASE_URL": url_of_the_test_database()},
        )
        try:
            for _ in range(300):
                if PendingFacility.objects.count() == 1:
                    break
                time.sleep(0.1)
            assert PendingFacility.objects.count() == 1
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait()
    assert the_run(alice)["state"] == "running"
    assert totals(alice) != {150}
    assert statuses(alice) == {"complete", "recalculating"}
    for _ in range(50):  # until the server has noticed that the worker's session is gone
        call_command("recalculate_co2e", unfinished=True, stdout=StringIO(), stderr=StringIO())
        if not PendingFacility.objects.exists():
            break
        time.sleep(0.1)
    one = the_run(alice)
    assert (one["state"], one["facilities_done"], one["consumptions_done"]) == ("done", 3, 6)
    assert totals(alice) == {150}
    assert check() == ""


KILLED = """
import os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "config.settings"
import django
django.setup()
from emissions.ledger import runs
from organizations.database.wall import process_sees_everybody
process_sees_everybody()
runs.LOT = int(sys.argv[1])
runs.work_off.func()
"""


def url_of_the_test_database() -> str:
    url = urlsplit(os.environ["DATABASE_URL"])
    return url._replace(path=f"/{connection.settings_dict['NAME']}").geturl()


def test_what_cannot_be_done_is_said_and_done_once_it_can(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    work()
    alice.patch(f"/v1/consumptions/{bill_of(alice, sites[0])}", {"quantity": 10**11})
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": 1000})
    work()
    newest = alice.get("/v1/recalculations").body["items"][0]
    assert newest["state"] == "failed"
    assert "a gigatonne or more" in newest["error"]
    assert (newest["facilities"], newest["facilities_done"]) == (3, 2)
    assert statuses(alice) == {"complete", "recalculating"}
    with pytest.raises(SystemExit):
        call_command("recalculate_co2e", unfinished=True, stdout=StringIO(), stderr=StringIO())

    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": 1})
    work()
    assert {one["state"] for one in alice.get("/v1/recalculations").body["items"]} == {"done"}
    assert statuses(alice) == {"complete"}
    assert check() == ""


def bill_of(alice: Person, site: dict[str, Any]) -> str:
    return alice.get(f"/v1/consumptions?facility_id={site['id']}").body["items"][0]["id"]


def test_a_published_factor_makes_a_run_for_each_organization_it_reaches(
    alice: Person, sites: list[dict[str, Any]], person: Cast, elsewhere: Organization
) -> None:
    charlie = person("charlie", Role.ADMIN, elsewhere)
    alice_before = totals(alice)
    charlie.consumption(charlie.facility(country="ES"), quantity=100)
    factor = EmissionFactor.objects.get(
        organization=None, category="electricity", country="ES", method="location",
        valid_from="2023-01-01", region="",
    )  # fmt: skip
    factor.co2e = 2
    factor.save()
    assert PendingFacility.objects.count() == (4 if POSTGRESQL else 0)
    work()
    for member, facilities, total in ((alice, 3, 600), (charlie, 1, 200)):
        one = the_run(member)
        assert (one["facilities"], one["state"]) == (facilities, "done")
        assert (one["published"], one["started_by"]) == (True, None)
        assert totals(member) == {total} != alice_before
    assert check() == ""


def test_another_gwp_set_that_reaches_much_is_a_run_too(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    for day in range(1, 6):
        alice.consumption(
            sites[0],
            category="recharge",
            activity="R-410A",
            quantity=1,
            unit="kg",
            start_date=f"2023-03-0{day}",
            end_date=f"2023-03-0{day}",
        )
    organization = Organization.objects.get(pk=alice.organization.pk)
    organization.gwp_set = "AR4"
    organization.save()
    work()
    one = the_run(alice)
    assert one["cause"] == "GWP set changed to AR4"
    assert (one["state"], one["consumptions_changed"]) == ("done", 5)
    refills = Emission.objects.current().filter(category="recharge")
    assert set(refills.values_list("co2e", flat=True)) == {2088}
    assert check() == ""


def test_a_facility_repaired_by_hand_waits_no_longer(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    alice.factor(co2e=Decimal("0.5"))
    call_command("recalculate_co2e", stdout=StringIO(), stderr=StringIO())
    assert not PendingFacility.objects.exists()
    assert totals(alice) == {150}
    assert statuses(alice) == {"complete"}
    call_command("run_worker") if not POSTGRESQL else work()
    assert Recalculation.objects.get().state == "done"


def test_reopening_a_year_that_held_much_back_is_left_to_a_run(
    alice: Person, sites: list[dict[str, Any]]
) -> None:
    """Bills that have grown, one that was deleted and one that has moved to another facility."""
    bills: dict[str, list[str]] = {one["id"]: [] for one in sites}
    for row in alice.get("/v1/consumptions?sort=quantity").body["items"]:
        bills[row["facility_id"]].append(f"/v1/consumptions/{row['id']}")
    assert alice.post("/v1/periods/2023/close", None).status == 200
    moved, deleted = bills.pop(sites[0]["id"])
    assert alice.patch(moved, {"facility_id": sites[1]["id"]}).status == 200
    assert alice.delete(deleted).status == 204
    for small, large in bills.values():
        assert alice.patch(small, {"quantity": 1000}).status == 200
        assert alice.patch(large, {"quantity": 2000}).status == 200
    held = {one["id"]: one["co2e"] for one in alice.get("/v1/facilities").body["items"]}
    assert set(held.values()) == {Decimal("50.784")}
    assert alice.post("/v1/periods/2023/reopen", None).status == 200
    assert the_run(alice)["cause"] == "2023 reopened"
    if POSTGRESQL:
        assert statuses(alice) == {"recalculating"}
        assert alice.post("/v1/periods/2023/close", None).body["code"] == "recalculating"
    work()
    now = [alice.get(f"/v1/facilities/{one['id']}").body["co2e"] for one in sites]
    assert now == [0, Decimal("524.768"), Decimal("507.84")]
    assert the_run(alice)["state"] == "done"
    assert check() == ""
