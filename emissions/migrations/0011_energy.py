from collections.abc import Iterator
from itertools import groupby
from typing import Any

from django.db import migrations, models
from django.db.models import OuterRef, Subquery
from django.db.models.functions import ExtractYear

from emissions.calculation.energy import kilowatt_hours, kilowatt_hours_of, kwh_per
from emissions.calculation.units import UNITS
from organizations.database import bulk
from organizations.database.decimals import ExactDecimalField

AT_ONCE = 20_000


def fill(apps: Any, schema_editor: Any) -> None:
    """What lines say of their consumption from now on.

    Superseded lines do not tell with which others they counted: each is rounded on its own.
    """
    Emission = apps.get_model("emissions", "Emission")
    Consumption = apps.get_model("emissions", "Consumption")
    quality = Consumption.objects.filter(pk=OuterRef("consumption_id")).values("data_quality")
    Emission.objects.update(data_quality=Subquery(quality))
    rows: list[Any] = []
    for row in energies(Emission.objects.filter(unit__in=[one for one in UNITS if kwh_per(one)])):
        rows.append(row)
        if len(rows) == AT_ONCE:
            bulk.update(Emission, ["energy_kwh"], rows)
            rows = []
    bulk.update(Emission, ["energy_kwh"], rows)


def energies(lines: Any) -> Iterator[tuple[Any, Any]]:
    """The id and kWh of lines."""
    columns = ("consumption_id", "unit", ExtractYear("start_date"), "pk", "quantity")
    current = lines.filter(superseded_at=None).order_by("consumption_id", "start_date")
    stored = current.values_list(*columns).iterator(AT_ONCE)
    for (_, unit, _), group in groupby(stored, key=lambda row: row[:3]):
        parts = list(group)
        kwh = kilowatt_hours_of([quantity for *_, quantity in parts], unit)
        yield from zip([pk for *_, pk, _ in parts], kwh, strict=True)
    superseded = lines.exclude(superseded_at=None).order_by("pk")
    for _, unit, _, pk, quantity in superseded.values_list(*columns).iterator(AT_ONCE):
        yield pk, kilowatt_hours(quantity, unit)


class Migration(migrations.Migration):
    dependencies = [("emissions", "0010_task_path")]

    operations = [
        migrations.AddField(
            model_name="emission",
            name="energy_kwh",
            field=ExactDecimalField(
                decimal_places=6,
                default=0,
                help_text="kWh as billed, gross or net; 0 where the unit does not measure energy.",
                max_digits=18,
            ),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="emission",
            name="data_quality",
            field=models.CharField(
                choices=[
                    ("actual", "Actual"),
                    ("estimated", "Estimated"),
                    ("adjustment", "Adjustment"),
                ],
                default="actual",
                help_text="The consumption's.",
                max_length=10,
            ),
            preserve_default=False,
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
