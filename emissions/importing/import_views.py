"""`/v1/imports`: files and rows of JSON, through the one engine of all imports."""

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from io import StringIO
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema, extend_schema_view
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings

from emissions.importing.background.queue import is_long, leave_to_worker
from emissions.importing.filters import ImportFilter
from emissions.importing.kinds import KINDS
from emissions.importing.serializers import ImportQuery, ImportSerializer, WarningsSerializer
from emissions.importing.validation import ALLOWABLE
from organizations.importing.engine import NotStored, bring_in
from organizations.importing.layouts.known import UNKNOWN_LAYOUT
from organizations.importing.options import Options
from organizations.importing.spreadsheets import JSONTable, Table, Unreadable, open_table
from organizations.importing.uploads import FILE_PARSERS, Upload, kept
from organizations.models import APIKey, Import, Organization, User
from organizations.rest.filters import plain_names, refuse_unknown
from organizations.rest.tables import CSVTable, record_sent
from organizations.rest.viewsets import Conflict, Listed, Retrieved
from organizations.tenancy import Caller, caller

MOST_ROWS = 5000
LONGEST_NAME = 255


@extend_schema(tags=["imports"])
@extend_schema_view(
    list=extend_schema(summary="List imports"),
    retrieve=extend_schema(summary="Get an import with its first faults"),
)
class ImportViewSet(Listed, Retrieved):
    """What files and rows of JSON brought, and which of their rows were refused."""

    tells_of_tasks = True
    queryset = Import.objects.all()
    serializer_class = ImportSerializer
    filterset_class = ImportFilter
    parser_classes: Any = [*api_settings.DEFAULT_PARSER_CLASSES, *FILE_PARSERS]
    sort_fields = {
        **{
            name: name
            for name in ("id", "kind", "file_name", "created", "changed", "unchanged", "rejected")
        },
        "warnings": "warnings",
        "started_at": "started_at",
        "finished_at": "finished_at",
        "status": "outcome",
    }
    newest_first = ("-started_at", "-id")

    def fingerprint(self, request: Request) -> str:
        """Of a file its bytes, read from the disk: it may be larger than other bodies."""
        if request.content_type.startswith("application/json"):
            return super().fingerprint(request)
        data: Any = request.data
        file = data.get("file") if hasattr(data, "getlist") else data
        said = sorted(options_in(data).lists()) if hasattr(data, "getlist") else ""
        digest = sha256(f"{request.get_full_path()}\n{said}\n".encode())
        for block in file.chunks() if hasattr(file, "chunks") else ():
            digest.update(block)
        return digest.hexdigest()

    @extend_schema(
        summary="Import a file, or rows of JSON",
        parameters=[ImportQuery],
        request={
            "application/json": {
                "type": "array",
                "items": {"type": "object"},
                "maxItems": MOST_ROWS,
            },
            "text/csv": {"type": "string", "format": "binary"},
            "multipart/form-data": {
                "type": "object",
                "properties": {"file": {"type": "string", "format": "binary"}},
                "required": ["file"],
            },
        },
        responses={201: ImportSerializer, 202: ImportSerializer},
    )
    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """A CSV, XLSX or Green Button file as the body or as `file` of a form, whose other fields
        may be the parameters, or at most 5,000 rows of JSON. All is stored or, where a row is
        refused, nothing, unless `on_error=skip`.

        A file over IMPORT_BYTES_AT_ONCE is left to the worker on PostgreSQL: 202 with the record,
        which is `queued`, then `running`, and at last what it would have been at once."""
        asked = self._asked(request)
        with sent(request) as (table, upload):
            return self._run(request, asked, table, upload)

    def _asked(self, request: Request) -> dict[str, Any]:
        params = plain_names(request.query_params)
        data: Any = request.data
        for name, values in options_in(data).lists() if hasattr(data, "getlist") else ():
            if params.setlistdefault(name, values) != values:
                raise ValidationError({name: ["The address and the form say different things."]})
        query = ImportQuery(
            data={
                name: [one for text in params.getlist(name) for one in text.split(",")]
                if name == "allow"
                else value
                for name, value in params.items()
            }
        )
        refuse_unknown(params, set(query.fields), {"allow"})
        query.is_valid(raise_exception=True)
        asked: dict[str, Any] = query.validated_data
        if asked["kind"] != "consumption" and (asked["allow"] or "facility" in asked):
            raise ValidationError({"kind": ["allow and facility are for consumption alone."]})
        return asked

    def _run(
        self, request: Request, asked: dict[str, Any], table: Table, upload: Upload | None
    ) -> Response:
        who = caller(request)
        options = Options(
            dry_run=asked["dry_run"],
            on_error=asked["on_error"],
            allow=[one for one in ALLOWABLE if one in asked["allow"]],
            layout=asked.get("layout", ""),
            facility=asked.get("facility", ""),
            decimal=asked.get("decimal"),
            dates=asked.get("dates"),
            started_by=name_of(who),
        )
        organization = Organization.objects.get(pk=who.organization_id)
        try:
            importer = KINDS[asked["kind"]].of(organization, table, options)
            waits = False
            name = (upload.name or "upload") if upload else "rows.json"
            if upload and (waits := is_long(upload.path.stat().st_size)):
                by: Any = {"user": who.user_id, "api_key": who.api_key_id}
                kind = asked["kind"]
                pk = leave_to_worker(organization, kind, upload.path, name, options, **by).pk
            else:
                pk = bring_in(importer, name, rejects=StringIO(), keep=True).record.pk
        except NotStored as error:
            raise Conflict(f"Nothing was stored: {error}") from error
        row = self.get_queryset().get(pk=pk)
        return Response(
            self.get_serializer(row).data,
            status=status.HTTP_202_ACCEPTED if waits else status.HTTP_201_CREATED,
            headers={"Location": f"{request.path}/{row.pk}"},
        )

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return Response(self.get_serializer(self.get_object()).data)

    @extend_schema(
        summary="The refused rows of an import, as CSV",
        responses={(200, "text/csv"): {"type": "string"}},
    )
    @action(
        detail=True,
        methods=["get"],
        renderer_classes=[*api_settings.DEFAULT_RENDERER_CLASSES, CSVTable],
    )
    def rejects(self, request: Request, pk: str) -> HttpResponse:
        """With line, column, code and reason in columns of their own, which an import ignores."""
        row = self.get_object()
        record_sent(request, f"rejects-{row.pk}", "csv")
        return HttpResponse(
            row.rejects,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": 'attachment; filename="rejects.csv"'},
        )

    @extend_schema(summary="What an import warns of", responses=WarningsSerializer, filters=False)
    @action(detail=True, methods=["get"], pagination_class=None)
    def warnings(self, request: Request, pk: str) -> Response:
        """The rows that are stored all the same, by line, column and code: the first 100."""
        return Response(WarningsSerializer(self.get_object()).data)


@contextmanager
def sent(request: Request) -> Iterator[tuple[Table, Upload | None]]:
    """The table in the body of a request, and its file if it is one. Raises ValidationError where
    it cannot be read as a whole."""
    upload = None
    try:
        data: Any = request.data
        if isinstance(data, Upload):
            upload = data
        elif hasattr(data, "getlist"):
            upload = in_form(data)
        if upload is None:
            yield JSONTable(rows_of(data)), None
            return
        with open_table(str(upload.path)) as table:
            yield table, upload
    except Unreadable as error:
        field = "layout" if error.code == UNKNOWN_LAYOUT else "file"
        raise ValidationError({field: [str(error)]}, code=error.code) from error
    finally:
        if upload:
            upload.remove()


def options_in(data: Any) -> Any:
    """The fields of a form that are parameters of an import; others are ignored."""
    said = plain_names(data)
    for name in set(said) - set(ImportQuery().fields):
        del said[name]
    return said


def in_form(data: Any) -> Upload:
    """The file of a multipart form."""
    file = data.get("file")
    if not hasattr(file, "chunks"):
        raise ValidationError({"file": ["Send the file in the field “file”."]}, code="required")
    return kept(file.chunks(), str(file.name)[:LONGEST_NAME])


def rows_of(data: Any) -> list[dict[str, Any]]:
    """The rows of a JSON body. Raises ValidationError."""
    good = isinstance(data, list) and all(isinstance(one, dict) and one for one in data)
    if not good or not data:
        raise ValidationError(
            {"file": ["Send a file, or a JSON list of objects, one a row."]}, code="invalid"
        )
    if len(data) > MOST_ROWS:
        raise ValidationError(
            {"file": [f"{len(data)} rows were sent; {MOST_ROWS} are taken at once."]},
            code="too_many_rows",
        )
    return data


def name_of(who: Caller) -> str:
    """Who sends it, for the record: a person's email, or a key's name."""
    if who.user_id:
        return User.objects.values_list("email", flat=True).get(pk=who.user_id)
    if who.api_key_id:
        return APIKey.objects.values_list("name", flat=True).get(pk=who.api_key_id)
    return ""
