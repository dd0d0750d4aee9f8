"""`import_emission_factors`: published factors or an organization's own, and what they touch."""

from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

from emissions.management.commands.load_emission_factors import DATA
from emissions.models import Consumption, EmissionFactor, FactorSource
from organizations.models import Import, Organization
from tests.cases import each
from tests.conftest import Person
from tests.importing import Outcome, run, write_csv

pytestmark = pytest.mark.django_db

OWN = {
    "category": "electricity",
    "country": "ESP",
    "method": "location",
    "unit": "kWh",
    "valid_from": "2023-01-01",
    "valid_to": "2023-12-31",
    "co2e": "0.5",
}


def load(path: Path, rows: list[dict[str, Any]], whose: Organization | None, *more: str) -> Outcome:
    outcome = run("import_emission_factors", write_csv(path / "e.csv", rows), whose, *more)
    call_command("recalculate_co2e", check=True, stdout=StringIO(), stderr=StringIO())
    return outcome


def test_the_shipped_file_imports_as_it_was_loaded() -> None:
    outcome = run("import_emission_factors", DATA / "emission_factors.csv", None)
    assert outcome.counts == "created 0, changed 0, unchanged 4021, rejected 0"


def test_own_factors_apply_at_once_and_again_when_they_change(
    tmp_path: Path, organization: Organization, alice: Person
) -> None:
    alice.consumption(alice.facility(), quantity=1000)
    outcome = load(tmp_path, [OWN], organization)
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    assert Consumption.objects.get().co2e == 500
    own = EmissionFactor.objects.get(organization=organization)
    assert (own.country, own.activity, own.scope) == ("ES", "grid", 2)
    outcome = load(tmp_path, [{**OWN, "co2e": "0.25"}], organization)
    assert outcome.counts == "created 0, changed 1, unchanged 0, rejected 0"
    assert Consumption.objects.get().co2e == 250
    outcome = load(tmp_path, [{**OWN, "co2e": "0.25"}], organization)
    assert outcome.counts == "created 0, changed 0, unchanged 1, rejected 0"


def test_published_factors_need_a_source_that_is_there_or_given(tmp_path: Path) -> None:
    row = {**OWN, "category": "heat", "activity": "peat", "method": ""}
    assert "[required]" in load(tmp_path, [row], None).messages
    row["source_id"] = "turf-board"
    assert "[does_not_exist]" in load(tmp_path, [row], None).messages
    sources = [{"source_id": "turf-board", "title": "Turf Board 2024"}]
    given = write_csv(tmp_path / "sources.csv", sources)
    outcome = load(tmp_path, [row], None, f"--sources={given}")
    assert outcome.counts == "created 1, changed 0, unchanged 0, rejected 0"
    factor = EmissionFactor.objects.get(activity="peat")
    assert factor.organization is None
    assert factor.source == FactorSource.objects.get(title="Turf Board 2024")
    assert Import.objects.get(outcome="stored").organization is None
    before = factor.updated_at
    load(tmp_path, [row], None, f"--sources={given}")
    factor.refresh_from_db()
    assert factor.updated_at == before
    sources[0]["title"] = "Turf Board 2025"
    given = write_csv(tmp_path / "sources.csv", sources)
    outcome = load(tmp_path, [row], None, f"--sources={given}")
    assert outcome.counts == "created 0, changed 0, unchanged 1, rejected 0"
    assert FactorSource.objects.get(pk="turf-board").title == "Turf Board 2025"
    factor.refresh_from_db()
    assert factor.updated_at > before, "its answer shows the source"


def test_everything_wrong_with_a_file_of_sources_is_named(tmp_path: Path) -> None:
    path = tmp_path / "sources.csv"
    path.write_text("source_id,title,url\nturf board,Turf,\nb,,nowhere\nc\n", encoding="utf-8")
    outcome = load(tmp_path, [OWN], None, f"--sources={path}")
    assert (outcome.status, outcome.counts) == (1, "")
    for place in ("line 2: source_id:", "line 3: title:", "line 3: url:", "line 4 has 1 cells"):
        assert place in outcome.messages


@each(
    ("cells", "column", "code"),
    [
        ({"co2e": "0,5x"}, "co2e", "invalid"),
        ({"co2e": "-1"}, "co2e", "min_value"),
        ({"unit": "kw"}, "unit", "invalid_choice"),
        ({"country": "Spain"}, "country", "unknown_country"),
        ({"valid_to": "2022-12-31"}, "valid_to", "reversed_period"),
        ({"category": "heat", "activity": "peat"}, "method", "not_applicable"),
        ({"valid_from": ""}, "valid_from", "required"),
        ({"scope": "4"}, "scope", "max_value"),
    ],
)
def test_a_bad_factor_is_refused_as_the_api_would(
    tmp_path: Path,
    organization: Organization,
    alice: Person,
    cells: dict[str, str],
    column: str,
    code: str,
) -> None:
    outcome = load(tmp_path, [{**OWN, **cells}], organization)
    assert f"line 2: {column} " in outcome.messages
    assert outcome.messages.splitlines()[0].endswith(f"[{code}]")
    body: dict[str, Any] = {name: text for name, text in {**OWN, **cells}.items() if text}
    for name in ("co2e", "scope"):
        if name in body and "," not in body[name]:
            body[name] = Decimal(body[name])
    answer = alice.post("/v1/emission-factors", body)
    assert answer.error(column)["code"] == code
    assert not EmissionFactor.objects.filter(organization=organization).exists()


def test_factors_of_one_key_may_not_overlap_whatever_the_order_of_rows(
    tmp_path: Path, organization: Organization
) -> None:
    opened = {**OWN, "valid_to": ""}
    following = {**OWN, "valid_from": "2023-07-01", "valid_to": ""}
    load(tmp_path, [opened], organization)
    outcome = load(tmp_path, [following], organization)
    assert "line 2: valid_from" in outcome.messages
    assert "[overlap]" in outcome.messages
    outcome = load(tmp_path, [following, {**OWN, "valid_to": "2023-06-30"}], organization)
    assert outcome.counts == "created 1, changed 1, unchanged 0, rejected 0"
    outcome = load(tmp_path, [following, following], organization)
    assert "Line 2 is the same factor" in outcome.messages
