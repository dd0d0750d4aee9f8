"""One page shows all changes of an organization, newest first: the histories are read so too."""

from django.db import migrations

TABLES = ("consumption", "emissionfactor")


class Migration(migrations.Migration):
    dependencies = [("emissions", "0022_wall")]

    operations = [
        migrations.RunSQL(
            f"CREATE INDEX {name}_history_newest ON emissions_historical{name} "
            "(organization_id, history_id)",
            f"DROP INDEX {name}_history_newest",
        )
        for name in TABLES
    ]
