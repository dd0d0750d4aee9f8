"""The ledger's lines are superseded, once, and never changed or deleted, whoever tries."""

from django.db import migrations

from organizations.database.guards import WrittenOnce


class Migration(migrations.Migration):
    dependencies = [
        ("emissions", "0018_closed_period"),
        ("organizations", "0010_audit_written_once"),
    ]

    operations = [WrittenOnce("emissions_emission", closed_by="superseded_at")]
