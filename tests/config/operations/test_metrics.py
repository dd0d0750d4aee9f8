"""What Prometheus reads, and who may."""

import re
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from django_tasks_db.models import DBTaskResult

from tests.conftest import Answer, Person, call

pytestmark = pytest.mark.django_db


@pytest.fixture
def allowed(settings: Any) -> None:
    settings.METRICS_TOKEN = "a-long-token"


def read(**headers: str) -> Answer:
    return call("GET", "/metrics", headers=headers)


def value(name: str) -> Any:
    """A number by its name and labels; 0 where there is none yet."""
    answer = read(authorization="Bearer a-long-token")
    assert answer.status == 200
    found = re.search(rf"^{re.escape(name)} (\S+)$", answer.body.decode(), re.MULTILINE)
    return int(found[1].removesuffix(".0")) if found else 0


def test_there_is_nothing_for_who_is_not_allowed(settings: Any) -> None:
    nothing = call("GET", "/nothing")
    for headers in ({}, {"authorization": "Bearer "}, {"authorization": "Bearer x"}):
        answer = read(**headers)
        assert (answer.status, answer.body) == (404, nothing.body)
    settings.METRICS_TOKEN = "a-long-token"
    for sent in ("", "Bearer", "Bearer wrong", "Basic a-long-token", "a-long-token"):
        assert read(authorization=sent).status == 404
    answer = read(authorization="Bearer a-long-token")
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")


def test_an_address_may_be_allowed(settings: Any) -> None:
    settings.METRICS_ALLOWED = ["10.0.0.0/8", "127.0.0.1"]
    assert read().status == 200
    settings.METRICS_ALLOWED = ["10.0.0.0/8"]
    assert read().status == 404
    settings.TRUSTED_PROXIES = 1
    assert read(**{"x-forwarded-for": "10.1.2.3"}).status == 200
    assert read(**{"x-forwarded-for": "10.1.2.3, 192.0.2.1"}).status == 404


def test_a_proxy_that_is_not_counted_does_not_let_everybody_in(settings: Any) -> None:
    settings.METRICS_ALLOWED = ["127.0.0.1"]
    assert read(**{"x-forwarded-for": "192.0.2.1"}).status == 404


@pytest.mark.usefixtures("allowed")
def test_requests_are_counted_by_method_route_and_status(alice: Person) -> None:
    one = 'facilities_requests_total{method="GET",route="/v1/facilities/<pk>",status="200"}'
    took = 'facilities_request_seconds_count{method="GET",route="/v1/facilities/<pk>"}'
    facility = alice.facility()
    before = value(one), value(took)
    alice.get(f"/v1/facilities/{facility['id']}")
    assert (value(one), value(took)) == (before[0] + 1, before[1] + 1)
    nowhere = 'facilities_requests_total{method="other",route="none",status="404"}'
    before = value(nowhere)
    for path in ("/a", "/b"):
        call("PROPFIND", path)
    assert value(nowhere) == before + 2, "what somebody makes up makes no new series"


@pytest.mark.usefixtures("allowed")
def test_queue_recalculations_and_imports_come_from_the_database(alice: Person) -> None:
    assert value("facilities_database_up") == 1
    imports = 'facilities_imports{kind="facilities",outcome="stored"}'
    before = value(imports)
    rows = [{"name": "Depot", "type": "depot", "country": "ES"}]
    assert alice.post("/v1/imports?kind=facilities", rows).status == 201
    assert value(imports) == before + 1
    text = read(authorization="Bearer a-long-token").body.decode()
    for name in (
        "facilities_queue_tasks 0.0",
        "facilities_queue_age_seconds 0.0",
        'facilities_recalculations{state="running"} 0.0',
        "facilities_recalculation_pending 0.0",
    ):
        assert name in text


@pytest.mark.usefixtures("allowed")
def test_what_waits_for_the_worker_is_counted_with_its_age(alice: Person) -> None:
    DBTaskResult.objects.create(
        task_path="emissions.ledger.runs.work_off",
        args_kwargs={"args": [], "kwargs": {}},
        backend_name="default",
        run_after=timezone.now(),
        exception_class_path="",
        traceback="",
    )
    DBTaskResult.objects.update(enqueued_at=timezone.now() - timedelta(seconds=100))
    text = read(authorization="Bearer a-long-token").body.decode()
    assert "facilities_queue_tasks 1.0" in text
    [age] = re.findall(r"^facilities_queue_age_seconds (\d+)", text, re.MULTILINE)
    assert 100 <= int(age) < 160
