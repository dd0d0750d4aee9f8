"""Staff at work in the admin, in a real browser."""

import re
from decimal import Decimal

import pytest
from playwright.sync_api import Page, expect

from emissions.admin import confirmation
from emissions.ledger import preview
from emissions.models import EmissionFactor
from facilities.models import Facility
from tests.browser.conftest import Visit
from tests.conftest import Person
from tests.facilities.cups import cups


def change_page(facility: dict) -> str:
    return f"/admin/facilities/facility/{facility['id']}/change/"


def save(page: Page) -> None:
    page.click("button[name=_save]")


def test_the_dashboard_counts_draws_and_links(visit: Visit, alice: Person) -> None:
    alice.factor()
    facility = alice.facility()
    alice.consumption(facility, end_date="2023-04-30")
    page = visit(alice)
    expect(page.locator("a.fa-card", has_text="Facilities").first).to_contain_text("1")
    expect(page.locator("canvas.fa-stacked[data-drawn='1']")).to_be_visible()
    painted = page.evaluate(
        """() => {
            const canvas = document.querySelector('canvas.fa-stacked');
            const context = canvas.getContext('2d');
            const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
            return pixels.data.some((value) => value > 0);
        }"""
    )
    assert painted, "the chart is drawn"
    page.click("#monthly-chart [title='245.901639 kg'] >> nth=0")
    expect(page.locator("#result_list [title='245.901639 kg']").first).to_have_text("246 kg")


def test_a_facility_is_edited(visit: Visit, alice: Person) -> None:
    facility = alice.facility()
    page = visit(alice)
    page.click("#nav-sidebar a[href='/admin/facilities/facility/']")
    page.click("#result_list >> text=Madrid Office")
    page.fill("#id_name", "Sevilla Office")
    page.uncheck("input[name=categories][value=water]")
    save(page)
    page.wait_for_url("**/facility/")
    stored = Facility.objects.get(pk=facility["id"])
    assert stored.name == "Sevilla Office"
    assert stored.categories == ["heat", "electricity", "recharge"]
    page.goto(change_page(facility))
    expect(page.locator("#changes")).to_contain_text("Madrid Office → Sevilla Office")
    expect(page.locator("#changes")).to_contain_text(alice.user.email)


def test_a_cups_with_a_wrong_letter_is_refused_with_the_right_one(
    visit: Visit, alice: Person
) -> None:
    facility = alice.facility()
    right = cups(1234)
    page = visit(alice)
    page.goto(change_page(facility))
    page.click("text=Add another CUPS")
    field = page.locator("input[name=supply_points-0-cups]")
    field.fill(right[:-1] + ("A" if right[-1] != "A" else "B"))
    save(page)
    expect(page.locator("#content")).to_contain_text(f"its check letters should be {right[-2:]}")
    field.fill(right)
    save(page)
    page.wait_for_url("**/facility/")
    assert [point.cups for point in Facility.objects.get().supply_points.all()] == [right]


def test_a_factor_is_changed_through_its_preview_and_the_total_follows(
    visit: Visit, alice: Person
) -> None:
    factor = alice.factor(co2e=Decimal("0.5"))
    facility = alice.facility()
    alice.consumption(facility)
    page = visit(alice)
    page.goto(f"/admin/emissions/emissionfactor/{factor['id']}/change/")
    page.fill("#id_co2e", "0.75")
    save(page)
    preview = page.locator("#preview")
    expect(preview.locator("#consumptions")).to_have_text("1")
    expect(preview.locator("#facilities")).to_have_text("1")
    expect(preview.locator("#totals")).to_contain_text("+250")
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.5")
    page.click("text=Save it")
    page.wait_for_url("**/emissionfactor/")
    page.goto(change_page(facility))
    expect(page.locator("#figures .fa-figure").first).to_have_text("750 kg")


def test_a_long_preview_goes_on_by_itself_until_it_can_ask(
    visit: Visit, alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(preview, "LOT", 1)
    monkeypatch.setattr(confirmation, "SECONDS", 0)
    factor = alice.factor(co2e=Decimal("0.5"))
    for _ in range(4):
        alice.consumption(alice.facility())
    page = visit(alice)
    page.goto(f"/admin/emissions/emissionfactor/{factor['id']}/change/")
    page.fill("#id_co2e", "0.75")
    save(page)
    expect(page.locator("#totals")).to_contain_text("+1,000")
    expect(page.locator("progress")).to_have_count(0)
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.5")
    page.click("text=Save it")
    page.wait_for_url("**/emissionfactor/")
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.75")


def test_a_missing_factor_is_followed_to_its_form_and_resolved(visit: Visit, alice: Person) -> None:
    alice.factor(category="heat", activity="straw", method="", unit="kg", country="FR")
    facility = alice.facility()
    alice.consumption(facility, category="heat", activity="straw", unit="kg", quantity=10)
    page = visit(alice)
    page.click("#nav-sidebar a:has-text('Missing factors')")
    row = page.locator("#missing tbody tr")
    expect(row).to_contain_text("Heat · Straw")
    row.locator("text=Add the factor").click()
    expect(page.locator("#id_activity")).to_have_value("straw")
    expect(page.locator("#id_country")).to_have_value("ES")
    expect(page.locator("#id_valid_from")).to_have_value("2023-01-01")
    page.fill("#id_co2e", "2")
    save(page)
    expect(page.locator("#preview")).to_contain_text("without a figure gets one")
    page.click("text=Create it")
    page.wait_for_url("**/emissionfactor/")
    stored = Facility.objects.get(pk=facility["id"])
    assert (stored.co2e, stored.co2e_status) == (20, "complete")


def test_another_organizations_page_is_refused(
    visit: Visit, alice: Person, charlie: Person
) -> None:
    theirs = charlie.facility(name="Charlie works")
    page = visit(alice)
    page.goto(change_page(theirs))
    expect(page).to_have_url(re.compile(r"/admin/$"))
    expect(page.locator("body")).to_contain_text("doesn’t exist")
    expect(page.locator("body")).not_to_contain_text("Charlie works")


def test_a_key_is_shown_once_and_works(visit: Visit, alice: Person) -> None:
    page = visit(alice)
    page.goto("/admin/organizations/apikey/add/")
    page.fill("#id_name", "ERP")
    page.click(".select2-selection")
    page.click(f".select2-results__option:has-text('{alice.organization}')")
    save(page)
    key = page.locator("#new-key").inner_text()
    assert alice.get("/v1/organization", **{"x-api-key": key}).status == 200
    page.click("text=back to the keys")
    assert key not in page.content()


def test_the_pages_are_as_dark_as_the_device(visit: Visit, alice: Person) -> None:
    page = visit(alice)
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        page.goto("/admin/")
        dark = page.evaluate("document.documentElement.classList.contains('dark')")
        assert dark == (scheme == "dark")
