"""`/healthz` and `/readyz`: whether the process answers, and whether it can do its work."""

from django.db import DatabaseError, InterfaceError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from config.pages import read_only
from organizations.database.postgresql.connections import limited

SECONDS = 1
"""What a statement of `/readyz` may take: who asks has little patience."""


@read_only
def healthz(request: HttpRequest) -> HttpResponse:
    """200 while the process answers, whatever the database does."""
    return JsonResponse({"status": "ok"})


@read_only
def readyz(request: HttpRequest) -> HttpResponse:
    """200 when the database answers and has every migration, else 503 with what is missing."""
    try:
        with limited(SECONDS):
            executor = MigrationExecutor(connection)
            behind = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except (DatabaseError, InterfaceError):
        return JsonResponse({"status": "unavailable", "database": "not reachable"}, status=503)
    if behind:
        missing = [f"{migration.app_label}.{migration.name}" for migration, _ in behind]
        return JsonResponse({"status": "unavailable", "migrations": missing}, status=503)
    return JsonResponse({"status": "ok"})
