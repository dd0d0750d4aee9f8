"""The moment of a change: one clock for all, and how far changes are complete."""

from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import pytest
import time_machine
from django.db import connection

from facilities.models import Facility
from organizations.database.clock import announced_moment, horizon, moment
from organizations.models import Organization
from organizations.tenancy import pass_gate
from tests.conftest import Person
from tests.copies import Copy, written_elsewhere

POSTGRESQL = connection.vendor == "postgresql"
only_on_postgresql = pytest.mark.skipif(not POSTGRESQL, reason="SQLite's writers are serial")
only_on_sqlite = pytest.mark.skipif(POSTGRESQL, reason="there the server's clock stamps")


@only_on_sqlite
@pytest.mark.django_db
def test_a_clock_that_is_set_back_stamps_nothing_earlier_than_before(erin: Person) -> None:
    copy = Copy(erin, "facilities")
    site = erin.facility()
    copy.walk()
    with time_machine.travel(datetime.now(UTC) - timedelta(hours=1), tick=False):
        for name in ("One", "Two"):
            after = erin.patch(f"/v1/facilities/{site['id']}", {"name": name}).body
            assert after["updated_at"] > site["updated_at"]
            assert [one["name"] for one in copy.walk()] == [name]
            site = after


@only_on_sqlite
@pytest.mark.django_db
def test_no_two_moments_are_the_same() -> None:
    with time_machine.travel(datetime.now(UTC), tick=False):
        moments = [moment() for _ in range(5)]
    assert moments == sorted(set(moments))


@only_on_postgresql
@pytest.mark.django_db
def test_the_servers_clock_stamps_whatever_the_machine_says(erin: Person) -> None:
    site = erin.facility()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=1)):
        site = erin.patch(f"/v1/facilities/{site['id']}", {"name": "New"}).body
        bill = erin.consumption(site)
        other = erin.facility()
    ahead = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    for row in (site, bill, other):
        assert row["created_at"] <= row["updated_at"] < ahead


@only_on_postgresql
@pytest.mark.django_db
def test_a_change_of_a_transaction_that_has_not_passed_the_gate_is_a_mistake() -> None:
    with pytest.raises(RuntimeError, match="gate"):
        moment()
    pass_gate(uuid4())
    assert moment() <= moment()


@pytest.mark.usefixtures("committed")
def test_a_stamp_outside_a_transaction_is_a_mistake() -> None:
    for stamp in (moment, partial(announced_moment, None)):
        with pytest.raises(AssertionError):
            stamp()


@only_on_postgresql
@pytest.mark.usefixtures("committed")
def test_every_role_sees_who_is_writing() -> None:
    """Not so in pg_stat_activity, which hides the transactions of other roles."""
    mine = uuid4()
    with written_elsewhere(partial(pass_gate, mine)), connection.cursor() as cursor:
        cursor.execute("CREATE ROLE reader_of_copies")
        cursor.execute("GRANT reader_of_copies TO CURRENT_USER")
        cursor.execute("SET ROLE reader_of_copies")
        try:
            cursor.execute("SELECT clock_timestamp()")
            [now] = cursor.fetchone()
            assert str(horizon(mine)) < str(now)
            assert str(horizon(uuid4())) > str(now)
        finally:
            cursor.execute("RESET ROLE")
            cursor.execute("DROP ROLE reader_of_copies")
    assert str(horizon(mine)) > str(now)


@only_on_postgresql
@pytest.mark.django_db
def test_a_transaction_of_many_changes_holds_one_lock_to_announce_itself(
    organization: Organization,
) -> None:
    for number in range(20):
        Facility.objects.create(
            organization=organization, name=f"{number}", type="office", country="ES"
        )
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 1"
            " AND pid = pg_backend_pid()"
        )
        [count] = cursor.fetchone()
    assert count <= 2, "its organization's, and everybody's for the organization's own row"
