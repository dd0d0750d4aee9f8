"""Facilities in the admin: the form and its CUPS, the list and its actions, the files."""

import csv
import io
import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from openpyxl import load_workbook

from facilities.models import Facility
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db

CUPS = [cups(number) for number in range(1000, 1006)]
LIST = reverse("admin:facilities_facility_changelist")
ADD = reverse("admin:facilities_facility_add")


def page(facility: dict[str, Any]) -> str:
    return reverse("admin:facilities_facility_change", args=[facility["id"]])


def form(points: list[str], **fields: Any) -> dict[str, Any]:
    inline = {f"supply_points-{position}-cups": one for position, one in enumerate(points)}
    return {
        "name": "Madrid Office",
        "type": "office",
        "country": "ES",
        "categories": ["heat", "electricity"],
        "logistic_factor": "0.8",
        "status": "active",
        "supply_points-TOTAL_FORMS": len(points),
        "supply_points-INITIAL_FORMS": 0,
        **inline,
        **fields,
    }


def messages_of(response: Any) -> list[str]:
    return [str(one) for one in response.context["messages"]]


def act(client: Client, action: str, *facilities: dict[str, Any]) -> Any:
    data = {"action": action, "_selected_action": [one["id"] for one in facilities], "post": "yes"}
    return client.post(LIST, data, follow=True)


def test_a_facility_is_made_with_its_cups(alice: Person, alice_admin: Client) -> None:
    data = form(CUPS[:2], organization=alice.organization.pk)
    assert alice_admin.post(ADD, data).status_code == 302
    facility = Facility.objects.get()
    assert facility.categories == ["heat", "electricity"]
    assert [point.cups for point in facility.supply_points.all()] == CUPS[:2]
    assert facility.organization == alice.organization


def test_a_wrong_cups_is_refused_with_the_words_of_the_api(
    alice: Person, alice_admin: Client
) -> None:
    facility = alice.facility()
    taken = alice.facility(name="Other", cups_list=[CUPS[0]])["cups_list"][0]
    for wrong in (f"{CUPS[1][:-1]}Q", "ES12", taken):
        body = {"cups_list": [wrong]}
        said = alice.patch(f"/v1/facilities/{facility['id']}", body).error("cups_list.0")["detail"]
        response = alice_admin.post(page(facility), form([wrong]))
        formset = response.context["inline_admin_formsets"][0].formset
        assert formset.errors[0]["cups"] == [said]
    response = alice_admin.post(page(facility), form([CUPS[1], CUPS[1].lower()]))
    formset = response.context["inline_admin_formsets"][0].formset
    twice = alice.patch(f"/v1/facilities/{facility['id']}", {"cups_list": [CUPS[1]] * 2})
    assert formset.errors[1]["cups"] == [twice.error("cups_list.1")["detail"]]


def test_meters_are_added_and_refused_as_cups_are(alice: Person, alice_admin: Client) -> None:
    facility = alice.facility()
    alice.facility(name="Other", meter_list=["M1"])

    def post(*codes: str) -> Any:
        meters: dict[str, Any] = {"meters-TOTAL_FORMS": len(codes), "meters-INITIAL_FORMS": 0}
        meters |= {f"meters-{at}-code": code for at, code in enumerate(codes)}
        return alice_admin.post(page(facility), {**form([]), **meters})

    errors = [
        post(*codes).context["inline_admin_formsets"][1].formset.errors[-1]["code"]
        for codes in (["M1"], ["M2", "M 2"], ["x" * 51])
    ]
    assert "belongs to another facility" in errors[0][0]
    assert "in this list already" in errors[1][0]
    assert errors[2]
    assert post("M 2", "M3").status_code == 302
    stored = alice.get(f"/v1/facilities/{facility['id']}").body
    assert stored["meter_list"] == ["M2", "M3"]


def test_countries_have_names(alice: Person, alice_admin: Client) -> None:
    facility = alice.facility(country="XK")
    assert re.search(r'<option value="XK" selected>Kosovo \(XK\)</option>',
                     alice_admin.get(page(facility)).content.decode())  # fmt: skip
    assert "Kosovo" in alice_admin.get(LIST).content.decode()


def test_figures_are_read_only_and_linked_to_their_lines(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    facility = alice.facility()
    alice.consumption(facility)
    text = alice_admin.get(page(facility)).content.decode()
    assert 'name="co2e"' not in text
    [address] = set(
        re.findall(r'href="(/admin/emissions/emission/\?facility__id__exact=[^"&]+)"', text)
    )
    lines = alice_admin.get(address).context["cl"].result_list
    assert sum(line.co2e for line in lines) == 500


def test_the_chart_and_its_table_show_each_month_and_category(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    facility = alice.facility()
    alice.consumption(facility, end_date="2023-04-30")
    response = alice_admin.get(page(facility))
    monthly = response.context["monthly"]
    assert monthly["chart"]["labels"] == ["2023-03", "2023-04"]
    [series] = monthly["chart"]["series"]
    assert series["data"] == ["254.098361", "245.901639"]
    newest = monthly["rows"][0]
    assert newest["month"] == "2023-04"
    assert 'title="245.901639 kg" data-kg="245.901639">246 kg<' in newest["total"]
    behind = alice_admin.get(newest["cells"][0]["address"]).context["cl"].result_list
    assert [str(line.co2e) for line in behind] == ["245.901639"]


def test_the_list_is_searched_by_name_code_address_and_cups(
    alice: Person, alice_admin: Client
) -> None:
    alice.facility(name="Elsewhere")
    alice.facility(name="Madrid", external_id="M-1", address="Gran Vía 1", cups_list=CUPS[:1])
    for words in ("madri", "M-1", "Gran V", CUPS[0]):
        found = alice_admin.get(LIST, {"q": words}).context["cl"].result_list
        assert [one.name for one in found] == ["Madrid"], words


def test_archiving_deleting_and_restoring_in_the_list(alice: Person, alice_admin: Client) -> None:
    alice.factor()
    one, two = alice.facility(cups_list=CUPS[:1]), alice.facility(name="Two")
    alice.consumption(one)
    act(alice_admin, "archive_selected", one)
    assert Facility.objects.get(pk=one["id"]).status == "archived"
    act(alice_admin, "delete_selected", one)
    assert alice.get(f"/v1/facilities/{one['id']}").status == 404
    shown = alice_admin.get(LIST).context["cl"].result_list
    assert [row.name for row in shown] == [two["name"]]
    data = {"action": "restore_selected", "_selected_action": [one["id"]]}
    alice_admin.post(f"{LIST}?deleted=yes", data)
    back = alice.get(f"/v1/facilities/{one['id']}").body
    assert (back["co2e"], back["cups_list"]) == (500, CUPS[:1])


def test_a_viewer_may_export_and_not_archive(alice: Person, bob_admin: Client) -> None:
    facility = alice.facility()
    act(bob_admin, "archive_selected", facility)
    assert Facility.objects.get().status == "active"
    assert act(bob_admin, "export_csv", facility)["Content-Type"] == "text/csv"


@each("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_spreadsheet_runs_what_somebody_has_named_a_facility(
    start: str, alice: Person, alice_admin: Client
) -> None:
    facility = alice.facility()
    evil = f"{start}cmd|' /C calc'!A0"
    Facility.objects.update(name=evil, address=evil, external_id=evil, type=evil, region=evil)
    content = act(alice_admin, "export_csv", facility).content.decode()
    [row] = csv.DictReader(io.StringIO(content, newline=""))
    sheet = load_workbook(io.BytesIO(act(alice_admin, "export_xlsx", facility).content)).active
    cells = {cell.value: cell for cell in list(sheet.rows)[1]}
    for name in ("name", "address", "external_id", "type", "region"):
        assert row[name] == f"'{evil}"
    assert {cell.data_type for value, cell in cells.items() if "cmd" in str(value)} == {"s"}
    assert not any(str(value).startswith(start) for value in cells)


def test_an_exported_file_holds_the_selection_and_no_formulas(
    alice: Person, alice_admin: Client
) -> None:
    evil = ['=HYPERLINK("http://x")', "+1", "-2+3", "@SUM(A1)", "\t=1"]
    facilities = [alice.facility(name=f"{name}x", cups_list=[CUPS[position]])
                  for position, name in enumerate(evil)]  # fmt: skip
    alice.facility(name="not selected")
    response = act(alice_admin, "export_csv", *facilities)
    rows = list(csv.DictReader(io.StringIO(response.content.decode())))
    stored = set(Facility.objects.exclude(name="not selected").values_list("name", flat=True))
    for row in rows:
        assert row["name"][0] not in "=+-@\t"
        assert row["categories"] == "heat|electricity|water|recharge"
    assert {row["name"].removeprefix("'") for row in rows} == stored
    assert {row["cups_list"] for row in rows} == set(CUPS[: len(evil)])

    sheet: Any = load_workbook(
        io.BytesIO(act(alice_admin, "export_xlsx", *facilities).content)
    ).active
    header, *lines = sheet.iter_rows()
    names = [cell.value for cell in header]
    for line in lines:
        cells = dict(zip(names, line, strict=True))
        assert all(cell.data_type != "f" for cell in line)
        assert cells["logistic_factor"].data_type == "n", "a number stays one"
