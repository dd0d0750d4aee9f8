"""A month of an organization is read by an index, and its facilities in their order."""

from django.db import migrations, models

from organizations.database.operations import RunPostgresSQL, RunSQLiteSQL

CREATE = (
    "CREATE INDEX {concurrently} emission_of_month ON emissions_emission "
    "(organization_id, month, facility_id) WHERE superseded_at IS NULL"
)
DROP = "DROP INDEX {concurrently} emission_of_month"


class Migration(migrations.Migration):
    atomic = False  # CONCURRENTLY works outside a transaction alone
    dependencies = [("emissions", "0024_subtotals")]

    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[
                RunPostgresSQL(
                    CREATE.format(concurrently="CONCURRENTLY"),
                    DROP.format(concurrently="CONCURRENTLY"),
                ),
                RunSQLiteSQL(CREATE.format(concurrently=""), DROP.format(concurrently="")),
            ],
            state_operations=[
                migrations.AddIndex(
                    model_name="emission",
                    index=models.Index(
                        condition=models.Q(("superseded_at", None)),
                        fields=["organization", "month", "facility"],
                        name="emission_of_month",
                    ),
                )
            ],
        )
    ]
