"""The page at `/` and the two probes."""

import functools
from collections.abc import Callable

from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from config.errors import plain_response

Page = Callable[[HttpRequest], HttpResponse]


def read_only(page: Page) -> Page:
    """Answers GET and HEAD; anything else is 405 in the shape of every error."""

    @csrf_exempt
    @functools.wraps(page)
    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return page(request)
        body = {"code": "method_not_allowed", "detail": f"“{request.method}” is not allowed here."}
        response = plain_response(body, 405)
        response["Allow"] = "GET, HEAD"
        return response

    return answer


@read_only
def home(request: HttpRequest) -> HttpResponse:
    """What this is, with links to the docs, the schema and the admin."""
    return render(request, "home.html")


@read_only
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers."""
    return JsonResponse({"status": "ok"})


@read_only
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and has every migration, else 503 with what is missing."""
    try:
        executor = MigrationExecutor(connection)
        behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return JsonResponse({"status": "unavailable", "database": "not reachable"}, status=503)
    if behind:
        missing = [f"{migration.app_label}.{migration.name}" for migration, _ in behind]
        return JsonResponse({"status": "unavailable", "migrations": missing}, status=503)
    return JsonResponse({"status": "ok"})
