"""Two people edit one row: the second sees what the first changed and decides field by field."""

import re
from decimal import Decimal
from html import unescape
from typing import Any

import pytest
from django.contrib import admin
from django.core import signing
from django.db import transaction
from django.test import Client, RequestFactory

from emissions.admin.links import page_of
from emissions.models import Consumption, EmissionFactor, FactorSource
from facilities.models import Facility
from organizations.history import changes_of
from organizations.models import Membership, Organization, User
from organizations.staff.conflicts import SALT, Meanwhile
from organizations.staff.values.pairs import PairsWidget
from tests.admin import test_bill_form, test_facilities
from tests.admin.conftest import confirmed
from tests.cases import each
from tests.conftest import Person
from tests.facilities.cups import cups

pytestmark = pytest.mark.django_db


def opened(client: Client, address: str) -> dict[str, Any]:
    """What a browser would send of a form that was opened now and not touched."""
    response = client.get(address)
    form = response.context["adminform"].form
    data: dict[str, Any] = {}
    for field in form:
        value = field.value()
        if isinstance(field.field.widget, PairsWidget):
            data |= field.field.widget.sent(field.html_name, value)
            continue
        data[field.html_name] = "" if value is None else value
    for one in response.context["inline_admin_formsets"]:
        prefix, rows = one.formset.prefix, one.formset.forms
        data[f"{prefix}-TOTAL_FORMS"] = len(rows)
        data[f"{prefix}-INITIAL_FORMS"] = one.formset.initial_form_count()
        for row in rows:
            sent = {row[name].html_name: row[name].value() for name in row.fields}
            data |= {name: value for name, value in sent.items() if value is not None}
    [data["_base"]] = re.findall(r'name="_base" value="([^"]+)"', response.content.decode())
    data["_base"] = unescape(data["_base"])
    return data


def decided(response: Any, **choices: str) -> dict[str, Any]:
    """What the conflict's page sends when these have been chosen."""
    assert response.status_code == 409
    data: dict[str, Any] = {}
    for name, value in response.context["hidden"]:
        data.setdefault(name, []).append(value)
    return data | {f"_choice-{name}": choice for name, choice in choices.items()}


def named(response: Any) -> dict[str, tuple[str, str, str, bool]]:
    return {one.name: tuple(one[2:]) for one in response.context["conflicts"]}


def test_the_second_sees_what_the_first_changed_in_a_bill(
    alice: Person, alice_admin: Client, erin_admin: Client
) -> None:
    bill = alice.consumption(alice.facility())
    page = test_bill_form.page(bill)
    first, second = opened(erin_admin, page), opened(alice_admin, page)
    assert (
        erin_admin.post(page, first | {"quantity": "2000", "note": "read again"}).status_code == 302
    )
    response = alice_admin.post(page, second | {"quantity": "1500"})
    assert named(response) == {
        "quantity": ("1000", "2000", "1500", False),
        "note": ("nothing", "read again", "nothing", True),
    }
    assert "erin@example.com" in response.content.decode()
    assert Consumption.objects.get().quantity == 2000, "nothing is stored before it is decided"
    half = decided(response, quantity="mine")
    response = alice_admin.post(page, half)
    assert response.status_code == 409, "each field is decided"
    assert (
        alice_admin.post(page, decided(response, quantity="mine", note="theirs")).status_code == 302
    )
    stored = Consumption.objects.get()
    assert (stored.quantity, stored.note) == (1500, "read again")


def test_a_change_by_the_api_is_seen_too(alice: Person, alice_admin: Client) -> None:
    bill = alice.consumption(alice.facility())
    page = test_bill_form.page(bill)
    data = opened(alice_admin, page)
    alice.patch(f"/v1/consumptions/{bill['id']}", {"unit": "MWh"})
    response = alice_admin.post(page, data | {"note": "mine"})
    assert named(response) == {"unit": ("kWh", "MWh", "kWh", True)}
    assert alice_admin.post(page, decided(response, unit="theirs")).status_code == 302
    stored = Consumption.objects.get()
    assert (stored.unit, stored.note) == ("MWh", "mine")


def test_what_both_wrote_alike_and_what_was_computed_is_no_conflict(
    alice: Person, alice_admin: Client
) -> None:
    facility = alice.facility()
    page = test_facilities.page(facility)
    data = opened(alice_admin, page)
    alice.factor()
    alice.consumption(facility)  # its totals move, and with them updated_at
    alice.patch(f"/v1/facilities/{facility['id']}", {"name": "Sevilla"})
    assert alice_admin.post(page, data | {"name": "Sevilla", "type": "depot"}).status_code == 302
    stored = Facility.objects.get()
    assert (stored.name, stored.type, stored.co2e) == ("Sevilla", "depot", 500)


def test_a_third_change_is_asked_about_as_well(
    alice: Person, alice_admin: Client, erin: Person
) -> None:
    facility = alice.facility()
    page = test_facilities.page(facility)
    data = opened(alice_admin, page)
    erin.patch(f"/v1/facilities/{facility['id']}", {"name": "Two"})
    response = alice_admin.post(page, data | {"name": "Mine"})
    erin.patch(f"/v1/facilities/{facility['id']}", {"name": "Three"})
    sent = decided(response, name="mine")
    assert alice_admin.post(page, sent).status_code == 302, "theirs is overruled, whatever it is"
    assert Facility.objects.get().name == "Mine"


def test_categories_and_codes_are_decided_as_well(
    alice: Person, alice_admin: Client, erin: Person
) -> None:
    facility = alice.facility(cups_list=[cups(1)], categories=["heat"])
    page = test_facilities.page(facility)
    address = f"/v1/facilities/{facility['id']}"
    for choice, expected in (("theirs", [cups(2)]), ("mine", [cups(3)])):
        alice.patch(address, {"cups_list": [cups(1)], "categories": ["heat"]})
        data = opened(alice_admin, page)
        erin.patch(address, {"cups_list": [cups(2)], "categories": ["heat", "water"]})
        response = alice_admin.post(page, data | {"supply_points-0-cups": cups(3)})
        found = named(response)
        assert found["categories"] == ("Heat", "Heat, Water", "Heat", True)
        assert found["supply_points"] == (cups(1), cups(2), cups(3), False)
        sent = decided(response, categories="theirs", supply_points=choice)
        sent |= {"_confirmed": "1"}
        assert alice_admin.post(page, sent).status_code == 302
        stored = alice.get(address).body
        assert (stored["cups_list"], stored["categories"]) == (expected, ["heat", "water"])


def test_a_factor_is_decided_before_its_preview(
    alice: Person, alice_admin: Client, erin: Person
) -> None:
    factor = alice.factor()
    alice.consumption(alice.facility())
    page = f"/admin/emissions/emissionfactor/{factor['id']}/change/"
    data = opened(alice_admin, page)
    erin.patch(f"/v1/emission-factors/{factor['id']}", {"co2e": Decimal("0.6")})
    response = alice_admin.post(page, data | {"co2e": "0.7"})
    assert named(response)["co2e"][:3] == ("0.5", "0.6", "0.7")
    preview = alice_admin.post(page, decided(response, co2e="mine"))
    assert preview.status_code == 200
    assert (preview.context["impact"].before.co2e, preview.context["impact"].after.co2e) == (
        600,
        700,
    )
    assert alice_admin.post(page, confirmed(preview)).status_code == 302
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.7")


def test_a_change_after_the_preview_is_asked_about(
    alice: Person, alice_admin: Client, erin: Person
) -> None:
    factor = alice.factor()
    alice.consumption(alice.facility())
    page = f"/admin/emissions/emissionfactor/{factor['id']}/change/"
    preview = alice_admin.post(page, opened(alice_admin, page) | {"co2e": "0.7"})
    sent = confirmed(preview)
    erin.patch(f"/v1/emission-factors/{factor['id']}", {"note": "checked"})
    response = alice_admin.post(page, sent)
    assert list(named(response)) == ["note"]


def test_an_organization_is_decided_too(alice: Person, alice_admin: Client) -> None:
    page = f"/admin/organizations/organization/{alice.organization.pk}/change/"
    data = opened(alice_admin, page)
    Organization.objects.update(name="Alice SA")
    response = alice_admin.post(page, data | {"gwp_set": "AR5"})
    assert named(response) == {"name": ("Alice Ltd", "Alice SA", "Alice Ltd", True)}


def test_a_source_is_decided_too_and_keeps_its_id(root: Client) -> None:
    source = FactorSource.objects.create(id="a-book", title="A book", licence="CC0")
    page = "/admin/emissions/factorsource/a-book/change/"
    data = opened(root, page)
    assert "id" not in data, "another id would make another source"
    FactorSource.objects.filter(pk=source.pk).update(title="A better book")
    response = root.post(page, data | {"licence": "CC-BY"})
    assert named(response) == {"title": ("A book", "A better book", "A book", True)}
    assert root.post(page, decided(response, title="theirs")).status_code == 302
    source.refresh_from_db()
    assert (source.title, source.licence) == ("A better book", "CC-BY")


def test_a_role_that_somebody_else_has_changed_is_looked_at_again(
    alice: Person, alice_admin: Client, bob: Person
) -> None:
    row = Membership.objects.get(user=bob.user)
    form = {"what": "role", "row": row.pk, "was": "viewer", "role": "admin"}
    Membership.objects.filter(pk=row.pk).update(role="editor")
    page = alice_admin.post("/admin/organizations/membership/members/", form, follow=True)
    assert "bob@example.com has become editor meanwhile" in page.content.decode()
    assert Membership.objects.get(pk=row.pk).role == "editor"
    alice_admin.post("/admin/organizations/membership/members/", form | {"was": "editor"})
    assert Membership.objects.get(pk=row.pk).role == "admin"


def test_somebody_elses_base_proves_nothing(
    alice: Person, alice_admin: Client, erin_admin: Client
) -> None:
    """Nor does a text that we have not signed: then it is a form without one."""
    bill = alice.consumption(alice.facility())
    page = test_bill_form.page(bill)
    data = opened(alice_admin, page)
    assert erin_admin.post(page, data | {"note": "x"}).status_code == 302
    assert erin_admin.post(page, data | {"note": "y", "_base": "forged"}).status_code == 302


def test_no_hash_of_a_password_is_sent_with_a_page(root: Client, alice: Person) -> None:
    text = root.get(f"/admin/organizations/user/{alice.user.pk}/change/").content.decode()
    [base] = re.findall(r'name="_base" value="([^"]+)"', text)
    values = signing.loads(unescape(base), salt=SALT)["values"]
    assert values["email"] == {"email": ["alice@example.com"]}
    assert "password" not in values


def test_a_factors_deletion_keeps_its_reason(alice: Person, alice_admin: Client) -> None:
    factor = alice.factor()
    address = f"/admin/emissions/emissionfactor/{factor['id']}/delete/"
    preview = alice_admin.get(address)
    assert 'name="_reason"' in preview.content.decode()
    alice_admin.post(address, {**confirmed(preview), "_reason": "not ours"})
    [deleted, *_] = changes_of(EmissionFactor.objects.get(pk=factor["id"]))
    assert deleted.who.endswith(" · not ours")


@each("model", [Facility, Consumption, EmissionFactor, Organization])
def test_what_changes_between_the_look_and_the_save_is_not_overwritten(
    alice: Person, alice_admin: Client, model: Any
) -> None:
    facility = alice.facility()
    ids = {
        Facility: facility["id"],
        Consumption: alice.consumption(facility)["id"],
        EmissionFactor: alice.factor()["id"],
        Organization: alice.organization.pk,
    }
    names = {Consumption: "note", EmissionFactor: "note"}
    page, row = admin.site._registry[model], model.objects.get(pk=ids[model])
    name = names.get(model, "name")
    request = RequestFactory().post("/", opened(alice_admin, page_of(row)) | {name: "mine"})
    request.user = User.objects.get(pk=alice.user.pk)
    form: Any = page.get_form(request, row, change=True)(request.POST, instance=row)
    assert form.is_valid(), form.errors
    with transaction.atomic():
        assert page.save_form(request, form, True) is row
    model.objects.filter(pk=row.pk).update(**{name: "theirs"})
    with pytest.raises(Meanwhile), transaction.atomic():
        page.save_form(request, form, True)


def test_who_edits_what_somebody_else_has_deleted_is_asked_whether_it_shall_come_back(
    alice: Person, alice_admin: Client, erin_admin: Client
) -> None:
    facility = alice.facility(cups_list=[cups(1)])
    page = test_facilities.page(facility)
    data = opened(alice_admin, page) | {"address": "Calle Mayor 1"}
    erin_admin.post(page.replace("change", "delete"), {"post": "yes"})
    response = alice_admin.post(page, data)
    assert response.status_code == 409
    text = response.content.decode()
    assert "was deleted while you had it open" in text
    assert "erin@example.com" in text
    assert response.context["lost"] == [("Address", "nothing", "Calle Mayor 1")]
    stored = Facility.objects.get()
    assert (stored.address, stored.deleted_at is None) == ("", False), "nothing is stored"
    response = alice_admin.post(page, decided(response) | {"_restore": "1"})
    assert response.status_code == 302
    stored = Facility.objects.get()
    assert (stored.address, stored.deleted_at) == ("Calle Mayor 1", None)
    assert [one.cups for one in stored.supply_points.filter(released_at=None)] == [cups(1)]


def test_a_factor_that_somebody_else_has_deleted_is_restored_on_its_own_page(
    alice: Person, alice_admin: Client
) -> None:
    """Its coming back has a preview."""
    own = alice.factor()
    page = page_of(EmissionFactor.objects.get(pk=own["id"]))
    data = opened(alice_admin, page) | {"note": "mine"}
    alice.call("DELETE", f"/v1/emission-factors/{own['id']}")
    response = alice_admin.post(page, data | {"_restore": "1"})
    assert response.status_code == 409
    assert f'href="{page}"' in response.content.decode()
    stored = EmissionFactor.objects.get(pk=own["id"])
    assert (stored.note, stored.deleted_at is None) == ("", False)


def test_who_opened_what_was_deleted_already_may_save_it(
    alice: Person, alice_admin: Client
) -> None:
    bill = alice.consumption(alice.facility())
    page = test_bill_form.page(bill)
    alice.call("DELETE", f"/v1/consumptions/{bill['id']}")
    assert alice_admin.post(page, opened(alice_admin, page) | {"note": "x"}).status_code == 302
    assert Consumption.objects.get().note == "x"


def test_a_bill_of_a_facility_that_was_deleted_meanwhile_says_so(
    alice: Person, alice_admin: Client
) -> None:
    facility = alice.facility()
    form = test_bill_form.form(facility)
    alice.call("DELETE", f"/v1/facilities/{facility['id']}")
    response = alice_admin.post("/admin/emissions/consumption/add/", form)
    assert "It has been deleted meanwhile" in response.content.decode()
