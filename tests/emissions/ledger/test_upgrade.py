"""Figures that an earlier rule stored are brought over when the service is upgraded."""

import importlib
from decimal import Decimal
from io import StringIO
from typing import Any

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.db.models import F, Value

from emissions.ledger import runs
from emissions.models import Consumption, Emission, PendingFacility, Recalculation
from facilities.models import Facility
from organizations.database.decimals import kilograms
from tests.conftest import Person
from tests.emissions.ledger.test_runs import check, statuses
from tests.written_once import lifted

pytestmark = pytest.mark.django_db

upgrade = importlib.import_module("emissions.migrations.0012_exact_bills")

YEAR = {"start_date": "2024-01-01", "end_date": "2024-12-31"}
OFF = Decimal("0.000002")


@pytest.fixture
def sites(alice: Person) -> list[dict[str, Any]]:
    """Three facilities whose bill of a year is off by what rounding each line had left over."""
    alice.factor(co2e=Decimal("0.20264"), valid_from="2024-01-01", valid_to="2024-12-31")
    sites = [alice.facility() for _ in range(3)]
    for site in sites:
        bill = alice.consumption(site, **YEAR)
        assert bill["co2e"] == Decimal("202.64")
        as_before(bill)
    alice.consumption(alice.facility(name="One month"))
    return sites


def as_before(bill: dict[str, Any]) -> None:
    """Puts a bill and its facility as the earlier rule stored them."""
    july = Emission.objects.current().filter(consumption_id=bill["id"], month="2024-07-01")
    lower = {"co2e": F("co2e") - Value(OFF, kilograms(""))}
    with lifted():
        assert july.update(**lower) == 1
    Consumption.objects.filter(pk=bill["id"]).update(**lower)
    Facility.objects.filter(pk=bill["facility_id"]).update(**lower)


def ask() -> None:
    upgrade.ask_for_recalculations(apps, connection.schema_editor())


def test_the_upgrade_brings_every_figure_over(alice: Person, sites: list[dict[str, Any]]) -> None:
    assert check() != ""
    ask()
    [one] = Recalculation.objects.all()
    assert (one.facilities, one.consumptions) == (3, 3), "a bill of one line has nothing to change"
    assert statuses(alice) == {"recalculating", "complete"}
    said = StringIO()
    call_command("recalculate_co2e", unfinished=True, stderr=said)
    assert "recalculations finished 1, unfinished 0" in said.getvalue()
    assert check() == ""
    assert statuses(alice) == {"complete"}
    assert alice.get(f"/v1/facilities/{sites[0]['id']}").body["co2e"] == Decimal("202.64")


def test_an_upgrade_that_is_interrupted_goes_on_where_it_was(
    alice: Person, sites: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runs, "LOT", 1)
    ask()
    [one] = Recalculation.objects.all()

    def stop(facilities: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        runs.run(one.organization_id, one.pk, stop)
    one.refresh_from_db()
    assert (one.state, one.facilities_done) == ("failed", 1)
    assert PendingFacility.objects.count() == 2
    assert "recalculating" in statuses(alice)
    call_command("recalculate_co2e", unfinished=True, stderr=StringIO())
    one.refresh_from_db()
    assert (one.state, one.facilities_done) == ("done", 3)
    assert check() == ""


def test_a_new_database_has_nothing_to_bring_over(alice: Person) -> None:
    alice.consumption(alice.facility())
    ask()
    assert not Recalculation.objects.exists()
    said = StringIO()
    call_command("recalculate_co2e", unfinished=True, stderr=said)
    assert said.getvalue() == ""
