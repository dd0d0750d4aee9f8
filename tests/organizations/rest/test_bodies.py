"""422: bodies whose fields are not what they should be."""

from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest

from tests.cases import each
from tests.conftest import Person, call, created
from tests.wire import (
    FACTOR,
    LOGIN,
    NUL,
    SITE,
    SURROGATE,
    Bodies,
    as_json,
    assert_error,
    assert_refused,
    with_json,
)

pytestmark = pytest.mark.django_db

NUMBERS = [
    ("/v1/facilities", "logistic_factor"),
    ("/v1/consumptions", "quantity"),
    ("/v1/emission-factors", "co2e"),
    ("/v1/emission-factors", "co2e_biomass"),
    ("/v1/emission-factors", "scope"),
]


@pytest.fixture
def bodies(alice: Person) -> Bodies:
    """A good body for each path that takes one."""
    bill = {
        "facility_id": alice.facility()["id"],
        "category": "electricity",
        "quantity": 10,
        "unit": "kWh",
        "start_date": "2023-05-01",
        "end_date": "2023-05-31",
    }
    return {
        "/v1/facilities": SITE,
        "/v1/consumptions": bill,
        "/v1/emission-factors": FACTOR,
        "/v1/api-keys": {"name": "ERP"},
        "/v1/auth/login": LOGIN,
    }


@each(
    "number",
    [
        "1" * 1001,
        "1" * 4300,
        "1" * 4301,
        "1" * 100_000,
        "1e400",
        "1e1000000",
        "-1e1000000",
        "1e-1000000",
        "1e99999999999999999999",
        "1e-99999999999999999999",
        "1e" + "9" * 5000,
    ],
    ids=lambda number: f"{number[:24]} ({len(number)})",
)
def test_a_number_of_any_size_is_refused_in_order(
    alice: Person, bodies: Bodies, number: str
) -> None:
    for path, field in (*NUMBERS, ("/v1/api-keys", "name")):
        total = alice.get(path).body["total"]
        answer = alice.call("POST", path, with_json(bodies[path], field, number))
        if answer.status == 400:
            assert_error(answer, 400, "invalid_json")
        else:
            assert_refused(answer, field)
        assert len(answer.body["detail"]) < 500
        assert alice.get(path).body["total"] == total


@each(
    ("number", "stored"),
    [
        ("0.30000000000000004", "0.3"),
        ("0.1234565", "0.123457"),
        ("0.12345649999999999999999999", "0.123456"),
        ("0." + "1" * 100_000, "0.111111"),
        ("0.0000005", "0.000001"),
        ("999999999999.9999994", "999999999999.999999"),
    ],
    ids=lambda number: number[:24],
)
def test_a_number_is_rounded_half_up_to_what_is_kept(
    alice: Person, bodies: Bodies, number: str, stored: str
) -> None:
    body = with_json(bodies["/v1/consumptions"], "quantity", number)
    answer = alice.call("POST", "/v1/consumptions", body)
    assert answer.status == 201, answer.body
    assert answer.body["quantity"] == Decimal(stored)
    changed = alice.call("PATCH", answer.headers["location"], b'{"quantity": %s}' % number.encode())
    assert changed.body["quantity"] == Decimal(stored)


@pytest.mark.parametrize("number", ["0.0000004", "1e-1000000", "0.00000000000000000000001"])
def test_what_would_become_zero_is_too_small(alice: Person, bodies: Bodies, number: str) -> None:
    for path, field in NUMBERS[:-1]:
        places = number if field == "quantity" else "1e-30"
        answer = alice.call("POST", path, with_json(bodies[path], field, places))
        assert_refused(answer, field)
        assert answer.error(field)["code"] == "too_small"


@each("body", [b"[]", b'"x"', b"null", b"3", b"0.5", b"true", b'[{"name": 1}]'])
def test_a_body_that_is_no_object_is_422(alice: Person, bodies: Bodies, body: bytes) -> None:
    site = alice.facility()
    own = [f"/v1/facilities/{site['id']}", f"/v1/consumptions/{alice.consumption(site)['id']}"]
    for path in (*bodies, "/v1/auth/refresh"):
        assert_refused(alice.call("POST", path, body), "body")
    for path in own:
        for method in ("PUT", "PATCH"):
            assert_refused(alice.call(method, path, body), "body")


def test_every_wrong_field_is_named_at_once(alice: Person) -> None:
    body = {**SITE, "name": "", "type": 5, "logistic_factor": 2, "cups_list": ["ES0", 5]}
    answer = alice.post("/v1/facilities", body)
    assert_error(answer, 422, "validation_error")
    wrong = ["cups_list.0", "cups_list.1", "logistic_factor", "name", "type"]
    assert sorted(answer.fields) == wrong


def test_the_detail_of_a_422_says_what_the_errors_say(alice: Person) -> None:
    answer = alice.post("/v1/facilities", {})
    assert_error(answer, 422, "validation_error")
    assert answer.fields == ["name", "type", "country"]
    assert {one["code"] for one in answer.body["errors"]} == {"required"}
    for one in answer.body["errors"]:
        assert f"{one['field']}: {one['detail']}" in answer.body["detail"]


TEXTS = {
    "/v1/facilities": ["name", "type", "country", "region", "address", "external_id", "status"],
    "/v1/consumptions": [
        "facility_id",
        "external_id",
        "category",
        "activity",
        "unit",
        "start_date",
        "end_date",
        "supplier",
        "cups",
        "data_quality",
        "status",
        "note",
    ],
    "/v1/emission-factors": [
        "category",
        "activity",
        "country",
        "region",
        "supplier",
        "method",
        "gwp_set",
        "unit",
        "valid_from",
        "valid_to",
        "source",
        "source_ref",
        "note",
    ],
    "/v1/api-keys": ["name", "role", "expires_at"],
    "/v1/auth/login": ["email", "password"],
}


@each("path", TEXTS)
def test_lone_surrogates_and_nuls_are_refused_in_every_string(
    alice: Person, bodies: Bodies, path: str
) -> None:
    for field in TEXTS[path]:
        for text in (SURROGATE, f"a{SURROGATE}b", "\udfff\ud800", NUL, f"a{NUL}b"):
            answer = alice.call("POST", path, as_json({**bodies[path], field: text}))
            assert_refused(answer, field)


def test_lone_surrogates_and_nuls_are_refused_in_every_item(alice: Person) -> None:
    for field in ("categories", "cups_list"):
        for text in (SURROGATE, NUL, f"ES{NUL}"):
            answer = alice.call("POST", "/v1/facilities", as_json({**SITE, field: [text]}))
            assert_refused(answer, field)
            assert answer.fields == [f"{field}.0"]
    for source in ({"id": SURROGATE}, {"id": NUL}, {"id": [SURROGATE]}, {}):
        answer = alice.call("POST", "/v1/emission-factors", as_json({**FACTOR, "source": source}))
        assert_refused(answer, "source")
    refresh = call("POST", "/v1/auth/refresh", as_json({"refresh_token": SURROGATE}))
    assert_refused(refresh, "refresh_token")


def test_lone_surrogates_in_names_are_as_unknown_as_any(alice: Person) -> None:
    assert (
        alice.call("POST", "/v1/facilities", as_json({**SITE, SURROGATE: SURROGATE})).status == 201
    )


def test_paired_surrogates_are_a_character(alice: Person) -> None:
    body = as_json({**SITE, "name": "Kraftwerk \U0001f3ed"})
    assert b"\\ud83c\\udfed" in body
    assert created(alice.call("POST", "/v1/facilities", body))["name"] == "Kraftwerk \U0001f3ed"


@each("value", ["1", "0.5", "", "NaN", True, False, None, [], [1], {}, {"value": 1}], ids=repr)
def test_only_a_number_is_a_number(alice: Person, bodies: Bodies, value: Any) -> None:
    for path, field in NUMBERS:
        assert_refused(alice.post(path, {**bodies[path], field: value}), field)


@each("value", [1, 0, 1.5, True, False, [], ["x"], {}, {"id": "x"}], ids=repr)
def test_only_a_string_is_a_string(alice: Person, bodies: Bodies, value: Any) -> None:
    for path, fields in TEXTS.items():
        for field in fields:
            assert_refused(alice.post(path, {**bodies[path], field: value}), field)


@pytest.mark.parametrize("value", ["electricity", "", 1, True, None, {}, {"0": "heat"}], ids=repr)
def test_only_a_list_is_a_list(alice: Person, value: Any) -> None:
    for field in ("categories", "cups_list"):
        assert_refused(alice.post("/v1/facilities", {**SITE, field: value}), field)


def test_the_last_of_two_equal_names_counts(alice: Person) -> None:
    body = b'{"name": "first", "type": "depot", "country": "ES", "name": "second"}'
    assert created(alice.call("POST", "/v1/facilities", body))["name"] == "second"


@each("method", ["POST", "PUT", "PATCH"])
def test_unknown_and_read_only_fields_are_ignored(
    alice: Person, bodies: Bodies, method: str
) -> None:
    ignored = {
        "id": str(uuid4()),
        "co2e_market": 5,
        "co2e_status": 5,
        "co2e_reason": ["nonsense"],
        "own": False,
        "created_at": "nonsense",
        "updated_at": "1999-01-01T00:00:00Z",
        "deleted_at": "1999-01-01T00:00:00Z",
        "organization_id": str(uuid4()),
        "organization": None,
        "facility": str(uuid4()),
        "supply_points": [1],
        "consumptions": [],
        "pk": 1,
        "nope": {"deep": [None]},
        "": "",
    }
    for path in ("/v1/facilities", "/v1/consumptions", "/v1/emission-factors"):
        body = {**bodies[path], **ignored}
        if path != "/v1/emission-factors":
            body.update(co2e=5, co2e_biomass="nonsense")
        if method == "POST":
            answer = alice.post(path, body)
        else:
            row = created(alice.post(path, bodies[path]))
            answer = alice.call(method, f"{path}/{row['id']}", body)
        assert answer.status in (200, 201), answer.body
        told = {name: one for name, one in answer.body.items() if name != "warnings"}
        assert alice.get(f"{path}/{answer.body['id']}").body == told
        if method != "POST":
            untouched = set(row) - {"updated_at"}
            assert {name: row[name] for name in untouched} == {
                name: answer.body[name] for name in untouched
            }
        alice.delete(f"{path}/{answer.body['id']}")
        for name in set(ignored) & set(answer.body):
            assert answer.body[name] != ignored[name], name
        if path != "/v1/emission-factors":
            assert answer.body["co2e"] != 5
