"""Facilities, bills, factors, imports, closed years, deletes and restores in any order, through
HTTP: every figure is the plain model's to the last digit, nothing is a 5xx, and another
organization never sees any of it."""

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Cast
from tests.emissions.machine.changes import Machine
from tests.examples import examples

pytestmark = pytest.mark.django_db


def test_whatever_is_done_the_figures_are_the_plain_models(person: Cast) -> None:
    class OfThisTest(Machine):
        people = staticmethod(person)

    run_state_machine_as_test(
        OfThisTest,
        settings=settings(
            max_examples=examples(3),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
            phases=[Phase.generate],  # what it did is printed; to find less of it takes minutes
        ),
    )
