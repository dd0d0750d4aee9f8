"""Many organizations on several servers: what `manage.py distribute` makes, and what it says.

What needs a cluster runs with `python -m tests.citus` (TEST_CITUS_URL).
"""

from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.database import wall
from organizations.database.citus.distributing import faults
from organizations.database.citus.tables import tables
from organizations.models import APIKey, Organization
from tests import citus
from tests.conftest import Person

pytestmark = pytest.mark.django_db

on_citus = pytest.mark.skipif(not citus.wanted(), reason="TEST_CITUS_URL names no coordinator")
elsewhere = pytest.mark.skipif(citus.wanted(), reason="this is a cluster")
BRACKETS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "SET")


@elsewhere
@pytest.mark.parametrize("check", [True, False])
def test_where_there_is_no_citus_a_sentence_says_so(check: bool) -> None:
    with pytest.raises(CommandError, match="no Citus cluster: CREATE EXTENSION citus"):
        call_command("distribute", check=check)


def test_every_table_of_organizations_has_its_place() -> None:
    placed = {table.name: table for table in tables()}
    for model in (Facility, Consumption, Facility.history.model):
        table = placed[model._meta.db_table]
        assert (table.owner, table.on_every_node) == ("organization_id", False)
    for model in (EmissionFactor, EmissionFactor.history.model, Organization, APIKey):
        assert placed[model._meta.db_table].on_every_node
    assert "django_session" not in placed


@on_citus
def test_a_cluster_is_as_it_should_be() -> None:
    out = StringIO()
    call_command("distribute", check=True, stdout=out, stderr=StringIO())
    assert out.getvalue() == ""


@on_citus
def test_distributing_again_changes_nothing() -> None:
    err = StringIO()
    call_command("distribute", stderr=err)
    assert err.getvalue() == "tables placed 0\n"


@on_citus
def test_what_is_not_as_it_should_be_is_said() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL citus.propagate_set_commands = 'none'")
    assert list(faults()) == [
        "citus.propagate_set_commands is none and should be local for this database."
    ]
    with pytest.raises(SystemExit):
        call_command("distribute", check=True, stdout=StringIO(), stderr=StringIO())


def tasks(sql: str) -> int:
    """How many shards a statement goes to, or the part of it that goes to the most; 0 where it
    asks the coordinator alone."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (COSTS OFF) {sql}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    counts = (int(line.split()[-1]) for line in plan.splitlines() if "Task Count" in line)
    return max(counts, default=0)


def written(alice: Person) -> Iterator[Any]:
    site = alice.facility(cups_list=["ES1234123456789012JY"])
    bill = alice.consumption(site)
    factor = alice.factor()
    yield (
        "a new bill",
        lambda: alice.consumption(site, start_date="2023-04-01", end_date="2023-04-30"),
    )
    yield "a changed bill", lambda: alice.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 2})
    yield "a moved facility", lambda: alice.patch(f"/v1/facilities/{site['id']}", {"country": "FR"})
    yield "an own factor", lambda: alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": 1})
    yield "a deletion", lambda: alice.delete(f"/v1/consumptions/{bill['id']}")
    yield "a list", lambda: alice.get("/v1/consumptions?category=electricity&sort=-co2e")
    yield "totals", lambda: alice.get("/v1/emissions?group_by=month&group_by=facility")


@on_citus
def test_each_statement_of_a_request_goes_to_one_shard(alice: Person) -> None:
    sent: list[tuple[str, str]] = []
    for what, send in written(alice):
        with CaptureQueriesContext(connection) as captured:
            send()
        sent += [(what, one["sql"]) for one in captured.captured_queries]
    for what, sql in sent:
        if not sql.startswith((*BRACKETS, "SELECT set_config", "SELECT pg_")):
            assert tasks(sql) <= 1, f"{what}: {sql}"


@on_citus
def test_the_wall_stands_on_the_shards(alice: Person, charlie: Person) -> None:
    site = UUID(alice.facility()["id"])
    for person, seen in ((alice, True), (charlie, False)):
        scope = wall.organizations([person.organization.pk])
        with wall.seeing(scope), connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(*) FROM facilities_facility WHERE organization_id = %s AND id = %s",
                [alice.organization.pk, site],
            )
            assert cursor.fetchone() == (int(seen),)
