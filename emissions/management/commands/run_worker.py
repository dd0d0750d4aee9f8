from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import connection

from emissions.ledger.runs import work_off


class Command(BaseCommand):
    help = (
        "Finishes the recalculations that were interrupted, then does those that requests leave "
        "to it (manage.py db_worker). On SQLite requests do them themselves, and this ends."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        work_off.func()
        if connection.vendor == "postgresql":
            call_command("db_worker", queue_name="*")
