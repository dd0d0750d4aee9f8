"""What staff may do, also by sending what no page offers them."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from emissions.models import Consumption, EmissionFactor, FactorSource
from facilities.models import Facility
from organizations.models import APIKey, Membership, Organization, User
from organizations.staff.values.masses import shown_mass
from tests.admin.conftest import at_the_admin
from tests.admin.test_factors import form
from tests.conftest import PASSWORD, Person

pytestmark = pytest.mark.django_db


def address(model: Any, what: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{what}", args=args)


def stored() -> list[Any]:
    models: list[Any] = [
        Facility, Consumption, EmissionFactor, FactorSource, Organization, Membership, APIKey,
    ]  # fmt: skip
    rows = [list(model._base_manager.order_by("pk").values()) for model in models]
    people = User.objects.order_by("pk").values("email", "is_active", "is_staff", "is_superuser")
    return [*rows, list(people)]


FACILITY = {
    "name": "Hijacked", "type": "x", "country": "ES", "status": "archived",
    "logistic_factor": "0.1", "supply_points-TOTAL_FORMS": "0",
    "supply_points-INITIAL_FORMS": "0",
}  # fmt: skip


@pytest.fixture
def rows(alice: Person) -> dict[type, Any]:
    """A row of each kind in Alice's organization, a deleted facility and a published factor."""
    facility = alice.facility()
    bill = alice.consumption(facility)
    factor = alice.factor()
    gone = alice.facility(name="Gone")
    alice.delete(f"/v1/facilities/{gone['id']}")
    return {
        Facility: facility["id"],
        Consumption: bill["id"],
        EmissionFactor: factor["id"],
        Organization: alice.organization.pk,
        Membership: Membership.objects.get(user=alice.user).pk,
        APIKey: APIKey.objects.get(name="alice").pk,
        User: alice.user.pk,
    }


def everything_is_sent(client: Client, person: Person, rows: dict[type, Any]) -> None:
    """Changes, deletions, new rows and actions on everything, whatever the pages offer."""
    new = {**FACILITY, **form(person, co2e="9"), "facility": rows[Facility], "user": rows[User],
           "quantity": "5", "start_date": "2023-01-01", "end_date": "2023-01-31", "role": "admin",
           "data_quality": "actual", "email": "new@example.com", "is_superuser": "on",
           "is_staff": "on", "is_active": "on", "password1": PASSWORD, "password2": PASSWORD,
           "usable_password": "true", "gwp_set": "", "post": "yes",
           }  # fmt: skip
    for model, pk in rows.items():
        for what in ("change", "delete"):
            client.post(address(model, what, pk), new)
            client.post(address(model, what, pk), {**new, "_confirmed": "1"})
        client.post(address(model, "add"), {**new, "_confirmed": "1"})
        everyone = [str(one) for one in model._base_manager.values_list("pk", flat=True)]  # type: ignore[attr-defined]
        for action in ("delete_selected", "restore_selected", "archive_selected",
                       "activate_selected", "revoke_selected"):  # fmt: skip
            for query in ("", "?deleted=all"):
                sent = {"action": action, "_selected_action": everyone, "post": "yes", "index": "0"}
                client.post(address(model, "changelist") + query, sent)
    client.post(reverse("admin:emissions_emissionfactor_restore", args=[rows[EmissionFactor]]))
    client.post(reverse("admin:auth_user_password_change", args=[rows[User]]),
                {"password1": "changed-by-nobody", "password2": "changed-by-nobody"})  # fmt: skip


def test_a_viewer_changes_nothing_whatever_is_sent(
    bob: Person, bob_admin: Client, rows: dict[type, Any]
) -> None:
    before = stored()
    everything_is_sent(bob_admin, bob, rows)
    assert stored() == before
    assert User.objects.get(pk=rows[User]).check_password(PASSWORD)


def test_staff_without_a_membership_see_an_empty_dashboard_and_nothing_else(
    alice: Person, rows: dict[type, Any]
) -> None:
    client = at_the_admin(User.objects.create_user("nobody@example.com", PASSWORD))
    before = stored()
    everything_is_sent(client, alice, rows)
    assert stored() == before
    page = client.get(reverse("admin:index"))
    assert page.status_code == 200
    body = page.content.decode()
    assert alice.organization.name not in body
    assert "Your account is a member of no organization yet" in body
    assert 'href="/admin/facilities' not in body, "no link to what would be refused"
    for model in rows:
        refused = client.get(address(model, "changelist"))
        assert refused.status_code == 403
        assert "<h1>You may not do this.</h1>" in refused.content.decode(), "a page, not JSON"


def test_an_address_that_leads_nowhere_leads_back(bob_admin: Client) -> None:
    response = bob_admin.get("/admin/nowhere/")
    assert response.status_code == 404
    assert 'href="/admin/"' in response.content.decode()
    assert response["Content-Type"].startswith("text/html")


def test_who_may_only_read_reads_plain_numbers_and_names(
    bob_admin: Client, rows: dict[type, Any]
) -> None:
    factor = bob_admin.get(address(EmissionFactor, "change", rows[EmissionFactor])).content.decode()
    assert "0.5000000000" not in factor
    assert "Spain" in factor
    assert "Biogenic CO2, kg" in factor
    bill = bob_admin.get(address(Consumption, "change", rows[Consumption])).content.decode()
    assert "1000.000000" not in bill
    assert "In `unit`" not in bill
    assert "In the unit beside it" not in bill, "nobody is told what to type who may not"


def test_an_editor_gives_nobody_access_and_publishes_nothing(
    alice: Person, erin: Person, erin_admin: Client, rows: dict[type, Any]
) -> None:
    access = {model: rows[model] for model in (Organization, Membership, APIKey, User)}
    before = stored()
    for model, pk in access.items():
        for response in (
            erin_admin.post(address(model, "change", pk), {"name": "x", "role": "admin"}),
            erin_admin.post(address(model, "add"), {"name": "x", "role": "admin"}),
        ):
            assert response.status_code in (302, 403)
    published = EmissionFactor.objects.filter(organization=None)[0]
    for what in ("change", "delete"):
        response = erin_admin.post(address(EmissionFactor, what, published.pk),
                                   {**form(erin, co2e="9"), "post": "yes"})  # fmt: skip
        assert response.status_code == 403
    response = erin_admin.post(address(EmissionFactor, "add"), form(erin, organization=""))
    assert "organization" in response.context["adminform"].form.errors
    response = erin_admin.post(
        address(EmissionFactor, "change", rows[EmissionFactor]), form(erin, organization="")
    )
    assert "organization" in response.context["adminform"].form.errors
    assert stored() == before


def test_an_organizations_admin_makes_no_superuser_and_no_staff(
    alice: Person, bob: Person, alice_admin: Client, rows: dict[type, Any]
) -> None:
    for pk in (alice.user.pk, bob.user.pk):
        sent = {"email": "x@example.com", "is_superuser": "on", "is_staff": "on"}
        assert alice_admin.post(address(User, "change", pk), sent).status_code == 403
    assert not User.objects.filter(is_superuser=True).exists()


def test_a_viewer_may_export_and_sees_no_button_that_is_not_for_them(
    bob_admin: Client, rows: dict[type, Any]
) -> None:
    listing = bob_admin.get(address(Facility, "changelist"))
    offered = {name for name, _ in listing.context["action_form"].fields["action"].choices if name}
    assert offered == {"export_csv", "export_xlsx"}
    for model in (Facility, Consumption, EmissionFactor):
        body = bob_admin.get(address(model, "change", rows[model])).content.decode()
        assert 'name="_save"' not in body
        assert "/delete/" not in body
    sent = {"action": "export_csv", "_selected_action": [rows[Facility]], "index": "0"}
    assert b"Madrid Office" in bob_admin.post(address(Facility, "changelist"), sent).content


def test_a_deleted_row_is_restored_on_its_page_by_who_may_and_is_deleted_once(
    alice: Person, alice_admin: Client, bob_admin: Client, rows: dict[type, Any]
) -> None:
    gone = Facility.objects.get(name="Gone")
    page = address(Facility, "change", gone.pk)
    assert "restore_selected" not in bob_admin.get(page).content.decode()
    body = alice_admin.get(page).content.decode()
    assert "Restore it" in body
    assert "/delete/" not in body
    assert (
        alice_admin.post(address(Facility, "delete", gone.pk), {"post": "yes"}).status_code == 403
    )
    again = {"action": "delete_selected", "_selected_action": [str(gone.pk)], "post": "yes"}
    alice_admin.post(address(Facility, "changelist") + "?deleted=all", again)
    assert Facility.objects.get(pk=gone.pk).deleted_at == gone.deleted_at
    sent = {"action": "restore_selected", "_selected_action": [str(gone.pk)]}
    alice_admin.post(address(Facility, "changelist") + "?deleted=yes", sent)
    assert Facility.objects.get(pk=gone.pk).deleted_at is None


def test_deleting_says_what_goes_with_it(alice_admin: Client, rows: dict[type, Any]) -> None:
    body = alice_admin.get(address(Facility, "delete", rows[Facility])).content.decode()
    assert f"its 1 consumption and {shown_mass('500.000000')} CO2e" in body
    assert "can be brought back at any time" in body


def test_a_key_is_revoked_on_its_own_page(alice_admin: Client, rows: dict[type, Any]) -> None:
    page = address(APIKey, "change", rows[APIKey])
    assert "revoke_selected" in alice_admin.get(page).content.decode()
    sent = {"action": "revoke_selected", "_selected_action": [str(rows[APIKey])]}
    alice_admin.post(address(APIKey, "changelist"), sent)
    assert "it opens nothing any more" in alice_admin.get(page).content.decode()
    assert APIKey.objects.get(pk=rows[APIKey]).revoked_at


@pytest.mark.parametrize("model", [Facility, Consumption, EmissionFactor])
def test_a_new_form_chooses_nothing_that_nobody_has_chosen(model: Any, alice_admin: Client) -> None:
    """The first of a list would be stored by whoever overlooks it: Wh, heat, scope 1."""
    fields = alice_admin.get(address(model, "add")).context["adminform"].form.fields
    for name in ("category", "unit", "scope", "country"):
        if name in fields:
            assert fields[name].choices[0][0] == "", name
            assert not fields[name].initial, name


def test_a_factors_scope_follows_from_its_category_where_none_is_chosen(
    alice: Person, alice_admin: Client
) -> None:
    alice_admin.post(address(EmissionFactor, "add"), form(alice, valid_from="2050-01-01",
                                                          valid_to="", scope=""))  # fmt: skip
    assert EmissionFactor.objects.get(organization=alice.organization).scope == 2
