"""SQLite finds what every bill and every lookup by code asks by an index, whatever the history."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.conftest import Person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor != "sqlite", reason="there the planner goes by statistics of many rows"
    ),
]


def plans(statements: CaptureQueriesContext, table: str, column: str) -> Iterator[str]:
    """How each captured statement that looks a code up in a table is carried out."""
    looked_up = re.compile(rf'"{table}"\."{column}" (?:=|IN)')
    for one in statements.captured_queries:
        sql = one["sql"]
        if sql.startswith("SELECT") and looked_up.search(sql):
            with connection.cursor() as cursor:
                cursor.execute("EXPLAIN QUERY PLAN " + sql)
                yield "\n".join(str(row) for row in cursor.fetchall())


@pytest.mark.parametrize(
    ("path", "table", "index"),
    [
        ("/v1/facilities", "facilities_facility", "facility_external_id_unique"),
        ("/v1/consumptions", "emissions_consumption", "consumption_external_id_unique"),
    ],
)
def test_an_external_id_is_looked_up_by_its_index(
    erin: Person, path: str, table: str, index: str
) -> None:
    site = erin.facility(external_id="MAD-1")
    bodies: dict[str, Any] = {
        "/v1/facilities": {"name": "A", "type": "b", "country": "ES", "external_id": "X-1"},
        "/v1/consumptions": {
            "facility_id": site["id"], "category": "electricity", "quantity": 1, "unit": "kWh",
            "start_date": "2023-03-01", "end_date": "2023-03-31", "external_id": "X-1",
        },
    }  # fmt: skip
    with CaptureQueriesContext(connection) as statements:
        assert erin.post(path, bodies[path]).status == 201
        assert erin.get(f"{path}?external_id=X-1").body["total"] == 1
        assert erin.get(f"{path}?external_id=X-1&external_id=X-2").body["total"] == 1
    found = list(plans(statements, table, "external_id"))
    assert len(found) >= 2
    for plan in found:
        assert index in plan, found


def test_a_cups_is_looked_up_by_its_index(erin: Person) -> None:
    body = {"name": "A", "type": "b", "country": "ES", "cups_list": ["ES1234123456789012JY"]}
    with CaptureQueriesContext(connection) as statements:
        assert erin.post("/v1/facilities", body).status == 201
        assert erin.post("/v1/facilities", body).status == 422
    found = list(plans(statements, "facilities_supplypoint", "cups"))
    assert found
    for plan in found:
        assert "supply_point" in plan
        assert "SCAN" not in plan


def test_a_facilitys_own_recalculation_reads_its_own_bills(erin: Person) -> None:
    site = erin.facility()
    erin.consumption(site)
    with CaptureQueriesContext(connection) as statements:
        erin.patch(f"/v1/facilities/{site['id']}", {"country": "PT"})
        erin.delete(f"/v1/facilities/{site['id']}")
    found = list(plans(statements, "emissions_consumption", "facility_id"))
    assert found
    for plan in found:
        assert "SCAN emissions_consumption" not in plan, found
    assert any("consumption_deleted (facility_id=?" in plan for plan in found), found
