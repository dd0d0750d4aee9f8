"""Factors, consumption, the ledger and what facilities emit, in the admin."""

from emissions.admin import (
    consumption,
    facilities,
    factors,
    inventory,
    layouts,
    ledger,
    organizations,
    runs,
)

__all__ = [
    "consumption",
    "facilities",
    "factors",
    "inventory",
    "layouts",
    "ledger",
    "organizations",
    "runs",
]
