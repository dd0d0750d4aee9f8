"""What a long draft would do, found out by the worker while its page waits."""

import json
import logging
from uuid import UUID

from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import QuerySet
from django_tasks import task

from emissions.importing.background.progress import Written
from emissions.importing.drafts.trials import Trial, attempt
from emissions.ledger.runs import claimed
from organizations.database.tenant import about
from organizations.database.unavailable import unavailable
from organizations.models import Draft

logger = logging.getLogger(__name__)

MOST_ATTEMPTS = 3


@transaction.atomic
def ask(draft: Draft) -> None:
    """Leaves a draft to the worker."""
    Draft.objects.filter(pk=draft.pk, revision=draft.revision).update(waits=True)
    look_at_waiting.enqueue()  # a row of the same transaction


@task()
def look_at_waiting() -> None:
    """Looks at every draft that nobody is at: new ones, and those whose worker was killed."""
    waiting = Draft.objects.filter(waits=True).order_by("pk")
    for organization_id, pk in list(waiting.values_list("organization_id", "pk")):
        with about(organization_id):
            look(pk)


def look(pk: UUID) -> None:
    """Looks at one draft; nothing if another process is at it, or it is gone."""
    with claimed(pk) as is_mine:
        draft = Draft.objects.select_related("organization", "user").filter(pk=pk).first()
        if not is_mine or draft is None or not draft.waits:
            return
        draft.attempts += 1
        draft.save(update_fields=["attempts"])
        mine = Draft.objects.filter(pk=pk, revision=draft.revision)
        kept = json.loads(json.dumps(_look(draft, mine).as_json(), cls=DjangoJSONEncoder))
        mine.update(trial=kept, waits=False)


def _look(draft: Draft, mine: QuerySet[Draft]) -> Trial:
    """The trial of a draft; `mine` is its row while nothing else is said of it."""
    failed = "It could not be looked at for a mistake of ours, which is in the log."
    if draft.attempts > MOST_ATTEMPTS:
        return Trial(error=failed, code="internal_error")
    try:
        name = draft.user.get_username()
        return attempt(draft, draft.organization, name, lambda what, total: Written(mine, total))
    except Exception as error:
        if unavailable(error):
            raise
        logger.exception("draft %s", draft.pk)
        return Trial(error=failed, code="internal_error")
