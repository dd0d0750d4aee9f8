"""Texts are found whatever their accents, their case and their Unicode form."""

import unicodedata
from urllib.parse import quote

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from facilities.models import Facility
from organizations.database.search import folded
from tests.cases import each
from tests.conftest import Person

pytestmark = pytest.mark.django_db

NAMES = ["Cádiz", "CÁDIZ", unicodedata.normalize("NFD", "Cádiz"), "Łódź", "Straße 5", "İzmir",
         "Ørsted", "Σίσυφος", "Ａｔｈｅｎｓ", "100% Café_1"]  # fmt: skip


@each(
    ("asked", "found"),
    [
        ("cadiz", 3), ("CÁDIZ", 3), (unicodedata.normalize("NFD", "cádi"), 3), ("lodz", 1),
        ("Łódź", 1), ("strasse", 1), ("STRAßE", 1), ("izmir", 1), ("orsted", 1), ("ΣΊΣΥΦΟΣ", 1),
        ("athens", 1), ("100%", 1), ("%", 1), ("é_", 1), ("e_1", 1), ("_", 1), ("\\", 0),
        ("madrid", 0),
    ],
)  # fmt: skip
def test_a_name_is_found(erin: Person, asked: str, found: int) -> None:
    for name in NAMES:
        erin.facility(name=name)
    assert Facility.objects.filter(name__mentions=asked).count() == found
    assert erin.get(f"/v1/facilities?name={quote(asked)}").body["total"] == found


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20))
def test_the_databases_function_is_the_same_as_ours_where_it_matters(text: str) -> None:
    """Beyond letters of living scripts their Unicode versions may differ."""
    plain = "".join(one for one in text if ord(one) < 0x250)
    with connection.cursor() as cursor:
        cursor.execute("SELECT folded(%s)", [plain])
        assert cursor.fetchone()[0] == folded(plain)


def test_staff_find_it_too(admin_client: object, erin: Person) -> None:
    erin.facility(name="Cádiz")
    page = admin_client.get("/admin/facilities/facility/?q=cadiz")  # type: ignore[attr-defined]
    assert "Cádiz" in page.content.decode()
