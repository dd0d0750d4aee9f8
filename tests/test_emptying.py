"""What a test that really commits leaves to the next one: nothing."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType

from emissions.models import EmissionFactor
from organizations.models import Organization, User
from tests import emptying
from tests.conftest import Person
from tests.emptying import PUBLISHED, THROWN_AWAY, holds_rows

pytestmark = pytest.mark.usefixtures("committed")


def test_everything_goes_but_what_is_loaded_once(alice: Person) -> None:
    group = Group.objects.create(name="Staff")
    group.permissions.add(*Permission.objects.all()[:3])
    alice.user.groups.add(group)
    alice.consumption(alice.facility(meter_list=["M-1"]), meter="M-1")
    alice.factor()
    kept: list[Any] = [*PUBLISHED, ContentType, Permission]
    before = {model: model._default_manager.count() for model in kept}
    EmissionFactor.objects.filter(organization=None)[0].delete()
    assert any(map(holds_rows, THROWN_AWAY))

    emptying.empty()
    assert not any(map(holds_rows, THROWN_AWAY))
    assert not any(map(holds_rows, (Group, User, Organization)))
    before[EmissionFactor] -= 1  # the organization's own
    assert {model: model._default_manager.count() for model in kept} == before
    assert emptying.published_as_loaded()
