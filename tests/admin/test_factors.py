"""Factors in the admin: explained, refused with a sentence, previewed before they move anything."""

import re
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from emissions.models import EmissionFactor
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db

ADD = reverse("admin:emissions_emissionfactor_add")


def page(factor: Any, what: str = "change") -> str:
    return reverse(f"admin:emissions_emissionfactor_{what}", args=[factor["id"]])


def form(person: Person, **fields: Any) -> dict[str, Any]:
    return {
        "organization": person.organization.pk,
        "category": "electricity",
        "activity": "grid",
        "country": "ES",
        "region": "",
        "method": "location",
        "unit": "kWh",
        "valid_from": "2023-01-01",
        "valid_to": "2023-12-31",
        "co2e": "0.5",
        **fields,
    }


def number(response: Any, name: str) -> str:
    [found] = re.findall(rf'id="{name}">([\d,]+)<', response.content.decode())
    return found


def errors(response: Any) -> str:
    return " ".join(" ".join(one) for one in response.context["adminform"].form.errors.values())


@each(
    ("fields", "sentence"),
    [
        ({"valid_from": "2023-06-01"}, "It overlaps the factor"),
        ({"valid_from": "2024-06-01", "valid_to": "2024-01-01"}, "It ends before it starts"),
        ({"category": "heat", "activity": "coal"}, "Only electricity has location-based"),
        ({"category": "recharge", "activity": "R-32", "method": ""}, "needs its GWP set"),
        ({"country": "", "region": "X", "valid_from": "2030-01-01", "valid_to": ""}, "a country"),
        ({"co2e": "-1"}, "greater than or equal to 0"),
        ({"co2e": "many"}, "is not a number"),
        ({"organization": ""}, "This field is required"),
    ],
)
def test_nonsense_is_refused_with_a_sentence(
    fields: dict[str, Any], sentence: str, alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    response = alice_admin.post(ADD, form(alice, **fields))
    assert response.status_code == 200
    assert sentence in errors(response)
    assert EmissionFactor.objects.exclude(organization=None).count() == 1


@each(
    ("query", "found"),
    [
        ("year=2023", True),
        ("year=2022", False),
        ("country=ES", True),
        ("country=FR", False),
        ("category__exact=electricity", True),
        ("category__exact=heat", False),
        ("year=many", True),
    ],
)
def test_the_list_is_narrowed_by_category_place_and_period(
    query: str, found: bool, alice: Person, alice_admin: Client
) -> None:
    factor = alice.factor()
    address = f"{reverse('admin:emissions_emissionfactor_changelist')}?q=grid&{query}"
    shown = alice_admin.get(address).context["cl"].queryset
    assert shown.filter(pk=factor["id"]).exists() == found
