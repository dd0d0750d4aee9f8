"""Names are found whatever their accents and Unicode form: `cadiz` finds `Cádiz`."""

from django.db import migrations

from organizations.database.operations import RunPostgresSQL
from organizations.database.search import FUNCTION

BEFORE = """
CREATE INDEX facility_name_search ON facilities_facility
USING gin (UPPER(name::text) gin_trgm_ops)
"""
NOW = """
CREATE INDEX facility_name_search ON facilities_facility
USING gin (folded(name) gin_trgm_ops)
"""


class Migration(migrations.Migration):
    dependencies = [("facilities", "0006_cups_history")]

    operations = [
        RunPostgresSQL("DROP INDEX facility_name_search", BEFORE),
        RunPostgresSQL(FUNCTION, "DROP FUNCTION folded(text)"),
        RunPostgresSQL(NOW, "DROP INDEX facility_name_search"),
    ]
