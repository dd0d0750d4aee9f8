from django.db import migrations

from organizations.database.wall import Walled


class Migration(migrations.Migration):
    dependencies = [("emissions", "0021_neighbours"), ("organizations", "0013_wall")]

    operations = [
        Walled(
            "emissions_closedperiod",
            "emissions_consumption",
            "emissions_emission",
            "emissions_historicalconsumption",
            "emissions_intervals",
            "emissions_pendingfacility",
            "emissions_recalculation",
        ),
        Walled("emissions_emissionfactor", "emissions_historicalemissionfactor", shared=True),
    ]
