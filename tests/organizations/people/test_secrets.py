"""What is secret stands in no log, error, history, audit, export, session or repr.

One run uses a secret of each kind; then everything that it wrote is searched for each of them.
"""

import io
import json
import logging
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import call_command
from django.test import Client

from config.operations.logs import JSONLines
from organizations.models import APIKey, Invitation, User
from tests.conftest import PASSWORD, Answer, Person, call, created
from tests.organizations.conftest import log_in

pytestmark = pytest.mark.django_db

NEW = "three blue horses"
WRONG = "my password somewhere else"


class Run:
    """Everything that was answered, written and sent, and the secrets that were used."""

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {"password": PASSWORD, "new": NEW, "wrong": WRONG}
        self.written: dict[str, str] = {}

    def keep(self, name: str, text: Any) -> None:
        self.written[f"{len(self.written)} {name}"] = str(text)

    def kept(self, name: str, answer: Answer) -> Answer:
        self.keep(name, answer.body)
        return answer

    def found(self) -> list[str]:
        return [
            f"{secret} in {name}"
            for name, text in self.written.items()
            for secret, value in self.secrets.items()
            if value in text
        ]


@pytest.fixture
def run(alice: Person, bob: Person) -> Run:
    run = Run()
    run.secrets |= {"alice's key": alice.key, "bob's key": bob.key}
    return run


def tokens_are_used(run: Run) -> None:
    first = log_in("alice@example.com").body
    sent = {"refresh_token": first["refresh_token"]}
    second = call("POST", "/v1/auth/refresh", sent).body
    for number, pair in enumerate((first, second)):
        for name in ("access_token", "refresh_token"):
            run.secrets[f"{name} {number}"] = pair[name]
            run.secrets[f"signature of {name} {number}"] = pair[name].rpartition(".")[2]
    run.kept("reused", call("POST", "/v1/auth/refresh", sent))
    headers = {"authorization": f"Bearer {second['access_token']}", "x-organization-id": "1"}
    run.kept("ended", call("GET", "/v1/facilities", headers=headers))
    run.kept("wrong password", log_in("alice@example.com", WRONG))
    run.kept("too much", log_in("alice@example.com", WRONG * 100))


def keys_are_used(run: Run, alice: Person) -> dict[str, Any]:
    again = {"idempotency-key": "one-key"}
    key = created(alice.call("POST", "/v1/api-keys", {"name": "ERP"}, **again))
    next_one = created(alice.post(f"/v1/api-keys/{key['id']}/rotate", {}))
    run.secrets |= {"key": key["key"], "next key": next_one["key"]}
    run.kept("rotated twice", alice.post(f"/v1/api-keys/{key['id']}/rotate", {}))
    run.kept("keys", alice.get("/v1/api-keys"))
    facility = alice.call(
        "POST",
        "/v1/facilities",
        {"name": "Depot", "type": "depot", "country": "ES"},
        **{"x-api-key": next_one["key"]},
    )
    assert facility.status == 201
    run.kept("wrong key", alice.call("GET", "/v1/facilities", **{"x-api-key": key["key"] + "x"}))
    run.kept("wrong field", alice.post("/v1/api-keys", {"name": "", "key": next_one["key"]}))
    return facility.body


def people_come_in(run: Run, alice: Person) -> Client:
    made = created(alice.post("/v1/invitations", {"email": "eva@example.com"}))
    link = made["link"].partition("testserver")[2]
    run.secrets["invitation"] = made["link"].rpartition("%3A")[2]
    client = Client()
    sent = {"name": "Eva", "password": NEW, "again": NEW}
    run.keep("refused join", client.post(link, {**sent, "again": WRONG}).content.decode())
    assert client.post(link, sent).status_code == 302
    run.keep("used link", client.get(link).content.decode())
    sent = {"username": "eva@example.com", "password": WRONG}
    run.keep("wrong log-in", client.post("/admin/login/", sent).content.decode())
    client.post("/admin/login/", {**sent, "password": NEW})
    run.keep("dashboard", client.get("/admin/").content.decode())
    created(alice.post("/v1/invitations", {"email": "open@example.com"}))
    [still_open] = Invitation.objects.all()
    run.keep("open invitation", repr(still_open))
    run.kept("invitations", alice.get("/v1/invitations"))
    return client


def a_password_is_forgotten(run: Run) -> None:
    assert Client().post("/admin/password/", {"email": "bob@example.com"}).status_code == 302
    [link] = re.findall(r"http://testserver(\S+)", str(mail.outbox[-1].body))
    run.secrets["password link"] = link.rstrip("/").rpartition("/")[2]
    client = Client()
    page = client.get(link)["Location"]
    run.keep("form", client.get(page).content.decode())
    client.post(page, {"new_password1": NEW, "new_password2": NEW})
    assert User.objects.get(email="bob@example.com").check_password(NEW)


def something_breaks(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mistake of ours while a password is looked at: the answer, and its traceback in the log."""

    def broken(*args: Any, **kwargs: Any) -> None:
        raise RuntimeError("broken for the test")

    monkeypatch.setattr("organizations.views.authenticate", broken)
    client = Client(raise_request_exception=False)
    answer = client.post(
        "/v1/auth/login",
        {"email": "alice@example.com", "password": PASSWORD},
        content_type="application/json",
    )
    assert answer.status_code == 500
    run.keep("broken", answer.content.decode())


def everything_is_given_away(run: Run, alice: Person, folder: Path) -> None:
    for path in ("/v1/facilities", "/v1/consumptions", "/v1/emission-factors?own=true"):
        run.kept(path, alice.call("GET", path, accept="text/csv"))
    run.kept("audit", alice.get("/v1/audit-events?size=100"))
    out = folder / "evidence.zip"
    call_command(
        "export_evidence", str(alice.organization.pk), year=2023, out=str(out), stdout=io.StringIO()
    )
    with zipfile.ZipFile(out) as pack:
        for name in pack.namelist():
            run.keep(name, pack.read(name).decode())


def every_table_is_read(run: Run) -> None:
    read = 0
    for model in apps.get_models(include_auto_created=True):
        if model._meta.label != "emissions.EmissionFactor":  # 4,000 published ones
            rows = list(model._base_manager.values())
            read += len(rows)
            text = json.dumps(rows, default=lambda one: str(bytes(one)) if isinstance(
                one, memoryview) else str(one))  # fmt: skip
            run.keep(model._meta.label, text)
    for session in Session.objects.all():
        run.keep("session", session.get_decoded())
    assert read > 40


def test_no_secret_is_written_anywhere(
    run: Run,
    alice: Person,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capfd: pytest.CaptureFixture,
) -> None:
    monkeypatch.setattr(settings, "MAIL_IS_SET", False)
    caplog.set_level(logging.DEBUG)
    for name in ("django.db.backends", "faker", "asyncio"):
        logging.getLogger(name).setLevel(logging.WARNING)
    facility = keys_are_used(run, alice)
    alice.consumption(facility)
    people_come_in(run, alice)
    monkeypatch.setattr(settings, "MAIL_IS_SET", True)
    a_password_is_forgotten(run)
    tokens_are_used(run)
    something_breaks(run, monkeypatch)
    everything_is_given_away(run, alice, tmp_path)
    every_table_is_read(run)
    for record in caplog.records:
        run.keep("log", JSONLines().format(record))
        run.keep(
            "record", {name: value for name, value in vars(record).items() if name != "request"}
        )
    assert "Internal Server Error" in caplog.text or "broken for the test" in caplog.text
    run.keep("output", "".join(capfd.readouterr()))
    assert len(run.secrets) > 15
    assert run.found() == []


def test_a_row_that_knows_its_key_does_not_show_it(alice: Person) -> None:
    row = APIKey.issue(organization=alice.organization, name="ERP")
    for text in (repr(row), str(row), repr([row])):
        assert row.key not in text


def test_the_search_finds_what_is_there(run: Run) -> None:
    run.keep("log", f"a line with {PASSWORD} in it")
    assert run.found() == ["password in 0 log"]
