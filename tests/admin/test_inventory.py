"""The inventory page: what the API's report says, with closing the year, for who may see it."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from emissions.models import ClosedPeriod
from emissions.names import activity_name
from organizations.models import Membership, Organization, Role
from organizations.staff.values.masses import written
from tests.conftest import Person
from tests.emissions.figures import FIGURES, two_years

pytestmark = pytest.mark.django_db

PAGE = "/admin/emissions/closedperiod/inventory/"


@pytest.fixture
def sites(alice: Person) -> dict[str, Any]:
    return two_years(alice)


def staff(person: Person) -> Client:
    person.user.is_staff = True
    person.user.save(update_fields=["is_staff"])
    client = Client()
    client.force_login(person.user, "django.contrib.auth.backends.ModelBackend")
    return client


def page(client: Client, **query: Any) -> str:
    answer = client.get(PAGE, {"year": 2023, **query})
    assert answer.status_code == 200
    return answer.content.decode()


def text(html: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_it_says_what_the_report_says(alice: Person, sites: Any) -> None:
    report = alice.get("/v1/reports/inventory?year=2023&base_year=2022").body
    seen = text(page(staff(alice), base_year=2022))
    for name in ("scope_1", "scope_2_location", "scope_2_market", "total_location"):
        assert written(Decimal(report[name]), "kg") in seen
    for cause in report["base_year"]["co2e"]["explained"].values():
        assert written(Decimal(cause["kg"]), "kg") in seen
    assert seen.index("1 consumption without a figure") < seen.index("Scope 1")


def test_the_energy_mix_is_drawn_as_the_report_has_it(alice: Person, sites: Any) -> None:
    report = alice.get("/v1/reports/inventory?year=2023").body
    chart = staff(alice).get(PAGE, {"year": 2023}).context["mix"]
    drawn = {
        (one["category"], label): Decimal(value)
        for one in chart["series"]
        for label, value in zip(chart["labels"], one["data"], strict=True)
        if value is not None
    }
    assert drawn == {
        (one["category"], activity_name(one["activity"])): one["mwh"]
        for one in report["energy"]["mix"]
    }
    assert (len(drawn), chart["unit"]) == (2, "MWh")


TABLES = "scopes|fuels|energy|gases|countries|qualities|facilities|factors"
LINKED = re.compile(
    r'href="([^"]+/emissions/emission/[^"]+)">(?:<strong>)?(?:<span[^>]+?([\d,.]+) kg)?'
)


def test_every_figure_leads_to_its_lines(alice: Person, sites: Any) -> None:
    """Which add up to it."""
    client = staff(alice)
    html = page(client)
    tables = "".join(re.findall(rf'<table[^>]+id="(?:{TABLES})".*?</table>', html, re.DOTALL))
    shown = LINKED.findall(tables)
    links = {link for link, _ in shown}
    assert len(links) > 15
    sums = {}
    for link in links:
        answer = client.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, link
        found = answer.context["cl"].queryset
        assert {line.month.year for line in found} <= {2023}
        sums[link] = [sum(getattr(line, name) for line in found) for name in FIGURES]
    for link, figure in shown:
        assert not figure or Decimal(figure.replace(",", "")) in sums[link], (link, figure)


def test_what_has_no_figure_is_listed_by_why_and_leads_to_its_bills(
    alice: Person, sites: Any
) -> None:
    assert alice.post("/v1/periods/2023/close", None).status == 200
    alice.consumption(sites, external_id="LATE", start_date="2023-04-01", end_date="2023-04-30")
    alice.consumption(sites, external_id="OFF", start_date="2023-05-01", status="inactive",
                      end_date="2023-05-31")  # fmt: skip
    alice.consumption(alice.facility(name="Ice 2024", country="AQ"), start_date="2024-04-01",
                      end_date="2024-04-30")  # fmt: skip
    client = staff(alice)
    html = page(client)
    assert "2 consumptions without a figure" in text(html)
    [table] = re.findall(r'<table[^>]+id="without-figure".*?</table>', html, re.DOTALL)
    assert ["No factor" in text(table), "Period closed" in text(table)] == [True, True]
    found = [
        bill
        for link in re.findall(r'href="([^"]+)"', table)
        for bill in client.get(link.replace("&amp;", "&")).context["cl"].queryset
    ]
    assert sorted(bill.external_id for bill in found) == ["", "LATE"]


def test_the_empty_list_of_closed_years_leads_to_where_one_is_closed(alice: Person) -> None:
    seen = staff(alice).get(reverse("admin:emissions_closedperiod_changelist")).content.decode()
    assert "A year is closed on the page of its inventory." in seen
    assert f'<a href="{PAGE}" class="fa-button">' in seen


def test_a_year_is_closed_and_opened_by_admins(alice: Person, sites: Any) -> None:
    client = staff(alice)
    assert "Close 2023" in page(client)
    address = f"{PAGE}?organization={alice.organization.pk}&year=2023"
    seen = client.post(address, {"what": "close"}, follow=True).content.decode()
    assert "2023 is closed: its figures stay." in text(seen)
    [bill] = alice.get("/v1/consumptions?external_id=B-2023").body["items"]
    alice.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 5})
    seen = page(client)
    assert "1 consumption changed after the year was closed" in text(seen)
    assert re.search(
        r">[^<>]+ · Grid electricity · 5 kWh · 2023-\d\d-\d\d – [^<>]+ · B-2023<", seen
    )
    again = client.post(address, {"what": "close"}, follow=True).content.decode()
    assert "Nothing has been changed. 2023 is closed already." in text(again)
    seen = client.post(address, {"what": "reopen"}, follow=True).content.decode()
    assert "2023 is open" in text(seen)
    assert "What the closed year would say otherwise" not in seen
    assert client.post(address, {"what": "burn"}).status_code == 404


@pytest.mark.parametrize("role", [Role.VIEWER, Role.EDITOR])
def test_others_see_it_and_do_not_close_it(
    alice: Person, bob: Person, organization: Organization, sites: Any, role: str
) -> None:
    Membership.objects.filter(user=bob.user).update(role=role)
    client = staff(bob)
    assert "Close 2023" not in page(client)
    address = f"{PAGE}?organization={organization.pk}&year=2023"
    assert client.post(address, {"what": "close"}).status_code == 403


def test_another_organizations_inventory_does_not_exist(
    alice: Person, charlie: Person, sites: Any
) -> None:
    client = staff(charlie)
    assert "Alice Ltd" not in page(client)
    for asked in (alice.organization.pk, "x"):
        assert client.get(f"{PAGE}?organization={asked}").status_code == 404
    address = f"{PAGE}?organization={alice.organization.pk}&year=2023"
    assert client.post(address, {"what": "close"}).status_code == 404


@pytest.mark.parametrize("year", ["x", "99999", "0", "２０２３"])
def test_what_is_no_year_is_404(alice: Person, year: str) -> None:
    client = staff(alice)
    assert client.get(PAGE, {"year": year}).status_code == 404
    assert client.get(PAGE, {"base_year": year}).status_code == 404


def test_who_belongs_nowhere_is_told_so(alice: Person) -> None:
    Membership.objects.all().delete()
    assert staff(alice).get(PAGE).status_code in (200, 403)


def test_it_opens_at_the_newest_year_that_has_figures(alice: Person, sites: Any) -> None:
    client = staff(alice)
    assert client.get(PAGE).context["year"] == 2023
    alice.consumption(sites, start_date="2024-03-01", end_date="2024-03-31")
    assert client.get(PAGE).context["year"] == 2024


def test_a_closed_years_page_says_when_and_leads_to_its_inventory(
    alice: Person, sites: Any
) -> None:
    assert alice.post("/v1/periods/2023/close", {}).status == 200
    row = ClosedPeriod.objects.get()
    answer = staff(alice).get(f"/admin/emissions/closedperiod/{row.pk}/change/")
    html = answer.content.decode()
    assert f"{row.closed_at:%Y-%m-%d}" in html
    assert f"{PAGE}?organization={alice.organization.pk}&amp;year=2023" in html
