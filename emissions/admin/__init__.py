"""Factors, consumption, the ledger and what facilities emit, in the admin."""

from emissions.admin import (
    consumption,
    facilities,
    factors,
    layouts,
    ledger,
    organizations,
    runs,
)
from emissions.admin.inventory import page as inventory

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
