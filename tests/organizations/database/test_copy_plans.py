"""Every page of a copy costs the same: it begins in an index, right behind its cursor."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ROWS = 2000 if connection.vendor == "postgresql" else 60
SIZE = {"facilities": 20, "consumptions": 20, "emission-factors": 100}
"""Rows of a page; there are thousands of published factors."""

NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)
INDEXES = {
    "facilities": {"facility_changes"},
    "consumptions": {"consumption_changes"},
    "emission-factors": {"factor_changes", "factor_published_changes"},
}


def moments(number: int) -> dict[str, Any]:
    """Many rows of one moment, as imports leave them, and some of their own."""
    moment = NOON if number < ROWS // 2 else NOON + timedelta(seconds=number)
    return {"updated_at": moment, "deleted_at": NOON if number % 3 == 0 else None}


def facility(organization: Organization, n: int) -> Facility:
    return Facility(
        organization=organization, name=f"{n}", type="x", country="ES", **moments(n)
    )  # fmt: skip


def fill(name: str, *organizations: Organization) -> None:
    for organization in organizations:
        [site] = Facility.objects.bulk_create([facility(organization, ROWS)])
        one: dict[str, Callable[[int], Any]] = {
            "facilities": lambda n: facility(organization, n),  # noqa: B023
            "consumptions": lambda n: Consumption(
                organization=organization, facility=site, category="water",  # noqa: B023
                activity="supply", quantity=1, unit="m3", start_date=NOON.date(),
                end_date=NOON.date(), co2e_status="not_calculated", **moments(n),
            ),
            "emission-factors": lambda n: EmissionFactor(
                organization=organization, category="heat", activity=f"fuel_{n}",  # noqa: B023
                unit="kWh", valid_from=NOON.date(), co2e=1, scope=1, **moments(n),
            ),
        }  # fmt: skip
        rows: list[Any] = [one[name](number) for number in range(ROWS)]
        type(rows[0])._default_manager.bulk_create(rows)


def places(statements: CaptureQueriesContext) -> list[str]:
    """The statements that find the rows of a page."""
    return [
        one["sql"] for one in statements.captured_queries if "ORDER BY 1 ASC, 2 ASC" in one["sql"]
    ]


def nodes(plan: dict[str, Any]) -> list[dict[str, Any]]:
    return [plan, *(one for inner in plan.get("Plans", []) for one in nodes(inner))]


def explained(sql: str) -> tuple[set[str], bool, int]:
    """The indexes that a statement uses, whether it sorts, and the rows that it looks at."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("EXPLAIN QUERY PLAN " + sql)
            steps = " ".join(str(row[3]) for row in cursor.fetchall())
            named = {one for names in INDEXES.values() for one in names if one in steps}
            return named, "TEMP B-TREE" in steps or "SCAN" in steps, 0
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) " + sql)
        [found] = cursor.fetchone()
        every = nodes((json.loads(found) if isinstance(found, str) else found)[0]["Plan"])
        looked_at = sum(
            int(one["Actual Rows"]) + int(one.get("Rows Removed by Filter", 0))
            for one in every
            if "Scan" in one["Node Type"]
        )
        indexes = {one["Index Name"] for one in every if "Index Name" in one}
        return indexes, any("Sort" in one["Node Type"] for one in every), looked_at


@each("name", INDEXES)
def test_a_page_reads_its_rows_in_their_order_from_the_first_to_the_last(
    bob: Person, elsewhere: Organization, name: str
) -> None:
    fill(name, bob.organization, elsewhere)
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
    cursor_text: str | None = ""
    pages = 0
    while cursor_text is not None:
        query = f"cursor={cursor_text}&size={SIZE[name]}&include_deleted=true"
        looked = pages % 30 == 0
        with CaptureQueriesContext(connection) as statements:
            body = bob.get(f"/v1/{name}?{query}").body
        cursor_text = body["next_cursor"]
        if looked or cursor_text is None:
            found = [explained(one) for one in places(statements)]
            assert all(indexes and indexes <= INDEXES[name] for indexes, _, _ in found), found
            assert not any(sorts for _, sorts, _ in found)
            assert all(rows <= SIZE[name] for _, _, rows in found), found
        pages += 1
    assert pages > 1
