"""--preview of a release of factors: what it would add, change and close, and what that moves."""

import csv
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from emissions.management.commands.load_emission_factors import DATA
from emissions.models import Emission, EmissionFactor, FactorSource
from organizations.models import Organization
from tests.conftest import Person
from tests.emissions.figures import gas, kg
from tests.importing import run, write_csv

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

GRID_OF_SPAIN = {
    "category": "electricity", "activity": "grid", "country": "ES", "method": "location",
    "unit": "kWh",
}  # fmt: skip


def release(folder: Path, change: Any) -> Path:
    """The shipped release with its rows changed."""
    for name in ("emission_factors.csv", "factor_sources.csv"):
        (folder / name).write_bytes((DATA / name).read_bytes())
    with (folder / "emission_factors.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    change(rows)
    write_csv(folder / "emission_factors.csv", rows)
    return folder


def load(folder: Path, **options: Any) -> list[str]:
    out = StringIO()
    call_command("load_emission_factors", data=folder, stdout=out, stderr=StringIO(), **options)
    return out.getvalue().splitlines()


def rows_of_spain(rows: list[dict[str, str]], year: int) -> list[dict[str, str]]:
    return [
        row
        for row in rows
        if all(row[name] == value for name, value in GRID_OF_SPAIN.items())
        and row["valid_from"].startswith(str(year))
        and not row["region"]
    ]


def test_the_shipped_release_changes_nothing() -> None:
    assert load(DATA, preview=True) == [
        "added 0, changed 0, closed 0",
        "No figure of any organization moves.",
    ]


def test_a_release_says_what_it_moves_and_then_moves_it(
    erin: Person, charlie: Person, tmp_path: Path
) -> None:
    erin.consumption(erin.facility())
    erin.consumption(erin.facility(country="FR"))
    gas(charlie, charlie.facility())

    def dearer(rows: list[dict[str, str]]) -> None:
        [row] = rows_of_spain(rows, 2023)
        row["co2e"] = "0.5"

    folder = release(tmp_path, dearer)
    before = kg(erin.get("/v1/emissions").body)
    counts = EmissionFactor.objects.count(), Emission.objects.count(), FactorSource.objects.count()
    said = load(folder, preview=True)
    now = EmissionFactor.objects.count(), Emission.objects.count(), FactorSource.objects.count()
    assert now == counts
    assert said[0] == "added 0, changed 1, closed 0"
    assert said[1].startswith("~ ")
    assert "→ 0.5;" in said[1]
    [organization] = [line for line in said if "consumptions at" in line]
    assert organization == (
        f"{erin.organization.pk} Alice Ltd: 1 consumptions at 1 facilities, 0 with a first figure, "
        "0 without one any more"
    )
    [year] = [line for line in said if line.startswith("  2023 location ")]
    was, becomes = year.removeprefix("  2023 location ").partition(",")[0].split(" → ")
    load(folder)
    after = kg(erin.get("/v1/emissions").body)
    assert after[0] - before[0] == Decimal(becomes) - Decimal(was)
    assert Decimal(becomes) == 500


def test_what_ends_earlier_is_closed_and_what_is_new_is_added(erin: Person, tmp_path: Path) -> None:
    bill = erin.consumption(erin.facility(country="AQ"))
    assert bill["co2e"] is None

    def newer(rows: list[dict[str, str]]) -> None:
        [row] = rows_of_spain(rows, 2023)
        rows.append({**row, "country": "AQ"})
        rows.append({**row, "valid_from": "2023-12-01", "co2e": "0.2"})
        row["valid_to"] = "2023-11-30"

    said = load(release(tmp_path, newer), preview=True)
    assert said[0] == "added 2, changed 0, closed 1"
    assert any(
        line.startswith("x ") and "valid_to 2023-12-31 → 2023-11-30;" in line for line in said
    )
    assert any("1 with a first figure" in line for line in said)


def test_an_import_of_own_factors_has_a_preview_too(
    erin: Person, organization: Organization, tmp_path: Path
) -> None:
    erin.consumption(erin.facility())
    file = write_csv(
        tmp_path / "own.csv",
        [{**GRID_OF_SPAIN, "valid_from": "2023-01-01", "valid_to": "2023-12-31", "co2e": "0.5"}],
    )
    outcome = run("import_emission_factors", file, organization, "--preview")
    assert outcome.status == 0
    lines = outcome.counts.splitlines()
    assert lines[0] == "added 1, changed 0, closed 0"
    assert lines[-1] == "created 1, changed 0, unchanged 0, rejected 0"
    assert any(" → 500.000000" in line for line in lines)
    assert "nothing was stored" in outcome.messages
    assert not EmissionFactor.objects.filter(organization=organization).exists()
