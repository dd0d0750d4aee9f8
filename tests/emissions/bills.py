"""What the tests of `/v1/consumptions` send and read."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from tests.conftest import Answer, Person

LIST = "/v1/consumptions"
FIELDS = {
    "id", "external_id", "facility_id", "category", "activity", "quantity", "unit", "start_date",
    "end_date", "supplier", "cups", "meter", "data_quality", "status", "note", "co2e",
    "co2e_market", "co2e_biomass", "co2e_status", "co2e_reason", "created_at", "updated_at",
}  # fmt: skip
BILL = {
    "category": "electricity",
    "quantity": 1000,
    "unit": "kWh",
    "start_date": "2023-03-01",
    "end_date": "2023-03-31",
}
GAS = {"category": "heat", "activity": "natural_gas"}
REFILL = {
    "category": "recharge",
    "activity": "R-410A",
    "quantity": 2,
    "unit": "kg",
    "end_date": "2023-03-01",
}
REQUIRED = ["facility_id", "category", "quantity", "unit", "start_date", "end_date"]
VERBS = ["PUT", "PATCH"]


def post(person: Person, facility: dict[str, Any], /, **fields: Any) -> Answer:
    """POST of 1,000 kWh of electricity with these fields instead; `...` leaves one out.

    The bill comes as a reader gets it, without the warnings (see test_warnings).
    """
    body = {**BILL, "facility_id": facility["id"], **fields}
    answer = person.post(LIST, {name: value for name, value in body.items() if value is not ...})
    return replace(answer, body=without(answer.body, "warnings"))


def raw(facility: dict[str, Any], quantity: bytes) -> bytes:
    """The same body with a quantity as these bytes."""
    return (
        b'{"facility_id": "%s", "category": "electricity", "unit": "kWh", "start_date": '
        b'"2023-03-01", "end_date": "2023-03-31", "quantity": %s}'
    ) % (facility["id"].encode(), quantity)


def total(person: Person, facility: dict[str, Any]) -> Decimal:
    return person.get(f"/v1/facilities/{facility['id']}").body["co2e"]


def path(row: dict[str, Any]) -> str:
    return f"{LIST}/{row['id']}"


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}
