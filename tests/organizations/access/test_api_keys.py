"""/v1/api-keys: credentials that admins make, see without their secret, and revoke."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
import time_machine

from organizations.models import APIKey, Role
from tests.cases import each
from tests.conftest import Person, call, created
from tests.organizations.conftest import Bearer

pytestmark = pytest.mark.django_db

KEYS = "/v1/api-keys"
SHOWN = {
    "id",
    "name",
    "role",
    "prefix",
    "created_by",
    "expires_at",
    "last_used_at",
    "last_used_from",
    "replaced_by",
    "created_at",
}
NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)


def status_with(person: Person, key: str, method: str = "GET", path: str = "/v1/facilities") -> int:
    """The status of a call for a person's organization with another key."""
    body = {"name": "Depot", "type": "depot", "country": "ES"} if method == "POST" else None
    return person.call(method, path, body, **{"x-api-key": key}).status


def test_a_key_is_shown_by_its_creation_alone_and_works(alice: Person) -> None:
    answer = alice.post(KEYS, {"name": "ERP sync"})
    assert answer.status == 201
    made = answer.body
    assert set(made) == SHOWN | {"key"}
    assert made["key"].startswith(made["prefix"])
    assert made["prefix"].startswith("sk_live_")
    assert (made["name"], made["role"], made["expires_at"]) == ("ERP sync", "editor", None)
    assert answer.headers["Location"] == f"{KEYS}/{made['id']}"
    assert status_with(alice, made["key"]) == 200

    read = alice.get(answer.headers["Location"])
    assert read.status == 200
    assert read.body == {name: made[name] for name in SHOWN} | {
        name: read.body[name] for name in ("last_used_at", "last_used_from")
    }
    assert read.body["last_used_at"] is not None
    assert read.body["last_used_from"] == "127.0.0.1"
    listed = alice.get(KEYS)
    for body in (read.body, listed.body):
        assert made["key"][len(made["prefix"]) :] not in json.dumps(body, default=str)


@pytest.mark.parametrize(
    ("role", "statuses"),
    [("viewer", (200, 403, 403)), ("editor", (200, 201, 403)), ("admin", (200, 201, 200))],
)
def test_a_key_may_do_what_its_role_may(
    alice: Person, role: str, statuses: tuple[int, int, int]
) -> None:
    key = created(alice.post(KEYS, {"name": "one", "role": role}))["key"]
    assert statuses == (
        status_with(alice, key),
        status_with(alice, key, "POST"),
        status_with(alice, key, path=KEYS),
    )


def test_keys_are_listed_newest_first_on_pages(alice: Person) -> None:
    names = [created(alice.post(KEYS, {"name": f"key {n}"}))["name"] for n in range(3)]
    answer = alice.get(KEYS)
    assert set(answer.body) == {"items", "total", "page", "size", "pages"}
    assert [one["name"] for one in answer.body["items"]] == [*reversed(names), "alice"]
    assert {frozenset(one) for one in answer.body["items"]} == {frozenset(SHOWN)}
    page = alice.get(f"{KEYS}?size=2&page=2").body
    assert [one["name"] for one in page["items"]] == ["key 0", "alice"]
    assert (page["total"], page["page"], page["size"], page["pages"]) == (4, 2, 2, 2)
    by_name = alice.get(f"{KEYS}?sort=name").body["items"]
    assert [one["name"] for one in by_name] == ["alice", *names]


@pytest.mark.parametrize(
    "query", ["nope=1", "sort=digest", "sort=key", "page=0", "size=101", "page=1&page=2"]
)
def test_an_unknown_parameter_or_value_of_the_list_is_refused(alice: Person, query: str) -> None:
    answer = alice.get(f"{KEYS}?{query}")
    assert answer.status == 422
    assert answer.fields == [query.partition("=")[0]]


def test_keys_are_for_admins_alone(
    alice: Person, erin: Person, bob: Person, bearer: Bearer
) -> None:
    key = created(alice.post(KEYS, {"name": "one"}))
    for person in (erin, bob):
        for headers in (person.headers, bearer(person)):
            for method, path, body in (
                ("GET", KEYS, None),
                ("GET", f"{KEYS}/{key['id']}", None),
                ("GET", f"{KEYS}/{uuid4()}", None),
                ("POST", KEYS, {"name": "mine"}),
                ("DELETE", f"{KEYS}/{key['id']}", None),
            ):
                answer = call(method, path, body, headers)
                assert answer.status == 403, (method, path)
                assert set(answer.body) == {"code", "detail"}
                assert person.role in answer.body["detail"]
    assert status_with(alice, key["key"]) == 200
    assert APIKey.objects.filter(organization=alice.organization).count() == 4


def test_who_made_a_key_is_known_when_it_was_a_person(alice: Person, bearer: Bearer) -> None:
    assert created(alice.post(KEYS, {"name": "by a key"}))["created_by"] is None
    by_token = call("POST", KEYS, {"name": "by a token"}, bearer(alice))
    assert created(by_token)["created_by"] == str(alice.user.pk)


def test_a_key_ends_when_it_was_made_to(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        made = created(alice.post(KEYS, {"name": "one", "expires_at": "2030-05-17T15:00:00+02:00"}))
        assert made["expires_at"] == "2030-05-17T13:00:00Z"
        clock.shift(timedelta(minutes=59))
        assert status_with(alice, made["key"]) == 200
        clock.shift(timedelta(minutes=1))
        assert status_with(alice, made["key"]) == 401


@pytest.mark.parametrize(
    "moment", ["2020-01-01T00:00:00Z", "2030-05-17T11:59:59Z", "2030-05-17T12:00:00Z"]
)
def test_a_key_cannot_be_made_expired(alice: Person, moment: str) -> None:
    with time_machine.travel(NOON, tick=False):
        answer = alice.post(KEYS, {"name": "one", "expires_at": moment})
    assert answer.status == 422
    assert answer.error("expires_at")["code"] == "in_the_past"
    assert alice.get(KEYS).body["total"] == 1


@each(
    ("body", "field"),
    [
        ({}, "name"),
        ({"name": ""}, "name"),
        ({"name": "  "}, "name"),
        ({"name": None}, "name"),
        ({"name": 7}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "one", "role": "owner"}, "role"),
        ({"name": "one", "role": "Admin"}, "role"),
        ({"name": "one", "role": ""}, "role"),
        ({"name": "one", "role": None}, "role"),
        ({"name": "one", "role": ["admin"]}, "role"),
        ({"name": "one", "expires_at": "soon"}, "expires_at"),
        ({"name": "one", "expires_at": 4102444800}, "expires_at"),
        ({"name": "one", "expires_at": True}, "expires_at"),
        ({"name": "one", "expires_at": "2030-13-01T00:00:00Z"}, "expires_at"),
        ({"name": "one", "expires_at": "9999-12-31T23:59:59-14:00"}, "expires_at"),
        ([], "body"),
    ],
)
def test_a_wrong_field_is_named_and_no_key_is_made(alice: Person, body: Any, field: str) -> None:
    answer = alice.post(KEYS, body)
    assert answer.status == 422
    assert answer.fields == [field]
    assert alice.get(KEYS).body["total"] == 1


def test_what_is_not_the_clients_to_say_is_ignored(alice: Person, charlie: Person) -> None:
    chosen = {
        "id": str(uuid4()),
        "key": "sk_live_chosen",
        "prefix": "sk_live_chosen",
        "digest": "0" * 64,
        "created_by": str(charlie.user.pk),
        "organization": str(charlie.organization.pk),
        "organization_id": str(charlie.organization.pk),
        "last_used_at": "2020-01-01T00:00:00Z",
        "revoked_at": "2020-01-01T00:00:00Z",
        "created_at": "2020-01-01T00:00:00Z",
    }
    made = created(alice.post(KEYS, {"name": "one", **chosen}))
    assert {name: made[name] for name in chosen if made.get(name) == chosen[name]} == {}
    assert made["created_by"] is None
    assert status_with(alice, made["key"]) == 200
    assert charlie.get(KEYS).body["total"] == 1


def test_a_revoked_key_stops_and_is_gone(alice: Person) -> None:
    made = created(alice.post(KEYS, {"name": "one"}))
    path = f"{KEYS}/{made['id']}"
    answer = alice.delete(path)
    assert (answer.status, answer.body) == (204, b"")
    assert status_with(alice, made["key"]) == 401
    assert made["id"] not in [one["id"] for one in alice.get(KEYS).body["items"]]
    assert alice.get(path).status == 404
    assert alice.delete(path).status == 404
    row = APIKey.objects.get(pk=made["id"])
    assert row.revoked_at is not None, "the row is kept"


def test_an_admin_key_may_revoke_itself(alice: Person) -> None:
    [own] = alice.get(KEYS).body["items"]
    assert alice.delete(f"{KEYS}/{own['id']}").status == 204
    assert alice.get(KEYS).status == 401


def test_another_organizations_key_does_not_exist(alice: Person, charlie: Person) -> None:
    made = created(alice.post(KEYS, {"name": "one"}))
    foreign, unknown = f"{KEYS}/{made['id']}", f"{KEYS}/{uuid4()}"
    for method in ("GET", "DELETE"):
        answer = charlie.call(method, foreign)
        assert answer.status == 404
        assert answer.body == charlie.call(method, unknown).body
    assert [one["name"] for one in charlie.get(KEYS).body["items"]] == ["charlie"]
    assert status_with(alice, made["key"]) == 200, "it was not revoked"


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_key_is_not_changed(alice: Person, method: str) -> None:
    made = created(alice.post(KEYS, {"name": "one", "role": Role.VIEWER}))
    answer = alice.call(method, f"{KEYS}/{made['id']}", {"role": "admin"})
    assert answer.status == 405
    assert set(answer.headers["Allow"].split(", ")) == {"GET", "HEAD", "DELETE"}
    assert alice.get(f"{KEYS}/{made['id']}").body["role"] == "viewer"


def test_the_version_of_a_key_is_held_to_if_match(alice: Person) -> None:
    made = created(alice.post(KEYS, {"name": "one"}))
    path = f"{KEYS}/{made['id']}"
    version = alice.get(path).headers["ETag"]
    assert alice.delete(path, **{"if-match": '"another"'}).status == 412
    assert status_with(alice, made["key"]) == 200
    assert alice.delete(path, **{"if-match": version}).status == 204
