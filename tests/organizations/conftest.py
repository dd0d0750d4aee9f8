"""What the tests of logging in share."""

from collections.abc import Callable

import pytest

from organizations.models import Organization
from tests.conftest import PASSWORD, Answer, Person, call

Bearer = Callable[..., dict[str, str]]


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
