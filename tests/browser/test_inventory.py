"""The inventory of a year in a real browser: chosen, read, followed, printed and taken away."""

from decimal import Decimal
from io import BytesIO
from typing import Any

from openpyxl import load_workbook
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit
from tests.conftest import Person
from tests.emissions.figures import two_years

BARS = """() => {
    const canvas = document.querySelector('canvas.fa-stacked');
    const context = canvas.getContext('2d');
    return context.getImageData(0, 0, canvas.width, canvas.height).data.some((one) => one > 0);
}"""
WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"


def test_an_auditor_reads_follows_prints_and_takes_a_year(visit: Visit, alice: Person) -> None:
    two_years(alice)
    page = visit(alice)
    page.click("#nav-sidebar a[href='/admin/emissions/closedperiod/inventory/']")
    page.select_option("#inventory-year", "2022")
    page.select_option("#inventory-year", "2023")
    page.select_option("#inventory-base", "2022")
    page.click("button:has-text('Show')")
    page.wait_for_url("**year=2023&base_year=2022")
    report = alice.get("/v1/reports/inventory?year=2023&base_year=2022").body
    _what_is_missing_comes_first(page)
    expect(page.locator("canvas.fa-stacked[data-drawn='3']")).to_be_visible()
    assert page.evaluate(BARS), "the chart is drawn"
    _prints(page)
    _leaves_as_a_workbook(page, report)
    # A click leads from a figure to its lines, a second one to the bill behind them.
    figure = page.locator("#scopes tr:has-text('Scope 2, location-based') a")
    exactly = figure.locator("[title]").get_attribute("title")
    figure.click()
    expect(page.locator(f"#result_list [title='{exactly}']").first).to_be_visible()
    page.click("#result_list tbody a >> nth=0")
    expect(page.locator("#content")).to_contain_text("Grid electricity")


def _what_is_missing_comes_first(page: Page) -> None:
    told = page.locator("#inventory").inner_text()
    assert told.index("1 consumption without a figure") < told.index("Scope 1")
    expect(page.locator("#without-figure tbody tr")).to_contain_text("Antarctica")


def _prints(page: Page) -> None:
    """Whole and without what is for the screen alone; nothing is wider than the paper."""
    page.emulate_media(media="print")
    for hidden in ("#nav-sidebar", "#inventory-year", "button:has-text('Close 2023')"):
        expect(page.locator(hidden)).to_be_hidden()
    page.set_viewport_size({"width": 718, "height": 1000})  # A4 within its margins
    assert page.evaluate(WIDER) == 0
    assert page.pdf(format="A4").startswith(b"%PDF")
    page.emulate_media(media="screen")
    page.set_viewport_size({"width": 1280, "height": 720})


def _leaves_as_a_workbook(page: Page, report: dict[str, Any]) -> None:
    with page.expect_download() as taken:
        page.click("button:has-text('XLSX')")
    book = load_workbook(BytesIO(taken.value.path().read_bytes()))
    said = {row[0]: row[1] for row in book["Summary"].iter_rows(values_only=True)}
    assert Decimal(str(said["Scope 1, kg CO2e"])) == report["scope_1"]
