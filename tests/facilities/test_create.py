"""POST /v1/facilities: every field's rules."""

from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest

from tests.cases import each
from tests.conftest import Person
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

GOOD = {"name": "Madrid Office", "type": "office", "country": "ES"}
FIELDS = {
    "id", "external_id", "name", "type", "country", "region", "address", "categories",
    "cups_list", "meter_list", "logistic_factor", "status", "co2e", "co2e_market",
    "co2e_biomass", "co2e_status", "created_at", "updated_at",
}  # fmt: skip
LONGEST = {"external_id": 100, "name": 255, "type": 100, "region": 64, "address": 500}


def test_a_facility_is_stored_and_answered_with_its_location(erin: Person) -> None:
    answer = erin.post("/v1/facilities", {**GOOD, "country": "esp", "address": None})
    assert answer.status == 201
    assert answer.headers["Location"] == f"/v1/facilities/{answer.body['id']}"
    assert answer.body["country"] == "ES"
    assert answer.body["categories"] == ["heat", "electricity", "water", "recharge"]
    stored = erin.get(answer.headers["Location"])
    assert stored.body == answer.body
    assert stored.headers["ETag"] == answer.headers["ETag"]


def test_what_is_left_out_has_its_default(erin: Person) -> None:
    facility = erin.facility()
    assert set(facility) == FIELDS
    assert UUID(facility["id"]).version == 7
    assert facility["created_at"] == facility["updated_at"]
    defaults = {
        "external_id": None,
        "region": None,
        "address": None,
        "categories": ["heat", "electricity", "water", "recharge"],
        "cups_list": [],
        "meter_list": [],
        "logistic_factor": Decimal("0.8"),
        "status": "active",
        "co2e": 0,
        "co2e_market": 0,
        "co2e_biomass": 0,
        "co2e_status": "complete",
    }
    assert {name: facility[name] for name in defaults} == defaults


def test_what_is_given_is_kept(erin: Person) -> None:
    given = {
        "external_id": "MAD-01",
        "name": "Ñandú 東京 🏭",
        "type": "cold store",
        "country": "JP",
        "region": "Kantō",
        "address": "1-1 Marunouchi\nTokyo",
        "categories": ["heat", "recharge"],
        "cups_list": ["ES1234123456789012JY"],
        "logistic_factor": Decimal("0.123456"),
        "status": "archived",
    }
    facility = erin.facility(**given)
    assert {name: facility[name] for name in given} == given


@pytest.mark.parametrize("name", ["name", "type", "country"])
def test_name_type_and_country_are_required(erin: Person, name: str) -> None:
    without = {one: value for one, value in GOOD.items() if one != name}
    for body in (without, *({**GOOD, name: value} for value in (None, "", "  \t"))):
        assert refused(erin.post("/v1/facilities", body)) == [name], body


def test_an_empty_body_names_all_that_is_missing(erin: Person) -> None:
    answer = erin.post("/v1/facilities", {})
    assert sorted(refused(answer)) == ["country", "name", "type"]
    assert {one["code"] for one in answer.body["errors"]} == {"required"}


@pytest.mark.parametrize("body", [[], [GOOD], "Madrid", 7, True, None])
def test_a_body_that_is_no_object_is_refused(erin: Person, body: Any) -> None:
    answer = erin.post("/v1/facilities", b"null" if body is None else body)
    assert refused(answer) == ["body"]


@pytest.mark.parametrize("name", ["external_id", "region", "address"])
def test_null_and_blank_mean_unset_and_read_null(erin: Person, name: str) -> None:
    for value in (None, "", "   "):
        assert erin.facility(**{name: value})[name] is None


@pytest.mark.parametrize("name", LONGEST)
def test_text_is_trimmed_and_has_a_longest_length(erin: Person, name: str) -> None:
    longest = "ñ" * LONGEST[name]
    assert erin.facility(**{name: f" \n{longest} "})[name] == longest
    answer = erin.post("/v1/facilities", {**GOOD, name: longest + "ñ"})
    assert refused(answer) == [name]
    assert answer.error(name)["code"] == "max_length"


@pytest.mark.parametrize("name", ["categories", "cups_list", "meter_list"])
def test_a_list_has_a_longest_length_and_is_then_refused_as_one(erin: Person, name: str) -> None:
    """Not element by element, of which a body has room for a million."""
    answer = erin.post("/v1/facilities", {**GOOD, name: [7] * 101})
    assert refused(answer) == [name]
    assert answer.error(name)["code"] == "max_length"
    assert "100" in answer.error(name)["detail"]


@pytest.mark.parametrize("name", [*LONGEST, "country", "status"])
def test_text_is_a_json_string_without_nul(erin: Person, name: str) -> None:
    for value in (7, True, 1.5, ["ES"], {"name": "ES"}, "\0", "E\0S", "\ud800"):
        assert refused(erin.post("/v1/facilities", {**GOOD, name: value})) == [name], value


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ("ES", "ES"), ("es", "ES"), ("eSp", "ES"), (" ESP ", "ES"), ("GBR", "GB"), ("usa", "US"),
        ("ROU", "RO"), ("TWN", "TW"), ("XK", "XK"), ("xkx", "XK"),
    ],
)  # fmt: skip
def test_a_country_is_stored_as_alpha_2(erin: Person, given: str, stored: str) -> None:
    assert erin.facility(country=given)["country"] == stored


@pytest.mark.parametrize("value", ["XX", "UK", "EU", "ZZZ", "724", "E", "E5", "ß", "ﬁ", "ıt", "Ｅ"])
def test_an_unknown_country_is_refused(erin: Person, value: str) -> None:
    answer = erin.post("/v1/facilities", {**GOOD, "country": value})
    assert refused(answer) == ["country"]
    assert answer.error("country")["code"] == "unknown_country"
    assert value in answer.error("country")["detail"]


def test_a_countrys_name_is_refused_with_how_to_write_it(erin: Person) -> None:
    """As the OpenAPI file shows it (config/examples.py, WRONG_FIELD)."""
    answer = erin.post("/v1/facilities", {**GOOD, "country": "Spain"})
    assert refused(answer) == ["country"]
    assert answer.error("country") == {
        "field": "country",
        "code": "unknown_country",
        "detail": "“Spain” is not an ISO 3166-1 country code; write it like ES or ESP.",
    }


@pytest.mark.parametrize("value", [0, 1, Decimal("0.000001"), Decimal("0.999999"), Decimal("1.0")])
def test_a_logistic_factor_is_a_share(erin: Person, value: Decimal) -> None:
    assert erin.facility(logistic_factor=value)["logistic_factor"] == value


@each(
    "value",
    [
        -1, 2, 10**20, Decimal("-0.000001"), Decimal("1.000001"), Decimal("1.0000005"),
        Decimal("0.0000004"), "0.5", "", True, False, None, [], {},
        b"1E+30", b"1E-7", b"1E-400", b"1E+1000000", b"-1E-99999999",
    ],
)  # fmt: skip
def test_a_logistic_factor_that_is_no_share_is_refused(erin: Person, value: Any) -> None:
    body: Any = {**GOOD, "logistic_factor": value}
    if isinstance(value, bytes):
        body = b'{"name": "a", "type": "b", "country": "ES", "logistic_factor": ' + value + b"}"
    answer = erin.post("/v1/facilities", body)
    assert refused(answer) == ["logistic_factor"]


@pytest.mark.parametrize("value", [b"1E+99999999999999999999", b"-1E-99999999999999999999"])
def test_a_number_beyond_all_bounds_is_refused(erin: Person, value: bytes) -> None:
    body = b'{"name": "a", "type": "b", "country": "ES", "logistic_factor": ' + value + b"}"
    assert erin.post("/v1/facilities", body).status in (400, 422)


@pytest.mark.parametrize("value", [b"NaN", b"Infinity", b"-Infinity", b"1.", b".5", b"0x1"])
def test_what_is_no_json_number_is_no_json(erin: Person, value: bytes) -> None:
    answer = erin.post("/v1/facilities", b'{"logistic_factor": ' + value + b"}")
    assert (answer.status, answer.body["code"]) == (400, "invalid_json")


@pytest.mark.parametrize(
    ("given", "stored"),
    [
        ([], []),
        (["water"], ["water"]),
        (["recharge", "heat"], ["heat", "recharge"]),
        (["water", "heat", "water", "heat"], ["heat", "water"]),
        (
            ["recharge", "water", "electricity", "heat"],
            ["heat", "electricity", "water", "recharge"],
        ),
    ],
)
def test_categories_are_kept_once_each_in_their_order(
    erin: Person, given: list[str], stored: list[str]
) -> None:
    assert erin.facility(categories=given)["categories"] == stored


@pytest.mark.parametrize(
    ("value", "field"),
    [
        (["heat", "steam"], "categories.1"),
        (["Heat"], "categories.0"),
        ([""], "categories.0"),
        ([None], "categories.0"),
        ([7], "categories.0"),
        ([["heat"]], "categories.0"),
        (["heat,water"], "categories.0"),
        ("heat", "categories"),
        ({"heat": True}, "categories"),
        (7, "categories"),
        (None, "categories"),
    ],
)
def test_an_unknown_category_is_refused_where_it_stands(
    erin: Person, value: Any, field: str
) -> None:
    answer = erin.post("/v1/facilities", {**GOOD, "categories": value})
    assert refused(answer) == [field]


@pytest.mark.parametrize("value", ["closed", "ACTIVE", "", None])
def test_a_status_is_active_or_archived(erin: Person, value: str | None) -> None:
    answer = erin.post("/v1/facilities", {**GOOD, "status": value})
    assert refused(answer) == ["status"]


def test_read_only_and_unknown_fields_are_ignored(erin: Person, charlie: Person) -> None:
    given = {
        "id": str(uuid4()),
        "organization_id": str(charlie.organization.pk),
        "organization": str(charlie.organization.pk),
        "co2e": 7,
        "co2e_market": "seven",
        "co2e_biomass": None,
        "co2e_status": "incomplete",
        "created_at": "2001-01-01T00:00:00Z",
        "updated_at": 7,
        "deleted_at": "2001-01-01T00:00:00Z",
        "supply_points": ["ES1234123456789012JY"],
        "colour": "green",
    }
    facility = erin.facility(**given)
    assert set(facility) == FIELDS
    assert facility["id"] != given["id"]
    assert (facility["co2e"], facility["co2e_status"], facility["cups_list"]) == (0, "complete", [])
    assert facility["created_at"] > "2020"
    assert facility["updated_at"] == facility["created_at"]
    assert erin.get(f"/v1/facilities/{facility['id']}").status == 200
    assert charlie.get("/v1/facilities").body["total"] == 0


def test_a_taken_external_id_is_refused_and_an_unset_one_is_not(erin: Person) -> None:
    erin.facility(external_id="MAD-01")
    answer = erin.post("/v1/facilities", {**GOOD, "external_id": " MAD-01 "})
    assert refused(answer) == ["external_id"]
    assert answer.error("external_id")["code"] == "taken"
    assert "MAD-01" in answer.error("external_id")["detail"]
    assert erin.facility(external_id="mad-01")["external_id"] == "mad-01"
    for unset in (None, None, "", ""):
        assert erin.facility(external_id=unset)["external_id"] is None


def test_an_external_id_is_unique_within_an_organization_alone(
    erin: Person, charlie: Person
) -> None:
    erin.facility(external_id="MAD-01")
    assert charlie.facility(external_id="MAD-01")["external_id"] == "MAD-01"


def test_an_external_id_stays_taken_while_its_facility_is_archived(erin: Person) -> None:
    erin.facility(external_id="MAD-01", status="archived")
    answer = erin.post("/v1/facilities", {**GOOD, "external_id": "MAD-01"})
    assert refused(answer) == ["external_id"]


def test_everything_that_is_wrong_is_named_at_once_and_nothing_is_stored(erin: Person) -> None:
    wrong = {
        "name": None,
        "country": "XX",
        "categories": ["steam"],
        "cups_list": ["ES"],
        "logistic_factor": 2,
        "status": "closed",
    }
    answer = erin.post("/v1/facilities", wrong)
    expected = {
        "name",
        "type",
        "country",
        "categories.0",
        "cups_list.0",
        "logistic_factor",
        "status",
    }
    assert expected <= set(refused(answer))
    assert erin.get("/v1/facilities").body["total"] == 0


@pytest.mark.parametrize("body", [b"{", b"", b"\xff", b'{"name": "a"} x', b"[" * 100_000])
def test_a_body_that_is_no_json_is_400_and_an_empty_one_is_an_empty_object(
    erin: Person, body: bytes
) -> None:
    answer = erin.call("POST", "/v1/facilities", body)
    assert answer.status == (400 if body else 422)
    assert answer.body["code"] == ("invalid_json" if body else "validation_error")
