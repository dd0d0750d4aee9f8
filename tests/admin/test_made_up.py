"""Values that no page offers, in every field of every form: refused beside it, whichever."""

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse

from organizations.models import User
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db

NEW = [page.opts for page in admin.site._registry.values()]


def made_up(answer: Any, value: str) -> dict[str, str]:
    """The value in each field of a form and of the first row of each list in it."""
    sent = dict.fromkeys(answer.context["adminform"].form.fields, value)
    for one in answer.context["inline_admin_formsets"]:
        prefix = one.formset.prefix
        sent |= {f"{prefix}-TOTAL_FORMS": "1", f"{prefix}-INITIAL_FORMS": "0"}
        sent |= dict.fromkeys((f"{prefix}-0-{name}" for name in one.formset.empty_form.fields),
                              value)  # fmt: skip
    return sent


@each("value", ["abc", "\0", "00000000-0000-7000-8000-000000000000"])
def test_a_form_is_shown_again_with_what_is_wrong(
    alice: Person, alice_admin: Client, value: str
) -> None:
    User.objects.filter(pk=alice.user.pk).update(is_superuser=True)
    tried = 0
    for opts in NEW:
        address = reverse(f"admin:{opts.app_label}_{opts.model_name}_add")
        empty = alice_admin.get(address)
        if "adminform" not in (empty.context or {}):
            continue
        sent = made_up(empty, value)
        answer = alice_admin.post(address, sent)
        assert answer.context["errors"], address
        prefilled = alice_admin.get(address, sent)
        assert prefilled.status_code in (200, 400), address
        tried += 1
    assert tried > 5
