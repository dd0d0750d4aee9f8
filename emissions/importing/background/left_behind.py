"""What a worker has left behind that ended with its machine: another one is asked to take it over.

A worker that is started again finishes first what is unfinished. One that is not started again, as
its machine is gone, has let go of its work with its session; the others look now and then.
"""

import logging
import threading
import time
from collections.abc import Iterable
from uuid import UUID

from django.db import DatabaseError, InterfaceError, connections
from django_tasks_db.models import DBTaskResult

from emissions.importing.background.queue import bring_in_waiting
from emissions.importing.drafts.looking import look_at_waiting
from emissions.ledger.keeping import keep_those_left, unkept
from emissions.ledger.runs import claimed, work_off
from emissions.models import Recalculation, RecalculationState
from organizations.database.unavailable import unavailable
from organizations.models import UNFINISHED, Draft, Import

logger = logging.getLogger(__name__)

SECONDS_BETWEEN = 10
STARTED = (RecalculationState.WAITING, RecalculationState.RUNNING)


def look_now_and_then() -> None:
    """In a thread of its own, for as long as this process lives."""
    threading.Thread(target=_look, name="left behind", daemon=True).start()


def _look() -> None:
    while True:
        time.sleep(SECONDS_BETWEEN)
        try:
            ask_for_what_is_left_behind()
        except (DatabaseError, InterfaceError) as error:
            if not unavailable(error):
                logger.exception("What is left behind could not be looked for.")
        finally:
            connections.close_all()


def ask_for_what_is_left_behind() -> None:
    """Enqueues the task of what nobody is at; where a task waits, who takes it looks for itself."""
    if DBTaskResult.objects.ready().exists():
        return
    imports = Import.objects.filter(outcome__in=UNFINISHED)
    recalculations = Recalculation.objects.filter(state__in=STARTED)
    if nobody_is_at(imports.values_list("pk", flat=True)):
        bring_in_waiting.enqueue()
    if nobody_is_at(Draft.objects.filter(waits=True).values_list("pk", flat=True)):
        look_at_waiting.enqueue()
    if nobody_is_at(recalculations.values_list("pk", flat=True)):
        work_off.enqueue()
    if unkept().exists():
        keep_those_left.enqueue()


def nobody_is_at(pks: Iterable[UUID]) -> bool:
    """Whether one of them is free. Who wanted to begin with it just then leaves it to the task."""
    for pk in list(pks):
        with claimed(pk) as is_free:
            if is_free:
                return True
    return False
