"""The OpenAPI description: committed, complete, true, and readable at /v1/docs."""

import json
import os
import re
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.urls import URLPattern
from drf_spectacular.generators import SchemaGenerator

from config import api as urls
from config.examples.resources import LOGIN
from emissions.models import Consumption, Intervals, Recalculation
from emissions.models.intervals import columns_of_readings
from organizations.models import Organization, Role, User
from tests.conftest import Answer, Cast, Person, call

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("EXAMPLES", 4))
THOROUGH = "EXAMPLES" in os.environ
"""Requests that are made up for each operation; `make fuzz` makes more."""

COMMITTED = Path(settings.BASE_DIR) / "openapi.json"
SCHEMA: dict[str, Any] = json.loads(
    json.dumps(SchemaGenerator().get_schema(request=None, public=True)), parse_float=Decimal
)
OPERATIONS: dict[str, tuple[str, str, dict[str, Any]]] = {
    operation["operationId"]: (method.upper(), path, operation)
    for path, methods in SCHEMA["paths"].items()
    for method, operation in methods.items()
}
PUBLIC = {"login", "refresh", "logout"}
EITHER: list[dict[str, list[str]]] = [{"ApiKey": []}, {"Bearer": []}]
BODY = ("POST", "PUT", "PATCH")

each_operation = pytest.mark.parametrize("name", OPERATIONS)


def examples(content: dict[str, Any]) -> list[Any]:
    """The example values of a request body or a response."""
    every = content.get("application/json", {}).get("examples", {})
    return [one["value"] for one in every.values()]


def request_examples(name: str) -> list[Any]:
    return examples(OPERATIONS[name][2].get("requestBody", {}).get("content", {}))


def answer_examples(name: str, status: int) -> list[Any]:
    return examples(OPERATIONS[name][2]["responses"].get(str(status), {}).get("content", {}))


def operation_at(path: str) -> str:
    """The id of the GET of a path."""
    return SCHEMA["paths"][path]["get"]["operationId"]


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema with its reference followed."""
    if "$ref" in schema:
        return resolved(SCHEMA["components"]["schemas"][schema["$ref"].rpartition("/")[2]])
    return resolved(schema["allOf"][0]) if len(schema.get("allOf", [])) == 1 else schema


def request_schema(name: str) -> dict[str, Any]:
    return OPERATIONS[name][2]["requestBody"]["content"]["application/json"]["schema"]


def test_the_committed_file_is_what_the_code_describes() -> None:
    committed = json.loads(COMMITTED.read_text(encoding="utf-8"), parse_float=Decimal)
    assert committed == SCHEMA, "run `make schema`"


def test_the_description_is_valid_and_made_without_a_warning(tmp_path: Path) -> None:
    options = {"validate": True, "fail_on_warn": True, "format": "openapi-json"}
    call_command("spectacular", file=str(tmp_path / "openapi.json"), **options)


def test_every_route_is_described() -> None:
    routes = {
        re.sub(r"\(\?P<(\w+)>[^)]+\)|<(\w+)>", "{id}", str(one.pattern)).strip("^$\\Z")
        for one in urls.urlpatterns
        if isinstance(one, URLPattern) and one.name not in ("schema", "docs")
    }
    described = {re.sub(r"\{\w+\}", "{id}", path) for path in SCHEMA["paths"]}
    assert {f"/v1/{route}" for route in routes} == described


@each_operation
def test_an_operation_says_what_it_does_with_an_example(name: str) -> None:
    method, _, operation = OPERATIONS[name]
    assert operation["summary"]
    assert operation["tags"]
    shown = [examples(one.get("content", {})) for one in operation["responses"].values()]
    assert any(shown), "it shows no answer"
    if method in BODY and "requestBody" in operation:
        assert request_examples(name), "it shows no request"


@each_operation
def test_an_operation_names_its_errors_in_their_one_shape(name: str) -> None:
    method, _, operation = OPERATIONS[name]
    expected = {"401", "406", "422", "429", "500", "503"}
    expected |= set() if name in PUBLIC else {"403", "404"}
    if method in BODY:
        expected |= {"400", "413", "415"}
    if method in ("PUT", "PATCH", "DELETE"):
        expected |= {"412"}
    errors = {status for status in operation["responses"] if status >= "400"}
    assert errors - {"409"} == expected
    for status in errors:
        response = operation["responses"][status]
        assert response["description"]
        [(media_type, content)] = response["content"].items()
        assert media_type == "application/json"
        required = {"code", "detail", "errors"} if status == "422" else {"code", "detail"}
        assert set(resolved(content["schema"])["required"]) == required


@each_operation
def test_an_operation_takes_a_key_or_a_token_with_the_organization_or_is_public(name: str) -> None:
    _, _, operation = OPERATIONS[name]
    headers = {
        one["name"]: one["required"]
        for one in operation.get("parameters", [])
        if one["in"] == "header" and one.get("required")
    }
    if name in PUBLIC:
        assert operation.get("security", []) in ([], [{}])
        assert headers == {}
    else:
        assert operation["security"] == EITHER, "together in one object they are both needed"
        assert headers == {"x-organization-id": True}
    schemes = SCHEMA["components"]["securitySchemes"]
    assert schemes["ApiKey"]["name"] == "x-api-key"
    assert schemes["Bearer"]["scheme"] == "bearer"


@pytest.mark.parametrize("resource", ["facilities", "consumptions", "emission_factors"])
def test_put_takes_the_same_partial_body_as_patch(resource: str) -> None:
    put = resolved(request_schema(f"{resource}_update"))
    assert put == resolved(request_schema(f"{resource}_partial_update"))
    assert "required" not in put


@each_operation
def test_a_refusal_that_is_shown_is_about_a_field_of_the_request(name: str) -> None:
    for value in answer_examples(name, 422):
        fields = set(resolved(request_schema(name))["properties"])
        assert {error["field"].split(".")[0] for error in value["errors"]} <= fields


@pytest.fixture
def ana(person: Cast, organization: Organization) -> Person:
    """The admin whose email and password the login example shows."""
    ana = person("ana", Role.ADMIN, organization)
    user = User.objects.get(pk=ana.user.pk)
    user.set_password(LOGIN["password"])
    user.save()
    assert user.email == LOGIN["email"]
    return ana


EVERY_TIME_ANOTHER = {
    "id", "facility_id", "created_by", "created_at", "updated_at", "last_used_at",
    "started_at", "finished_at", "recorded_at", "closed_at", "closed_by", "reopened_at",
    "expires_at",
    "access_token", "refresh_token", "key", "prefix", "object_id", "previous_hash", "hash",
}  # fmt: skip


def lasting(value: Any) -> Any:
    """A body without what is another every time; a source's id is not."""
    if isinstance(value, list):
        return [lasting(one) for one in value]
    if not isinstance(value, dict):
        return value
    other = EVERY_TIME_ANOTHER - ({"id"} if "licence" in value else set())
    return {name: "…" if name in other else lasting(inner) for name, inner in value.items()}


class Reader:
    """Somebody who sends what the documentation shows, with the ids and tokens they were given."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.unread = set(OPERATIONS)
        self.given: dict[str, str] = {}

    def send(self, name: str, status: int = 200, query: str = "") -> Answer:
        """Sends the example request of an operation."""
        method, path, _ = OPERATIONS[name]
        self.unread.discard(name)
        collection = path.split("/")[2]
        body = next(iter(request_examples(name)), None)
        if isinstance(body, dict):
            body = {key: self.given.get(key, value) for key, value in body.items()}
        path = re.sub(r"\{\w+\}", self.given.get(collection, ""), path) + query
        answer = self.person.call(method, path, body)
        assert answer.status == status, (name, answer.body)
        if status == 201:
            self.given[collection] = answer.body["id"]
        return answer

    def compare(self, name: str, status: int = 200, query: str = "") -> None:
        """Sends it and compares the answer with the one that is shown."""
        [shown] = answer_examples(name, status)
        assert lasting(self.send(name, status, query).body) == lasting(shown)


def fields_of(example: dict[str, Any]) -> dict[str, Any]:
    """The columns of a row that is shown like this."""
    return {name: value for name, value in example.items() if value is not None and name != "id"}


def test_every_example_works_when_it_is_sent_and_is_answered_as_shown(ana: Person) -> None:
    reader = Reader(ana)
    reader.given |= {"refresh_token": reader.send("login").body["refresh_token"]}
    reader.compare("audit_events_list", query="?event=login")
    reader.compare("login")
    reader.compare("refresh")
    reader.send("logout", 204)
    facility = reader.send("facilities_create", 201).body
    assert facility.keys() == answer_examples("facilities_create", 201)[0].keys()
    reader.given["facility_id"] = facility["id"]
    reader.compare("consumptions_create", 201)
    for name in ("consumptions", "facilities"):
        reader.compare(f"{name}_retrieve")
        reader.compare(f"{name}_list")
    reader.compare(operation_at("/v1/consumptions/{id}/calculation"))
    reader.compare(operation_at("/v1/facilities/{id}/emissions"))
    first = datetime.fromisoformat("2024-01-31T20:00:00Z").timestamp()
    Intervals.objects.create(
        organization=ana.organization,
        consumption=Consumption.objects.get(),
        zone="Europe/Madrid",
        numerator=750,
        denominator=1,
        **columns_of_readings({int(first) + hour * 3600: (1, False) for hour in (0, 1)}, 3600),
    )
    reader.compare("consumptions_intervals")
    reader.compare("import_layouts_create", 201)
    reader.compare("import_layouts_retrieve")
    reader.compare("import_layouts_list", query="?name=Spanish")
    reader.compare("import_layouts_update")
    reader.compare("import_layouts_partial_update")
    reader.compare("emissions", query="?group_by=category&group_by=month")
    reader.compare("emissions_logistics")
    reader.compare("facilities_coverage", query="?year=2024")
    assert reader.send("missing_factors").body["items"] == []  # test_missing_factors has some
    for name in ("emission_factors", "consumptions", "facilities"):
        seen = reader.send(f"{name}_preview").body
        assert seen.keys() == answer_examples(f"{name}_preview", 200)[0].keys()
    seen = reader.send("reports_inventory", query="?year=2024").body
    assert seen.keys() == answer_examples("reports_inventory", 200)[0].keys()
    reader.given["periods"] = "2024"
    reader.compare("periods_close")
    reader.compare("periods_retrieve")
    reader.compare("periods_list")
    assert reader.send("periods_restatements").body["items"] == []  # test_closed_years has some
    assert reader.send("periods_reopen").body["status"] == "open"
    reader.compare("emission_factors_create", 201)
    reader.compare("emission_factors_retrieve")
    reader.compare("emission_factors_list", query="?own=true")
    for name in ("consumptions", "facilities", "emission_factors"):
        reader.compare(f"{name}_update")
        reader.compare(f"{name}_partial_update")
    [example] = answer_examples("recalculations_retrieve", 200)
    Recalculation.objects.create(organization=ana.organization, reaches=[], **fields_of(example))
    reader.given["recalculations"] = str(Recalculation.objects.get().pk)
    reader.compare("recalculations_retrieve")
    reader.compare("recalculations_list")
    shown = reader.send("organization_retrieve").body
    assert shown.keys() == answer_examples("organization_retrieve", 200)[0].keys()
    reader.compare("imports_create", 201, query="?kind=consumption")
    reader.compare("imports_retrieve")
    reader.compare("imports_list")
    reader.unread.discard("imports_rejects_retrieve")  # it is CSV
    shown = reader.send("imports_warnings_retrieve").body
    assert shown.keys() == answer_examples("imports_warnings_retrieve", 200)[0].keys()
    reader.compare("api_keys_create", 201)
    reader.compare("api_keys_retrieve")
    [key, *_] = reader.send("api_keys_list").body["items"]
    assert lasting(key) == lasting(answer_examples("api_keys_list", 200)[0]["items"][0])
    reader.compare("api_keys_rotate_create", 201)
    shown = reader.send("invitations_create", 201).body
    assert shown.keys() == answer_examples("invitations_create", 201)[0].keys()
    reader.compare("invitations_retrieve")
    reader.compare("invitations_list")
    for name in (
        "emission_factors",
        "consumptions",
        "facilities",
        "api_keys",
        "invitations",
        "import_layouts",
    ):
        reader.send(f"{name}_destroy", 204)
        answer = ana.get(OPERATIONS[f"{name}_retrieve"][1].replace("{id}", facility["id"]))
        assert answer.status == 404
        assert answer.body in answer_examples(f"{name}_retrieve", 404)
    assert reader.unread == set()


def test_the_refusal_that_is_shown_is_the_one_that_is_given(erin: Person) -> None:
    [body] = request_examples("facilities_create")
    answer = erin.post("/v1/facilities", {**body, "country": "Spain"})
    assert answer.status == 422
    assert answer.body in answer_examples("facilities_create", 422)


def test_the_schema_is_json_for_everybody() -> None:
    for accept in ("*/*", "application/json", "application/vnd.oai.openapi+json"):
        answer = call("GET", "/v1/schema", headers={"accept": accept})
        assert answer.status == 200
        assert "json" in answer.headers["content-type"]
        body = answer.body if isinstance(answer.body, dict) else json.loads(answer.body)
        assert body["paths"].keys() == SCHEMA["paths"].keys()
        assert body["openapi"].startswith("3.")


def test_the_documentation_is_read_without_asking_another_host() -> None:
    answer = call("GET", "/v1/docs")
    assert answer.status == 200
    page = answer.body.decode()
    assert not re.search(r"<script>|<script [^>]*>[^<]", page), "the content policy refuses it"
    script = call("GET", "/v1/docs?script")
    assert script.headers["content-type"].startswith("application/javascript")
    assert "/v1/docs?script=" in page
    page += script.body.decode()
    assert "SwaggerUIBundle(" in page
    assert "/v1/schema" in page
    assert not re.findall(r"(?:https?:)?//[\w.-]+\.\w+", page)
    assert "validatorUrl" not in page  # the badge of the standalone layout asks swagger.io
    assert 'layout: "BaseLayout"' in page
    assets = re.findall(r"""(?:src|href)=["']([^"']+)""", page)
    assert len(assets) >= 3
    for asset in set(assets) - {"/v1/docs?script="}:
        assert asset.startswith("/static/")
        content = call("GET", asset)
        assert content.status == 200, asset
        if asset.endswith(".css"):
            assert not re.search(rb"url\([\"']?(?:https?:)?//|@import", content.body)


@pytest.mark.parametrize(
    "moment",
    ["1688-09-14T20:58:46+17:26", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"],
)
@pytest.mark.parametrize("name", ["created_after", "updated_before"])
def test_a_moment_in_a_zone_far_away_is_no_server_error(
    bob: Person, name: str, moment: str
) -> None:
    answer = bob.get(f"/v1/facilities?{name}={moment.replace('+', '%2B')}")
    assert answer.status in (200, 422)
