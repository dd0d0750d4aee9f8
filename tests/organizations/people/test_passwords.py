"""A new password by mail, from the admin's log-in page."""

import re

import pytest
from django.conf import settings
from django.core import mail
from django.test import Client

from organizations.models import User
from tests.conftest import PASSWORD, Person
from tests.organizations.conftest import log_in

pytestmark = pytest.mark.django_db

NEW = "three blue horses"


@pytest.fixture
def mailing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "MAIL_IS_SET", True)


def asked(email: str) -> list[str]:
    """The links that are sent to an address."""
    before = len(mail.outbox)
    answer = Client().post("/admin/password/", {"email": email})
    assert answer.status_code == 302
    assert answer["Location"] == "/admin/password/sent/"
    links = [re.findall(r"http://testserver(\S+)", str(one.body)) for one in mail.outbox[before:]]
    return [link for found in links for link in found]


def test_a_link_by_mail_sets_a_new_password_and_ends_what_the_old_one_opened(
    alice: Person, mailing: None
) -> None:
    tokens = log_in("alice@example.com").body
    [link] = asked("ALICE@example.com")
    client = Client()
    assert "/admin/password/" in client.get("/admin/login/").content.decode()
    form = client.get(link, follow=True)
    assert "Choose a new password" in form.content.decode()
    page = form.redirect_chain[-1][0]
    refused = client.post(page, {"new_password1": NEW, "new_password2": "another"})
    assert refused.status_code == 200
    done = client.post(page, {"new_password1": NEW, "new_password2": NEW}, follow=True)
    assert "The new password is stored" in done.content.decode()
    assert User.objects.get(pk=alice.user.pk).check_password(NEW)
    refresh = {"refresh_token": tokens["refresh_token"]}
    answer = Client().post("/v1/auth/refresh", refresh, content_type="application/json")
    assert answer.status_code == 401
    assert "has been used already" in Client().get(link, follow=True).content.decode()


def test_who_is_known_is_not_told(alice: Person, bob: Person, mailing: None) -> None:
    User.objects.filter(pk=bob.user.pk).update(is_active=False)
    assert asked("nobody@example.com") == []
    assert asked("bob@example.com") == []
    assert len(asked("alice@example.com")) == 1
    for page in ("/admin/password/", "/admin/password/sent/", "/admin/password/done/"):
        assert Client().get(page).status_code == 200


def test_the_link_is_in_no_log(
    alice: Person, mailing: None, caplog: pytest.LogCaptureFixture
) -> None:
    [link] = asked("alice@example.com")
    token = link.rstrip("/").rpartition("/")[2]
    Client().get(link)
    Client().get(f"{link}more")
    assert "/admin/password/reset/…" in caplog.text
    assert token not in caplog.text
    assert all(token not in str(vars(record)) for record in caplog.records)


def test_without_a_mail_server_there_is_no_such_page(alice: Person) -> None:
    for page in ("/admin/password/", "/admin/password/sent/", "/admin/password/reset/a/b/"):
        assert Client().get(page).status_code == 404
    body = Client().get("/admin/login/").content.decode()
    assert "Ask whoever runs this service" in body
    assert "/admin/password/" not in body
    assert User.objects.get(pk=alice.user.pk).check_password(PASSWORD)
