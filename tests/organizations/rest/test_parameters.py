"""422: parameters of lists and breakdowns that are unknown, or mean nothing."""

import pytest

from tests.cases import each
from tests.conftest import Person
from tests.wire import assert_error, assert_refused

pytestmark = pytest.mark.django_db

LISTS = ["/v1/facilities", "/v1/consumptions", "/v1/emission-factors", "/v1/api-keys"]


@each(
    ("query", "field"),
    [
        ("nope=1", "nope"),
        ("nope[]=1", "nope"),
        ("Name=x", "Name"),
        ("organization_id=1", "organization_id"),
        ("format=json", "format"),
        ("page=1&page=2", "page"),
        ("size=5&size=5", "size"),
        ("sort=id&sort=created_at", "sort"),
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=1.0", "page"),
        ("page=x", "page"),
        ("page=", "page"),
        ("page=%D9%A1", "page"),
        ("page=" + "9" * 5000, "page"),
        ("size=0", "size"),
        ("size=101", "size"),
        ("size=%00", "size"),
        ("sort=nope", "sort"),
        ("sort=id,-id", "sort"),
        ("sort=--id", "sort"),
        ("sort=organization", "sort"),
        ("sort=%00", "sort"),
    ],
    ids=lambda text: text[:30],
)
def test_a_list_refuses_parameters_it_does_not_know(alice: Person, query: str, field: str) -> None:
    for path in LISTS:
        assert_refused(alice.get(f"{path}?{query}"), field)


@pytest.mark.parametrize("name", ["page", "size", "sort"])
def test_brackets_behind_a_single_parameter_are_never_passed_over(alice: Person, name: str) -> None:
    """Read as without them, or refused as unknown; either way this value is 422."""
    for path in LISTS:
        assert_error(alice.get(f"{path}?{name}[]=nope"), 422, "validation_error")


@each(
    "query",
    [
        "facilities?status=nope",
        "facilities?status=active&status[]=nope",
        "facilities?category=coal",
        "facilities?country=Spain",
        "facilities?co2e_min=NaN",
        "facilities?co2e_min=Infinity",
        "facilities?co2e_max=1e400",
        "facilities?co2e_max=ten",
        "facilities?created_after=yesterday",
        "facilities?created_after=0001-01-01T00:00:00%2B14:00",
        "facilities?updated_before=9999-12-31T23:59:59-14:00",
        "facilities?name=a&name=b",
        "facilities?name=%00",
        "facilities?type=%00",
        "facilities?cups=%00",
        "consumptions?facility_id=1",
        "consumptions?start_date=2023-02-29",
        "consumptions?start_date=20230201",
        "consumptions?end_date=2023-01-01T00:00",
        "consumptions?end_date=0000-01-01",
        "consumptions?start_date=2023-01-01&start_date=2023-01-02",
        "consumptions?supplier=%00",
        "consumptions?co2e_status=complete",
        "emission-factors?own=1",
        "emission-factors?valid_on=today",
        "emission-factors?source=%00",
        "emission-factors?unit=barrel",
    ],
)
def test_a_filter_refuses_a_value_it_cannot_mean(alice: Person, query: str) -> None:
    field = query.partition("?")[2].partition("=")[0]
    assert_refused(alice.get(f"/v1/{query}"), field)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("nope=1", "nope"),
        ("page=1", "page"),
        ("group_by=nope", "group_by"),
        ("group_by=month&group_by[]=nope", "group_by"),
        ("group_by=", "group_by"),
        ("group_by=%00", "group_by"),
        ("start_date=today", "start_date"),
        ("start_date=", "start_date"),
        ("start_date=2023-01-01&start_date=2023-01-02", "start_date"),
        ("end_date[]=2023-01-01&end_date=2023-01-02", "end_date"),
    ],
)
def test_a_breakdown_refuses_parameters_it_does_not_know(
    alice: Person, query: str, field: str
) -> None:
    path = f"/v1/facilities/{alice.facility()['id']}/emissions"
    assert_refused(alice.get(f"{path}?{query}"), field)


@pytest.mark.parametrize(
    ("query", "helps"),
    [
        ("emissions?group_by=colour", "“colour” is none of: category, activity, scope, month"),
        ("emissions?scope=4", "“4” is none of: 1, 2, 3."),
        ("emissions?start_date=01/02/2023", "Write a day of the calendar like 2024-02-29."),
        ("emissions?as_of=now", "Write a moment like 2024-02-29T12:00:00Z."),
        ("facilities?status=gone", "“gone” is none of: active, archived."),
        ("facilities?co2e_min=1,5", "Write a number like 1234.5."),
        ("reports/inventory?year=x", "Write a year like 2024."),
    ],
)
def test_a_refused_parameter_says_what_may_stand_there(
    alice: Person, query: str, helps: str
) -> None:
    [error] = alice.get(f"/v1/{query}").body["errors"]
    assert error["detail"].startswith(helps)


def test_a_refused_choice_of_a_body_says_which_there_are(alice: Person) -> None:
    body = {"name": "A", "type": "office", "country": "ES", "status": "gone"}
    error = alice.post("/v1/facilities", body).error("status")
    assert error["code"] == "invalid_choice"
    assert error["detail"] == "“gone” is none of: active, archived."


def test_a_query_that_is_not_utf8_is_no_crash(alice: Person) -> None:
    for path in LISTS[:3]:
        assert_refused(alice.get(f"{path}?%ED%A0%80=1"), "\ufffd\ufffd\ufffd")
    assert alice.get("/v1/facilities?name=%ED%A0%80").body["total"] == 0
    assert alice.get("/v1/facilities?type=%FF").body["total"] == 0
