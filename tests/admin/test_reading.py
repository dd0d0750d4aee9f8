"""What a page of the admin shows: numbers, months and times as its reader reads them."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.test import Client
from django.utils import timezone

from emissions.admin.period import after
from organizations.models import User
from organizations.staff.numbers import shown_amount
from organizations.staff.values.masses import shown_mass, signed_mass, written
from tests.cases import each
from tests.conftest import Person

MONTHLY = "/admin/emissions/emission/monthly/"
pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("kilograms", "kg", "tonnes"),
    [
        ("0", "0 kg", "0.000 t"), ("0.001234", "0.00123 kg", "0.00000123 t"),
        ("0.5", "0.5 kg", "0.0005 t"), ("12.3456", "12.35 kg", "0.01235 t"),
        ("99.999", "100 kg", "0.100 t"), ("100.4", "100 kg", "0.100 t"),
        ("1234.567891", "1,235 kg", "1.235 t"), ("-1234.5", "-1,235 kg", "-1.235 t"),
        ("999999.4", "999,999 kg", "999.999 t"),
    ],
)  # fmt: skip
def test_a_figure_says_the_same_in_either_unit(kilograms: str, kg: str, tonnes: str) -> None:
    assert written(Decimal(kilograms), "kg") == kg
    assert written(Decimal(kilograms), "t") == tonnes


@pytest.mark.parametrize(
    ("kilograms", "shown"),
    [("999999.4", "999,999 kg"), ("999999.6", "1,000.000 t"), ("1234567.89", "1,234.568 t")],
)
def test_a_figure_by_itself_is_in_tonnes_where_kilograms_would_have_seven_digits(
    kilograms: str, shown: str
) -> None:
    assert f">{shown}<" in shown_mass(Decimal(kilograms))
    assert f">+{shown}<" in signed_mass(Decimal(kilograms))


TABLES = {
    "/admin/facilities/facility/": 1,
    "/admin/facilities/facility/{facility}/change/": 2,
    "/admin/emissions/consumption/": 1,
    "/admin/emissions/consumption/{bill}/change/": 1,
    "/admin/emissions/emission/": 1,
    "/admin/emissions/closedperiod/inventory/?year=2023": 7,
    "/admin/emissions/emission/figures/?year=2023": 6,
    "/admin/": 1,
    MONTHLY: 1,
}
"""The pages with kg, and how many of their tables have any."""


def test_a_table_has_one_unit_and_no_figure_has_seven_digits_of_kg(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    facility = alice.facility()
    for month, quantity in ((2, 1000), (1, 2_469_135)):
        period = {"start_date": f"2023-{month:02}-01", "end_date": f"2023-{month:02}-28"}
        bill = alice.consumption(facility, quantity=quantity, **period)
    for address, expected in TABLES.items():
        asked = address.format(facility=facility["id"], bill=bill["id"])
        page = alice_admin.get(asked).content.decode()
        assert not re.search(r">\s*[+−]?\d{1,3},\d{3},\d{3}(\.\d+)? kg", page), asked
        found = 0
        for table in re.findall(r"<table\b.*?</table>", page, re.DOTALL):
            figures = re.findall(r'data-(?:kg|change)="[^"]+">([^<]*)<', table)
            units = {one.split()[-1] for one in figures}
            found += bool(units)
            assert len(units) <= 1, (asked, figures)
            if "1,234.568 t" in figures:
                assert units == {"t"}, (asked, figures)
                assert 'title="1,234,567.5 kg"' in table
        assert found == expected, asked
    page = alice_admin.get("/admin/emissions/consumption/").content.decode()
    assert re.findall(r'data-kg="[^"]+">([^<]*)<', page) == ["1,234.568 t", "0.500 t"]
    assert alice_admin.get(MONTHLY).context["monthly"]["chart"]["unit"] == "t"
    page = alice_admin.get("/admin/emissions/consumption/?category__exact=heat").content.decode()
    assert "data-kg" not in page


def test_a_table_without_seven_digits_stays_in_kilograms(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor()
    alice.consumption(alice.facility(), quantity=1_999_998)
    page = alice_admin.get("/admin/emissions/consumption/").content.decode()
    assert re.findall(r'data-kg="[^"]+">([^<]*)<', page) == ["999,999 kg"]
    assert alice_admin.get(MONTHLY).context["monthly"]["chart"]["unit"] == "kg"


def test_what_is_rounded_says_the_exact_number_where_one_points_at_it() -> None:
    assert 'title="1,234.567891 kg"' in shown_mass(Decimal("1234.567891"))
    assert 'title="12.123456789012 kWh">12.123 kWh<' in shown_amount(
        Decimal("12.123456789012"), "kWh"
    )
    assert shown_amount(Decimal("1047.500000"), "kWh") == "1,047.5 kWh"


@pytest.mark.parametrize(("language", "shown"), [("es", "1.234.567,5"), ("en", "1,234,567.5")])
def test_separators_are_those_of_the_readers_language_on_the_page_and_in_the_chart(
    alice: Person, alice_admin: Client, language: str, shown: str
) -> None:
    User.objects.filter(pk=alice.user.pk).update(language=language)
    alice.factor()
    alice.consumption(alice.facility(), quantity=2_469_135)
    answer = alice_admin.get(MONTHLY)
    assert f'title="{shown} kg"' in answer.content.decode()
    decimal, thousands = answer.context["monthly"]["chart"]["separators"]
    assert f"1{thousands}234{thousands}567{decimal}5" == shown


def test_the_api_does_not_follow_the_language(alice: Person) -> None:
    facility = alice.facility()
    alice.consumption(facility, quantity=Decimal("1047.5"))
    answer = alice.get("/v1/consumptions", **{"accept-language": "es"})
    assert answer.body["items"][0]["quantity"] == Decimal("1047.5")


def test_the_axis_has_every_month_and_a_bill_of_the_future_does_not_stretch_it(
    alice: Person, alice_admin: Client
) -> None:
    alice.factor(valid_from="2020-01-01", valid_to=None)
    facility = alice.facility()
    this = timezone.localdate().replace(day=1)
    for month in (after(this, -4), after(this, -1), after(this, 60)):
        day = month.isoformat()
        alice.consumption(facility, start_date=day, end_date=month.replace(day=28).isoformat())
    shown = alice_admin.get(MONTHLY).context["monthly"]
    assert shown["chart"]["labels"] == [f"{after(this, back):%Y-%m}" for back in (-4, -3, -2, -1)]
    [series] = shown["chart"]["series"]
    assert series["data"] == ["500.000000", None, None, "500.000000"]
    assert shown["later"] == 1


def test_months_are_counted_over_new_year() -> None:
    assert after(date(2023, 12, 1)) == date(2024, 1, 1)
    assert after(date(2024, 1, 1), -1) == date(2023, 12, 1)


@each(
    ("cookie", "named", "hour"),
    [("Europe/Madrid", "Europe/Madrid", 14), ("", "UTC", 12), ("../etc/passwd", "UTC", 12)],
)
def test_times_are_in_the_readers_zone_and_it_is_named(
    alice: Person, alice_admin: Client, cookie: str, named: str, hour: int
) -> None:
    noon = datetime(2023, 7, 1, 12, tzinfo=UTC)
    type(alice.user).objects.filter(pk=alice.user.pk).update(last_login=noon)
    alice_admin.cookies["timezone"] = cookie
    page = alice_admin.get("/admin/organizations/user/").content.decode()
    assert f"2023-07-01 {hour}:00" in page
    assert f"Times are in {named}." in page


def test_an_empty_organization_sees_three_steps_until_it_has_a_figure(
    alice: Person, alice_admin: Client, bob_admin: Client
) -> None:
    page = alice_admin.get("/admin/").content.decode()
    assert page.count('class="fa-done"') == 0
    for address in ("/admin/facilities/facility/add/", "/admin/emissions/consumption/upload/",
                    "/admin/emissions/consumption/missing/"):  # fmt: skip
        assert f'fa-button" href="{address}"' in page
    assert 'class="fa-cards"' not in page
    assert "facility/add/" not in bob_admin.get("/admin/").content.decode()
    facility = alice.facility()
    assert alice_admin.get("/admin/").content.decode().count('class="fa-done"') == 1
    alice.factor()
    alice.consumption(facility)
    page = alice_admin.get("/admin/").content.decode()
    assert "first-steps" not in page
    assert 'class="fa-cards"' in page
