from decimal import Decimal
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

COLUMNS = (
    "category", "activity", "country", "region", "supplier", "method", "gwp_set", "unit",
    "valid_from", "valid_to", "co2e", "co2e_biomass", "scope", "source_id", "source_ref", "note",
)  # fmt: skip


def as_text(value: Any) -> str:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return "" if value is None else str(value)


def what_was_shipped(apps: Any, schema_editor: Any) -> None:
    """The published factors as the last load left them, which their history knows."""
    factor_model = apps.get_model("emissions", "EmissionFactor")
    loaded: dict[Any, Any] = {}
    history = apps.get_model("emissions", "HistoricalEmissionFactor").objects
    for row in history.filter(organization_id=None).order_by("history_date", "history_id"):
        if row.id not in loaded or row.history_change_reason == "load_emission_factors":
            loaded[row.id] = row
    shipped_row = apps.get_model("emissions", "ShippedRow")
    shipped_row.objects.bulk_create(
        [
            shipped_row(
                factor=factor,
                row={
                    name: as_text(getattr(loaded.get(factor.pk, factor), name)) for name in COLUMNS
                },
            )
            for factor in factor_model.objects.filter(organization=None)
        ],
        batch_size=500,
    )


class Migration(migrations.Migration):
    dependencies = [("emissions", "0006_history")]

    operations = [
        migrations.CreateModel(
            name="ShippedRow",
            fields=[
                (
                    "factor",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="+",
                        serialize=False,
                        to="emissions.emissionfactor",
                    ),
                ),
                ("row", models.JSONField(help_text="Each column of the file as text.")),
            ],
        ),
        migrations.RunPython(what_was_shipped, migrations.RunPython.noop, elidable=True),
    ]
