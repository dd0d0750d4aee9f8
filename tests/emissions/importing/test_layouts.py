"""Layouts: somebody else's file becomes bills, with exact sums and right days."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command

from emissions.models import Consumption, Intervals
from organizations.models import Organization
from tests.conftest import Person
from tests.importing import Outcome, run

pytestmark = pytest.mark.django_db

CASES = Path(__file__).parent / "cases"
CUPS = "ES0021000000000001RK"
Load = Callable[..., Outcome]


@pytest.fixture
def load(tmp_path: Path, organization: Organization) -> Load:
    """Imports a text, a case of the folder, or another file of consumption."""

    def import_(content: str | bytes | Path, *options: str) -> Outcome:
        path = content if isinstance(content, Path) else tmp_path / "bills.csv"
        if isinstance(content, str | bytes):
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        outcome = run("import_consumption", path, organization, *options)
        call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())
        return outcome

    return import_


def bills() -> list[tuple[str, Decimal, str, date, date, str]]:
    rows = Consumption.objects.order_by("start_date", "activity", "quantity")
    return list(
        rows.values_list("activity", "quantity", "unit", "start_date", "end_date", "data_quality")
    )


def january(day: int) -> date:
    return date(2023, 1, day)


def test_datadis(load: Load, alice: Person) -> None:
    alice.facility(external_id="OFI", country="ES", cups_list=[CUPS])
    outcome = load(CASES / "datadis.csv")
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert "missing" not in outcome.messages
    days = (date(2023, 3, 25), date(2023, 3, 26))
    assert bills() == [("grid", Decimal("23.5"), "kWh", *days, "estimated")]
    assert Consumption.objects.get().cups == CUPS
    assert load(CASES / "datadis.csv").counts.endswith("unchanged 1, rejected 0")


def test_enedis(load: Load, alice: Person) -> None:
    alice.facility(external_id="PAR", country="FR")
    outcome = load(CASES / "enedis.csv", "--facility=PAR")
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert bills() == [("grid", Decimal(12), "kWh", january(1), january(1), "actual")]
    assert Consumption.objects.get().external_id == "09876543210987 2023-01"
    assert "missing" not in outcome.messages


def test_green_button(load: Load, alice: Person) -> None:
    alice.facility(external_id="NYC", country="US")
    outcome = load(CASES / "green_button.xml")
    assert "--facility" in outcome.messages
    outcome = load(CASES / "green_button.xml", "--facility=NYC")
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 0"
    february = date(2023, 2, 1)
    assert bills() == [
        ("grid", Decimal("18.276"), "kWh", january(31), january(31), "actual"),
        ("grid", Decimal("18.852"), "kWh", february, february, "actual"),
    ]
    [first, *_] = Intervals.objects.order_by("start")[0].each()
    assert first.start.isoformat() == "2023-01-31T00:00:00-05:00"


def test_uk_half_hourly(load: Load, alice: Person) -> None:
    alice.facility(external_id="LDN", country="GB")
    outcome = load(CASES / "uk_half_hourly.csv", "--facility=LDN")
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    days = (date(2024, 6, 1), date(2024, 6, 2))
    assert bills() == [("grid", Decimal(120), "kWh", *days, "actual")]
    assert "missing" not in outcome.messages


def test_wide_months(load: Load, alice: Person) -> None:
    for site in ("SITE-1", "SITE-2"):
        alice.facility(external_id=site, country="GB")
    said = ("--set=category=electricity", "--set=activity=grid", "--set=unit=kWh")
    outcome = load(CASES / "wide_months.csv", *said)
    assert outcome.counts == "created 5, changed 0, unchanged 0, rejected 0"
    february, march = (date(2023, 2, 1), date(2023, 2, 28)), (date(2023, 3, 1), date(2023, 3, 31))
    found = [(quantity, *days) for _, quantity, _, *days, _ in bills()]
    assert found == [
        (0, january(1), january(31)),
        (1200, january(1), january(31)),
        (35, *february),
        (Decimal("1100.5"), *february),
        (40, *march),
    ]
    outcome = load(CASES / "wide_months.csv", *said)
    assert outcome.counts == "created 0, changed 0, unchanged 5, rejected 0"


def test_wide_months_without_category_says_what_is_missing(load: Load, alice: Person) -> None:
    assert "category" in load(CASES / "wide_months.csv").messages


def test_portfolio_manager(load: Load, alice: Person) -> None:
    alice.facility(external_id="4117", country="US")
    text = (CASES / "portfolio_manager.csv").read_text()
    text = "".join(one for one in text.splitlines(keepends=True) if "MCF(" not in one)
    outcome = load(text, "--allow=zero_length")
    assert outcome.counts == "created 6, changed 0, unchanged 0, rejected 0", outcome.messages
    quantities = {
        (activity, quantity, unit, quality) for activity, quantity, unit, _, _, quality in bills()
    }
    assert quantities == {
        ("grid", Decimal("12450.5"), "kWh", "actual"),
        ("grid", Decimal(11020), "kWh", "estimated"),
        ("natural_gas", Decimal(820), "ccf", "actual"),
        ("propane", Decimal(500), "gal_us", "actual"),
        ("propane", Decimal(320), "gal_us", "actual"),
        ("supply", Decimal(41), "kgal_us", "actual"),
    }  # fmt: skip
    assert load(text, "--allow=zero_length").counts.endswith("unchanged 6, rejected 0")
