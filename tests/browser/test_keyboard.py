"""A bill is corrected and another is typed by keyboard alone: no mouse, from the log-in on."""

import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from emissions.models import Consumption
from tests.browser.conftest import Visit
from tests.conftest import PASSWORD, Person

FURTHEST = 120
"""So many presses of Tab reach everything on these pages."""

FOCUSED = r"""() => {
    const one = document.activeElement;
    const box = one.getBoundingClientRect();
    return {
        id: one.id, tag: one.tagName, name: one.getAttribute("name"),
        text: (one.getAttribute("aria-label") || one.innerText || one.value || "")
            .split("\n").at(-1).trim(),
        seen: box.width > 0 && box.height > 0 && one.checkVisibility(),
    };
}"""


def tab_to(page: Page, key: str = "Tab", **wanted: str) -> None:
    """Presses Tab until the focus is on what is wanted; whatever has it on the way is in sight."""
    passed: list[str] = []
    for _ in range(FURTHEST):
        page.keyboard.press(key)
        found: dict[str, Any] = page.evaluate(FOCUSED)
        if found["tag"] == "BODY":
            continue
        assert found["seen"], f"the focus is on what nobody sees: {found}"
        if all(found[name] == value for name, value in wanted.items()):
            return
        passed.append(found["text"][:30] or found["id"])
    pytest.fail(f"Tab does not lead to {wanted}, but to {passed}")


def log_in(page: Page, person: Person) -> None:
    page.context.clear_cookies()
    page.goto("/admin/")
    tab_to(page, name="username")
    page.keyboard.type(person.user.email)
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r":\d+/admin/$"))


def test_a_bills_number_is_corrected(visit: Visit, erin: Person) -> None:
    erin.factor()
    bill = erin.consumption(erin.facility())
    page = visit(erin)
    log_in(page, erin)
    tab_to(page, tag="A", text="Consumption")
    page.keyboard.press("Enter")
    page.wait_for_url("**/consumption/")
    tab_to(page, tag="A", text="2023-03-01 – 2023-03-31")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{bill['id']}/change/")
    tab_to(page, id="id_quantity")
    page.keyboard.press("Control+a")
    page.keyboard.type("1047,5")
    expect(page.locator("#typed")).to_contain_text("524 kg CO2e")
    tab_to(page, name="_save")
    page.keyboard.press("Enter")
    page.wait_for_url("**/consumption/")
    expect(page.locator("body")).to_contain_text("524 kg CO2e: 1,047.5 kWh")
    assert Consumption.objects.get(pk=bill["id"]).quantity == Decimal("1047.5")


def test_a_bill_is_typed_with_what_it_is_of_searched_by_name(visit: Visit, erin: Person) -> None:
    erin.facility(name="Cádiz Harbour")
    page = visit(erin)
    page.goto("/admin/emissions/consumption/add/")
    page.click("[name=_save]")
    first = page.locator("#id_facility + .select2-container .select2-selection")
    expect(first).to_be_focused()  # where the first mistake is of a form that was refused
    page.goto("/admin/emissions/consumption/add/")

    def choose(name: str, text: str, chosen: str) -> None:
        """Opens a searched select, types what it is called, takes the first that is offered."""
        box = page.locator(f"#id_{name} + .select2-container .select2-selection")
        for _ in range(FURTHEST):
            page.keyboard.press("Tab")
            if box.evaluate("one => one === document.activeElement"):
                break
        else:
            pytest.fail(f"Tab does not lead to {name}")
        page.keyboard.press("Enter")
        page.keyboard.type(text)
        offered = page.locator(".select2-results__option--highlighted")
        expect(offered).to_contain_text(chosen)
        page.keyboard.press("Enter")
        expect(box).to_contain_text(chosen)

    choose("facility", "cadiz", "Cádiz Harbour")
    tab_to(page, id="id_category")
    page.keyboard.type("Heat")
    choose("activity", "natural g", "Natural gas")
    tab_to(page, id="id_quantity")
    page.keyboard.type("250")
    choose("unit", "cubic metre", "m³")
    for name, day in (("start_date", "2023-03-01"), ("end_date", "2023-03-31")):
        tab_to(page, id=f"id_{name}")
        page.keyboard.type(day)
    tab_to(page, name="_save")
    page.keyboard.press("Enter")
    page.wait_for_url("**/consumption/")
    stored = Consumption.objects.get()
    assert (stored.category, stored.activity, stored.unit) == ("heat", "natural_gas", "m3")
    assert stored.quantity == 250
