"""Files that are too much for a page: on PostgreSQL the worker looks at them and stores them."""

from decimal import Decimal

import pytest
from django.conf import settings
from django.test import Client

from emissions.importing.drafts.looking import look_at_waiting
from emissions.importing.drafts.trials import Trial
from emissions.models import Consumption
from organizations.models import Draft, Import, ImportBlock
from tests.admin.test_uploads import BAD, counts, page, sent
from tests.conftest import Person
from tests.emissions.ledger.test_runs import left_to_a_worker, work

pytestmark = [pytest.mark.usefixtures("committed"), left_to_a_worker]


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "IMPORT_BYTES_AT_ONCE", 10)


def test_the_worker_looks_at_it_it_is_mended_and_the_worker_stores_it(
    erin: Person, erin_admin: Client
) -> None:
    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, BAD)
    waiting = erin_admin.get(address)
    assert waiting["Refresh"]
    assert 'id="looking"' in waiting.content.decode()
    work()
    html = page(erin_admin, address)
    assert counts(html) == ["1", "0", "0", "1"]
    assert "stands where a value is needed" in html
    assert not Consumption.objects.exists()

    erin_admin.post(address, {"what": "mend", "cell-3-3": "998", "was-3-3": "n/a"})
    assert 'id="looking"' in page(erin_admin, address)
    work()
    assert counts(page(erin_admin, address)) == ["2", "0", "0", "0"]

    record = erin_admin.post(address, {"what": "store"})["location"]
    assert not Draft.objects.exists()
    assert (Import.objects.get().outcome, Consumption.objects.count()) == ("queued", 0)
    assert erin_admin.get(record)["Refresh"]
    work()
    assert "Refresh" not in erin_admin.get(record)
    assert sorted(Consumption.objects.values_list("quantity", flat=True)) == [
        998,
        Decimal("1047.5"),
    ]
    assert not ImportBlock.objects.exists()


def test_what_was_found_out_of_other_words_is_not_shown(
    erin: Person, erin_admin: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While the worker looks, its sender says something else."""

    def says_something_else(draft: Draft, mine: object) -> Trial:
        Draft.objects.filter(pk=draft.pk).update(revision=draft.revision + 1)
        return Trial(error="of the words before")

    erin.facility(external_id="HQ")
    address = sent(erin_admin, erin, BAD)
    page(erin_admin, address)
    monkeypatch.setattr("emissions.importing.drafts.looking._look", says_something_else)
    look_at_waiting.func()
    assert Draft.objects.get().trial is None
    assert 'id="looking"' in page(erin_admin, address)
