"""Factors of one's own, and what counts when: figures by hand, and the ledger."""

from datetime import date
from decimal import Decimal

import pytest

from emissions.models import Emission, EmissionFactor
from facilities.models import Facility
from tests.conftest import Person
from tests.emissions.figures import (
    NOTHING,
    OVER_NEW_YEAR,
    again,
    change,
    completeness,
    exactly,
    flags,
    gas,
    kg,
    ledger,
    lines_of,
    refill,
    total,
)

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("stored_is_recomputed")]

# Factors of one's own


def test_an_own_factor_takes_precedence_until_it_is_deleted(erin: Person, charlie: Person) -> None:
    site, theirs = erin.facility(), charlie.facility()
    bill, their_bill = erin.consumption(site), charlie.consumption(theirs)
    own = erin.factor(co2e=Decimal("0.1234567891"))
    # 1,000 × 0.1234567891 = 123.4567891
    assert kg(again(erin, bill)) == exactly("123.456789", "260") == total(erin, site)
    [line] = lines_of(erin, bill)
    assert line["location"]["factor"]["own"] is True
    assert line["location"]["product"] == Decimal("123.4567891")
    assert erin.delete(f"/v1/emission-factors/{own['id']}").status == 204
    assert kg(again(erin, bill)) == exactly("169.28", "260") == total(erin, site)
    assert kg(again(charlie, their_bill)) == exactly("169.28", "260") == total(charlie, theirs)
    assert len(ledger(their_bill)) == 1


def test_an_edited_factor_moves_the_figures_and_the_ledger_keeps_the_old_ones(
    erin: Person,
) -> None:
    site = erin.facility()
    own = erin.factor()
    bill = erin.consumption(site, start_date="2023-01-01", end_date="2023-02-28", quantity=590)
    # 10 kWh a day × 0.5, then × 0.25
    assert kg(bill) == exactly("295", "153.4") == total(erin, site)
    change(erin, "emission-factors", own, co2e=Decimal("0.25"))
    assert kg(again(erin, bill)) == exactly("147.5", "153.4") == total(erin, site)
    assert ledger(bill) == [
        ("2023-01", Decimal(155), False),
        ("2023-02", Decimal(140), False),
        ("2023-01", Decimal("77.5"), True),
        ("2023-02", Decimal(70), True),
    ]
    used = Emission.objects.filter(consumption_id=bill["id"]).order_by("recorded_at", "start_date")
    assert [line.location_value for line in used] == [
        Decimal(one) for one in ("0.5", "0.5", "0.25", "0.25")
    ]
    # February falls to the own factor of January, which still comes before the published one
    change(erin, "emission-factors", own, valid_to="2023-01-31")
    assert flags(erin, bill) == [([], []), (["earlier_year"], [])]
    assert kg(again(erin, bill)) == exactly("147.5", "153.4")
    change(erin, "emission-factors", own, country="FR")
    assert kg(again(erin, bill)) == exactly("99.8752", "153.4")  # 590 × 0.16928


def test_what_does_not_change_the_answer_writes_no_line(erin: Person) -> None:
    own = erin.factor()
    bill = erin.consumption(erin.facility())
    change(erin, "emission-factors", own, note="from the invoice", co2e=Decimal("0.50"))
    change(erin, "consumptions", bill, note="checked", external_id="B-1", cups="")
    assert ledger(bill) == [("2023-03", Decimal(500), True)]


def test_a_line_says_the_data_quality_that_it_was_written_with(erin: Person) -> None:
    bill = erin.consumption(erin.facility())
    change(erin, "consumptions", bill, data_quality="estimated")
    lines = Emission.objects.filter(consumption_id=bill["id"]).order_by("recorded_at")
    assert [(line.data_quality, line.superseded_at is None) for line in lines] == [
        ("actual", False),
        ("estimated", True),
    ]


def test_a_published_factor_that_staff_correct_recomputes_every_organization(
    erin: Person, charlie: Person
) -> None:
    bill, theirs = erin.consumption(erin.facility()), charlie.consumption(charlie.facility())
    spain = EmissionFactor.objects.get(
        organization=None, country="ES", method="location", valid_from=date(2023, 1, 1), supplier=""
    )
    spain.co2e = Decimal("0.17")
    spain.save()
    assert kg(again(erin, bill)) == exactly("170", "260")
    assert kg(again(charlie, theirs)) == exactly("170", "260")


def test_two_own_factors_that_fit_equally_are_not_chosen_from(erin: Person) -> None:
    site = erin.facility()
    bill = gas(erin, site)
    heat = {"category": "heat", "activity": "natural_gas", "method": None}
    tied = [erin.factor(gwp_set=gwp_set, **heat) for gwp_set in ("AR5", "AR6")]
    ambiguous = again(erin, bill)
    assert kg(ambiguous) == NOTHING
    assert ambiguous["co2e_reason"].startswith("ambiguous_factor: ")
    assert all(one["id"] in ambiguous["co2e_reason"] for one in tied)
    assert completeness(erin, site) == "incomplete"
    erin.delete(f"/v1/emission-factors/{tied[0]['id']}")
    assert kg(again(erin, bill)) == exactly("500") == total(erin, site)
    assert completeness(erin, site) == "complete"


# What counts


def test_a_facility_that_moves_is_computed_where_it_is_now(erin: Person) -> None:
    site = erin.facility()
    bill, pool = erin.consumption(site), refill(erin, site)
    assert total(erin, site) == exactly("5809.28", "5900")
    change(erin, "facilities", site, country="FRA")
    # 1,000 × 0.05528; the refrigerant is the same everywhere, and its line says where it is
    assert kg(again(erin, bill)) == exactly("55.28")
    assert total(erin, site) == exactly("5695.28")
    change(erin, "facilities", site, country="ES")
    assert total(erin, site) == exactly("5809.28", "5900")
    assert [(amount, counts) for _, amount, counts in ledger(bill)] == [
        (Decimal("169.28"), False),
        (Decimal("55.28"), False),
        (Decimal("169.28"), True),
    ]
    assert [counts for _, _, counts in ledger(pool)] == [False, False, True]


def test_a_disabled_category_does_not_count_until_it_is_enabled(erin: Person) -> None:
    site = erin.facility()
    bill, water = erin.consumption(site), erin.consumption(site, category="water", unit="m3")
    assert total(erin, site) == exactly("360.58", "451.3")  # 169.28, 260 and 191.3
    change(erin, "facilities", site, categories=["heat", "water"])
    off = again(erin, bill)
    assert (kg(off), off["co2e_status"]) == (NOTHING, "not_calculated")
    assert off["co2e_reason"] == "category_disabled"
    assert total(erin, site) == kg(again(erin, water)) == exactly("191.3")
    assert completeness(erin, site) == "complete"
    refused = erin.post(
        "/v1/consumptions",
        {
            "facility_id": site["id"],
            "category": "electricity",
            "quantity": 1,
            "unit": "kWh",
            "start_date": "2023-01-01",
            "end_date": "2023-01-31",
        },
    )
    assert (refused.status, refused.fields) == (422, ["category"])
    change(erin, "facilities", site, categories=["electricity"])
    assert kg(again(erin, bill)) == exactly("169.28", "260") == total(erin, site)
    assert [counts for *_, counts in ledger(bill)] == [False, True]


def test_an_inactive_consumption_does_not_count_until_it_is_active(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site)
    off = change(erin, "consumptions", bill, status="inactive")
    assert (kg(off), off["co2e_reason"]) == (NOTHING, "inactive")
    assert total(erin, site) == exactly("0")
    assert completeness(erin, site) == "complete"
    on = change(erin, "consumptions", bill, status="active")
    assert (kg(on), on["co2e_reason"]) == (exactly("169.28", "260"), None)
    assert total(erin, site) == exactly("169.28", "260")


def test_a_deleted_consumption_leaves_every_total_and_stays_in_the_ledger(erin: Person) -> None:
    site = erin.facility()
    bill, other = erin.consumption(site), gas(erin, site)
    assert erin.delete(f"/v1/consumptions/{bill['id']}").status == 204
    assert erin.get(f"/v1/consumptions/{bill['id']}").status == 404
    assert total(erin, site) == kg(other) == exactly("182")
    assert ledger(bill) == [("2023-03", Decimal("169.28"), False)]


def test_a_deleted_facility_takes_its_consumption_along_and_brings_it_back(erin: Person) -> None:
    site = erin.facility(external_id="HQ")
    gone = erin.consumption(site, quantity=7)
    erin.delete(f"/v1/consumptions/{gone['id']}")
    bill = erin.consumption(site)
    off = change(erin, "consumptions", erin.consumption(site), status="inactive")
    assert erin.delete(f"/v1/facilities/{site['id']}").status == 204
    for path in (f"/v1/facilities/{site['id']}", f"/v1/consumptions/{bill['id']}"):
        assert erin.get(path).status == 404
    assert not Emission.objects.current().filter(organization=erin.organization).exists()

    Facility.objects.get(pk=site["id"]).restore()
    assert kg(again(erin, bill)) == exactly("169.28", "260") == total(erin, site)
    assert again(erin, off)["co2e_reason"] == "inactive"
    assert erin.get(f"/v1/consumptions/{gone['id']}").status == 404
    assert [counts for *_, counts in ledger(bill)] == [False, True]


def test_a_restored_facility_is_computed_with_the_factors_of_now(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site)
    erin.delete(f"/v1/facilities/{site['id']}")
    erin.factor()
    Facility.objects.get(pk=site["id"]).restore()
    assert kg(again(erin, bill)) == exactly("500", "260") == total(erin, site)


def test_an_archived_facility_keeps_its_totals(erin: Person) -> None:
    site = erin.facility()
    erin.consumption(site)
    change(erin, "facilities", site, status="archived")
    assert total(erin, site) == exactly("169.28", "260")


def test_a_consumption_that_moves_takes_its_figures_to_the_other_facility(erin: Person) -> None:
    here, there = erin.facility(), erin.facility(country="FR")
    bill, left = erin.consumption(here), erin.consumption(here, quantity=10)
    moved = change(erin, "consumptions", bill, facility_id=there["id"])
    assert kg(moved) == exactly("55.28") == total(erin, there)
    assert total(erin, here) == kg(left) == exactly("1.6928", "2.6")


def test_an_edited_consumption_is_computed_anew(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site)
    edited = change(erin, "consumptions", bill, quantity=2, unit="MWh", **OVER_NEW_YEAR)
    assert kg(edited) == exactly("386.41", "533") == total(erin, site)  # twice 193.205 and 266.5
    edited = change(
        erin, "consumptions", bill, category="water", activity="supply", quantity=10, unit="m3"
    )
    assert kg(edited) == exactly("1.913") == total(erin, site)
    assert [counts for *_, counts in ledger(bill)] == [False] * 3 + [True] * 2
