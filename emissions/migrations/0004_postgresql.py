from django.contrib.postgres.operations import BtreeGistExtension
from django.db import migrations

from organizations.database.operations import RunPostgresSQL, same_organization

NO_OVERLAP = """
ALTER TABLE emissions_emissionfactor ADD CONSTRAINT factor_no_overlap EXCLUDE USING gist (
    COALESCE(organization_id, '00000000-0000-0000-0000-000000000000'::uuid) WITH =,
    category WITH =,
    activity WITH =,
    country WITH =,
    region WITH =,
    supplier WITH =,
    method WITH =,
    gwp_set WITH =,
    unit WITH =,
    daterange(valid_from, valid_to, '[]') WITH &&
) WHERE (deleted_at IS NULL)
"""


class Migration(migrations.Migration):
    dependencies = [("emissions", "0003_initial"), ("facilities", "0003_postgresql")]

    operations = [
        BtreeGistExtension(),
        RunPostgresSQL(
            NO_OVERLAP, "ALTER TABLE emissions_emissionfactor DROP CONSTRAINT factor_no_overlap"
        ),
        same_organization(
            "emissions_consumption", "facility_id", "facilities_facility",
            "consumption_in_its_facilitys_organization",
        ),
        same_organization(
            "emissions_emission", "facility_id", "facilities_facility",
            "emission_in_its_facilitys_organization",
        ),
        same_organization(
            "emissions_emission", "consumption_id", "emissions_consumption",
            "emission_in_its_consumptions_organization",
        ),
    ]  # fmt: skip
