"""Saved layouts in the admin: held to the API's rules."""

from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest
from django.http import QueryDict
from django.test import Client
from django.urls import reverse

from organizations.models import ImportLayout, Organization
from tests.admin.conftest import at_the_admin
from tests.admin.test_conflicts import decided, opened
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ADD = reverse("admin:organizations_importlayout_add")


@pytest.fixture
def editor(erin: Person) -> Client:
    return at_the_admin(erin.user)


SAID: dict[str, list[tuple[str, ...]]] = {
    "columns": [("quantity", "Consumo"), ("start_date", "Desde"), ("end_date", "Hasta")],
    "constants": [("category", "electricity"), ("unit", "kWh")],
    "activities": [],
    "units": [],
}
CELLS = {
    "columns": ("ours", "theirs"),
    "constants": ("ours", "all"),
    "activities": ("theirs", "category", "activity"),
    "units": ("theirs", "ours"),
}


def form(organization: Organization, **changes: Any) -> dict[str, Any]:
    """What a browser sends: the cells of each table column by column, with its empty rows."""
    sent = {}
    for name, rows in (SAID | changes).items():
        padded = [*rows, ("",) * len(CELLS[name])]
        for place, cell in enumerate(CELLS[name]):
            sent[f"{name}-{cell}"] = [row[place] for row in padded]
    return {
        "organization": organization.pk, "name": "Bills", "kind": "consumption", "decimal": "",
        "dates": "dmy", "sum_by": "none", **sent,
    }  # fmt: skip


def test_an_editor_saves_a_layout(editor: Client, organization: Organization) -> None:
    answer = editor.post(
        ADD,
        form(
            organization,
            activities=[("Gas", "heat", "natural_gas"), ("Luz", "", "grid"), ("Agua", "water", "")],
            units=[("Kilowatts", "kWh")],
        ),
    )
    assert answer.status_code == 302, answer.content.decode()
    stored = ImportLayout.objects.get()
    assert (stored.name, stored.dates) == ("Bills", "dmy")
    assert stored.columns == {"quantity": "Consumo", "start_date": "Desde", "end_date": "Hasta"}
    assert stored.constants == {"category": "electricity", "unit": "kWh"}
    assert stored.activities == {
        "Gas": {"category": "heat", "activity": "natural_gas"},
        "Luz": "grid",
        "Agua": {"category": "water"},
    }
    assert stored.units == {"Kilowatts": "kWh"}


def test_its_page_is_filled_and_saved_unchanged_changes_nothing(
    editor: Client, organization: Organization, bob: Person
) -> None:
    editor.post(ADD, form(organization, activities=[("Gas", "heat", "natural_gas")]))
    stored = ImportLayout.objects.get()
    address = reverse("admin:organizations_importlayout_change", args=[stored.pk])
    fields = editor.get(address).context["adminform"].form
    sent = opened(editor, address)
    assert not type(fields)(QueryDict(urlencode(sent, True)), instance=stored).has_changed()
    assert editor.post(address, sent).status_code == 302
    after = ImportLayout.objects.get()
    assert {name: getattr(after, name) for name in CELLS} == {
        name: getattr(stored, name) for name in CELLS
    }
    page = at_the_admin(bob.user).get(address).content.decode()
    assert "Quantity: Consumo<br>Start date (start_date): Desde" in page
    assert "Gas: Heat, Natural gas" in page
    assert "<select" not in page.split('id="importlayout_form"')[1]


def test_two_people_at_one_layout(
    editor: Client, organization: Organization, alice: Person
) -> None:
    """Each table is one field: the second sees it in words, and what is chosen is stored."""
    editor.post(ADD, form(organization))
    address = reverse(
        "admin:organizations_importlayout_change", args=[ImportLayout.objects.get().pk]
    )
    first, second = at_the_admin(alice.user), editor
    mine = opened(second, address) | {"columns-theirs": ["Menge", "Desde", "Hasta", "", "", ""]}
    assert (
        first.post(
            address, opened(first, address) | {"constants-all": ["heat", "kWh", "", "", ""]}
        ).status_code
        == 302
    )
    answer = second.post(address, mine)
    assert answer.status_code == 409
    page = unescape(answer.content.decode())
    assert "Category: electricity · Unit: kWh" in page
    assert "Category: heat · Unit: kWh" in page
    [conflict] = answer.context["conflicts"]
    assert (conflict.name, conflict.untouched) == ("constants", True)
    assert second.post(address, decided(answer, constants="theirs")).status_code == 302
    after = ImportLayout.objects.get()
    assert (after.columns["quantity"], after.constants["category"]) == ("Menge", "heat")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": [("amount", "x")]}, "is no column of ours"),
        ({"columns": [("quantity", "x")]}, "Say where"),
        ({"columns": [("quantity", "")]}, "Row 1 says no “Their column"),
        ({"columns": [("quantity", "a"), ("quantity", "b")]}, "stands in two rows"),
        ({"columns": [("", "Consumo")]}, "Row 1 says no “Our column”"),
        ({"activities": [("Gas", "", "")]}, "Row 1 says no “Our activity”"),
        ({"constants": [("category", "gas"), ("unit", "kWh")]}, "gas"),
        ({"units": [("Kilowatt", "horses")]}, "horses"),
        ({"units": [("Kilowatt", "")]}, "Row 1 says no “Our unit”"),
        ({"activities": [("Gas", "warmth", "")]}, "warmth"),
        ({"columns": []}, "Say at least one column"),
    ],
)
def test_a_wrong_layout_is_refused_in_the_words_of_the_api(
    editor: Client, organization: Organization, changes: dict[str, Any], words: str
) -> None:
    answer = editor.post(ADD, form(organization, **changes))
    assert answer.status_code == 200
    assert words in unescape(answer.content.decode())
    assert not ImportLayout.objects.exists()


def test_our_columns_are_chosen_by_name_and_those_of_the_kind(
    editor: Client, organization: Organization
) -> None:
    page = unescape(editor.get(ADD).content.decode())
    assert '<optgroup label="Facilities">' in page
    assert "Start date (start_date)" in page
    page = unescape(editor.post(ADD, form(organization, columns=[])).content.decode())
    assert "<optgroup" not in page
    assert "Region" not in page.split('id="id_columns"')[1].split("</table>")[0]


def test_a_layout_is_refused_in_spanish(editor: Client, erin: Person) -> None:
    type(erin.user).objects.filter(pk=erin.user.pk).update(language="es")
    page = editor.post(ADD, form(erin.organization, columns=[("quantity", "x")])).content.decode()
    assert "fecha de inicio (start_date)" in unescape(page)
