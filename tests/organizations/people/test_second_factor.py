"""The second factor of the admin's log-in."""

import re
from datetime import timedelta
from io import StringIO
from typing import Any

import pyotp
import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from organizations.admin import second_factor as page
from organizations.audit.event import AuditEvent, Event
from organizations.models import Organization, User
from organizations.people import second_factor
from tests.admin.conftest import at_the_admin
from tests.conftest import PASSWORD, Person

pytestmark = pytest.mark.django_db

PAGE = "/admin/second-factor/"
FACILITIES = reverse("admin:facilities_facility_changelist")


@pytest.fixture
def required(alice: Person) -> None:
    Organization.objects.filter(pk=alice.organization.pk).update(second_factor_required=True)


def key_on(page: Any) -> str:
    [key] = re.findall(r"<code>([A-Z2-7 ]+)</code>", page.content.decode())
    return str(key).replace(" ", "")


def set_up(client: Client) -> tuple[pyotp.TOTP, list[str]]:
    """The app, and the recovery codes."""
    app = pyotp.TOTP(key_on(client.get(PAGE)))
    done = client.post(PAGE, {"code": app.now()})
    assert done.status_code == 200
    codes = re.findall(r"^[0-9a-f]{6}-[0-9a-f]{6}$", plain(done), re.MULTILINE)
    assert len(set(codes)) == second_factor.RECOVERY_CODES
    return app, codes


def plain(page: Any) -> str:
    return str(page.content.decode()).replace('<pre class="fa-codes">', "")


def log_in(person: Person) -> Client:
    client = Client()
    answer = client.post(
        "/admin/login/", {"username": person.user.email, "password": PASSWORD, "next": FACILITIES}
    )
    assert answer.status_code == 302
    return client


def later(seconds: int) -> Any:
    """A code of the app that was not used yet, whatever half minute it is."""
    return timezone.now() + timedelta(seconds=seconds)


@pytest.fixture
def staff(alice: Person) -> Client:
    return at_the_admin(alice.user)


def test_nobody_is_asked_who_need_not(staff: Client) -> None:
    assert staff.get(FACILITIES).status_code == 200


def test_from_its_set_up_on_each_log_in_asks_for_a_code(alice: Person, staff: Client) -> None:
    app, _ = set_up(staff)
    assert staff.get(FACILITIES).status_code == 200, "this log-in has shown it"
    again = log_in(alice)
    sent = again.get(f"{FACILITIES}?q=Madrid")
    assert sent.status_code == 302
    assert sent.url.startswith(PAGE)  # type: ignore[attr-defined]
    asked = again.post(sent.url, {"code": "000000"})  # type: ignore[attr-defined]
    assert str(page.WRONG) in asked.content.decode()
    assert again.get(FACILITIES).status_code == 302
    passed = again.post(sent.url, {"code": app.at(later(30))})  # type: ignore[attr-defined]
    assert passed.status_code == 302
    assert passed.url == f"{FACILITIES}?q=Madrid"  # type: ignore[attr-defined]
    assert again.get(FACILITIES).status_code == 200


def test_a_code_works_once(alice: Person, staff: Client) -> None:
    app, codes = set_up(staff)
    alice.user.refresh_from_db()
    stored: Any = alice.user.second_factor
    first = app.at(stored["step"] * second_factor.STEP)  # by now the app may show the next
    assert log_in(alice).post(PAGE, {"code": first}).status_code == 200, "used at the set-up"
    for code in (app.at(later(30)), codes[0]):
        assert log_in(alice).post(PAGE, {"code": code}).status_code == 302
        assert log_in(alice).post(PAGE, {"code": code}).status_code == 200


def test_after_wrong_codes_a_right_one_has_to_wait(alice: Person, staff: Client) -> None:
    _, codes = set_up(staff)
    client = log_in(alice)
    for _ in range(second_factor.FAILURES):
        client.post(PAGE, {"code": "123"})
    for tried in (client, log_in(alice)):
        answer = tried.post(PAGE, {"code": codes[0]})
        assert "a quarter of an hour" in answer.content.decode()
    alice.user.refresh_from_db()
    stored: Any = alice.user.second_factor
    stored["failed_at"] = (timezone.now() - second_factor.PAUSE).isoformat()
    alice.user.save(update_fields=["second_factor"])
    assert client.post(PAGE, {"code": codes[0]}).status_code == 302
    failed = AuditEvent.objects.filter(event=Event.LOGIN_FAILED)
    assert failed.count() == second_factor.FAILURES


@pytest.mark.usefixtures("required")
def test_who_must_have_one_sees_no_other_page_before(alice: Person, staff: Client) -> None:
    for method in (staff.get, staff.post):
        answer: Any = method(FACILITIES)
        assert (answer.status_code, answer.url.split("?")[0]) == (302, PAGE)
    part = staff.get(FACILITIES, headers={"HX-Request": "true"})
    assert part.headers["HX-Redirect"].startswith(PAGE)
    wrong = staff.post(PAGE, {"code": "000000"})
    assert str(page.WRONG) in wrong.content.decode()
    set_up(staff)
    assert staff.get(FACILITIES).status_code == 200
    mine = staff.get(PAGE).content.decode()
    assert "An organization of yours requires it" in mine
    assert "Take it away" not in mine
    staff.post(PAGE, {"code": "000000"})
    alice.user.refresh_from_db()
    assert alice.user.second_factor


@pytest.mark.usefixtures("required")
def test_superusers_must_have_one_too(charlie: Person) -> None:
    User.objects.filter(pk=charlie.user.pk).update(is_superuser=True, is_staff=True)
    client = log_in(charlie)
    assert client.get(FACILITIES).status_code == 302


@pytest.mark.usefixtures("required")
def test_the_organizations_admins_require_it(alice: Person, charlie: Person) -> None:
    """Others' organizations are not touched by it."""
    assert at_the_admin(charlie.user).get(FACILITIES).status_code == 200


def test_an_admin_requires_it_on_the_organizations_page(alice: Person, staff: Client) -> None:
    address = reverse("admin:organizations_organization_change", args=[alice.organization.pk])
    assert 'name="second_factor_required"' in staff.get(address).content.decode()


def test_it_is_taken_away_with_a_code(alice: Person, staff: Client) -> None:
    _, codes = set_up(staff)
    assert str(page.WRONG) in staff.post(PAGE, {"code": "1"}).content.decode()
    assert staff.post(PAGE, {"code": codes[3]}).status_code == 302
    alice.user.refresh_from_db()
    assert alice.user.second_factor is None
    events = AuditEvent.objects.order_by("number").values_list("event", flat=True)
    assert {Event.SECOND_FACTOR_ON, Event.SECOND_FACTOR_OFF} <= set(events)


def test_a_lost_phone(alice: Person, staff: Client) -> None:
    set_up(staff)
    out = StringIO()
    call_command("reset_second_factor", alice.user.email.upper(), stdout=out)
    assert "password alone" in out.getvalue()
    assert log_in(alice).get(FACILITIES).status_code == 200
    for email, sentence in ((alice.user.email, "no second factor"), ("no@one.example", "no user")):
        with pytest.raises(CommandError, match=sentence):
            call_command("reset_second_factor", email)


def test_what_is_stored_tells_nobody_the_secret(alice: Person, staff: Client) -> None:
    app, codes = set_up(staff)
    alice.user.refresh_from_db()
    stored = str(alice.user.second_factor)
    assert app.secret not in stored
    assert not any(one in stored for one in codes)
    assert app.secret not in str(dict(staff.session))


def test_a_session_that_was_shown_an_old_factor_is_asked_for_the_new_one(
    alice: Person, staff: Client
) -> None:
    """Whoever has set one up with a password that was not theirs is out with it."""
    set_up(staff)
    call_command("reset_second_factor", alice.user.email, stdout=StringIO())
    assert staff.get(FACILITIES).status_code == 200
    set_up(log_in(alice))
    answer: Any = staff.get(FACILITIES)
    assert (answer.status_code, answer.url.split("?")[0]) == (302, PAGE)


def test_a_second_page_does_not_replace_what_the_first_has_set_up(
    alice: Person, staff: Client
) -> None:
    secret = second_factor.new_secret()
    app, _ = set_up(staff)
    other = pyotp.TOTP(second_factor.opened(secret))
    assert second_factor.set_up(alice.user, secret, other.now()) is None
    alice.user.refresh_from_db()
    stored: Any = alice.user.second_factor
    assert second_factor.opened(stored["secret"]) == app.secret


def test_a_form_that_was_sent_without_a_session_waits_for_the_code_too(
    alice: Person, staff: Client
) -> None:
    _, codes = set_up(staff)
    client = Client()
    add = reverse("admin:facilities_facility_add")
    to_login: Any = client.post(add, {"name": "Madrid Office"})
    logged_in: Any = client.post(
        to_login.url, {"username": alice.user.email, "password": PASSWORD, "next": add}
    )
    to_code: Any = client.get(logged_in.url)
    passed: Any = client.post(to_code.url, {"code": codes[2]})
    assert "Madrid Office" in client.get(passed.url).content.decode()


def test_nobody_is_led_to_another_site(alice: Person, staff: Client) -> None:
    _, codes = set_up(staff)
    answer = log_in(alice).post(f"{PAGE}?next=https://elsewhere.example/", {"code": codes[1]})
    assert answer.url == "/admin/"  # type: ignore[attr-defined]


def test_without_a_log_in_there_is_no_such_page() -> None:
    answer = Client().get(PAGE)
    assert answer.status_code == 302
    assert answer.url.startswith("/admin/login/")  # type: ignore[attr-defined]
