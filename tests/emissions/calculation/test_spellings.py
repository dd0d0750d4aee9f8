"""Units in the spellings people use: read, or refused with the choices."""

import csv
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emissions.calculation.spellings import AMBIGUOUS, SEVERAL, UnreadableUnit, read_unit
from emissions.calculation.units import UNITS
from tests.conftest import Person

CASES = Path(__file__).parents[1] / "importing" / "cases" / "unit_spellings.csv"
ROWS = list(csv.DictReader(CASES.read_text(encoding="utf-8").splitlines()))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["written"])
def test_each_spelling_of_the_list_is_read_or_refused(row: dict[str, str]) -> None:
    if not row["read"].startswith("refused"):
        assert read_unit(row["written"]) == row["read"]
        return
    with pytest.raises(UnreadableUnit) as refused:
        read_unit(row["written"])
    assert refused.value.code == AMBIGUOUS


@pytest.mark.parametrize(
    ("written", "unit"),
    [
        ("kWh (NCV)", "kWh_net"), ("KWH PCI", "kWh_net"), ("kWh (PCS)", "kWh"), ("MWh GCV", "MWh"),
        ("kilowatt-hours", "kWh"), ("kW·h", "kWh"), ("metros cúbicos", "m3"), ("M3", "m3"),
        ("ft³", "ft3"), ("ft^3", "ft3"), ("100 cubic feet", "ccf"), ("HCF", "ccf"),
        ("Dth", "MMBtu"),
        ("US Gallons", "gal_us"), ("gal (US)", "gal_us"), ("Imperial gallons", "gal_uk"),
        ("KGAL (US)", "kgal_us"), ("Mcf (thousand cubic feet)", "kcf"), ("MMCF", "MMcf"),
        ("pounds", "lb"), ("Metric Tons", "t"), ("toneladas", "t"), ("Kilos", "kg"),
        (" kWh ", "kWh"),
        ("L (liters)", "L"), ("Ton-Hours", "ton_hour"), ("litros", "L"),
    ],
)  # fmt: skip
def test_what_else_bills_say(written: str, unit: str) -> None:
    assert read_unit(written) == unit


@pytest.mark.parametrize(
    "written", ["GAL", "Tons", "mBTU", "kGal", "Sm3", "scf", "ML", "MLBS.", "gal (gallons)"]
)
def test_what_may_be_two_units_is_refused_with_the_choices(written: str) -> None:
    with pytest.raises(UnreadableUnit) as refused:
        read_unit(written)
    assert refused.value.code == AMBIGUOUS
    assert any(f" {unit}" in str(refused.value) for unit in UNITS)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "kwhh",
        "barrels",
        "kcf (million cubic feet)",
        "kWh/m3",
        "long tons",
        "m²",
        "kgal (thousand gallons) (UK)",
        "MLbs. (million pounds)",
        "(" * 99,
    ],
)
def test_what_is_no_unit_names_the_nearest(written: str) -> None:
    with pytest.raises(UnreadableUnit) as refused:
        read_unit(written)
    assert refused.value.code == "invalid_choice"
    assert (
        "kWh" in str(refused.value)
        or "Nearest" in str(refused.value)
        or "one unit" in str(refused.value)
    )


@pytest.mark.parametrize("written", ["µg", "μL", "€/kWh", "kWh PCI/PCS", "GJ_net (gross)"])
def test_no_letter_or_word_is_passed_over(written: str) -> None:
    with pytest.raises(UnreadableUnit):
        read_unit(written)


@given(st.sampled_from(sorted(UNITS)), st.randoms(use_true_random=False))
def test_a_units_own_name_is_read_in_any_case(unit: str, random: object) -> None:
    assert read_unit(unit) == unit
    for written in (unit.upper(), unit.lower(), unit.swapcase(), f" {unit}\u00a0", f"{unit}."):
        assert read_unit(written) == unit


@given(st.text(max_size=60))
def test_any_text_is_a_unit_or_refused(text: str) -> None:
    with suppress(UnreadableUnit):
        assert read_unit(text) in UNITS


def test_no_ambiguous_spelling_is_a_unit() -> None:
    assert not SEVERAL.keys() & {unit.lower() for unit in UNITS}


@pytest.mark.django_db
def test_the_api_reads_spellings_and_answers_the_one(erin: Person) -> None:
    bill = erin.consumption(erin.facility(), unit="KWH")
    assert bill["unit"] == "kWh"
    answer = erin.patch(f"/v1/consumptions/{bill['id']}", {"unit": "Mcf"})
    assert answer.error("unit")["code"] == AMBIGUOUS
    assert "kcf or MMcf" in answer.error("unit")["detail"]
    assert erin.factor(unit="Kilowatt hours", country="PT")["unit"] == "kWh"
