"""Bulk writes store what single writes store, on either database."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
import uuid_utils.compat as uuid
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.database import bulk
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db

COLUMNS = [
    field.attname for field in Facility._meta.concrete_fields
]  # every one: a bulk write applies no default
HARD = "tab\t, back\\slash, \\N, line\nbreak, return\r, “quotes” ', 🏭"


def rows(organization: Organization, count: int) -> list[Facility]:
    return [
        Facility(
            organization=organization,
            external_id=f"F{number}",
            name=HARD if number == 0 else f"Site {number}",
            type="office",
            country="ES",
            categories="heat,water" if number % 2 else "",
            logistic_factor=Decimal("0.123456"),
            co2e=Decimal("123456789.000001"),
        )
        for number in range(count)
    ]


def values(row: Any, columns: list[str] = COLUMNS) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in columns)


@each("count", [0, 1, bulk.FEW, 1001])
def test_what_is_inserted_is_read_back(organization: Organization, count: int) -> None:
    new = rows(organization, count)
    bulk.insert(Facility, COLUMNS, (values(row) for row in new))
    stored = Facility.objects.order_by("pk")
    for row in new:
        row.refresh_from_db(fields=["categories"])  # written as text, read as a list
    assert [values(row) for row in stored] == [values(row) for row in new]


@each("count", [0, 1, bulk.FEW, bulk.FEW + 1, 1001])
def test_what_is_updated_is_read_back_and_nothing_else_moves(
    organization: Organization, count: int
) -> None:
    Facility.objects.bulk_create([*rows(organization, count), *rows(organization, 1)][:count])
    other = Facility.objects.create(
        organization=organization, name="Other", type="office", country="PT"
    )
    some = list(Facility.objects.exclude(pk=other.pk).order_by("pk"))
    now = timezone.now()
    columns = ["name", "deleted_at", "co2e", "categories"]
    changes = [(row.pk, HARD, now, Decimal("-0.000001"), ["electricity"]) for row in some]
    bulk.update(Facility, columns, changes)
    stored = Facility.objects.exclude(pk=other.pk).order_by("pk")
    assert [values(row, ["pk", *columns]) for row in stored] == changes
    assert [row.external_id for row in stored] == [row.external_id for row in some]
    assert values(Facility.objects.get(pk=other.pk)) == values(other)


@each("count", [0, 1, 1001])
def test_columns_are_stored_as_rows_are(organization: Organization, count: int) -> None:
    new = rows(organization, count)
    columns: dict[str, list[Any]] = {name: [getattr(row, name) for row in new] for name in COLUMNS}
    columns["id"] = [pk.hex for pk in columns["id"]]
    columns["deleted_at"] = [timezone.now() if at % 3 == 1 else None for at in range(count)]
    bulk.insertion(Facility, columns)()
    expected = [dict(zip(columns, one, strict=True)) for one in zip(*columns.values(), strict=True)]
    for one, row in zip(expected, new, strict=True):
        row.refresh_from_db(fields=["categories"])
        one |= {"id": row.pk, "categories": row.categories}
    assert list(Facility.objects.order_by("pk").values(*COLUMNS)) == expected


def test_nothing_is_written_before_it_is_asked_for(organization: Organization) -> None:
    columns = {name: [getattr(one, name) for one in rows(organization, 2)] for name in COLUMNS}
    insert = bulk.insertion(Facility, columns)
    assert not Facility.objects.exists()
    insert()
    assert Facility.objects.count() == 2


def test_a_constraint_holds_in_bulk_too(organization: Organization) -> None:
    bad = rows(organization, 2)
    bad[1].country = "ESP"
    with pytest.raises(IntegrityError):
        bulk.insert(Facility, COLUMNS, (values(row) for row in bad))


def test_any_of_finds_what_in_finds_by_one_parameter(alice: Person) -> None:
    facility = alice.facility()
    ids = [UUID(alice.consumption(facility, quantity=number)["id"]) for number in range(3)]
    ids = [*ids[:2], UUID(bytes=uuid.uuid7().bytes)]
    for name, some in (("pk", ids), ("facility", [UUID(facility["id"])])):
        with CaptureQueriesContext(connection) as captured:
            found = set(Consumption.objects.filter(**{f"{name}__any_of": some}))
        assert found == set(Consumption.objects.filter(**{f"{name}__in": some}))
        assert found
        if connection.vendor == "postgresql":
            assert "= ANY(" in captured.captured_queries[0]["sql"]
    assert not Consumption.objects.filter(pk__any_of=[]).exists()


def test_dates_and_decimals_of_factors_survive() -> None:
    factor = EmissionFactor(
        category="heat", activity="peat", country="IE", unit="kWh", scope=1,
        valid_from=date(2020, 2, 29), co2e=Decimal("0.1234567891"), co2e_biomass=Decimal("1E-10"),
        created_at=datetime(2024, 1, 1, 12, 0, 0, 123456, tzinfo=timezone.get_current_timezone()),
    )  # fmt: skip
    columns = [field.attname for field in EmissionFactor._meta.concrete_fields]
    bulk.insert(EmissionFactor, columns, [values(factor, columns)])
    assert values(EmissionFactor.objects.get(pk=factor.pk), columns) == values(factor, columns)
    bulk.update(EmissionFactor, ["valid_to"], [(factor.pk, date.max - timedelta(days=1))])
    assert EmissionFactor.objects.get(pk=factor.pk).valid_to == date(9999, 12, 30)
