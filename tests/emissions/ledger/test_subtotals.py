"""Subtotals answer what the lines would, to the milligram, whatever has been written."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from io import StringIO
from typing import Any
from urllib.parse import urlencode

import pytest
from django.core.management import call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_tasks_db.models import DBTaskResult
from hypothesis import given, settings
from hypothesis import strategies as st

from emissions.ledger import keeping, subtotals
from emissions.models import Consumption, Emission, Subtotal
from organizations.models import Organization
from tests.conftest import Person
from tests.emissions.figures import gas, refill
from tests.examples import examples

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

KEYS = (
    "category", "activity", "scope", "month", "year", "country", "region", "type", "data_quality",
)  # fmt: skip
MONTHS = [f"{year}-{month:02d}" for year in (2022, 2023) for month in (1, 6, 11, 12)]
LAST = {"01": 31, "06": 30, "11": 30, "12": 31}
FILTERS: list[dict[str, Any]] = [
    {},
    {"category": ["electricity", "water"]},
    {"scope": ["2"]},
    {"country": ["CA"]},
    {"type": ["depot"]},
    {"activity": ["grid"], "region": ["CA-ON"]},
]


@pytest.fixture
def sites(alice: Person) -> list[dict[str, Any]]:
    """Bills over several months, years and factors, moved ones, and closed years with gaps."""
    home, away = alice.facility(), alice.facility(type="depot", country="CA", region="CA-ON")
    alice.factor(country="ES", valid_from="2022-01-01", valid_to="2022-11-15", co2e=Decimal("0.2"))
    alice.consumption(home, start_date="2021-11-20", end_date="2023-02-10", quantity=1000)
    moved = alice.consumption(away, start_date="2022-12-05", end_date="2023-01-20", quantity=7)
    quiet = alice.consumption(home, start_date="2021-12-01", end_date="2023-01-31", quantity=55)
    gas(alice, home, start_date="2022-12-01", end_date="2022-12-31", data_quality="estimated")
    gas(alice, home, start_date="2022-12-01", end_date="2022-12-31", data_quality="estimated")
    refill(alice, away)
    for year in (2021, 2023):
        assert alice.post(f"/v1/periods/{year}/close", {}).status == 200
    alice.patch(f"/v1/consumptions/{moved['id']}", {"facility_id": home["id"]})
    alice.patch(f"/v1/consumptions/{quiet['id']}", {"status": "inactive"})
    alice.patch(f"/v1/facilities/{away['id']}", {"type": "office"})
    gone = gas(alice, home, start_date="2022-06-01", end_date="2022-06-30")
    alice.delete(f"/v1/consumptions/{gone['id']}")
    return [home, away]


@contextmanager
def from_the_lines(person: Person) -> Iterator[None]:
    mine = Organization.objects.filter(pk=person.organization.pk)
    mine.update(subtotals_kept=False)
    yield
    mine.update(subtotals_kept=True)


def both(person: Person, query: dict[str, Any]) -> tuple[Any, Any]:
    """What is answered from the subtotals, which no line is read for, and from the lines."""
    path = f"/v1/emissions?{urlencode(query, doseq=True)}"
    with CaptureQueriesContext(connection) as captured:
        found = person.get(path)
    asked = [one["sql"] for one in captured.captured_queries]
    assert any("emissions_subtotal" in sql for sql in asked)
    assert not any("emissions_emission" in sql for sql in asked)
    with from_the_lines(person):
        expected = person.get(path)
    assert found.status == expected.status == 200
    return found.body, expected.body


def test_they_answer_what_the_lines_do(alice: Person, sites: Any) -> None:
    @settings(deadline=None, max_examples=examples(25), database=None)
    @given(
        st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True),
        st.lists(st.sampled_from(MONTHS), min_size=2, max_size=2).map(sorted),
        st.integers(0, 3),
        st.sampled_from(FILTERS),
        st.sampled_from([{}, {"size": 2}, {"size": 1, "page": 2}, {"page": 99}]),
    )
    def holds(keys: Any, months: Any, open_ends: int, chosen: Any, page: Any) -> None:
        bounds = {
            "start_date": f"{months[0]}-01",
            "end_date": f"{months[1]}-{LAST[months[1][-2:]]}",
        }
        for bit, name in enumerate(list(bounds)):
            if open_ends >> bit & 1:
                del bounds[name]
        found, expected = both(alice, {"group_by": keys, **bounds, **chosen, **page})
        assert found == expected

    holds()
    subtotals.put_together(alice.organization.pk)
    holds()


def test_a_bill_of_many_keys_is_counted_once(alice: Person) -> None:
    bill = alice.consumption(alice.facility(), start_date="2022-01-01", end_date="2022-12-31")
    body, _ = both(alice, {"group_by": "month", "size": 100})
    assert [one["consumptions"] for one in body["items"]] == [1] * 12
    assert body["consumptions"] == body["coverage"]["calculated"]["count"] == 1
    body, _ = both(alice, {"group_by": "year", "end_date": "2022-03-31"})
    assert [one["consumptions"] for one in body["items"]] == [1]
    alice.delete(f"/v1/consumptions/{bill['id']}")
    body, _ = both(alice, {"group_by": "month"})
    assert (body["items"], body["total"], body["consumptions"]) == ([], 0, 0)


def test_rows_of_a_key_are_put_together(alice: Person) -> None:
    site = alice.facility()
    bills = [alice.consumption(site, quantity=number) for number in range(1, 5)]
    alice.delete(f"/v1/consumptions/{bills[0]['id']}")
    before, _ = both(alice, {})
    assert Subtotal.objects.count() == 5
    subtotals.put_together(alice.organization.pk)
    assert Subtotal.objects.get().consumptions == 3
    assert both(alice, {})[0] == before
    for bill in bills[1:]:
        alice.delete(f"/v1/consumptions/{bill['id']}")
    subtotals.put_together(alice.organization.pk)
    assert not Subtotal.objects.exists(), "what adds up to nothing is no row"


def test_a_write_asks_now_and_then_that_they_are_put_together(
    alice: Person, monkeypatch: pytest.MonkeyPatch, django_capture_on_commit_callbacks: Any
) -> None:
    site = alice.facility()
    alice.consumption(site)
    monkeypatch.setattr(subtotals, "FOLD_AFTER", 1)
    with django_capture_on_commit_callbacks(execute=True):
        alice.consumption(site, quantity=2)
    if connection.vendor == "postgresql":
        [waiting] = DBTaskResult.objects.filter(task_path__endswith="subtotals.fold")
        subtotals.fold.func(*waiting.args_kwargs["args"])
    assert Subtotal.objects.get().consumptions == 2


def test_more_than_a_gigatonne_of_many_facilities_is_kept(alice: Person) -> None:
    alice.factor(category="electricity", country="ES", co2e=1)
    for _ in range(3):
        alice.consumption(alice.facility(), quantity=999_999_999_999)
    subtotals.put_together(alice.organization.pk)
    keeping.keep(alice.organization.pk)
    body, expected = both(alice, {})
    assert body == expected
    assert body["co2e"] == 3 * 999_999_999_999


def test_what_is_wrong_is_found_and_made_right(alice: Person, sites: Any) -> None:
    Subtotal.objects.filter(pk=Subtotal.objects.order_by("pk")[0].pk).delete()
    said = StringIO()
    with pytest.raises(SystemExit):
        call_command("recalculate_co2e", check=True, stdout=said, stderr=StringIO())
    assert said.getvalue().startswith("subtotal ")
    call_command("recalculate_co2e", stdout=StringIO(), stderr=StringIO())
    call_command("recalculate_co2e", check=True, stderr=StringIO())


def test_an_upgrade_makes_them_organization_by_organization(alice: Person, charlie: Person) -> None:
    for person in (alice, charlie):
        person.consumption(person.facility())
    Subtotal.objects.all().delete()
    Organization.objects.update(subtotals_kept=False)
    done: list[int] = []

    def stop(organizations: int) -> None:
        done.append(organizations)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        keeping.keep_all(stop)
    kept = Organization.objects.filter(subtotals_kept=True)
    assert (done, kept.count(), Subtotal.objects.count()) == ([1], 1, 1)
    said = StringIO()
    call_command("recalculate_co2e", unfinished=True, stderr=said)
    assert "subtotals of the ledger" in said.getvalue()
    assert not keeping.unkept().exists()
    assert Subtotal.objects.count() == 2


@pytest.mark.skipif(connection.vendor != "postgresql", reason="a trigger of PostgreSQL")
def test_lines_that_somebody_else_writes_are_not_left_out(alice: Person) -> None:
    bill = alice.consumption(alice.facility())
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('facilities.subtotals', '', true)")
    Emission.objects.filter(consumption_id=bill["id"]).update(superseded_at=bill["updated_at"])
    assert list(keeping.unkept().values_list("pk", flat=True)) == [alice.organization.pk]
    assert alice.get("/v1/emissions").body["co2e"] == 0
    Consumption.objects.filter(pk=bill["id"]).update(note="damaged")
    call_command("recalculate_co2e", stdout=StringIO(), stderr=StringIO())
    assert not keeping.unkept().exists()
    assert alice.get("/v1/emissions").body["co2e"] == bill["co2e"]
