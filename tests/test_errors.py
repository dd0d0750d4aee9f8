"""The one shape of every error, and which status it comes with."""

import json
import logging
import re
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from facilities.models import Facility
from facilities.views import FacilityViewSet
from tests.conftest import Answer, Person, call, created

pytestmark = pytest.mark.django_db

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


NUMBERS = [
    ("/v1/facilities", "logistic_factor"),
    ("/v1/consumptions", "quantity"),
    ("/v1/emission-factors", "co2e"),
    ("/v1/emission-factors", "co2e_biomass"),
    ("/v1/emission-factors", "scope"),
]


@pytest.mark.parametrize(
    "body",
    [
        b"{",
        b"}",
        b"nonsense",
        b"{'name': 'Depot'}",
        b'{"name": "Depot",}',
        b'{"name": "Depot"} {}',
        b'{"name": "Depo',
        b'{"name": "\n"}',
        b'{"name": "\\x"}',
        b'{"logistic_factor": NaN}',
        b'{"logistic_factor": Infinity}',
        b'{"logistic_factor": -Infinity}',
        b'{"logistic_factor": .5}',
        b'{"logistic_factor": 01}',
        b'{"logistic_factor": 0x1}',
        b'{"name": "\xff\xfe"}',
        b'{"name": "caf\xe9"}',
        b'{"name": "\xed\xa0\x80"}',
        "{}".encode("utf-16"),
        b"\x00",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"[" * 100_000 + b"]" * 100_000,
    ],
    ids=lambda body: repr(body[:30]),
)
def test_a_body_that_is_not_json_is_400(alice: Person, body: bytes) -> None:
    for path in ("/v1/facilities", "/v1/consumptions", "/v1/auth/login"):
        answer = alice.call("POST", path, body)
        assert_error(answer, 400, "invalid_json")
        assert len(answer.body["detail"]) < 300


def test_a_change_that_is_not_json_is_400(alice: Person) -> None:
    for path, _ in versioned(alice).values():
        before = alice.get(path).body
        for method in ("PUT", "PATCH"):
            assert_error(alice.call(method, path, b'{"note": "x"'), 400, "invalid_json")
        assert alice.get(path).body == before


def test_nesting_is_400_or_422_however_deep(alice: Person) -> None:
    """Up to the depth that Python's parser takes, every field must bear what it is given."""

    def status(field: str, depth: int) -> int:
        body = with_json(SITE, field, "[" * depth + "]" * depth)
        return alice.call("POST", "/v1/facilities", body).status

    low, high = 1, 5000
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if status("name", middle) == 422 else (low, middle)
    for field in ("name", "categories", "cups_list", "logistic_factor"):
        for depth in (2, 50, *range(low - 12, low + 4)):
            assert status(field, depth) in (400, 422), (field, depth)


@pytest.mark.parametrize(
    "number",
    [
        "1" * 1001,
        "1" * 4300,
        "1" * 4301,
        "1" * 100_000,
        "0." + "1" * 100_000,
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


@pytest.mark.parametrize("number", ["0.1234560000000000000000000000000000000001", "1e-1000000"])
def test_a_digit_too_many_is_refused_and_not_rounded_away(
    alice: Person, bodies: Bodies, number: str
) -> None:
    body = with_json(bodies["/v1/consumptions"], "quantity", number)
    assert_refused(alice.call("POST", "/v1/consumptions", body), "quantity")


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "DELETE"])
def test_an_unrouted_path_is_404_for_everybody(method: str) -> None:
    """Also for a client outside a browser, which has no CSRF token to show."""
    client = Client(enforce_csrf_checks=True)
    for path in (
        "/v1",
        "/v1/",
        "/v1/nope",
        "/nope",
        "/v1/facilities/",
        "/v1/facilities/x/y",
        "/v1/facilities.json",
        f"/v1/consumptions/{uuid4()}/nope",
        f"/v1/consumptions/{uuid4()}/",
        "/v2/facilities",
        "/healthz/",
        "/V1/facilities",
        "/v1/%00",
        "/%ff",
        "/v1/" + "x" * 5000,
    ):
        response = client.generic(method, path, b"{}", "application/json")
        assert response.status_code == 404, path[:50]
        if method != "HEAD":
            answer = Answer(response.status_code, response.json(), response.headers)
            assert_error(answer, 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/v1/facilities", {"GET", "HEAD", "POST"}),
        ("DELETE", "/v1/facilities", {"GET", "HEAD", "POST"}),
        ("OPTIONS", "/v1/facilities", {"GET", "HEAD", "POST"}),
        ("POST", "/v1/facilities/{id}", {"GET", "HEAD", "PUT", "PATCH", "DELETE"}),
        ("POST", "/v1/facilities/{id}/emissions", {"GET", "HEAD"}),
        ("POST", "/v1/organization", {"GET", "HEAD"}),
        ("PATCH", "/v1/api-keys/{id}", {"GET", "HEAD", "DELETE"}),
        ("GET", "/v1/auth/login", {"POST"}),
        ("PUT", "/v1/auth/refresh", {"POST"}),
        ("BREW", "/v1/facilities", {"GET", "HEAD", "POST"}),
    ],
)
def test_a_method_that_a_path_does_not_have_is_405(
    alice: Person, method: str, path: str, allowed: set[str]
) -> None:
    answer = alice.call(method, path.format(id=uuid4()), {})
    assert_error(answer, 405, "method_not_allowed")
    assert set(answer.headers["Allow"].split(", ")) == allowed


@pytest.mark.parametrize("method", ["POST", "DELETE", "OPTIONS"])
@pytest.mark.parametrize("path", ["/", "/healthz", "/readyz", "/v1/schema", "/v1/docs"])
def test_a_page_that_is_only_read_is_405_in_the_same_shape(path: str, method: str) -> None:
    client = Client(enforce_csrf_checks=True)
    response = client.generic(method, path, b"{}", "application/json")
    assert response.status_code == 405
    assert "GET" in response.headers["Allow"]
    answer = Answer(405, json.loads(response.content or b"null"), response.headers)
    assert_error(answer, 405, "method_not_allowed")


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "text/csv;q=0.9"])
def test_json_alone_is_answered(alice: Person, accept: str) -> None:
    assert_error(alice.get("/v1/facilities", accept=accept), 406, "not_acceptable")
    answer = alice.call("POST", "/v1/facilities", SITE, accept=accept)
    assert_error(answer, 406, "not_acceptable")
    assert alice.get("/v1/facilities").body["total"] == 0


@pytest.mark.parametrize(
    "accept", ["*/*", "application/*", "application/json", "text/html, */*;q=0.1"]
)
def test_json_is_answered_to_whoever_takes_it(alice: Person, accept: str) -> None:
    answer = alice.get("/v1/facilities", accept=accept)
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/x-www-form-urlencoded", b"name=Depot&type=depot&country=ES"),
        ("multipart/form-data; boundary=x", b"--x--"),
        ("text/plain", b"{}"),
        ("application/xml", b"<a/>"),
        ("application/jsonlines", b"{}"),
        ("nonsense", b"{}"),
    ],
)
def test_json_alone_is_read(alice: Person, content_type: str, body: bytes) -> None:
    for path in ("/v1/facilities", "/v1/auth/login"):
        response = Client().generic("POST", path, body, content_type, headers=alice.headers)
        answer = Answer(response.status_code, response.json(), response.headers)
        assert_error(answer, 415, "unsupported_media_type")
    assert alice.get("/v1/facilities").body["total"] == 0


def test_json_may_name_its_charset(alice: Person) -> None:
    headers = {**alice.headers, "content-type": "application/json; charset=utf-8"}
    response = Client().generic("POST", "/v1/facilities", as_json(SITE), headers=headers)
    assert response.status_code == 201


def test_a_body_over_the_limit_is_413(alice: Person, settings: Settings) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 200
    fitting = as_json(SITE).ljust(200)
    assert alice.call("POST", "/v1/facilities", fitting).status == 201
    for path in ("/v1/facilities", "/v1/auth/login"):
        answer = alice.call("POST", path, fitting + b" ")
        assert_error(answer, 413, "body_too_large")
        assert "200 bytes" in answer.body["detail"]
    assert alice.get("/v1/facilities").body["total"] == 1


def test_a_host_that_is_not_served_is_400(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["api.example.com"]
    for path in ("/v1/facilities", "/healthz"):
        assert_error(call("GET", path, headers={"host": "evil.example"}), 400, "bad_request")
        assert call("GET", path, headers={"host": "api.example.com"}).status in (200, 401)


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


@pytest.mark.parametrize("what", ["facility", "consumption", "factor"])
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_change_is_held_to_the_version_it_was_decided_on(
    alice: Person, what: str, method: str
) -> None:
    path, change = versioned(alice)[what]
    first = alice.get(path)
    etag = first.headers["ETag"]
    assert re.fullmatch(r'"[^"]+"', etag)
    for stale in ('"stale"', 'W/"stale"', "stale", '"a", "b"', etag.strip('"')):
        answer = alice.call(method, path, change, **{"if-match": stale})
        assert_error(answer, 412, "precondition_failed")
    assert alice.get(path).body == first.body

    changed = alice.call(method, path, change, **{"if-match": etag})
    assert changed.status == 200
    assert changed.headers["ETag"] != etag
    again = alice.get(path)
    assert (again.body, again.headers["ETag"]) == (changed.body, changed.headers["ETag"])
    assert_error(alice.call(method, path, change, **{"if-match": etag}), 412)


@pytest.mark.parametrize("what", ["facility", "consumption", "factor"])
def test_a_deletion_is_held_to_the_version_it_was_decided_on(alice: Person, what: str) -> None:
    path, change = versioned(alice)[what]
    etag = alice.get(path).headers["ETag"]
    alice.patch(path, change)
    assert_error(alice.delete(path, **{"if-match": etag}), 412, "precondition_failed")
    etag = alice.get(path).headers["ETag"]
    assert alice.delete(path, **{"if-match": etag}).status == 204
    assert_error(alice.delete(path, **{"if-match": etag}), 404, "not_found")


@pytest.mark.parametrize("form", ["*", "W/{etag}", '"other", {etag}', '{etag},W/"other"'])
def test_if_match_may_be_any_or_a_list(alice: Person, form: str) -> None:
    path, change = versioned(alice)["facility"]
    etag = alice.get(path).headers["ETag"]
    assert alice.patch(path, change, **{"if-match": form.format(etag=etag)}).status == 200


def test_what_is_created_names_its_version(alice: Person) -> None:
    made = alice.post("/v1/facilities", SITE)
    assert made.headers["ETag"] == alice.get(made.headers["Location"]).headers["ETag"]


def test_a_new_figure_is_a_new_version(alice: Person) -> None:
    """Whoever decided on a facility's co2e learns that a bill has changed it."""
    site = alice.facility()
    path = f"/v1/facilities/{site['id']}"
    etag = alice.get(path).headers["ETag"]
    alice.consumption(site)
    assert_error(alice.patch(path, {"name": "Changed"}, **{"if-match": etag}), 412)


def test_a_version_of_what_one_may_not_see_is_404(alice: Person, charlie: Person) -> None:
    path, change = versioned(alice)["facility"]
    for stale in ("*", '"stale"', alice.get(path).headers["ETag"]):
        assert_error(charlie.patch(path, change, **{"if-match": stale}), 404, "not_found")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"null", b"3", b"0.5", b"true", b'[{"name": 1}]'])
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


LISTS = ["/v1/facilities", "/v1/consumptions", "/v1/emission-factors", "/v1/api-keys"]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nope=1", "nope"),
        ("nope[]=1", "nope"),
        ("Name=x", "Name"),
        ("organization_id=1", "organization_id"),
        ("format=json", "format"),
        ("page=1&page=2", "page"),
        ("size=5&size=5", "size"),
        ("sort=id&sort=created_at", "sort"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.0", "page"),
        ("page=x", "page"),
        ("page=", "page"),
        ("page=%D9%A1", "page"),
        ("page=" + "9" * 5000, "page"),
        ("size=0", "size"),
        ("size=101", "size"),
        ("size=%00", "size"),
        ("sort=nope", "sort"),
        ("sort=id,-id", "sort"),
        ("sort=--id", "sort"),
        ("sort=organization", "sort"),
        ("sort=%00", "sort"),
    ],
    ids=lambda text: text[:30],
)
def test_a_list_refuses_parameters_it_does_not_know(alice: Person, query: str, field: str) -> None:
    for path in LISTS:
        assert_refused(alice.get(f"{path}?{query}"), field)


@pytest.mark.parametrize("name", ["page", "size", "sort"])
def test_brackets_behind_a_single_parameter_are_never_passed_over(alice: Person, name: str) -> None:
    """Read as without them, or refused as unknown; either way this value is 422."""
    for path in LISTS:
        assert_error(alice.get(f"{path}?{name}[]=nope"), 422, "validation_error")


@pytest.mark.parametrize(
    "query",
    [
        "facilities?status=nope",
        "facilities?status=active&status[]=nope",
        "facilities?category=coal",
        "facilities?country=Spain",
        "facilities?co2e_min=NaN",
        "facilities?co2e_min=Infinity",
        "facilities?co2e_max=1e400",
        "facilities?co2e_max=ten",
        "facilities?created_after=yesterday",
        "facilities?created_after=0001-01-01T00:00:00%2B14:00",
        "facilities?updated_before=9999-12-31T23:59:59-14:00",
        "facilities?name=a&name=b",
        "facilities?name=%00",
        "facilities?type=%00",
        "facilities?cups=%00",
        "consumptions?facility_id=1",
        "consumptions?start_date=2023-02-29",
        "consumptions?start_date=20230201",
        "consumptions?end_date=2023-01-01T00:00",
        "consumptions?end_date=0000-01-01",
        "consumptions?start_date=2023-01-01&start_date=2023-01-02",
        "consumptions?supplier=%00",
        "consumptions?co2e_status=complete",
        "emission-factors?own=1",
        "emission-factors?valid_on=today",
        "emission-factors?source=%00",
        "emission-factors?unit=barrel",
    ],
)
def test_a_filter_refuses_a_value_it_cannot_mean(alice: Person, query: str) -> None:
    field = query.partition("?")[2].partition("=")[0]
    assert_refused(alice.get(f"/v1/{query}"), field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nope=1", "nope"),
        ("page=1", "page"),
        ("group_by=nope", "group_by"),
        ("group_by=month&group_by[]=nope", "group_by"),
        ("group_by=", "group_by"),
        ("group_by=%00", "group_by"),
        ("start_date=today", "start_date"),
        ("start_date=", "start_date"),
        ("start_date=2023-01-01&start_date=2023-01-02", "start_date"),
        ("end_date[]=2023-01-01&end_date=2023-01-02", "end_date"),
    ],
)
def test_a_breakdown_refuses_parameters_it_does_not_know(
    alice: Person, query: str, field: str
) -> None:
    path = f"/v1/facilities/{alice.facility()['id']}/emissions"
    assert_refused(alice.get(f"{path}?{query}"), field)


def test_a_query_that_is_not_utf8_is_no_crash(alice: Person) -> None:
    for path in LISTS[:3]:
        assert_refused(alice.get(f"{path}?%ED%A0%80=1"), "\ufffd\ufffd\ufffd")
    assert alice.get("/v1/facilities?name=%ED%A0%80").body["total"] == 0
    assert alice.get("/v1/facilities?type=%FF").body["total"] == 0


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


@pytest.mark.parametrize("path", TEXTS)
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


@pytest.mark.parametrize(
    "value", ["1", "0.5", "", "NaN", True, False, None, [], [1], {}, {"value": 1}], ids=repr
)
def test_only_a_number_is_a_number(alice: Person, bodies: Bodies, value: Any) -> None:
    for path, field in NUMBERS:
        assert_refused(alice.post(path, {**bodies[path], field: value}), field)


@pytest.mark.parametrize("value", [1, 0, 1.5, True, False, [], ["x"], {}, {"id": "x"}], ids=repr)
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


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH"])
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
        assert alice.get(f"{path}/{answer.body['id']}").body == answer.body
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


SECRET = "SELECT password FROM vault WHERE path = '/etc/facilities/key.pem'"


def crash(*args: Any, **kwargs: Any) -> Any:
    raise RuntimeError(SECRET)


def uncaught(person: Person, method: str, path: str, body: Any = None) -> Answer:
    """The answer as a client gets it, where the test client would raise what was raised."""
    client = Client(raise_request_exception=False)
    response = client.generic(
        method, path, as_json(body), "application/json", headers=person.headers
    )
    return Answer(response.status_code, json.loads(response.content), response.headers)


def assert_no_internals(answer: Answer) -> None:
    assert_error(answer, 500, "server_error")
    text = str(answer.body) + str(dict(answer.headers))
    for internal in ("RuntimeError", "Traceback", ".py", "SELECT", "vault", "key.pem", "line "):
        assert internal not in text


@pytest.mark.parametrize("accept", ["application/json", "*/*"])
def test_a_crash_is_500_without_internals_and_is_logged(
    alice: Person,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    accept: str,
) -> None:
    monkeypatch.setattr(FacilityViewSet, "list", crash)
    client = Client(raise_request_exception=False)
    response = client.get("/v1/facilities", headers={**alice.headers, "accept": accept})
    answer = Answer(response.status_code, response.json(), response.headers)
    assert_no_internals(answer)
    [record] = [one for one in caplog.records if one.exc_info]
    assert record.levelno == logging.ERROR
    assert SECRET in caplog.text, "we must be able to find out"
    assert alice.key not in caplog.text


def test_a_crash_outside_the_api_is_500_in_the_same_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("config.pages.render", crash)
    response = Client(raise_request_exception=False).get("/")
    assert_no_internals(Answer(response.status_code, response.json(), response.headers))


def test_nothing_of_a_request_that_crashed_is_stored(
    committed: None, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = alice.facility()
    monkeypatch.setattr(FacilityViewSet, "respond", crash)
    assert_no_internals(uncaught(alice, "POST", "/v1/facilities", SITE))
    path = f"/v1/facilities/{site['id']}"
    assert_no_internals(uncaught(alice, "PATCH", path, {"name": "Changed"}))
    assert alice.get(path).body == site
    assert Facility.objects.count() == 1


@pytest.mark.skipif(connection.vendor != "sqlite", reason="PostgreSQL locks rows, not the file")
def test_a_file_that_another_writer_keeps_is_409(committed: None, alice: Person) -> None:
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA busy_timeout = 50")
    writer = connection.copy()
    try:
        writer.set_autocommit(False)
        with writer.cursor() as cursor:
            cursor.execute("UPDATE facilities_facility SET name = name")
        assert alice.get("/v1/facilities").status == 200  # and a reader does not wait for it
        assert_error(alice.post("/v1/facilities", SITE), 409, "conflict")
    finally:
        writer.close()
        connection.close()
    assert alice.post("/v1/facilities", SITE).status == 201


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite has one writer at a time")
def test_a_write_that_the_database_gives_up_is_tried_again_then_409(
    committed: None, alice: Person
) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.give_up() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE serialization_failure; END $$"
        )
        cursor.execute(
            "CREATE TRIGGER give_up BEFORE INSERT ON facilities_facility"
            " FOR EACH ROW EXECUTE FUNCTION pg_temp.give_up()"
        )
    try:
        assert_error(alice.post("/v1/facilities", SITE), 409, "conflict")
    finally:
        with connection.cursor() as cursor:
            cursor.execute("DROP TRIGGER give_up ON facilities_facility")
    assert alice.post("/v1/facilities", SITE).status == 201


Refused = Callable[[Person, Person], Answer]


@pytest.mark.parametrize(
    ("status", "code", "refused"),
    [
        (401, "not_authenticated", lambda alice, bob: call("GET", "/v1/facilities")),
        (
            401,
            "authentication_failed",
            lambda alice, bob: alice.get("/v1/facilities", **{"x-api-key": "wrong"}),
        ),
        (401, "authentication_failed", lambda alice, bob: log_in("wrong")),
        (403, "permission_denied", lambda alice, bob: bob.post("/v1/facilities", SITE)),
        (404, "not_found", lambda alice, bob: bob.get(f"/v1/facilities/{uuid4()}")),
        (
            404,
            "not_found",
            lambda alice, bob: bob.get("/v1/facilities", **{"x-organization-id": str(uuid4())}),
        ),
        (
            422,
            "validation_error",
            lambda alice, bob: bob.get("/v1/facilities", **{"x-organization-id": "1"}),
        ),
    ],
)
def test_refusals_have_the_one_shape(
    alice: Person, bob: Person, status: int, code: str, refused: Refused
) -> None:
    answer = refused(alice, bob)
    assert_error(answer, status, code)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)


def log_in(password: str) -> Answer:
    return call("POST", "/v1/auth/login", {**LOGIN, "password": password})
