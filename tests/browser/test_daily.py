"""A day's work in a real browser: bills are typed, two people edit, a session ends, a slip is
undone."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import expect

from emissions.admin import confirmation
from emissions.ledger import preview
from emissions.models import Consumption, EmissionFactor
from tests.browser.conftest import Visit
from tests.browser.test_admin import change_page, save
from tests.browser.test_uploads import nothing_is_cut
from tests.conftest import PASSWORD, Person


def test_the_next_bill_is_typed_from_the_facilitys_page(visit: Visit, erin: Person) -> None:
    erin.factor()
    facility = erin.facility(categories=["electricity"])
    erin.consumption(facility)
    page = visit(erin)
    page.goto(change_page(facility))
    nothing_is_cut(page)
    page.click("text=Add the next bill")
    expect(page.locator("#id_start_date")).to_have_value("2023-04-01")
    panel = page.locator("#typed")
    expect(panel).to_contain_text("as soon as")
    page.fill("#id_quantity", "1047,5")
    expect(panel).to_contain_text("524 kg CO2e: 1,047.5 kWh")
    page.fill("#id_quantity", "1,200")
    expect(panel).to_contain_text("may be 1200")
    page.fill("#id_quantity", "99999999")
    expect(panel.locator(".fa-warning")).to_contain_text("per day")
    nothing_is_cut(page)
    page.fill("#id_quantity", "1000")
    page.click("button[name=_addanother]")
    expect(page.locator("body")).to_contain_text("500 kg CO2e: 1,000 kWh")
    expect(page.locator("#id_start_date")).to_have_value("2023-05-01")
    assert Consumption.objects.count() == 2
    expect(page.locator("#id_activity")).to_have_value("grid")
    page.select_option("#id_category", "heat")
    expect(page.locator("#id_activity")).to_have_value("")  # the grid is no heat


def test_a_deleted_bill_is_brought_back_from_the_message(visit: Visit, erin: Person) -> None:
    bill = erin.consumption(erin.facility())
    page = visit(erin)
    page.goto(f"/admin/emissions/consumption/{bill['id']}/delete/")
    nothing_is_cut(page)
    page.click("button:text-is('Delete it')")
    expect(page.locator("body")).to_contain_text("is deleted.")
    page.click("button:text-is('Undo')")
    expect(page.locator("body")).to_contain_text("is back.")
    assert Consumption.objects.live().exists()


def test_two_people_decide_field_by_field(visit: Visit, erin: Person, alice: Person) -> None:
    facility = erin.facility()
    page = visit(erin)
    page.goto(change_page(facility))
    alice.patch(f"/v1/facilities/{facility['id']}", {"name": "Sevilla Office", "type": "depot"})
    page.fill("#id_name", "Lisboa Office")
    save(page)
    rows = page.locator("#conflict tbody tr")
    expect(rows).to_have_count(2)
    nothing_is_cut(page)
    expect(page.locator("input[name='_choice-type'][value=theirs]")).to_be_checked()
    page.check("input[name='_choice-name'][value=mine]")
    page.click("text=Save what I have chosen")
    page.wait_for_url("**/facility/")
    stored = alice.get(f"/v1/facilities/{facility['id']}").body
    assert (stored["name"], stored["type"]) == ("Lisboa Office", "depot")


def test_a_session_that_ends_during_a_preview_is_gone_on_with(
    visit: Visit, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "LOT", 1)
    monkeypatch.setattr(confirmation, "SECONDS", 0)
    factor = alice.factor(co2e=Decimal("0.5"))
    for _ in range(3):
        alice.consumption(alice.facility())
    page = visit(alice)
    page.goto(f"/admin/emissions/emissionfactor/{factor['id']}/change/")
    page.fill("#id_co2e", "0.75")
    page.context.clear_cookies(name="sessionid")
    save(page)
    page.wait_for_url(re.compile("/admin/login/"))
    page.fill("input[name=username]", alice.user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    expect(page.locator("#resume")).to_be_visible()
    nothing_is_cut(page)
    page.click("text=Go on where I was")
    expect(page.locator("#totals")).to_contain_text("+750")
    page.context.clear_cookies(name="sessionid")
    page.click("text=Save it")
    page.wait_for_url(re.compile("/admin/login/"))
    page.fill("input[name=username]", alice.user.email)
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.click("text=Go on where I was")
    page.wait_for_url("**/emissionfactor/")
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.75")


def test_all_changes_are_looked_through(visit: Visit, alice: Person) -> None:
    facility = alice.facility()
    alice.patch(f"/v1/facilities/{facility['id']}", {"name": "Sevilla Office"})
    page = visit(alice)
    page.click("#nav-sidebar >> text='Changes'")
    nothing_is_cut(page)
    expect(page.locator("#changes")).to_contain_text("Madrid Office → Sevilla Office")
    page.locator("#changes tbody tr").first.locator("text=Undo").click()
    expect(page.locator("#id_name")).to_have_value("Madrid Office")
    save(page)
    page.wait_for_url("**/facility/")
    assert alice.get(f"/v1/facilities/{facility['id']}").body["name"] == "Madrid Office"
