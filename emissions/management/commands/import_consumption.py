from emissions.importing.kinds import KINDS
from emissions.importing.validation import ALLOWABLE
from organizations.importing.command import ImportCommand


class Command(ImportCommand):
    help = (
        "Imports bills, readings and refills from a CSV or XLSX file whose columns are the API's "
        "fields, or in a layout; facility_id (or facility) takes a facility's external_id, id, "
        "CUPS or meter. A row whose external_id is there changes that one; without external_id it "
        "is told by facility, activity, CUPS or meter and period. The last line on stdout has the "
        "counts; the exit status is 1 when rows were refused."
    )
    importer = KINDS["consumption"]
    allowable = ALLOWABLE
