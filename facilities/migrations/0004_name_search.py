from django.contrib.postgres.operations import TrigramExtension
from django.db import migrations

from organizations.database.operations import RunPostgresSQL

# What `name__icontains` asks for is UPPER(name) LIKE UPPER('%…%'). Without the deleted rows the
# index would be smaller, but of a partial index the planner does not use the statistics: it would
# take every short text to be frequent, and read all names.
NAME_SEARCH = """
CREATE INDEX facility_name_search ON facilities_facility
USING gin (UPPER(name::text) gin_trgm_ops)
"""


class Migration(migrations.Migration):
    dependencies = [("facilities", "0003_postgresql")]

    operations = [
        TrigramExtension(),
        RunPostgresSQL(NAME_SEARCH, "DROP INDEX facility_name_search"),
    ]
