"""GET /v1/emissions/logistics: scope 2 × logistic_factor, facility by facility."""

import csv
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest

from tests.conftest import Person
from tests.emissions.figures import gas

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

COLUMNS = [
    "facility_id", "external_id", "name", "scope2_location", "scope2_market", "logistic_factor",
    "logistic_location", "logistic_market",
]  # fmt: skip
TOTALS = [name for name in COLUMNS if name.startswith(("scope2", "logistic_l", "logistic_m"))]


@pytest.fixture
def sites(erin: Person) -> list[dict[str, Any]]:
    """100 kg and 120 kg with 0.8; a third of a milligram rounds up with 1/3; gas alone."""
    erin.factor(co2e=1)
    erin.factor(co2e=Decimal("1.2"), method="market")
    plenty = erin.facility(external_id="A")
    little = erin.facility(logistic_factor=Decimal("0.333333"), type="depot")
    without = erin.facility(logistic_factor=0)
    erin.consumption(plenty, quantity=100)
    erin.consumption(little, quantity=Decimal("0.000002"))
    gas(erin, plenty)
    gas(erin, without)
    return [plenty, little, without]


def test_each_facility_has_its_scope_2_and_the_products(erin: Person, sites: Any) -> None:
    body = erin.get("/v1/emissions/logistics").body
    assert [list(item) for item in body["items"]] == [COLUMNS] * 3
    assert [item["facility_id"] for item in body["items"]] == [site["id"] for site in sites]
    assert [item["external_id"] for item in body["items"]] == ["A", None, None]
    found = [[item[name] for name in TOTALS] for item in body["items"]]
    tiny = Decimal("0.000001")
    assert found == [[100, 120, 80, 96], [2 * tiny, 2 * tiny, tiny, tiny], [0, 0, 0, 0]]
    assert [body[name] for name in TOTALS] == [sum(column) for column in zip(*found, strict=True)]
    assert (body["total"], body["pages"]) == (3, 1)


def test_the_period_cuts_it_and_the_filters_choose(erin: Person, sites: Any) -> None:
    path = "/v1/emissions/logistics?start_date=2023-03-01&end_date=2023-03-15"
    [plenty, little, _] = erin.get(path).body["items"]
    # 100 × 15 / 31
    assert plenty["scope2_location"] == Decimal("48.387097")
    assert plenty["logistic_location"] == Decimal("38.709678")
    [only] = erin.get(f"{path}&type=depot").body["items"]
    assert only == little
    [only] = erin.get(f"{path}&facility_id={sites[0]['id']}").body["items"]
    assert only == plenty
    answer = erin.get(f"{path}&group_by=month")
    assert (answer.status, answer.fields) == (422, ["group_by"])


def test_pages_have_the_totals_of_all_facilities(erin: Person, sites: Any) -> None:
    whole = erin.get("/v1/emissions/logistics").body
    page = erin.get("/v1/emissions/logistics?size=1&page=2").body
    assert page["items"] == whole["items"][1:2]
    assert (page["total"], page["pages"]) == (3, 3)
    assert [page[name] for name in TOTALS] == [whole[name] for name in TOTALS]


def test_a_csv_has_every_facility(erin: Person, sites: Any) -> None:
    answer = erin.get("/v1/emissions/logistics?size=1", accept="text/csv")
    rows = list(csv.DictReader(StringIO(answer.body.decode())))
    assert [list(row) for row in rows] == [COLUMNS] * 3
    assert rows[0]["logistic_market"] == "96"
