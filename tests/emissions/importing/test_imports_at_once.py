"""The same file imported by two operators at the same moment, each in a process of its own."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection

from emissions.models import Consumption
from facilities.models import Facility
from organizations.models import Import, Organization
from tests.conftest import Person
from tests.importing import write_csv

pytestmark = pytest.mark.usefixtures("committed")

ROWS = 600
AGAIN = "another write was in the way; run it again"


def started(command: str, file: Path, organization: Organization) -> subprocess.Popen[str]:
    name = connection.settings_dict["NAME"]
    url = f"sqlite:///{name}"
    if connection.vendor == "postgresql":
        url = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
    return subprocess.Popen(
        [sys.executable, "manage.py", command, str(file), f"--organization={organization.pk}"],
        cwd=settings.BASE_DIR,
        env={**os.environ, "DATABASE_URL": url, "DEBUG": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def at_once(command: str, file: Path, organization: Organization) -> list[str]:
    """What two imports of a file say: their counts, or that one was in the other's way."""
    both = [started(command, file, organization) for _ in range(2)]
    answers = []
    for process in both:
        counts, messages = process.communicate(timeout=120)
        refused = AGAIN in messages
        assert process.returncode == int(refused), messages
        answers.append(AGAIN if refused else counts.strip())
    return answers


def assert_one_created_all(answers: list[str], count: int) -> None:
    first = f"created {count}, changed 0, unchanged 0, rejected 0"
    second = f"created 0, changed 0, unchanged {count}, rejected 0"
    assert first in answers
    answers.remove(first)
    assert answers[0] in (second, AGAIN)


def test_facilities_imported_twice_at_once_are_there_once(
    tmp_path: Path, organization: Organization
) -> None:
    rows = [
        {"external_id": f"F-{n}", "name": f"Site {n}", "type": "office", "country": "ES"}
        for n in range(ROWS)
    ]
    file = write_csv(tmp_path / "f.csv", rows)
    assert_one_created_all(at_once("import_facilities", file, organization), ROWS)
    assert Facility.objects.count() == ROWS


@pytest.mark.parametrize("named", [True, False], ids=["external_id", "natural key"])
def test_bills_imported_twice_at_once_are_there_and_count_once(
    tmp_path: Path, organization: Organization, alice: Person, named: bool
) -> None:
    for number in range(50):
        alice.facility(external_id=f"F-{number}")
    rows = [
        {
            "external_id": f"B-{n}" if named else "",
            "facility_id": f"F-{n % 50}",
            "category": "electricity",
            "quantity": n + 1,
            "unit": "kWh",
            "start_date": f"2023-{n // 50 % 12 + 1:02d}-01",
            "end_date": f"2023-{n // 50 % 12 + 1:02d}-{n // 600 + 2:02d}",
            "data_quality": "estimated",
        }
        for n in range(ROWS)
    ]
    file = write_csv(tmp_path / "c.csv", rows)
    assert_one_created_all(at_once("import_consumption", file, organization), ROWS)
    assert Consumption.objects.count() == ROWS
    assert Import.objects.filter(outcome="stored").count() in (1, 2)
    call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())
