"""Who is calling, for which organization, and in which order a call is refused."""

import logging
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import jwt
import pytest
import time_machine
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from organizations.access.keys import MARK, PREFIX_LENGTH, digest
from organizations.models import APIKey, Organization, Role
from tests.cases import each
from tests.conftest import Answer, Person, call
from tests.organizations.conftest import Bearer, log_in

pytestmark = pytest.mark.django_db

HERE = "/v1/organization"
NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)
FORGED_KEY = MARK + "0123abcd" + "x" * 43


def assert_unauthorized(answer: Answer) -> None:
    """401 in the one shape of errors, naming both ways to say who is calling."""
    assert answer.status == 401
    assert set(answer.body) == {"code", "detail"}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")
    assert "ApiKey " in answer.headers["WWW-Authenticate"]


def forged(payload: dict[str, Any], key: str, algorithm: str) -> str:
    return "Bearer " + jwt.encode(payload, key, algorithm=algorithm)


def test_a_key_and_its_organization_are_enough(alice: Person) -> None:
    answer = alice.get(HERE)
    assert answer.status == 200
    assert answer.body["id"] == str(alice.organization.pk)
    assert (answer.body["name"], answer.body["role"]) == ("Alice Ltd", "admin")


def test_a_token_and_an_organization_are_enough(erin: Person, bearer: Bearer) -> None:
    answer = call("GET", HERE, headers=bearer(erin))
    assert answer.status == 200
    assert answer.body["id"] == str(erin.organization.pk)
    assert answer.body["role"] == "editor"


@each(
    "credentials",
    [
        {},
        {"x-api-key": ""},
        {"x-api-key": "nonsense"},
        {"x-api-key": FORGED_KEY},
        {"x-api-key": "ключ €"},
        {"authorization": ""},
        {"authorization": "Bearer"},
        {"authorization": "Bearer "},
        {"authorization": "Bearer nonsense"},
        {"authorization": "Bearer a.b.c"},
        {"authorization": f"Bearer {FORGED_KEY}"},
        {"authorization": "Basic YWxpY2U6c2VjcmV0"},
        {"authorization": "€"},
    ],
    ids=str,
)
def test_no_or_bad_credentials_are_401_whatever_the_organization_header(
    alice: Person, credentials: dict[str, str]
) -> None:
    raw = {name: value.encode().decode("latin-1") for name, value in credentials.items()}
    assert_unauthorized(call("GET", HERE, headers=raw))
    for organization in (str(alice.organization.pk), str(uuid4()), "1", ""):
        assert_unauthorized(call("GET", HERE, headers={**raw, "x-organization-id": organization}))


@each("value", ["", " ", "1", "alice", "0" * 31, "g" * 32, "ä", "x" * 999])
def test_an_organization_header_that_is_no_uuid_is_named(
    alice: Person, bearer: Bearer, value: str
) -> None:
    for credentials in (alice.headers, bearer(alice)):
        answer = call("GET", HERE, headers={**credentials, "x-organization-id": value})
        assert answer.status == 422
        assert answer.fields == ["x-organization-id"]
        assert answer.body["code"] == "validation_error"


def test_a_missing_organization_header_is_named(alice: Person, bearer: Bearer) -> None:
    for headers in (alice.headers, bearer(alice)):
        del headers["x-organization-id"]
        answer = call("GET", HERE, headers=headers)
        assert answer.status == 422
        assert answer.error("x-organization-id")["code"] == "required"


def test_a_foreign_organization_looks_like_an_unknown_one(
    alice: Person, charlie: Person, bearer: Bearer
) -> None:
    for credentials in (alice.headers, bearer(alice)):
        assert call("GET", HERE, headers=credentials).status == 200
        foreign, unknown = (
            call("GET", HERE, headers={**credentials, "x-organization-id": str(pk)})
            for pk in (charlie.organization.pk, uuid4())
        )
        assert foreign.status == unknown.status == 404
        assert foreign.body == unknown.body
        assert foreign.body["code"] == "not_found"
        assert set(foreign.body) == {"code", "detail"}
        assert foreign.headers["content-length"] == unknown.headers["content-length"]


def test_the_organization_is_refused_before_the_role_and_the_body(
    bob: Person, charlie: Person
) -> None:
    foreign = bob.call(
        "POST", "/v1/facilities", b"{", **{"x-organization-id": str(charlie.organization.pk)}
    )
    assert foreign.status == 404
    assert bob.call("POST", "/v1/facilities", b"{").status == 403


def test_a_bad_key_is_not_rescued_by_a_good_token(alice: Person, bearer: Bearer) -> None:
    assert_unauthorized(call("GET", HERE, headers={**bearer(alice), "x-api-key": FORGED_KEY}))


def test_the_scheme_is_read_in_any_case(alice: Person, bearer: Bearer) -> None:
    headers = bearer(alice)
    headers["authorization"] = headers["authorization"].replace("Bearer", "bearer")
    assert call("GET", HERE, headers=headers).status == 200


def test_a_key_is_recognised_whole_and_in_its_own_case(alice: Person) -> None:
    for key in (alice.key[:-1], alice.key + "x", alice.key.swapcase(), digest(alice.key)):
        assert_unauthorized(alice.get(HERE, **{"x-api-key": key}))
    row = APIKey.objects.get(organization=alice.organization)
    assert_unauthorized(alice.get(HERE, **{"x-api-key": row.prefix}))


def test_a_revoked_key_stops_at_once(alice: Person) -> None:
    assert alice.get(HERE).status == 200
    APIKey.objects.get(organization=alice.organization).revoke()
    assert_unauthorized(alice.get(HERE))


def test_a_key_ends_when_it_expires(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        key = APIKey.issue(
            organization=alice.organization, name="brief", expires_at=NOON + timedelta(hours=1)
        ).key
        clock.move_to(NOON + timedelta(minutes=59, seconds=59))
        assert alice.get(HERE, **{"x-api-key": key}).status == 200
        clock.move_to(NOON + timedelta(hours=1))
        assert_unauthorized(alice.get(HERE, **{"x-api-key": key}))
        assert alice.get(HERE).status == 200, "the key that does not expire works on"


def test_why_a_key_is_refused_is_not_told(alice: Person) -> None:
    mine = {"organization": alice.organization, "name": "one"}
    expired = APIKey.issue(**mine, expires_at=timezone.now() - timedelta(days=1)).key
    revoked = APIKey.issue(**mine, revoked_at=timezone.now()).key
    answers = [alice.get(HERE, **{"x-api-key": key}) for key in (expired, revoked, FORGED_KEY)]
    assert [one.status for one in answers] == [401, 401, 401]
    assert answers[0].body == answers[1].body == answers[2].body


def test_the_last_use_is_written_at_most_once_a_minute(alice: Person) -> None:
    def last_used() -> datetime | None:
        return APIKey.objects.get(organization=alice.organization).last_used_at

    assert last_used() is None
    with time_machine.travel(NOON, tick=False) as clock:
        alice.get(HERE)
        assert last_used() == NOON
        clock.shift(timedelta(seconds=59))
        alice.get(HERE)
        assert last_used() == NOON
        clock.shift(timedelta(seconds=2))
        alice.get(HERE)
        assert last_used() == NOON + timedelta(seconds=61)


def test_a_refused_call_is_no_use_of_the_key(alice: Person, charlie: Person) -> None:
    alice.get(HERE, **{"x-organization-id": str(charlie.organization.pk)})
    alice.get(HERE, **{"x-organization-id": "1"})
    assert APIKey.objects.get(organization=alice.organization).last_used_at is None


def test_a_key_is_recognised_by_one_query(alice: Person) -> None:
    alice.get(HERE)  # writes the last use
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert alice.get(HERE).status == 200
    authentication, answer = (one["sql"] for one in queries)
    asked = "caller_by_key" if connection.vendor == "postgresql" else 'FROM "organizations_apikey"'
    assert asked in authentication
    assert 'FROM "organizations_organization"' in answer


def test_a_token_is_recognised_by_one_query(alice: Person, bearer: Bearer) -> None:
    headers = bearer(alice)
    with CaptureQueriesContext(connection) as queries:
        assert call("GET", HERE, headers=headers).status == 200
    authentication, answer = (one["sql"] for one in queries)
    if connection.vendor == "postgresql":
        assert "caller_by_token" in authentication
    else:
        assert 'FROM "organizations_user"' in authentication
        assert 'JOIN "organizations_membership"' in authentication
    assert 'FROM "organizations_organization"' in answer


def test_a_refusal_costs_one_query_at_most(alice: Person, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        call("GET", HERE)
        alice.get(HERE, **{"x-api-key": "", "authorization": "Bearer a.b.c"})
    with django_assert_num_queries(1):
        alice.get(HERE, **{"x-api-key": FORGED_KEY})


def test_the_key_is_stored_nowhere(alice: Person) -> None:
    row = APIKey.issue(organization=alice.organization, name="ERP", role=Role.VIEWER)
    secret = row.key[PREFIX_LENGTH:]
    assert len(secret) >= 43, "256 bits"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {APIKey._meta.db_table}")
        values = [str(value) for line in cursor.fetchall() for value in line]
    assert digest(row.key) in values, "the row was read"
    assert [value for value in values if secret in value] == []
    assert APIKey.objects.get(pk=row.pk).key == ""


def test_the_key_is_not_in_what_a_row_prints(alice: Person) -> None:
    row = APIKey.issue(organization=alice.organization, name="ERP")
    for text in (str(row), repr(row)):
        assert row.key[PREFIX_LENGTH:] not in text
        assert row.digest not in text
    assert str(row) == f"ERP ({row.key[:PREFIX_LENGTH]}…)"


def test_two_keys_share_nothing_but_their_mark(alice: Person) -> None:
    made = {APIKey.issue(organization=alice.organization, name="same").key for _ in range(20)}
    assert len(made) == len({key[:PREFIX_LENGTH] for key in made}) == 20
    assert {key[: len(MARK)] for key in made} == {"sk_live_"}


def test_no_credential_is_logged(
    alice: Person,
    bearer: Bearer,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setattr(logging.getLogger("django"), "propagate", True)  # so that caplog hears it
    token = bearer(alice)["authorization"].removeprefix("Bearer ")
    log_in(alice.user.email, "not the passphrase")
    wrong = alice.key[:-1]
    alice.get(HERE)
    alice.get(HERE, **{"x-api-key": wrong})
    alice.get("/v1/facilities/nope")
    made = alice.post("/v1/api-keys", {"name": "ERP"}).body["key"]
    call("GET", HERE, headers={"authorization": f"Bearer {token}x"})
    call("POST", "/v1/auth/refresh", {"refresh_token": token})
    assert "/v1/organization" in caplog.text, "refusals are logged"
    for secret in (alice.key, wrong, made, token, "not the passphrase"):
        assert secret not in caplog.text


def test_a_token_is_held_to_its_signature(alice: Person, bearer: Bearer) -> None:
    headers = bearer(alice)
    good = headers["authorization"]
    payload = jwt.decode(
        good.removeprefix("Bearer "), options={"verify_signature": False}, algorithms=["HS256"]
    )
    resigned = forged(payload, settings.SECRET_KEY, "HS256")
    assert call("GET", HERE, headers={**headers, "authorization": resigned}).status == 200
    for token in (
        forged(payload, "another key that is long enough for SHA-256", "HS256"),
        forged(payload, "", "none"),
        good[:-4] + "AAAA",
    ):
        assert_unauthorized(call("GET", HERE, headers={**headers, "authorization": token}))


@each(
    "change",
    [
        {"user_id": str(UUID(int=1))},
        {"user_id": "1"},
        {"user_id": None},
        {"user_id": {"id": 1}},
        {"hash_password": ""},
        {"hash_password": None},
        {"token_type": "refresh"},
        {"token_type": None},
        {"exp": 1},
    ],
    ids=str,
)
def test_a_signed_token_of_nobody_is_401(
    alice: Person, bearer: Bearer, change: dict[str, Any]
) -> None:
    headers = bearer(alice)
    payload = jwt.decode(
        headers["authorization"].removeprefix("Bearer "),
        settings.SECRET_KEY,
        algorithms=["HS256"],
    )
    headers["authorization"] = forged({**payload, **change}, settings.SECRET_KEY, "HS256")
    assert_unauthorized(call("GET", HERE, headers=headers))


@pytest.mark.parametrize("claim", ["user_id", "hash_password", "token_type", "exp", "jti"])
def test_a_signed_token_without_a_claim_is_401(alice: Person, bearer: Bearer, claim: str) -> None:
    headers = bearer(alice)
    payload = jwt.decode(
        headers["authorization"].removeprefix("Bearer "),
        settings.SECRET_KEY,
        algorithms=["HS256"],
    )
    del payload[claim]
    headers["authorization"] = forged(payload, settings.SECRET_KEY, "HS256")
    assert_unauthorized(call("GET", HERE, headers=headers))


def test_a_key_serves_its_own_organization_alone(alice: Person, elsewhere: Organization) -> None:
    """Also when the person who made it is a member of both."""
    alice.user.memberships.create(organization=elsewhere, role=Role.ADMIN)
    assert alice.get(HERE).status == 200
    assert alice.get(HERE, **{"x-organization-id": str(elsewhere.pk)}).status == 404
