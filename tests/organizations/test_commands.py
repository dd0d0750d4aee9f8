"""manage.py create_organization and create_api_key."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from uuid import UUID, uuid4

import pytest
import time_machine
from django.core.management import CommandError, call_command

from organizations.models import APIKey, Organization
from tests.conftest import call

pytestmark = pytest.mark.django_db

NOON = datetime(2030, 5, 17, 12, tzinfo=UTC)


def run(*arguments: str) -> str:
    """What a command printed for scripts: one line, and nothing beside it."""
    out, err = StringIO(), StringIO()
    call_command(*arguments, stdout=out, stderr=err)
    assert err.getvalue() == ""
    assert out.getvalue().count("\n") == 1
    return out.getvalue().removesuffix("\n")


def refusal(*arguments: str) -> str:
    """The sentence that a command is refused with; it has printed nothing for scripts."""
    out = StringIO()
    with pytest.raises(CommandError) as caught:
        call_command(*arguments, stdout=out, stderr=StringIO())
    assert out.getvalue() == ""
    return str(caught.value)


def status_with(organization: str | Organization, key: str, method: str = "GET") -> int:
    pk = organization.pk if isinstance(organization, Organization) else organization
    headers = {"x-organization-id": str(pk), "x-api-key": key}
    return call(method, "/v1/facilities", {} if method == "POST" else None, headers).status


def test_create_organization_prints_the_id_alone() -> None:
    pk = run("create_organization", "  Ayuntamiento de Álava ")
    organization = Organization.objects.get(pk=UUID(pk))
    assert str(organization.pk) == pk
    assert (organization.name, organization.gwp_set) == ("Ayuntamiento de Álava", "AR6")


def test_create_organization_takes_a_gwp_set() -> None:
    pk = run("create_organization", "Acme", "--gwp-set", "AR4")
    assert Organization.objects.get(pk=pk).gwp_set == "AR4"


def test_two_organizations_may_have_one_name() -> None:
    assert run("create_organization", "Acme") != run("create_organization", "Acme")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([""], "NAME is empty"),
        (["   "], "NAME is empty"),
        (["x" * 256], "NAME has more than 255 characters"),
        (["caf\udce9"], "NAME"),  # what Python makes of an argument that is not UTF-8
        (["Acme", "--gwp-set", "AR3"], "--gwp-set"),
        ([], "NAME"),
    ],
    ids=repr,
)
def test_create_organization_says_what_is_wrong(arguments: list[str], says: str) -> None:
    before = Organization.objects.count()
    assert says in refusal("create_organization", *arguments)
    assert Organization.objects.count() == before


def test_create_api_key_prints_a_key_that_works(organization: Organization) -> None:
    key = run("create_api_key", str(organization.pk), "--name", " ERP ")
    row = APIKey.objects.get(organization=organization)
    assert (row.name, row.role, row.expires_at, row.created_by) == ("ERP", "editor", None, None)
    assert key.startswith(row.prefix)
    assert status_with(organization, key) == 200
    assert status_with(organization, key, "POST") == 422, "an editor, whose body is checked"


def test_the_two_commands_are_enough_to_start() -> None:
    organization = run("create_organization", "Acme")
    key = run("create_api_key", organization, "--name", "first", "--role", "admin")
    headers = {"x-organization-id": organization, "x-api-key": key}
    answer = call("GET", "/v1/organization", headers=headers)
    assert (answer.status, answer.body["name"], answer.body["role"]) == (200, "Acme", "admin")
    assert call("GET", "/v1/api-keys", headers=headers).body["total"] == 1


def test_create_api_key_takes_a_role(organization: Organization) -> None:
    key = run("create_api_key", str(organization.pk), "--name", "reports", "--role", "viewer")
    assert status_with(organization, key) == 200
    assert status_with(organization, key, "POST") == 403


def test_create_api_key_takes_a_number_of_days(organization: Organization) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        key = run(
            "create_api_key", str(organization.pk), "--name", "trial", "--expires-in-days", "30"
        )
        clock.shift(timedelta(days=30, seconds=-1))
        assert status_with(organization, key) == 200
        clock.shift(timedelta(seconds=1))
        assert status_with(organization, key) == 401


@pytest.mark.parametrize("name", ["x" * 100, "naïve café – 東京"])
def test_create_api_key_takes_any_name_up_to_100_characters(
    organization: Organization, name: str
) -> None:
    run("create_api_key", str(organization.pk), "--name", name)
    assert APIKey.objects.get(organization=organization).name == name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--name", ""], "--name"),
        (["--name", "  "], "--name"),
        (["--name", "x" * 101], "--name"),
        (["--name", "caf\udce9"], "--name"),
        ([], "--name"),
        (["--name", "one", "--role", "owner"], "--role"),
        (["--name", "one", "--expires-in-days", "0"], "--expires-in-days"),
        (["--name", "one", "--expires-in-days", "-1"], "--expires-in-days"),
        (["--name", "one", "--expires-in-days", "1.5"], "--expires-in-days"),
        (["--name", "one", "--expires-in-days", "soon"], "--expires-in-days"),
        (["--name", "one", "--expires-in-days", "36501"], "--expires-in-days"),
        (["--name", "one", "--expires-in-days", "9" * 30], "--expires-in-days"),
    ],
    ids=repr,
)
def test_create_api_key_says_what_is_wrong(
    organization: Organization, arguments: list[str], says: str
) -> None:
    assert says in refusal("create_api_key", str(organization.pk), *arguments)
    assert not APIKey.objects.exists()


def test_create_api_key_knows_its_organization() -> None:
    unknown = str(uuid4())
    assert refusal("create_api_key", "acme", "--name", "one").startswith(
        "ORG: “acme” is not a UUID"
    )
    assert refusal("create_api_key", unknown, "--name", "one") == (
        f"ORG: there is no organization {unknown}."
    )
    assert "ORG" in refusal("create_api_key", "--name", "one")
    assert not APIKey.objects.exists()
