"""`manage.py demo`, the first thing that anybody runs."""

import re
import shlex
from io import StringIO

import pytest
from django.core.management import call_command

from facilities.models import Completeness, Facility
from organizations.models import Organization
from tests.conftest import PASSWORD, call

pytestmark = pytest.mark.django_db


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
