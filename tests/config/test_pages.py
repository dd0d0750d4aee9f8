"""The page at `/`, the probes, and what is at no address."""

import json
import re
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client

from tests.cases import each
from tests.conftest import call


def test_the_home_page_links_the_documentation_the_schema_and_the_admin() -> None:
    answer = call("GET", "/")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/html")
    page = answer.body.decode()
    assert {"/v1/docs", "/v1/schema", "/admin/"} <= set(re.findall(r'href="([^"]+)"', page))
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


@pytest.mark.django_db
def test_what_the_home_page_links_is_there() -> None:
    for link in re.findall(r'href="([^"]+)"', call("GET", "/").body.decode()):
        assert call("GET", link).status in (200, 302), link


def test_a_process_that_answers_is_healthy_whatever_its_database_does() -> None:
    """No mark for the database here: a query would fail the test."""
    answer = call("GET", "/healthz")
    assert (answer.status, answer.body) == (200, {"status": "ok"})


@pytest.mark.django_db
def test_it_is_ready_with_a_database_that_has_every_migration() -> None:
    answer = call("GET", "/readyz")
    assert (answer.status, answer.body) == (200, {"status": "ok"})


@pytest.mark.django_db
@pytest.mark.parametrize("app", ["emissions", "organizations"])
def test_it_is_not_ready_while_a_migration_is_missing(app: str) -> None:
    [(_, name)] = MigrationLoader(connection).graph.leaf_nodes(app)
    applied = MigrationRecorder(connection).migration_qs
    assert applied.filter(app=app, name=name).delete()[0] == 1
    answer = call("GET", "/readyz")
    assert answer.status == 503
    assert answer.body["status"] == "unavailable"
    assert f"{app}.{name}" in answer.body["migrations"]
    assert call("GET", "/healthz").status == 200


@pytest.mark.django_db
def test_it_is_not_ready_while_the_database_does_not_answer() -> None:
    def refuse(*args: Any) -> None:
        raise OperationalError("connection refused: secret.example.com")

    with connection.execute_wrapper(refuse):
        answer = call("GET", "/readyz")
        assert call("GET", "/healthz").status == 200
    assert answer.status == 503
    assert answer.body["status"] == "unavailable"
    assert "secret" not in json.dumps(answer.body)


@pytest.mark.django_db
@each("path", ["/", "/healthz", "/readyz", "/v1/docs", "/v1/schema"])
def test_head_is_answered_like_get_without_a_body(path: str) -> None:
    answer = call("HEAD", path)
    assert answer.status == 200
    assert answer.body == b""
    assert answer.headers["content-type"] == call("GET", path).headers["content-type"]


@pytest.mark.django_db
def test_the_admin_is_found_with_and_without_its_slash() -> None:
    assert call("GET", "/admin").headers["Location"] == "/admin/"
    answer = call("GET", "/admin/")
    assert answer.status == 302
    assert answer.headers["Location"].startswith("/admin/login/")
    assert call("GET", answer.headers["Location"]).status == 200


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_what_is_at_no_address_is_404_in_json_for_a_client_without_cookies(method: str) -> None:
    """With Django's cross-site check on, as it is for every client but the tests'."""
    client = Client(enforce_csrf_checks=True)
    for path in ("/nothing", "/v1", "/v1/", "/v1/nothing", "/v1/facilities/0.5"):
        response = client.generic(method, path, b"{}")
        assert response.status_code == 404, path
        assert response.headers["content-type"] == "application/json"
        assert response.json()["code"] == "not_found"
