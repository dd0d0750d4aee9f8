"""A copy that is read while many write is equal to the database in the end."""

import time
from contextlib import ExitStack
from decimal import Decimal
from functools import partial
from random import Random
from threading import Event
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client

from emissions.models import Consumption
from facilities.models import Facility
from organizations.tenancy import pass_gate
from tests.admin.conftest import at_the_admin
from tests.conftest import Answer, Person
from tests.copies import Copy, assert_equal, stamps_held, written_elsewhere
from tests.examples import TIMES
from tests.test_concurrency import bill, only_where_writers_overlap, together

pytestmark = pytest.mark.usefixtures("committed")

POSTGRESQL = connection.vendor == "postgresql"
WRITERS = 8 if POSTGRESQL else 3
WRITES = 12
FINE = {200, 201, 204, 302, 404, 422}
COUNTRIES = ("ES", "FR", "PT")


class Writer:
    """One of those who write: over HTTP, at the admin, by import, and slowly."""

    def __init__(self, alice: Person, number: int, seed: int) -> None:
        self.alice, self.number = alice, number
        self.chance = Random(seed * 100 + number)
        self.sites = [alice.facility(name=f"Site {number}", country=self.country())["id"]]
        self.bills = [alice.consumption({"id": self.sites[0]})["id"]]
        self.factors: list[str] = []
        self.imported = 0

    def country(self) -> str:
        return self.chance.choice(COUNTRIES)

    def write(self, times: int, admin: Client) -> list[int]:
        """Writes at random; the statuses that were answered."""
        kinds = (
            self.new_site, self.new_bill, self.change_site, self.change_bill, self.change_bill,
            self.delete_site, self.delete_bill, self.factor, self.import_sites, self.import_bills,
            self.slow, partial(self.restore, admin), partial(self.restore, admin),
        )  # fmt: skip
        return [self.chance.choice(kinds)().status for _ in range(times)]

    def keep(self, ids: list[str], answer: Answer) -> Answer:
        if answer.status == 201:
            ids.append(answer.body["id"])
        return answer

    def new_site(self) -> Answer:
        body = {"name": "New", "type": "depot", "country": self.country()}
        return self.keep(self.sites, self.alice.post("/v1/facilities", body))

    def new_bill(self) -> Answer:
        site = {"id": self.chance.choice(self.sites)}
        body = bill(site, quantity=self.chance.randint(1, 999))
        return self.keep(self.bills, self.alice.post("/v1/consumptions", body))

    def change_site(self) -> Answer:
        body = self.chance.choice(
            [
                {"country": self.country()},
                {"name": f"Renamed {self.chance.random()}"},
                {"categories": self.chance.choice([["heat"], ["heat", "electricity"]])},
                {"meter_list": [f"{self.number}-{self.chance.randint(1, 9)}"]},
            ]
        )
        return self.alice.patch(f"/v1/facilities/{self.chance.choice(self.sites)}", body)

    def change_bill(self) -> Answer:
        body = self.chance.choice(
            [
                {"quantity": self.chance.randint(1, 999)},
                {"note": f"Read {self.chance.random()}"},
                {"facility_id": self.chance.choice(self.sites)},
                {"status": self.chance.choice(["active", "inactive"])},
            ]
        )
        return self.alice.patch(f"/v1/consumptions/{self.chance.choice(self.bills)}", body)

    def delete_site(self) -> Answer:
        return self.alice.delete(f"/v1/facilities/{self.chance.choice(self.sites)}")

    def delete_bill(self) -> Answer:
        return self.alice.delete(f"/v1/consumptions/{self.chance.choice(self.bills)}")

    def factor(self) -> Answer:
        value = Decimal(self.chance.randint(1, 999)) / 1000
        if self.factors and self.chance.random() < 0.6:
            path = f"/v1/emission-factors/{self.chance.choice(self.factors)}"
            if self.chance.random() < 0.3:
                return self.alice.delete(path)
            return self.alice.patch(path, {"co2e": value})
        body = {
            "category": "electricity",
            "country": self.country(),
            "unit": "kWh",
            "valid_from": f"2023-{self.number + 1:02}-01",
            "valid_to": f"2023-{self.number + 1:02}-28",
            "co2e": value,
        }
        return self.keep(self.factors, self.alice.post("/v1/emission-factors", body))

    def restore(self, admin: Client) -> Any:
        """Brings a facility or a bill back, as staff do."""
        model, page, ids = self.chance.choice(
            [
                (Facility, "facilities/facility", self.sites),
                (Consumption, "emissions/consumption", self.bills),
            ]
        )
        gone = list(model.objects.filter(pk__in=ids).exclude(deleted_at=None)[:3])
        data = {"action": "restore_selected", "_selected_action": [str(one.pk) for one in gone]}
        response = admin.post(f"/admin/{page}/?deleted=yes", data)
        return Answer(response.status_code, None, response.headers)

    def import_sites(self) -> Answer:
        rows = [
            {
                "external_id": f"S-{self.number}-{self.chance.randint(1, 9)}",
                "name": f"Imported {self.chance.random()}",
                "type": "depot",
                "country": self.country(),
            }
            for _ in range(6)
        ]
        return self.alice.post("/v1/imports?kind=facilities&on_error=skip", rows)

    def import_bills(self) -> Answer:
        rows = [
            {
                "external_id": f"B-{self.number}-{month}",
                "facility_id": self.chance.choice(self.sites),
                "category": "electricity",
                "quantity": self.chance.randint(1, 999),
                "unit": "kWh",
                "start_date": f"2022-{month:02}-01",
                "end_date": f"2022-{month:02}-28",
            }
            for month in self.chance.sample(range(1, 13), 6)
        ]
        return self.alice.post("/v1/imports?kind=consumption&on_error=skip", rows)

    def slow(self) -> Answer:
        """A transaction that stamps its rows and takes its time to commit."""
        with transaction.atomic():
            pass_gate(self.alice.organization.pk)
            mine = Facility.objects.filter(pk__in=self.sites, deleted_at=None)
            for row in mine.order_by("pk")[:2]:
                row.address = f"Street {self.chance.random()}"
                row.save(update_fields=["address"])
            time.sleep(self.chance.random() / 10)
        return Answer(200, None, {})


@pytest.mark.parametrize("seed", range(TIMES))
def test_a_copy_read_while_others_write_is_equal_to_the_database(alice: Person, seed: int) -> None:
    copies = [
        Copy(alice, "facilities"),
        Copy(alice, "consumptions"),
        Copy(alice, "emission-factors", "include_deleted=true&own=true"),
    ]
    writers = [Writer(alice, number, seed) for number in range(WRITERS)]
    admins = [at_the_admin(alice.user) for _ in writers]
    finished = Event()

    def keep_a_copy() -> list[int]:
        while not finished.is_set():
            for one in copies:
                one.walk(size=5)
        return []

    def write() -> list[int]:
        try:
            both = zip(writers, admins, strict=True)
            done = together([partial(one.write, WRITES, admin) for one, admin in both])
            return [status for statuses in done for status in statuses]
        finally:
            finished.set()

    with stamps_held():
        _, statuses = together([keep_a_copy, write])
    assert set(statuses) <= FINE
    for one in copies:
        one.walk()
        assert_equal(one, "own=true" if one.name == "emission-factors" else "")
        assert one.walk() == []


@only_where_writers_overlap
def test_what_is_stamped_early_and_committed_late_is_not_missed(
    alice: Person, charlie: Person
) -> None:
    slow, quick, other = alice.facility(), alice.facility(), charlie.facility()
    copy, of_charlie = Copy(alice, "facilities"), Copy(charlie, "facilities")
    assert len(copy.walk()) == 2
    row = Facility.objects.get(pk=slow["id"])
    row.name = "Slow"
    with written_elsewhere(partial(row.save, update_fields=["name"])):
        alice.patch(f"/v1/facilities/{quick['id']}", {"name": "Quick"})
        assert copy.walk() == [], "the later one waits for the earlier one"
        charlie.patch(f"/v1/facilities/{other['id']}", {"name": "Other"})
        assert len(of_charlie.walk()) == 1, "others do not wait"
    assert [one["name"] for one in copy.walk()] == ["Slow", "Quick"]
    assert_equal(copy)


@only_where_writers_overlap
def test_a_change_of_everybodys_rows_is_waited_for_by_everybody(alice: Person) -> None:
    site = alice.facility()
    copy = Copy(alice, "facilities")
    copy.walk()
    with written_elsewhere(partial(pass_gate, None)):
        alice.patch(f"/v1/facilities/{site['id']}", {"name": "Quick"})
        assert copy.walk() == []
    assert [one["name"] for one in copy.walk()] == ["Quick"]


@only_where_writers_overlap
def test_a_writer_that_is_rolled_back_is_waited_for_no_longer(alice: Person) -> None:
    site = alice.facility()
    copy = Copy(alice, "facilities")
    copy.walk()

    def give_up() -> None:
        pass_gate(alice.organization.pk)
        transaction.set_rollback(True)

    with written_elsewhere(give_up):
        alice.patch(f"/v1/facilities/{site['id']}", {"name": "Quick"})
        assert copy.walk() == []
    assert [one["name"] for one in copy.walk()] == ["Quick"]


@only_where_writers_overlap
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_writer_that_ends_while_the_page_is_asked_for_is_not_missed(
    alice: Person, moment: str
) -> None:
    """It has stamped earlier than another one that is there already."""
    early, late = alice.facility(), alice.facility()
    copy = Copy(alice, "facilities")
    copy.walk()
    row = Facility.objects.get(pk=early["id"])
    row.name = "Early"
    ended: list[bool] = []

    def end_at_the_horizon(execute: Any, sql: str, *args: Any) -> Any:
        if "pg_locks" not in sql or ended:
            return execute(sql, *args)
        ended.append(True)
        if moment == "before":
            commit()
        found = execute(sql, *args)
        if moment == "after":
            commit()
        return found

    with ExitStack() as open_still:
        open_still.enter_context(written_elsewhere(partial(row.save, update_fields=["name"])))
        commit = open_still.close
        alice.patch(f"/v1/facilities/{late['id']}", {"name": "Late"})
        with connection.execute_wrapper(end_at_the_horizon):
            came = copy.walk()
        assert ended
    came += copy.walk()
    assert [one["name"] for one in came] == ["Early", "Late"]
