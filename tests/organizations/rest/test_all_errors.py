"""One 422 names every field that is wrong, whether it cannot be read or breaks a rule."""

from typing import Any

import pytest

from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def named(person: Person, path: str, body: dict[str, Any], method: str = "POST") -> set[str]:
    answer = person.call(method, path, body)
    assert answer.status == 422, answer.body
    fields = answer.fields
    assert len(fields) == len(set(fields)), "each is named once"
    return set(fields)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": "", "type": "office", "country": "XX"}, {"name", "country"}),
        ({"country": "XX"}, {"name", "type", "country"}),
        ({"name": "A", "country": "XX", "logistic_factor": 2, "cups_list": ["ES12"]},
         {"type", "country", "logistic_factor", "cups_list.0"}),
        ({"name": 1, "type": "x", "country": "ES", "external_id": "MAD"}, {"name", "external_id"}),
    ],
)  # fmt: skip
def test_of_a_facility(erin: Person, body: dict[str, Any], fields: set[str]) -> None:
    erin.facility(external_id="MAD")
    assert named(erin, "/v1/facilities", body) == fields


def test_of_a_facility_with_a_cups_that_is_taken(erin: Person) -> None:
    erin.facility(cups_list=["ES1234123456789012JY"])
    body = {"name": "", "type": "x", "country": "XX", "cups_list": ["ES1234123456789012JY"]}
    assert named(erin, "/v1/facilities", body) == {"name", "country", "cups_list.0"}
    other = erin.facility()
    path = f"/v1/facilities/{other['id']}"
    for method in ("PUT", "PATCH"):
        assert named(erin, path, body, method) == {"name", "country", "cups_list.0"}


@each(
    ("change", "fields"),
    [
        ({"unit": "kw", "end_date": "2023-02-01"}, {"unit", "end_date"}),
        ({"quantity": "1", "activity": "gird"}, {"quantity", "activity"}),
        ({"quantity": -1, "unit": "gal"}, {"quantity", "unit"}),
        ({"category": "gas", "activity": "gird"}, {"category"}),
        ({"start_date": "yesterday", "end_date": "2023-02-01"}, {"start_date"}),
        ({"facility_id": "x", "cups": "ES1234123456789012JY"}, {"facility_id"}),
        ({"note": "x" * 501, "cups": "ES1234123456789012JY"}, {"note", "cups"}),
    ],
)
def test_of_a_consumption(erin: Person, change: dict[str, Any], fields: set[str]) -> None:
    site = erin.facility()
    body = {
        "facility_id": site["id"], "category": "electricity", "quantity": 1, "unit": "kWh",
        "start_date": "2023-03-01", "end_date": "2023-03-31",
    }  # fmt: skip
    assert named(erin, "/v1/consumptions", {**body, **change}) == fields
    bill = erin.consumption(site)
    assert named(erin, f"/v1/consumptions/{bill['id']}", change, "PATCH") == fields


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"country": "XX", "valid_to": "2022-01-01"}, {"country", "valid_to"}),
        ({"co2e": "1", "country": "XX"}, {"co2e", "country"}),
        ({"category": "gas", "method": "market"}, {"category"}),
        ({"unit": "Mcf", "supplier": "Somebody"}, {"unit", "supplier"}),
    ],
)
def test_of_a_factor(erin: Person, change: dict[str, Any], fields: set[str]) -> None:
    body = {"category": "electricity", "country": "ES", "unit": "kWh", "valid_from": "2023-01-01",
            "co2e": 1}  # fmt: skip
    assert named(erin, "/v1/emission-factors", {**body, **change}) == fields


def test_of_a_key_and_of_a_login(alice: Person) -> None:
    body = {"name": "", "role": "owner", "expires_at": "2020-01-01T00:00:00Z"}
    assert named(alice, "/v1/api-keys", body) == {"name", "role", "expires_at"}
    assert named(alice, "/v1/auth/login", {"email": 1}) == {"email", "password"}
