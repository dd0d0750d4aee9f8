from django.db import migrations

from organizations.database.wall import Walled


class Migration(migrations.Migration):
    dependencies = [("facilities", "0010_folded_names_are_kept"), ("organizations", "0013_wall")]

    operations = [
        Walled(
            "facilities_facility",
            "facilities_historicalfacility",
            "facilities_historicalmeter",
            "facilities_historicalsupplypoint",
            "facilities_meter",
            "facilities_supplypoint",
        )
    ]
