"""Every page of the admin, at five widths and by axe; the kinds of page in dark too."""

from decimal import Decimal
from importlib.resources import files
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page

from emissions.models import EmissionFactor, FactorSource
from facilities.models import Facility
from organizations.models import Import, Membership, Organization, User
from tests.admin.everything import a_row_of_every_page
from tests.browser.conftest import Visit
from tests.conftest import Person

WIDTHS = (360, 768, 1024, 1280, 1920)
HEIGHT = 900
PATIENCE = 10
"""Looks at one width, 0.3 s apart."""

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text()
LONG = "A site whose name goes on and on, as they do in a register"

CUT_OR_COVERED = """
async () => {
    await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
    const found = [];
    const name = (one) => `${one.tagName}#${one.id}.${String(one.className).slice(0, 60)} "${
        (one.value ?? one.textContent ?? "").trim().slice(0, 30)}"`;
    const root = document.documentElement;
    if (root.scrollWidth > innerWidth) found.push(`the page is ${root.scrollWidth} wide`);
    const area = document.querySelector("#main") ?? document.body;
    const seen = [...area.querySelectorAll("*")].filter(
        (one) => one.checkVisibility({ opacityProperty: true, visibilityProperty: true })
            && one.getClientRects().length
            && !one.closest("svg, .sr-only, .select2-hidden-accessible"));
    for (const one of seen) {
        const style = getComputedStyle(one);
        const inner = one.matches("input, select, textarea, canvas, .select2-selection__rendered");
        const ends = style.textOverflow === "ellipsis" && one.title;
        if (!inner && !ends && style.overflowX !== "visible" && one.clientWidth > 1
            && one.scrollWidth > one.clientWidth + 1)
            found.push(`cut: ${name(one)} by ${one.scrollWidth - one.clientWidth} px`);
    }
    const above = "[role=tooltip], .fa-typed";  // what sticks to the window's foot is scrolled away
    const controls = seen.filter((one) => one.closest("#content") && !one.closest(above)
        && one.matches("input:not([type=hidden]), select, textarea, .select2-selection, label, p, "
            + "th, td > a"));
    const boxes = controls.map((one) => one.getBoundingClientRect());
    controls.forEach((one, i) => {
        for (let j = i + 1; j < controls.length; j++) {
            const [a, b, other] = [boxes[i], boxes[j], controls[j]];
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left);
            const high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (wide > 3 && high > 3 && !one.contains(other) && !other.contains(one))
                found.push(`covered: ${name(one)} and ${name(other)}`);
        }
    });
    return found;
}
"""

AXE_FINDINGS = """
async (rules) => {
    const options = { resultTypes: ["violations"] };
    if (rules) options.runOnly = { type: "rule", values: rules };
    const around = location.pathname === "/admin/" ? [] : ["#nav-sidebar"];  // once is enough
    const { violations } = await axe.run({ exclude: around }, options);
    return violations
        .filter((one) => ["serious", "critical"].includes(one.impact)
            || one.id === "landmark-one-main")
        .map(({ id, impact, nodes }) => `${id} (${impact}): ` + nodes.slice(0, 3).map(
            (one) => `${one.target} ${one.html.slice(0, 160)} ${one.any[0]?.message ?? ""}`
        ).join(" | "));
}
"""


def addresses(rows: dict[Any, Any], person: Person) -> list[str]:
    """Every page that opens by an address: lists, forms, what asks before it deletes, our own."""
    names = ("consumption_missing", "consumption_upload", "closedperiod_inventory",
             "emission_figures")  # fmt: skip
    found = ["/admin/", "/admin/password_change/"]
    found += [reverse(f"admin:emissions_{name}") for name in names]
    request: Any = type("Asked", (), {"user": person.user, "path": "/admin/"})
    for model, page in sorted(admin.site._registry.items(), key=lambda one: one[1].opts.label):
        name = f"admin:{page.opts.app_label}_{page.opts.model_name}"
        found.append(reverse(f"{name}_changelist"))
        if page.has_add_permission(request):
            found.append(reverse(f"{name}_add"))
        if model in rows and model is not User:  # its memberships are scrolled on a phone
            found.append(reverse(f"{name}_change", args=[rows[model].pk]))
    for model, what in ((Facility, "history"), (Facility, "delete"), (Membership, "delete"),
                        (EmissionFactor, "delete")):  # fmt: skip
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}"
        found.append(reverse(name, args=[rows[model].pk]))
    return found


@pytest.fixture
def furnished(alice: Person) -> dict[Any, Any]:
    """Alice's organization with a row for every page, with names as long as they are in life."""
    rows = a_row_of_every_page(alice, "Zzyzx")
    Facility.objects.update(name=LONG)
    Organization.objects.update(name="Compañía Municipal de Aguas y Energía de Sevilla, S.A.")
    Import.objects.update(
        file_name="datadis_consumptions_2023_ES0021000000000001AB_all_sites.csv",
        created=1_234_567, changed=12_345, started_by="a.very.long.name@municipal-water.example",
    )  # fmt: skip
    published = EmissionFactor.objects.exclude(source=None)[0]  # its source has a long title
    rows[EmissionFactor] = published
    rows[FactorSource] = FactorSource.objects.get(pk=published.source_id)
    alice.consumption(
        alice.facility(name="No factor works"), category="heat", activity="wood_pellets",
        unit="kg", start_date="1990-01-01", end_date="1990-01-31", quantity=Decimal("1234567.891"),
    )  # fmt: skip
    return rows


def faults_of(page: Page, path: str) -> list[str]:
    found = []
    page.emulate_media(color_scheme="light", reduced_motion="reduce")
    page.goto(path)
    page.add_style_tag(content="* { transition: none !important; }")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": HEIGHT})
        found += [f"{path} at {width}: {one}" for one in settled(page)]
    if path.endswith("/add/"):  # the form of a stored row has all that an empty one has
        return found
    page.evaluate(AXE)
    found += [f"{path}: {one}" for one in page.evaluate(AXE_FINDINGS, None)]
    if shares_its_colours(path):
        return found
    page.evaluate("document.documentElement.classList.add('dark')")
    found += [f"{path} dark: {one}" for one in page.evaluate(AXE_FINDINGS, ["color-contrast"])]
    return found


def settled(page: Page) -> list[str]:
    """What is cut or covered once charts have taken the new width, which a busy machine delays."""
    for _ in range(PATIENCE):
        found: list[str] = page.evaluate(CUT_OR_COVERED)
        if not found:
            break
        page.wait_for_timeout(300)
    return found


def shares_its_colours(path: str) -> bool:
    """Whether it is a list or a form like those of facilities and bills, which stand for all."""
    kinds = ("/facility/", "/consumption/", "missing", "upload", "inventory", "password")
    return path != "/admin/" and not any(one in path for one in kinds)


def test_no_page_is_cut_covered_or_hard_to_use(
    visit: Visit, alice: Person, furnished: dict[Any, Any]
) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_superuser=True, is_staff=True)
    alice.user.refresh_from_db()
    page = visit(alice)
    found = [one for path in addresses(furnished, alice) for one in faults_of(page, path)]
    assert not found, "\n".join(found)
