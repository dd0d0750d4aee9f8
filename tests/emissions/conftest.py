"""What the tests of consumption share."""

from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command

from tests.conftest import Person
from tests.facilities.cups import cups


@pytest.fixture
def facility(erin: Person) -> dict[str, Any]:
    return erin.facility(cups_list=[cups(1), cups(2)])


@pytest.fixture
def stored_is_recomputed(db: None) -> Iterator[None]:
    """After every test here, nothing that is stored differs from what its data gives."""
    yield
    call_command("recalculate_co2e", check=True, stderr=StringIO())
