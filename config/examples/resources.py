"""Requests and answers as the documentation shows them. A test sends every request."""

from typing import Any

from drf_spectacular.utils import OpenApiExample

from config.examples.access import (
    AUDIT_EVENT,
    INVITATION,
    KEY,
    LOGIN,
    MOMENT,
    NEW_INVITATION,
    NEW_INVITATION_ANSWER,
    NEW_KEY,
    ORGANIZATION,
    TOKENS,
)
from config.examples.imports import (
    IMPORT,
    IMPORTED_ROWS,
    LAYOUT,
    NEW_LAYOUT,
    QUEUED,
    WARNED,
)

FACILITY_ID = "0199f1c2-7b1e-7c3a-9d53-0d1f3a2b4c5d"
CONSUMPTION_ID = "0199f1c2-8a44-7e01-b1aa-5e6f7a8b9c0d"
FACTOR_ID = "0199f1c2-9b55-7f12-82bb-6f7a8b9c0d1e"

NEW_FACILITY = {
    "external_id": "MAD-01",
    "name": "Madrid Office",
    "type": "office",
    "country": "ES",
    "address": "Calle Gran Vía 1, Madrid",
    "categories": ["heat", "electricity", "water"],
    "cups_list": ["ES1234123456789012JY"],
    "meter_list": ["1200012345678"],
    "logistic_factor": 0.8,
}
FACILITY = {
    "id": FACILITY_ID,
    **NEW_FACILITY,
    "region": None,
    "status": "active",
    "co2e": 273,
    "co2e_market": 273,
    "co2e_biomass": 0,
    "co2e_status": "complete",
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
NEW_CONSUMPTION = {
    "external_id": "INV-2024-117",
    "facility_id": FACILITY_ID,
    "category": "heat",
    "activity": "natural_gas",
    "quantity": 1500,
    "unit": "kWh",
    "start_date": "2024-01-01",
    "end_date": "2024-01-31",
}
CONSUMPTION = {
    "id": CONSUMPTION_ID,
    **NEW_CONSUMPTION,
    "supplier": None,
    "cups": None,
    "meter": None,
    "data_quality": "actual",
    "status": "active",
    "note": None,
    "co2e": 273,
    "co2e_market": 273,
    "co2e_biomass": 0,
    "co2e_status": "calculated",
    "co2e_reason": None,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
RECALCULATION = {
    "id": "0199f1c2-bd77-7a34-a4dd-8b9c0d1e2f30",
    "cause": "factor changed: grid · CA-ON · 2022 · 0.031 kg/kWh",
    "started_by": "ana@example.com",
    "published": False,
    "state": "running",
    "facilities": 50000,
    "facilities_done": 12500,
    "consumptions": 1000000,
    "consumptions_done": 250000,
    "consumptions_changed": 250000,
    "error": None,
    "started_at": MOMENT,
    "finished_at": None,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
NEW_FACTOR = {
    "category": "electricity",
    "activity": "grid",
    "country": "CA",
    "region": "Ontario",
    "method": "location",
    "unit": "kWh",
    "valid_from": "2021-01-01",
    "valid_to": "2021-12-31",
    "co2e": 0.029,
    "source_ref": "City of Toronto, Annual Energy Consumption 2021",
}
FACTOR = {
    "id": FACTOR_ID,
    "own": True,
    **NEW_FACTOR,
    "supplier": None,
    "gwp_set": None,
    "co2e_biomass": 0,
    "scope": 2,
    "source": None,
    "note": None,
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
PUBLISHED_GAS = {
    **FACTOR,
    "own": False,
    "category": "heat",
    "activity": "natural_gas",
    "country": "ES",
    "region": None,
    "method": None,
    "valid_from": "2024-01-01",
    "valid_to": "2024-12-31",
    "co2e": 0.182,
    "scope": 1,
    "source": {
        "id": "miteco-v31",
        "title": "MITECO (OECC) Calculadora de huella de carbono para organizaciones V.31 "
        "(19 May 2025)",
        "url": "https://www.miteco.gob.es/es/cambio-climatico/temas/mitigacion-politicas-y-medidas/"
        "calculadoras.html",
        "licence": "reuse with attribution (Ley 37/2007)",
        "attribution": "MITECO (OECC), Calculadora de huella de carbono V.31",
    },
    "source_ref": None,
}
FIGURE = {
    "asked": {
        "category": "heat",
        "activity": "natural_gas",
        "method": None,
        "unit": "kWh",
        "country": "ES",
        "region": None,
        "supplier": None,
        "gwp_set": None,
        "start_date": "2024-01-01",
        "end_date": "2024-01-31",
    },
    "factor": PUBLISHED_GAS,
    "converted_quantity": 1500,
    "unit": "kWh",
    "conversion": 1,
    "conversion_exact": "1 kWh = 1 kWh",
    "product": 273,
    "carried": 0,
    "fallbacks": [],
}
KILOGRAMS = {"co2e": 273, "co2e_market": 273, "co2e_biomass": 0}
CALCULATION = {
    "consumption": CONSUMPTION,
    "lines": [
        {
            "month": "2024-01",
            "start_date": "2024-01-01",
            "end_date": "2024-01-31",
            "days": 31,
            "quantity": 1500,
            "unit": "kWh",
            "scope": 1,
            "location": FIGURE,
            "market": FIGURE,
            **KILOGRAMS,
            "recorded_at": MOMENT,
            "superseded_at": None,
            "superseded_by": None,
        }
    ],
    **KILOGRAMS,
    "as_of": None,
    "reason": None,
}
BREAKDOWN = {"items": [{"category": "heat", **KILOGRAMS}], **KILOGRAMS}
INTERVALS = {
    "items": [
        {
            "start": f"2024-01-31T{hour}:00:00+01:00",
            "end": f"2024-01-31T{hour + 1}:00:00+01:00",
            "quantity": 750,
            "unit": "kWh",
            "estimated": False,
        }
        for hour in (21, 22)
    ],
    "seconds": 3600,
    "missing": 0,
    "quantity": 1500,
    "unit": "kWh",
}


def request(value: Any) -> OpenApiExample:
    return OpenApiExample("Request", value=value, request_only=True)


def answer(value: Any, status: int = 200) -> OpenApiExample:
    return OpenApiExample("Answer", value=value, response_only=True, status_codes=[str(status)])


def refusal(status: int, value: Any) -> OpenApiExample:
    return OpenApiExample(
        f"Refusal {status}", value=value, response_only=True, status_codes=[str(status)]
    )


NOT_FOUND = refusal(404, {"code": "not_found", "detail": "There is nothing here."})


def wrong(field: str, code: str, detail: str) -> OpenApiExample:
    body = {
        "code": "validation_error",
        "detail": f"{field}: {detail}",
        "errors": [{"field": field, "code": code, "detail": detail}],
    }
    return refusal(422, body)


WRONG_COUNTRY = wrong(
    "country",
    "unknown_country",
    "“Spain” is not an ISO 3166-1 country code; write it like ES or ESP.",
)
WRONG_QUANTITY = wrong(
    "quantity",
    "min_value",
    "A quantity is 0 or more; for a correction set data_quality to adjustment.",
)


def resource(
    name: str, new: Any, stored: Any, change: Any, wrong_field: OpenApiExample
) -> dict[str, list[OpenApiExample]]:
    """The examples of a resource with every verb. A list's `items` are wrapped by spectacular."""
    return {
        f"{name}_list": [answer(stored)],
        f"{name}_create": [request(new), answer(stored, 201), wrong_field],
        f"{name}_retrieve": [answer(stored), NOT_FOUND],
        f"{name}_update": [request(change), answer({**stored, **change}), wrong_field],
        f"{name}_partial_update": [request(change), answer({**stored, **change}), wrong_field],
        f"{name}_destroy": [NOT_FOUND],
    }


NOTED = {"note": "Read by the caretaker"}
EXAMPLES = {
    "login": [request(LOGIN), answer(TOKENS)],
    "refresh": [request({"refresh_token": "eyJhbGciOiJIUzI1NiIs…"}), answer(TOKENS)],
    "logout": [
        request({"refresh_token": "eyJhbGciOiJIUzI1NiIs…"}),
        refusal(
            401,
            {
                "code": "authentication_failed",
                "detail": "This refresh token is invalid, has expired, or has been used already.",
            },
        ),
    ],
    "organization_retrieve": [answer(ORGANIZATION)],
    **resource("facilities", NEW_FACILITY, FACILITY, {"status": "archived"}, WRONG_COUNTRY),
    "facilities_emissions": [answer(BREAKDOWN), NOT_FOUND],
    **resource(
        "consumptions",
        NEW_CONSUMPTION,
        CONSUMPTION,
        NOTED,
        WRONG_QUANTITY,
    ),
    "consumptions_create": [
        request(NEW_CONSUMPTION),
        answer({**CONSUMPTION, "warnings": []}, 201),
        WRONG_QUANTITY,
    ],
    **{
        f"consumptions_{name}": [
            request(NOTED),
            answer({**CONSUMPTION, **NOTED, "warnings": []}),
            WRONG_QUANTITY,
        ]
        for name in ("update", "partial_update")
    },
    "consumptions_calculation_retrieve": [answer(CALCULATION), NOT_FOUND],
    "consumptions_intervals": [answer(INTERVALS), NOT_FOUND],
    "imports_list": [answer(IMPORT)],
    "imports_create": [request(IMPORTED_ROWS), answer(IMPORT, 201), answer(QUEUED, 202)],
    "imports_retrieve": [answer(IMPORT), NOT_FOUND],
    "imports_rejects_retrieve": [NOT_FOUND],
    "imports_warnings_retrieve": [answer({"items": [WARNED]}), NOT_FOUND],
    **resource(
        "import_layouts",
        NEW_LAYOUT,
        LAYOUT,
        {"dates": "dmy"},
        wrong(
            "columns",
            "unknown_column",
            "“amount” is no column of ours. Did you mean “quantity”?",
        ),
    ),
    **resource(
        "emission_factors", NEW_FACTOR, FACTOR, {"note": "Checked against the PDF"}, WRONG_COUNTRY
    ),
    "recalculations_list": [answer(RECALCULATION)],
    "recalculations_retrieve": [answer(RECALCULATION), NOT_FOUND],
    "api_keys_list": [answer(KEY)],
    "api_keys_create": [
        request(NEW_KEY),
        answer({**KEY, "key": "sk_live_1f2e3d4cZk…"}, 201),
    ],
    "api_keys_retrieve": [answer(KEY), NOT_FOUND],
    "api_keys_rotate_create": [
        request({"overlap_hours": 48, "expires_at": NEW_KEY["expires_at"]}),
        answer({**KEY, "key": "sk_live_9a8b7c6dQw…", "prefix": "sk_live_9a8b7c6d"}, 201),
        NOT_FOUND,
    ],
    "api_keys_destroy": [NOT_FOUND],
    "invitations_list": [answer(INVITATION)],
    "invitations_create": [
        request(NEW_INVITATION),
        answer(NEW_INVITATION_ANSWER, 201),
        wrong("email", "taken", "Somebody with this address is a member already."),
    ],
    "invitations_retrieve": [answer(INVITATION), NOT_FOUND],
    "invitations_destroy": [NOT_FOUND],
    "audit_events_list": [answer(AUDIT_EVENT)],
}
