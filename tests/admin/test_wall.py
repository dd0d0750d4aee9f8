"""Pages of the admin that have forgotten whose rows they show."""

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from organizations.models import User
from organizations.staff.pages import TenantAdmin
from tests.admin.conftest import at_the_admin
from tests.admin.test_scope import MARK, TENANTS, secrets  # noqa: F401 - a fixture
from tests.cases import each
from tests.conftest import Person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.usefixtures("secrets"),
    pytest.mark.skipif(
        connection.vendor != "postgresql", reason="SQLite has no row-level security"
    ),
]

WALLED = [page for page in TENANTS if page.model is not User]
"""A person is in any number of organizations, and so in no one's rows."""


@pytest.fixture
def forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TenantAdmin, "visible", lambda self, queryset, request: queryset)


@pytest.mark.usefixtures("forgotten")
@each("page", WALLED, ids=lambda page: page.opts.label_lower)
def test_a_list_without_its_filter_shows_no_other_tenant(page: Any, alice: Person) -> None:
    mine = alice.facility(name="Madrid Office")
    alice.consumption(mine)
    response = at_the_admin(alice.user).get(reverse(f"admin:{_name(page)}_changelist"))
    assert response.status_code == 200
    assert MARK.lower() not in response.content.decode().lower()


@pytest.mark.usefixtures("forgotten")
def test_a_superuser_sees_them(root: Client) -> None:
    response = root.get(reverse("admin:facilities_facility_changelist"))
    assert MARK in response.content.decode()


def _name(page: Any) -> str:
    return f"{page.opts.app_label}_{page.opts.model_name}"
