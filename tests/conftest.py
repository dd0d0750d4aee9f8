"""The cast and the stage that every test shares.

Alice owns an organization (admin), Erin may edit it, Bob may read it. Charlie owns another one and
is elsewhere. The published factors are the shipped ones, loaded once.
"""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings
from django.db import connection
from django.template import Context, RequestContext, Template
from django.test import Client, TransactionTestCase
from django.test.signals import template_rendered
from pytest_django.plugin import blocking_manager_key

from config.rendering import dumps
from emissions.ledger import subtotals
from organizations.database.wall import process_sees_everybody
from organizations.models import APIKey, Membership, Organization, Role, User
from tests import databases, emptying, examples, named  # noqa: F401 - their profile

LOCAL = threading.local()  # making a client loads every middleware: one a thread is enough
PASSWORD = "correct horse battery staple"


def pytest_configure(config: pytest.Config) -> None:
    """Quick where nothing is at risk: passwords of the cast, and no scan of static files."""
    if not hasattr(config, "workerinput"):
        databases.begin()
    databases.settle()
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.WHITENOISE_AUTOREFRESH = True
    settings.REQUESTS_PER_KEY = settings.REQUESTS_PER_ADDRESS = 0
    if connection.vendor == "postgresql":
        named.watch()
    process_sees_everybody()  # what a test itself reads and writes; its requests do not


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        with config.stash[blocking_manager_key].unblock():
            databases.end()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--second-database",
        action="store_true",
        help="Leave out what the run on the first database has shown for both: tests that need no "
        "database, and those of the folders and modules in ONCE.",
    )


ONCE = (
    "tests/browser",
    "tests/config/test_first_minute.py",
    "tests/config/test_generated_client.py",
    "tests/config/test_openapi.py",
    "tests/config/test_addresses.py",
    # What a file or a body says is read and judged before a database is asked:
    "tests/emissions/calculation",
    "tests/emissions/test_consumption_create.py",
    "tests/emissions/test_consumption_list.py::test_an_unknown",
    "tests/emissions/test_consumption_update.py::test_a_bad_value",
    "tests/emissions/test_factor_api.py::test_a_bad_value",
    "tests/emissions/test_factor_api.py::test_a_field_that_does_not_fit",
    "tests/emissions/test_factor_api.py::test_an_unknown",
    "tests/emissions/test_factor_api.py::test_what_is_left_out",
    "tests/facilities/test_create.py",
    "tests/facilities/test_list.py::test_a_page_or_size",
    "tests/facilities/test_list.py::test_an_unknown",
    "tests/facilities/test_update.py::test_a_bad_value",
    "tests/facilities/test_supply_points.py",
    "tests/emissions/importing/test_files_as_they_come.py",
    "tests/emissions/importing/test_layouts.py",
    "tests/emissions/importing/test_one_supply.py",
    "tests/emissions/importing/test_release_preview.py",
    "tests/emissions/importing/test_import_consumption.py::test_a_bad_row",
    "tests/emissions/importing/test_import_consumption.py::test_a_quantity",
    "tests/emissions/importing/test_import_consumption.py::test_the_import_and_the_api",
    "tests/emissions/test_commands.py::test_a_bad_row",
    "tests/emissions/test_commands.py::test_a_factor_",
    "tests/emissions/test_commands.py::test_a_published_factor_that_staff",
    "tests/emissions/test_commands.py::test_every_shipped_factor_",
    "tests/emissions/test_commands.py::test_factors_of_an_older_version",
    "tests/emissions/test_commands.py::test_rows_of_one_key",
    "tests/emissions/test_commands.py::test_what_staff_have_changed",
    "tests/emissions/test_demo.py",
    "tests/organizations/rest/test_all_errors.py",
    "tests/organizations/rest/test_bodies.py",
    "tests/organizations/rest/test_parameters.py",
    # Files are made of what the tests of the API ask of both:
    "tests/emissions/reports/test_evidence.py",
    "tests/organizations/rest/test_exports.py",
    # Pages are made of what the tests of the API and of the admin's lists ask of both:
    "tests/admin/test_bill_form.py",
    "tests/admin/test_changes.py::test_a_cups_and_a_meter",
    "tests/admin/test_conflicts.py",
    "tests/admin/test_deleting.py",
    "tests/admin/test_effects.py",
    "tests/admin/test_explained.py",
    "tests/admin/test_facilities.py",
    "tests/admin/test_facility_bills.py",
    "tests/admin/test_factors.py",
    "tests/admin/test_history.py",
    "tests/admin/test_inventory.py",
    "tests/admin/test_language.py",
    "tests/admin/test_layouts.py",
    "tests/admin/test_missing.py",
    "tests/admin/test_names.py",
    "tests/admin/test_numbers.py",
    "tests/admin/test_preview.py",
    "tests/admin/test_roles.py",
    "tests/admin/test_scope.py",
    "tests/admin/test_session_end.py",
    "tests/admin/test_uploads.py",
    "tests/organizations/people/test_second_factor.py",
)
"""The same on both databases."""

DATABASE = {"db", "transactional_db", "committed"}


BEGUN_FIRST = (
    "tests/browser/test_every_page.py",
    "tests/faults",
    "tests/emissions/machine",
    "tests/test_concurrency.py",
    "tests/test_copies_at_once.py",
    "tests/browser",
    "tests/config/test_first_minute.py",
)
"""Modules that take long: begun last, one worker would be at them while the others wait."""


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    items.sort(key=lambda one: not one.nodeid.startswith(BEGUN_FIRST))
    if not config.getoption("--second-database"):
        return
    again = [one for one in items if depends_on_the_database(one)]
    config.hook.pytest_deselected(items=[one for one in items if one not in set(again)])
    items[:] = again


def depends_on_the_database(item: pytest.Item) -> bool:
    if item.nodeid.startswith(ONCE):
        return False
    fixtures = set(getattr(item, "fixturenames", ()))
    return bool(item.get_closest_marker("django_db") or fixtures & DATABASE)


@dataclass(frozen=True)
class Answer:
    """A response with its JSON body; numbers with a fraction are Decimal, as they were written."""

    status: int
    body: Any
    headers: Any

    @property
    def fields(self) -> list[str]:
        """The fields that a 422 names."""
        return [one["field"] for one in self.body["errors"]]

    def error(self, field: str) -> dict[str, str]:
        """The first error of a 422 on this field."""
        return next(one for one in self.body["errors"] if one["field"] == field)


@dataclass(frozen=True)
class Person:
    """Somebody who calls the API for an organization, with an API key of their role."""

    organization: Organization
    role: str
    user: User
    key: str

    @property
    def headers(self) -> dict[str, str]:
        return {"x-organization-id": str(self.organization.pk), "x-api-key": self.key}

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """One request. `body` is sent as JSON, or as it is when it is bytes."""
        return call(method, path, body, {**self.headers, **headers})

    def get(self, path: str, **headers: str) -> Answer:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any) -> Answer:
        return self.call("POST", path, body)

    def patch(self, path: str, body: Any, **headers: str) -> Answer:
        return self.call("PATCH", path, body, **headers)

    def delete(self, path: str, **headers: str) -> Answer:
        return self.call("DELETE", path, **headers)

    def facility(self, **fields: Any) -> dict[str, Any]:
        """A facility of the organization, created through the API."""
        body = {"name": "Madrid Office", "type": "office", "country": "ES", **fields}
        return created(self.post("/v1/facilities", body))

    def consumption(self, facility: dict[str, Any], **fields: Any) -> dict[str, Any]:
        """A bill of a facility, created through the API: 1,000 kWh of grid electricity in 2023.

        As a reader gets it, without what its author was told of it.
        """
        body = {
            "facility_id": facility["id"],
            "category": "electricity",
            "quantity": 1000,
            "unit": "kWh",
            "start_date": "2023-03-01",
            "end_date": "2023-03-31",
            **fields,
        }
        row = created(self.post("/v1/consumptions", body))
        del row["warnings"]
        return row

    def factor(self, **fields: Any) -> dict[str, Any]:
        """An own emission factor, created through the API."""
        body = {
            "category": "electricity",
            "activity": "grid",
            "country": "ES",
            "method": "location",
            "unit": "kWh",
            "valid_from": "2023-01-01",
            "valid_to": "2023-12-31",
            "co2e": Decimal("0.5"),
            **fields,
        }
        return created(self.post("/v1/emission-factors", body))


def call(method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
    """One request of nobody in particular."""
    data = body if isinstance(body, bytes) else b"" if body is None else dumps(body)
    if not hasattr(LOCAL, "client"):
        LOCAL.client = Client()
    response = LOCAL.client.generic(
        method, path, data, content_type="application/json", headers=headers or {}
    )
    content = response.getvalue()
    is_json = response.headers.get("content-type", "").startswith("application/json")
    parsed = json.loads(content, parse_float=Decimal) if content and is_json else content
    return Answer(response.status_code, parsed, response.headers)


def created(answer: Answer) -> dict[str, Any]:
    assert answer.status == 201, answer.body
    return answer.body


@pytest.fixture(scope="session", autouse=True)
def pages_tell_what_they_were_given(django_test_environment: None) -> None:
    """`response.context` has the page's own context; Django would copy that of every template in
    it, and of every choice of a select: a fifth of a page's time."""
    Template._render = tell_of_the_page  # type: ignore[attr-defined]


def tell_of_the_page(template: Template, context: Context) -> str:
    if context.template is template and isinstance(context, RequestContext):
        template_rendered.send(sender=template, template=template, context=context)
    return template.nodelist.render(context)


@pytest.fixture(scope="session")
def django_db_setup(
    request: pytest.FixtureRequest, django_test_environment: None, django_db_blocker: Any
) -> Iterator[None]:
    """The test database with the published factors in it."""
    TransactionTestCase._fixture_teardown = empty_database  # type: ignore[attr-defined]
    subtotals.FOLD_AFTER = 10**9  # or a task would be left by one write of a thousand
    with django_db_blocker.unblock():
        worker = getattr(request.config, "workerinput", {"workerid": "alone"})
        databases.take_copy(worker["workerid"])
        emptying.remember()
    yield
    with django_db_blocker.unblock():
        databases.drop_copy()


def empty_database(case: TransactionTestCase) -> None:
    """What ends a test whose transactions commit, in the place of Django's `flush`."""
    emptying.empty()


@pytest.fixture(autouse=True)
def every_statement_names_its_organization() -> Iterator[None]:
    """What the product sent without it while a test ran on PostgreSQL (tests.named) fails it."""
    named.found.clear()
    yield
    assert not named.found, "\n\n".join(named.found)


@pytest.fixture
def committed(transactional_db: None) -> None:
    """A database whose transactions really commit, for threads and for other processes."""


Cast = Callable[[str, Role, Organization], Person]


@pytest.fixture
def person() -> Cast:
    """Makes a member of an organization with a key of the same role."""

    def make(name: str, role: Role, organization: Organization) -> Person:
        user = User.objects.create_user(f"{name}@example.com", PASSWORD, name=name.title())
        Membership.objects.create(user=user, organization=organization, role=role)
        row = APIKey.issue(organization=organization, name=name, role=role, created_by=user)
        return Person(organization, role, user, row.key)

    return make


@pytest.fixture
def organization() -> Organization:
    return Organization.objects.create(name="Alice Ltd")


@pytest.fixture
def elsewhere() -> Organization:
    return Organization.objects.create(name="Charlie SA")


@pytest.fixture
def alice(person: Cast, organization: Organization) -> Person:
    """Admin of the organization."""
    return person("alice", Role.ADMIN, organization)


@pytest.fixture
def erin(person: Cast, organization: Organization) -> Person:
    """Editor of the organization."""
    return person("erin", Role.EDITOR, organization)


@pytest.fixture
def bob(person: Cast, organization: Organization) -> Person:
    """Viewer of the organization."""
    return person("bob", Role.VIEWER, organization)


@pytest.fixture
def charlie(person: Cast, elsewhere: Organization) -> Person:
    """Admin of another organization."""
    return person("charlie", Role.ADMIN, elsewhere)
