"""`Idempotency-Key`: a POST that is sent again is done once."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from config.api import router
from emissions.models import Consumption
from facilities.models import Facility
from organizations.models import APIKey, IdempotentAnswer
from organizations.rest.idempotency import RetriedSafely
from tests.conftest import Answer, Person
from tests.test_concurrency import together

pytestmark = pytest.mark.django_db

KEY = {"idempotency-key": "9f1c2a34-order 17"}
SITE = {"name": "Madrid Office", "type": "office", "country": "ES"}


def post(who: Person, body: Any = SITE, path: str = "/v1/facilities", **headers: str) -> Answer:
    return who.call("POST", path, body, **{**KEY, **headers})


def test_the_same_request_is_done_once_and_answered_twice(erin: Person) -> None:
    first, second = post(erin), post(erin)
    assert (first.status, second.status) == (201, 201)
    assert second.body == first.body
    for name in ("location", "etag", "content-type"):
        assert second.headers.get(name) == first.headers.get(name), name
    assert "idempotent-replayed" not in first.headers
    assert second.headers["idempotent-replayed"] == "true"
    assert Facility.objects.count() == 1


def test_numbers_of_a_replay_are_written_as_in_the_first_answer(erin: Person) -> None:
    bill = {
        "facility_id": erin.facility()["id"],
        "category": "electricity",
        "quantity": 1234.5,
        "unit": "kWh",
        "start_date": "2023-03-01",
        "end_date": "2023-03-31",
    }
    first = post(erin, bill, "/v1/consumptions")
    assert first.status == 201, first.body
    assert post(erin, bill, "/v1/consumptions").body == first.body
    assert Consumption.objects.count() == 1


def test_another_request_under_the_same_key_is_refused(erin: Person) -> None:
    post(erin)
    answer = post(erin, {**SITE, "name": "Other"})
    assert answer.status == 422
    assert answer.error("idempotency-key")["code"] == "idempotency_key_reused"
    elsewhere = post(erin, SITE, "/v1/emission-factors")
    assert elsewhere.error("idempotency-key")["code"] == "idempotency_key_reused"
    assert Facility.objects.count() == 1


def test_a_refusal_is_answered_again_too_and_stores_nothing(erin: Person) -> None:
    first, second = (post(erin, {**SITE, "country": "XX"}) for _ in range(2))
    assert (first.status, second.status) == (422, 422)
    assert second.body == first.body
    assert second.headers["idempotent-replayed"] == "true"


def test_a_taken_name_is_refused_in_the_same_words_as_without_a_key(erin: Person) -> None:
    erin.facility(external_id="MAD")
    plain = erin.post("/v1/facilities", {**SITE, "external_id": "MAD"})
    assert post(erin, {**SITE, "external_id": "MAD"}).body == plain.body


def test_what_may_change_is_not_kept(erin: Person, bob: Person) -> None:
    assert post(bob).status == 403
    bob_row = APIKey.objects.get(name="bob")
    bob_row.role = "editor"
    bob_row.save()
    assert post(bob).status == 201


@pytest.mark.parametrize("key", ["", " ", "é", "x" * 256, "tab\tinside"])
def test_a_key_that_cannot_be_kept_is_refused(erin: Person, key: str) -> None:
    answer = post(erin, **{"idempotency-key": key})
    assert answer.status == 422
    assert answer.fields == ["idempotency-key"]
    assert not Facility.objects.exists()


def test_each_credential_has_keys_of_its_own(erin: Person, alice: Person, charlie: Person) -> None:
    ids = {post(who).body["id"] for who in (erin, alice, charlie)}
    assert len(ids) == 3


def test_a_revoked_key_gets_no_answer_again(erin: Person) -> None:
    post(erin)
    APIKey.objects.get(name="erin").revoke()
    assert post(erin).status == 401


def test_a_new_api_key_comes_again_and_is_stored_for_nobody_to_read(alice: Person) -> None:
    body = {"name": "ERP", "role": "editor"}
    first, second = (post(alice, body, "/v1/api-keys") for _ in range(2))
    assert first.status == 201
    assert second.body == first.body
    assert APIKey.objects.filter(name="ERP").count() == 1
    [stored] = IdempotentAnswer.objects.all()
    assert first.body["key"].encode() not in bytes(stored.body)


def test_after_a_day_a_key_is_new_again_and_old_answers_are_cleared(erin: Person) -> None:
    with time_machine.travel(timezone.now() - timedelta(hours=25), tick=True):
        row = IdempotentAnswer(
            organization=erin.organization, credential=APIKey.objects.get(name="erin").pk,
            key=KEY["idempotency-key"], fingerprint="0", status=201, headers={}, body=b"",
        )  # fmt: skip
        row.created_at = timezone.now()
    row.save()
    assert post(erin).status == 201
    assert IdempotentAnswer.objects.get().pk != row.pk


def test_without_the_header_nothing_is_kept(erin: Person) -> None:
    erin.post("/v1/facilities", SITE)
    assert not IdempotentAnswer.objects.exists()


def test_an_answer_under_a_lost_secret_is_said_to_be_unreadable(
    erin: Person, settings: Any
) -> None:
    first, before = post(erin), settings.SECRET_KEY
    settings.SECRET_KEY = "another secret key of fifty or more characters, at last"
    answer = post(erin)
    assert (answer.status, answer.body["code"]) == (409, "idempotency_answer_unreadable")
    settings.SECRET_KEY_FALLBACKS = [before]
    assert post(erin).body == first.body


def test_every_post_of_the_api_takes_a_key() -> None:
    for prefix, view, _ in router.registry:
        if hasattr(view, "create"):
            assert issubclass(view, RetriedSafely), prefix


def test_of_eight_equal_requests_at_once_one_is_done(committed: None, erin: Person) -> None:
    answers = together([lambda: post(erin)] * 8)
    assert Facility.objects.count() == 1
    assert {one.status for one in answers} <= {201, 409}
    assert 201 in {one.status for one in answers}
    for waiting in (one for one in answers if one.status == 409):
        assert waiting.body["code"] == "idempotency_key_in_use"
        assert int(waiting.headers["retry-after"]) >= 1
    assert post(erin).headers["idempotent-replayed"] == "true"
