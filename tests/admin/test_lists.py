"""Lists open in few queries, whatever is in them, and count no further than they must."""

from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from organizations.staff import CappedPaginator, lists
from tests.admin.conftest import at_the_admin
from tests.conftest import Person

pytestmark = pytest.mark.django_db

OURS = [
    page
    for page in admin.site._registry.values()
    if page.opts.app_label in ("organizations", "facilities", "emissions")
]
PAGES = {
    "dashboard": reverse("admin:index"),
    "missing": reverse("admin:emissions_consumption_missing"),
    **{
        page.opts.model_name: reverse(
            f"admin:{page.opts.app_label}_{page.opts.model_name}_changelist"
        )
        for page in OURS
    },
}


def fill(person: Person, count: int) -> None:
    for number in range(count):
        facility = person.facility(name=f"Facility {number}")
        person.consumption(facility)
        person.factor(supplier=facility["id"], method="market")


def test_a_page_opens_in_fewer_than_ten_queries_however_much_is_on_it(
    alice: Person, root: Client, subtests: pytest.Subtests
) -> None:
    clients = {"staff": at_the_admin(alice.user), "root": root}
    counts = []
    for _ in range(2):
        fill(alice, 3)
        counts.append(
            {
                f"{name} of {who}": queries_of(client, path)
                for name, path in PAGES.items()
                for who, client in clients.items()
            }
        )
    few, more = counts
    for page, count in few.items():
        with subtests.test(page):
            assert count == more[page], "it costs the same with twice as much on it"
            assert count < 10


def queries_of(client: Client, path: str) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path).status_code == 200
    return len([one for one in queries if "SAVEPOINT" not in one["sql"]])


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.opts.model_name)
def test_no_list_counts_what_it_need_not(page: Any) -> None:
    assert page.show_full_result_count is False
    assert page.paginator is CappedPaginator


def test_counting_stops(alice: Person, root: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lists, "COUNTED", 3)
    fill(alice, 5)
    with CaptureQueriesContext(connection) as queries:
        response = root.get(PAGES["facility"])
    assert response.context["cl"].result_count == 4
    [count] = [one["sql"] for one in queries if "COUNT(" in one["sql"]]
    assert "LIMIT 4" in count
    assert "3+ facilities" in response.content.decode()
