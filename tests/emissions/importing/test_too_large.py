"""A figure or a facility's total of a gigatonne is the fault of a row, and never ends an import."""

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.importing import Outcome, run, write_csv

pytestmark = pytest.mark.django_db

REFILL = {
    "facility_id": "S3", "category": "recharge", "activity": "R-744", "unit": "t",
}  # fmt: skip
"""A tonne is a thousand kg of co2e: 6E+8 of them are more than half of the limit."""


@pytest.fixture(autouse=True)
def site(alice: Person) -> dict[str, Any]:
    return alice.facility(external_id="S3", country="ES", categories=["recharge", "electricity"])


def refill(day: int, tonnes: int | str, **more: Any) -> dict[str, Any]:
    date = f"2023-03-{day:02}"
    return {
        **REFILL, "external_id": f"R-{day}", "quantity": tonnes, "start_date": date,
        "end_date": date, **more,
    }  # fmt: skip


def load(
    path: Path, rows: list[dict[str, Any]], organization: Organization, *options: str
) -> Outcome:
    outcome = run("import_consumption", write_csv(path / "b.csv", rows), organization, *options)
    call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())
    return outcome


def total() -> Decimal:
    return Facility.objects.get(external_id="S3").co2e


def test_the_row_that_pushes_a_total_over_the_limit_is_named(
    tmp_path: Path, organization: Organization
) -> None:
    rows = [refill(1, 600_000_000), refill(2, 600_000_000), refill(3, 100)]
    outcome = load(tmp_path, rows, organization)
    assert "line 3: quantity “600000000”: The total of its facility" in outcome.messages
    assert "[too_large]" in outcome.messages
    assert outcome.counts == "created 0, changed 0, unchanged 0, rejected 1"
    assert not Consumption.objects.exists()
    outcome = load(tmp_path, rows, organization, "--on-error=skip")
    assert outcome.counts == "created 2, changed 0, unchanged 0, rejected 1"
    assert total() == 600_000_100_000


def test_a_dry_run_says_the_same(tmp_path: Path, organization: Organization) -> None:
    rows = [refill(1, 600_000_000), refill(2, 600_000_000)]
    outcome = load(tmp_path, rows, organization, "--on-error=skip", "--dry-run")
    assert "line 3: quantity" in outcome.messages
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 1"


def test_rows_of_json_are_held_to_it_too(alice: Person) -> None:
    rows = [refill(1, 600_000_000), refill(2, 600_000_000)]
    body = alice.post("/v1/imports?kind=consumption&on_error=skip", rows).body
    assert (body["status"], body["created"], body["rejected"]) == ("stored", 1, 1)
    [fault] = body["faults"]
    assert (fault["line"], fault["column"], fault["code"]) == (2, "quantity", "too_large")


def test_what_is_stored_counts_and_what_is_replaced_does_not(
    tmp_path: Path, organization: Organization
) -> None:
    load(tmp_path, [refill(1, 600_000_000), refill(2, 300_000_000)], organization)
    outcome = load(tmp_path, [refill(3, 200_000_000)], organization)
    assert "[too_large]" in outcome.messages
    rows = [refill(2, 100), refill(3, 300_000_000), refill(1, 900_000_000), refill(4, 1)]
    outcome = load(tmp_path, rows, organization, "--on-error=skip")
    assert "line 4: quantity “900000000”" in outcome.messages
    assert outcome.counts == "created 2, changed 1, unchanged 0, rejected 1"
    assert total() == 900_000_101_000


def test_new_and_changed_bills_of_one_batch_may_pass_each_other(
    tmp_path: Path, organization: Organization
) -> None:
    load(tmp_path, [refill(1, 900_000_000), refill(2, 1)], organization)
    rows = [
        refill(3, -500_000_000, data_quality="adjustment"), refill(2, 400_000_000),
        refill(1, 100), refill(4, 900_000_000),
    ]  # fmt: skip
    outcome = load(tmp_path, rows, organization)
    assert outcome.counts == "created 2, changed 2, unchanged 0, rejected 0"
    assert total() == 800_000_100_000


def test_the_figures_of_a_closed_year_stay_in_the_total(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    load(tmp_path, [refill(1, 600_000_000)], organization)
    assert alice.post("/v1/periods/2023/close", None).status == 200
    later = {"start_date": "2024-03-01", "end_date": "2024-03-01"}
    rows = [refill(1, 1), refill(2, 600_000_000, **later), refill(3, 100, **later)]
    outcome = load(tmp_path, rows, organization, "--on-error=skip")
    assert "line 3: quantity “600000000”" in outcome.messages
    assert outcome.counts == "created 1, changed 1, unchanged 0, rejected 1"
    assert total() == 600_000_100_000


FACTOR = {
    "category": "electricity", "country": "ESP", "method": "location", "unit": "kWh",
    "valid_from": "2023-01-01", "valid_to": "2023-12-31", "co2e": "0.5",
}  # fmt: skip


@each("options", [(), ("--dry-run",), ("--dry-run", "--preview")])
def test_a_factor_that_makes_a_figure_too_large_is_named(
    tmp_path: Path, organization: Organization, alice: Person, site: Any, options: tuple[str, ...]
) -> None:
    alice.consumption(site, quantity=10**11)
    rows = [
        {**FACTOR, "activity": "grid", "valid_from": "2022-01-01", "valid_to": "2022-12-31"},
        {**FACTOR, "activity": "grid", "co2e": "1000"},
        {**FACTOR, "category": "heat", "activity": "diesel", "method": "", "unit": "L"},
    ]
    file = write_csv(tmp_path / "f.csv", rows)
    outcome = run("import_emission_factors", file, organization, "--on-error=skip", *options)
    assert "line 3: co2e “1000”" in outcome.messages
    assert "[too_large]" in outcome.messages
    assert outcome.counts.endswith("created 2, changed 0, unchanged 0, rejected 1")
    own = EmissionFactor.objects.filter(organization=organization)
    assert own.count() == (0 if options else 2)
    call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())


def test_days_that_a_refused_row_would_have_given_up_stay_taken(
    tmp_path: Path, organization: Organization, alice: Person, site: Any
) -> None:
    grid = {**FACTOR, "activity": "grid"}
    stored = run("import_emission_factors", write_csv(tmp_path / "f.csv", [grid]), organization)
    assert stored.counts == "created 1, changed 0, unchanged 0, rejected 0"
    alice.consumption(site, quantity=10**11)
    rows = [
        {**grid, "valid_from": "2023-07-01", "co2e": "0.3"},
        {**grid, "valid_to": "2023-06-30", "co2e": "1000"},
        {**grid, "valid_from": "2024-01-01", "valid_to": ""},
    ]
    file = write_csv(tmp_path / "f.csv", rows)
    outcome = run("import_emission_factors", file, organization, "--on-error=skip")
    assert "line 3: co2e “1000”" in outcome.messages
    assert "line 2: valid_from “2023-07-01”: It overlaps the stored factor" in outcome.messages
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 2"
    own = EmissionFactor.objects.filter(organization=organization).order_by("valid_from")
    assert [str(one.valid_to) for one in own] == ["2023-12-31", "None"]
    call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
def test_a_facility_whose_country_makes_a_figure_too_large_is_named(
    tmp_path: Path, organization: Organization, alice: Person, site: Any, dry: tuple[str, ...]
) -> None:
    alice.factor(country="FR", co2e=1000)
    alice.consumption(site, quantity=10**11)
    other = alice.facility(external_id="S4", country="ES")
    alice.consumption(other, quantity=100)
    rows = [
        {"external_id": name, "name": name, "type": "office", "country": "FR"}
        for name in ("S3", "S4", "S5")
    ]
    file = write_csv(tmp_path / "f.csv", rows)
    outcome = run("import_facilities", file, organization, "--on-error=skip", *dry)
    assert "line 2: country “FR”" in outcome.messages
    assert "[too_large]" in outcome.messages
    assert outcome.counts == "created 1, changed 1, unchanged 0, rejected 1"
    stored = dict(Facility.objects.values_list("external_id", "country"))
    assert stored == ({"S3": "ES", "S4": "ES"} if dry else {"S3": "ES", "S4": "FR", "S5": "FR"})
    call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())


def test_a_name_made_of_a_meter_that_is_too_long_is_refused(
    tmp_path: Path, organization: Organization
) -> None:
    header = "MPAN,Date," + ",".join(f"{h:02}:{m:02}" for h in range(24) for m in (0, 30))
    file = tmp_path / "uk.csv"
    file.write_text(f"{header}\n{'9' * 14 + 'x' * 84},2023-03-01,{','.join(['1.5'] * 48)}\n")
    outcome = run("import_consumption", file, organization, "--facility=S3")
    assert "[max_length]" in outcome.messages
    assert outcome.counts.endswith("rejected 1")
