"""Emission factors with their sources, consumption, and the ledger of emissions."""

from emissions.models.consumption import (
    CalculationStatus,
    Consumption,
    ConsumptionStatus,
    DataQuality,
)
from emissions.models.emission import Emission
from emissions.models.factor import (
    UNIT_CHOICES,
    EmissionFactor,
    FactorSource,
    Method,
    ShippedRow,
)
from emissions.models.intervals import Intervals
from emissions.models.period import ClosedPeriod
from emissions.models.recalculation import (
    PendingFacility,
    Recalculation,
    RecalculationState,
)
from emissions.models.subtotal import Subtotal

__all__ = [
    "UNIT_CHOICES",
    "CalculationStatus",
    "ClosedPeriod",
    "Consumption",
    "ConsumptionStatus",
    "DataQuality",
    "Emission",
    "EmissionFactor",
    "FactorSource",
    "Intervals",
    "Method",
    "PendingFacility",
    "Recalculation",
    "RecalculationState",
    "ShippedRow",
    "Subtotal",
]
