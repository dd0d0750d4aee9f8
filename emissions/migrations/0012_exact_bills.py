"""A bill inside a calendar year is its product rounded once (DESIGN 4, rule 4).

Until now each line was rounded on its own. The figures of bills with several lines in a year are
brought over by recalculations, which this migration only asks for: `manage.py run_worker` or
`recalculate_co2e --unfinished` does them, facility by facility, shows how far it is, and goes on
where it was when it is interrupted. Until then those facilities say `recalculating`.
"""

from collections import Counter, defaultdict
from typing import Any
from uuid import UUID

from django.db import migrations
from django.db.models import Count
from django.db.models.functions import ExtractYear
from django.utils import timezone

CAUSE = "Upgrade: a bill inside a year is its product rounded once"
BATCH = 5000


def ask_for_recalculations(apps: Any, schema_editor: Any) -> None:
    lines = apps.get_model("emissions", "Emission").objects.filter(superseded_at=None).order_by()
    by_year = lines.values_list(
        "organization_id", "facility_id", "consumption_id", ExtractYear("month")
    )
    several = by_year.annotate(lines=Count("pk")).filter(lines__gt=1)
    found: defaultdict[UUID, Counter[UUID]] = defaultdict(Counter)
    for organization_id, facility_id, *_ in several.iterator(chunk_size=BATCH):
        found[organization_id][facility_id] += 1
    for organization_id, facilities in found.items():
        ask(apps, organization_id, facilities)


def ask(apps: Any, organization_id: UUID, facilities: Counter[UUID]) -> None:
    recalculation = apps.get_model("emissions", "Recalculation").objects.create(
        organization_id=organization_id,
        cause=CAUSE,
        published=True,
        reaches=[[str(organization_id), *[None] * 7]],
        facilities=len(facilities),
        consumptions=facilities.total(),
    )
    pending = apps.get_model("emissions", "PendingFacility")
    rows = [
        pending(
            organization_id=organization_id,
            recalculation=recalculation,
            facility_id=pk,
            consumptions=count,
        )
        for pk, count in sorted(facilities.items())
    ]
    pending.objects.bulk_create(rows, BATCH)
    for start in range(0, len(rows), BATCH):
        ids = [row.facility_id for row in rows[start : start + BATCH]]
        apps.get_model("facilities", "Facility").objects.filter(pk__in=ids).update(
            co2e_status="recalculating", updated_at=timezone.now()
        )


class Migration(migrations.Migration):
    dependencies = [
        ("emissions", "0011_energy"),
        ("facilities", "0006_cups_history"),
    ]

    operations = [migrations.RunPython(ask_for_recalculations, migrations.RunPython.noop)]
