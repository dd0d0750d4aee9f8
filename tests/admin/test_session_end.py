"""A session that ends on the way: one is asked to log in, and goes on where one was."""

from decimal import Decimal
from typing import Any

import pytest
from django.test import Client

from emissions.models import Consumption, EmissionFactor
from organizations.models import User
from tests.admin.conftest import confirmed
from tests.admin.test_bill_form import ADD, FIGURE, form
from tests.admin.test_conflicts import opened
from tests.conftest import PASSWORD, Person

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"


def end_session(client: Client) -> None:
    del client.cookies["sessionid"]


def log_in(client: Client, person: Person, address: str) -> Any:
    return client.post(address, {"username": person.user.email, "password": PASSWORD})


def sent_again(response: Any) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name, value in response.context["kept"]:
        data.setdefault(name, []).append(value)
    return data


def test_a_bill_that_was_typed_survives_the_log_in(erin: Person, erin_admin: Client) -> None:
    data = form(erin.facility(), quantity="77")
    end_session(erin_admin)
    asked = erin_admin.post(ADD, data)
    assert asked["Location"] == f"{LOGIN}?next={ADD}"
    back = log_in(erin_admin, erin, asked["Location"])
    assert back["Location"] == ADD
    page = erin_admin.get(ADD)
    assert "logged in again" in page.content.decode()
    assert not Consumption.objects.exists(), "nothing is stored without being asked for"
    assert erin_admin.post(ADD, sent_again(page)).status_code == 302
    assert Consumption.objects.get().quantity == 77
    assert "logged in again" not in erin_admin.get(ADD).content.decode(), "it is asked once"


def test_a_preview_goes_on_after_the_log_in(alice: Person, alice_admin: Client) -> None:
    factor = alice.factor()
    alice.consumption(alice.facility())
    address = f"/admin/emissions/emissionfactor/{factor['id']}/change/"
    preview = alice_admin.post(address, opened(alice_admin, address) | {"co2e": "0.75"})
    sent = confirmed(preview)
    del sent["_confirmed"]
    end_session(alice_admin)
    part = alice_admin.post(address, sent, headers={"HX-Request": "true"})
    assert (part.status_code, part.content) == (200, b""), "no log-in page inside the panel"
    assert part["HX-Redirect"].startswith(f"{LOGIN}?next=")
    log_in(alice_admin, alice, part["HX-Redirect"])
    page = alice_admin.get(address)
    again = alice_admin.post(address, sent_again(page))
    assert again.context["impact"].after.co2e == 750
    assert alice_admin.post(address, confirmed(again)).status_code == 302
    assert EmissionFactor.objects.get(pk=factor["id"]).co2e == Decimal("0.75")


def test_a_part_of_a_page_leads_back_to_the_page(alice: Person, alice_admin: Client) -> None:
    end_session(alice_admin)
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/admin/?x=1"}
    part = alice_admin.get("/admin/emissions/emission/monthly/", headers=headers)
    assert part["HX-Redirect"] == f"{LOGIN}?next=%2Fadmin%2F%3Fx%3D1"


def test_what_is_asked_while_one_types_is_not_kept(erin: Person, erin_admin: Client) -> None:
    data = form(erin.facility())
    end_session(erin_admin)
    erin_admin.post(FIGURE, data, headers={"Sec-Fetch-Dest": "empty"})
    log_in(erin_admin, erin, LOGIN)
    assert erin_admin.get(FIGURE).status_code == 405


def test_no_password_is_kept_and_nothing_for_who_may_not_log_in(root: Client, erin: Person) -> None:
    add = "/admin/organizations/user/add/"
    end_session(root)
    root.post(add, {"email": "new@example.com", "password1": "secret", "password2": "secret"})
    kept = root.session["sent_without_a_session"]["fields"]
    assert kept == [["email", "new@example.com"]]
    assert root.get(add).status_code == 302, "not before the log-in"
    assert root.session["sent_without_a_session"]


def test_what_is_too_long_is_not_kept(erin: Person, erin_admin: Client) -> None:
    end_session(erin_admin)
    erin_admin.post(ADD, form(erin.facility(), note="x" * 300_000))
    assert "sent_without_a_session" not in erin_admin.session


@pytest.fixture
def strict(erin: Person, erin_admin: Client) -> Client:
    """Erin's browser, whose forms are looked at for their token."""
    client = Client(enforce_csrf_checks=True)
    client.force_login(erin.user)
    return client


OWN = {"Origin": "http://testserver"}


def test_a_form_from_before_a_log_in_in_another_tab_is_gone_on_with(
    erin: Person, strict: Client
) -> None:
    data = form(erin.facility(), quantity="77")
    page = strict.post(ADD, data | {"csrfmiddlewaretoken": "x" * 64}, headers=OWN)
    assert "logged in again" in page.content.decode()
    assert not Consumption.objects.exists()
    token = strict.cookies["csrftoken"].value
    again = sent_again(page) | {"csrfmiddlewaretoken": token}
    assert strict.post(ADD, again, headers=OWN).status_code == 302
    assert Consumption.objects.get().quantity == 77


def test_a_form_whose_cookies_are_gone_waits_for_the_log_in(erin: Person, strict: Client) -> None:
    data = form(erin.facility(), quantity="77")
    strict.cookies.clear()
    asked = strict.post(ADD, data, headers=OWN)
    assert asked["Location"].startswith(f"{LOGIN}?next=")
    strict.get(asked["Location"])
    sent = {"username": erin.user.email, "password": PASSWORD}
    sent["csrfmiddlewaretoken"] = strict.cookies["csrftoken"].value
    assert strict.post(asked["Location"], sent, headers=OWN)["Location"] == ADD
    assert "logged in again" in strict.get(ADD).content.decode()


@pytest.mark.parametrize("headers", [{}, {"Origin": "http://elsewhere.example"}])
def test_what_no_page_of_ours_has_sent_is_refused_and_not_offered_again(
    erin: Person, strict: Client, headers: dict[str, str]
) -> None:
    User.objects.filter(pk=erin.user.pk).update(language="es")
    refused = strict.post(ADD, form(erin.facility(), quantity="77"), headers=headers)
    page = refused.content.decode()
    assert refused.status_code == 403
    assert "77" not in page
    assert "Este formulario no se ha aceptado: no traía su cookie." in page
    assert "ábrala de nuevo" in page, "not that a role is missing"


def test_the_log_in_page_of_another_tab_knows_that_one_is_logged_in(strict: Client) -> None:
    sent = {"username": "erin@example.com", "password": PASSWORD}
    answer = strict.post(LOGIN, sent, headers=OWN)
    assert answer["Location"] == LOGIN
    assert strict.get(LOGIN)["Location"] == "/admin/"
