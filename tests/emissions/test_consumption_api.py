"""`/v1/consumptions`: every verb and every field's rules."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any
from urllib.parse import quote
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from emissions.models import Consumption
from tests.conftest import Answer, Person
from tests.facilities.cups import cups
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

LIST = "/v1/consumptions"
FIELDS = {
    "id", "external_id", "facility_id", "category", "activity", "quantity", "unit", "start_date",
    "end_date", "supplier", "cups", "data_quality", "status", "note", "co2e", "co2e_market",
    "co2e_biomass", "co2e_status", "co2e_reason", "created_at", "updated_at",
}  # fmt: skip
BILL = {
    "category": "electricity",
    "quantity": 1000,
    "unit": "kWh",
    "start_date": "2023-03-01",
    "end_date": "2023-03-31",
}
GAS = {"category": "heat", "activity": "natural_gas"}
REFILL = {
    "category": "recharge",
    "activity": "R-410A",
    "quantity": 2,
    "unit": "kg",
    "end_date": "2023-03-01",
}
VERBS = ["PUT", "PATCH"]


@pytest.fixture
def facility(erin: Person) -> dict[str, Any]:
    return erin.facility(cups_list=[cups(1), cups(2)])


def post(person: Person, facility: dict[str, Any], /, **fields: Any) -> Answer:
    """POST of 1,000 kWh of electricity with these fields instead; `...` leaves one out."""
    body = {**BILL, "facility_id": facility["id"], **fields}
    return person.post(LIST, {name: value for name, value in body.items() if value is not ...})


def raw(facility: dict[str, Any], quantity: bytes) -> bytes:
    """The same body with a quantity as these bytes."""
    return (
        b'{"facility_id": "%s", "category": "electricity", "unit": "kWh", "start_date": '
        b'"2023-03-01", "end_date": "2023-03-31", "quantity": %s}'
    ) % (facility["id"].encode(), quantity)


def total(person: Person, facility: dict[str, Any]) -> Decimal:
    return person.get(f"/v1/facilities/{facility['id']}").body["co2e"]


def path(row: dict[str, Any]) -> str:
    return f"{LIST}/{row['id']}"


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


# POST


def test_a_bill_is_stored_computed_and_answered_with_its_location(
    erin: Person, facility: dict[str, Any]
) -> None:
    answer = post(erin, facility)
    assert answer.status == 201
    assert answer.headers["Location"] == path(answer.body)
    assert set(answer.body) == FIELDS
    assert UUID(answer.body["id"]).version == 7
    assert without(answer.body, "id", "created_at", "updated_at") == {
        **BILL,
        "facility_id": facility["id"],
        "activity": "grid",
        "external_id": None,
        "supplier": None,
        "cups": None,
        "data_quality": "actual",
        "status": "active",
        "note": None,
        "co2e": Decimal("169.28"),
        "co2e_market": 260,
        "co2e_biomass": 0,
        "co2e_status": "calculated",
        "co2e_reason": None,
    }
    read = erin.get(answer.headers["Location"])
    assert read.body == answer.body
    assert read.headers["ETag"] == answer.headers["ETag"]
    assert total(erin, facility) == Decimal("169.28")


def test_what_is_given_is_kept(erin: Person, facility: dict[str, Any]) -> None:
    given = {
        "external_id": "INV-1",
        "category": "electricity",
        "activity": "grid",
        "quantity": Decimal("0.000001"),
        "unit": "MWh",
        "start_date": "2022-12-31",
        "end_date": "2023-01-01",
        "supplier": "Ñandú Energía, S.L.",
        "cups": cups(2),
        "data_quality": "estimated",
        "status": "inactive",
        "note": "Read by the caretaker 🏭",
    }
    body = post(erin, facility, **given).body
    assert {name: body[name] for name in given} == given


@pytest.mark.parametrize(
    ("fields", "activity", "co2e"),
    [
        ({}, "grid", Decimal("169.28")),
        ({"activity": None}, "grid", Decimal("169.28")),
        ({"activity": " "}, "grid", Decimal("169.28")),
        ({"category": "water", "unit": "m3"}, "supply", Decimal("191.3")),
        ({"category": "water", "unit": "m3", "activity": ""}, "supply", Decimal("191.3")),
        ({"category": "water", "unit": "m3", "activity": "treatment"}, "treatment", "170.88"),
        (GAS, "natural_gas", 182),
        ({**GAS, "activity": " natural_gas "}, "natural_gas", 182),
        (REFILL, "R-410A", 4512),
    ],
)
def test_an_activity_has_a_default_for_electricity_and_water(
    erin: Person, facility: dict[str, Any], fields: dict[str, Any], activity: str, co2e: Any
) -> None:
    body = post(erin, facility, **fields).body
    assert (body["activity"], body["co2e"]) == (activity, Decimal(co2e))


@pytest.mark.parametrize("activity", [..., None, ""])
@pytest.mark.parametrize("category", ["heat", "recharge"])
def test_heat_and_refrigerants_have_no_default_activity(
    erin: Person, facility: dict[str, Any], category: str, activity: Any
) -> None:
    fields = {"category": category, "activity": activity, "end_date": "2023-03-01"}
    answer = post(erin, facility, **fields)
    assert refused(answer) == ["activity"]
    assert answer.error("activity")["code"] == "required"


REQUIRED = ["facility_id", "category", "quantity", "unit", "start_date", "end_date"]


@pytest.mark.parametrize("name", REQUIRED)
def test_these_fields_are_required(erin: Person, facility: dict[str, Any], name: str) -> None:
    for value in (..., None, ""):
        assert refused(post(erin, facility, **{name: value})) == [name], value


def test_an_empty_body_names_all_that_is_missing(erin: Person) -> None:
    assert sorted(refused(erin.post(LIST, {}))) == sorted(REQUIRED)


@pytest.mark.parametrize("body", [[], "bill", 7, True])
def test_a_body_that_is_no_object_is_refused(erin: Person, body: Any) -> None:
    assert refused(erin.post(LIST, body)) == ["body"]


@pytest.mark.parametrize(
    ("fields", "nearest"),
    [
        ({**GAS, "activity": "natural-gas"}, "natural_gas"),
        ({**GAS, "activity": "Natural Gas"}, "natural_gas"),
        ({**GAS, "activity": "pellets"}, "wood_pellets"),
        ({**REFILL, "activity": "R410A"}, "R-410A"),
        ({**REFILL, "activity": "r-410a"}, "R-410A"),
        ({"activity": "gird"}, "grid"),
        ({"activity": "natural_gas"}, "grid"),
        ({"category": "water", "activity": "suply"}, "supply"),
    ],
)
def test_an_unknown_activity_is_refused_with_the_nearest_names(
    erin: Person, facility: dict[str, Any], fields: dict[str, Any], nearest: str
) -> None:
    answer = post(erin, facility, **fields)
    assert refused(answer) == ["activity"]
    error = answer.error("activity")
    assert error["code"] == "unknown_activity"
    assert nearest in error["detail"].partition("Nearest")[2].rstrip(".").split(": ")[1].split(", ")


def test_an_own_factor_makes_its_activity_known_to_its_organization(
    erin: Person, charlie: Person, facility: dict[str, Any]
) -> None:
    husks = {"category": "heat", "activity": "sunflower_husks"}
    assert refused(post(erin, facility, **husks)) == ["activity"]
    charlie.factor(**husks, method=None)
    assert refused(post(erin, facility, **husks)) == ["activity"]
    erin.factor(**husks, method=None, co2e=Decimal("0.02"))
    assert post(erin, facility, **husks).body["co2e"] == 20
    assert refused(post(erin, facility, **{**husks, "category": "electricity"})) == ["activity"]


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("category", ["gas", "Heat", "heat ", 1, True, ["heat"], {}]),
        ("unit", ["kwh", "KWH", "m³", "litre", 1, True, ["kWh"], {"kWh": 1}]),
        ("data_quality", ["guessed", "ACTUAL", "", None, 1]),
        ("status", ["archived", "Active", "", None, True]),
        ("facility_id", ["x", "0", "\0", "\ud800", 7, True, [], {}, ["x"], str(uuid4())]),
        ("activity", [7, True, [], {}, "x" * 51, "gr\0id", "\ud800"]),
        ("cups", [cups(9), cups(1)[:-1] + "Z", "ES1", "x" * 31, 7, True, [cups(1)]]),
    ],
)
def test_an_unknown_value_is_refused(
    erin: Person, facility: dict[str, Any], name: str, values: list[Any]
) -> None:
    for value in values:
        assert refused(post(erin, facility, **{name: value})) == [name], value


@pytest.mark.parametrize(
    ("unit", "co2e"),
    [
        ("Wh", "0.16928"), ("kWh", "169.28"), ("MWh", "169280"), ("GWh", "169280000"),
        ("MJ", "47.022222"), ("GJ", "47022.222222"), ("TJ", "47022222.222222"),
        ("kBtu", "49.611071"), ("MMBtu", "49611.070759"), ("therm", "4961.107076"),
    ],
)  # fmt: skip
def test_a_unit_is_converted_exactly(
    erin: Person, facility: dict[str, Any], unit: str, co2e: str
) -> None:
    body = post(erin, facility, unit=unit).body
    assert (body["quantity"], body["unit"], body["co2e"]) == (1000, unit, Decimal(co2e))


@pytest.mark.parametrize("unit", ["kWh_net", "m3", "kg"])
def test_a_unit_that_no_factor_is_in_is_kept_without_a_figure(
    erin: Person, facility: dict[str, Any], unit: str
) -> None:
    body = post(erin, facility, unit=unit).body
    assert (body["co2e"], body["co2e_market"], body["co2e_biomass"]) == (None, None, None)
    assert body["co2e_status"] == "not_calculated"
    assert body["co2e_reason"].startswith("no_factor: ")
    held = erin.get(f"/v1/facilities/{facility['id']}").body
    assert (held["co2e"], held["co2e_status"]) == (0, "incomplete")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (b"0", "0"), (b"-0", "0"), (b"-0.0", "0"), (b"0.000001", "0.000001"), (b"1E+3", "1000"),
        (b"1e-6", "0.000001"), (b"12.50000000000000000000000000000000", "12.5"), (b"0E+50", "0"),
        (b"0e-50", "0"), (b"123456789012.123456", "123456789012.123456"),
        (b"999999999999.999999", "999999999999.999999"),
    ],
)  # fmt: skip
def test_a_quantity_is_kept_digit_for_digit(
    erin: Person, facility: dict[str, Any], given: bytes, stored: str
) -> None:
    answer = erin.post(LIST, raw(facility, given))
    assert answer.status == 201, answer.body
    assert answer.body["quantity"] == Decimal(stored)
    exact = (Decimal(stored) * Decimal("0.16928")).quantize(Decimal("0.000001"), "ROUND_HALF_UP")
    assert answer.body["co2e"] == exact
    assert answer.body["co2e_status"] == "calculated"


@pytest.mark.parametrize(
    "value",
    [
        b'"1000"', b'""', b"true", b"false", b"[1]", b'{"value": 1}', b"-1", b"-0.000001",
        b"0.0000001", b"1.0000001", b"1.0000000000000000000000000000000000001", b"1000000000000",
        b"1e12", b"1e400", b"1e-400", b"1e1000000", b"-1e-1000000", b"1e-99999999", b"9" * 1001,
    ],
)  # fmt: skip
def test_a_quantity_is_a_json_number_of_12_digits_and_6_decimals(
    erin: Person, facility: dict[str, Any], value: bytes
) -> None:
    assert refused(erin.post(LIST, raw(facility, value))) == ["quantity"]


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1,5", b"01", b"+1"])
def test_what_is_no_json_number_is_no_json(
    erin: Person, facility: dict[str, Any], value: bytes
) -> None:
    answer = erin.post(LIST, raw(facility, value))
    assert (answer.status, answer.body["code"]) == (400, "invalid_json")


def test_an_adjustment_alone_may_be_negative(erin: Person, facility: dict[str, Any]) -> None:
    post(erin, facility)
    for quality in ("actual", "estimated"):
        answer = post(erin, facility, quantity=-100, data_quality=quality)
        assert refused(answer) == ["quantity"]
        assert answer.error("quantity")["code"] == "min_value"
    body = post(erin, facility, quantity=-100, data_quality="adjustment").body
    assert (body["quantity"], body["co2e"]) == (-100, Decimal("-16.928"))
    assert total(erin, facility) == Decimal("152.352")
    assert refused(erin.patch(path(body), {"data_quality": "actual"})) == ["quantity"]
    assert post(erin, facility, quantity=5, data_quality="adjustment").status == 201


@pytest.mark.parametrize(
    "value",
    [
        "2023-3-1", "20230301", "2023-03-01T00:00:00", "2023-03-01T00:00:00Z", "2023-03-01 ",
        " 2023-03-01", "01/03/2023", "2023/03/01", "2023-W09-3", "2023-02-30", "2023-13-01",
        "0000-01-01", "+2023-03-01", "-2023-03-01", "２０２３-03-01", "2023-03-01\0", "today",
        20230301, 1677628800, True, ["2023-03-01"], {"year": 2023},
    ],
)  # fmt: skip
def test_a_date_is_written_yyyy_mm_dd(erin: Person, facility: dict[str, Any], value: Any) -> None:
    answer = post(erin, facility, start_date=value, end_date=value)
    assert sorted(refused(answer)) == ["end_date", "start_date"]


@pytest.mark.parametrize(
    ("start", "end", "named", "code"),
    [
        ("2023-03-31", "2023-03-01", "end_date", "reversed_period"),
        ("2023-03-02", "2023-03-01", "end_date", "reversed_period"),
        ("2012-01-01", "2022-01-01", "end_date", "period_too_long"),
        ("1900-01-01", "2199-12-31", "end_date", "period_too_long"),
        ("1899-12-31", "1900-01-01", "start_date", "out_of_range"),
        ("2199-12-31", "2200-01-01", "end_date", "out_of_range"),
        ("0001-01-01", "2023-03-31", "start_date", "out_of_range"),
        ("2023-03-01", "9999-12-31", "end_date", "out_of_range"),
    ],
)
def test_a_period_has_an_order_and_a_longest_length(
    erin: Person, facility: dict[str, Any], start: str, end: str, named: str, code: str
) -> None:
    answer = post(erin, facility, start_date=start, end_date=end)
    assert named in refused(answer)
    assert answer.error(named)["code"] == code


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2023-03-01", "2023-03-01"),
        ("2024-02-29", "2024-02-29"),
        ("2012-01-01", "2021-12-31"),
        ("1900-01-01", "1900-01-01"),
        ("2199-12-31", "2199-12-31"),
    ],
)
def test_a_period_of_one_day_and_of_ten_years_is_fine(
    erin: Person, facility: dict[str, Any], start: str, end: str
) -> None:
    body = post(erin, facility, start_date=start, end_date=end).body
    assert (body["start_date"], body["end_date"]) == (start, end)


def test_a_refill_happens_on_one_day(erin: Person, facility: dict[str, Any]) -> None:
    answer = post(erin, facility, **{**REFILL, "end_date": "2023-03-02"})
    assert refused(answer) == ["end_date"]
    assert answer.error("end_date")["code"] == "refill_is_one_day"
    body = post(erin, facility, **REFILL).body
    assert refused(erin.patch(path(body), {"end_date": "2023-03-02"})) == ["end_date"]
    moved = erin.patch(path(body), {"start_date": "2023-03-02", "end_date": "2023-03-02"})
    assert (moved.status, moved.body["co2e"]) == (200, 4512)


def test_consumption_is_recorded_in_an_enabled_category_alone(
    erin: Person, facility: dict[str, Any]
) -> None:
    erin.patch(f"/v1/facilities/{facility['id']}", {"categories": ["heat", "water"]})
    answer = post(erin, facility)
    assert refused(answer) == ["category"]
    assert answer.error("category")["code"] == "category_disabled"
    gas = post(erin, facility, **GAS).body
    change = {"category": "electricity", "activity": "grid"}
    assert refused(erin.patch(path(gas), change)) == ["category"]


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        (cups(1), cups(1)),
        (cups(2).lower(), cups(2)),
        ("ES 0000-0000 0000-0001 " + cups(1)[-2:], cups(1)),
        (None, None),
        ("", None),
        ("  ", None),
    ],
)
def test_a_cups_is_one_of_the_facilitys(
    erin: Person, facility: dict[str, Any], given: str | None, stored: str | None
) -> None:
    assert post(erin, facility, cups=given).body["cups"] == stored


def test_a_cups_of_another_facility_is_refused(
    erin: Person, charlie: Person, facility: dict[str, Any]
) -> None:
    erin.facility(cups_list=[cups(3)])
    charlie.facility(cups_list=[cups(4)])
    for other in (cups(3), cups(4)):
        answer = post(erin, facility, cups=other)
        assert refused(answer) == ["cups"]
        assert answer.error("cups")["code"] == "not_of_facility"


def test_a_foreign_and_a_deleted_facility_are_as_unknown_as_none(
    erin: Person, charlie: Person, facility: dict[str, Any]
) -> None:
    theirs = charlie.facility()
    erin.delete(f"/v1/facilities/{facility['id']}")
    answers = []
    for pk in (theirs["id"], facility["id"], str(uuid4())):
        answer = post(erin, {"id": pk})
        assert refused(answer) == ["facility_id"]
        error = answer.error("facility_id")
        answers.append((error["code"], error["detail"].replace(pk, "it")))
    assert answers == answers[:1] * 3
    assert answers[0][0] == "does_not_exist"
    assert total(charlie, theirs) == 0


LONGEST = {"external_id": 100, "supplier": 200, "note": 500}


@pytest.mark.parametrize("name", LONGEST)
def test_text_is_trimmed_may_be_unset_and_has_a_longest_length(
    erin: Person, facility: dict[str, Any], name: str
) -> None:
    for unset in (None, "", "  "):
        assert post(erin, facility, **{name: unset}).body[name] is None
    longest = "ñ" * LONGEST[name]
    assert post(erin, facility, **{name: f" {longest}\n"}).body[name] == longest
    refusals: list[Any] = [longest + "ñ", 7, True, ["x"], {}, "a\0b", "\ud800"]
    for wrong in refusals:
        assert refused(post(erin, facility, **{name: wrong})) == [name]


def test_read_only_and_unknown_fields_are_ignored(
    erin: Person, charlie: Person, facility: dict[str, Any]
) -> None:
    given = {
        "id": str(uuid4()),
        "organization_id": str(charlie.organization.pk),
        "facility": str(uuid4()),
        "co2e": 7,
        "co2e_market": "seven",
        "co2e_biomass": None,
        "co2e_status": "not_calculated",
        "co2e_reason": "because",
        "created_at": "2001-01-01T00:00:00Z",
        "deleted_at": "2001-01-01T00:00:00Z",
        "colour": "green",
    }
    made = post(erin, facility, **given)
    changed = erin.patch(path(made.body), given)
    assert (made.status, changed.status) == (201, 200)
    for body in (made.body, changed.body):
        assert set(body) == FIELDS
        assert body["id"] != given["id"]
        assert (body["co2e"], body["co2e_market"]) == (Decimal("169.28"), 260)
        assert (body["co2e_status"], body["co2e_reason"]) == ("calculated", None)
        assert body["created_at"] > "2020"
    assert charlie.get(LIST).body["total"] == 0


def test_an_external_id_is_unique_per_organization_when_set(
    erin: Person, charlie: Person, facility: dict[str, Any]
) -> None:
    first = post(erin, facility, external_id="INV-1").body
    elsewhere = erin.facility()
    for place in (facility, elsewhere):
        answer = post(erin, place, external_id=" INV-1 ")
        assert refused(answer) == ["external_id"]
        assert answer.error("external_id")["code"] == "taken"
    other = post(erin, elsewhere, external_id="inv-1").body
    assert refused(erin.patch(path(other), {"external_id": "INV-1"})) == ["external_id"]
    assert erin.patch(path(first), {"external_id": "INV-1"}).status == 200
    assert post(charlie, charlie.facility(), external_id="INV-1").status == 201
    assert erin.delete(path(first)).status == 204
    assert post(erin, facility, external_id="INV-1").status == 201


def test_everything_that_is_wrong_is_named_at_once_and_nothing_is_stored(
    erin: Person, facility: dict[str, Any]
) -> None:
    answer = post(
        erin,
        facility,
        activity="gird",
        quantity=-1,
        end_date="2023-01-01",
        cups=cups(9),
        external_id="x",
    )
    assert sorted(refused(answer)) == ["activity", "cups", "end_date", "quantity"]
    assert erin.get(LIST).body["total"] == 0


# Figures that are too large


def test_a_figure_too_large_to_store_is_refused(erin: Person, facility: dict[str, Any]) -> None:
    post(erin, facility)
    erin.factor(co2e=99_999_999, valid_from="2024-01-01", valid_to="2024-12-31")
    period = {"start_date": "2024-01-01", "end_date": "2024-06-30"}
    answer = post(erin, facility, quantity=999_999_999_999, **period)
    assert refused(answer) == ["quantity"]
    assert answer.error("quantity")["code"] == "too_large"
    assert erin.get(LIST).body["total"] == 1
    assert total(erin, facility) == Decimal("169.28")


def test_a_total_too_large_to_store_is_refused(erin: Person, facility: dict[str, Any]) -> None:
    erin.factor(co2e=1)
    fits = post(erin, facility, quantity=999_999_999_998).body
    assert fits["co2e"] == total(erin, facility) == 999_999_999_998
    small = post(erin, facility, quantity=1).body
    assert total(erin, facility) == 999_999_999_999
    answer = post(erin, facility, quantity=1)
    assert refused(answer) == ["quantity"]
    answer = erin.patch(path(small), {"quantity": 2})
    assert refused(answer) == ["quantity"]
    assert answer.error("quantity")["code"] == "too_large"
    assert erin.get(path(small)).body == small
    assert erin.get(LIST).body["total"] == 2
    assert total(erin, facility) == 999_999_999_999


# PUT and PATCH


CHANGES: dict[str, Any] = {
    "external_id": "INV-2",
    "quantity": Decimal("2000.5"),
    "unit": "MWh",
    "start_date": "2023-02-01",
    "end_date": "2023-04-30",
    "supplier": "ABOUTWHITE SL",
    "cups": cups(1),
    "data_quality": "estimated",
    "status": "inactive",
    "note": "Read by the caretaker",
}
COMPUTED = ("co2e", "co2e_market", "co2e_biomass", "co2e_status", "co2e_reason", "updated_at")


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", CHANGES)
def test_one_field_changes_and_the_others_stay(
    erin: Person, facility: dict[str, Any], verb: str, name: str
) -> None:
    before = post(erin, facility, external_id="INV-1", cups=cups(2), note="Old").body
    answer = erin.call(verb, path(before), {name: CHANGES[name]})
    assert answer.status == 200, answer.body
    assert answer.body[name] == CHANGES[name]
    assert without(answer.body, name, *COMPUTED) == without(before, name, *COMPUTED)
    assert answer.body["updated_at"] > before["updated_at"]
    read = erin.get(path(before))
    assert read.body == answer.body
    assert read.headers["ETag"] == answer.headers["ETag"]
    assert total(erin, facility) == (answer.body["co2e"] or 0)


@pytest.mark.parametrize("verb", VERBS)
def test_a_category_and_its_activity_change_together(
    erin: Person, facility: dict[str, Any], verb: str
) -> None:
    bill = post(erin, facility).body
    assert refused(erin.call(verb, path(bill), {"category": "heat"})) == ["activity"]
    answer = erin.call(verb, path(bill), GAS)
    assert (answer.status, answer.body["co2e"]) == (200, 182)
    assert total(erin, facility) == 182
    answer = erin.call(verb, path(bill), {"category": "electricity", "activity": None})
    assert (answer.body["activity"], answer.body["co2e"]) == ("grid", Decimal("169.28"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        *(({name: None}, name) for name in REQUIRED),
        ({"status": None}, "status"),
        ({"data_quality": None}, "data_quality"),
        ({"facility_id": str(uuid4())}, "facility_id"),
        ({"quantity": -1}, "quantity"),
        ({"quantity": "1"}, "quantity"),
        ({"quantity": True}, "quantity"),
        ({"unit": "kwh"}, "unit"),
        ({"activity": "gird"}, "activity"),
        ({"start_date": "2023-04-01"}, "end_date"),
        ({"end_date": "2023-02-28"}, "end_date"),
        ({"end_date": "2023-3-31"}, "end_date"),
        ({"cups": cups(9)}, "cups"),
    ],
)
def test_a_bad_value_is_refused_and_nothing_changes(
    erin: Person, facility: dict[str, Any], change: dict[str, Any], named: str
) -> None:
    before = post(erin, facility).body
    for verb in VERBS:
        assert refused(erin.call(verb, path(before), {"note": "New", **change})) == [named]
    assert erin.get(path(before)).body == before
    assert total(erin, facility) == Decimal("169.28")


def test_an_answer_can_be_sent_back_whole(erin: Person, facility: dict[str, Any]) -> None:
    before = post(erin, facility, cups=cups(1), supplier="Somebody", note="x").body
    answer = erin.call("PUT", path(before), before)
    assert answer.status == 200
    assert without(answer.body, "updated_at") == without(before, "updated_at")


def test_an_etag_is_the_version_that_if_match_asks_for(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility)
    first = bill.headers["ETag"]
    changed = erin.patch(path(bill.body), {"quantity": 1}, **{"if-match": first})
    assert changed.status == 200
    assert changed.headers["ETag"] != first
    for verb in ("PUT", "PATCH", "DELETE"):
        late = erin.call(verb, path(bill.body), {"note": "late"}, **{"if-match": first})
        assert (late.status, late.body["code"]) == (412, "precondition_failed")
    assert erin.get(path(bill.body)).body == changed.body
    erin.patch(f"/v1/facilities/{facility['id']}", {"categories": []})
    late = erin.delete(path(bill.body), **{"if-match": changed.headers["ETag"]})
    assert late.status == 412  # its figure has gone, so it is another version
    version = erin.get(path(bill.body)).headers["ETag"]
    assert erin.delete(path(bill.body), **{"if-match": version}).status == 204


def test_a_note_can_change_after_its_category_was_disabled(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility).body
    erin.patch(f"/v1/facilities/{facility['id']}", {"categories": ["heat"]})
    for change in ({"note": "Late"}, {"note": "Later", "category": "electricity"}):
        answer = erin.patch(path(bill), change)
        assert (answer.status, answer.body["note"]) == (200, change["note"])
        assert answer.body["co2e_reason"] == "category_disabled"


def test_a_note_can_change_after_its_activitys_factor_was_deleted(
    erin: Person, facility: dict[str, Any]
) -> None:
    husks = {"category": "heat", "activity": "sunflower_husks"}
    factor = erin.factor(**husks, method=None)
    bill = post(erin, facility, **husks).body
    assert bill["co2e"] == 500
    assert erin.delete(f"/v1/emission-factors/{factor['id']}").status == 204
    for change in ({"note": "Late"}, {"note": "Later", **husks}, {"note": "Last", "quantity": 9}):
        answer = erin.patch(path(bill), change)
        assert (answer.status, answer.body["note"]) == (200, change["note"])
        assert (answer.body["co2e"], answer.body["activity"]) == (None, "sunflower_husks")
        assert answer.body["co2e_reason"].startswith("no_factor: ")
    assert refused(post(erin, facility, **husks)) == ["activity"]
    assert refused(erin.patch(path(bill), {"activity": "hulls"})) == ["activity"]


def test_a_note_can_change_after_its_cups_left_the_facility(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, cups=cups(1)).body
    erin.patch(f"/v1/facilities/{facility['id']}", {"cups_list": []})
    answer = erin.patch(path(bill), {"note": "Late", "cups": cups(1)})
    assert (answer.status, answer.body["cups"]) == (200, cups(1))
    assert refused(post(erin, facility, cups=cups(1))) == ["cups"]


def test_moving_to_another_facility_moves_both_totals(
    erin: Person, facility: dict[str, Any]
) -> None:
    abroad = erin.facility(country="FR")
    moves, _ = post(erin, facility).body, post(erin, facility, quantity=500)
    assert total(erin, facility) == Decimal("253.92")
    answer = erin.patch(path(moves), {"facility_id": abroad["id"]})
    assert (answer.status, answer.body["facility_id"]) == (200, abroad["id"])
    assert 0 < answer.body["co2e"] < Decimal("169.28")
    assert total(erin, facility) == Decimal("84.64")
    assert total(erin, abroad) == answer.body["co2e"]
    erin.patch(path(moves), {"facility_id": facility["id"]})
    assert (total(erin, facility), total(erin, abroad)) == (Decimal("253.92"), 0)


def test_a_move_is_held_to_the_new_facilitys_rules(
    erin: Person, charlie: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, cups=cups(1)).body
    gone = erin.facility()
    erin.delete(f"/v1/facilities/{gone['id']}")
    for there, named in (
        (erin.facility(categories=["heat"], cups_list=[cups(7)]), {"category", "cups"}),
        (erin.facility(cups_list=[cups(3)]), {"cups"}),
        (charlie.facility(cups_list=[cups(1)]), {"facility_id"}),
        (gone, {"facility_id"}),
    ):
        assert set(refused(erin.patch(path(bill), {"facility_id": there["id"]}))) == named
    assert erin.get(path(bill)).body == bill
    there = erin.facility(cups_list=[cups(5)])
    answer = erin.patch(path(bill), {"facility_id": there["id"], "cups": cups(5)})
    assert (answer.status, answer.body["cups"]) == (200, cups(5))


# What counts


def test_an_inactive_bill_has_no_figure_and_counts_nowhere(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, status="inactive").body
    assert (bill["co2e"], bill["co2e_market"], bill["co2e_biomass"]) == (None, None, None)
    assert (bill["co2e_status"], bill["co2e_reason"]) == ("not_calculated", "inactive")
    held = erin.get(f"/v1/facilities/{facility['id']}").body
    assert (held["co2e"], held["co2e_status"]) == (0, "complete")
    body = erin.patch(path(bill), {"status": "active"}).body
    assert (body["co2e"], body["co2e_status"]) == (Decimal("169.28"), "calculated")
    assert body["co2e_reason"] is None
    assert total(erin, facility) == Decimal("169.28")
    assert erin.patch(path(bill), {"status": "inactive"}).body["co2e_reason"] == "inactive"
    assert total(erin, facility) == 0


def test_a_disabled_category_says_so_on_its_bills(erin: Person, facility: dict[str, Any]) -> None:
    bill, inactive = post(erin, facility).body, post(erin, facility, status="inactive").body
    place = f"/v1/facilities/{facility['id']}"
    assert erin.patch(place, {"categories": ["heat"]}).body["co2e_status"] == "complete"
    body = erin.get(path(bill)).body
    assert (body["co2e"], body["co2e_status"]) == (None, "not_calculated")
    assert body["co2e_reason"] == "category_disabled"
    assert erin.get(path(inactive)).body["co2e_reason"] == "inactive"
    assert erin.patch(place, {"categories": ["electricity"]}).body["co2e"] == Decimal("169.28")
    assert erin.get(path(bill)).body["co2e"] == Decimal("169.28")


def test_two_equal_factors_leave_a_bill_without_a_figure_and_say_so(
    erin: Person, facility: dict[str, Any]
) -> None:
    for unit in ("MWh", "GJ"):
        erin.factor(unit=unit)
    bill = post(erin, facility).body
    assert (bill["co2e"], bill["co2e_status"]) == (None, "not_calculated")
    assert bill["co2e_reason"].startswith("ambiguous_factor: ")
    held = erin.get(f"/v1/facilities/{facility['id']}").body
    assert (held["co2e"], held["co2e_status"]) == (0, "incomplete")


# DELETE


def test_a_deleted_bill_is_seen_no_more_and_counts_no_more(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill, stays = post(erin, facility, external_id="INV-1").body, post(erin, facility).body
    answer = erin.delete(path(bill))
    assert (answer.status, answer.body) == (204, b"")
    for verb in ("GET", "PUT", "PATCH", "DELETE"):
        assert erin.call(verb, path(bill), {"note": "x"}).status == 404
    assert erin.get(f"{path(bill)}/calculation").status == 404
    assert [one["id"] for one in erin.get(LIST).body["items"]] == [stays["id"]]
    assert erin.get(f"{LIST}?external_id=INV-1").body["total"] == 0
    assert total(erin, facility) == Decimal("169.28")


def test_deleting_the_only_bill_without_a_figure_makes_the_facility_complete(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, unit="m3").body
    place = f"/v1/facilities/{facility['id']}"
    assert erin.get(place).body["co2e_status"] == "incomplete"
    erin.delete(path(bill))
    assert erin.get(place).body["co2e_status"] == "complete"


def test_a_restored_bill_counts_again(erin: Person, facility: dict[str, Any]) -> None:
    bill = post(erin, facility, external_id="INV-1").body
    erin.delete(path(bill))
    Consumption.objects.get(pk=bill["id"]).restore()
    assert without(erin.get(path(bill)).body, "updated_at") == without(bill, "updated_at")
    assert total(erin, facility) == Decimal("169.28")


def test_a_bill_whose_external_id_was_taken_meanwhile_stays_deleted(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility, external_id="INV-1").body
    erin.delete(path(bill))
    post(erin, facility, external_id="INV-1", quantity=1)
    with pytest.raises(ValidationError, match="INV-1"):
        Consumption.objects.get(pk=bill["id"]).restore()
    assert erin.get(path(bill)).status == 404
    assert total(erin, facility) == Decimal("0.16928")


def test_a_bill_of_a_deleted_facility_cannot_come_back_without_it(
    erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility).body
    erin.delete(f"/v1/facilities/{facility['id']}")
    with suppress(ValidationError):
        Consumption.objects.get(pk=bill["id"]).restore()
    assert erin.get(path(bill)).status == 404
    assert erin.get(LIST).body["total"] == 0


# Who may


def test_a_viewer_reads_and_writes_nothing(
    bob: Person, erin: Person, facility: dict[str, Any]
) -> None:
    bill = post(erin, facility).body
    assert bob.get(path(bill)).body == bill
    assert bob.get(LIST).body["items"] == [bill]
    assert post(bob, facility).status == 403
    for verb in ("PUT", "PATCH", "DELETE"):
        assert bob.call(verb, path(bill), {"note": "x"}).status == 403
    assert erin.get(path(bill)).body == bill


@pytest.mark.parametrize("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_somebody_elses_is_404_as_if_there_were_none(
    erin: Person, charlie: Person, verb: str
) -> None:
    theirs = post(charlie, charlie.facility()).body
    answer = erin.call(verb, path(theirs), {"note": "Mine"})
    assert answer.status == 404
    assert answer.body == erin.call(verb, f"{LIST}/{uuid4()}", {"note": "Mine"}).body
    assert charlie.get(path(theirs)).body == theirs
    assert erin.get(f"{LIST}?facility_id={theirs['facility_id']}").body["items"] == []


# The list


NOON = datetime(2024, 1, 1, 12, tzinfo=UTC)


def store(facility: dict[str, Any], person: Person, *rows: dict[str, Any]) -> list[Consumption]:
    """Consumption written straight to the database, one day younger each."""
    made = []
    for number, row in enumerate(rows):
        moment = NOON + timedelta(days=number)
        fields = {
            "organization": person.organization,
            "facility_id": UUID(facility["id"]),
            "category": "electricity",
            "activity": "grid",
            "quantity": Decimal(1000),
            "unit": "kWh",
            "start_date": date(2024, 1, 1),
            "end_date": date(2024, 1, 31),
            "created_at": moment,
            "updated_at": moment,
            "note": str(number),
            **row,
        }
        if "co2e" in row:
            fields |= {"co2e_market": 0, "co2e_biomass": 0, "co2e_status": "calculated", **row}
        made.append(Consumption(**fields))
    return Consumption.objects.bulk_create(made)


@pytest.fixture
def bills(erin: Person, charlie: Person, facility: dict[str, Any]) -> dict[str, str]:
    """Bills to choose among, by letter; a deleted one and another organization's besides."""
    other = erin.facility()
    electricity = {"external_id": "INV-1", "supplier": "Somebody, S.L.", "cups": cups(1), "co2e": 5}
    gas: dict[str, Any] = {**GAS, "status": "inactive", "cups": cups(2)}
    gas |= {"start_date": date(2024, 2, 1), "end_date": date(2024, 2, 29), "external_id": "INV-2"}
    water: dict[str, Any] = {"category": "water", "activity": "supply", "supplier": "Canal"}
    water |= {"start_date": date(2023, 12, 15), "end_date": date(2024, 1, 15)}
    store(facility, erin, electricity, gas, {"deleted_at": NOON, "external_id": "INV-1"})
    store(other, erin, {**water, "created_at": NOON + timedelta(days=9)})
    store(charlie.facility(), charlie, electricity)
    return {"there": facility["id"], "other": other["id"]}


LETTERS = {"E": "electricity", "G": "heat", "W": "water"}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "WGE"),
        ("facility_id={there}", "GE"),
        ("facility_id={other}", "W"),
        ("facility_id={other}&facility_id={there}", "WGE"),
        ("facility_id[]={other}", "W"),
        ("facility_id=00000000-0000-0000-0000-000000000000", ""),
        ("category=heat", "G"),
        ("category=heat&category=water", "WG"),
        ("category[]=heat&category[]=electricity", "GE"),
        ("category=recharge", ""),
        ("activity=grid", "E"),
        ("activity=grid&activity=supply", "WE"),
        ("activity=GRID", ""),
        ("status=active", "WE"),
        ("status=inactive", "G"),
        ("status[]=active&status[]=inactive", "WGE"),
        ("co2e_status=calculated", "E"),
        ("co2e_status=not_calculated", "WG"),
        ("cups={cups}", "E"),
        ("cups={spaced}", "E"),
        ("cups=nothing", ""),
        ("supplier=Canal", "W"),
        ("supplier=Somebody, S.L.", "E"),
        ("supplier=Canal&supplier=Somebody, S.L.", "WE"),
        ("supplier=Some", ""),
        ("external_id=INV-1", "E"),
        ("external_id=INV-1&external_id=INV-2", "GE"),
        ("external_id=inv-1", ""),
        ("start_date=2024-01-15", "WGE"),
        ("start_date=2024-01-16", "GE"),
        ("start_date=2024-01-31", "GE"),
        ("start_date=2024-02-01", "G"),
        ("start_date=2024-03-01", ""),
        ("end_date=2024-02-01", "WGE"),
        ("end_date=2024-01-31", "WE"),
        ("end_date=2024-01-01", "WE"),
        ("end_date=2023-12-31", "W"),
        ("end_date=2023-12-14", ""),
        ("start_date=2024-01-16&end_date=2024-01-31", "E"),
        ("start_date=2023-12-31&end_date=2023-12-31", "W"),
        ("facility_id={there}&status=active", "E"),
        ("category=water&status=inactive", ""),
    ],
)
def test_a_filter_finds_what_it_names(
    erin: Person, bills: dict[str, str], query: str, found: str
) -> None:
    spaced = f"es {cups(1)[2:10]}-{cups(1)[10:]}"
    query = quote(query.format(**bills, cups=cups(1), spaced=spaced), safe="=&[]")
    answer = erin.get(f"{LIST}?{query}")
    assert answer.status == 200, answer.body
    assert [one["category"] for one in answer.body["items"]] == [LETTERS[one] for one in found]
    assert answer.body["total"] == len(found)


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("colour=green", "colour"),
        ("note=x", "note"),
        ("facility=x", "facility"),
        ("name=x", "name"),
        ("facility_id=x", "facility_id"),
        ("facility_id=", "facility_id"),
        ("facility_id=%25", "facility_id"),
        ("facility_id=%00", "facility_id"),
        ("category=gas", "category"),
        ("category=", "category"),
        ("status=archived", "status"),
        ("status=active&status=x", "status"),
        ("co2e_status=complete", "co2e_status"),
        ("start_date=2024-02-30", "start_date"),
        ("start_date=yesterday", "start_date"),
        ("start_date=2024-1-1", "start_date"),
        ("end_date=２０２４-01-01", "end_date"),
        ("start_date=20240101", "start_date"),
        ("start_date=2024-01-01T00:00:00Z", "start_date"),
        ("end_date=", "end_date"),
        ("end_date=2024-01-01&end_date=2024-01-02", "end_date"),
        ("external_id=%00", "external_id"),
        ("supplier=%00", "supplier"),
        ("activity=%00", "activity"),
        ("cups=%00", "cups"),
        ("sort=note", "sort"),
        ("sort=colour", "sort"),
        ("page=0", "page"),
        ("size=101", "size"),
    ],
)
def test_an_unknown_parameter_or_value_is_refused_by_its_name(
    erin: Person, bills: dict[str, str], query: str, named: str
) -> None:
    assert set(refused(erin.get(f"{LIST}?{query}"))) == {named}


@pytest.mark.parametrize("name", sorted(FIELDS - {"note", "co2e_reason"}))
def test_a_list_sorts_by_each_field_both_ways_nulls_last_ties_newest_first(
    erin: Person, facility: dict[str, Any], name: str
) -> None:
    store(
        facility,
        erin,
        {"external_id": "b", "supplier": "other", "cups": cups(2), "quantity": 9, "co2e": 9},
        {"external_id": "a", "supplier": "", "cups": "", "quantity": 10, "co2e": 10},
        {"category": "heat", "activity": "coal", "unit": "t", "data_quality": "estimated"},
        {"supplier": "another", "cups": cups(1), "co2e": Decimal("-0.5"), "status": "inactive"},
        {"start_date": date(2023, 1, 1), "co2e": 0, "co2e_market": 3, "co2e_biomass": 20},
        {"end_date": date(2025, 1, 1), "co2e": 0, "co2e_market": 20, "co2e_biomass": 3},
        {"updated_at": NOON, "category": "water", "activity": "supply"},
    )
    store(erin.facility(), erin, {"external_id": "c"})
    newest_first = erin.get(LIST).body["items"]
    given = [one for one in newest_first if one[name] is not None]
    for sign in ("", "-"):
        expected = sorted(given, key=lambda one: one[name], reverse=sign == "-")
        expected += [one for one in newest_first if one[name] is None]
        listed = erin.get(f"{LIST}?sort={sign}{name}").body["items"]
        assert [one[name] for one in listed] == [one[name] for one in expected]
        assert [one["id"] for one in listed] == [one["id"] for one in expected]


def test_the_default_order_is_newest_first_and_the_page_has_its_members(
    erin: Person, facility: dict[str, Any]
) -> None:
    rows = store(facility, erin, {}, {}, *[{"created_at": NOON}] * 3)
    rows.sort(key=lambda row: (row.created_at, row.pk), reverse=True)
    pages = [erin.get(f"{LIST}?size=2&page={page}").body for page in range(1, 5)]
    assert [one["id"] for page in pages for one in page["items"]] == [str(row.pk) for row in rows]
    for number, page in enumerate(pages, 1):
        assert without(page, "items") == {"total": 5, "page": number, "size": 2, "pages": 3}


def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(
    erin: Person, facility: dict[str, Any]
) -> None:
    store(facility, erin, *[{"co2e": 1, "cups": cups(1)}] * 50)
    erin.get(LIST)  # the first use of a key writes when it was
    costs = []
    for size in (1, 50):
        with CaptureQueriesContext(connection) as queries:
            assert len(erin.get(f"{LIST}?size={size}").body["items"]) == size
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 3, queries.captured_queries
