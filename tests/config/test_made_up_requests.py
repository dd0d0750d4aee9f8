"""Requests that schemathesis makes up from the OpenAPI description: every answer is as described.

One at a time, and in rows: what one has made, the next one changes, asks for and deletes, along the
description's own links.
"""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from copy import deepcopy
from typing import Any

import hypothesis
import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection, transaction
from drf_spectacular.generators import SchemaGenerator
from hypothesis import HealthCheck
from hypothesis.errors import FlakyStrategyDefinition
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.parameters import ParameterLocation
from schemathesis.generation.stateful import run_state_machine_as_test

from config.rendering import dumps
from config.wsgi import application
from emissions.models import Recalculation
from tests.config.test_openapi import OPERATIONS, request_examples
from tests.conftest import Person

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.skipif(
        connection.vendor == "sqlite",
        reason="on PostgreSQL, which is stricter with what it is sent",
    ),
]

EXAMPLES = int(os.environ.get("EXAMPLES", 4))
THOROUGH = "EXAMPLES" in os.environ
"""Requests that are made up for each operation; `make fuzz` makes more."""

# A body that fits the schema may still be 422 for what only the rules know: an activity without a
# factor, the check letters of a CUPS, a period that ends too early. A request with a random
# If-Match is refused for that first, whatever its body: 412.
# ignored_auth is left out: it sends a bad token beside the good key, either of which is enough;
# test_tenancy walks every route without credentials. Only `make fuzz` tries each keyword of each
# field (coverage); PUT and PATCH read what POST reads.
REFUSALS = [400, 401, 403, 404, 405, 406, 409, 412, 413, 415, 422]
CONFIG = SchemathesisConfig.from_dict(
    {
        "seed": 20260131,
        "generation": {"max-examples": 5, "database": "none"},
        "checks": {
            "ignored_auth": {"enabled": False},
            "positive_data_acceptance": {"expected-statuses": ["2xx", *REFUSALS]},
            "negative_data_rejection": {"expected-statuses": REFUSALS},
        },
        "phases": {"coverage": {"enabled": THOROUGH}},
        "operations": [
            {"include-method": ["PUT", "PATCH"], "phases": {"coverage": {"enabled": False}}}
        ],
    }
)
api = schemathesis.openapi.from_dict(
    SchemaGenerator().get_schema(request=None, public=True), config=CONFIG
)
api.app = application

MADE = {
    (method, path): json.loads(dumps(request_examples(name)[0]))
    for name, (method, path, operation) in OPERATIONS.items()
    if method == "POST" and path.count("/") == 2 and "201" in operation["responses"]
}
"""The bodies that the description shows: from one that is made up and refused nothing follows."""


@pytest.fixture
def stored(alice: Person) -> dict[str, str]:
    """One of each resource: its id by collection."""
    facility = alice.facility(cups_list=["ES1234123456789012JY"])
    recalculation = Recalculation.objects.create(
        organization=alice.organization, cause="a change", reaches=[], facilities=1, consumptions=1
    )
    return {
        "facilities": facility["id"],
        "consumptions": alice.consumption(facility)["id"],
        "emission-factors": alice.factor()["id"],
        "recalculations": str(recalculation.pk),
        "api-keys": alice.post("/v1/api-keys", {"name": "ERP", "role": "viewer"}).body["id"],
        "imports": alice.post(
            "/v1/imports?kind=facilities&dry_run=true", request_examples("facilities_create")
        ).body["id"],
        "invitations": alice.post(
            "/v1/invitations", {"email": "eva@example.com", "role": "viewer"}
        ).body["id"],
        "import-layouts": alice.post(
            "/v1/import-layouts", request_examples("import_layouts_create")[0]
        ).body["id"],
    }


@pytest.fixture
def open_connection(stored: dict[str, str]) -> Iterator[None]:
    """Requests through WSGI would close the connection that the test's transaction is on."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def is_valid(case: schemathesis.Case, location: ParameterLocation) -> bool:
    """Whether this part of a generated request is meant to fit the schema."""
    part = case.meta.components.get(location) if case.meta else None
    return part is None or part.mode.is_positive


def name_what_is_there(case: schemathesis.Case, person: Person, facility_id: str) -> None:
    """Puts the organization and a facility where a request names random ones."""
    if "x-organization-id" in case.headers and is_valid(case, ParameterLocation.HEADER):
        case.headers["x-organization-id"] = str(person.organization.pk)
    body = case.body if is_valid(case, ParameterLocation.BODY) else None
    if isinstance(body, dict) and "facility_id" in body:
        body["facility_id"] = facility_id


def use_what_is_stored(case: schemathesis.Case, stored: dict[str, str]) -> None:
    """Puts the id of a real row where a path names a random one, so that it reaches it."""
    if "id" in case.path_parameters and is_valid(case, ParameterLocation.PATH):
        case.path_parameters["id"] = stored[case.path.split("/")[2]]


@api.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_whatever_is_sent_the_answer_is_as_described(
    case: schemathesis.Case, alice: Person, stored: dict[str, str], open_connection: None
) -> None:
    """Every request is undone, so that each finds the same rows."""
    name_what_is_there(case, alice, stored["facilities"])
    use_what_is_stored(case, stored)
    with transaction.atomic():
        try:
            plain = {"x-api-key": alice.key, "accept-encoding": "identity"}
            case.call_and_validate(headers=plain)
        finally:
            transaction.set_rollback(True)


def test_whatever_is_done_with_what_was_made_the_answers_are_as_described(
    alice: Person, stored: dict[str, str], open_connection: None
) -> None:
    """Rows of requests along the links. What is made is what the description shows."""
    failures: list[FailureGroup] = []
    told = 0

    class Story(api.as_state_machine()):  # type: ignore[misc]
        def setup(self) -> None:
            nonlocal told
            told += 1
            self.undone = transaction.atomic()
            self.undone.__enter__()

        def before_call(self, case: schemathesis.Case) -> None:
            if made := MADE.get((case.method, case.path)):
                case.body = deepcopy(made)
            name_what_is_there(case, alice, stored["facilities"])

        def get_call_kwargs(self, case: schemathesis.Case) -> dict[str, Any]:
            return {"headers": {"x-api-key": alice.key, "accept-encoding": "identity"}}

        def validate_response(self, *arguments: Any, **more: Any) -> None:
            try:
                super().validate_response(*arguments, **more)
            except FailureGroup as error:
                failures.append(error)
                raise

        def teardown(self) -> None:
            transaction.set_rollback(True)
            self.undone.__exit__(None, None, None)

    settings = hypothesis.settings(
        max_examples=EXAMPLES,
        stateful_step_count=10,
        deadline=None,
        database=None,
        phases=[hypothesis.Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    while told < EXAMPLES and not failures:
        with suppress(FlakyStrategyDefinition):  # what is made has another id each time
            run_state_machine_as_test(Story, settings=settings)
    for failure in failures:
        raise failure
