"""What is exported is read again, and changes nothing."""

import csv
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups
from tests.importing import run

pytestmark = pytest.mark.django_db


@pytest.fixture
def stored(alice: Person) -> None:
    """Values that are hard to bring back."""
    site = alice.facility(
        external_id="007", name="=1+1", address="-x, \"y\"\nz|;", cups_list=[cups(1)],
        meter_list=["M1", "M2"], logistic_factor=1, region="CA-ON",
    )  # fmt: skip
    alice.facility(name="'@home", categories=["heat"])
    alice.consumption(site, external_id="+1", cups=cups(1), quantity=12.345, note="'=x")
    alice.consumption(site, meter="M2", quantity=1000, start_date="2024-03-04",
                      end_date="2024-05-06", data_quality="estimated")  # fmt: skip
    for name in ("twin", "twin"):
        twin = alice.facility(name=name, address="1 Twin St", categories=["heat", "water"])
    for quantity in (5, 6, 5):
        alice.consumption(twin, category="water", unit="m3", quantity=quantity)
    alice.factor(co2e=1.234, valid_to=None, note="@me")


@pytest.mark.usefixtures("stored")
@each(
    ("export", "import_", "count"),
    [
        ("export_facilities", "import_facilities", 4),
        ("export_consumption", "import_consumption", 5),
        ("export_emission_factors", "import_emission_factors", 1),
    ],
)
def test_an_exported_file_changes_nothing_when_it_is_imported(
    tmp_path: Path, organization: Organization, export: str, import_: str, count: int
) -> None:
    file = tmp_path / "out.csv"
    errors = StringIO()
    call_command(export, str(organization.pk), out=str(file), stderr=errors)
    assert f"exported {count}" in errors.getvalue()
    outcome = run(import_, file, organization)
    assert outcome.counts == f"created 0, changed 0, unchanged {count}, rejected 0", outcome
    out = StringIO()
    call_command(export, str(organization.pk), stdout=out, stderr=StringIO())
    assert out.getvalue() == file.read_text(encoding="utf-8")


def test_no_cell_of_an_export_begins_like_a_formula(
    tmp_path: Path, organization: Organization, stored: Any
) -> None:
    file = tmp_path / "out.csv"
    call_command("export_facilities", str(organization.pk), out=str(file), stderr=StringIO())
    assert ",'=1+1," in file.read_text()


def test_a_file_that_cannot_be_written_is_named(organization: Organization) -> None:
    with pytest.raises(CommandError, match="--out"):
        call_command("export_facilities", str(organization.pk), out="/no/where.csv")


@each("first", ["=1+1", "-5", "+A", "@x", "'=1", "''-2"])
def test_a_list_that_begins_like_a_formula_is_harmless_and_comes_back(
    tmp_path: Path, organization: Organization, alice: Person, first: str
) -> None:
    alice.facility(external_id="S9", meter_list=[first, "B"])
    file = tmp_path / "out.csv"
    call_command("export_facilities", str(organization.pk), out=str(file), stderr=StringIO())
    rows = list(csv.reader(file.read_text(encoding="utf-8").splitlines()))
    assert not [cell for row in rows for cell in row if cell[:1] in ("=", "+", "-", "@")]
    outcome = run("import_facilities", file, organization)
    assert outcome.counts.startswith("created 0, changed 0, unchanged"), outcome
    assert alice.get("/v1/facilities?external_id=S9").body["items"][0]["meter_list"] == [first, "B"]


@each("word", ["NULL", "n/a", "NaN", "'#N/A", "2.31E+13", "2.31E13"])
def test_a_name_that_others_write_where_there_is_nothing_comes_back(
    tmp_path: Path, organization: Organization, alice: Person, word: str
) -> None:
    site = alice.facility(name=word, type=word, external_id=word, meter_list=[word])
    alice.consumption(site, meter=word, supplier=word, note=word)
    for kind in ("facilities", "consumption"):
        file = tmp_path / f"{kind}.csv"
        call_command(f"export_{kind}", str(organization.pk), out=str(file), stderr=StringIO())
        outcome = run(f"import_{kind}", file, organization)
        assert outcome.counts == "created 0, changed 0, unchanged 1, rejected 0", outcome
        path = {"facilities": "facilities", "consumption": "consumptions"}[kind]
        sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        answer = Client().get(f"/v1/{path}", headers={**alice.headers, "accept": sheet})
        book = tmp_path / f"{kind}.xlsx"
        book.write_bytes(b"".join(answer))
        outcome = run(f"import_{kind}", book, organization)
        assert outcome.counts == "created 0, changed 0, unchanged 1, rejected 0", outcome


def test_a_workbook_is_not_written_under_its_name(
    tmp_path: Path, organization: Organization
) -> None:
    file = tmp_path / "out.XLSX"
    with pytest.raises(CommandError, match="exports are CSV"):
        call_command("export_facilities", str(organization.pk), out=str(file))
    assert not file.exists()
