"""All 1,008 of Toronto's municipal buildings of 2021 against the emissions the city published.

The city computes with 0.029 kg/kWh for electricity and 50.277 kg/GJ for gas and publishes whole
tenths of a tonne: a published figure stands for everything within 50 kg of it.
"""

import csv
from datetime import date
from decimal import Decimal
from pathlib import Path
from statistics import median

import pytest

from emissions.ledger.recalculation import check_or_repair, recalculate
from emissions.models import Consumption, EmissionFactor
from facilities.models import Completeness, Facility
from organizations.database.tenant import about
from organizations.models import Organization

DATA = Path(__file__).resolve().parents[4] / "shared" / "data"
ROUNDING = Decimal(50)

EXPLAINED = {
    "TOR-28034362": "50.6 kg off a rounded figure: its gas, rounded to 0.1 GJ, is on the edge",
    "TOR-28034308": "50.7 kg off a rounded figure: its gas, rounded to 0.1 GJ, is on the edge",
    "TOR-28034068": "118.5 kg of 17,455 t (7 in a million): the factors have 5 digits",
    "TOR-28034180": "burns gas oil too; the city's factor is not given, ours is published",
    "TOR-28033476": "bought steam: there is no published factor for district heating in Canada",
}

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"Toronto's data is not at {DATA}"),
]


def read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def toronto() -> dict[str, Facility]:
    """The city with its own factors, its buildings and their consumption, computed in bulk."""
    city = Organization.objects.create(name="City of Toronto")
    for category, activity, method, unit, co2e, scope in (
        ("electricity", "grid", "location", "kWh", "0.029", 2),
        ("heat", "natural_gas", "", "GJ", "50.277", 1),
    ):
        EmissionFactor.objects.create(
            organization=city,
            category=category,
            activity=activity,
            country="CA",
            method=method,
            unit=unit,
            valid_from=date(2021, 1, 1),
            valid_to=date(2021, 12, 31),
            co2e=Decimal(co2e),
            scope=scope,
        )
    facilities = {
        row["external_id"]: Facility(
            organization=city,
            external_id=row["external_id"],
            name=row["name"],
            type=row["type"],
            country=row["country"],
            address=row["address"],
            categories=row["categories"].split("|"),  # type: ignore[misc]
        )
        for row in read("toronto_2021_facilities.csv")
    }
    Facility.objects.bulk_create(facilities.values())
    bills = Consumption.objects.bulk_create(
        Consumption(
            organization=city,
            facility=facilities[row["facility"]],
            external_id=row["external_id"],
            category=row["category"],
            activity=row["activity"],
            quantity=Decimal(row["quantity"]),
            unit=row["unit"],
            start_date=date.fromisoformat(row["start_date"]),
            end_date=date.fromisoformat(row["end_date"]),
        )
        for row in read("toronto_2021_consumption.csv")
    )
    with about(bills[0].organization_id):
        recalculate(sorted((bill.facility_id, bill.pk) for bill in bills))
    return {row.external_id: row for row in Facility.objects.for_organization(city.pk)}


def test_the_citys_buildings_come_out_as_published_and_what_does_not_is_explained(
    toronto: dict[str, Facility],
) -> None:
    published = {
        row["facility"]: Decimal(row["published_co2e_kg"])
        for row in read("toronto_2021_published_co2e.csv")
    }
    assert (len(toronto), len(published)) == (1008, 621)

    off = {code: toronto[code].co2e - figure for code, figure in published.items()}
    relative = [abs(off[code]) / figure for code, figure in published.items() if figure]
    assert median(relative) < Decimal("0.005")

    outliers = {code for code, difference in off.items() if abs(difference) > ROUNDING}
    assert outliers == set(EXPLAINED)
    near = outliers - {"TOR-28034180", "TOR-28033476"}
    assert all(abs(off[code]) < 120 for code in near)

    incomplete = {
        code for code, one in toronto.items() if one.co2e_status == Completeness.INCOMPLETE
    }
    missing = Consumption.objects.exclude(co2e_reason="").filter(facility__in=toronto.values())
    assert incomplete == {bill.facility.external_id for bill in missing}
    assert {bill.activity for bill in missing} == {"district_heating"}
    assert all(bill.co2e_reason.startswith("no_factor: ") for bill in missing)

    some = list(toronto.values())[:100]
    assert check_or_repair(some[0].organization_id, [one.pk for one in some], check=True) == []
