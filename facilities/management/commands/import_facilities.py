from facilities.importing.facilities import FacilityImporter
from organizations.importing.command import ImportCommand


class Command(ImportCommand):
    help = (
        "Imports facilities from a CSV or XLSX file whose columns are the API's fields. A row "
        "whose external_id is there changes that facility; without external_id it is told by "
        "name, country and address. Lists are separated by |. The last line on stdout has the "
        "counts; the exit status is 1 when rows were refused."
    )
    importer = FacilityImporter
