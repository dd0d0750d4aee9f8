"""Factors in the admin: explained, refused with a sentence, previewed before they move anything."""

import re
from decimal import Decimal
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.test import Client
from django.urls import reverse
from django.utils.html import escape

from emissions import preview
from emissions.models import Consumption, Emission, EmissionFactor
from emissions.preview import impact_of
from facilities.models import Facility
from organizations.models import Organization
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ADD = reverse("admin:emissions_emissionfactor_add")
MISSING = reverse("admin:emissions_consumption_missing")


def page(factor: Any, what: str = "change") -> str:
    return reverse(f"admin:emissions_emissionfactor_{what}", args=[factor["id"]])


def form(person: Person, **fields: Any) -> dict[str, Any]:
    return {
        "organization": person.organization.pk,
        "category": "electricity",
        "activity": "grid",
        "country": "ES",
        "region": "",
        "method": "location",
        "unit": "kWh",
        "valid_from": "2023-01-01",
        "valid_to": "2023-12-31",
        "co2e": "0.5",
        **fields,
    }


def number(response: Any, name: str) -> str:
    [found] = re.findall(rf'id="{name}">([\d,]+)<', response.content.decode())
    return found


def errors(response: Any) -> str:
    return " ".join(" ".join(one) for one in response.context["adminform"].form.errors.values())


def test_a_change_is_previewed_exactly_and_stored_only_when_confirmed(
    alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    madrid, sevilla = alice.facility(), alice.facility(name="Sevilla")
    alice.consumption(madrid)
    alice.consumption(sevilla, quantity=500)
    alice.consumption(sevilla, quantity=1, start_date="2016-01-01", end_date="2016-01-31")
    response = alice_admin.post(page(factor), form(alice, co2e="0.7"))
    assert number(response, "consumptions") == "2"
    assert number(response, "facilities") == "2"
    assert number(response, "organizations") == "1"
    impact = response.context["impact"]
    before = sum(Facility.objects.values_list("co2e", flat=True))
    assert impact.before.co2e == before
    assert impact.after.co2e - before == 1500 * Decimal("0.2")
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.5"), "nothing is stored"
    assert sum(Facility.objects.values_list("co2e", flat=True)) == before

    confirmed = dict(response.context["hidden"])
    response = alice_admin.post(page(factor), {**confirmed, "_confirmed": "1"})
    assert response.status_code == 302
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.7")
    assert sum(Facility.objects.values_list("co2e", flat=True)) == impact.after.co2e


def test_what_moves_no_figure_is_stored_without_a_question(
    alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor()
    response = alice_admin.post(page(factor), form(alice, note="checked"))
    assert response.status_code == 302
    assert EmissionFactor.objects.get(pk=factor["id"]).note == "checked"


def test_a_deletion_is_previewed_and_what_takes_over_is_counted(
    alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    alice.consumption(alice.facility())
    response = alice_admin.get(page(factor, "delete"))
    impact = response.context["impact"]
    assert (impact.consumptions, impact.lost) == (1, 0), "a published factor takes over"
    assert impact.before.co2e == 500
    response = alice_admin.post(page(factor, "delete"), {"post": "yes", "_confirmed": "1"})
    assert response.status_code == 302
    assert EmissionFactor.objects.get(pk=factor["id"]).deleted_at
    assert Facility.objects.get().co2e == impact.after.co2e != 500

    restore = page(factor, "restore")
    assert alice_admin.get(restore).context["impact"].after.co2e == 500
    assert EmissionFactor.objects.get(pk=factor["id"]).deleted_at, "a look restores nothing"
    assert alice_admin.post(restore).status_code == 302
    assert not EmissionFactor.objects.get(pk=factor["id"]).deleted_at
    assert Facility.objects.get().co2e == 500


def test_the_last_factor_of_a_key_says_that_figures_are_lost(
    alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor(
        category="heat", activity="straw", method="", unit="kg", co2e=1, country="ES"
    )
    bill = {"category": "heat", "activity": "straw", "unit": "kg", "quantity": 5}
    alice.consumption(alice.facility(), **bill)
    response = alice_admin.get(page(factor, "delete"))
    assert response.context["impact"].lost == 1
    assert "would have no figure any more" in response.content.decode()


def test_beyond_the_limit_it_counts_and_says_that_it_does_not_compute(
    alice: Person, alice_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = alice.factor()
    facility = alice.facility()
    for _ in range(3):
        alice.consumption(facility)
    monkeypatch.setattr(preview, "EXACT", 2)
    response = alice_admin.post(page(factor), form(alice, co2e="0.7"))
    assert not response.context["impact"].exact
    assert number(response, "consumptions") == "3"
    assert "too much to be computed for a preview" in response.content.decode()


def test_a_preview_leaves_no_trace(alice: Person) -> None:
    factor = EmissionFactor.objects.get(pk=alice.factor()["id"])
    alice.consumption(alice.facility())
    versions = EmissionFactor.history.count(), Consumption.history.count()
    wanted = EmissionFactor.objects.get(pk=factor.pk)
    wanted.co2e = Decimal(9)
    assert impact_of(factor, wanted).consumptions == 1
    new = EmissionFactor(
        organization=alice.organization, category="heat", activity="straw", unit="kg",
        valid_from=factor.valid_from, co2e=1, scope=1,
    )  # fmt: skip
    impact_of(None, new)
    assert not EmissionFactor.objects.filter(activity="straw").exists()
    assert EmissionFactor.objects.get(pk=factor.pk).co2e == Decimal("0.5")
    assert versions == (EmissionFactor.history.count(), Consumption.history.count())


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"valid_from": "2023-06-01"}, "It overlaps the factor"),
        ({"valid_from": "2024-06-01", "valid_to": "2024-01-01"}, "It ends before it starts"),
        ({"category": "heat", "activity": "coal"}, "Only electricity has location-based"),
        ({"category": "recharge", "activity": "R-32", "method": ""}, "needs its GWP set"),
        ({"country": "", "region": "X", "valid_from": "2030-01-01", "valid_to": ""}, "a country"),
        ({"co2e": "-1"}, "greater than or equal to 0"),
        ({"co2e": "many"}, "Enter a number"),
        ({"organization": ""}, "This field is required"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(
    fields: dict[str, Any], sentence: str, alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    response = alice_admin.post(ADD, form(alice, **fields))
    assert response.status_code == 200
    assert sentence in errors(response)
    assert EmissionFactor.objects.exclude(organization=None).count() == 1


def test_missing_factors_are_grouped_by_their_key_the_biggest_first(
    alice: Person, alice_admin: Client
) -> None:
    near, far = alice.facility(), alice.facility(name="Oslo", country="NO")
    alice.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    straw = {"category": "heat", "activity": "straw", "unit": "kg"}
    alice.consumption(far, **straw)
    alice.consumption(near, **straw)
    alice.consumption(near, **{**straw, "unit": "t"})
    alice.consumption(near, **straw, start_date="2024-01-01", end_date="2024-01-31")
    alice.consumption(near)
    rows = alice_admin.get(MISSING).context["rows"]
    found = [(one["missing"].key.country, one["missing"].key.year, one["missing"].consumptions)
             for one in rows]  # fmt: skip
    assert found == [("ES", 2023, 2), ("ES", 2024, 1), ("NO", 2023, 1)]
    behind = alice_admin.get(rows[0]["behind"])
    assert behind.context["cl"].result_count == 2, "the list behind the number"


def test_a_missing_factor_leads_to_a_form_with_exactly_its_key_and_is_resolved(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    facility = alice.facility(region="Soria")
    alice.consumption(facility, category="heat", activity="straw", unit="kg")
    response = alice_admin.get(reverse("admin:facilities_facility_change", args=[facility["id"]]))
    [waiting] = response.context["uncalculated"]
    assert escape(waiting["row"].co2e_reason) in response.content.decode()
    given = {name: one for name, [one] in parse_qs(urlsplit(waiting["new_factor"]).query).items()}
    assert given == {
        "organization": str(alice.organization.pk), "category": "heat", "activity": "straw",
        "country": "ES", "region": "Soria", "unit": "kg", "valid_from": "2023-01-01",
        "valid_to": "2023-12-31",
    }  # fmt: skip
    begun = alice_admin.get(waiting["new_factor"]).context["adminform"].form.initial
    assert {name: str(begun[name]) for name in given} == given
    response = alice_admin.post(ADD, {**given, "co2e": "2"})
    assert response.context["impact"].gained == 1
    alice_admin.post(ADD, {**given, "co2e": "2", "_confirmed": "1"})
    assert Facility.objects.get(pk=facility["id"]).co2e == 2000
    assert alice_admin.get(MISSING).context["rows"] == []


def test_a_viewer_is_offered_no_form(alice: Person, bob_admin: Client) -> None:
    alice.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    alice.consumption(alice.facility(), category="heat", activity="straw", unit="kg")
    [row] = bob_admin.get(MISSING).context["rows"]
    assert row["new_factor"] == ""


def test_a_published_factor_says_how_many_organizations_it_moves(
    alice: Person, charlie: Person, root: Client
) -> None:
    for person in (alice, charlie):
        person.consumption(person.facility())
    [used] = {line.location_factor for line in Emission.objects.current()}
    fields = {name: getattr(used, name) for name in ("category", "activity", "country", "region",
              "method", "unit", "valid_from", "scope", "co2e_biomass")}  # fmt: skip
    data = {**fields, "valid_to": used.valid_to or "", "organization": "", "co2e": used.co2e * 2}
    response = root.post(page({"id": used.pk}), data)
    assert number(response, "organizations") == "2"
    assert Organization.objects.count() == 2


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("year=2023", True),
        ("year=2022", False),
        ("country=ES", True),
        ("country=FR", False),
        ("category__exact=electricity", True),
        ("category__exact=heat", False),
        ("year=many", True),
    ],
)
def test_the_list_is_narrowed_by_category_place_and_period(
    query: str, found: bool, alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor()
    address = f"{reverse('admin:emissions_emissionfactor_changelist')}?q=grid&{query}"
    shown = alice_admin.get(address).context["cl"].queryset
    assert shown.filter(pk=factor["id"]).exists() == found
