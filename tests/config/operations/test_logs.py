"""Every request has an id and a line in the log, and no secret is in any."""

import json
import logging
import sys
from collections.abc import Iterator
from io import StringIO
from typing import Any
from uuid import UUID

import pytest

from config.operations.logs import REQUEST_ID, JSONLines, WithRequest
from facilities.views import FacilityViewSet
from tests.cases import each
from tests.conftest import PASSWORD, Person, call

pytestmark = pytest.mark.django_db


class Log(StringIO):
    """What was logged, as a collector of logs reads it."""

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.getvalue().splitlines()]

    def of_requests(self) -> list[dict[str, Any]]:
        return [line for line in self.lines() if line["logger"] == "request"]


@pytest.fixture
def log() -> Iterator[Log]:
    """Everything at any level, written as in production."""
    stream = Log()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JSONLines())
    handler.addFilter(WithRequest())
    loggers = [logging.getLogger(), logging.getLogger("django")]
    levels = [one.level for one in loggers]
    for one in loggers:
        one.addHandler(handler)
        one.setLevel(logging.DEBUG)
    yield stream
    for one, level in zip(loggers, levels, strict=True):
        one.removeHandler(handler)
        one.setLevel(level)


def test_a_line_says_who_asked_for_what_and_what_came_of_it(alice: Person, log: Log) -> None:
    alice.get("/v1/facilities?name=private", **{"x-request-id": "client-42"})
    [line] = log.of_requests()
    assert line["time"].endswith("+00:00")
    assert line.pop("time")
    assert 0 < line.pop("ms") < 60_000
    assert line.pop("message").startswith("GET /v1/facilities 200 ")
    assert line == {
        "level": "INFO",
        "logger": "request",
        "request_id": "client-42",
        "method": "GET",
        "path": "/v1/facilities",
        "organization": str(alice.organization.pk),
        "key": alice.key[:16],
        "user": None,
        "status": 200,
    }


def test_a_person_is_named_by_id(alice: Person, client: Any, admin_user: Any, log: Log) -> None:
    login = {"email": alice.user.email, "password": PASSWORD}
    token = call("POST", "/v1/auth/login", login).body["access_token"]
    organization = str(alice.organization.pk)
    headers = {"x-organization-id": organization, "authorization": f"Bearer {token}"}
    call("GET", "/v1/facilities", headers=headers)
    line = log.of_requests()[-1]
    assert (line["organization"], line["key"]) == (organization, None)
    assert line["user"] == str(alice.user.pk)
    client.force_login(admin_user)
    client.get("/admin/")
    assert log.of_requests()[-1]["user"] == str(admin_user.pk)


def test_who_was_not_let_in_is_nobody(alice: Person, log: Log) -> None:
    headers = {"x-organization-id": str(alice.organization.pk), "x-api-key": "not-a-key-but-secret"}
    call("GET", "/v1/facilities", headers=headers)
    line = log.of_requests()[-1]
    assert (line["status"], line["organization"], line["key"]) == (401, None, None)
    assert "not-a-key" not in log.getvalue()


@each("path", ["/", "/healthz", "/readyz", "/nothing", "/v1/facilities",
                                  "/admin/login/", "/v1/docs", "/metrics"])  # fmt: skip
def test_every_answer_has_the_id_of_its_request(alice: Person, path: str) -> None:
    assert alice.get(path, **{"x-request-id": "a:b/c=1"}).headers["x-request-id"] == "a:b/c=1"
    made = alice.get(path).headers["x-request-id"]
    assert UUID(made)
    assert alice.get(path).headers["x-request-id"] != made


@each("given", ["", " ", "a" * 101, "a b", "ä", "<script>", '"', "-rf", "a\tb"])
def test_an_id_that_is_no_id_is_replaced(alice: Person, given: str) -> None:
    answer = alice.get("/v1/facilities", **{"x-request-id": given})
    assert answer.status == 200
    assert UUID(answer.headers["x-request-id"])


def test_a_refusal_has_its_id_too(alice: Person, log: Log) -> None:
    for method, path, status in [
        ("POST", "/v1/facilities", 422),
        ("DELETE", "/healthz", 405),
        ("GET", "/x\ny", 404),
    ]:
        answer = alice.call(method, path, {}, **{"x-request-id": "refused"})
        assert (answer.status, answer.headers["x-request-id"]) == (status, "refused")
        line = log.of_requests()[-1]
        assert (line["request_id"], line["status"]) == ("refused", status)
        assert "\n" not in line["message"]


def test_a_mistake_of_ours_is_logged_with_its_traceback_and_its_id(
    alice: Person, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("the reason")

    monkeypatch.setattr(FacilityViewSet, "list", fail)
    alice_client_raises = pytest.raises(RuntimeError)
    with alice_client_raises:
        alice.get("/v1/facilities", **{"x-request-id": "broken"})
    [line] = [one for one in log.lines() if "exception" in one]
    assert (line["request_id"], line["level"]) == ("broken", "ERROR")
    assert "RuntimeError: the reason" in line["exception"]
    [line] = log.of_requests()
    assert (line["level"], line["status"]) == ("ERROR", 500)


def test_a_streamed_answer_is_logged_at_its_end(alice: Person, log: Log) -> None:
    answer = alice.get("/v1/emissions", accept="text/csv", **{"x-request-id": "table"})
    assert answer.status == 200
    [line] = log.of_requests()
    assert (line["request_id"], line["status"]) == ("table", 200)
    assert REQUEST_ID.get() == ""


def test_probes_that_find_nothing_wrong_are_not_worth_a_line(log: Log) -> None:
    for path in ("/healthz", "/readyz"):
        call("GET", path)
        assert log.of_requests()[-1]["level"] == "DEBUG"


def test_no_secret_is_in_any_line(alice: Person, log: Log) -> None:
    login = {"email": alice.user.email, "password": PASSWORD}
    tokens = call("POST", "/v1/auth/login", login).body
    call("POST", "/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})
    made = alice.post("/v1/api-keys", {"name": "ERP", "role": "viewer"}).body
    alice.get("/v1/facilities?name=in-the-query")
    headers = {**alice.headers, "authorization": f"Bearer {tokens['access_token']}"}
    call("GET", "/v1/nothing", headers=headers)
    written = log.getvalue()
    assert len(log.of_requests()) == 5
    secrets = [PASSWORD, alice.key, made["key"], *map(str, tokens.values()), "in-the-query"]
    for secret in secrets:
        if len(secret) > 10:
            assert secret not in written


def test_a_line_for_people_has_the_id_too(alice: Person) -> None:
    record = logging.makeLogRecord({"msg": "hello", "name": "x"})
    token = REQUEST_ID.set("an-id")
    try:
        assert WithRequest().filter(record)
    finally:
        REQUEST_ID.reset(token)
    style = logging.Formatter("{name} [{request_id}] {message}", style="{")
    assert style.format(record) == "x [an-id] hello"


def test_an_exception_is_one_line() -> None:
    try:
        raise ValueError("a\nb")
    except ValueError:
        record = logging.LogRecord("x", logging.ERROR, "f", 1, "oh", (), sys.exc_info())
    assert len(JSONLines().format(record).splitlines()) == 1
