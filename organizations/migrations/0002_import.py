import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("organizations", "0001_initial")]

    operations = [
        migrations.CreateModel(
            name="Import",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=uuid_utils.compat.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                ("kind", models.CharField(help_text="What the rows are.", max_length=50)),
                ("file_name", models.CharField(max_length=255)),
                (
                    "started_by",
                    models.CharField(
                        blank=True, help_text="The account on the host.", max_length=150
                    ),
                ),
                ("started_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField()),
                (
                    "outcome",
                    models.CharField(
                        choices=[("stored", "Stored"), ("refused", "Refused")], max_length=7
                    ),
                ),
                ("created", models.PositiveIntegerField()),
                ("changed", models.PositiveIntegerField()),
                ("unchanged", models.PositiveIntegerField()),
                ("rejected", models.PositiveIntegerField()),
                ("warnings", models.PositiveIntegerField()),
                (
                    "first_rejects",
                    models.JSONField(
                        default=list,
                        help_text="line, column, value, code and reason of the first faults.",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        blank=True,
                        help_text="Empty: published to everybody.",
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["-started_at", "-id"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("outcome__in", ["stored", "refused"])),
                        name="import_outcome_known",
                    )
                ],
            },
        ),
    ]
