"""Numbers stay exact on the database at hand and on the wire, where floats would not."""

import json
import re
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection, transaction
from django.db.models import F, Max, Min, Q
from django.test import Client
from hypothesis import given, settings
from hypothesis import strategies as st

from emissions.models import Consumption, Emission, EmissionFactor
from facilities.models import Facility
from organizations.database.decimals import ExactSum
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.examples import examples

pytestmark = pytest.mark.django_db

LARGEST = Decimal("999999999999.999999")
"""18 digits; a float has 15 to 17."""

TELLING = [
    *map(Decimal, ("0", "0.000001", "-0.000001", "0.1", "0.2", "0.3", "1", "-1", "1e3")),
    *map(Decimal, ("123456789012.123456", "9007199254.740993", "-123456789012.123457")),
    LARGEST,
    -LARGEST,
]
"""9,007,199,254.740993 is one step past 2⁵³ steps, the last whole number that a float counts to."""


@pytest.fixture
def sites(organization: Organization) -> Any:
    """Stores facilities with these totals, without any signal."""

    def store(amounts: Iterable[Decimal]) -> Any:
        Facility.objects.bulk_create(
            Facility(
                organization=organization, name=str(number), type="office", country="ES", co2e=one
            )
            for number, one in enumerate(amounts)
        )
        return Facility.objects.for_organization(organization.pk)

    return store


def amounts(queryset: Any) -> list[Decimal]:
    return list(queryset.values_list("co2e", flat=True))


# The column


def test_what_is_stored_comes_back_to_the_last_digit(sites: Any) -> None:
    stored = sites(TELLING)
    assert [stored.get(name=str(number)).co2e for number in range(len(TELLING))] == TELLING
    assert set(map(type, amounts(stored))) == {Decimal}


@settings(
    max_examples=examples(20),
    deadline=None,
)
@given(
    st.decimals(min_value=0, max_value=LARGEST, places=6),
    st.decimals(min_value=0, max_value=Decimal("99999999.9999999999"), places=10),
    st.decimals(min_value=0, max_value=1, places=6),
)
def test_any_number_that_fits_comes_back(
    organization: Organization, quantity: Decimal, per_unit: Decimal, share: Decimal
) -> None:
    with transaction.atomic():
        # no category, so that nothing counts there and no figure is too large
        place: dict[str, Any] = {"country": "ES", "categories": [], "logistic_factor": share}
        facility = Facility(organization=organization, name="F", type="office", **place)
        facility.save()
        bill = Consumption(
            organization=organization,
            facility=facility,
            category="water",
            activity="supply",
            quantity=quantity,
            unit="m3",
            start_date="2023-01-01",
            end_date="2023-01-31",
        )
        bill.save()
        factor = EmissionFactor(
            organization=organization,
            category="water",
            activity="supply",
            unit="m3",
            valid_from="2023-01-01",
            co2e=per_unit,
            scope=3,
        )
        factor.save()
        assert Facility.objects.get(pk=facility.pk).logistic_factor == share
        assert Consumption.objects.get(pk=bill.pk).quantity == quantity
        assert Consumption.objects.filter(pk=bill.pk, quantity=quantity).exists()
        assert EmissionFactor.objects.get(pk=factor.pk).co2e == per_unit
        transaction.set_rollback(True)


def test_the_order_is_that_of_the_numbers(sites: Any) -> None:
    stored = sites(TELLING)
    assert amounts(stored.order_by("co2e")) == sorted(TELLING)
    assert amounts(stored.order_by(F("co2e").desc())) == sorted(TELLING, reverse=True)
    assert stored.aggregate(low=Min("co2e"), high=Max("co2e")) == {"low": -LARGEST, "high": LARGEST}


def test_a_range_is_cut_at_the_last_digit(sites: Any) -> None:
    # as floats the three are one number
    near = [
        Decimal(one)
        for one in ("123456789012.123455", "123456789012.123456", "123456789012.123457")
    ]
    stored = sites(near)
    for position, one in enumerate(near):
        assert amounts(stored.filter(co2e=one)) == [one]
        assert sorted(amounts(stored.filter(co2e__lt=one))) == near[:position]
        assert sorted(amounts(stored.filter(co2e__lte=one))) == near[: position + 1]
        assert sorted(amounts(stored.filter(co2e__gt=one))) == near[position + 1 :]
        assert sorted(amounts(stored.filter(co2e__gte=one))) == near[position:]
    assert sorted(amounts(stored.filter(co2e__in=near[::2]))) == near[::2]
    assert sorted(amounts(stored.filter(co2e__range=(near[1], near[2])))) == near[1:]


@each(
    ("numbers", "expected"),
    [
        (["0.1", "0.2"], "0.3"),
        (["0.1"] * 2000, "200"),
        (["123456789012.123456", "-123456789012.123455"], "0.000001"),
        (["999999999999.999999"] * 9, "8999999999999.999991"),
        (["999999999999.999999"] * 30, "29999999999999.99997"),
        (["-999999999999.999999"] * 30, "-29999999999999.99997"),
        (["-1000", "0.000001"], "-999.999999"),
        (["9007199254.740993", "0.000001", "0.000001"], "9007199254.740995"),
        (["1000000000"] + ["0.000001"] * 1000, "1000000000.001"),
    ],
)
def test_a_sum_is_exact_where_floats_are_not(sites: Any, numbers: list[str], expected: str) -> None:
    stored = sites(map(Decimal, numbers))
    found = stored.aggregate(sum=ExactSum("co2e"))["sum"]
    assert (type(found), found) == (Decimal, Decimal(expected))
    [by_type] = stored.values("type").annotate(sum=ExactSum("co2e"))
    assert by_type["sum"] == Decimal(expected)


def test_a_sum_over_nothing_is_nothing(sites: Any) -> None:
    assert sites([]).aggregate(sum=ExactSum("co2e")) == {"sum": None}


def test_a_sum_may_be_of_some_rows(sites: Any) -> None:
    stored = sites(map(Decimal, ("1", "2.5", "-4")))
    some = ExactSum("co2e", filter=Q(co2e__gt=Decimal(1)) | Q(name="2"))
    assert stored.aggregate(sum=some)["sum"] == Decimal("-1.5")


def test_a_breakdown_of_gigatonnes_that_cancel_out_adds_up(erin: Person) -> None:
    """Each figure is under a gigatonne, but SQLite's 64 bits of milligrams end at nine."""
    lava = {"category": "heat", "activity": "lava", "method": None, "country": None}
    erin.factor(**lava, co2e=Decimal(1), valid_from="2022-01-01")
    site = erin.facility()
    bill = {"category": "heat", "activity": "lava", "data_quality": "adjustment"}
    for sign in [1, -1] * 12:
        year = 2023 if sign > 0 else 2022
        bounds = {"start_date": f"{year}-01-01", "end_date": f"{year}-01-31"}
        erin.consumption(site, **bill, **bounds, quantity=sign * LARGEST)
    body = erin.get(f"/v1/facilities/{site['id']}/emissions?group_by=year").body
    assert [item["co2e"] for item in body["items"]] == [-12 * LARGEST, 12 * LARGEST]
    assert body["co2e"] == 0


def test_the_twelve_decimals_of_a_part_come_back(erin: Person) -> None:
    bill = erin.consumption(
        erin.facility(),
        quantity=Decimal("123456789.123457"),
        start_date="2023-01-01",
        end_date="2023-03-31",
    )
    parts = Emission.objects.filter(consumption_id=bill["id"]).values_list("quantity", flat=True)
    # × 31/90 = 42524005.142524077777…, × 28/90 = 38408778.838408844444…, and what is left
    assert list(parts.order_by("start_date")) == [
        Decimal("42524005.142524077778"),
        Decimal("38408778.838408844444"),
        Decimal("42524005.142524077778"),
    ]
    assert sum(parts) == Decimal("123456789.123457")


@pytest.mark.parametrize("number", ["0.0000001", "1.2345678", "-0.0000005"])
def test_too_many_decimals_are_refused_and_not_rounded(sites: Any, number: str) -> None:
    with pytest.raises((ValueError, ValidationError, DatabaseError)), transaction.atomic():
        sites([Decimal(number)])
    [site] = sites([Decimal(1)])
    with pytest.raises((ValueError, ValidationError, DatabaseError)), transaction.atomic():
        Facility.objects.filter(pk=site.pk).update(co2e=Decimal(number))
    site.refresh_from_db()
    assert site.co2e == 1


def test_too_many_digits_are_refused(sites: Any) -> None:
    with pytest.raises((ValueError, ValidationError, DatabaseError)), transaction.atomic():
        sites([Decimal(10) ** 12])


def test_trailing_zeros_are_not_decimals(sites: Any) -> None:
    assert amounts(sites([Decimal("1.50000000000")])) == [Decimal("1.5")]


def test_the_database_holds_no_float(sites: Any) -> None:
    stored = sites([Decimal("0.1")])
    with connection.cursor() as cursor:
        kind = "pg_typeof(co2e)::text" if connection.vendor == "postgresql" else "typeof(co2e)"
        cursor.execute(f"SELECT {kind} FROM {Facility._meta.db_table}")
        assert cursor.fetchone()[0] in ("numeric", "integer")
    assert amounts(stored) == [Decimal("0.1")]


# The wire


def raw(person: Person, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """One request and the very bytes of the answer."""
    response = Client().generic(
        method, path, body, content_type="application/json", headers=person.headers
    )
    return response.status_code, response.getvalue()


def bill_with(person: Person, quantity: str, **fields: Any) -> tuple[int, bytes]:
    """A consumption whose quantity is this text in the body."""
    body = {
        "facility_id": person.facility()["id"],
        "category": "water",
        "unit": "L",
        "start_date": "2023-01-01",
        "end_date": "2023-01-31",
        **fields,
    }
    text = json.dumps(body)[:-1] + f', "quantity": {quantity}}}'
    return raw(person, "POST", "/v1/consumptions", text.encode())


@each(
    ("sent", "shown"),
    [
        ("123456789012.123456", b"123456789012.123456"),
        ("999999999999.999999", b"999999999999.999999"),
        ("9007199254.740993", b"9007199254.740993"),
        ("0.1", b"0.1"),
        ("0.000001", b"0.000001"),
        ("1e-6", b"0.000001"),
        ("100000000000", b"100000000000"),
        ("1E3", b"1000"),
        ("1.50", b"1.5"),
        ("0", b"0"),
        ("0.000", b"0"),
    ],
)
def test_a_number_goes_in_and_out_digit_for_digit(erin: Person, sent: str, shown: bytes) -> None:
    status, created = bill_with(erin, sent)
    assert status == 201, created
    found = json.loads(created)["id"]
    for path in (f"/v1/consumptions/{found}", "/v1/consumptions"):
        _, content = raw(erin, "GET", path)
        assert b'"quantity":' + shown + b"," in content.replace(b": ", b":"), content


def test_an_adjustment_goes_in_and_out_digit_for_digit(erin: Person) -> None:
    status, content = bill_with(erin, "-123456789012.123456", data_quality="adjustment")
    assert status == 201, content
    assert b'"quantity":-123456789012.123456,' in content
    # −123,456,789.012123456 m3 × 0.1913 = −23,617,283.7380192171328
    assert b'"co2e":-23617283.738019,' in content


@each(
    "sent",
    [
        "0.0000001",
        "1000000000000",
        "1e12",
        "1e400",
        '"1"',
        "true",
        "null",
        "[1]",
        "-1",
    ],
)
def test_a_number_that_does_not_fit_is_refused_on_its_field(erin: Person, sent: str) -> None:
    status, content = bill_with(erin, sent)
    assert status == 422, content
    assert [one["field"] for one in json.loads(content)["errors"]] == ["quantity"]
    assert erin.get("/v1/consumptions").body["total"] == 0


@each("sent", ["NaN", "Infinity", "-Infinity", "01", "1.", ".5", "+1"])
def test_what_is_no_json_number_is_no_json(erin: Person, sent: str) -> None:
    assert bill_with(erin, sent)[0] == 400


def test_a_factors_ten_decimals_go_in_and_out_digit_for_digit(erin: Person) -> None:
    body = (
        b'{"category": "water", "activity": "supply", "unit": "m3", "valid_from": "2023-01-01",'
        b' "co2e": 12345678.0123456789, "co2e_biomass": 0.0000000001}'
    )
    status, content = raw(erin, "POST", "/v1/emission-factors", body)
    assert status == 201, content
    assert b'"co2e":12345678.0123456789,"co2e_biomass":0.0000000001,' in content
    assert (
        b'"co2e":12345678.0123456789,"co2e_biomass":0.0000000001,'
        in raw(erin, "GET", "/v1/emission-factors?own=true")[1]
    )


def test_a_tenth_and_two_tenths_are_three_tenths_in_every_total(erin: Person) -> None:
    erin.factor(co2e=1)
    erin.factor(co2e=1, method="market")
    site = erin.facility()
    for quantity in ("0.1", "0.2"):
        erin.consumption(site, quantity=Decimal(quantity))
    totals = b'"co2e":0.3,"co2e_market":0.3,"co2e_biomass":0'
    for path in ("", "/emissions"):
        assert totals in raw(erin, "GET", f"/v1/facilities/{site['id']}{path}")[1]


def test_a_list_is_filtered_and_sorted_at_the_last_digit(erin: Person, sites: Any) -> None:
    near = [
        Decimal(one)
        for one in ("123456789012.123455", "123456789012.123456", "123456789012.123457")
    ]
    sites(near)

    def listed(query: str) -> list[Decimal]:
        answer = erin.get(f"/v1/facilities?{query}")
        assert answer.status == 200, answer.body
        return [one["co2e"] for one in answer.body["items"]]

    assert listed("sort=co2e") == near
    assert listed("sort=-co2e") == near[::-1]
    assert listed("co2e_min=123456789012.123456&sort=co2e") == near[1:]
    assert listed("co2e_max=123456789012.123456&sort=co2e") == near[:2]
    assert listed(f"co2e_min={near[1]}&co2e_max={near[1]}") == [near[1]]


@pytest.mark.parametrize("limit", ["0.0000001", "1e30", "nan", "inf", "1e-400", ""])
def test_a_limit_that_is_no_such_number_is_refused(erin: Person, limit: str) -> None:
    answer = erin.get(f"/v1/facilities?co2e_min={limit}")
    assert (answer.status, set(answer.fields)) == (422, {"co2e_min"})


def test_zero_has_no_sign(erin: Person) -> None:
    """In the product of a correction and a factor of zero."""
    erin.factor(category="heat", activity="lava", method=None, country=None, co2e=0)
    site = erin.facility()
    bill = {"category": "heat", "activity": "lava", "data_quality": "adjustment", "quantity": -5}
    stored = erin.consumption(site, **bill)
    for path in ("", "/calculation"):
        response = Client().get(f"/v1/consumptions/{stored['id']}{path}", headers=erin.headers)
        assert response.status_code == 200
        assert not re.search(rb":-0[,}]", response.content)
