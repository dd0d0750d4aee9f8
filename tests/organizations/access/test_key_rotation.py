"""A key that follows another, which goes on working for a while; and from where a key was used."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from organizations.models import APIKey, AuditEvent
from tests.admin.conftest import at_the_admin
from tests.cases import each
from tests.conftest import Person, created

pytestmark = pytest.mark.django_db

KEYS = "/v1/api-keys"
NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)


def works(person: Person, key: str) -> bool:
    answer = person.call("GET", "/v1/facilities", **{"x-api-key": key})
    assert answer.status in (200, 401)
    return answer.status == 200


def test_both_keys_work_for_a_day_and_then_the_new_one_alone(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        old = created(alice.post(KEYS, {"name": "ERP", "role": "viewer"}))
        new = created(alice.post(f"{KEYS}/{old['id']}/rotate", {}))
        assert (new["name"], new["role"], new["expires_at"]) == ("ERP", "viewer", None)
        assert new["key"] != old["key"]
        read = alice.get(f"{KEYS}/{old['id']}").body
        assert (read["replaced_by"], read["expires_at"]) == (new["prefix"], "2030-05-18T12:00:00Z")
        clock.shift(timedelta(hours=23, minutes=59))
        assert works(alice, old["key"])
        assert works(alice, new["key"])
        clock.shift(timedelta(minutes=1))
        assert not works(alice, old["key"])
        assert works(alice, new["key"])


@pytest.mark.parametrize(("hours", "after"), [(0, 0), (2, 2), (720, 720)])
def test_the_overlap_is_as_long_as_asked(alice: Person, hours: int, after: int) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        old = created(alice.post(KEYS, {"name": "ERP"}))
        created(alice.post(f"{KEYS}/{old['id']}/rotate", {"overlap_hours": hours}))
        clock.shift(timedelta(hours=after, seconds=-1))
        assert works(alice, old["key"]) or after == 0
        clock.shift(timedelta(seconds=1))
        assert not works(alice, old["key"])


def test_the_new_key_is_given_as_long_a_life_and_the_old_one_no_longer_one(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        ends = "2030-05-27T12:00:00Z"
        old = created(alice.post(KEYS, {"name": "ERP", "expires_at": ends}))
        APIKey.objects.filter(name="ERP").update(created_at=NOON)  # PostgreSQL has its own clock
        clock.shift(timedelta(days=9, hours=12))
        new = created(alice.post(f"{KEYS}/{old['id']}/rotate", {"overlap_hours": 100}))
        assert new["expires_at"] == "2030-06-06T00:00:00Z"
        assert alice.get(f"{KEYS}/{old['id']}").body["expires_at"] == ends


@each(
    ("body", "field"),
    [
        ({"overlap_hours": -1}, "overlap_hours"),
        ({"overlap_hours": 721}, "overlap_hours"),
        ({"overlap_hours": True}, "overlap_hours"),
        ({"overlap_hours": None}, "overlap_hours"),
        ({"overlap_hours": "soon"}, "overlap_hours"),
        ({"expires_at": "2020-01-01T00:00:00Z"}, "expires_at"),
    ],
)
def test_what_is_wrong_is_named_and_no_key_is_made(
    alice: Person, body: dict[str, Any], field: str
) -> None:
    old = created(alice.post(KEYS, {"name": "ERP"}))
    answer = alice.post(f"{KEYS}/{old['id']}/rotate", body)
    assert (answer.status, answer.fields) == (422, [field])
    assert APIKey.objects.filter(name="ERP").count() == 1


def test_a_key_is_replaced_once_and_not_after_its_end(alice: Person) -> None:
    old = created(alice.post(KEYS, {"name": "ERP"}))
    new = created(alice.post(f"{KEYS}/{old['id']}/rotate", {"overlap_hours": 0}))
    again = alice.post(f"{KEYS}/{old['id']}/rotate", {})
    assert (again.status, again.body["code"]) == (409, "ended")
    created(alice.post(f"{KEYS}/{new['id']}/rotate", {}))
    twice = alice.post(f"{KEYS}/{new['id']}/rotate", {})
    assert (twice.status, twice.body["code"]) == (409, "replaced")


def test_another_organizations_key_is_not_there_to_be_replaced(
    alice: Person, charlie: Person
) -> None:
    old = created(alice.post(KEYS, {"name": "ERP"}))
    assert charlie.post(f"{KEYS}/{old['id']}/rotate", {}).status == 404
    client = at_the_admin(charlie.user)
    page = reverse("admin:organizations_apikey_rotate", args=[old["id"]])
    assert client.post(page, {"overlap_hours": "0"}).status_code == 403
    assert works(alice, old["key"])


def test_the_audit_says_which_key_followed_which(alice: Person) -> None:
    old = created(alice.post(KEYS, {"name": "ERP"}))
    new = created(alice.post(f"{KEYS}/{old['id']}/rotate", {}))
    rows = AuditEvent.objects.for_organization(alice.organization.pk).order_by("number")
    last = list(rows.values("event", "object_id", "details"))[-2:]
    assert [one["event"] for one in last] == ["key_created", "key_rotated"]
    assert last[1]["object_id"] == old["id"]
    assert last[1]["details"]["replaced_by"] == new["prefix"]
    assert new["key"] not in str(last)


def test_the_admin_replaces_a_key_and_shows_the_new_one_with_a_button_to_copy_it(
    alice: Person, alice_admin: Client
) -> None:
    old = created(alice.post(KEYS, {"name": "ERP"}))
    row = alice_admin.get(reverse("admin:organizations_apikey_change", args=[old["id"]]))
    assert "127.0.0.1" not in row.content.decode()
    assert works(alice, old["key"])
    row = alice_admin.get(reverse("admin:organizations_apikey_change", args=[old["id"]]))
    assert "127.0.0.1" in row.content.decode()
    page = reverse("admin:organizations_apikey_rotate", args=[old["id"]])
    for hours in ("", "soon", "-1", "721", "²"):
        assert alice_admin.post(page, {"overlap_hours": hours}).status_code == 302
    assert alice_admin.get(page).status_code == 302
    assert APIKey.objects.filter(name="ERP").count() == 1
    shown = alice_admin.post(page, {"overlap_hours": "2"})
    assert "no-store" in shown["Cache-Control"]
    body = shown.content.decode()
    assert 'data-copy="new-key"' in body
    key = body.partition('id="new-key"')[2].partition(">")[2].partition("<")[0]
    assert works(alice, key)
    assert works(alice, old["key"])
    assert alice_admin.post(page, {"overlap_hours": "2"}).status_code == 302, "once"


def test_where_a_key_was_used_from_is_written_once_a_minute(alice: Person) -> None:
    def writes(address: str) -> int:
        with CaptureQueriesContext(connection) as queries:
            Client(REMOTE_ADDR=address).get("/v1/facilities", headers=alice.headers)
        return sum(one["sql"].startswith("UPDATE") for one in queries)

    def noted() -> str:
        return APIKey.objects.get(name="alice").last_used_from

    with time_machine.travel(NOON, tick=False) as clock:
        assert (writes("192.0.2.7"), noted()) == (1, "192.0.2.7")
        assert (writes("192.0.2.8"), noted()) == (0, "192.0.2.7")
        clock.shift(timedelta(seconds=61))
        assert (writes("2001:db8::1"), noted()) == (1, "2001:db8::1")


@pytest.fixture
def alice_admin(alice: Person) -> Client:
    return at_the_admin(alice.user)
