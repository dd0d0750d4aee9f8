"""POST …/preview: what a write would change is what it then changes, and nothing is stored."""

from decimal import Decimal
from typing import Any

import pytest

from emissions.models import Consumption, Emission, EmissionFactor
from tests.cases import each
from tests.conftest import Person
from tests.emissions.figures import gas, kg, refill

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

FACTOR = {
    "category": "electricity", "activity": "grid", "country": "ES", "method": "location",
    "unit": "kWh", "valid_from": "2023-01-01", "co2e": Decimal("0.5"),
}  # fmt: skip


@pytest.fixture
def sites(erin: Person) -> list[dict[str, Any]]:
    """Two facilities with bills of two years."""
    home, away = erin.facility(name="Home"), erin.facility(name="Away", country="FR")
    erin.consumption(home)
    erin.consumption(home, start_date="2023-12-17", end_date="2024-01-15")
    gas(erin, home)
    refill(erin, home)
    erin.consumption(away)
    return [home, away]


def preview(person: Person, path: str, body: Any) -> dict[str, Any]:
    count = Emission.objects.count(), Consumption.objects.count(), EmissionFactor.objects.count()
    answer = person.post(f"/v1/{path}", body)
    assert answer.status == 200, answer.body
    now = Emission.objects.count(), Consumption.objects.count(), EmissionFactor.objects.count()
    assert now == count, "it stored something"
    return answer.body


def totals(person: Person) -> tuple[dict[int, Any], dict[str, Any]]:
    """The organization's kg by year and by facility."""
    years = person.get("/v1/emissions?group_by=year").body["items"]
    facilities = person.get("/v1/facilities").body["items"]
    return {one["year"]: kg(one) for one in years}, {one["id"]: kg(one) for one in facilities}


def hold(person: Person, seen: dict[str, Any], write: Any) -> None:
    """The write moves what the preview said."""
    years, places = totals(person)
    assert write().status in (200, 201)
    new_years, new_places = totals(person)
    moved = {year: minus(new_years.get(year), years.get(year)) for year in years | new_years}
    said = {one["year"]: minus(kg(one["after"]), kg(one["before"])) for one in seen["by_year"]}
    assert {year: by for year, by in said.items() if any(by)} == {
        year: by for year, by in moved.items() if any(by)
    }
    assert minus(kg(seen["after"]), kg(seen["before"])) == [
        sum(column) for column in zip(*said.values(), strict=True)
    ]
    for one in seen["largest"]:
        pk = one["facility_id"]
        assert (kg(one["before"]), kg(one["after"])) == (places[pk], new_places[pk])
    changed = {pk for pk in places if places[pk] != new_places[pk]}
    assert changed <= {one["facility_id"] for one in seen["largest"]}


def minus(after: Any, before: Any) -> list[Any]:
    return [a - b for a, b in zip(after or [0, 0, 0], before or [0, 0, 0], strict=True)]


def test_a_new_factor(erin: Person, sites: Any) -> None:
    seen = preview(erin, "emission-factors/preview", FACTOR)
    assert (seen["consumptions"], seen["facilities"]) == (2, 1)
    assert (seen["gained"], seen["lost"]) == (0, 0)
    assert [one["year"] for one in seen["by_year"]] == [2023, 2024]
    assert [one["name"] for one in seen["largest"]] == ["Home"]
    hold(erin, seen, lambda: erin.post("/v1/emission-factors", FACTOR))


def test_a_changed_factor(erin: Person, sites: Any) -> None:
    stored = erin.post("/v1/emission-factors", FACTOR).body
    change = {"valid_to": "2023-12-31", "co2e": Decimal("0.4")}
    seen = preview(erin, "emission-factors/preview", {"id": stored["id"], **change})
    assert seen["consumptions"] == 2
    hold(erin, seen, lambda: erin.patch(f"/v1/emission-factors/{stored['id']}", change))


def test_a_factor_that_gives_a_first_figure(erin: Person) -> None:
    site = erin.facility(country="AQ")
    erin.consumption(site)
    body = {**FACTOR, "country": "AQ"}
    seen = preview(erin, "emission-factors/preview", body)
    assert (seen["consumptions"], seen["gained"], seen["after"]["co2e"]) == (1, 1, 500)
    hold(erin, seen, lambda: erin.post("/v1/emission-factors", body))


@each("change", [{"country": "PT"}, {"categories": ["heat"]}, {"type": "depot"}, {"name": "Other"}])
def test_a_changed_facility(erin: Person, sites: Any, change: dict[str, Any]) -> None:
    path = f"facilities/{sites[0]['id']}"
    seen = preview(erin, f"{path}/preview", change)
    assert bool(seen["consumptions"]) == ("name" not in change)
    if seen["consumptions"]:
        hold(erin, seen, lambda: erin.patch(f"/v1/{path}", change))
    else:
        assert (seen["by_year"], seen["largest"]) == ([], [])


def test_a_new_and_a_changed_bill(erin: Person, sites: Any) -> None:
    body = {
        "facility_id": sites[1]["id"], "category": "electricity", "quantity": 77, "unit": "MWh",
        "start_date": "2023-11-01", "end_date": "2024-02-29",
    }  # fmt: skip
    seen = preview(erin, "consumptions/preview", body)
    assert (seen["consumptions"], seen["gained"]) == (1, 1)
    hold(erin, seen, lambda: erin.post("/v1/consumptions", body))
    [row] = [one for one in erin.get("/v1/consumptions").body["items"] if one["quantity"] == 77]
    for change in ({"facility_id": sites[0]["id"]}, {"quantity": 1}, {"status": "inactive"}):
        seen = preview(erin, "consumptions/preview", {"id": row["id"], **change})
        path = f"/v1/consumptions/{row['id']}"
        hold(erin, seen, lambda path=path, change=change: erin.patch(path, change))


def test_a_closed_year_does_not_move(alice: Person, erin: Person, sites: Any) -> None:
    assert alice.post("/v1/periods/2023/close", None).status == 200
    seen = preview(erin, "emission-factors/preview", FACTOR)
    assert [one["year"] for one in seen["by_year"]] == [2024]
    hold(erin, seen, lambda: erin.post("/v1/emission-factors", FACTOR))


@each(
    ("path", "body", "field"),
    [
        ("emission-factors/preview", {**FACTOR, "co2e": -1}, "co2e"),
        ("emission-factors/preview", {"co2e": 1, "id": "x"}, "id"),
        ("emission-factors/preview", {"co2e": 1, "id": 3}, "id"),
        ("consumptions/preview", {"quantity": 1}, "facility_id"),
        ("consumptions/preview", {"id": "01a21ca2-4098-74df-877c-690c54831964"}, "id"),
        ("facilities/{}/preview", {"country": "Spain"}, "country"),
    ],
)
def test_it_refuses_what_the_write_refuses(
    erin: Person, sites: Any, path: str, body: Any, field: str
) -> None:
    answer = erin.post(f"/v1/{path.format(sites[0]['id'])}", body)
    assert answer.status == 422
    assert field in answer.fields


def test_another_organizations_rows_do_not_exist(erin: Person, charlie: Person, sites: Any) -> None:
    factor = erin.post("/v1/emission-factors", FACTOR).body
    bill = erin.get("/v1/consumptions").body["items"][0]
    assert charlie.post(f"/v1/facilities/{sites[0]['id']}/preview", {}).status == 404
    for path, pk in (("emission-factors", factor["id"]), ("consumptions", bill["id"])):
        answer = charlie.post(f"/v1/{path}/preview", {"id": pk})
        assert (answer.status, answer.fields) == (422, ["id"])
    published = erin.get("/v1/emission-factors?own=false").body["items"][0]
    answer = erin.post("/v1/emission-factors/preview", {"id": published["id"], "co2e": 1})
    assert (answer.status, answer.fields) == (422, ["id"])


def test_viewers_do_not_write_and_do_not_preview(bob: Person) -> None:
    assert bob.post("/v1/emission-factors/preview", FACTOR).status == 403
