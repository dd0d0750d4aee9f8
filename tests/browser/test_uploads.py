"""A utility's file comes in at the admin, as somebody new would bring it, in a real browser."""

from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Page, expect

from emissions.models import Consumption
from tests.browser.conftest import Visit
from tests.conftest import Person

SHEET = (
    "Facturas de electricidad 2023;;;;;\n"
    "Sede;CUPS;Fecha inicio;Fecha fin;Consumo (kWh);Comercializadora\n"
    "Oficina;ES0021000000000001RK;15/12/2023;14/01/2024;1.047,5;IBERDROLA CLIENTES, S.A.U.\n"
    "Oficina;ES0021000000000001RK;15/01/2024;14/02/2024;9x8;IBERDROLA CLIENTES, S.A.U.\n"
).encode("cp1252")
WIDTHS = (360, 768, 1024, 1280, 1920)


def nothing_is_cut(page: Page) -> None:
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        over = page.evaluate(
            "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert over <= 0, f"{over} pixels too wide at {width}"
    page.set_viewport_size({"width": 1280, "height": 900})


def test_a_bill_sheet_is_matched_mended_and_stored(
    visit: Visit, erin: Person, tmp_path: Path
) -> None:
    erin.facility(name="Oficina", cups_list=["ES0021000000000001RK"])
    (tmp_path / "bill_sheet_es.csv").write_bytes(SHEET)
    page = visit(erin)
    page.click("#nav-sidebar >> text=Bring in a file")
    nothing_is_cut(page)
    page.set_input_files("#id_file", tmp_path / "bill_sheet_es.csv")
    page.click("text=Look at it")

    expect(page.locator("#columns h2")).to_have_text("Which column is which?")
    expect(page.get_by_label("Consumo (kWh)")).to_have_value("quantity")
    nothing_is_cut(page)
    page.select_option("#columns_all_category", "electricity")
    page.fill("#id_save_as", "Facturas")
    page.click("text=Read the columns like this")

    expect(page.get_by_label("Line 4, Consumo (kWh)")).to_have_value("9x8")
    nothing_is_cut(page)
    page.get_by_label("Line 4, Consumo (kWh)").fill("998")
    page.keyboard.press("Enter")
    expect(page.locator("#counts tbody")).to_have_text("2000")
    expect(page.locator("#moves")).to_contain_text("Oficina")
    nothing_is_cut(page)
    page.click("button:text-is('Store')")

    expect(page.locator("body")).to_contain_text("Stored: created 2, changed 0")
    stored = Consumption.objects.order_by("start_date")
    assert [row.quantity for row in stored] == [Decimal("1047.5"), Decimal(998)]
    assert all(row.co2e for row in stored)


def test_cells_that_were_copied_are_pasted(visit: Visit, erin: Person) -> None:
    page = visit(erin)
    page.goto("/admin/emissions/consumption/upload/")
    page.select_option("#id_kind", "facilities")
    page.fill("#id_cells", "name\ttype\tcountry\nDepósito\tdepot\tES\n")
    page.click("text=Look at it")
    page.click("button:text-is('Store')")
    expect(page.locator("body")).to_contain_text("Stored: created 1")
    assert erin.get("/v1/facilities").body["items"][0]["name"] == "Depósito"
