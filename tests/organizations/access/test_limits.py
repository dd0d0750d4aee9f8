"""Quotas of requests: for one key, one person, one address, counted for all processes together."""

from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import RequestFactory

from organizations.access import limits
from organizations.access.limits import Limit, address_of
from organizations.models import RequestCount
from tests.conftest import Person, call
from tests.organizations.conftest import Bearer

pytestmark = pytest.mark.django_db

NOON = datetime(2026, 3, 1, 12, 0, 15, tzinfo=UTC)


@pytest.fixture(autouse=True)
def noon() -> Any:
    """A quarter into a minute, with nothing counted so far."""
    for one in (limits.KEY, limits.ADDRESS):
        one._counts.clear()
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


def test_a_key_has_a_quota_each_minute(erin: Person, settings: Any, noon: Any) -> None:
    settings.REQUESTS_PER_KEY = 3
    answers = [erin.get("/v1/facilities") for _ in range(4)]
    assert [one.status for one in answers] == [200, 200, 200, 429]
    refused = answers[-1]
    assert refused.body["code"] == "throttled"
    assert refused.headers["retry-after"] == "45"
    assert "3 requests a minute" in refused.body["detail"]
    assert [one.headers["ratelimit"] for one in answers] == [
        '"key";r=2;t=45',
        '"key";r=1;t=45',
        '"key";r=0;t=45',
        '"key";r=0;t=45',
    ]
    assert answers[0].headers["ratelimit-policy"] == '"key";q=3;w=60'
    noon.shift(45)
    assert erin.get("/v1/facilities").status == 200


def test_each_key_and_each_person_has_a_quota_of_their_own(
    erin: Person, bob: Person, bearer: Bearer, settings: Any
) -> None:
    settings.REQUESTS_PER_KEY = 1
    tokens = bearer(erin)
    assert erin.get("/v1/facilities").status == 200
    assert erin.get("/v1/facilities").status == 429
    assert bob.get("/v1/facilities").status == 200
    assert call("GET", "/v1/facilities", headers=tokens).status == 200
    assert call("GET", "/v1/facilities", headers=tokens).status == 429


def test_an_address_has_a_quota_whatever_its_credentials(erin: Person, settings: Any) -> None:
    settings.REQUESTS_PER_ADDRESS = 3
    for _ in range(3):
        assert call("GET", "/v1/facilities", headers={"x-api-key": "sk_live_no"}).status == 401
    refused = erin.get("/v1/facilities")
    assert refused.status == 429
    assert refused.headers["retry-after"] == "45"
    assert call("POST", "/v1/auth/login", {"email": "a@b.c", "password": "x"}).status == 429
    assert call("GET", "/healthz").status == 200, "a probe is not counted"


def test_the_admin_has_a_page_for_it(client: Any, settings: Any) -> None:
    settings.REQUESTS_PER_ADDRESS = 1
    client.get("/admin/login/")
    page = client.get("/admin/login/")
    assert page.status_code == 429
    assert page.headers["content-type"].startswith("text/html")
    assert page.headers["retry-after"] == "45"


def test_both_limits_are_said_together(erin: Person, settings: Any) -> None:
    settings.REQUESTS_PER_KEY, settings.REQUESTS_PER_ADDRESS = 10, 20
    headers = erin.get("/v1/facilities").headers
    assert headers["ratelimit-policy"] == '"address";q=20;w=60, "key";q=10;w=60'
    assert headers["ratelimit"] == '"address";r=19;t=45, "key";r=9;t=45'


def test_without_limits_nothing_is_said(erin: Person) -> None:
    assert "ratelimit" not in erin.get("/v1/facilities").headers


@pytest.mark.skipif(connection.vendor != "postgresql", reason="there each process counts alone")
def test_processes_share_one_count_and_let_no_more_through(settings: Any) -> None:
    settings.REQUESTS_PER_KEY = 200
    processes = [Limit("key", "REQUESTS_PER_KEY") for _ in range(3)]
    passed = 0
    for turn in range(600):
        try:
            processes[turn % 3].spend(RequestFactory().get("/v1/"), "somebody")
        except limits.Throttled:
            continue
        passed += 1
    assert passed == 200
    assert RequestCount.objects.get().requests <= 200 + 3 * 4


@pytest.mark.skipif(connection.vendor != "postgresql", reason="there each process counts alone")
def test_who_does_not_come_back_is_forgotten(settings: Any, noon: Any) -> None:
    settings.REQUESTS_PER_KEY = 5
    limits.KEY.spend(RequestFactory().get("/v1/"), "once")
    noon.shift(2 * 3600)
    limits.KEY.spend(RequestFactory().get("/v1/"), "later")
    assert [one.caller for one in RequestCount.objects.all()] == ["key later"]


@pytest.mark.parametrize(
    ("proxies", "forwarded", "address"),
    [
        (0, "9.9.9.9", "127.0.0.1"),
        (1, "9.9.9.9", "9.9.9.9"),
        (1, "1.1.1.1, 9.9.9.9", "9.9.9.9"),
        (2, "1.1.1.1, 9.9.9.9, 10.0.0.1", "9.9.9.9"),
        (2, "9.9.9.9", "9.9.9.9"),
        (1, "", "127.0.0.1"),
    ],
)
def test_an_address_is_believed_as_far_as_proxies_are_trusted(
    settings: Any, proxies: int, forwarded: str, address: str
) -> None:
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get("/", headers={"x-forwarded-for": forwarded})
    assert address_of(request) == address
