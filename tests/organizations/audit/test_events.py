"""GET /v1/audit-events: what is recorded, wherever it was done, and who may read it."""

import hashlib
import json
import re
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import transaction
from django.test import Client, override_settings
from django.urls import reverse

from emissions.models import EmissionFactor
from organizations.audit.event import AuditEvent, Event
from organizations.audit.recording import record
from organizations.models import APIKey, Membership, Organization, Role, User
from tests.admin.conftest import at_the_admin
from tests.cases import each
from tests.conftest import PASSWORD, Answer, Cast, Person, call, created
from tests.importing import run, write_csv
from tests.organizations.conftest import log_in

pytestmark = pytest.mark.django_db

SITE = {"name": "Depot", "type": "depot", "country": "ES"}


def events(person: Person, query: str = "") -> list[dict[str, Any]]:
    """The newest events of a person's organization first."""
    answer = person.get(f"/v1/audit-events?size=100{query}")
    assert answer.status == 200, answer.body
    return answer.body["items"]


def newest(person: Person, kind: str) -> dict[str, Any]:
    """The one event of a kind, or the newest."""
    return events(person, f"&event={kind}")[0]


@pytest.fixture
def root(db: Any) -> Client:
    return at_the_admin(User.objects.create_superuser("root@example.com", PASSWORD))


def test_an_event_says_who_did_what_to_what_from_where_and_when(alice: Person) -> None:
    facility = alice.facility(external_id="HQ")
    assert alice.delete(f"/v1/facilities/{facility['id']}", **{"x-request-id": "r-1"}).status == 204
    event = newest(alice, "deleted")
    key = APIKey.objects.get(name="alice")
    assert event == {
        **event,
        "number": 3,  # after the membership and the key of the cast
        "event": "deleted",
        "actor": str(key),
        "address": "127.0.0.1",
        "request_id": "r-1",
        "object_type": "facility",
        "object_id": facility["id"],
        "details": {"name": "Madrid Office", "external_id": "HQ"},
    }
    assert set(event) == {
        "id", "number", "event", "actor", "address", "request_id", "object_type", "object_id",
        "details", "recorded_at", "previous_hash", "hash",
    }  # fmt: skip


def test_whoever_reads_the_events_can_verify_their_chain(alice: Person) -> None:
    alice.delete(f"/v1/facilities/{alice.facility(name='Cádiz «norte»')['id']}")
    log_in("alice@example.com", "wrong")
    raw = Client().get("/v1/audit-events?sort=number", headers=alice.headers)
    before = hashlib.sha256(str(alice.organization.pk).encode()).hexdigest()
    items = json.loads(raw.content)["items"]
    assert len(items) == 4
    for number, item in enumerate(items, 1):
        stated = item.pop("hash")
        assert (item["number"], item["previous_hash"]) == (number, before)
        text = json.dumps(item, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == stated
        before = stated


def test_a_login_is_recorded_in_each_organization_of_the_user(
    alice: Person, charlie: Person, person: Cast
) -> None:
    Membership.objects.create(user=alice.user, organization=charlie.organization)
    assert log_in("ALICE@example.com").status == 200
    for one in (alice, charlie):
        event = newest(one, "login")
        assert (event["actor"], event["object_id"]) == ("alice@example.com", str(alice.user.pk))
        assert event["details"] == {"into": "api"}
        assert event["address"] == "127.0.0.1"


def test_a_failed_login_is_recorded_where_its_email_belongs(alice: Person, charlie: Person) -> None:
    log_in("Alice@example.com", "wrong")
    log_in("nobody@example.com", "wrong")
    log_in("nul\0@example.com", "wrong")
    [event] = events(alice, "&event=login_failed")
    assert event["actor"].lower() == "alice@example.com"
    assert event["object_id"] == str(alice.user.pk)
    assert event["details"] == {"into": "api", "locked_out": False}
    assert "wrong" not in json.dumps(event, default=str)
    assert events(charlie, "&event=login_failed") == []


def test_while_an_email_is_locked_out_no_more_is_recorded_than_that(alice: Person) -> None:
    for _ in range(15):
        log_in("alice@example.com", "wrong")
    found = events(alice, "&event=login_failed")
    assert [one["details"]["locked_out"] for one in found] == [True, *[False] * 9]


def test_logins_to_the_admin_are_recorded_too(alice: Person) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_staff=True)
    client = Client()
    for password in ("wrong", PASSWORD):
        form = {"username": "alice@example.com", "password": password}
        client.post(reverse("admin:login"), form)
    found = events(alice, "&event=login&event=login_failed")
    assert [(one["event"], one["details"]["into"]) for one in found] == [
        ("login", "admin"),
        ("login_failed", "admin"),
    ]
    assert {one["actor"] for one in found} == {"alice@example.com"}


def test_keys_are_recorded_in_the_api_in_a_command_and_in_the_admin(
    alice: Person, root: Client
) -> None:
    made = created(alice.post("/v1/api-keys", {"name": "ERP", "role": "viewer"}))
    event = newest(alice, "key_created")
    assert (event["object_type"], event["object_id"]) == ("api_key", made["id"])
    assert event["details"] == {
        "name": "ERP", "prefix": made["prefix"], "role": "viewer", "expires_at": None,
    }  # fmt: skip
    assert made["key"] not in json.dumps(events(alice), default=str)

    assert alice.delete(f"/v1/api-keys/{made['id']}").status == 204
    assert newest(alice, "key_revoked")["object_id"] == made["id"]

    call_command("create_api_key", str(alice.organization.pk), "--name", "cron", stdout=StringIO())
    event = newest(alice, "key_created")
    assert event["details"]["name"] == "cron"
    assert (event["address"], event["request_id"]) == (None, None)
    assert event["actor"], "the account on the host"

    form = {"organization": alice.organization.pk, "name": "By hand", "role": "editor"}
    assert root.post(reverse("admin:organizations_apikey_add"), form).status_code == 200
    event = newest(alice, "key_created")
    assert (event["details"]["name"], event["actor"]) == ("By hand", "root@example.com")
    chosen = {"action": "revoke_selected", "_selected_action": [event["object_id"]]}
    root.post(reverse("admin:organizations_apikey_changelist"), chosen)
    revoked = newest(alice, "key_revoked")
    assert (revoked["object_id"], revoked["actor"]) == (event["object_id"], "root@example.com")


def test_a_key_that_is_renamed_in_the_admin_is_not_revoked(alice: Person, root: Client) -> None:
    ends = datetime(2031, 12, 28, 7, 33, 26, 123456, tzinfo=UTC)
    key = APIKey.issue(organization=alice.organization, name="ERP", expires_at=ends)
    form = {
        "name": "Payroll",
        "role": "admin",
        "expires_at_0": "2031-12-28",
        "expires_at_1": "07:33:26",
    }
    address = reverse("admin:organizations_apikey_change", args=[key.pk])
    assert root.post(address, form).status_code == 302
    key.refresh_from_db()
    assert (key.name, key.expires_at, key.revoked_at) == ("Payroll", ends, None)
    event = events(alice)[0]
    assert event["event"] == "key_changed"
    assert event["details"] == {
        "name": "Payroll", "name_before": "ERP", "prefix": key.prefix,
        "role": "admin", "role_before": "editor", "expires_at": "2031-12-28T07:33:26.123456+00:00",
    }  # fmt: skip
    assert root.post(address, form).status_code == 302
    assert events(alice)[0] == event, "nothing was changed"


def test_a_key_that_is_only_used_is_not_recorded(alice: Person) -> None:
    before = len(events(alice))
    alice.get("/v1/facilities")
    assert APIKey.objects.get(name="alice").last_used_at
    assert len(events(alice)) == before


def test_members_and_roles_are_recorded(alice: Person, charlie: Person, root: Client) -> None:
    dora = User.objects.create_user("dora@example.com", PASSWORD)
    page = reverse("admin:organizations_membership_add")
    form = {"user": dora.pk, "organization": alice.organization.pk, "role": "viewer"}
    assert root.post(page, form).status_code == 302
    row = Membership.objects.get(user=dora)
    page = reverse("admin:organizations_membership_change", args=[row.pk])
    assert root.post(page, {**form, "role": "admin"}).status_code == 302
    assert root.post(page, {**form, "role": "admin"}).status_code == 302, "nothing has changed"
    elsewhere = {**form, "organization": charlie.organization.pk, "role": "viewer"}
    assert root.post(page, elsewhere).status_code == 302
    page = reverse("admin:organizations_membership_delete", args=[row.pk])
    assert root.post(page, {"post": "yes"}).status_code == 302

    def told(person: Person) -> list[Any]:
        found = events(person, f"&object_id={dora.pk}&sort=number")
        assert {(one["actor"], one["object_type"]) for one in found} == {
            ("root@example.com", "user")
        }
        assert {one["details"].pop("email") for one in found} == {"dora@example.com"}
        return [(one["event"], one["details"]) for one in found]

    assert told(alice) == [
        ("member_added", {"role": "viewer"}),
        ("role_changed", {"role": "admin", "role_before": "viewer"}),
        ("member_removed", {"role": "admin"}),
    ]
    assert told(charlie) == [
        ("member_added", {"role": "viewer"}),
        ("member_removed", {"role": "viewer"}),
    ]


def test_a_deleted_user_is_a_removed_member(alice: Person, bob: Person) -> None:
    bob.user.delete()
    event = newest(alice, "member_removed")
    assert event["details"] == {"email": "bob@example.com", "role": "viewer"}


@each(
    ("path", "accept", "name", "kind"),
    [
        ("/v1/emissions?group_by=month", "text/csv", "emissions", "csv"),
        ("/v1/emissions/logistics", XLSX := (
            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        ), "logistics", "xlsx"),
        ("/v1/consumptions/{bill}/intervals", "text/csv", "intervals-{bill}", "csv"),
    ],
)  # fmt: skip
def test_a_download_as_a_table_is_recorded_and_json_is_not(
    alice: Person, bob: Person, path: str, accept: str, name: str, kind: str
) -> None:
    bill = alice.consumption(alice.facility())["id"]
    path, name = path.format(bill=bill), name.format(bill=bill)
    assert bob.get(path).status == 200
    assert events(alice, "&event=exported") == []
    assert bob.get(path, accept=accept).status == 200
    [event] = events(alice, "&event=exported")
    assert (event["object_type"], event["object_id"]) == ("table", name)
    assert event["details"] == {"format": kind, "query": path.partition("?")[2]}
    assert event["actor"] == str(APIKey.objects.get(name="bob"))


def test_a_download_that_is_refused_is_not_recorded(alice: Person) -> None:
    assert alice.get("/v1/emissions?group_by=nothing", accept="text/csv").status == 422
    assert events(alice, "&event=exported") == []


@pytest.mark.parametrize("kind", ["facilities", "consumption", "emission_factors"])
def test_an_export_command_is_recorded(alice: Person, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out.csv"
    call_command(f"export_{kind}", str(alice.organization.pk), "--out", str(out), stderr=StringIO())
    [event] = events(alice, "&event=exported")
    assert (event["object_type"], event["object_id"]) == ("table", kind)
    assert event["details"] == {"format": "csv"}


def test_an_export_in_the_admin_is_recorded_where_its_rows_belong(
    alice: Person, charlie: Person, root: Client
) -> None:
    chosen = [one.facility()["id"] for one in (alice, alice, charlie)]
    form = {"action": "export_xlsx", "_selected_action": chosen}
    assert root.post(reverse("admin:facilities_facility_changelist"), form).status_code == 200
    for person in (alice, charlie):
        [event] = events(person, "&event=exported")
        assert (event["object_id"], event["details"]) == ("facilities", {"format": "xlsx"})
        assert event["actor"] == "root@example.com"


def test_imports_are_recorded_over_http_and_in_commands_but_no_dry_runs(
    alice: Person, tmp_path: Path
) -> None:
    alice.post("/v1/imports?kind=facilities&dry_run=true", [SITE])
    assert events(alice, "&event=import_stored") == []
    stored = created(alice.post("/v1/imports?kind=facilities", [SITE]))
    [event] = events(alice, "&event=import_stored")
    assert (event["object_type"], event["object_id"]) == ("import", stored["id"])
    assert event["actor"] == str(APIKey.objects.get(name="alice"))
    assert event["details"] == {
        "kind": "facilities", "file_name": "rows.json", "created": 1, "changed": 0,
        "unchanged": 0, "rejected": 0, "warnings": 0,
    }  # fmt: skip

    file = write_csv(tmp_path / "sites.csv", [{**SITE, "country": "Nowhere"}])
    assert run("import_facilities", file, alice.organization).status == 1
    [event] = events(alice, "&event=import_refused")
    assert (event["details"]["file_name"], event["details"]["rejected"]) == ("sites.csv", 1)
    assert event["address"] is None

    refused = created(alice.post("/v1/imports?kind=facilities", [{**SITE, "country": "Nowhere"}]))
    assert newest(alice, "import_refused")["object_id"] == refused["id"]
    assert alice.get(f"/v1/imports/{refused['id']}/rejects").status == 200
    assert newest(alice, "exported")["object_id"] == f"rejects-{refused['id']}"


def test_deletions_and_restorations_are_recorded(alice: Person, root: Client) -> None:
    facility = alice.facility()
    bill, factor = alice.consumption(facility), alice.factor()
    for path, kind, row in (
        ("consumptions", "consumption", bill),
        ("emission-factors", "emission_factor", factor),
        ("facilities", "facility", facility),
    ):
        assert alice.delete(f"/v1/{path}/{row['id']}").status == 204
        event = newest(alice, "deleted")
        assert (event["object_type"], event["object_id"]) == (kind, row["id"])
        assert event["details"]["name"]

    page = reverse("admin:facilities_facility_changelist") + "?deleted=yes"
    root.post(page, {"action": "restore_selected", "_selected_action": [facility["id"]]})
    page = reverse("admin:facilities_facility_delete", args=[facility["id"]])
    root.post(page, {"post": "yes"})
    found = events(alice, f"&object_id={facility['id']}&sort=number")
    assert [one["event"] for one in found] == ["deleted", "restored", "deleted"]
    assert found[1]["actor"] == "root@example.com"


def test_deleting_what_is_published_to_everybody_is_in_nobodys_audit(alice: Person) -> None:
    before = AuditEvent.objects.count()
    factor = EmissionFactor.objects.filter(organization=None)[0]
    factor.delete()
    assert AuditEvent.objects.count() == before


def test_what_is_rolled_back_was_never_recorded(alice: Person) -> None:
    facility, before = alice.facility(), events(alice)
    with transaction.atomic():
        alice.delete(f"/v1/facilities/{facility['id']}")
        assert len(events(alice)) == len(before) + 1
        transaction.set_rollback(True)
    assert events(alice) == before


def test_what_another_feature_records_is_listed(alice: Person) -> None:
    row = record(
        alice.organization.pk,
        Event.PERIOD_CLOSED,
        object_type="period",
        object_id=2024,
        details={"lines": 12, "by_hand": True, "note": "nul\0 \ud800", "of": ["a", None]},
        actor="alice@example.com",
    )
    assert row is not None
    [event] = events(alice, "&event=period_closed")
    assert (event["object_type"], event["object_id"]) == ("period", "2024")
    assert event["details"] == {"lines": 12, "by_hand": True, "note": "nul ?", "of": ["a", None]}
    assert event["hash"] == row.hash
    with pytest.raises(TypeError, match="whole number"):
        record(
            alice.organization.pk,
            Event.PERIOD_CLOSED,
            object_type="period",
            object_id=2024,
            details={"kg": 1.5},
        )


def test_another_tenant_sees_nothing_of_it(alice: Person, charlie: Person) -> None:
    theirs = {one["id"] for one in events(charlie)}
    assert {one["number"] for one in events(charlie)} == {1, 2}
    alice.delete(f"/v1/facilities/{alice.facility()['id']}")
    assert {one["id"] for one in events(charlie)} == theirs
    assert not theirs & {one["id"] for one in events(alice)}
    mixed = {**charlie.headers, "x-organization-id": str(alice.organization.pk)}
    assert call("GET", "/v1/audit-events", headers=mixed).status == 404


def test_only_admins_read_it(alice: Person, erin: Person, bob: Person) -> None:
    assert alice.get("/v1/audit-events").status == 200
    for person in (erin, bob):
        answer = person.get("/v1/audit-events")
        assert (answer.status, answer.body["code"]) == (403, "permission_denied")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_nobody_writes_to_it(alice: Person, method: str) -> None:
    assert alice.call(method, "/v1/audit-events", {"event": "login"}).status == 405
    one = events(alice)[0]["id"]
    assert alice.call(method, f"/v1/audit-events/{one}", {"event": "login"}).status in (404, 405)


def numbers(answer: Answer) -> list[int]:
    assert answer.status == 200, answer.body
    return [one["number"] for one in answer.body["items"]]


def test_it_is_a_list_in_pages_newest_first(alice: Person) -> None:
    for _ in range(3):
        log_in("alice@example.com", "wrong")
    assert numbers(alice.get("/v1/audit-events")) == [5, 4, 3, 2, 1]
    page = alice.get("/v1/audit-events?page=2&size=2")
    assert numbers(page) == [3, 2]
    assert {**page.body, "items": 0} == {"items": 0, "total": 5, "page": 2, "size": 2, "pages": 3}
    assert numbers(alice.get("/v1/audit-events?page=9")) == []
    assert numbers(alice.get("/v1/audit-events?sort=event,-number")) == [2, 5, 4, 3, 1]
    assert alice.get("/v1/audit-events?sort=hash").status == 422


def test_it_is_filtered(alice: Person) -> None:
    log_in("alice@example.com", "wrong")
    log_in("alice@example.com")
    middle = events(alice, "&event=login_failed")[0]["recorded_at"].replace("+", "%2B")
    for query, expected in (
        ("event=login", [4]),
        ("event=login&event=login_failed", [4, 3]),
        ("event[]=login", [4]),
        ("actor=ALICE%40", [4, 3]),
        ("actor=alice@example.com&event=login", [4]),
        (f"object_id={alice.user.pk}", [4, 3, 1]),
        ("object_type=api_key", [2]),
        ("address=127.0.0.1", [4, 3]),
        (f"created_after={middle}", [4, 3]),
        (f"created_before={middle}", [3, 2, 1]),
    ):
        assert numbers(alice.get(f"/v1/audit-events?{query}")) == expected, query
    for query in ("event=nothing", "created_after=yesterday", "who=alice", "actor=a&actor=b"):
        assert alice.get(f"/v1/audit-events?{query}").status == 422, query


@override_settings(TRUSTED_PROXIES=1)
def test_behind_a_proxy_the_address_is_the_senders(alice: Person) -> None:
    forwarded = {"x-forwarded-for": "6.6.6.6, 203.0.113.9"}
    alice.delete(f"/v1/facilities/{alice.facility()['id']}", **forwarded)
    assert newest(alice, "deleted")["address"] == "203.0.113.9"


def test_an_admin_reads_it_at_the_admin_and_others_do_not(
    alice: Person, erin: Person, charlie: Person
) -> None:
    page = reverse("admin:organizations_auditevent_changelist")
    theirs = AuditEvent.objects.filter(organization=charlie.organization)[0]
    mine = AuditEvent.objects.filter(organization=alice.organization, event="key_created")[0]
    client = at_the_admin(alice.user)
    body = client.get(page).content.decode()
    assert "Key created" in body
    assert f"/{mine.pk}/" in body
    assert f"/{theirs.pk}/" not in body
    shown = client.get(reverse("admin:organizations_auditevent_change", args=[mine.pk]))
    assert mine.hash in shown.content.decode()
    filtered = client.get(f"{page}?event=member_added").content.decode()
    assert f"/{mine.pk}/" not in filtered
    assert at_the_admin(erin.user).get(page).status_code == 403


def test_the_tenant_has_no_events_of_an_organization_that_is_new(person: Cast) -> None:
    new = person("dora", Role.ADMIN, Organization.objects.create(name="New"))
    assert [one["number"] for one in events(new)] == [2, 1]


def test_the_admins_list_says_what_it_was_done_to_by_name(alice: Person, root: Client) -> None:
    assert log_in("alice@example.com", PASSWORD).status == 200
    alice.post("/v1/api-keys", {"name": "ERP", "role": "viewer"})
    page = root.get(reverse("admin:organizations_auditevent_changelist")).content.decode()
    called = re.findall(r'class="[^"]*field-object_called[^"]*"[^>]*>([^<]+)<', page)
    assert called[:2] == ["ERP", "alice@example.com"]
