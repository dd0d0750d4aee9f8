"""The one shape of every error, and which status it comes with."""

import json
import logging
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from pytest_django.fixtures import Settings

from facilities.models import Facility
from facilities.views import FacilityViewSet
from tests.cases import each
from tests.conftest import Answer, Person, call
from tests.wire import LOGIN, SITE, as_json, assert_error, versioned, with_json

pytestmark = pytest.mark.django_db


@each(
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


@each(
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


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "image/*", "text/tsv;q=0.9"])
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


def test_more_parameters_than_are_read_are_400_and_counted(alice: Person) -> None:
    query = "&".join(["name=x"] * 2501)
    said = "A request has 2500 parameters at most; send fewer."
    assert_error(answer := alice.get(f"/v1/facilities?{query}"), 400)
    assert answer.body["detail"] == said
    page = Client().get(f"/admin/login/?{query}", HTTP_ACCEPT_LANGUAGE="en")
    assert page.status_code == 400
    assert said in page.content.decode()


def test_a_host_that_is_not_served_is_400(settings: Settings) -> None:
    settings.ALLOWED_HOSTS = ["api.example.com"]
    for path in ("/v1/facilities", "/healthz"):
        assert_error(call("GET", path, headers={"host": "evil.example"}), 400, "bad_request")
        assert call("GET", path, headers={"host": "api.example.com"}).status in (200, 401)


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
