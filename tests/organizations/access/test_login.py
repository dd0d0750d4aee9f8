"""POST /v1/auth/login and /v1/auth/refresh, and what ends a token."""

from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
import time_machine
from axes.models import AccessAttempt
from django.conf import settings
from django.test import Client

from organizations.models import Membership, Organization, Role, User
from tests.cases import each
from tests.conftest import PASSWORD, Answer, Person, call
from tests.organizations.conftest import Bearer, log_in

pytestmark = pytest.mark.django_db

HERE = "/v1/organization"
LIMIT = 10
NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)
TOKENS = {"access_token", "refresh_token", "token_type", "expires_in"}


def refresh(token: Any) -> Answer:
    return call("POST", "/v1/auth/refresh", {"refresh_token": token})


def use(person: Person, access_token: str) -> int:
    """The status of a call with a token for a person's organization."""
    headers = {
        "authorization": f"Bearer {access_token}",
        "x-organization-id": str(person.organization.pk),
    }
    return call("GET", HERE, headers=headers).status


def assert_refused(answer: Answer) -> None:
    assert answer.status == 401, answer.body
    assert set(answer.body) == {"code", "detail"}
    assert answer.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_password_is_exchanged_for_tokens(alice: Person) -> None:
    answer = log_in("alice@example.com")
    assert answer.status == 200
    assert set(answer.body) == TOKENS
    assert (answer.body["token_type"], answer.body["expires_in"]) == ("Bearer", 3600)
    assert answer.body["access_token"] != answer.body["refresh_token"]
    assert use(alice, answer.body["access_token"]) == 200


def test_a_refresh_token_is_exchanged_for_new_tokens(alice: Person) -> None:
    first = log_in("alice@example.com").body
    answer = refresh(first["refresh_token"])
    assert answer.status == 200
    assert set(answer.body) == TOKENS
    assert (answer.body["token_type"], answer.body["expires_in"]) == ("Bearer", 3600)
    assert answer.body["access_token"] != first["access_token"]
    assert use(alice, answer.body["access_token"]) == 200
    assert refresh(answer.body["refresh_token"]).status == 200


@pytest.mark.parametrize("email", ["ALICE@EXAMPLE.COM", "Alice@example.Com", " alice@example.com "])
def test_the_case_of_an_email_and_spaces_around_it_do_not_matter(alice: Person, email: str) -> None:
    assert log_in(email).status == 200


def test_an_email_stored_in_capitals_is_found(organization: Organization) -> None:
    User.objects.create_user("Dora.Diaz@Example.com", PASSWORD)
    assert log_in("dora.diaz@example.com").status == 200


@each("password", ["wrong", PASSWORD + " ", " " + PASSWORD, PASSWORD.upper()])
def test_a_wrong_password_is_401(alice: Person, password: str) -> None:
    assert_refused(log_in("alice@example.com", password))
    assert log_in("alice@example.com").status == 200


def test_who_exists_and_who_is_inactive_is_not_told(alice: Person, bob: Person) -> None:
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    wrong = log_in("alice@example.com", "wrong")
    unknown = log_in("nobody@example.com")
    inactive = log_in("bob@example.com")
    for answer in (wrong, unknown, inactive):
        assert_refused(answer)
        assert answer.body == wrong.body


def test_a_user_without_a_password_cannot_log_in(organization: Organization) -> None:
    User.objects.create_user("sso@example.com")
    assert_refused(log_in("sso@example.com", "!"))


@each(
    ("body", "fields"),
    [
        ({}, ["email", "password"]),
        ({"email": "alice@example.com"}, ["password"]),
        ({"password": PASSWORD}, ["email"]),
        ({"email": "", "password": ""}, ["email", "password"]),
        ({"email": None, "password": None}, ["email", "password"]),
        ({"email": 1, "password": True}, ["email", "password"]),
        ({"email": ["alice@example.com"], "password": {"a": 1}}, ["email", "password"]),
        ({"email": "alice@example.com\0", "password": PASSWORD}, ["email"]),
        ({"email": "a" * 255, "password": "p" * 1001}, ["email", "password"]),
        ([], ["body"]),
    ],
)
def test_a_login_without_its_fields_names_them(alice: Person, body: Any, fields: list[str]) -> None:
    answer = call("POST", "/v1/auth/login", body)
    assert answer.status == 422
    assert answer.fields == fields


@pytest.mark.parametrize("body", [{}, {"refresh_token": None}, {"refresh_token": ""}])
def test_a_refresh_without_its_token_names_it(body: dict[str, Any]) -> None:
    answer = call("POST", "/v1/auth/refresh", body)
    assert answer.status == 422
    assert answer.fields == ["refresh_token"]


@pytest.mark.parametrize("path", ["/v1/auth/login", "/v1/auth/refresh"])
def test_logging_in_ignores_credentials_and_the_organization_header(
    alice: Person, path: str
) -> None:
    """A client that sends its headers everywhere may do so, stale ones too."""
    tokens = log_in("alice@example.com").body
    body = {"email": "alice@example.com", "password": PASSWORD, **tokens}
    headers = {"x-api-key": "sk_live_gone", "x-organization-id": "1", "authorization": "Bearer x"}
    assert call("POST", path, body, headers).status == 200


def test_an_access_token_is_no_refresh_token_and_the_reverse(alice: Person) -> None:
    tokens = log_in("alice@example.com").body
    assert_refused(refresh(tokens["access_token"]))
    assert use(alice, tokens["refresh_token"]) == 401


@pytest.mark.parametrize("token", ["nonsense", "a.b.c", "é", "."])
def test_a_forged_refresh_token_is_401(alice: Person, token: str) -> None:
    assert_refused(refresh(token))


def test_an_access_token_lasts_an_hour_and_a_refresh_token_thirty_days(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        tokens = log_in("alice@example.com").body
        clock.move_to(NOON + timedelta(minutes=59))
        assert use(alice, tokens["access_token"]) == 200
        clock.move_to(NOON + timedelta(minutes=61))
        assert use(alice, tokens["access_token"]) == 401
        clock.move_to(NOON + timedelta(days=29))
        assert use(alice, refresh(tokens["refresh_token"]).body["access_token"]) == 200
        clock.move_to(NOON + timedelta(days=31))
        assert_refused(refresh(tokens["refresh_token"]))


def test_a_new_password_ends_the_tokens_of_the_old_one(alice: Person) -> None:
    tokens = log_in("alice@example.com").body
    alice.user.set_password("a new and longer passphrase")
    alice.user.save(update_fields=["password"])
    assert use(alice, tokens["access_token"]) == 401
    assert_refused(refresh(tokens["refresh_token"]))
    assert_refused(log_in("alice@example.com"))
    fresh = log_in("alice@example.com", "a new and longer passphrase").body
    assert use(alice, fresh["access_token"]) == 200
    assert alice.get(HERE).status == 200, "keys are credentials of their own"


def test_an_inactive_users_tokens_stop_at_once(alice: Person) -> None:
    tokens = log_in("alice@example.com").body
    User.objects.filter(pk=alice.user.pk).update(is_active=False)
    assert use(alice, tokens["access_token"]) == 401
    assert_refused(refresh(tokens["refresh_token"]))
    User.objects.filter(pk=alice.user.pk).update(is_active=True)
    assert use(alice, tokens["access_token"]) == 200


def test_a_deleted_users_tokens_stop_at_once(bob: Person) -> None:
    tokens = log_in("bob@example.com").body
    bob.user.delete()
    assert use(bob, tokens["access_token"]) == 401
    assert_refused(refresh(tokens["refresh_token"]))


def test_a_removed_members_token_stops_at_once(bob: Person) -> None:
    tokens = log_in("bob@example.com").body
    assert use(bob, tokens["access_token"]) == 200
    Membership.objects.get(user=bob.user).delete()
    assert use(bob, tokens["access_token"]) == 404
    again = refresh(tokens["refresh_token"])
    assert again.status == 200, "there is still somebody to log in, only not for this organization"
    assert use(bob, again.body["access_token"]) == 404


def test_a_changed_role_counts_with_the_next_request(bob: Person, bearer: Bearer) -> None:
    headers = bearer(bob)
    site = {"name": "Depot", "type": "depot", "country": "ES"}

    def status_as(role: Role) -> int:
        Membership.objects.filter(user=bob.user).update(role=role)
        assert call("GET", HERE, headers=headers).body["role"] == role
        return call("POST", "/v1/facilities", site, headers).status

    assert [status_as(role) for role in (Role.VIEWER, Role.EDITOR)] == [403, 201]
    assert [status_as(role) for role in (Role.ADMIN, Role.VIEWER)] == [201, 403]


def test_a_token_serves_every_organization_of_its_user_with_the_role_there(
    alice: Person, elsewhere: Organization, bearer: Bearer
) -> None:
    Membership.objects.create(user=alice.user, organization=elsewhere, role=Role.VIEWER)
    headers = bearer(alice)
    other = {**headers, "x-organization-id": str(elsewhere.pk)}
    assert call("GET", HERE, headers=headers).body["role"] == "admin"
    assert call("GET", HERE, headers=other).body["role"] == "viewer"
    assert call("GET", "/v1/api-keys", headers=headers).status == 200
    assert call("GET", "/v1/api-keys", headers=other).status == 403


def lock_out(email: str = "alice@example.com", times: int = LIMIT) -> list[int]:
    return [log_in(email, "wrong").status for _ in range(times)]


def assert_locked_out(answer: Answer) -> None:
    assert answer.status == 429
    assert answer.headers["content-type"].startswith("application/json")
    assert set(answer.body) == {"code", "detail"}
    assert 0 < int(answer.headers["Retry-After"]) <= 15 * 60


def test_ten_wrong_passwords_lock_out_for_a_quarter_of_an_hour(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        assert lock_out(times=LIMIT - 1) == [401] * (LIMIT - 1)
        log_in("alice@example.com", "wrong")
        assert_locked_out(log_in("alice@example.com", "wrong"))
        assert_locked_out(log_in("alice@example.com"))
        clock.shift(timedelta(minutes=14, seconds=59))
        assert log_in("ALICE@example.com").status == 429
    with time_machine.travel(NOON + timedelta(hours=1), tick=False) as clock:
        lock_out(times=LIMIT)
        clock.shift(timedelta(minutes=15, seconds=1))
        assert log_in("alice@example.com").status == 200


def test_the_attempt_that_locks_out_is_answered_in_the_one_shape_of_errors(alice: Person) -> None:
    lock_out(times=LIMIT - 1)
    tenth = log_in("alice@example.com", "wrong")
    if tenth.status == 401:
        assert_refused(tenth)
    else:
        assert_locked_out(tenth)


def test_retry_after_is_when_the_lock_opens(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        lock_out()
        wait = int(log_in("alice@example.com").headers["Retry-After"])
        clock.shift(timedelta(seconds=wait + 1))
        assert log_in("alice@example.com").status == 200


@pytest.mark.parametrize("email", ["alice@example.com", "Dora.Diaz@example.com"])
def test_nine_wrong_passwords_are_forgotten_after_a_right_one(alice: Person, email: str) -> None:
    if not User.objects.filter(email=email).exists():
        User.objects.create_user(email, PASSWORD)
    for _ in range(2):
        assert lock_out(email, LIMIT - 1) == [401] * (LIMIT - 1)
        assert log_in(email).status == 200


def test_the_case_of_the_email_does_not_get_around_the_lock(alice: Person) -> None:
    lock_out("alice@example.com", 4)
    lock_out("ALICE@example.com", 4)
    lock_out("Alice@Example.com", 4)
    assert_locked_out(log_in("alice@example.com"))


def test_another_user_agent_does_not_get_around_the_lock(alice: Person) -> None:
    lock_out(times=LIMIT // 2)
    body = {"email": "alice@example.com", "password": "wrong"}
    for number in range(LIMIT // 2):
        call("POST", "/v1/auth/login", body, {"user-agent": f"browser {number}"})
    assert log_in("alice@example.com").status == 429


def test_a_lock_is_of_one_email_from_one_address(alice: Person, bob: Person) -> None:
    lock_out()
    assert log_in("alice@example.com").status == 429
    assert log_in("bob@example.com").status == 200
    elsewhere = Client(REMOTE_ADDR="192.0.2.7").post(
        "/v1/auth/login",
        {"email": "alice@example.com", "password": PASSWORD},
        content_type="application/json",
    )
    assert elsewhere.status_code == 200


def test_an_email_that_nobody_has_is_locked_out_alike(alice: Person) -> None:
    assert lock_out("nobody@example.com", LIMIT + 1) == lock_out(times=LIMIT + 1)
    unknown, known = (
        log_in(email, "wrong") for email in ("nobody@example.com", "alice@example.com")
    )
    assert (unknown.status, unknown.body) == (known.status, known.body)


def test_a_lock_ends_no_token_and_no_key(alice: Person) -> None:
    tokens = log_in("alice@example.com").body
    lock_out()
    assert log_in("alice@example.com").status == 429
    assert use(alice, tokens["access_token"]) == 200
    assert refresh(tokens["refresh_token"]).status == 200
    assert alice.get(HERE).status == 200


def test_no_password_is_stored_with_a_failed_attempt(alice: Person) -> None:
    log_in("alice@example.com", "my other passphrase")
    [attempt] = AccessAttempt.objects.values()
    assert attempt["username"] == "alice@example.com"
    assert "my other passphrase" not in str(attempt)


def test_tokens_are_signed_with_the_secret_key_and_carry_no_personal_data(alice: Person) -> None:
    token = log_in("alice@example.com").body["access_token"]
    claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"])
    assert claims["user_id"] == str(alice.user.pk)
    assert "alice" not in str(claims).lower()
    assert alice.user.password not in str(claims)
