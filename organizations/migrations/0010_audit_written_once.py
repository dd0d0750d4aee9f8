from django.db import migrations

from organizations.database.guards import WrittenOnce


class Migration(migrations.Migration):
    dependencies = [("organizations", "0009_audit_event")]

    operations = [WrittenOnce("organizations_auditevent")]
