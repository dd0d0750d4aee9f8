"""Answers of reports as the documentation shows them."""

from config.examples.resources import (
    CONSUMPTION_ID,
    FACILITY_ID,
    KILOGRAMS,
    NEW_CONSUMPTION,
    NEW_FACTOR,
    NOT_FOUND,
    PUBLISHED_GAS,
    answer,
    request,
)

SUMS = {**KILOGRAMS, "energy_kwh": 1500, "consumptions": 1}
TOTALS = {
    "items": [{"category": "heat", "month": "2024-01", **SUMS}],
    **SUMS,
    "coverage": {
        "consumptions": {"count": 1, "kg": 273},
        "calculated": {"count": 1, "kg": 273},
        "missing": {"count": 0, "kg": None},
        "exact": {"count": 1, "kg": 273},
        "earlier_year": {"count": 0, "kg": 0},
        "wider": {"count": 0, "kg": 0},
        "estimated": {"count": 0, "kg": 0},
    },
    "total": 1,
    "page": 1,
    "size": 50,
    "pages": 1,
}
LOGISTICS = {
    "items": [
        {
            "facility_id": FACILITY_ID,
            "external_id": "MAD-01",
            "name": "Madrid Office",
            "scope2_location": 0,
            "scope2_market": 0,
            "logistic_factor": 0.8,
            "logistic_location": 0,
            "logistic_market": 0,
        }
    ],
    "scope2_location": 0,
    "scope2_market": 0,
    "logistic_location": 0,
    "logistic_market": 0,
    "total": 1,
    "page": 1,
    "size": 50,
    "pages": 1,
}
NO_DAYS = {"days": 0, "ranges": []}
UNBILLED = {
    "activity": None,
    "cups": None,
    "meter": None,
    "actual": NO_DAYS,
    "estimated": NO_DAYS,
    "twice": NO_DAYS,
    "none": {"days": 366, "ranges": [{"start_date": "2024-01-01", "end_date": "2024-12-31"}]},
}
DAYS_COVERED = {
    "facility_id": FACILITY_ID,
    "year": 2024,
    "days": 366,
    "items": [
        {"category": "electricity", **UNBILLED},
        {
            **UNBILLED,
            "category": "heat",
            "activity": "natural_gas",
            "actual": {
                "days": 31,
                "ranges": [{"start_date": "2024-01-01", "end_date": "2024-01-31"}],
            },
            "none": {
                "days": 335,
                "ranges": [{"start_date": "2024-02-01", "end_date": "2024-12-31"}],
            },
        },
        {"category": "water", **UNBILLED},
    ],
}
MISSING_FACTOR = {
    "key": {
        "category": "heat",
        "activity": "natural_gas",
        "country": "ES",
        "region": None,
        "method": None,
        "gwp_set": None,
        "unit": "kWh",
        "valid_from": "2017-01-01",
        "valid_to": "2017-12-31",
    },
    "reason": "no_factor",
    "dimension": "energy",
    "consumptions": 1,
    "facilities": 1,
    "quantity": 1500,
    "first_day": "2017-01-01",
    "last_day": "2017-01-01",
    "nearest": [
        {
            "factor": PUBLISHED_GAS,
            "why": [
                {
                    "field": "valid_from",
                    "code": "later",
                    "detail": "It is valid from 2024-01-01, after 2017-01-01; a later factor is "
                    "never used.",
                }
            ],
        }
    ],
}

PERIOD = {
    "year": 2024,
    "status": "closed",
    "closed_at": "2026-03-31T09:00:00Z",
    "closed_by": "ana@example.com",
    "reopened_at": None,
    "reopened_by": None,
    **KILOGRAMS,
}
RESTATEMENTS = {
    "items": [
        {
            "consumption_id": CONSUMPTION_ID,
            "external_id": "2024-01-GAS",
            "facility_id": FACILITY_ID,
            "deleted": False,
            "before": KILOGRAMS,
            "after": {**KILOGRAMS, "co2e": 300},
            "reason": None,
        }
    ],
    "before": KILOGRAMS,
    "after": {**KILOGRAMS, "co2e": 300},
    "total": 1,
    "page": 1,
    "size": 50,
    "pages": 1,
}

PREVIEW = {
    "consumptions": 1,
    "gained": 0,
    "lost": 0,
    "facilities": 1,
    "before": KILOGRAMS,
    "after": {**KILOGRAMS, "co2e": 300, "co2e_market": 300},
    "by_year": [
        {
            "year": 2024,
            "before": KILOGRAMS,
            "after": {**KILOGRAMS, "co2e": 300, "co2e_market": 300},
        }
    ],
    "largest": [
        {
            "facility_id": FACILITY_ID,
            "external_id": "MAD-01",
            "name": "Madrid Office",
            "before": KILOGRAMS,
            "after": {**KILOGRAMS, "co2e": 300, "co2e_market": 300},
        }
    ],
}
REPORT_EXAMPLES = {
    "emission_factors_preview": [request(NEW_FACTOR), answer(PREVIEW)],
    "consumptions_preview": [request({**NEW_CONSUMPTION, "external_id": None}), answer(PREVIEW)],
    "facilities_preview": [request({"country": "FR"}), answer(PREVIEW), NOT_FOUND],
    "periods_list": [answer(PERIOD)],
    "periods_retrieve": [answer(PERIOD), NOT_FOUND],
    "periods_close": [answer(PERIOD), NOT_FOUND],
    "periods_reopen": [answer({**PERIOD, "status": "open"}), NOT_FOUND],
    "periods_restatements": [answer(RESTATEMENTS), NOT_FOUND],
    "emissions": [answer(TOTALS)],
    "emissions_logistics": [answer(LOGISTICS)],
    "facilities_coverage": [answer(DAYS_COVERED), NOT_FOUND],
    "missing_factors": [answer(MISSING_FACTOR)],
}
