"""Whether two bills are of one supply is judged alike by files, the API and the admin."""

import pytest

from tests.cases import each
from tests.conftest import Person, created
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db

CUPS, OTHER_CUPS = cups(1), cups(2)
COLUMNS = ["external_id", "facility_id", "category", "quantity", "unit", "start_date", "end_date"]
FIRST = {"external_id": "A", "start_date": "2023-03-01", "end_date": "2023-03-31"}
SECOND = {"external_id": "B", "start_date": "2023-03-21", "end_date": "2023-04-20"}


@each(
    ("one", "other", "same"),
    [
        ({}, {}, True),
        ({"cups": CUPS}, {"cups": CUPS}, True),
        ({"cups": CUPS}, {"cups": OTHER_CUPS}, False),
        ({"meter": "M-1"}, {"meter": "M-1"}, True),
        ({"cups": CUPS, "meter": "M-1"}, {"meter": "M-1"}, True),
        ({"meter": "M-1"}, {"cups": CUPS, "meter": "M-1"}, True),
        ({"cups": CUPS, "meter": "M-1"}, {"cups": OTHER_CUPS, "meter": "M-1"}, True),
        ({"cups": CUPS, "meter": "M-1"}, {"cups": CUPS}, True),
        ({"cups": CUPS}, {"meter": "M-1"}, False),
        ({"cups": CUPS}, {}, False),
        ({}, {"meter": "M-1"}, False),
        ({"external_id": "M-1 2023-03"}, {"meter": "M-1"}, True),
        ({"meter": "M-1"}, {"external_id": "M-1 2023-03"}, True),
        ({"external_id": "M-2 2023-03"}, {"meter": "M-1"}, False),
    ],
)
def test_one_cups_or_meter_in_common_or_none_at_all(
    erin: Person, one: dict[str, str], other: dict[str, str], same: bool
) -> None:
    site = erin.facility(external_id="HQ", cups_list=[CUPS, OTHER_CUPS], meter_list=["M-1", "M-2"])
    bill = {"facility_id": "HQ", "category": "electricity", "quantity": 1000, "unit": "kWh"}
    first, second = bill | FIRST | one, bill | SECOND | other

    def codes(*rows: dict[str, object]) -> list[str]:
        answer = erin.post("/v1/imports?kind=consumption&dry_run=true", list(rows))
        return [fault["code"] for fault in answer.body["faults"]]

    expected = ["overlap"] if same else []
    assert codes(first, second) == expected
    created(erin.post("/v1/consumptions", first | {"facility_id": site["id"]}))
    assert codes(second) == expected
    posted = created(erin.post("/v1/consumptions", second | {"facility_id": site["id"]}))
    assert [one["code"] for one in posted["warnings"]] == expected
