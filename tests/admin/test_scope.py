"""Who sees what in the admin: every registered page, as staff of another organization."""

from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.contrib import admin
from django.db import models
from django.test import Client
from django.urls import reverse

from emissions.models import (
    EmissionFactor,
)
from facilities.models import Facility
from organizations.models import (
    Organization,
    User,
)
from tests.admin.conftest import at_the_admin
from tests.admin.everything import a_row_of_every_page
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db

MARK = "Zzyzx"
"""In the name of everything of Charlie's."""

PAGES = sorted(admin.site._registry.values(), key=lambda page: page.opts.label)
TENANTS = [
    page
    for page in PAGES
    if page.model in (User, Organization)
    or "organization" in {field.name for field in page.opts.fields}
]


@pytest.fixture
def secrets(charlie: Person) -> dict[type[models.Model], models.Model]:
    """A row of Charlie's organization for every page of tenants' rows."""
    return a_row_of_every_page(charlie, MARK)


@pytest.fixture
def staff(alice: Person, erin: Person, bob: Person) -> dict[str, Client]:
    return {person.role: at_the_admin(person.user) for person in (alice, erin, bob)}


def address(page: Any, what: str, *args: Any) -> str:
    return reverse(f"admin:{page.opts.app_label}_{page.opts.model_name}_{what}", args=args)


def text(response: Any) -> str:
    return response.content.decode(errors="replace")


def keeps_quiet(response: Any, secrets: dict[Any, Any]) -> None:
    """Nothing of Charlie's is in an answer, by name or by id."""
    assert response.status_code < 500
    body = text(response).lower()
    assert MARK.lower() not in body
    for row in secrets.values():
        sent = body.replace(str(response.wsgi_request.get_full_path()).lower(), "")
        assert f"/{row.pk}/" not in sent, row


def test_there_is_a_secret_for_every_page_of_tenants_rows(secrets: dict[Any, Any]) -> None:
    assert {page.model for page in TENANTS} == set(secrets), "add one, so that it is walked too"


@each("role", ["admin", "editor", "viewer"])
def test_no_list_shows_what_is_another_organizations(
    role: str, staff: dict[str, Client], secrets: dict[Any, Any]
) -> None:
    """Nor does a parameter, which an admin, who sees most, tries."""
    theirs = secrets[Organization].pk
    queries = ["", f"?q={MARK}"]
    if role == "admin":
        queries += [f"?organization__id__exact={theirs}", "?deleted=all", "?state=all",
                    f"?facility__id__exact={secrets[Facility].pk}"]  # fmt: skip
    for page in PAGES:
        plain = address(page, "changelist")
        for query in queries:
            response = staff[role].get(plain + query)
            if response.status_code == 302:  # no such filter here
                continue
            assert response.status_code in (200, 403), (page, query)
            if query.startswith("?q="):
                response.content = text(response).replace(MARK, "").encode()
            keeps_quiet(response, secrets)


def test_no_address_leads_to_a_row_of_another_organization(
    staff: dict[str, Client], secrets: dict[Any, Any]
) -> None:
    sent = {"post": "yes", "_confirmed": "1"}
    for page, client, what in product(TENANTS, staff.values(), ("change", "delete", "history")):
        row = secrets[page.model]
        before = stored(row)
        for method in (client.get, client.post):
            response = method(address(page, what, row.pk), sent)
            assert response.status_code in (302, 403, 404), (page, what, response.status_code)
            keeps_quiet(response, secrets)
        assert stored(row) == before, (page, what)


def stored(row: Any) -> dict[str, Any]:
    values: dict[str, Any] = type(row)._base_manager.filter(pk=row.pk).values().get()
    return values


def test_the_same_pages_open_for_those_whose_they_are(
    charlie: Person, secrets: dict[Any, Any]
) -> None:
    """Or the refusals above would prove nothing."""
    client = at_the_admin(charlie.user)
    for page in TENANTS:
        row = secrets[page.model]
        assert client.get(address(page, "change", row.pk)).status_code == 200, page
        response = client.get(address(page, "changelist"))
        assert response.status_code == 200
        assert f"/{row.pk}/" in text(response), page


def test_no_action_touches_a_row_of_another_organization(
    staff: dict[str, Client], secrets: dict[Any, Any]
) -> None:
    for page in TENANTS:
        row = secrets[page.model]
        before = stored(row)
        names = {*(one if isinstance(one, str) else one.__name__ for one in page.actions or ())}
        chosen = {"_selected_action": [str(row.pk)], "post": "yes", "index": "0"}
        for name, client in product({"delete_selected", *names}, staff.values()):
            for extra in ({}, {"select_across": "1"}):
                data = {"action": name, **chosen, **extra}
                keeps_quiet(client.post(address(page, "changelist"), data), secrets)
        assert stored(row) == before, page


def choices() -> Iterator[tuple[str, str, str]]:
    for page in PAGES:
        inlines = [one(page.model, admin.site) for one in page.inlines]
        for form in (page, *inlines):
            for name in form.autocomplete_fields:
                yield form.model._meta.app_label, form.model._meta.model_name or "", name


def test_no_choice_offers_what_is_another_organizations(
    staff: dict[str, Client], secrets: dict[Any, Any]
) -> None:
    for choice, client, term in product(sorted(set(choices())), staff.values(), ("", MARK)):
        query = dict(zip(("app_label", "model_name", "field_name"), choice, strict=True))
        response = client.get(reverse("admin:autocomplete"), {**query, "term": term})
        assert response.status_code in (200, 403), choice
        keeps_quiet(response, secrets)


def test_a_new_row_cannot_be_put_into_another_organization(
    staff: dict[str, Client], secrets: dict[Any, Any]
) -> None:
    """Also where the form is given what to begin with."""
    given = {
        "organization": secrets[Organization].pk,
        "facility": secrets[Facility].pk,
        "user": secrets[User].pk,
    }
    for page, client in product(TENANTS, staff.values()):
        before = page.model._base_manager.count()
        keeps_quiet(client.get(address(page, "add"), given), secrets)
        response = client.post(
            address(page, "add"),
            {
                **given, "name": "x", "type": "x", "country": "ES", "role": "viewer",
                "logistic_factor": "0.5", "status": "active", "category": "water",
                "activity": "supply", "quantity": "1", "unit": "m3", "co2e": "1",
                "start_date": "2023-01-01", "end_date": "2023-01-31", "data_quality": "actual",
                "valid_from": "2023-01-01", "_confirmed": "1", "supply_points-TOTAL_FORMS": "0",
                "supply_points-INITIAL_FORMS": "0",
            },
        )  # fmt: skip
        assert response.status_code in (200, 403), page
        keeps_quiet(response, secrets)
        assert page.model._base_manager.count() == before, page


def test_pages_of_their_own_show_only_what_is_seen(
    staff: dict[str, Client], secrets: dict[Any, Any]
) -> None:
    for client in staff.values():
        for path in (
            reverse("admin:index"),
            reverse("admin:emissions_emission_monthly"),
            reverse("admin:emissions_emission_figures"),
            reverse("admin:emissions_consumption_missing"),
            reverse("admin:search") + "?s=facilit",
            reverse("admin:emissions_emissionfactor_restore", args=[secrets[EmissionFactor].pk]),
        ):
            keeps_quiet(client.get(path), secrets)


def test_the_chart_adds_up_only_what_is_seen(
    staff: dict[str, Client], secrets: dict[Any, Any], charlie: Person
) -> None:
    """Charlie has the only figures."""
    monthly = reverse("admin:emissions_emission_monthly")
    assert "2023-03" in text(at_the_admin(charlie.user).get(monthly))
    assert "Nothing has been calculated" in text(staff["admin"].get(monthly))


def test_superusers_see_everything(root: Client, secrets: dict[Any, Any]) -> None:
    for page in TENANTS:
        row = secrets[page.model]
        assert root.get(address(page, "change", row.pk)).status_code == 200, page
        assert f"/{row.pk}/" in text(root.get(address(page, "changelist"))), page
    for page in PAGES:
        assert root.get(address(page, "changelist")).status_code == 200, page


@each(
    ("role", "app", "expected"),
    [
        ("viewer", "facilities_facility", (200, 403)),
        ("editor", "facilities_facility", (200, 200)),
        ("viewer", "emissions_emissionfactor", (200, 403)),
        ("editor", "emissions_emissionfactor", (200, 200)),
        ("editor", "organizations_apikey", (403, 403)),
        ("admin", "organizations_apikey", (200, 200)),
        ("editor", "organizations_user", (403, 403)),
        ("admin", "organizations_user", (200, 403)),
        ("admin", "organizations_organization", (200, 403)),
        ("admin", "emissions_factorsource", (200, 403)),
        ("admin", "axes_accessattempt", (403, 403)),
        ("admin", "emissions_emission", (200, 403)),
    ],
)
def test_a_membership_role_says_what_staff_may_do(
    role: str, app: str, expected: tuple[int, int], staff: dict[str, Client]
) -> None:
    answers = tuple(
        staff[role].get(reverse(f"admin:{app}_{what}")).status_code
        for what in ("changelist", "add")
    )
    assert answers == expected


def test_published_factors_are_read_by_staff_and_changed_by_superusers(
    erin_admin: Client, root: Client
) -> None:
    factor = EmissionFactor.objects.filter(organization=None)[0]
    page = reverse("admin:emissions_emissionfactor_change", args=[factor.pk])
    assert 'name="co2e"' not in text(erin_admin.get(page))
    assert 'name="co2e"' in text(root.get(page))
    assert erin_admin.post(page, {"co2e": "1", "_confirmed": "1"}).status_code == 403
    delete = reverse("admin:emissions_emissionfactor_delete", args=[factor.pk])
    assert erin_admin.get(delete).status_code == 403
    assert erin_admin.post(delete, {"post": "yes"}).status_code == 403
    assert not EmissionFactor.objects.get(pk=factor.pk).deleted_at


def test_staff_of_no_organization_see_nothing(secrets: dict[Any, Any]) -> None:
    nobody = at_the_admin(User.objects.create_user("nobody@example.com"))
    assert nobody.get(reverse("admin:index")).status_code == 200
    for page in TENANTS:
        assert nobody.get(address(page, "changelist")).status_code == 403, page


def test_a_member_who_is_not_staff_does_not_get_in(alice: Person) -> None:
    client = Client()
    client.force_login(alice.user, backend="django.contrib.auth.backends.ModelBackend")
    response = client.get(reverse("admin:facilities_facility_changelist"))
    assert response.status_code == 302
    assert "/admin/login/" in response["Location"]
