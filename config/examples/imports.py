"""What files and rows of JSON bring, as examples."""

from typing import Any

from config.examples.access import MOMENT

WARNED = {
    "line": 2,
    "column": "quantity",
    "value": "10000000",
    "code": "large",
    "detail": "10000000 kWh a day is what a town uses; is the unit right?",
}
IMPORT: dict[str, Any] = {
    "id": "0199f1c2-df99-7c56-86ff-0d1e2f3a4b52",
    "kind": "consumption",
    "file_name": "rows.json",
    "layout": None,
    "status": "stored",
    "progress": 100,
    "created": 1,
    "changed": 0,
    "unchanged": 0,
    "rejected": 0,
    "warnings": 0,
    "faults": [],
    "started_by": "ana",
    "started_at": MOMENT,
    "finished_at": MOMENT,
}
QUEUED = {
    **IMPORT,
    "file_name": "bills.csv",
    "status": "queued",
    "progress": 0,
    "created": 0,
    "finished_at": None,
}
IMPORTED_ROWS = [
    {
        "external_id": "INV-2024-118",
        "facility_id": "MAD-01",
        "category": "electricity",
        "quantity": 1200.5,
        "unit": "kWh",
        "start_date": "2024-02-01",
        "end_date": "2024-02-29",
    }
]
NEW_LAYOUT = {
    "name": "Spanish bills",
    "kind": "consumption",
    "columns": {
        "facility_id": "CUPS",
        "cups": "CUPS",
        "start_date": "Fecha inicio",
        "end_date": "Fecha fin",
        "quantity": "Consumo (kWh)",
        "supplier": "Comercializadora",
    },
    "constants": {"category": "electricity", "unit": "kWh"},
}
LAYOUT = {
    "id": "0199f1c2-ce88-7b45-b5ee-9c0d1e2f3a41",
    "own": True,
    **NEW_LAYOUT,
    "activities": {},
    "units": {},
    "decimal": None,
    "dates": None,
    "sum_by": "none",
    "created_at": MOMENT,
    "updated_at": MOMENT,
}
