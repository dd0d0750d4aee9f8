"""What the tests of logging in share."""

from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from organizations.models import Organization
from tests.conftest import PASSWORD, Answer, Person, call

Bearer = Callable[..., dict[str, str]]


@pytest.fixture(autouse=True)
def _fast(settings: Settings) -> None:
    """Without what is slow on purpose or for production, and is not what is tested here.

    PBKDF2 takes its time; WhiteNoise reads every static file whenever a Client is made.
    """
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True


def log_in(email: str, password: str = PASSWORD) -> Answer:
    return call("POST", "/v1/auth/login", {"email": email, "password": password})


@pytest.fixture
def bearer() -> Bearer:
    """Logs somebody in: the headers of their calls for an organization, their own unless named."""

    def headers(person: Person, organization: Organization | None = None) -> dict[str, str]:
        answer = log_in(person.user.email)
        assert answer.status == 200, answer.body
        return {
            "authorization": f"Bearer {answer.body['access_token']}",
            "x-organization-id": str((organization or person.organization).pk),
        }

    return headers
