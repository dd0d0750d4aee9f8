"""One page of all changes: who, when, from what to what, why; narrowed, leafed and undone."""

import re
from decimal import Decimal
from html import unescape
from typing import Any
from uuid import UUID

import pytest
from django.test import Client

from emissions.admin.changes import entries as listed
from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from tests.admin.conftest import at_the_admin
from tests.admin.test_bill_form import form, page
from tests.admin.test_conflicts import opened
from tests.admin.test_deleting import delete
from tests.admin.test_facilities import page as facility_page
from tests.conftest import Person
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db

CHANGES = "/admin/emissions/consumption/changes/"


def lines(client: Client, **asked: str) -> list[tuple[str, str, dict[str, tuple[str, str]]]]:
    """Kind, what and fields of what the page lists."""
    response = client.get(CHANGES, asked)
    assert response.status_code == 200
    return [
        (one.kind, one.what, {field.name: (field.before, field.after) for field in one.fields})
        for one, *_ in response.context["entries"]
    ]


def undo(client: Client, place: int = 0) -> dict[str, str]:
    return client.get(CHANGES).context["entries"][place][2]


def test_every_change_is_listed_with_who_and_why(
    alice: Person, alice_admin: Client, erin_admin: Client
) -> None:
    facility = alice.facility()
    bill = alice.consumption(facility)
    erin_admin.post(page(bill), form(facility, quantity="7", _reason="misread"))
    alice.patch(f"/v1/facilities/{facility['id']}", {"cups_list": [cups(1)]})
    assert lines(alice_admin) == [
        ("CUPS", "changed", {"CUPS": ("nothing", cups(1))}),
        ("consumption", "changed", {"quantity": ("1,000", "7")}),
        ("consumption", "created", {}),
        ("facility", "created", {}),
    ]
    text = unescape(alice_admin.get(CHANGES).content.decode())
    assert "misread" in text
    assert facility_page(facility) in text
    assert page(bill) in text


def test_they_are_narrowed(alice: Person, alice_admin: Client, erin_admin: Client) -> None:
    facility = alice.facility()
    bill = alice.consumption(facility)
    erin_admin.post(page(bill), form(facility, quantity="7", _reason="misread"))
    assert len(lines(alice_admin, kind="facility")) == 1
    assert len(lines(alice_admin, who="erin@")) == 1
    assert len(lines(alice_admin, who="alice")) == 2, "by a key of hers"
    assert len(lines(alice_admin, reason="MISREAD")) == 1
    assert len(lines(alice_admin, first="2024-01-01")) == 3
    assert lines(alice_admin, last="2024-01-01") == []
    assert lines(alice_admin, first="nonsense") == []


def test_they_are_leafed_without_a_gap(
    alice: Person, alice_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listed, "SIZE", 3)
    names = [f"Site {number}" for number in range(8)]
    for name in names:
        alice.facility(name=name)
    found, address = [], CHANGES
    while address:
        context = alice_admin.get(address).context
        found += [str(one.row) for one, *_ in context["entries"]]
        address = context["older"] and f"{CHANGES}{context['older']}"
    assert found == names[::-1]


def test_nobody_sees_anothers(
    alice: Person, alice_admin: Client, bob_admin: Client, charlie: Person, root: Client
) -> None:
    theirs = charlie.facility(name="Charlie works")
    charlie.consumption(theirs)
    charlie.patch(f"/v1/facilities/{theirs['id']}", {"meter_list": ["M1"]})
    alice.facility()
    assert lines(alice_admin) == lines(bob_admin) == [("facility", "created", {})]
    assert "Charlie" not in alice_admin.get(CHANGES).content.decode()
    assert len(lines(root)) == 4
    assert len(lines(root, organization=str(charlie.organization.pk))) == 3
    assert lines(alice_admin, organization=str(charlie.organization.pk)) == []


def test_a_change_is_undone_on_the_form(
    alice: Person, alice_admin: Client, bob_admin: Client
) -> None:
    alice.factor()
    facility = alice.facility()
    bill = alice.consumption(facility)
    alice.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 7, "note": "oops"})
    assert undo(bob_admin) == {}
    address = undo(alice_admin)["open"]
    data = opened(alice_admin, address)
    assert (data["quantity"], data["note"]) == ("1000", "")
    assert Consumption.objects.get().quantity == 7, "a look changes nothing"
    data = {name: value for name, value in data.items() if value is not None}
    assert alice_admin.post(address, data).status_code == 302
    stored = Consumption.objects.get()
    assert (stored.quantity, stored.note, stored.co2e) == (1000, "", 500)


def test_what_has_been_changed_again_is_not_undone(alice: Person, alice_admin: Client) -> None:
    bill = alice.consumption(alice.facility())
    for quantity in (7, 8):
        alice.patch(f"/v1/consumptions/{bill['id']}", {"quantity": quantity})
    assert "open" in undo(alice_admin, 0)
    assert undo(alice_admin, 1) == {}
    entry = Consumption.objects.get().history.order_by("history_id")[1]
    response = alice_admin.get(page(bill), {"_undo": str(entry.history_id)})
    assert "cannot be undone" in response.content.decode()
    for wrong in ("nonsense", "0190a0a0-0000-7000-8000-000000000000"):
        assert alice_admin.get(page(bill), {"_undo": wrong}).status_code == 200


def test_a_deletion_and_a_creation_are_undone(alice: Person, alice_admin: Client) -> None:
    facility = alice.facility()
    bill = alice.consumption(facility)
    assert undo(alice_admin)["open"].endswith(f"{bill['id']}/delete/")
    delete(alice_admin, page(bill))
    alice_admin.post(undo(alice_admin)["post"], {"id": [bill["id"]]})
    assert Consumption.objects.live().exists()
    factor = alice.factor()
    alice.delete(f"/v1/emission-factors/{factor['id']}")
    assert undo(alice_admin)["open"].endswith(f"{factor['id']}/restore/")


def test_a_factors_undo_shows_its_preview(alice: Person, alice_admin: Client) -> None:
    factor = alice.factor()
    alice.consumption(alice.facility())
    alice.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": Decimal("0.9")})
    address = undo(alice_admin)["open"]
    data: dict[str, Any] = opened(alice_admin, address)
    assert data["co2e"] == "0.5"
    preview = alice_admin.post(address, data)
    assert preview.context["impact"].after.co2e == 500
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.9")


def test_how_a_row_was_loaded_is_no_change_of_today(alice: Person, alice_admin: Client) -> None:
    """The history of what came in bulk begins with its first change."""
    facility = alice.facility()
    row = Facility.objects.get()
    row.history.all().delete()
    Facility.objects.update(created_at="2020-01-01T00:00:00Z")
    alice.patch(f"/v1/facilities/{facility['id']}", {"name": "B"})
    assert lines(alice_admin) == [("facility", "changed", {"name": ("Madrid Office", "B")})]


@pytest.mark.parametrize(
    ("field", "old", "new"), [("cups", cups(1), cups(2)), ("meter", "M1", "M2")]
)
def test_a_cups_and_a_meter_are_undone_on_their_facilitys_form(
    alice: Person, alice_admin: Client, bob_admin: Client, field: str, old: str, new: str
) -> None:
    facility = alice.facility(**{f"{field}_list": [old]})
    address = facility_page(facility)
    column = {"cups": "supply_points-0-cups", "meter": "meters-0-code"}[field]

    def listed() -> list[str]:
        return alice.get(f"/v1/facilities/{facility['id']}").body[f"{field}_list"]

    def taken_back() -> None:
        assert undo(bob_admin) == {}
        there = undo(alice_admin)["open"]
        assert alice_admin.post(there, opened(alice_admin, there)).status_code == 302

    alice_admin.post(address, opened(alice_admin, address) | {column: new})
    assert listed() == [new]
    taken_back()
    assert listed() == [old]
    removed = {f"{column.rsplit('-', 1)[0]}-DELETE": "on"}
    alice_admin.post(address, opened(alice_admin, address) | removed)
    assert listed() == []
    taken_back()
    assert listed() == [old]
    taken_back()
    assert listed() == []
    assert [kind for kind, _, _ in lines(alice_admin)].count(lines(alice_admin)[0][0]) == 6
    assert undo(alice_admin, 4) == {}, "changed again since"


def test_an_imports_page_leads_to_the_rows_that_it_has_changed(
    erin: Person, erin_admin: Client
) -> None:
    erin.facility(external_id="HQ")
    row = {
        "facility_id": "HQ", "category": "electricity", "unit": "kWh",
        "start_date": "2023-03-01", "end_date": "2023-03-31",
    }  # fmt: skip
    imports = "/v1/imports?kind=consumption"
    made = [
        erin.post(imports, [{**row, "quantity": quantity}]).body["id"] for quantity in (1000, 900)
    ]
    first, second = (
        erin_admin.get(f"/admin/organizations/import/{one}/change/").content.decode()
        for one in made
    )
    assert "See what it has changed" not in first, "it has created a row, which is in no history"
    address = unescape(re.findall(r'href="([^"]+)">See what it has changed', second)[0])
    entries = erin_admin.get(address).context["entries"]
    assert [one.fields[0].after for one, *_ in entries if one.fields] == ["900"]
    whole = erin_admin.get(CHANGES).content.decode()
    assert f"/admin/organizations/import/{made[0]}/change/" in whole
    of_imports = [
        one for one in erin_admin.get(CHANGES).context["entries"] if one[0].kind == "import"
    ]
    assert [str(entry.row.pk) for entry, *_ in of_imports] == made[::-1]
    assert [created != "" for *_, created in of_imports] == [False, True]


@pytest.mark.parametrize(
    ("kind", "row", "place"),
    [
        (
            "facilities",
            {"name": "From a file", "type": "office", "country": "ES"},
            "facilities/facility",
        ),
        (
            "consumption",
            {"facility_id": "HQ", "category": "electricity", "quantity": 1, "unit": "kWh",
             "start_date": "2023-05-01", "end_date": "2023-05-31"},
            "emissions/consumption",
        ),
        (
            "emission-factors",
            {"category": "electricity", "unit": "kWh", "valid_from": "2023-01-01", "co2e": 0.5},
            "emissions/emissionfactor",
        ),
    ],
)  # fmt: skip
def test_what_a_file_has_created_is_one_change_that_leads_to_its_rows(
    erin: Person, erin_admin: Client, charlie: Person, kind: str, row: Any, place: str
) -> None:
    site = erin.facility(external_id="HQ", name="By hand")
    erin.consumption(site, external_id="BY-HAND")
    erin.factor(country="PT")
    made = erin.post(f"/v1/imports?kind={kind}", [row]).body
    assert made["created"] == 1
    entry, address, undo_at, created = erin_admin.get(CHANGES).context["entries"][0]
    assert (entry.kind, str(entry.row.pk), undo_at) == ("import", made["id"], {})
    page = erin_admin.get(CHANGES).content.decode()
    assert "created 1, changed 0" in page
    assert made["started_by"] in entry.who
    assert f"/admin/{place}/" in created
    [found] = erin_admin.get(created).context["cl"].result_list
    assert found.pk not in (UUID(site["id"]),)
    assert found.created_at == entry.row.started_at
    assert created in unescape(erin_admin.get(address).content.decode())
    assert lines(erin_admin, kind="import", reason="rows") != []
    assert lines(erin_admin, kind="import", who="nobody") == []
    assert lines(erin_admin, kind="import", last="2020-01-01") == []
    assert lines(erin_admin, kind="facility", reason="import") == []
    assert "import" not in [kind for kind, *_ in lines(at_the_admin(charlie.user))]


def test_an_import_that_stored_nothing_is_no_change(erin: Person, erin_admin: Client) -> None:
    answer = erin.post("/v1/imports?kind=facilities", [{"name": "X", "type": "x", "country": "!"}])
    assert answer.body["status"] == "refused"
    assert lines(erin_admin) == []


def test_a_change_says_numbers_and_days_as_its_reader_writes_them(
    alice: Person, alice_admin: Client
) -> None:
    bill = alice.consumption(alice.facility())
    changes = {"quantity": 1047.5, "end_date": "2023-03-30"}
    alice.patch(f"/v1/consumptions/{bill['id']}", changes)
    assert lines(alice_admin)[0][2] == {
        "quantity": ("1,000", "1,047.5"),
        "end date": ("2023-03-31", "2023-03-30"),
    }
    type(alice.user).objects.filter(pk=alice.user.pk).update(language="es")
    assert lines(alice_admin)[0][2] == {
        "cantidad": ("1.000", "1.047,5"),
        "fecha de fin": ("31/03/2023", "30/03/2023"),
    }
