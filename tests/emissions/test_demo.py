"""`manage.py demo`, the first thing that anybody runs."""

import re
import shlex
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from facilities.models import Completeness, Facility
from organizations.models import APIKey, Organization, User
from tests.cases import each
from tests.conftest import PASSWORD, call

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def beside_the_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the demo keeps its key and password on SQLite."""
    monkeypatch.setitem(connection.settings_dict, "NAME", str(tmp_path / "db.sqlite3"))
    return tmp_path / "db.sqlite3-demo"


def demo() -> str:
    out = StringIO()
    call_command("demo", stdout=out, stderr=StringIO())
    return out.getvalue()


def test_the_demo_is_real_complete_made_once_and_its_curl_works() -> None:
    said = demo()
    facilities = Facility.objects.all()
    assert facilities.count() == 26
    assert facilities.filter(external_id__startswith="TOR-", co2e__gt=0).count() == 25
    assert not facilities.exclude(co2e_status=Completeness.COMPLETE).exists()
    casa = facilities.get(external_id="DEMO-ES-1")
    assert "fictional" in casa.name
    assert casa.co2e_biomass > 0

    words = shlex.split(said[said.index("curl ") :])
    headers = dict(words[i + 1].split(": ") for i, word in enumerate(words) if word == "-H")
    answer = call("GET", words[1].removeprefix("http://127.0.0.1:8000"), headers=headers)
    assert answer.status == 200
    assert answer.body["total"] == 26

    login = re.search(r"admin login\s+(\S+)\s+(\S+)", said)
    assert login
    body = {"email": login[1], "password": login[2]}
    assert call("POST", "/v1/auth/login", body).status == 200
    assert call("POST", "/v1/auth/login", {**body, "password": PASSWORD}).status == 401

    again = demo()
    assert Organization.objects.count() == 1
    assert Facility.objects.count() == 26
    assert again.split()[1] == said.split()[1]
    if connection.vendor == "sqlite":
        assert again == said, "the same key, login and curl are shown again"
    else:
        assert "a new one: manage.py create_api_key" in again
        assert login[2] not in again
    assert APIKey.objects.count() == 1
    assert call("POST", "/v1/auth/login", body).status == 200


sqlite_alone = pytest.mark.skipif(connection.vendor != "sqlite", reason="there nothing is kept")


@sqlite_alone
def test_what_is_kept_is_for_its_owner_alone(beside_the_database: Path) -> None:
    demo()
    assert stat.S_IMODE(beside_the_database.stat().st_mode) == 0o600
    beside_the_database.chmod(0o644)
    demo()
    assert stat.S_IMODE(beside_the_database.stat().st_mode) == 0o600


@sqlite_alone
@each("end", ["revoke", "expire", "delete"])
def test_a_key_that_has_ended_is_made_anew(end: str) -> None:
    first = demo()
    key = APIKey.objects.get()
    if end == "delete":
        key.delete()
    elif end == "revoke":
        key.revoke()
    else:
        key.expires_at = timezone.now()
        key.save()
    again = demo()
    assert key_in(again) != key_in(first)
    assert key_in(demo()) == key_in(again)


def test_a_password_that_somebody_chose_stays() -> None:
    demo()
    user = User.objects.get(email="admin@demo.example")
    user.set_password(PASSWORD)
    user.save()
    assert "changepassword admin@demo.example" in demo()
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


@sqlite_alone
def test_a_broken_file_of_what_is_kept_is_no_obstacle(beside_the_database: Path) -> None:
    beside_the_database.write_text("{")
    assert key_in(demo()).startswith("sk_live_")


def key_in(said: str) -> str:
    return said.split("API key")[1].split(maxsplit=1)[0]
