"""The page of figures: what `/v1/emissions` says of any period, each figure with its lines."""

import re
from decimal import Decimal
from io import BytesIO
from typing import Any

import pytest
from django.contrib import admin
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from emissions.models import Emission
from organizations.models import AuditEvent, User
from tests.admin.conftest import at_the_admin
from tests.cases import each
from tests.conftest import Person
from tests.emissions.figures import FIGURES, gas, refill

pytestmark = pytest.mark.django_db

PAGE = "/admin/emissions/emission/figures/"
GROUPS = {
    "scopes": ["scope"],
    "months": ["month", "category"],
    "kinds": ["scope", "category", "activity"],
    "countries": ["country"],
    "facilities": ["facility"],
}
PERIODS: dict[str, tuple[dict[str, Any], str]] = {
    "year": ({"year": 2023}, "start_date=2023-01-01&end_date=2023-12-31"),
    "quarter": ({"year": 2023, "quarter": 2}, "start_date=2023-04-01&end_date=2023-06-30"),
    "days": (
        {"start_date": "2023-03-25", "end_date": "2023-05-10"},
        "start_date=2023-03-25&end_date=2023-05-10",
    ),
}


@pytest.fixture
def sites(alice: Person) -> dict[str, Any]:
    home = alice.facility()
    for first, last in (("2022-12-20", "2023-01-15"), ("2023-03-16", "2023-05-14")):
        alice.consumption(home, start_date=first, end_date=last)
        gas(alice, home, start_date=first, end_date=last)
    refill(alice, home)
    lyon = alice.facility(name="Lyon", country="FR")
    alice.consumption(
        lyon, start_date="2023-04-01", end_date="2023-06-30", data_quality="estimated"
    )
    alice.consumption(alice.facility(name="Ice", country="AQ"), start_date="2023-04-01",
                      end_date="2023-04-30")  # fmt: skip
    return home


def shown(client: Client, **query: Any) -> Any:
    answer = client.get(PAGE, query)
    assert answer.status_code == 200, answer.content
    return answer


def totals(person: Person, days: str, group_by: list[str]) -> dict[str, Any]:
    asked = "".join(f"&group_by={key}" for key in group_by)
    return person.get(f"/v1/emissions?size=100&{days}{asked}").body


def as_text(cell: Any) -> str:
    """A cell of a workbook as a CSV has it."""
    return f"{Decimal(str(cell)).normalize():f}" if isinstance(cell, int | float) else cell


def lines_behind(user: User, address: str) -> Any:
    """What the list of lines has at an address, without its page."""
    request = RequestFactory().get(address.replace("&amp;", "&"))
    request.user = user
    return admin.site._registry[Emission].get_changelist_instance(request).queryset


def sums_of(user: User, address: str) -> list[Decimal]:
    """Of the lines that an address leads to, by FIGURES."""
    found = lines_behind(user, address)
    return [sum((getattr(line, name) for line in found), Decimal(0)) for name in FIGURES]


@pytest.mark.parametrize("kind", PERIODS)
def test_it_says_what_the_api_says(
    alice: Person, alice_admin: Client, sites: Any, kind: str
) -> None:
    query, days = PERIODS[kind]
    page = shown(alice_admin, **query).context
    said = totals(alice, days, ["scope"])
    by_scope = {one["scope"]: one for one in said["items"]}
    assert [getattr(page["total"], name) for name in FIGURES] == [said[name] for name in FIGURES]
    assert page["coverage"] == said["coverage"]
    assert [one["kg"] for one in page["scopes"]] == [
        by_scope[scope][name] if scope in by_scope else 0
        for scope, name in ((1, "co2e"), (2, "co2e"), (2, "co2e_market"), (3, "co2e"))
    ]
    assert page["scopes"][1]["kg"] != page["scopes"][2]["kg"], "the methods differ here"
    for table in page["tables"]:
        answered = totals(alice, days, GROUPS[table["id"]])["items"]
        answered.sort(key=lambda one: -one["co2e"])
        rows = sorted(table["rows"], key=lambda row: -row["sums"].co2e)
        assert len(answered) > 1
        assert [row["sums"]._asdict() for row in rows] == [
            {name: one[name] for name in rows[0]["sums"]._fields} for one in answered
        ]
    by_month = {
        (one["month"], one["category"]): one["co2e"]
        for one in totals(alice, days, GROUPS["months"])["items"]
    }
    chart = page["monthly"]["chart"]
    drawn = {
        (month, one["category"]): Decimal(value)
        for one in chart["series"]
        for month, value in zip(chart["labels"], one["data"], strict=True)
        if value is not None
    }
    assert drawn == by_month


LINKED = re.compile(
    r'href="([^"]+/emissions/emission/\?[^"]+)">(?:<strong>)?<span[^>]+? data-kg="([^"]+)"'
)


@pytest.mark.parametrize("kind", ["year", "quarter"])
def test_every_mass_leads_to_lines_that_add_up_to_it(
    alice: Person, alice_admin: Client, sites: Any, kind: str
) -> None:
    html = shown(alice_admin, **PERIODS[kind][0]).content.decode()
    found = LINKED.findall(html)
    assert len(found) > 30
    assert 'id="cut"' not in html
    sums = {address: sums_of(alice.user, address) for address, _ in found}
    assert len(sums) > 10
    for address, figure in found:
        assert Decimal(figure) in sums[address], address


def test_days_that_cut_lines_lead_to_all_lines_with_a_day_in_them(
    alice: Person, alice_admin: Client, sites: Any
) -> None:
    page = shown(alice_admin, start_date="2023-03-20", end_date="2023-04-30")
    assert 'id="cut"' in page.content.decode()
    lines = lines_behind(alice.user, page.context["behind"].all)
    days = {(line.start_date.isoformat(), line.end_date.isoformat()) for line in lines}
    assert days == {("2023-03-16", "2023-03-31"), ("2023-04-01", "2023-04-30")}
    [march] = [row for row in page.context["monthly"]["rows"] if row["month"] == "2023-03"]
    whole = sums_of(alice.user, march["address"])[0]
    kept = re.search(r'data-kg="([^"]+)"', march["total"])
    assert kept
    assert abs(Decimal(kept[1]) - whole * 12 / 16) < Decimal("0.00001")


@pytest.mark.parametrize("table", GROUPS)
def test_what_is_seen_leaves_as_the_apis_files(
    alice: Person, alice_admin: Client, sites: Any, table: str
) -> None:
    query, days = PERIODS["days"]
    files = shown(alice_admin, **query).context["files"][table]
    asked = "&".join(f"group_by={key}" for key in GROUPS[table])
    address = f"/v1/emissions?{days}&{asked}"
    theirs = alice.get(address, accept="text/csv").body
    taken: Any = alice_admin.get(PAGE + files.csv)
    text = b"".join(taken.streaming_content)
    assert text == theirs
    assert len(text.splitlines()) > 2
    book: Any = alice_admin.get(PAGE + files.xlsx)
    sheet = load_workbook(BytesIO(b"".join(book.streaming_content))).worksheets[0]
    cells = [[as_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert cells == [line.split(",") for line in text.decode().splitlines()]
    event = AuditEvent.objects.order_by("-number")[0]
    assert (event.object_id, event.details["format"]) == (f"emissions-{table}", "xlsx")


@each(
    ("query", "sentence"),
    [
        ({"year": "x"}, "Year: "),
        ({"year": "1899"}, "Year: "),
        ({"year": "2023", "quarter": "5"}, "Quarter: "),
        ({"quarter": "2"}, "Quarter: Choose its year too."),
        ({"start_date": "2023-02-30", "end_date": "2023-03-01"}, "From: Write a day"),
        ({"start_date": "2023-02-03"}, "To: Give both days."),
        ({"end_date": "2023-02-03"}, "From: Give both days."),
        ({"start_date": "2023-02-03", "end_date": "2023-02-02"}, "To: It ends before it starts"),
        ({"start_date": "1899-12-31", "end_date": "1900-02-02"}, "From: "),
        ({"start_date": "2023-01-01", "end_date": "9999-12-31"}, "To: "),
        ({"start_date": "2000-01-01", "end_date": "2020-01-01"}, "To: Choose no more than 20"),
        ({"year": "2023", "start_date": "2023-01-01", "end_date": "2023-01-31"}, "Year: Give a"),
        ({"year": "2023", "page": "0"}, "Page: "),
    ],
)
def test_a_bad_period_is_answered_by_a_sentence_that_names_the_field(
    alice_admin: Client, query: dict[str, str], sentence: str
) -> None:
    for asked in (query, {**query, "table": "kinds"}):
        answer = alice_admin.get(PAGE, asked)
        assert answer.status_code == 422
        assert any(one.startswith(sentence) for one in answer.context["wrong"]), answer.context[
            "wrong"
        ]


def test_what_was_chosen_stays_in_the_form(alice_admin: Client, sites: Any) -> None:
    days = {"start_date": "2019-02-03", "end_date": "2019-02-02"}
    html = alice_admin.get(PAGE, days).content.decode()
    assert [f'value="{day}"' in html for day in days.values()] == [True, True]
    html = shown(alice_admin, year=1999, quarter=3).content.decode()
    for chosen in ('value="1999" selected', 'value="3" selected', 'value="1999-07-01"'):
        assert chosen in html


def test_without_a_period_it_shows_the_newest_year_with_figures(
    alice_admin: Client, sites: Any
) -> None:
    page = shown(alice_admin).context
    assert (page["year"], page["name"]) == (2023, "2023")
    labels = page["monthly"]["chart"]["labels"]
    assert (labels[0], labels[-1], len(labels)) == ("2023-01", "2023-12", 12)
    empty = shown(alice_admin, year=2021).content.decode()
    assert "Nothing has a figure in this period." in empty


def test_what_has_no_figure_comes_first_and_leads_to_its_bills(
    alice_admin: Client, sites: Any
) -> None:
    page = shown(alice_admin, year=2023, quarter=2)
    html = page.content.decode()
    assert html.index('id="missing-first"') < html.index('id="scopes"')
    [row] = page.context["without_figure"]
    bills = alice_admin.get(row["address"]).context["cl"].queryset
    assert [bill.facility.name for bill in bills] == ["Ice"]


def test_only_ones_own_organizations_figures_are_seen(
    alice: Person, charlie: Person, alice_admin: Client, root: Client, sites: Any
) -> None:
    charlie.consumption(charlie.facility(name="Elsewhere"))
    theirs: dict[str, Any] = {"organization": charlie.organization.pk}
    for asked in (theirs, {**theirs, "table": "kinds"}, {"organization": "x"}):
        assert alice_admin.get(PAGE, asked).status_code == 404
    assert [one.pk for one in shown(alice_admin).context["organizations"]] == [
        alice.organization.pk
    ]
    assert "Elsewhere" in shown(root, year=2023, **theirs).content.decode()
    assert "Elsewhere" not in shown(alice_admin, year=2023).content.decode()
    assert alice_admin.get(PAGE, {"table": "x"}).status_code == 404
    assert alice_admin.get(PAGE, {"table": "kinds", "format": "x"}).status_code == 404


def test_facilities_come_by_pages_the_largest_first_in_as_many_statements(
    alice: Person, alice_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("emissions.admin.figures.tables.FACILITIES_SHOWN", 4)
    counts = []
    for number in range(1, 6):
        alice.consumption(alice.facility(name=f"Site {number}"), quantity=number * 100)
        if number in (2, 5):
            with CaptureQueriesContext(connection) as queries:
                page = shown(alice_admin, year=2023).context["tables"][2]
            counts.append(len(queries))
    assert counts[0] == counts[1]
    names = [row["names"][0]["text"] for row in page["rows"]]
    assert names == ["Site 5", "Site 4", "Site 3", "Site 2"]
    last = shown(alice_admin, year=2023, page=2)
    assert [row["names"][0]["text"] for row in last.context["tables"][2]["rows"]] == ["Site 1"]
    assert "5 to 5 of 5" in last.content.decode()
    assert "page=1#facilities" in last.content.decode()


def test_the_menu_and_the_dashboards_chart_lead_there(alice_admin: Client, sites: Any) -> None:
    assert f'href="{PAGE}"' in alice_admin.get("/admin/").content.decode()
    assert (
        f'href="{PAGE}"' in alice_admin.get("/admin/emissions/emission/monthly/").content.decode()
    )


def test_a_viewer_reads_them_too(alice: Person, bob: Person, sites: Any) -> None:
    assert shown(at_the_admin(bob.user), year=2023).context["total"].co2e
