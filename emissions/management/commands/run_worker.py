import logging
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from emissions.importing.background.left_behind import look_now_and_then
from emissions.importing.background.queue import bring_in_waiting
from emissions.importing.drafts.looking import look_at_waiting
from emissions.ledger.keeping import keep_those_left
from emissions.ledger.runs import work_off
from organizations.database.unavailable import unavailable

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Finishes the recalculations and imports that were interrupted, then does those that "
        "requests leave to it (manage.py db_worker); as many of these workers as are wanted share "
        "them. On SQLite requests do them themselves, and this ends."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            work_off.func()
            bring_in_waiting.func()
            look_at_waiting.func()
            keep_those_left.func()
            if connection.vendor == "postgresql":
                look_now_and_then()
                call_command("db_worker", queue_name="*", reload=False)
        except DatabaseError as error:
            if not unavailable(error):
                raise
            logger.error("The worker ends, to be started again: %s", error)
            raise SystemExit(1) from error
