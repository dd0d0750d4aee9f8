"""People at the admin: Alice, Erin and Bob as staff of their organization, Root over everybody."""

from typing import Any

import pytest
from django.test import Client

from organizations.models import User
from tests.conftest import PASSWORD, Person


def at_the_admin(user: User) -> Client:
    """A browser in which somebody is logged in to the admin."""
    User.objects.filter(pk=user.pk).update(is_staff=True)
    client = Client()
    client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return client


def confirmed(response: Any) -> dict[str, Any]:
    """What the button of a preview sends."""
    question = response.context["question"]
    assert question.survey.finished
    return {**dict(response.context["hidden"]), "_preview": question.state, "_confirmed": "1"}


@pytest.fixture
def root(db: Any) -> Client:
    return at_the_admin(User.objects.create_superuser("root@example.com", PASSWORD))


@pytest.fixture
def alice_admin(alice: Person) -> Client:
    return at_the_admin(alice.user)


@pytest.fixture
def erin_admin(erin: Person) -> Client:
    return at_the_admin(erin.user)


@pytest.fixture
def bob_admin(bob: Person) -> Client:
    return at_the_admin(bob.user)
