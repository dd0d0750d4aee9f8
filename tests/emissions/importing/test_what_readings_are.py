"""Readings are of what their file says: consumption in kWh, estimated or not, of their meter."""

from decimal import Decimal
from pathlib import Path

import pytest

from emissions.models import Consumption
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.importing import Outcome, run

pytestmark = pytest.mark.django_db

MPAN = "1200012345678"
TIMES = [f"{one // 2:02}:{one % 2 * 30:02}" for one in range(48)]
ONES = ["1"] * 48
ESPI = 'xmlns="http://naesb.org/espi"'
POINT = "/espi/1_1/resource/UsagePoint"


def line(*cells: str) -> str:
    return ",".join(cells)


def brought_in(
    tmp_path: Path, organization: Organization, text: str, *options: str
) -> tuple[Outcome, list[tuple[str, str, Decimal, str]]]:
    """What came of a file, and the bills that there are then."""
    path = tmp_path / "readings"
    path.write_text(text, encoding="utf-8")
    outcome = run("import_consumption", path, organization, *options)
    rows = Consumption.objects.order_by("start_date", "category", "quantity", "data_quality")
    return outcome, list(rows.values_list("category", "unit", "quantity", "data_quality"))


@each(
    ("rows", "quantity", "quality", "said"),
    [
        (
            [("MPAN", "Units", "Date", *TIMES), (MPAN, "kVArh", "01/06/2024", *["9"] * 48),
             (MPAN, "kWh", "01/06/2024", *ONES)],
            "48", "actual", "This line is of “kvarh”, not consumption; it is passed over.",
        ),
        (
            [("MPAN", "Measurement Quantity", "Date", *TIMES),
             (MPAN, "AI", "01/06/2024", *ONES), (MPAN, "AE", "01/06/2024", *["9"] * 48)],
            "48", "actual", "“ae”",
        ),
        (
            [("MPAN", "Units", "Date", *TIMES), (MPAN, "MWh", "01/06/2024", *ONES)],
            None, "", "This line is of “mwh”; kWh are read.",
        ),
        (
            [("MPAN", "Date", "Estimated", *TIMES), (MPAN, "01/06/2024", "N", *ONES),
             (MPAN, "02/06/2024", "Y", *ONES)],
            "96", "estimated", "",
        ),
        (
            [("MPAN", "Date", *(text for one in TIMES for text in (one, "flag"))),
             (MPAN, "01/06/2024", *["1", "A"] * 47, "1", "E")],
            "48", "estimated", "",
        ),
        (
            [("MPAN", "Date", *TIMES[:4], "01:00", "01:30", *TIMES[4:]),
             (MPAN, "26/10/2024", *["1"] * 4, "", "0", *["1"] * 44),
             (MPAN, "27/10/2024", *["1"] * 4, "2", "3", *["1"] * 44)],
            "101", "actual", "",
        ),
        (
            [("MPAN", "Date", *TIMES[:4], "01:00", "01:30", *TIMES[4:]),
             (MPAN, "26/10/2024", *["1"] * 50)],
            None, "", "01:00 “1”: This day has the hour once. [no_such_time]",
        ),
        (
            [("MPAN", "Date", *TIMES), (MPAN, "01/06/2024", "1", "1", "1", "x", *["1"] * 44)],
            None, "", "01:30 “x”",
        ),
        (
            [("MPAN", "Date", *TIMES), (MPAN, "06/13/2024", *ONES)],
            None, "", "dmy is that of the layout unless --dates says another",
        ),
    ],
)  # fmt: skip
def test_half_hours_are_of_what_their_columns_say(
    tmp_path: Path, organization: Organization, alice: Person,
    rows: list[tuple[str, ...]], quantity: str | None, quality: str, said: str,
) -> None:  # fmt: skip
    alice.facility(external_id="LON", country="GB", meter_list=[MPAN])
    text = "\n".join(line(*cells) for cells in rows)
    outcome, bills = brought_in(tmp_path, organization, text)
    assert said in outcome.messages
    kept = [("electricity", "kWh", Decimal(quantity or 0), quality)]
    assert bills == (kept if quantity else [])
    if not said:
        assert not outcome.messages


def usage_point(name: str, *, service: int = 0, uom: int = 72, value: int = 100, more: str = "",
                power: int = 0) -> list[str]:  # fmt: skip
    """The entries of a usage point whose readings are an hour: of itself, of its meter, of the kind
    of its readings, and these."""
    meter, kind = f"{POINT}/{name}/MeterReading/{name}", f"/espi/ReadingType/{name}"
    reading = (
        "<IntervalReading><timePeriod><duration>3600</duration><start>1675141200</start>"
        f"</timePeriod><value>{value}</value></IntervalReading>"
    )
    return [
        f'<entry><link rel="self" href="{POINT}/{name}"/><content><UsagePoint {ESPI}>'
        f"<ServiceCategory><kind>{service}</kind></ServiceCategory></UsagePoint></content></entry>",
        f'<entry><link rel="self" href="{meter}"/><link rel="related" href="{kind}"/><content>'
        f"<MeterReading {ESPI}/></content></entry>",
        f'<entry><link rel="self" href="{kind}"/><content><ReadingType {ESPI}>{more}'
        f"<powerOfTenMultiplier>{power}</powerOfTenMultiplier><uom>{uom}</uom></ReadingType>"
        "</content></entry>",
        f'<entry><link rel="up" href="{meter}/IntervalBlock"/><content>'
        f"<IntervalBlock {ESPI}>{reading}</IntervalBlock></content></entry>",
    ]


@each(
    ("points", "bills", "said"),
    [
        (
            [usage_point("1"), usage_point("2", service=1, uom=169, value=3)],
            [("electricity", "kWh", "0.1"), ("heat", "therm", "3")], "",
        ),
        (
            [usage_point("1", power=3), usage_point("11")],
            [("electricity", "kWh", "0.1"), ("electricity", "kWh", "100")], "",
        ),
        (
            [usage_point("1"), usage_point("2", more="<flowDirection>19</flowDirection>")],
            [("electricity", "kWh", "0.1")], "fed in",
        ),
        (
            [usage_point("1"),
             usage_point("2", more="<accumulationBehaviour>1</accumulationBehaviour>")],
            [("electricity", "kWh", "0.1")], "what a register shows",
        ),
        ([usage_point("1"), usage_point("2", uom=38)], [("electricity", "kWh", "0.1")], "unit 38"),
        ([usage_point("1", more="<accumulationBehaviour>3</accumulationBehaviour>")], [],
         "what a register shows"),
        ([usage_point("1")[:3]], [], "The file has no readings."),
    ],
)  # fmt: skip
def test_readings_of_green_button_are_those_of_their_usage_point(
    tmp_path: Path, organization: Organization, alice: Person,
    points: list[list[str]], bills: list[tuple[str, str, str]], said: str,
) -> None:  # fmt: skip
    """The entries of a feed may stand in any order, such as all usage points first."""
    alice.facility(external_id="NYC", country="US")
    entries = [entry for same in zip(*points, strict=True) for entry in same]
    text = f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(entries)}</feed>'
    outcome, stored = brought_in(tmp_path, organization, text, "--facility=NYC")
    assert [(category, unit, quantity) for category, unit, quantity, _ in stored] == [
        (category, unit, Decimal(quantity)) for category, unit, quantity in bills
    ]
    assert said in outcome.messages
