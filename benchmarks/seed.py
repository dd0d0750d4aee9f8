"""Organizations with facilities, stored by COPY. Their texts are all set and no figure is whole,

so that every rival writes the same bytes without rules of ours on blanks and decimals.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import uuid_utils.compat as uuid
from django.db import connection
from django.utils import timezone
from stdnum.es import cups

from facilities.models import Facility, SupplyPoint
from organizations.database.bulk import insert
from organizations.models import APIKey, Organization, Role

MILLIGRAM = Decimal("0.000001")
START = datetime(2024, 1, 1, tzinfo=UTC)
TYPES = ["office", "warehouse", "factory", "shop"]
PLACES = [("ES", "Cataluña"), ("ES", "Madrid"), ("PT", "Norte"), ("CA", "CA-ON")]
CATEGORIES = ["heat,electricity,water,recharge", "electricity,water", "electricity"]
COLUMNS = [
    "id", "created_at", "updated_at", "deleted_at", "organization_id", "external_id", "name",
    "type", "country", "region", "address", "categories", "logistic_factor", "status", "co2e",
    "co2e_market", "co2e_biomass", "co2e_status",
]  # fmt: skip
POINT_COLUMNS = [
    "id", "created_at", "updated_at", "organization_id", "facility_id", "cups", "released_at",
]  # fmt: skip


@dataclass(frozen=True)
class Tenant:
    """An organization with a key of its own and the ids of its facilities."""

    organization_id: UUID
    key: str
    facilities: list[UUID]

    @property
    def headers(self) -> dict[str, str]:
        return {"x-organization-id": str(self.organization_id), "x-api-key": self.key}


def tenants(count: int, facilities: int) -> list[Tenant]:
    """Makes organizations of that many facilities each, half of them with a CUPS."""
    made = []
    for number in range(count):
        organization = Organization.objects.create(name=f"Organization {number:03d}")
        key = APIKey.issue(
            organization=organization,
            name="bench",
            role=Role.VIEWER,
            last_used_at=timezone.now(),
        ).key
        made.append(
            Tenant(
                organization.pk, key, [UUID(bytes=uuid.uuid7().bytes) for _ in range(facilities)]
            )
        )
    insert(Facility, COLUMNS, (row for tenant in made for row in facility_rows(tenant)))
    insert(SupplyPoint, POINT_COLUMNS, (row for tenant in made for row in point_rows(tenant)))
    settle()
    return made


SETTLING = {
    "postgresql": ["VACUUM ANALYZE", "CHECKPOINT"],
    "sqlite": ["PRAGMA wal_checkpoint(TRUNCATE)"],
}


def settle() -> None:
    """What autovacuum would have done some minutes after the load."""
    with connection.cursor() as cursor:
        for statement in SETTLING[connection.vendor]:
            cursor.execute(statement)


def facility_rows(tenant: Tenant) -> Iterator[tuple[Any, ...]]:
    for number, pk in enumerate(tenant.facilities):
        country, region = PLACES[number % len(PLACES)]
        made = START + timedelta(minutes=7 * number, microseconds=number + 1)
        co2e = Decimal(number * 7919 % 9_000_000) + Decimal("0.123456")
        yield (
            pk,
            made,
            made + timedelta(days=1),
            None,
            tenant.organization_id,
            f"SITE-{number:06d}",
            f"{region} {TYPES[number % 4]} {number:06d} «{number * 2654435761 % 2**32:08x}»",
            TYPES[number % 4],
            country,
            region,
            f"Calle de la Energía {number % 300 + 1}, 2º B",
            CATEGORIES[number % len(CATEGORIES)],
            Decimal("0.8"),
            "active" if number % 10 else "archived",
            co2e,
            co2e / 2 + Decimal("0.25"),
            (co2e / 10 + Decimal("0.03")).quantize(MILLIGRAM),
            "complete",
        )


def point_rows(tenant: Tenant) -> Iterator[tuple[Any, ...]]:
    for number, pk in enumerate(tenant.facilities):
        if number % 2:
            continue
        digits = f"ES0021{number:012d}"
        yield (
            uuid.uuid7(),
            START,
            START,
            tenant.organization_id,
            pk,
            digits + cups.calc_check_digits(digits),
            None,
        )
