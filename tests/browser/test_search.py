"""The search beside every page, by keyboard alone in a real browser."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import Visit
from tests.browser.test_admin import change_page
from tests.browser.test_every_page import AXE, AXE_FINDINGS
from tests.conftest import Person


def test_a_facility_is_found_and_opened_by_keyboard(
    visit: Visit, bob: Person, erin: Person
) -> None:
    erin.facility(name="Madrid Office")
    wanted = erin.facility(name="Quórum Harbour", external_id="QUO-7")
    page = visit(bob)
    page.goto("/admin/facilities/facility/")
    page.focus("#searchbar")
    page.keyboard.press("Control+k")
    field = page.locator("#search-input-command")
    expect(field).to_be_focused()
    page.keyboard.type("nothing has this name")
    expect(page.locator("#command-results")).to_contain_text("Nothing was found")
    page.keyboard.press("Escape")
    page.keyboard.type("quorum")
    results = page.locator("#command-results-list li")
    expect(results).to_have_count(1)
    expect(results.first).to_have_class(re.compile("active"))
    expect(results.first).to_contain_text("Spain · QUO-7")
    page.evaluate(AXE)
    assert page.evaluate(AXE_FINDINGS, None) == []
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{change_page(wanted)}")
    page.keyboard.press("Control+k")
    page.keyboard.type("QUO-7")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{change_page(wanted)}")
