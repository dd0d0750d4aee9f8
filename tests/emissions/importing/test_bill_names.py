"""What a layout has stored is known again, whatever it was called when it was stored."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from emissions.models import Consumption
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.emissions.importing.test_layouts import CASES, READINGS, WIDE
from tests.importing import Outcome, run

pytestmark = pytest.mark.django_db

FEED = (CASES / "green_button.xml").read_text()
POINT = FEED.replace("<entry>", '<entry><link rel="self" href="https://x/UsagePoint/01"/>', 1)
ENTRIES = (CASES / "portfolio_manager.csv").read_text().replace("4117", "A")
TIMES = "Point;Time;Value\nA;2023-01-01 00:00;1\nA;2023-01-01 01:00;2\n"
READ = "Site;Gauge;Time;Value\nA;Main;2023-01-01 00:00;1\nA;Main;2023-01-01 01:00;2\n"
FILES = {
    "usage point": POINT,
    "no usage point": FEED,
    "months": WIDE.format("A"),
    "entries": ENTRIES,
    "readings": TIMES,
    "readings of a meter": READ,
}
EARLIER = re.compile(r"(\S+)(?: [a-z]\S+)? (\d{4}-\d\d.*?)(?: at \w{12})?")


Load = Callable[..., Outcome]


@pytest.fixture
def load(tmp_path: Path, organization: Organization) -> Load:
    """Imports a text as a file of consumption."""

    def import_(content: str, *options: str) -> Outcome:
        path = tmp_path / "bills.csv"
        path.write_text(content)
        return run("import_consumption", path, organization, *options)

    return import_


def rename() -> None:
    """Gives the stored bills the names that they had before what is used and where stood there."""
    for bill in Consumption.objects.all():
        name = EARLIER.fullmatch(bill.external_id)
        assert name, bill.external_id
        Consumption.objects.filter(pk=bill.pk).update(external_id=f"{name[1]} {name[2]}")


@pytest.fixture(autouse=True)
def layouts(alice: Person) -> None:
    metered = {"facility_id": "Site", "meter": "Gauge", "start_date": "Time", "quantity": "Value"}
    for name, columns in (("own", READINGS["columns"]), ("metered", metered)):
        body = READINGS | {"name": name, "columns": columns, "sum_by": "month"}
        assert alice.post("/v1/import-layouts", body).status == 201
    for name in ("A", "B"):
        alice.facility(external_id=name, country="ES")


@each(("file"), list(FILES))
def test_bills_that_were_stored_under_their_earlier_names_are_known(load: Load, file: str) -> None:
    options = ["--facility=A"] if "point" in file else []
    content = FILES[file]
    count = int(load(content, *options).counts.split()[1].rstrip(","))
    assert count
    rename()
    outcome = load(content, *options)
    assert outcome.counts == f"created 0, changed 0, unchanged {count}, rejected 0", (
        outcome.messages
    )


def test_a_bill_of_another_facility_or_activity_is_another_one(load: Load) -> None:
    load(WIDE.format("A"))
    rename()
    assert load(WIDE.format("B")).counts == "created 2, changed 0, unchanged 0, rejected 0"
    heat = WIDE.format("A").replace("electricity", "heat").replace("Building", "Activity,Building")
    heat = heat.replace("A,Main", "natural_gas,A,Main")
    assert load(heat).counts == "created 2, changed 0, unchanged 0, rejected 0"
    assert load(WIDE.format("A")).counts == "created 0, changed 0, unchanged 2, rejected 0"


def test_a_meter_that_its_facility_gets_later_is_the_same_meter(load: Load, alice: Person) -> None:
    load(WIDE.format("A"))
    [site] = alice.get("/v1/facilities?external_id=A").body["items"]
    path = f"/v1/facilities/{site['id']}"
    assert alice.call("PATCH", path, {"meter_list": ["Main"]}).status == 200
    assert load(WIDE.format("A")).counts == "created 0, changed 2, unchanged 0, rejected 0"
    assert load(WIDE.format("A")).counts == "created 0, changed 0, unchanged 2, rejected 0"
    assert {one.meter for one in Consumption.objects.all()} == {"Main"}


def test_what_a_facility_uses_without_a_meter_is_billed_once(load: Load) -> None:
    load(WIDE.format("A").replace("Main", ""))
    bill = "facility_id,category,quantity,unit,start_date,end_date\n"
    outcome = load(bill + "A,electricity,1,kWh,2023-01-01,2023-01-31\n")
    assert "[overlap]" in outcome.messages
