"""Subtotals of the ledger. An organization's are made by the worker, or by `recalculate_co2e
--unfinished`; until then its figures are added up from the lines.

The version before, and whoever else writes lines, does not know of them: from then on they are not
kept, and have to be made anew.
"""

import django.db.models.deletion
import uuid_utils.compat
from django.db import migrations, models

import organizations.database.decimals
from organizations.database.operations import RunPostgresSQL
from organizations.database.wall import Walled

UNTOLD = """
CREATE FUNCTION subtotals_untold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE organizations_organization SET subtotals_kept = false WHERE subtotals_kept;
    RETURN NULL;
END $$;
CREATE TRIGGER emission_told_of AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON emissions_emission
FOR EACH STATEMENT WHEN (current_setting('facilities.subtotals', true) IS DISTINCT FROM 'kept')
EXECUTE FUNCTION subtotals_untold()
"""


class Migration(migrations.Migration):
    dependencies = [
        ("emissions", "0023_changes_of_all"),
        ("organizations", "0022_subtotals"),
    ]

    operations = [
        migrations.CreateModel(
            name="Subtotal",
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
                (
                    "key",
                    models.UUIDField(
                        help_text="A digest of what the lines have in common, and of `pattern`."
                    ),
                ),
                (
                    "pattern",
                    models.UUIDField(
                        help_text="Null: its consumptions have no other key.", null=True
                    ),
                ),
                ("month", models.DateField()),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("heat", "Heat"),
                            ("electricity", "Electricity"),
                            ("water", "Water"),
                            ("recharge", "Recharge"),
                        ],
                        max_length=11,
                    ),
                ),
                ("activity", models.CharField(max_length=50)),
                ("scope", models.PositiveSmallIntegerField()),
                ("facility_type", models.CharField(max_length=100)),
                ("country", models.CharField(max_length=3)),
                ("region", models.CharField(blank=True, max_length=64)),
                (
                    "data_quality",
                    models.CharField(
                        choices=[
                            ("actual", "Actual"),
                            ("estimated", "Estimated"),
                            ("adjustment", "Adjustment"),
                        ],
                        max_length=10,
                    ),
                ),
                ("location_fallbacks", models.CharField(blank=True, max_length=100)),
                ("consumptions", models.IntegerField(help_text="How many have lines of this key.")),
                (
                    "co2e",
                    organizations.database.decimals.ExactDecimalField(
                        decimal_places=6,
                        editable=False,
                        help_text="kg CO2e, fossil, location-based.",
                        max_digits=18,
                    ),
                ),
                (
                    "co2e_market",
                    organizations.database.decimals.ExactDecimalField(
                        decimal_places=6,
                        editable=False,
                        help_text="kg CO2e, fossil, market-based.",
                        max_digits=18,
                    ),
                ),
                (
                    "co2e_biomass",
                    organizations.database.decimals.ExactDecimalField(
                        decimal_places=6,
                        editable=False,
                        help_text="kg biogenic CO2, outside the scopes.",
                        max_digits=18,
                    ),
                ),
                (
                    "energy_kwh",
                    organizations.database.decimals.ExactDecimalField(
                        decimal_places=6, max_digits=18
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="organizations.organization",
                    ),
                ),
            ],
            options={
                "ordering": ["month", "id"],
                "indexes": [
                    models.Index(fields=["organization", "month"], name="subtotal_of_month")
                ],
            },
        ),
        Walled("emissions_subtotal"),
        RunPostgresSQL(
            UNTOLD,
            "DROP TRIGGER emission_told_of ON emissions_emission; DROP FUNCTION subtotals_untold()",
        ),
    ]
