from django.db import migrations

from organizations.database.operations import same_organization


class Migration(migrations.Migration):
    dependencies = [("facilities", "0002_initial")]

    operations = [
        same_organization(
            "facilities_supplypoint", "facility_id", "facilities_facility",
            "supply_point_in_its_facilitys_organization",
        ),
    ]  # fmt: skip
