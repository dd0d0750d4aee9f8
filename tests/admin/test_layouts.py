"""Saved layouts in the admin: held to the API's rules."""

import json
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from organizations.models import ImportLayout, Organization
from tests.admin.conftest import at_the_admin
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ADD = reverse("admin:organizations_importlayout_add")


@pytest.fixture
def editor(erin: Person) -> Client:
    return at_the_admin(erin.user)


def form(organization: Organization, **changes: Any) -> dict[str, Any]:
    said = {
        "columns": {"quantity": "Consumo", "start_date": "Desde", "end_date": "Hasta"},
        "constants": {"category": "electricity", "unit": "kWh"},
        "activities": {},
        "units": {},
    }
    words = {name: json.dumps(value) for name, value in (said | changes).items()}
    return {
        "organization": organization.pk, "name": "Bills", "kind": "consumption", "decimal": "",
        "dates": "dmy", "sum_by": "none", **words,
    }  # fmt: skip


def test_an_editor_saves_a_layout(editor: Client, organization: Organization) -> None:
    answer = editor.post(ADD, form(organization))
    assert answer.status_code == 302
    stored = ImportLayout.objects.get()
    assert (stored.name, stored.columns["quantity"], stored.dates) == ("Bills", "Consumo", "dmy")
    page = reverse("admin:organizations_importlayout_change", args=[stored.pk])
    assert editor.get(page).status_code == 200


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"columns": {"amount": "x"}}, "is no column of ours"),
        ({"columns": {"quantity": "x"}}, "Say where"),
        ({"units": {"Kilowatt": "horses"}}, "horses"),
        ({"columns": ["quantity"]}, "Write it like"),
    ],
)
def test_a_wrong_layout_is_refused_in_the_words_of_the_api(
    editor: Client, organization: Organization, changes: dict[str, Any], words: str
) -> None:
    answer = editor.post(ADD, form(organization, **changes))
    assert answer.status_code == 200
    assert words in answer.content.decode()
    assert not ImportLayout.objects.exists()
