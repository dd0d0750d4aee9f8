from typing import Any

from django.db import migrations, models
from django.db.models import Value
from django.db.models.functions import Cast, StrIndex, Substr

BEFORE_THE_DAY = " valid on "


def read_the_reasons(apps: Any, schema_editor: Any) -> None:
    """Until now the day stood in the sentence alone; from here on it is computed beside it."""
    rows = apps.get_model("emissions", "Consumption").objects
    waiting = rows.filter(
        co2e_reason__startswith="no_factor:", co2e_reason__contains=BEFORE_THE_DAY
    )
    at = StrIndex("co2e_reason", Value(BEFORE_THE_DAY)) + len(BEFORE_THE_DAY)
    waiting.update(missing_on=Cast(Substr("co2e_reason", at, 10), models.DateField()))


class Migration(migrations.Migration):
    dependencies = [("emissions", "0007_shipped_row")]

    operations = [
        migrations.AddField(
            model_name="consumption",
            name="missing_on",
            field=models.DateField(
                editable=False, help_text="The first day that no factor is for.", null=True
            ),
        ),
        migrations.RunPython(read_the_reasons, migrations.RunPython.noop),
    ]
