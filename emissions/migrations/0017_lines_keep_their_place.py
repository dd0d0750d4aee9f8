"""Lines keep where, of whom and for which GWP set they were asked, and what has ended them.

So a figure of the past stays explained when its facility moves. What the ledger did not keep until
now is filled from what facilities, bills and organizations are today.
"""

from typing import Any

from django.db import migrations, models
from django.db.models import Case, OuterRef, Subquery, Value, When


def fill(apps: Any, schema_editor: Any) -> None:
    Emission = apps.get_model("emissions", "Emission")
    facility = apps.get_model("facilities", "Facility").objects.filter(pk=OuterRef("facility_id"))
    bill = apps.get_model("emissions", "Consumption").objects.filter(pk=OuterRef("consumption_id"))
    organization = apps.get_model("organizations", "Organization").objects.filter(
        pk=OuterRef("organization_id")
    )
    Emission.objects.update(
        facility_type=Subquery(facility.values("type")),
        country=Subquery(facility.values("country")),
        region=Subquery(facility.values("region")),
        supplier=only("electricity", bill.values("supplier")),
        gwp_set=only("recharge", organization.values("gwp_set")),
    )


def only(category: str, values: Any) -> Case:
    return Case(When(category=category, then=Subquery(values)), default=Value(""))


def text(length: int, help_text: str = "", *, blank: bool = True) -> models.CharField:
    return models.CharField(blank=blank, default="", help_text=help_text, max_length=length)


class Migration(migrations.Migration):
    dependencies = [
        ("emissions", "0016_deleted_bills"),
        ("facilities", "0008_meter"),
        ("organizations", "0007_import_over_http"),
    ]

    operations = [
        *(
            migrations.AddField("emission", name, field, preserve_default=False)
            for name, field in (
                ("facility_type", text(100, "The facility's, like its place.", blank=False)),
                ("country", text(3, blank=False)),
                ("region", text(64)),
                ("supplier", text(200, "Who sold the electricity; of other things nobody.")),
                ("gwp_set", text(3, "Asked for, for refrigerants.")),
            )
        ),
        migrations.AddField(
            "emission",
            "superseded_by",
            models.CharField(
                blank=True,
                db_default="",
                editable=False,
                help_text="Who and what ended it.",
                max_length=300,
            ),
        ),
        migrations.RunPython(fill, migrations.RunPython.noop),
        migrations.AddIndex(
            model_name="emission",
            index=models.Index(
                condition=models.Q(("superseded_at__isnull", False)),
                fields=["facility", "superseded_at"],
                name="emission_superseded",
            ),
        ),
    ]
