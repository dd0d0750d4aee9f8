"""A change of a facility or a GWP set shows what it moves before it is stored, field by field and
facility by facility; so does a factor's."""

import csv
import io
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from emissions.admin.previews import moves
from facilities.models import Facility
from organizations.models import Organization
from tests.admin.conftest import confirmed
from tests.admin.test_facilities import form, messages_of, page
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def agreed(response: Any, **more: str) -> dict[str, Any]:
    """What the preview's form sends with a button of its own."""
    data: dict[str, Any] = {}
    for name, value in response.context["hidden"]:
        data.setdefault(name, []).append(value)
    return data | {"_preview": response.context["state"], **(more or {"_confirmed": "1"})}


def changes(response: Any) -> dict[str, tuple[str, str]]:
    return {one.name: (one.before, one.after) for one in response.context["fields"]}


def rows(response: Any) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(response.getvalue().decode())))


def test_another_country_is_previewed_and_then_stored(alice: Person, alice_admin: Client) -> None:
    alice.factor()
    alice.factor(country="FR", co2e=Decimal("0.05"))
    facility = alice.facility(categories=["heat", "electricity"])
    alice.consumption(facility)
    data = form([], country="FR", name="Lyon")
    preview = alice_admin.post(page(facility), data)
    assert preview.status_code == 200
    assert changes(preview) == {"name": ("Madrid Office", "Lyon"), "country": ("Spain", "France")}
    effect = preview.context["effect"]
    assert (effect.before.co2e, effect.after.co2e) == (500, 50)
    assert Facility.objects.get().country == "ES"
    assert alice_admin.post(page(facility), agreed(preview)).status_code == 302
    stored = Facility.objects.get()
    assert (stored.country, stored.name, stored.co2e) == ("FR", "Lyon", 50)


def test_a_category_taken_away_and_a_region_are_previewed(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    alice.factor(region="ES-MD", co2e=1)
    facility = alice.facility(categories=["heat", "electricity"])
    alice.consumption(facility)
    away = alice_admin.post(page(facility), form([], categories=["heat"]))
    assert (away.context["effect"].after.co2e, away.context["effect"].lost) == (0, 1)
    assert "would have no figure any more" in away.content.decode()
    region = alice_admin.post(page(facility), form([], region="ES-MD"))
    assert region.context["effect"].after.co2e == 1000
    assert Facility.objects.get().co2e == 500


def test_what_moves_nothing_is_stored_at_once(alice: Person, alice_admin: Client) -> None:
    facility = alice.facility(categories=["heat", "electricity"])
    assert alice_admin.post(page(facility), form([], country="FR")).status_code == 302
    alice.factor()
    alice.consumption(facility)
    assert alice_admin.post(page(facility), form([], country="FR", name="B")).status_code == 302


def test_what_has_changed_since_is_shown_again(alice: Person, alice_admin: Client) -> None:
    alice.factor(country="FR", co2e=Decimal("0.05"))
    facility = alice.facility(categories=["heat", "electricity"])
    alice.consumption(facility)
    preview = alice_admin.post(page(facility), form([], country="FR"))
    alice.consumption(facility, start_date="2023-05-01", end_date="2023-05-31")
    again = alice_admin.post(page(facility), agreed(preview))
    assert again.status_code == 200
    assert "has changed since you saw it" in messages_of(again)[0]
    other = {**agreed(again), "country": "DE"}
    assert alice_admin.post(page(facility), other).status_code == 200, "another one than was shown"
    assert alice_admin.post(page(facility), agreed(again)).status_code == 302


def test_another_gwp_set_is_previewed(alice: Person, alice_admin: Client) -> None:
    facility = alice.facility()
    alice.consumption(
        facility, category="recharge", activity="R-410A", unit="kg", quantity=1,
        start_date="2023-03-01", end_date="2023-03-01",
    )  # fmt: skip
    before = Facility.objects.get().co2e
    address = f"/admin/organizations/organization/{alice.organization.pk}/change/"
    data = {"name": "Alice Ltd", "gwp_set": "AR4"}
    preview = alice_admin.post(address, data)
    effect = preview.context["effect"]
    assert effect.before.co2e == before != effect.after.co2e
    assert changes(preview) == {"GWP set": ("AR6", "AR4")}
    assert Organization.objects.get().gwp_set == "AR6"
    assert alice_admin.post(address, agreed(preview)).status_code == 302
    assert Facility.objects.get().co2e == effect.after.co2e


def test_a_factors_preview_has_old_and_new_and_every_facility(
    alice: Person, alice_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(moves, "SIZE", 3)
    factor = alice.factor(co2e=Decimal("0.5"))
    for number in range(8):
        alice.consumption(alice.facility(name=f"=Site {number}"), quantity=100 * (number + 1))
    address = f"/admin/emissions/emissionfactor/{factor['id']}/change/"
    data = {
        "organization": str(alice.organization.pk), "category": "electricity", "activity": "grid",
        "country": "ES", "method": "location", "unit": "kWh", "valid_from": "2023-01-01",
        "valid_to": "2023-12-31", "co2e": "0.75", "co2e_biomass": "0", "scope": "2",
    }  # fmt: skip
    preview = alice_admin.post(address, data)
    assert {name: new for name, (_, new) in changes(preview).items()} == {"CO2e": "0.75"}
    seen, start = [], ""
    for size in (3, 3, 2):
        shown = alice_admin.post(address, agreed(preview, _moves=start))
        assert len(shown.context["rows"]) == size
        seen += [(str(one["facility"]), one["before"].co2e, one["after"].co2e)
                 for one in shown.context["rows"]]  # fmt: skip
        start = shown.context["next"]
    assert start is None
    assert sorted(seen) == [(f"=Site {n}", 50 * (n + 1), 75 * (n + 1)) for n in range(8)]
    file = rows(alice_admin.post(address, agreed(preview, _csv="1")))
    assert sorted((row["name"], row["co2e_before"], row["co2e_after"]) for row in file) == [
        (f"'=Site {n}", str(50 * (n + 1)), str(75 * (n + 1))) for n in range(8)
    ]
    assert alice_admin.post(address, confirmed(preview)).status_code == 302, "and it is still there"


def test_a_facilitys_preview_is_a_file_too(alice: Person, alice_admin: Client) -> None:
    alice.factor(country="FR", co2e=Decimal("0.05"))
    facility = alice.facility(categories=["heat", "electricity"])
    alice.consumption(facility)
    preview = alice_admin.post(page(facility), form([], country="FR"))
    [row] = rows(alice_admin.post(page(facility), agreed(preview, _csv="1")))
    assert (row["facility_id"], row["co2e_after"]) == (facility["id"], "50")
    shown = alice_admin.post(page(facility), agreed(preview, _moves=""))
    assert [one["after"].co2e for one in shown.context["rows"]] == [50]
    assert Facility.objects.get().country == "ES"


def test_a_viewer_previews_nothing(alice: Person, bob_admin: Client) -> None:
    alice.factor(country="FR")
    facility = alice.facility()
    alice.consumption(facility)
    assert bob_admin.post(page(facility), form([], country="FR", _csv="1")).status_code == 403
