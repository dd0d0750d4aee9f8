"""Asking people in by a link, coming in, roles, and the last admin who stays."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.conf import settings
from django.core import mail
from django.core.exceptions import ValidationError
from django.test import Client
from django.urls import reverse

from organizations.models import AuditEvent, Invitation, Membership, Organization, Role, User
from tests.admin.conftest import at_the_admin
from tests.conftest import PASSWORD, Person, created

pytestmark = pytest.mark.django_db

INVITATIONS = "/v1/invitations"
NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)
GOOD = {"name": "Eva", "password": "three blue horses", "again": "three blue horses"}


def members_page() -> str:
    return reverse("admin:organizations_membership_members")


def invite(person: Person, email: str = "eva@example.com", role: str = "editor") -> dict[str, Any]:
    return created(person.post(INVITATIONS, {"email": email, "role": role}))


def path_of(link: str) -> str:
    assert link.startswith("http://testserver/admin/join/?token=")
    return link.removeprefix("http://testserver")


def events(organization: Organization) -> list[str]:
    rows = AuditEvent.objects.for_organization(organization.pk).order_by("number")
    return list(rows.values_list("event", flat=True))


def test_somebody_who_is_asked_in_sets_a_password_and_uses_the_admin(alice: Person) -> None:
    made = invite(alice)
    assert (made["role"], made["mailed"], made["invited_by"]) == ("editor", False, None)
    client = Client()
    page = client.get(path_of(made["link"]))
    assert page.status_code == 200
    assert alice.organization.name in page.content.decode()
    assert client.get(path_of(made["link"])).status_code == 200, "looking uses nothing up"
    assert client.post(path_of(made["link"]), GOOD).status_code == 302
    eva = User.objects.get(email="eva@example.com")
    assert (eva.name, eva.is_staff, eva.is_superuser) == ("Eva", True, False)
    membership = Membership.objects.get(user=eva)
    assert (membership.organization, membership.role) == (alice.organization, "editor")
    sent = {"username": "eva@example.com", "password": GOOD["password"]}
    assert client.post("/admin/login/", sent).status_code == 302
    assert re.search(r">\s*Eva\s*<", client.get("/admin/").content.decode()), "the account menu"
    assert events(alice.organization)[-4:] == [
        "invited", "member_added", "invitation_accepted", "login",
    ]  # fmt: skip
    accepted = AuditEvent.objects.filter(event__in=["member_added", "invitation_accepted"])
    assert {one.actor for one in accepted.order_by("-number")[:2]} == {"eva@example.com"}


def test_the_form_to_join_is_in_the_language_of_the_browser(alice: Person, charlie: Person) -> None:
    in_spanish = {"accept-language": "es"}
    for email, labels in (
        ("eva@example.com", ["Nombre", "Contraseña", "La contraseña otra vez"]),
        ("charlie@example.com", ["Contraseña"]),
    ):
        page = Client().get(path_of(invite(alice, email)["link"]), headers=in_spanish)
        assert re.findall(r"<label[^>]*>([^<]+)</label>", page.content.decode()) == labels


def test_who_joins_in_spanish_goes_on_in_spanish(alice: Person) -> None:
    path = path_of(invite(alice)["link"])
    assert Client().post(path, GOOD, headers={"accept-language": "es"}).status_code == 302
    assert User.objects.get(email="eva@example.com").language == "es"


def test_a_link_works_once(alice: Person) -> None:
    link = path_of(invite(alice)["link"])
    assert Client().post(link, GOOD).status_code == 302
    again = Client().post(link, {**GOOD, "password": "another horse", "again": "another horse"})
    assert again.status_code == 404
    assert "leads nowhere any more" in again.content.decode()
    assert User.objects.get(email="eva@example.com").check_password(GOOD["password"])


def test_a_link_lasts_seven_days(alice: Person) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        link = path_of(invite(alice)["link"])
        clock.shift(timedelta(days=7, seconds=-1))
        assert Client().get(link).status_code == 200
        assert alice.get(INVITATIONS).body["total"] == 1
        clock.shift(timedelta(seconds=1))
        assert Client().post(link, GOOD).status_code == 404
        assert alice.get(INVITATIONS).body["total"] == 0
        assert not User.objects.filter(email="eva@example.com").exists()
        invite(alice, "other@example.com")
        assert Invitation.objects.count() == 1, "what has run out is cleared away"


def test_a_link_that_was_made_up_or_changed_leads_nowhere(alice: Person) -> None:
    link = path_of(invite(alice)["link"])
    row = Invitation.objects.get()
    for token in (str(row.pk), f"{row.pk}:", f"{row.pk}:{'a' * 43}", "", link[-60:]):
        assert Client().get(f"/admin/join/?token={token}").status_code == 404
    assert Client().get(link[:-1] + ("a" if link[-1] != "a" else "b")).status_code == 404


def test_a_withdrawn_invitation_and_one_that_was_replaced_lead_nowhere(alice: Person) -> None:
    first = invite(alice)
    second = invite(alice, "EVA@example.com", "viewer")
    assert Client().get(path_of(first["link"])).status_code == 404
    assert Client().get(path_of(second["link"])).status_code == 200
    assert alice.get(INVITATIONS).body["total"] == 1
    assert alice.delete(f"{INVITATIONS}/{second['id']}").status == 204
    assert Client().get(path_of(second["link"])).status_code == 404
    assert "invitation_withdrawn" in events(alice.organization)


def test_somebody_with_a_password_here_joins_with_it(alice: Person, charlie: Person) -> None:
    link = path_of(invite(alice, "Charlie@example.com", "viewer")["link"])
    before = User.objects.get(pk=charlie.user.pk)
    client = Client()
    assert 'name="again"' not in client.get(link).content.decode()
    refused = client.post(link, {**GOOD, "password": "wrong"})
    assert "not your password here" in refused.content.decode()
    assert Membership.objects.filter(user=charlie.user).count() == 1
    assert client.post(link, {"password": PASSWORD}).status_code == 302
    assert Membership.objects.get(user=charlie.user, organization=alice.organization)
    after = User.objects.get(pk=charlie.user.pk)
    assert (after.password, after.name, after.is_staff) == (before.password, before.name, True)
    assert "_auth_user_id" not in client.session, "they log in next, second factor and all"


def test_somebody_who_is_logged_in_joins_with_a_button_and_nobody_else_does(
    alice: Person, bob: Person, charlie: Person
) -> None:
    link = path_of(invite(alice, "charlie@example.com", "viewer")["link"])
    assert at_the_admin(bob.user).post(link, {}).status_code == 200, "it asks for the password"
    assert not Membership.objects.filter(
        user=charlie.user, organization=alice.organization
    ).exists()
    assert at_the_admin(charlie.user).post(link, {}).status_code == 302
    assert Membership.objects.get(user=charlie.user, organization=alice.organization)


@pytest.mark.parametrize(
    ("sent", "sentence"),
    [
        ({**GOOD, "again": "three red horses"}, "not the same"),
        ({**GOOD, "password": "12345", "again": "12345"}, "too short"),
        ({**GOOD, "name": ""}, "required"),
    ],
)
def test_what_is_wrong_with_a_new_person_is_said(
    alice: Person, sent: dict[str, str], sentence: str
) -> None:
    link = path_of(invite(alice)["link"])
    page = Client().post(link, sent)
    assert page.status_code == 200
    assert sentence in page.content.decode()
    assert not User.objects.filter(email="eva@example.com").exists()


@pytest.mark.parametrize(
    ("body", "field", "code"),
    [
        ({}, "email", "required"),
        ({"email": "no address"}, "email", "invalid"),
        ({"email": "a\nb@example.com"}, "email", "invalid"),
        ({"email": "BOB@example.com"}, "email", "taken"),
        ({"email": "eva@example.com", "role": "owner"}, "role", "invalid_choice"),
    ],
)
def test_an_invitation_that_is_wrong_names_its_field(
    alice: Person, bob: Person, body: dict[str, str], field: str, code: str
) -> None:
    answer = alice.post(INVITATIONS, body)
    assert answer.status == 422
    assert answer.error(field)["code"] == code


def test_where_a_mail_server_is_set_the_link_goes_by_mail_alone(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_IS_SET", True)
    made = invite(alice)
    assert (made["mailed"], made["link"]) == (True, None)
    [sent] = mail.outbox
    assert sent.to == ["eva@example.com"]
    [link] = re.findall(r"http://\S+", str(sent.body))
    assert Client().post(path_of(link), GOOD).status_code == 302


def test_where_mail_cannot_be_sent_the_link_is_shown(
    alice: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "MAIL_IS_SET", True)
    monkeypatch.setattr(settings, "EMAIL_BACKEND", "django.core.mail.backends.smtp.EmailBackend")
    monkeypatch.setattr(settings, "EMAIL_HOST", "127.0.0.1")
    monkeypatch.setattr(settings, "EMAIL_PORT", 1)  # nobody listens there
    made = invite(alice)
    assert made["mailed"] is False
    assert Client().get(path_of(made["link"])).status_code == 200


def test_one_page_invites_changes_roles_and_removes(alice: Person, bob: Person) -> None:
    client = at_the_admin(alice.user)
    assert members_page() in client.get("/admin/").content.decode()
    shown = client.post(members_page(), {"what": "invite", "email": "x@y.org", "role": "viewer"})
    assert 'data-copy="link"' in shown.content.decode()
    row = Invitation.objects.get(email="x@y.org")
    again = client.post(members_page(), {"what": "link", "row": str(row.pk)}).content.decode()
    link = again.partition('id="link"')[2].partition(">")[2].partition("<")[0]
    assert Client().get(path_of(link)).status_code == 200
    client.post(members_page(), {"what": "withdraw", "row": str(row.pk)})
    assert not Invitation.objects.exists()
    bobs = Membership.objects.get(user=bob.user)
    client.post(members_page(), {"what": "role", "row": str(bobs.pk), "role": "editor"})
    bobs.refresh_from_db()
    assert bobs.role == "editor"
    client.post(members_page(), {"what": "remove", "row": str(bobs.pk)})
    assert not Membership.objects.filter(pk=bobs.pk).exists()
    assert events(alice.organization)[-4:] == [
        "invited", "invitation_withdrawn", "role_changed", "member_removed",
    ]  # fmt: skip


def test_who_is_no_admin_sees_themselves_and_may_leave(
    alice: Person, bob: Person, erin: Person
) -> None:
    client = at_the_admin(bob.user)
    body = client.get(members_page()).content.decode()
    assert "bob@example.com" in body
    assert "alice@example.com" not in body
    assert "Invite somebody" not in body
    erins = Membership.objects.get(user=erin.user)
    invite(alice)
    row = Invitation.objects.get()
    for sent in (
        {"what": "remove", "row": str(erins.pk)},
        {"what": "role", "row": str(erins.pk), "role": "admin"},
        {"what": "invite", "email": "x@y.org", "role": "admin"},
        {"what": "link", "row": str(row.pk)},
        {"what": "withdraw", "row": str(row.pk)},
    ):
        assert client.post(members_page(), sent).status_code == 403
    assert Membership.objects.filter(organization=alice.organization).count() == 3
    assert client.post(members_page(), {"what": "leave"}).status_code == 302
    assert not Membership.objects.filter(user=bob.user).exists()
    assert client.get(members_page()).status_code == 403


def test_an_admin_neither_sees_nor_touches_another_organizations_people(
    alice: Person, bob: Person, charlie: Person
) -> None:
    invite(alice)
    row, bobs = Invitation.objects.get(), Membership.objects.get(user=bob.user)
    client = at_the_admin(charlie.user)
    query = f"?organization={alice.organization.pk}"
    assert client.get(members_page() + query).status_code == 403
    body = client.get(members_page()).content.decode()
    assert "eva@example.com" not in body
    assert "bob@example.com" not in body
    for what, pk in (
        ("remove", bobs.pk),
        ("role", bobs.pk),
        ("withdraw", row.pk),
        ("link", row.pk),
    ):
        for address in (members_page(), members_page() + query):
            answer = client.post(address, {"what": what, "row": str(pk), "role": "admin"})
            assert answer.status_code in (302, 403)
    bobs.refresh_from_db()
    assert bobs.role == "viewer"
    assert Invitation.objects.filter(pk=row.pk).exists()
    assert charlie.get(f"{INVITATIONS}/{row.pk}").status == 404
    assert charlie.delete(f"{INVITATIONS}/{row.pk}").status == 404
    assert charlie.get(INVITATIONS).body["total"] == 0


def test_the_last_admin_neither_leaves_nor_becomes_less(alice: Person, bob: Person) -> None:
    client = at_the_admin(alice.user)
    row = Membership.objects.get(user=alice.user)
    for sent in ({"what": "leave"}, {"what": "role", "row": str(row.pk), "role": "viewer"}):
        answer = client.post(members_page(), sent, follow=True)
        assert "last admin" in answer.content.decode()
    with pytest.raises(ValidationError):
        row.delete()
    row.refresh_from_db()
    assert row.role == Role.ADMIN
    Membership.objects.filter(user=bob.user).update(role=Role.ADMIN)
    assert client.post(members_page(), {"what": "leave"}).status_code == 302
    assert not Membership.objects.filter(user=alice.user).exists()


def test_an_admin_who_may_not_log_in_does_not_count(alice: Person, bob: Person) -> None:
    Membership.objects.filter(user=bob.user).update(role=Role.ADMIN)
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    with pytest.raises(ValidationError):
        Membership.objects.get(user=alice.user).delete()
