"""Somebody switches the admin to Spanish in two clicks and types a bill."""

from playwright.sync_api import expect

from emissions.models import Consumption
from tests.browser.conftest import Visit
from tests.browser.test_admin import change_page
from tests.browser.test_uploads import nothing_is_cut
from tests.conftest import Person

BROKEN_WORDS = """
() => {
    const walker = document.createTreeWalker(
        document.querySelector("#result_list"), NodeFilter.SHOW_TEXT);
    const found = [];
    for (let node = walker.nextNode(); node; node = walker.nextNode())
        for (const { 0: word, index } of node.data.matchAll(/\\p{L}+/gu)) {
            const range = document.createRange();
            range.setStart(node, index);
            range.setEnd(node, index + word.length);
            if (new Set([...range.getClientRects()].map((one) => one.top)).size > 1)
                found.push(word);
        }
    return found;
}
"""
"""The words of a list that do not stand on one line."""


def test_the_account_menu_switches_to_spanish_and_back(visit: Visit, erin: Person) -> None:
    erin.factor()
    facility = erin.facility(categories=["electricity"])
    erin.consumption(facility)
    page = visit(erin)
    page.goto(change_page(facility))
    page.locator(".font-semibold.truncate", has_text=erin.user.name).click()
    page.click("button:has-text('Español')")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert page.url.endswith(change_page(facility)), "one is where one was"
    nothing_is_cut(page)
    page.click("text=Añadir la factura siguiente")
    expect(page.locator("#id_start_date")).to_have_value("01/04/2023")
    page.fill("#id_quantity", "1047,5")
    expect(page.locator("#typed")).to_contain_text("524 kg CO2e: 1.047,5 kWh")
    nothing_is_cut(page)
    page.click("button[name=_save]")
    expect(page.locator("body")).to_contain_text("524 kg CO2e")
    assert Consumption.objects.count() == 2
    page.set_viewport_size({"width": 1280, "height": 900})
    for address in ("/admin/facilities/facility/", "/admin/emissions/consumption/"):
        page.goto(address)
        assert page.evaluate(BROKEN_WORDS) == []
    page.locator(".font-semibold.truncate", has_text=erin.user.name).click()
    page.click("button:has-text('English')")
    expect(page.locator("html")).to_have_attribute("lang", "en")
