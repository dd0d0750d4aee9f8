"""Many writers at once: nothing is lost, nothing deadlocks, and no figure is left wrong."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from functools import partial
from io import StringIO
from random import Random
from threading import Barrier, Event
from time import sleep
from typing import Any, TypeVar

import pytest
from django.core.management import call_command
from django.db import connection, connections, transaction
from django.test.utils import CaptureQueriesContext

from emissions.ledger.recalculation import lock_facilities
from emissions.models import Consumption, Emission
from facilities.models import Facility
from organizations.access import author
from organizations.database.tenant import about
from organizations.models import GWPSet, Organization
from organizations.tenancy import pass_gate
from tests.conftest import Answer, Person
from tests.examples import TIMES
from tests.written_once import lifted

pytestmark = pytest.mark.usefixtures("committed")

T = TypeVar("T")

POSTGRESQL = connection.vendor == "postgresql"
WRITERS = 8 if POSTGRESQL else 4
ROUNDS = 4 * TIMES
HISTORY = 100_000 if POSTGRESQL else 20_000
FINE = {200, 201, 204, 404, 422}
FIGURES = ("co2e", "co2e_market", "co2e_biomass")
CUPS = ("ES1234123456789012JY", "ES0021000000000001RK")

LISTED: dict[str, dict[str, Any]] = {
    "cups_list.0": {"cups_list": [CUPS[0]]},
    "meter_list.0": {"meter_list": ["M-1"]},
}

only_where_writers_overlap = pytest.mark.skipif(
    not POSTGRESQL, reason="SQLite has one writer at a time"
)


def together(tasks: Sequence[Callable[[], T]]) -> list[T]:
    """Runs each task in a thread of its own, all at once, and gives their results in order.

    Every thread, this one too, gives its connection back: the pool has one for each writer, and
    one that stayed open would keep the test database from being dropped.
    """
    connections.close_all()
    start = Barrier(len(tasks))

    def run(task: Callable[[], T]) -> T:
        try:
            start.wait(30)
            return task()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(tasks)) as threads:
        return [one.result() for one in [threads.submit(run, task) for task in tasks]]


def bill(facility: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "facility_id": facility["id"],
        "category": "electricity",
        "quantity": 100,
        "unit": "kWh",
        "start_date": "2023-03-01",
        "end_date": "2023-03-31",
        **fields,
    }


def assert_every_figure_is_right() -> None:
    """Stored = recomputed, and every total is the sum of the lines that count."""
    found = StringIO()
    try:
        call_command("recalculate_co2e", check=True, stdout=found, stderr=StringIO())
    except SystemExit:
        pytest.fail(f"recalculate_co2e --check found:\n{found.getvalue()}")
    by_facility: dict[Any, Decimal] = {}
    by_consumption: dict[Any, Decimal] = {}
    for line in Emission.objects.current():
        by_facility[line.facility_id] = by_facility.get(line.facility_id, 0) + line.co2e
        by_consumption[line.consumption_id] = by_consumption.get(line.consumption_id, 0) + line.co2e
    assert dict(Facility.objects.exclude(co2e=0).values_list("pk", "co2e")) == {
        pk: total for pk, total in by_facility.items() if total
    }
    stored = Consumption.objects.exclude(co2e=None).values_list("pk", "co2e")
    assert dict(stored) == by_consumption


def test_bills_posted_at_once_to_one_facility_all_count(alice: Person) -> None:
    facility = alice.facility()

    def post(writer: int) -> list[Answer]:
        quantities = [Decimal(writer * 10 + number) / 7 for number in range(6)]
        bodies = [bill(facility, quantity=round(quantity, 6)) for quantity in quantities]
        return [alice.post("/v1/consumptions", body) for body in bodies]

    results = together([partial(post, writer) for writer in range(WRITERS)])
    answers = [answer for result in results for answer in result]
    assert {answer.status for answer in answers} == {201}
    total = alice.get(f"/v1/facilities/{facility['id']}").body
    for name in FIGURES:
        assert total[name] == sum(answer.body[name] for answer in answers), name
    assert_every_figure_is_right()


class Stage:
    """What the writers of the mixed test write on: three facilities with bills, and factors."""

    def __init__(self, alice: Person) -> None:
        self.alice = alice
        self.facilities = [alice.facility(country=country) for country in ("ES", "FR", "PT")]
        self.bills = [self.new_bill(Random(number)) for number in range(12)]
        self.bills = [alice.post("/v1/consumptions", body).body["id"] for body in self.bills]
        self.factors = [
            alice.factor(country=country, valid_from="2022-01-01", valid_to="2022-12-31")["id"]
            for country in ("ES", "FR")
        ]

    def new_bill(self, chance: Random) -> dict[str, Any]:
        facility = chance.choice(self.facilities)
        if chance.random() < 0.3:
            day = f"2023-{chance.randint(1, 12):02}-07"
            return bill(
                facility,
                category="recharge",
                activity="R-410A",
                unit="kg",
                quantity=chance.randint(1, 9),
                start_date=day,
                end_date=day,
            )
        return bill(facility, start_date=f"2022-{chance.randint(1, 12):02}-15")

    def write(self, chance: Random) -> int:
        """One random write; its status, or 200 for a save that is no request."""
        alice, post, patch = self.alice, self.alice.post, self.alice.patch
        consumption = f"/v1/consumptions/{chance.choice(self.bills)}"
        facility = chance.choice(self.facilities)["id"]
        factor = f"/v1/emission-factors/{chance.choice(self.factors)}"
        match chance.choices(
            ("post", "change", "move", "delete", "place", "categories", "factor", "gwp_set"),
            (20, 15, 25, 5, 10, 8, 10, 7),
        )[0]:
            case "post":
                answer = post("/v1/consumptions", self.new_bill(chance))
                if answer.status == 201:
                    self.bills.append(answer.body["id"])
            case "change":
                status = chance.choice(["active", "active", "inactive"])
                change = {"quantity": chance.randint(0, 9999), "status": status}
                answer = patch(consumption, change)
            case "move":
                answer = patch(consumption, {"facility_id": facility})
            case "delete":
                answer = alice.delete(consumption)
            case "place":
                country = chance.choice(["ES", "FR", "PT", "DE"])
                answer = patch(f"/v1/facilities/{facility}", {"country": country})
            case "categories":
                some = chance.sample(["heat", "electricity", "recharge"], chance.randint(1, 3))
                answer = patch(f"/v1/facilities/{facility}", {"categories": some})
            case "factor":
                answer = self.write_factor(chance, factor)
            case _:
                organization = Organization.objects.get(pk=alice.organization.pk)
                organization.gwp_set = chance.choice(GWPSet.values)
                organization.save()
                return 200
        return answer.status

    def write_factor(self, chance: Random, path: str) -> Answer:
        value = Decimal(chance.randint(1, 999)) / 1000
        kind = chance.random()
        if kind < 0.5:
            return self.alice.patch(path, {"co2e": value})
        if kind < 0.7:
            return self.alice.delete(path)
        first = chance.randint(1, 9)
        body = {
            "category": "electricity",
            "country": chance.choice(["ES", "FR", "PT"]),
            "unit": "kWh",
            "valid_from": f"2022-{first:02}-01",
            "valid_to": f"2022-{first + 2:02}-28",
            "co2e": value,
        }
        answer = self.alice.post("/v1/emission-factors", body)
        if answer.status == 201:
            self.factors.append(answer.body["id"])
        return answer


@pytest.mark.parametrize("seed", range(TIMES))
def test_writes_of_every_kind_at_once_never_fail_and_leave_every_figure_right(
    alice: Person, seed: int
) -> None:
    stage = Stage(alice)

    def write(writer: int) -> list[int]:
        chance = Random(seed * 1000 + writer)
        return [stage.write(chance) for _ in range(12)]

    results = together([partial(write, writer) for writer in range(WRITERS)])
    assert {status for result in results for status in result} <= FINE
    assert_every_figure_is_right()


def test_bills_moved_in_both_directions_at_once_are_counted_once(alice: Person) -> None:
    one, two = alice.facility(name="One"), alice.facility(name="Two", country="FR")
    bills = [alice.consumption(one if number % 2 else two)["id"] for number in range(WRITERS)]

    def move(number: int) -> set[int]:
        targets = (one, two) if number % 3 else (two, one)
        path = f"/v1/consumptions/{bills[number]}"
        moves = [targets[turn % 2]["id"] for turn in range(6)]
        return {alice.patch(path, {"facility_id": target}).status for target in moves}

    results = together([partial(move, number) for number in range(WRITERS)])
    assert set().union(*results) == {200}
    assert_every_figure_is_right()


def test_no_bill_keeps_the_old_value_of_a_factor_edited_while_bills_arrive(alice: Person) -> None:
    facility = alice.facility()
    factor = alice.factor(co2e=Decimal("0.1"))
    values = [Decimal(number) / 10 for number in range(2, 8)]

    def edit() -> set[int]:
        path = f"/v1/emission-factors/{factor['id']}"
        return {alice.patch(path, {"co2e": value}).status for value in values}

    def post() -> set[int]:
        return {alice.post("/v1/consumptions", bill(facility)).status for _ in range(5)}

    results = together([edit, *[post] * (WRITERS - 1)])
    assert results[0] == {200}
    assert set().union(*results[1:]) == {201}
    figures = set(Consumption.objects.values_list("co2e", flat=True))
    assert figures == {100 * values[-1]}
    assert_every_figure_is_right()


def test_a_factor_created_while_bills_arrive_applies_to_all_of_them(alice: Person) -> None:
    facility = alice.facility()

    def create() -> set[int]:
        alice.factor(co2e=Decimal("0.7"))
        return {201}

    def post() -> set[int]:
        return {alice.post("/v1/consumptions", bill(facility)).status for _ in range(4)}

    assert set().union(*together([create, *[post] * (WRITERS - 1)])) == {201}
    assert set(Consumption.objects.values_list("co2e", flat=True)) == {70}
    assert_every_figure_is_right()


def test_a_facility_deleted_while_bills_arrive_takes_all_of_them_along(alice: Person) -> None:
    facility = alice.facility()
    alice.consumption(facility)

    def post() -> set[int]:
        return {alice.post("/v1/consumptions", bill(facility)).status for _ in range(4)}

    def delete() -> set[int]:
        return {alice.delete(f"/v1/facilities/{facility['id']}").status}

    results = together([delete, *[post] * (WRITERS - 1)])
    assert results[0] == {204}
    assert set().union(*results[1:]) <= {201, 422}
    assert not Consumption.objects.live().exists()
    assert not Emission.objects.current().exists()
    assert_every_figure_is_right()


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/v1/facilities", "cups_list.0"),
        ("/v1/facilities", "meter_list.0"),
        ("/v1/facilities", "external_id"),
        ("/v1/consumptions", "external_id"),
        ("/v1/emission-factors", "valid_from"),
    ],
)
def test_of_creates_that_race_for_one_thing_one_wins_and_the_others_are_told_which(
    alice: Person, path: str, field: str
) -> None:
    facility = alice.facility()
    for number in range(ROUNDS):
        body: dict[str, Any] = {
            "/v1/facilities": {"name": "Same", "type": "office", "country": "ES"},
            "/v1/consumptions": bill(facility),
            "/v1/emission-factors": {
                "category": "electricity",
                "country": "ES",
                "unit": "kWh",
                "co2e": 1,
                "valid_from": f"{2000 + number}-01-01",
                "valid_to": f"{2000 + number}-12-31",
            },
        }[path]
        if field == "external_id":
            body["external_id"] = f"round {number}"
        elif field in LISTED:
            body |= LISTED[field]
        answers = together([partial(alice.post, path, body)] * WRITERS)
        assert sorted(one.status for one in answers) == [201, *[422] * (WRITERS - 1)]
        for answer in answers:
            if answer.status == 422:
                assert answer.fields == [field]
                assert answer.body["errors"][0]["code"] in ("taken", "overlap")
            elif field in LISTED:
                alice.delete(f"/v1/facilities/{answer.body['id']}")


def test_factors_that_overlap_partly_and_race_are_never_both_stored(alice: Person) -> None:
    body = {"category": "electricity", "country": "ES", "unit": "kWh", "co2e": 1}
    for year in range(2000, 2000 + ROUNDS):
        first = {**body, "valid_from": f"{year}-01-01", "valid_to": f"{year}-06-30"}
        second = {**body, "valid_from": f"{year}-06-30", "valid_to": f"{year}-12-31"}
        answers = together(
            [partial(alice.post, "/v1/emission-factors", one) for one in (first, second)]
        )
        assert sorted(answer.status for answer in answers) == [201, 422]


def test_changes_that_race_for_one_id_or_code_end_in_one_owner(alice: Person) -> None:
    numbers = range(WRITERS)
    paths = [f"/v1/facilities/{alice.facility(name=str(number))['id']}" for number in numbers]
    for number in range(ROUNDS):
        changes = ({"external_id": f"round {number}"}, *LISTED.values())
        change: dict[str, Any] = changes[number % 3]
        answers = together([partial(alice.patch, path, change) for path in paths])
        assert sorted(one.status for one in answers) == [200, *[422] * (WRITERS - 1)]
        for path in paths:
            alice.patch(path, {"external_id": None, "cups_list": [], "meter_list": []})


@pytest.mark.parametrize(("name", "codes"), [("cups_list", CUPS), ("meter_list", ("A", "B"))])
def test_codes_wanted_in_opposite_orders_are_refused_and_deadlock_nobody(
    alice: Person, name: str, codes: tuple[str, str]
) -> None:
    body = {"name": "Same", "type": "office", "country": "ES"}
    orders = [list(codes), list(reversed(codes))] * 2
    for _ in range(ROUNDS):
        answers = together(
            [partial(alice.post, "/v1/facilities", {**body, name: one}) for one in orders]
        )
        assert sorted(answer.status for answer in answers) == [201, 422, 422, 422]
        [winner] = [answer.body["id"] for answer in answers if answer.status == 201]
        alice.delete(f"/v1/facilities/{winner}")


def test_of_changes_decided_on_one_version_one_is_made(alice: Person) -> None:
    facility = alice.facility()
    paths = [
        f"/v1/facilities/{facility['id']}",
        f"/v1/consumptions/{alice.consumption(facility)['id']}",
        f"/v1/emission-factors/{alice.factor()['id']}",
    ]
    for path in paths * (ROUNDS // 2):
        etag = alice.get(path).headers["ETag"]
        change = partial(alice.patch, path, {}, **{"if-match": etag})
        answers = together([change] * WRITERS)
        assert sorted(one.status for one in answers) == [200, *[412] * (WRITERS - 1)]


def test_an_explanation_read_while_its_bill_changes_agrees_with_itself(alice: Person) -> None:
    consumption = alice.consumption(alice.facility(), end_date="2023-05-31")
    path = f"/v1/consumptions/{consumption['id']}"
    done = Event()

    def change() -> list[Any]:
        try:
            for turn in range(20):
                status = "inactive" if turn % 2 else "active"
                assert alice.patch(path, {"status": status, "quantity": turn}).status == 200
        finally:
            done.set()
        return []

    def read() -> list[Any]:
        answers = []
        while not done.is_set():
            answers.append(alice.get(f"{path}/calculation").body)
        return answers

    for answers in together([change, read, read]):
        for answer in answers:
            for name in FIGURES:
                sums = sum(line[name] for line in answer["lines"]) if answer["lines"] else None
                assert answer[name] == answer["consumption"][name] == sums


@only_where_writers_overlap
def test_a_change_of_a_bill_moved_and_deleted_meanwhile_does_not_bring_it_back(
    alice: Person,
) -> None:
    """Three writers: A changes the note, B moves the bill to another facility, C deletes it there.

    A waits for the facility where it found the bill, B has that lock; once B has moved the bill, A
    goes on with a row whose facility it has not locked, while C, who has, deletes it.
    """
    here, there = alice.facility(name="Here"), alice.facility(name="There")
    pk = alice.consumption(here)["id"]
    moved, go = Event(), Event()

    def move() -> int:
        with transaction.atomic(), about(alice.organization.pk):
            pass_gate(alice.organization.pk)
            lock_facilities([here["id"], there["id"]])
            moved.set()
            go.wait(10)
            sleep(0.5)  # both others are waiting now
            row = Consumption.objects.get(pk=pk)
            row.facility_id = there["id"]
            row.save(update_fields=["facility"])
        return 200

    def change() -> int:
        moved.wait(10)
        go.set()
        return alice.patch(f"/v1/consumptions/{pk}", {"note": "read"}).status

    def delete() -> int:
        moved.wait(10)
        with transaction.atomic(), about(alice.organization.pk):
            pass_gate(alice.organization.pk)
            lock_facilities([there["id"]])
            sleep(0.5)  # the change has read the bill now
            Consumption.objects.get(pk=pk).delete()
        return 204

    statuses = together([move, change, delete])
    assert statuses[1] in (200, 404)
    assert alice.get(f"/v1/consumptions/{pk}").status == 404
    assert_every_figure_is_right()


@only_where_writers_overlap
def test_a_bill_saved_by_staff_while_it_is_moved_leaves_no_kilogram_behind(alice: Person) -> None:
    """The admin saves the row as it was read: at the facility that the bill has just left."""
    here, there = alice.facility(name="Here"), alice.facility(name="There", country="FR")
    pk = alice.consumption(here)["id"]
    locked = Event()

    def move() -> None:
        with transaction.atomic(), about(alice.organization.pk):
            pass_gate(alice.organization.pk)
            lock_facilities([here["id"], there["id"]])
            locked.set()
            sleep(0.5)  # the other has read where the bill is, and waits
            row = Consumption.objects.get(pk=pk)
            row.facility_id = there["id"]
            row.save(update_fields=["facility"])

    def save() -> None:
        locked.wait(10)
        row = Consumption.objects.get(pk=pk)
        row.note = "read"
        row.save()

    together([move, save])
    assert_every_figure_is_right()


@only_where_writers_overlap
def test_a_request_does_not_wait_for_the_end_of_a_long_import(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would keep a thread of the server, and a few such requests all of them."""
    monkeypatch.setattr(author, "SECONDS_TO_WAIT", 1)
    busy, free = alice.facility(name="Busy"), alice.facility(name="Free")
    factor = {"category": "electricity", "unit": "kWh", "valid_from": "2023-01-01", "co2e": 1}
    locked, answered = Event(), Event()

    def import_for_long() -> None:
        with transaction.atomic(), about(alice.organization.pk):
            pass_gate(alice.organization.pk)
            lock_facilities([busy["id"]])
            locked.set()
            assert answered.wait(30)

    def call() -> list[int]:
        assert locked.wait(10)
        try:
            return [
                alice.post("/v1/consumptions", bill(busy)).status,
                alice.post("/v1/consumptions", bill(free)).status,
                alice.get(f"/v1/facilities/{busy['id']}").status,
                alice.post("/v1/emission-factors", factor).status,
            ]
        finally:
            answered.set()

    _, statuses = together([import_for_long, call])
    assert statuses == [409, 201, 200, 409]
    assert alice.post("/v1/consumptions", bill(busy)).status == 201
    assert_every_figure_is_right()


def write_history(facility: dict[str, Any], consumption: dict[str, Any], copies: int) -> None:
    """Copies a consumption with its one line, in SQL; a hundred thousand in seconds."""
    if POSTGRESQL:
        new_id, head = "gen_random_uuid()", ""
        numbers = f"generate_series(1, {copies}) AS numbers"
    else:
        new_id, numbers = "lower(hex(randomblob(16)))", "numbers"
        head = (
            "WITH RECURSIVE numbers(n) AS "
            f"(SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {copies})"
        )
    pk = consumption["id"] if POSTGRESQL else consumption["id"].replace("-", "")
    bills = [str(one.column) for one in Consumption._meta.concrete_fields if one.name != "id"]
    lines = [str(one.column) for one in Emission._meta.concrete_fields]
    lines = [column for column in lines if column not in ("id", "consumption_id")]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO emissions_consumption (id, {', '.join(bills)}) {head} "
            f"SELECT {new_id}, {', '.join(bills)} FROM emissions_consumption, {numbers} "
            "WHERE id = %s",
            [pk],
        )
        cursor.execute(
            # The line is read once: looked for again beside each copy, it would be looked for among
            # those that this statement has stored.
            f"INSERT INTO emissions_emission (id, consumption_id, {', '.join(lines)}) "
            "WITH line AS MATERIALIZED "
            "(SELECT * FROM emissions_emission WHERE consumption_id = %s) "
            f"SELECT {new_id}, copy.id, {', '.join(f'line.{name}' for name in lines)} "
            "FROM line, emissions_consumption copy "
            "WHERE copy.facility_id = line.facility_id AND copy.id <> line.consumption_id",
            [pk],
        )
        cursor.execute("ANALYZE")
    totals = {name: (copies + 1) * consumption[name] for name in FIGURES}
    Facility.objects.filter(pk=facility["id"]).update(**totals)


def effort_of(task: Callable[[], Answer]) -> int:
    """What a write cost the database: rows read on PostgreSQL, steps of its machine on SQLite."""
    if POSTGRESQL:
        before = rows_read()
        assert task().status == 201
        return rows_read() - before
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    connection.connection.set_progress_handler(step, 100)
    assert task().status == 201
    connection.connection.set_progress_handler(None, 100)
    return steps


def rows_read() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
        cursor.execute(
            "SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables"
        )
        return int(cursor.fetchone()[0])


def test_a_bill_costs_the_same_with_a_hundred_thousand_others_as_with_none(alice: Person) -> None:
    empty, full = alice.facility(name="Empty"), alice.facility(name="Full")
    alice.consumption(empty)
    consumption = alice.consumption(full)
    write_history(full, consumption, HISTORY)

    def queries(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        with CaptureQueriesContext(connection) as captured:
            answer = alice.call(method, path, body)
        assert answer.status in (200, 201, 204), answer.body
        return len(captured), answer.body

    counts: dict[str, list[int]] = {}
    for facility in (empty, full):
        posted, created = queries("POST", "/v1/consumptions", bill(facility))
        path = f"/v1/consumptions/{created['id']}"
        patched, _ = queries("PATCH", path, {"quantity": 7})
        deleted, _ = queries("DELETE", path)
        counts[facility["name"]] = [posted, patched, deleted]
    assert counts["Full"] == counts["Empty"]

    for _ in range(12):  # until statements are prepared and the plans for them are kept
        alice.post("/v1/consumptions", bill(empty))
    effort = {
        facility["name"]: effort_of(partial(alice.post, "/v1/consumptions", bill(facility)))
        for facility in (empty, full)
    }
    assert effort["Full"] <= 1.5 * effort["Empty"], effort

    total = Facility.objects.get(pk=full["id"])
    expected = (HISTORY + 1) * consumption["co2e"] + alice.consumption(empty, quantity=100)["co2e"]
    assert total.co2e == expected
    with lifted():  # or SQLite looks for them factor by factor
        Emission.objects.all()._raw_delete(using="default")
