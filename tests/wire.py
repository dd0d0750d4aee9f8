"""Bodies that are good, bodies that are not, and the one shape of every error."""

import json
import re
from typing import Any

from tests.conftest import Answer, Person

SITE: dict[str, Any] = {"name": "Depot", "type": "depot", "country": "ES"}
FACTOR: dict[str, Any] = {
    "category": "heat",
    "activity": "peat",
    "unit": "kWh",
    "valid_from": "2023-01-01",
    "co2e": 1,
}
LOGIN = {"email": "alice@example.com", "password": "correct horse battery staple"}
SURROGATE, NUL = "\ud800", "\0"

Bodies = dict[str, dict[str, Any]]


def assert_error(answer: Answer, status: int, code: str | None = None) -> None:
    """The status with `{code, detail}` as JSON; `errors` as well on 422, and there alone."""
    assert answer.status == status, answer.body
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.body) == {"code", "detail"} | ({"errors"} if status == 422 else set())
    errors = answer.body.get("errors", [])
    assert bool(errors) == (status == 422)
    assert all(set(one) == {"field", "code", "detail"} for one in errors)
    for one in (answer.body, *errors):
        assert re.fullmatch("[a-z][a-z0-9_]*", one["code"])
        assert one["detail"].strip()
    if code:
        assert answer.body["code"] == code


def assert_refused(answer: Answer, field: str) -> None:
    """422 that names this field, or an item of it, and no other."""
    assert_error(answer, 422, "validation_error")
    assert {one.partition(".")[0].removesuffix("[]") for one in answer.fields} == {field}


def as_json(body: Any) -> bytes:
    """JSON with lone surrogates escaped, as a client may send them."""
    return json.dumps(body).encode()


def with_json(body: dict[str, Any], field: str, value: str) -> bytes:
    """A body in which a field has this JSON, written exactly so."""
    return as_json({**body, field: "…"}).replace(b'"\\u2026"', value.encode())


def versioned(person: Person) -> dict[str, tuple[str, dict[str, Any]]]:
    """Resources that carry a version: name → path and a change."""
    site = person.facility()
    return {
        "facility": (f"/v1/facilities/{site['id']}", {"name": "Changed"}),
        "consumption": (
            f"/v1/consumptions/{person.consumption(site)['id']}",
            {"note": "Changed"},
        ),
        "factor": (f"/v1/emission-factors/{person.factor()['id']}", {"note": "Changed"}),
    }
