"""What files there are, who reads each, and what a saved layout of each may say."""

from emissions.importing.consumption import ConsumptionImporter
from emissions.importing.factors import FactorImporter
from emissions.importing.meter_files import Datadis, Enedis, GreenButton, HalfHours
from emissions.importing.metered_bills import Months, PortfolioManager
from emissions.importing.validation import ALLOWABLE
from facilities.importing.facilities import FacilityImporter
from organizations.importing.importer import Importer

ConsumptionImporter.readers = {
    "datadis": Datadis,
    "enedis": Enedis,
    "green_button": GreenButton,
    "half_hours": HalfHours,
    "months": Months,
    "portfolio_manager": PortfolioManager,
}

KINDS: dict[str, type[Importer]] = {
    "facilities": FacilityImporter,
    "consumption": ConsumptionImporter,
    "emission-factors": FactorImporter,
}
"""Kind, as `/v1/imports` names it → its importer."""

ALLOWED = {"consumption": ALLOWABLE}
"""Kind → the faults that may be allowed in its files."""
