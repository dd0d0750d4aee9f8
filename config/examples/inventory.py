"""The inventory report as the documentation shows it."""

from config.examples.reports import SUMS, TOTALS
from config.examples.resources import FACILITY_ID, PUBLISHED_GAS

FACTOR_USED = {
    "factor_id": PUBLISHED_GAS["id"],
    "own": False,
    "category": "heat",
    "activity": "natural_gas",
    "country": "ES",
    "region": None,
    "supplier": None,
    "method": None,
    "gwp_set": None,
    "co2e_per_unit": 0.182,
    "unit": "kWh",
    "valid_from": "2024-01-01",
    "valid_to": "2024-12-31",
    "source": {
        "id": "miteco-v31",
        "title": "MITECO (OECC) Calculadora de huella de carbono V.31",
        "url": "https://www.miteco.gob.es",
        "licence": "reuse with attribution (Ley 37/2007)",
    },
    "source_ref": None,
    "lines": 1,
    "co2e": 273,
    "co2e_market": 273,
    "in_spain": True,
}
CHANGE = {
    "base_kg": 300,
    "kg": 273,
    "change_kg": -27,
    "change_percent": -9,
    "explained": {
        "activity": {"kg": -27, "percent": -9},
        "factor": {"kg": 0, "percent": 0},
        "structure": {"kg": 0, "percent": 0},
    },
}
INVENTORY = {
    "organization": {"id": FACILITY_ID, "name": "Alice Ltd", "gwp_set": "AR6"},
    "year": 2024,
    "status": "open",
    "closed_at": None,
    "closed_by": None,
    "missing": [],
    "coverage": TOTALS["coverage"],
    "scope_1": 273,
    "scope_2_location": 0,
    "scope_2_market": 0,
    "scope_3": 0,
    "biogenic": 0,
    "total_location": 273,
    "total_market": 273,
    "by_scope": [{"scope": 1, **SUMS}],
    "by_category": [{"scope": 1, "category": "heat", **SUMS}],
    "by_fuel": [{"scope": 1, "category": "heat", "activity": "natural_gas", **SUMS}],
    "by_country": [{"country": "ES", **SUMS}],
    "by_facility": [
        {
            "facility_id": FACILITY_ID,
            "external_id": "MAD-01",
            "name": "Madrid Office",
            "type": "office",
            "country": "ES",
            "scope_1": 273,
            "scope_2_location": 0,
            "scope_2_market": 0,
            **SUMS,
        }
    ],
    "by_month": [{"month": "2024-01", **SUMS}],
    "data_quality": [{"data_quality": "actual", **SUMS}],
    "energy": {
        "total_mwh": 1.5,
        "mix": [
            {
                "category": "heat",
                "activity": "natural_gas",
                "kind": "natural_gas",
                "mwh": 1.5,
                "share": 1,
            }
        ],
        "esrs_e1_5": {
            "coal_mwh": 0,
            "oil_mwh": 0,
            "natural_gas_mwh": 1.5,
            "biomass_mwh": 0,
            "other_fuels_mwh": 0,
            "purchased_electricity_mwh": 0,
            "purchased_heat_mwh": 0,
            "fossil_fuels_mwh": 1.5,
        },
        "not_in_energy_units": [],
    },
    "esrs_e1_6": {
        "gross_scope_1_t": 0.273,
        "gross_scope_2_location_t": 0,
        "gross_scope_2_market_t": 0,
        "gross_scope_3_t": 0,
        "total_location_t": 0.273,
        "total_market_t": 0.273,
        "biogenic_t": 0,
    },
    "refrigerants": [],
    "base_year": {"year": 2023, "co2e": CHANGE, "co2e_market": CHANGE},
    "factors": [FACTOR_USED],
    "spain": {
        "facilities": 1,
        "all_factors_official": True,
        "rule": "Real Decreto 214/2025",
        "not_official": [],
    },
}
