"""Refresh tokens that work once, what ends when one comes twice, and POST /v1/auth/logout."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
import time_machine
from django.db import connection
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from organizations.models import AuditEvent, TokenFamily, User
from tests.conftest import PASSWORD, Answer, Person, call
from tests.organizations.conftest import log_in

NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)


def refresh(tokens: dict[str, Any]) -> Answer:
    return call("POST", "/v1/auth/refresh", {"refresh_token": tokens["refresh_token"]})


def log_out(tokens: dict[str, Any]) -> Answer:
    return call("POST", "/v1/auth/logout", {"refresh_token": tokens["refresh_token"]})


def status_of(person: Person, tokens: dict[str, Any]) -> int:
    headers = {
        "authorization": f"Bearer {tokens['access_token']}",
        "x-organization-id": str(person.organization.pk),
    }
    return call("GET", "/v1/facilities", headers=headers).status


def events(person: Person) -> list[str]:
    rows = AuditEvent.objects.for_organization(person.organization.pk).order_by("number")
    return list(rows.values_list("event", flat=True))


@pytest.mark.django_db
def test_a_refresh_token_that_comes_twice_ends_all_that_followed_from_it(alice: Person) -> None:
    first = log_in("alice@example.com").body
    second = refresh(first).body
    third = refresh(second).body
    assert [status_of(alice, one) for one in (first, second, third)] == [200, 200, 200]
    assert refresh(first).status == 401
    assert refresh(third).status == 401, "whoever has the newest may be the thief"
    assert [status_of(alice, one) for one in (first, second, third)] == [401, 401, 401]
    assert events(alice)[-1] == "token_reused"
    refresh(second)
    assert events(alice).count("token_reused") == 1, "what has ended, ends once"


@pytest.mark.django_db
def test_another_log_in_of_the_same_person_goes_on(alice: Person) -> None:
    phone, laptop = log_in("alice@example.com").body, log_in("alice@example.com").body
    refresh(phone)
    assert refresh(phone).status == 401
    assert status_of(alice, laptop) == 200
    assert refresh(laptop).status == 200


@pytest.mark.django_db
def test_logging_out_ends_every_token_of_that_log_in(alice: Person) -> None:
    tokens, other = log_in("alice@example.com").body, log_in("alice@example.com").body
    newer = refresh(tokens).body
    assert log_out(newer).status == 204
    assert [status_of(alice, one) for one in (tokens, newer, other)] == [401, 401, 200]
    assert refresh(newer).status == 401
    assert log_out(newer).status == 204, "somebody who is logged out already is logged out"
    assert events(alice).count("logout") == 1
    assert "token_reused" not in events(alice)


@pytest.mark.django_db
def test_an_older_refresh_token_logs_out_too(alice: Person) -> None:
    tokens = log_in("alice@example.com").body
    newer = refresh(tokens).body
    assert log_out(tokens).status == 204
    assert status_of(alice, newer) == 401


@pytest.mark.django_db
@pytest.mark.parametrize("token", ["nonsense", "a.b.c"])
def test_a_forged_token_logs_nobody_out(alice: Person, token: str) -> None:
    answer = call("POST", "/v1/auth/logout", {"refresh_token": token})
    assert answer.status == 401
    assert call("POST", "/v1/auth/logout", {}).fields == ["refresh_token"]


@pytest.mark.django_db
def test_tokens_without_a_family_open_nothing(alice: Person) -> None:
    """Tokens from before there were families: their people log in again."""
    old = RefreshToken.for_user(User.objects.get(pk=alice.user.pk))
    tokens = {"refresh_token": str(old), "access_token": str(old.access_token)}
    assert refresh(tokens).status == 401
    assert status_of(alice, tokens) == 401


@pytest.mark.django_db
def test_a_token_names_its_own_persons_family(alice: Person, bob: Person) -> None:
    """Whose family it is belongs to the question, though a token's signature holds it already."""
    mine = log_in("bob@example.com").body
    token = AccessToken.for_user(User.objects.get(pk=alice.user.pk))
    token["family"] = AccessToken(mine["access_token"])["family"]
    assert status_of(alice, {"access_token": str(token)}) == 401


@pytest.mark.django_db
def test_families_that_have_run_out_are_cleared_away_by_a_log_in(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        log_in("alice@example.com")
        clock.shift(timedelta(days=20))
        kept = log_in("alice@example.com").body
        clock.shift(timedelta(days=11))
        log_in("alice@example.com")
        assert TokenFamily.objects.count() == 2
        assert refresh(kept).status == 200


@pytest.mark.django_db
def test_no_token_is_stored(alice: Person) -> None:
    tokens = log_in("alice@example.com").body
    [row] = TokenFamily.objects.values()
    for token in (tokens["access_token"], tokens["refresh_token"]):
        assert token not in str(row)
        assert token.rpartition(".")[2] not in str(row)


def at_once(tasks: list[Callable[[], Answer]]) -> list[int]:
    """The statuses of calls that begin together, each in a thread with its own connection."""
    start, found = Barrier(len(tasks)), []

    def run(task: Callable[[], Answer]) -> None:
        start.wait(10)
        try:
            found.append(task().status)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(one,)) for one in tasks]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    return sorted(found)


def test_of_one_refresh_token_sent_at_once_from_many_sides_one_wins_and_all_ends(
    committed: None, alice: Person
) -> None:
    tokens = log_in("alice@example.com", PASSWORD).body
    assert at_once([lambda: refresh(tokens)] * 4) == [200, 401, 401, 401]
    assert not TokenFamily.objects.exists()
    assert status_of(alice, tokens) == 401
