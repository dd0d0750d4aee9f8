"""POST of `/v1/consumptions`: every field's rules."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cases import each
from tests.conftest import Person
from tests.emissions.bills import (
    BILL,
    FIELDS,
    GAS,
    LIST,
    REFILL,
    REQUIRED,
    path,
    post,
    raw,
    total,
    without,
)
from tests.facilities.cups import cups
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db


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
        "meter": None,
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


@each(
    ("name", "values"),
    [
        ("category", ["gas", "Heat", "heat ", 1, True, ["heat"], {}]),
        ("unit", ["kw", "Mcf", "gal", "ton", 1, True, ["kWh"], {"kWh": 1}]),
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


@each(
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


@each(
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


@each(
    "value",
    [
        b'"1000"', b'""', b"true", b"false", b"[1]", b'{"value": 1}', b"-1", b"-0.000001",
        b"0.0000004", b"1000000000000", b"999999999999.9999999",
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


@each(
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
    assert answers[0] == ("does_not_exist", "There is no such facility in this organization.")
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
        assert set(without(body, "warnings")) == FIELDS
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
