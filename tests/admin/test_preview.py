"""What a change of a factor moves is shown, to the milligram, before it is made."""

import re
from collections.abc import Callable
from copy import copy
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from emissions.admin import confirmation
from emissions.ledger import preview
from emissions.ledger.preview import Impact, Survey, impact_of
from emissions.models import Consumption, Emission, EmissionFactor
from facilities.models import Facility
from organizations.models import Organization
from tests.admin.conftest import confirmed
from tests.admin.test_factors import form, page
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def number(response: Any, name: str) -> str:
    [found] = re.findall(rf'id="{name}">([\d,]+)<', response.content.decode())
    return found


def total() -> Decimal:
    return sum(Facility.objects.values_list("co2e", flat=True), Decimal(0))


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

    response = alice_admin.post(page(factor), confirmed(response))
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
    response = alice_admin.post(page(factor, "delete"), confirmed(response))
    assert response.status_code == 302
    assert EmissionFactor.objects.get(pk=factor["id"]).deleted_at
    assert Facility.objects.get().co2e == impact.after.co2e != 500

    restore = page(factor, "restore")
    response = alice_admin.get(restore)
    assert response.context["impact"].after.co2e == 500
    assert EmissionFactor.objects.get(pk=factor["id"]).deleted_at, "a look restores nothing"
    assert alice_admin.post(restore).status_code == 200, "asked again: nothing was confirmed"
    assert alice_admin.post(restore, confirmed(response)).status_code == 302
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


@pytest.fixture
def sites(alice: Person, charlie: Person) -> None:
    """Facilities of two organizations: one with many bills, some with few, one with none."""
    for person in (alice, charlie):
        for number, bills in enumerate((7, 1, 0, 2)):
            facility = person.facility(name=f"Site {number}")
            for month in range(1, bills + 1):
                bill = {"quantity": month * 111, "unit": "MWh" if month == 2 else "kWh"}
                person.consumption(facility, start_date=f"2023-{month:02d}-05",
                                   end_date=f"2023-{month + 1:02d}-04", **bill)  # fmt: skip


Change = Callable[[EmissionFactor], object]


def twice_as_much(factor: EmissionFactor) -> None:
    factor.co2e *= 2


def half_a_year(factor: EmissionFactor) -> None:
    factor.valid_to = date(2023, 5, 17)


def elsewhere(factor: EmissionFactor) -> None:
    factor.country = "AQ"


def gone(factor: EmissionFactor) -> None:
    factor.deleted_at = timezone.now()


CHANGES = [twice_as_much, half_a_year, elsewhere, gone]


def in_slices(stored: EmissionFactor, wanted: EmissionFactor) -> Impact:
    """As many requests do it, each of one lot."""
    survey = Survey(stored, wanted)
    slices = 0
    while not survey.finished:
        survey = Survey.resumed(stored, wanted, survey.as_json())
        survey.run(until=lambda: True)
        slices += 1
    assert slices > 5
    assert survey.done == survey.ground.consumptions
    return survey.impact


@each("change", CHANGES)
def test_a_preview_is_what_then_happens_however_it_is_sliced(
    change: Change, alice: Person, sites: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    [pk] = {line.location_factor_id for line in Emission.objects.current()}
    stored = EmissionFactor.objects.get(pk=pk)
    wanted = copy(stored)
    change(wanted)
    whole = impact_of(stored, wanted)
    monkeypatch.setattr(preview, "LOT", 3)
    monkeypatch.setattr(preview, "PLACES", 2)
    assert in_slices(stored, wanted) == whole
    before, lines = total(), set(Emission.objects.values_list("pk", flat=True))
    missing = Consumption.objects.filter(co2e=None).count()
    wanted.save()
    assert whole.after.co2e - whole.before.co2e == total() - before
    assert (
        whole.consumptions
        == Emission.objects.exclude(pk__in=lines).values("consumption").distinct().count()
        + whole.lost
    )
    assert whole.lost - whole.gained == Consumption.objects.filter(co2e=None).count() - missing
    assert whole.organizations == 2


def test_what_takes_long_shows_how_far_it_is_and_goes_on_by_itself(
    alice: Person, alice_admin: Client, sites: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    monkeypatch.setattr(preview, "LOT", 2)
    monkeypatch.setattr(confirmation, "SECONDS", 0)
    response = alice_admin.post(page(factor), form(alice, co2e="0.7"))
    wanted = response.context["question"].wanted
    whole = impact_of(EmissionFactor.objects.get(pk=factor["id"]), wanted)
    requests = 0
    while not response.context["question"].survey.finished:
        body = response.content.decode()
        assert 'hx-trigger="load' in body
        assert "_confirmed" not in body, "there is nothing to confirm yet"
        sent = {**dict(response.context["hidden"]), "_preview": response.context["question"].state}
        early = alice_admin.post(page(factor), {**sent, "_confirmed": "1"})
        assert early.status_code == 200
        response = alice_admin.post(page(factor), sent, headers={"HX-Request": "true"})
        assert "<html" not in response.content.decode(), "a part of the page"
        requests += 1
    assert requests > 3
    assert response.context["impact"] == whole
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.5")
    assert alice_admin.post(page(factor), confirmed(response)).status_code == 302
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.7")


def test_nothing_is_stored_on_the_word_of_somebody_who_has_seen_no_preview_of_it(
    alice: Person, erin: Person, alice_admin: Client, erin_admin: Client, sites: None
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    seen = confirmed(alice_admin.post(page(factor), form(alice, co2e="0.7")))
    asked = [
        alice_admin.post(page(factor), {**form(alice, co2e="0.7"), "_confirmed": "1"}),
        alice_admin.post(page(factor), {**seen, "_preview": "nonsense"}),
        alice_admin.post(page(factor), {**seen, "co2e": "9"}),
        erin_admin.post(page(factor), seen),
        alice_admin.post(page(factor, "delete"), {**seen, "post": "yes"}),
        alice_admin.post(page(factor, "delete"), {"post": "yes", "_confirmed": "1"}),
    ]
    for response in asked:
        assert response.status_code == 200
        assert "not the change that you have seen the preview of" in response.content.decode()
    stored = EmissionFactor.objects.get(pk=factor["id"])
    assert (stored.co2e, stored.deleted_at) == (Decimal("0.5"), None)


def test_a_factor_that_somebody_else_has_changed_meanwhile_is_previewed_anew(
    alice: Person, alice_admin: Client, sites: None
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    seen = confirmed(alice_admin.post(page(factor), form(alice, co2e="0.7")))
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": Decimal("0.6")})
    response = alice_admin.post(page(factor), seen)
    assert response.status_code == 200
    assert response.context["question"].stored.co2e == Decimal("0.6")
    assert alice_admin.post(page(factor), confirmed(response)).status_code == 302


@each("what", ["a bill", "a facility", "a rival factor"])
def test_what_has_changed_since_is_said_before_it_is_stored(
    what: str, alice: Person, alice_admin: Client, sites: None
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    facility = alice.get("/v1/facilities").body["items"][0]
    response = alice_admin.post(page(factor), form(alice, co2e="0.7"))
    assert not response.context["question"].moved_on
    if what == "a bill":
        alice.consumption(facility, quantity=5)
    elif what == "a facility":
        alice.patch(f"/v1/facilities/{alice.get('/v1/facilities').body['items'][-1]['id']}",
                    {"name": "Renamed"})  # fmt: skip
    else:
        alice.factor(region="Soria")
    response = alice_admin.post(page(factor), confirmed(response))
    assert response.status_code == 200
    assert "has changed since this was worked out" in response.content.decode()
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.5")
    known = confirmed(response)
    again = alice_admin.post(page(factor), {**known, "_again": "1", "_confirmed": ""})
    if what == "a bill":
        moved = again.context["impact"].consumptions - response.context["impact"].consumptions
        assert moved == 1
    assert alice_admin.post(page(factor), known).status_code == 302, "they know, and go on"
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.7")


def test_a_preview_writes_and_locks_nothing(
    alice: Person, alice_admin: Client, sites: None
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    with CaptureQueriesContext(connection) as queries:
        alice_admin.post(page(factor), form(alice, co2e="0.7"))
    for one in queries:
        assert not re.search(r"\b(INSERT|UPDATE|DELETE|LOCK|FOR NO KEY)\b", one["sql"]), one["sql"]


def test_a_figure_that_could_not_be_stored_ends_the_preview_with_a_sentence(
    alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    alice.consumption(alice.facility(), quantity=10**11)
    for headers, status in (({}, 302), ({"HX-Request": "true"}, 200)):
        sent = form(alice, co2e="1000")
        response = alice_admin.post(page(factor), sent, headers=headers)
        assert response.status_code == status
        assert response.headers.get("Location" if status == 302 else "HX-Redirect") == page(factor)
        assert "a gigatonne or more" in alice_admin.get(page(factor)).content.decode()
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.5")
