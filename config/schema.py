"""How the OpenAPI description is generated: every operation with its credentials and its errors."""

from typing import Any, Literal

from django_filters import MultipleChoiceFilter
from drf_spectacular.extensions import (
    OpenApiAuthenticationExtension,
    OpenApiSerializerFieldExtension,
)
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse
from rest_framework import serializers

from config.examples.inventory import INVENTORY
from config.examples.reports import REPORT_EXAMPLES
from config.examples.resources import EXAMPLES, answer
from config.links import link
from emissions.serializers import FactorSourceSerializer
from organizations.access.authentication import KEY_HEADER, ORGANIZATION_HEADER
from organizations.rest.copies import Copied, DeletedSerializer
from organizations.rest.filters import INCLUDE_DELETED, DayFilter, MultiIdFilter, MultiValueFilter
from organizations.rest.tables import CSVTable, XLSXTable

JSON = "application/json"
EVERY_EXAMPLE = {**EXAMPLES, **REPORT_EXAMPLES, "reports_inventory": [answer(INVENTORY)]}
TABLE_FORMATS = {
    CSVTable.media_type: {"type": "string", "description": "All rows, under a header."},
    XLSXTable.media_type: {"type": "string", "format": "binary"},
}


class ErrorSerializer(serializers.Serializer):
    code = serializers.CharField(help_text="For programs: snake_case, stable.")
    detail = serializers.CharField(help_text="For people: a sentence.")


class FieldErrorSerializer(serializers.Serializer):
    field = serializers.CharField(help_text="Such as name, cups_list.0 or x-organization-id.")
    code = serializers.CharField()
    detail = serializers.CharField()


class ValidationErrorSerializer(ErrorSerializer):
    errors = FieldErrorSerializer(many=True)  # type: ignore[assignment]


ERRORS = {
    "400": "The body is not JSON.",
    "401": "No credentials, or bad ones; `WWW-Authenticate` names the schemes.",
    "403": "The caller's role is too low for this.",
    "404": "There is nothing here, or it is another organization's: the two look the same.",
    "406": "`Accept` names nothing that is answered here: JSON, and tables where they are listed.",
    "409": "Another write is in the way, perhaps a long import, or the first request with this "
    "`Idempotency-Key` is still running; send it again later.",
    "412": "`If-Match` names a version that is no longer current.",
    "413": "The body is too large.",
    "415": "Only application/json is read.",
    "422": "A header, parameter or field is wrong; `errors` names each.",
    "429": "Too many requests, or wrong passwords; `Retry-After` says how many seconds to wait.",
    "500": "Our mistake; `detail` says what is known of a write.",
    "503": "The database is away, restarting, full or too slow. `Retry-After` says how many "
    "seconds to wait, and `detail` what is known of a write.",
}

ORGANIZATION = OpenApiParameter(
    name=ORGANIZATION_HEADER,
    type=str,  # without the format: generated clients put what they are given into the header
    location=OpenApiParameter.HEADER,
    required=True,
    description="The id of the organization that the request is for; one of the caller's.",
)
IF_MATCH = OpenApiParameter(
    name="If-Match",
    type=str,
    location=OpenApiParameter.HEADER,
    required=False,
    description="The `ETag` of the version that was read; 412 when it has changed since.",
)
IDEMPOTENCY_KEY = OpenApiParameter(
    name="Idempotency-Key",
    type={"type": "string", "minLength": 1, "maxLength": 255},
    location=OpenApiParameter.HEADER,
    required=False,
    description="A name of yours for this request, such as a new UUID. Sent again within 24 hours "
    "with the same body it gets the first answer again, with `Idempotent-Replayed: true`.",
)


class Schema(AutoSchema):
    """Adds to every operation what all of them share."""

    @property
    def needs_caller(self) -> bool:
        return bool(self.view.authentication_classes)

    def get_override_parameters(self) -> list[Any]:
        parameters = super().get_override_parameters()
        if self.needs_caller:
            parameters = [*parameters, ORGANIZATION]
        if self.needs_caller and self.method == "POST":
            parameters = [*parameters, IDEMPOTENCY_KEY]
        if self.method in ("PUT", "PATCH", "DELETE"):
            parameters = [*parameters, IF_MATCH]
        return parameters

    def _get_filter_parameters(self) -> list[dict[str, Any]]:
        """What may be repeated is a list, a day a date, and true or false a boolean."""
        filterset = getattr(self.view, "filterset_class", None)
        filters = filterset.base_filters if filterset else {}
        parameters: list[dict[str, Any]] = super()._get_filter_parameters()
        for one in parameters:
            by = filters.get(one["name"])
            schema = one["schema"]
            if isinstance(by, DayFilter):
                schema = {"type": "string", "format": "date"}
            elif set(schema.get("enum", ())) == {"true", "false"}:
                schema = {"type": "boolean"}
            items = schema.get("items", schema)
            if isinstance(by, MultiIdFilter):
                items = {"type": "string", "format": "uuid"}
            items.setdefault("type", "string")
            if isinstance(items["type"], list):  # a parameter is text: it is there, or it is not
                items["type"] = next(kind for kind in items["type"] if kind != "null")
            if isinstance(by, MultiValueFilter | MultipleChoiceFilter):
                schema = {"type": "array", "items": items}
                one |= {"explode": True, "style": "form"}
            one["schema"] = schema
        return parameters

    def get_auth(self) -> list[dict[str, Any]]:
        """Nothing where nobody has to say who is calling."""
        return super().get_auth() if self.needs_caller else []

    def get_examples(self) -> list[OpenApiExample]:
        return EVERY_EXAMPLE.get(self.get_operation_id(), [])

    def _get_request_body(self, direction: Literal["request", "response"] = "request") -> Any:
        """PUT takes what PATCH takes: both are partial."""
        method = self.method
        self.method = "PATCH" if method == "PUT" else method
        try:
            return super()._get_request_body(direction)
        finally:
            self.method = method

    def _get_response_bodies(
        self, direction: Literal["request", "response"] = "response"
    ) -> dict[str, Any]:
        """Errors are JSON whatever was asked for; tables are files, their columns in the prose."""
        bodies = super()._get_response_bodies(direction)
        for body in bodies.values():
            for media_type in set(body.get("content", ())) & TABLE_FORMATS.keys():
                body["content"][media_type] = {"schema": TABLE_FORMATS[media_type]}
        if isinstance(self.view, Copied) and self.view.action == "list":
            page = bodies["200"]["content"][JSON]
            page["schema"] = {"oneOf": [page["schema"], self._copy(self.view).ref]}
        for code in self._error_codes():
            serializer = ValidationErrorSerializer if code == "422" else ErrorSerializer
            response = OpenApiResponse(serializer, description=ERRORS[code])
            bodies[code] = self._get_response_for_code(response, code, [JSON])
        return bodies

    def _copy(self, view: Copied) -> ResolvedComponent:
        """The schema of a page of a copy, which a list answers where a cursor is given."""
        serializer: Any = view.get_serializer_class()
        row = self.resolve_serializer(serializer, "response")
        items = row.ref
        if INCLUDE_DELETED in view.copy_parameters:
            items = {"oneOf": [items, self.resolve_serializer(DeletedSerializer, "response").ref]}
        cursor = {
            "type": ["string", "null"],
            "description": "Where to go on; null when there is nothing more for now.",
        }
        component = ResolvedComponent(
            name=f"{row.name}Copy",
            type=ResolvedComponent.SCHEMA,
            object=f"{row.name}Copy",
            schema={
                "type": "object",
                "required": ["items", "next_cursor"],
                "properties": {
                    "items": {"type": "array", "items": items},
                    "next_cursor": cursor,
                },
            },
        )
        self.registry.register_on_missing(component)
        return component

    def _error_codes(self) -> list[str]:
        codes = {"401", "406", "422", "429", "500", "503"}
        if self.needs_caller:
            codes |= {"403", "404"}
        if self.method in ("POST", "PUT", "PATCH"):
            codes |= {"400", "413", "415"}
        if self.needs_caller and self.method != "GET":
            codes |= {"409"}
        if self.method in ("PUT", "PATCH", "DELETE"):
            codes |= {"412"}
        return sorted(codes)


def finish(result: dict[str, Any], generator: Any, request: Any, public: bool) -> dict[str, Any]:
    """What no operation can say of itself, once the whole description is there.

    A change states no default: what it leaves out stays. The tags have a list of their own, and an
    operation without credentials says so. What a POST has made leads to what may be asked of it.
    """
    for name, schema in result["components"]["schemas"].items():
        if name.startswith("Patched"):
            for one in schema["properties"].values():
                one.pop("default", None)
    tags: set[str] = set()
    for path in result["paths"].values():
        for operation in path.values():
            tags.update(operation.get("tags", ()))
            operation.setdefault("security", [])
    result["tags"] = [{"name": tag} for tag in sorted(tags)]
    link(result)
    return result


class UnitInAnySpelling(OpenApiSerializerFieldExtension):
    """A unit is written in any spelling and read in one, of a fixed set."""

    target_class = "emissions.serializers.Unit"

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Literal["request", "response"]
    ) -> dict[str, Any]:
        if direction == "request":
            return {"type": "string", "minLength": 1, "maxLength": 100}
        return auto_schema._map_serializer_field(self.target, direction, bypass_extensions=True)


class SourceById(OpenApiSerializerFieldExtension):
    """A factor's source is written as its id and read as a whole."""

    target_class = "emissions.serializers.Source"

    def map_serializer_field(
        self, auto_schema: AutoSchema, direction: Literal["request", "response"]
    ) -> dict[str, Any]:
        if direction == "request":
            return {"type": "string", "description": "Its id; null for none."}
        component = auto_schema.resolve_serializer(FactorSourceSerializer, direction)
        return dict(component.ref)


class CallerScheme(OpenApiAuthenticationExtension):
    """The two ways to say who is calling."""

    target_class = "organizations.access.authentication.CallerAuthentication"
    name = ["ApiKey", "Bearer"]

    def get_security_requirement(self, auto_schema: AutoSchema) -> list[dict[str, list[Any]]]:
        """Either of the two."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: AutoSchema) -> list[dict[str, str]]:
        return [
            {
                "type": "apiKey",
                "in": "header",
                "name": KEY_HEADER,
                "description": "A key such as sk_live_…, made with /v1/api-keys or in the admin.",
            },
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The access_token of /v1/auth/login.",
            },
        ]
