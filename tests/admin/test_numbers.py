"""Numbers as people type them into the admin's forms: read right or refused, never as another."""

import re
from decimal import Decimal
from typing import Any

import pytest
from django.contrib import admin
from django.urls import reverse
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.importing.numbers import read_number
from organizations.models import User
from organizations.staff.forms import proved
from tests.admin.conftest import at_the_admin
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db


def bill_form(facility: dict[str, Any], quantity: str) -> dict[str, str]:
    return {
        "facility": facility["id"],
        "category": "electricity",
        "activity": "grid",
        "quantity": quantity,
        "unit": "kWh",
        "start_date": "2023-03-01",
        "end_date": "2023-03-31",
        "data_quality": "actual",
        "status": "active",
    }


@each(
    ("typed", "stored"),
    [
        ("1047,5", "1047.5"), ("1.047,5", "1047.5"), ("1,047.5", "1047.5"), ("1 047,5", "1047.5"),
        ("1\u202f047,5", "1047.5"), ("1'047.5", "1047.5"), ("1047.5", "1047.5"), ("1200", "1200"),
        ("0,5", "0.5"), (" 12 ", "12"), ("1.2000", "1.2"), ("1,234,567", "1234567"),
        ("0.30000000000000004", "0.3"),
    ],
)  # fmt: skip
def test_a_quantity_is_stored_as_it_was_meant(
    admin_client: Any, erin: Person, typed: str, stored: str
) -> None:
    site = erin.facility()
    answer = admin_client.post("/admin/emissions/consumption/add/", bill_form(site, typed))
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    assert Consumption.objects.get().quantity == Decimal(stored)


@each(
    ("typed", "said"),
    [
        ("1,200", "may be 1200 (a decimal point) or 1.2 (a decimal comma)"),
        ("1.200", "may be 1.2 "), ("12.345", "may be 12.345"), ("1,2,3", "“1,2,3”"),
        ("ten", "“ten”"), ("1e", "“1e”"), ("0.0000001", "less than half"),
    ],
)  # fmt: skip
def test_what_may_be_two_numbers_or_none_is_refused(
    admin_client: Any, erin: Person, typed: str, said: str
) -> None:
    site = erin.facility()
    answer = admin_client.post("/admin/emissions/consumption/add/", bill_form(site, typed))
    assert answer.status_code == 200
    page = answer.content.decode()
    assert f'value="{typed}"' in page, "it stays as it was typed, to be mended"
    assert said in page, re.findall(r"errorlist.*", page)
    assert not Consumption.objects.exists()


def test_the_form_repeats_a_number_as_it_was_understood(admin_client: Any, erin: Person) -> None:
    form = bill_form(erin.facility(), "1.047,5") | {"end_date": "2023-01-01"}
    page = admin_client.post("/admin/emissions/consumption/add/", form).content.decode()
    assert 'value="1047.5"' in page


def test_a_form_that_is_saved_unchanged_changes_nothing(admin_client: Any, erin: Person) -> None:
    """12.345 is shown in a way that is no thousand."""
    site = erin.facility()
    bill = erin.consumption(site, quantity=Decimal("12.345"))
    address = f"/admin/emissions/consumption/{bill['id']}/change/"
    assert 'value="12.3450"' in admin_client.get(address).content.decode()
    assert admin_client.post(address, bill_form(site, "12.3450")).status_code == 302
    assert Consumption.objects.get().quantity == Decimal("12.345")


@given(st.decimals(-(10**12), 10**12, places=6), st.sampled_from(["en", "es"]))
def test_a_number_that_is_shown_is_read_as_itself(number: Decimal, language: str) -> None:
    with override(language):
        assert read_number(proved(number)) == number


@pytest.mark.parametrize(("stored", "shown"), [("1047.5", "1047,5"), ("12.345", "12,3450")])
def test_a_spanish_form_has_its_numbers_with_a_comma(
    erin_admin: Any, erin: Person, stored: str, shown: str
) -> None:
    User.objects.filter(pk=erin.user.pk).update(language="es")
    site = erin.facility()
    bill = erin.consumption(site, quantity=Decimal(stored))
    address = f"/admin/emissions/consumption/{bill['id']}/change/"
    assert f'value="{shown}"' in erin_admin.get(address).content.decode()
    days = {"start_date": "01/01/2023", "end_date": "31/01/2023"}
    form = bill_form(site, shown) | days
    assert erin_admin.post(address, form).status_code == 302
    assert Consumption.objects.get().quantity == Decimal(stored)
    page = erin_admin.post(address, bill_form(site, "1,200") | days).content.decode()
    assert "1200 (" in page
    assert "1,2 (" in page


def test_no_form_has_a_number_input(admin_client: Any, erin: Person) -> None:
    """A browser's number input drops a comma, and the mouse wheel changes it."""
    bill = erin.consumption(erin.facility())
    erin.factor(country="PT")
    rows = {Consumption: bill["id"], Facility: bill["facility_id"]}
    rows[EmissionFactor] = EmissionFactor.objects.exclude(organization=None).get().pk
    seen = 0
    for model in admin.site._registry:
        name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
        pages = [reverse(f"{name}_add"), reverse(f"{name}_changelist")]
        if model in rows:
            pages.append(reverse(f"{name}_change", args=[rows[model]]))
        for page in pages:
            answer = admin_client.get(page)
            if answer.status_code == 200:
                seen += 1
                assert 'type="number"' not in answer.content.decode(), page
    assert seen > 15


def test_tonnes_are_not_called_kilograms(alice: Person) -> None:
    site = alice.facility()
    alice.consumption(site, quantity=1000)
    client = at_the_admin(alice.user)
    monthly = reverse("admin:emissions_emission_monthly")
    assert " kg</span></strong>" in client.get(monthly).content.decode()
    alice.consumption(site, quantity=10**9, start_date="2023-04-01", end_date="2023-04-30")
    page = client.get(monthly).content.decode()
    assert " t</span></strong>" in page
    assert ">CO2e from 2023-03 to" in page
