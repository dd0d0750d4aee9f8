"""A body that broke off on its way is no smaller body."""

from collections.abc import Iterator
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.test import RequestFactory

from config.rendering import dumps
from config.wsgi import application
from facilities.models import Facility
from tests.cases import each
from tests.conftest import Person
from tests.wire import SITE

pytestmark = pytest.mark.django_db

FILE = b"name,type,country\nMadrid Office,office,ES\n"
FORM = (
    b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.csv"\r\n\r\n'
    + FILE
    + b"\r\n--x--\r\n"
)


@pytest.fixture(autouse=True)
def open_connection() -> Iterator[None]:
    """Requests through WSGI would close the connection that the test's transaction is on."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def send(
    person: Person, path: str, kind: str, body: bytes, *, method: str = "POST", **said: Any
) -> str:
    """The status that the server's own interface answers; `said` is what stands in the request."""
    request = RequestFactory().generic(method, path, headers=dict(person.headers))
    sent = {"CONTENT_TYPE": kind, "wsgi.input": BytesIO(body)}
    environ = {**request.environ, **sent, **said}
    answers: list[str] = []
    for _ in application(environ, lambda status, *_: answers.append(status)):
        pass
    return answers[0]


@each(
    ("kind", "body"),
    [
        ("text/csv", FILE),
        ("multipart/form-data; boundary=x", FORM),
        ("application/json", dumps([SITE])),
    ],
)
def test_half_of_a_file_is_not_imported(alice: Person, kind: str, body: bytes) -> None:
    path = "/v1/imports?kind=facilities"
    length = str(len(body) + 1)
    assert send(alice, path, kind, body, CONTENT_LENGTH=length) == "400 Bad Request"
    assert not Facility.objects.exists()
    assert send(alice, path, kind, body, CONTENT_LENGTH=str(len(body))) == "201 Created"


@each("said", [{"CONTENT_LENGTH": "5"}, {"CONTENT_LENGTH": ""}])
def test_chunks_are_not_taken_for_an_empty_body(alice: Person, said: dict[str, str]) -> None:
    """Which would be a change of nothing, answered with 200."""
    body = dumps(SITE)
    chunked = {"HTTP_TRANSFER_ENCODING": "chunked", **said}
    status = send(alice, "/v1/facilities", "application/json", body, **chunked)
    assert status == "411 Length Required"
    assert not Facility.objects.exists()
    status = send(alice, "/v1/facilities", "application/json", b"", **chunked)
    assert status == "422 Unprocessable Entity"


class Slow(BytesIO):
    """A body that tells how many transactions were open when it was waited for."""

    def read(self, size: int | None = -1) -> bytes:
        self.waited_in = len(connection.atomic_blocks)
        return super().read(size)


@each("said", [{}, {"HTTP_IDEMPOTENCY_KEY": "a"}])
def test_no_transaction_waits_for_a_slow_body(alice: Person, said: dict[str, str]) -> None:
    """On SQLite nobody else could write until the client had sent all of it."""
    path = "/v1/facilities"
    for method in ("POST", "PATCH", "PUT", "DELETE"):
        body = Slow(dumps(SITE))
        length = str(len(body.getvalue()))
        sent: dict[str, Any] = {"wsgi.input": body, "CONTENT_LENGTH": length, "method": method}
        status = send(alice, path, "application/json", b"", **sent, **said)
        assert status[:2] == "20", status
        assert body.waited_in == len(connection.atomic_blocks)
        if method == "POST":
            path += f"/{Facility.objects.get().pk}"


@each("said", [{}, {"HTTP_IDEMPOTENCY_KEY": "a"}])
def test_no_transaction_waits_for_a_body_that_is_too_large(
    alice: Person, said: dict[str, str]
) -> None:
    body = Slow(b" " * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    sent: dict[str, Any] = {"wsgi.input": body, "CONTENT_LENGTH": str(len(body.getvalue()))}
    status = send(alice, "/v1/facilities", "application/json", b"", **sent, **said)
    assert status == "413 Request Entity Too Large"
    assert body.waited_in == len(connection.atomic_blocks)
