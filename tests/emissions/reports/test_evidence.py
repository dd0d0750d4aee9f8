"""manage.py export_evidence: a pack that proves itself, and whose checker misses no digit."""

import csv
import hashlib
import random
import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from django.core.management import CommandError, call_command

from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.emissions.figures import gas, kg, refill

pytestmark = pytest.mark.django_db

CHANGED_AT_ONCE = 25


@pytest.fixture
def pack(erin: Person, organization: Organization, tmp_path: Path) -> Path:
    """The unpacked evidence of a year of a bit of everything."""
    home = erin.facility(name="=1+1", external_id="HOME")
    erin.consumption(home, quantity=1047, end_date="2023-04-17", external_id="B-1")
    erin.consumption(home, start_date="2022-12-17", end_date="2023-01-15", quantity=333.333)
    gas(erin, home, quantity=77, unit="MMBtu", end_date="2023-05-02")
    erin.consumption(home, category="heat", activity="wood_pellets", quantity=2, unit="t")
    refill(erin, home)
    erin.consumption(erin.facility(name="Ice", country="AQ"))
    erin.consumption(erin.facility(name="Away", country="FR"), supplier="Nobody SA")
    return exported(organization, tmp_path)


def exported(organization: Organization, folder: Path) -> Path:
    file = folder / "evidence.zip"
    call_command("export_evidence", str(organization.pk), year=2023, out=file, stderr=StringIO())
    with ZipFile(file) as archive:
        archive.extractall(folder / "pack")
    return folder / "pack"


def verify(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs the pack's own checker on a bare Python: no site-packages, nothing of ours."""
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify.py")],
        capture_output=True, text=True, check=False, cwd=folder, env={},
    )  # fmt: skip


def rows(folder: Path, name: str) -> list[dict[str, str]]:
    with (folder / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def sign_again(folder: Path) -> None:
    """Writes SHA256SUMS anew, as somebody would who changes a figure and hides it."""
    names = sorted(one.name for one in folder.iterdir() if one.name != "SHA256SUMS")
    digests = [hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names]
    lines = [f"{digest}  {name}\n" for digest, name in zip(digests, names, strict=True)]
    (folder / "SHA256SUMS").write_text("".join(lines))


def test_the_pack_proves_itself_on_a_bare_python(pack: Path, erin: Person) -> None:
    done = verify(pack)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout
    assert "Every figure follows" in done.stdout
    total = erin.get("/v1/emissions?start_date=2023-01-01&end_date=2023-12-31").body
    for name, figure in zip(("co2e", "co2e_market", "co2e_biomass"), kg(total), strict=True):
        said = sum(int(row[name].replace(".", "")) for row in rows(pack, "totals.csv"))
        assert said == figure * 10**6
    assert [row["co2e_reason"].split(":")[0] for row in rows(pack, "without_figure.csv")] == [
        "no_factor"
    ]
    assert all(row["source_licence"] for row in rows(pack, "factors.csv"))
    assert "'=1+1" in {row["name"] for row in rows(pack, "facilities.csv")}


def test_a_bill_that_came_too_late_is_without_figure(
    alice: Person, organization: Organization, tmp_path: Path
) -> None:
    assert alice.post("/v1/periods/2023/close", None).status == 200
    alice.consumption(alice.facility(), external_id="LATE")
    pack = exported(organization, tmp_path)
    [late] = rows(pack, "without_figure.csv")
    assert late["external_id"] == "LATE"
    assert late["co2e_reason"].startswith("period_closed: 2023")


def test_any_changed_digit_is_found_by_its_hash(pack: Path) -> None:
    chosen = random.Random(11)
    files = sorted(one for one in pack.iterdir() if one.suffix in (".csv", ".txt"))
    for _ in range(CHANGED_AT_ONCE):
        file = chosen.choice(files)
        before = file.read_text(encoding="utf-8")
        places = [at for at, one in enumerate(before) if one.isdigit()]
        if not places:
            continue
        at = chosen.choice(places)
        digit = str((int(before[at]) + chosen.randint(1, 9)) % 10)
        file.write_text(before[:at] + digit + before[at + 1 :], encoding="utf-8")
        done = verify(pack)
        assert (done.returncode, file.name in done.stdout) == (1, True)
        file.write_text(before, encoding="utf-8")
    assert verify(pack).returncode == 0


FIGURES = ("co2e", "co2e_market", "co2e_biomass")
COMPUTED = {
    "lines.csv": ("quantity", "location_value", "location_biomass", "market_value", *FIGURES),
    "bills.csv": ("quantity_in_year", "lines", *FIGURES),
    "facilities.csv": FIGURES,
    "totals.csv": FIGURES,
    "factors.csv": ("value", "biomass"),
}


@each("name", COMPUTED)
def test_any_changed_digit_of_a_figure_is_found_even_when_it_is_signed_again(
    pack: Path, name: str
) -> None:
    chosen = random.Random(name)
    file = pack / name
    before = file.read_text(encoding="utf-8")
    table = rows(pack, name)
    for column in COMPUTED[name]:
        given = [row for row in table if any(one.isdigit() for one in row[column])]
        row = chosen.choice(given)
        value = row[column]
        at = chosen.choice([at for at, one in enumerate(value) if one.isdigit()])
        digit = str((int(value[at]) + chosen.randint(1, 9)) % 10)
        row[column] = value[:at] + digit + value[at + 1 :]
        out = StringIO()
        writer = csv.DictWriter(out, list(table[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)
        file.write_text(out.getvalue(), encoding="utf-8")
        row[column] = value
        sign_again(pack)
        done = verify(pack)
        assert done.returncode == 1, f"{column} {value} at {at} → {digit} was not found"
        assert "SHA-256" not in done.stdout
    file.write_text(before, encoding="utf-8")
    sign_again(pack)
    assert verify(pack).returncode == 0


@each("name", ["lines.csv", "bills.csv", "facilities.csv", "factors.csv"])
def test_a_row_that_is_missing_or_there_twice_is_found(pack: Path, name: str) -> None:
    file = pack / name
    header, first, *others = file.read_text(encoding="utf-8").splitlines(keepends=True)
    for changed in ([header, *others], [header, first, first, *others]):
        file.write_text("".join(changed), encoding="utf-8")
        sign_again(pack)
        if name == "factors.csv" and len(changed) > len(others) + 1:
            continue  # one that says the same twice changes no figure
        assert verify(pack).returncode == 1


def test_a_missing_or_foreign_file_is_found(pack: Path) -> None:
    (pack / "extra.csv").write_text("x\n")
    assert "extra.csv is not in SHA256SUMS" in verify(pack).stdout
    (pack / "extra.csv").unlink()
    (pack / "README.txt").unlink()
    assert "README.txt is missing" in verify(pack).stdout


def test_the_same_figures_give_the_same_bytes(
    pack: Path, organization: Organization, tmp_path: Path
) -> None:
    again = tmp_path / "again"
    again.mkdir()
    exported(organization, again)
    assert (again / "evidence.zip").read_bytes() == (tmp_path / "evidence.zip").read_bytes()


def test_a_closed_year_is_proved_as_it_was_closed(
    pack: Path, alice: Person, erin: Person, organization: Organization, tmp_path: Path
) -> None:
    assert alice.post("/v1/periods/2023/close", None).status == 200
    erin.factor()
    [bill] = erin.get("/v1/consumptions?external_id=B-1").body["items"]
    erin.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 5})
    again = tmp_path / "again"
    again.mkdir()
    later = exported(organization, again)
    assert verify(later).returncode == 0
    assert rows(later, "totals.csv") == rows(pack, "totals.csv")


def test_a_year_without_figures_is_a_pack_too(organization: Organization, tmp_path: Path) -> None:
    folder = exported(organization, tmp_path)
    assert verify(folder).returncode == 0
    assert rows(folder, "lines.csv") == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"organization": "x"}, "ORG: “x” is not a UUID"),
        ({"year": 99999}, "--year: 99999 is no calendar year"),
        ({"out": "/nowhere/at/all.zip"}, "--out: /nowhere/at/all.zip: No such file"),
    ],
)
def test_what_cannot_be_exported_is_said(
    organization: Organization, tmp_path: Path, change: dict[str, Any], sentence: str
) -> None:
    options = {
        "organization": str(organization.pk), "year": 2023, "out": tmp_path / "x.zip", **change
    }  # fmt: skip
    with pytest.raises(CommandError, match=sentence):
        call_command("export_evidence", options.pop("organization"), **options)
    assert not list(tmp_path.iterdir())
