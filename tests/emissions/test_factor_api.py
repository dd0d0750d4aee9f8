"""`/v1/emission-factors`: published ones are read, an organization's own are written."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test.utils import CaptureQueriesContext

from emissions.models import EmissionFactor, FactorSource
from tests.cases import each
from tests.conftest import Answer, Person
from tests.facilities.refusals import refused

pytestmark = pytest.mark.django_db

LIST = "/v1/emission-factors"
FIELDS = {
    "id", "own", "category", "activity", "country", "region", "supplier", "method", "gwp_set",
    "unit", "valid_from", "valid_to", "co2e", "co2e_biomass", "scope", "source", "source_ref",
    "note", "created_at", "updated_at",
}  # fmt: skip
GRID = {
    "category": "electricity",
    "activity": "grid",
    "country": "ES",
    "unit": "kWh",
    "valid_from": "2023-01-01",
    "valid_to": "2023-12-31",
    "co2e": Decimal("0.5"),
}
HEAT = {"category": "heat", "activity": "natural_gas"}
REFRIGERANT = {
    "category": "recharge",
    "activity": "R-410A",
    "country": None,
    "unit": "kg",
    "gwp_set": "AR6",
}
MARKET = {"method": "market", "supplier": "Somebody, S.L."}
VERBS = ["PUT", "PATCH"]
MITECO = "miteco-v31"


def post(person: Person, /, **fields: Any) -> Answer:
    """POST of 0.5 kg/kWh for Spain in 2023 with these fields instead; `...` leaves one out."""
    body = {**GRID, **fields}
    return person.post(LIST, {name: value for name, value in body.items() if value is not ...})


def path(row: dict[str, Any]) -> str:
    return f"{LIST}/{row['id']}"


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def co2e(person: Person, facility: dict[str, Any]) -> tuple[Decimal, Decimal]:
    """A facility's two totals, location-based and market-based."""
    body = person.get(f"/v1/facilities/{facility['id']}").body
    return body["co2e"], body["co2e_market"]


def published() -> dict[str, Any]:
    """A factor that everybody reads, by its id."""
    row = EmissionFactor.objects.get(
        organization=None,
        category="heat",
        activity="natural_gas",
        country="ES",
        unit="kWh",
        valid_from=date(2023, 1, 1),
    )
    return {"id": str(row.pk)}


# POST


def test_an_own_factor_is_stored_and_answered_with_its_location(erin: Person) -> None:
    answer = post(erin)
    assert answer.status == 201
    assert answer.headers["Location"] == path(answer.body)
    assert set(answer.body) == FIELDS
    assert UUID(answer.body["id"]).version == 7
    assert without(answer.body, "id", "created_at", "updated_at") == {
        **GRID,
        "own": True,
        "region": None,
        "supplier": None,
        "method": "location",
        "gwp_set": None,
        "co2e_biomass": 0,
        "scope": 2,
        "source": None,
        "source_ref": None,
        "note": None,
    }
    read = erin.get(answer.headers["Location"])
    assert read.body == answer.body
    assert read.headers["ETag"] == answer.headers["ETag"]


def test_what_is_given_is_kept(erin: Person) -> None:
    given = {
        "category": "electricity",
        "activity": "on_site_solar",
        "country": "CA",
        "region": "Ontario",
        "supplier": "Hydro Über",
        "method": "market",
        "gwp_set": "AR5",
        "unit": "MWh",
        "valid_from": "0001-01-01",
        "valid_to": "9999-12-31",
        "co2e": Decimal("12345678.0123456789"),
        "co2e_biomass": Decimal("0.0000000001"),
        "scope": 3,
        "source_ref": "sheet 10, row 7",
        "note": "From the supplier's letter",
    }
    body = post(erin, **given).body
    assert {name: body[name] for name in given} == given


@each(
    ("fields", "expected"),
    [
        ({}, {"activity": "grid", "method": "location", "scope": 2}),
        ({"activity": ...}, {"activity": "grid"}),
        ({"activity": None, "method": None}, {"activity": "grid", "method": "location"}),
        ({"method": "market"}, {"method": "market", "scope": 2}),
        ({"category": "water", "activity": "", "unit": "m3"}, {"activity": "supply", "scope": 3}),
        (HEAT, {"method": None, "scope": 1}),
        ({**HEAT, "activity": "district_heating"}, {"scope": 2}),
        (REFRIGERANT, {"gwp_set": "AR6", "scope": 1, "country": None}),
        ({"valid_to": ...}, {"valid_to": None}),
        ({"valid_to": None}, {"valid_to": None}),
        ({"country": "esp"}, {"country": "ES"}),
        ({"country": ...}, {"country": None}),
        ({"country": ""}, {"country": None}),
        ({"co2e": 0}, {"co2e": 0}),
        ({**HEAT, "scope": 3}, {"scope": 3}),
        ({**MARKET, "supplier": "  Some \t body  "}, {"supplier": "Some body"}),
        ({"activity": " own_wind "}, {"activity": "own_wind"}),
    ],
)
def test_what_is_left_out_follows_from_the_category(
    erin: Person, fields: dict[str, Any], expected: dict[str, Any]
) -> None:
    answer = post(erin, **fields)
    assert answer.status == 201, answer.body
    assert {name: answer.body[name] for name in expected} == expected


REQUIRED = ["category", "unit", "valid_from", "co2e"]


@pytest.mark.parametrize("name", REQUIRED)
def test_these_fields_are_required(erin: Person, name: str) -> None:
    for value in (..., None, ""):
        assert refused(post(erin, **{name: value})) == [name], value
    assert sorted(refused(erin.post(LIST, {}))) == sorted(REQUIRED)


@pytest.mark.parametrize("fields", [HEAT, REFRIGERANT], ids=["heat", "recharge"])
def test_heat_and_refrigerants_have_no_default_activity(
    erin: Person, fields: dict[str, Any]
) -> None:
    for value in (..., None, "", " "):
        answer = post(erin, **{**fields, "activity": value})
        assert refused(answer) == ["activity"]
        assert answer.error("activity")["code"] == "required"


@each(
    ("fields", "named"),
    [
        ({**HEAT, "method": "location"}, "method"),
        ({"category": "water", "activity": "supply", "method": "market"}, "method"),
        ({**REFRIGERANT, "method": "location"}, "method"),
        ({"supplier": "Somebody"}, "supplier"),
        ({"supplier": "Somebody", "method": "location"}, "supplier"),
        ({**HEAT, "supplier": "Somebody"}, "supplier"),
        ({**REFRIGERANT, "gwp_set": None}, "gwp_set"),
        ({**REFRIGERANT, "gwp_set": ...}, "gwp_set"),
        ({"country": None, "region": "Ontario"}, "region"),
        ({"country": ..., "region": "Ontario"}, "region"),
        ({"valid_to": "2022-12-31"}, "valid_to"),
    ],
)
def test_a_field_that_does_not_fit_the_others_is_refused(
    erin: Person, fields: dict[str, Any], named: str
) -> None:
    assert refused(post(erin, **fields)) == [named]


@each(
    ("name", "values"),
    [
        ("category", ["gas", "Electricity", 1, True, [], {}]),
        ("activity", ["x" * 51, 7, True, [], "gr\0id"]),
        ("country", ["XX", "Spain", "ß", 34, True, []]),
        ("region", ["x" * 65, 7, [], "\0"]),
        ("method", ["residual", "Location", 1, []]),
        ("gwp_set", ["AR7", "ar6", 6, []]),
        ("unit", ["kw", "Mcf", "", None, 1, []]),
        ("valid_from", ["2023-1-1", "20230101", "2023-01-01T00:00:00", "2023-02-30", 2023, True]),
        ("valid_to", ["2023-1-1", "20230101", "2023-01-01T00:00:00Z", "", 2023, True]),
        ("co2e", [-1, Decimal("-0.0000000001"), Decimal("0.00000000001"), 100_000_000]),
        ("co2e", ["0.5", True, None, "", [], {}]),
        ("co2e_biomass", [-1, "0.5", False, None, 100_000_000, Decimal("0.00000000001")]),
        ("scope", [0, 4, -1, "2", "two", True, False, Decimal("1.5"), None, "", [], {}]),
        ("source", ["nowhere", 7, True, [], {}, {"id": "x"}, {"id": None}, "a\0b", "x" * 500]),
        ("source_ref", ["x" * 201, 7, []]),
        ("note", ["x" * 501, 7, []]),
    ],
)
def test_an_unknown_value_is_refused(erin: Person, name: str, values: list[Any]) -> None:
    for value in values:
        assert refused(post(erin, **{name: value})) == [name], value


def test_a_suppliers_name_has_a_longest_length(erin: Person) -> None:
    assert refused(post(erin, **{**MARKET, "supplier": "ñ" * 201})) == ["supplier"]
    assert post(erin, **{**MARKET, "supplier": "ñ" * 200}).status == 201


def test_read_only_and_unknown_fields_are_ignored(erin: Person, charlie: Person) -> None:
    given = {
        "id": str(uuid4()),
        "own": False,
        "organization": None,
        "organization_id": str(charlie.organization.pk),
        "created_at": "2001-01-01T00:00:00Z",
        "updated_at": "2001-01-01T00:00:00Z",
        "deleted_at": "2001-01-01T00:00:00Z",
        "colour": "green",
    }
    made = post(erin, **given)
    assert made.status == 201, made.body
    for body in (made.body, erin.patch(path(made.body), given).body):
        assert set(body) == FIELDS
        assert body["own"] is True
        assert body["id"] != given["id"]
        assert body["created_at"] > "2020"
    assert charlie.get(path(made.body)).status == 404
    assert charlie.get(f"{LIST}?own=true").body["total"] == 0


# Sources


def test_a_source_is_given_by_its_id_or_as_an_object_and_answered_whole(erin: Person) -> None:
    whole = FactorSource.objects.values("id", "title", "url", "licence", "attribution").get(
        pk=MITECO
    )
    for number, given in enumerate((MITECO, {"id": MITECO}, {**whole, "title": "ignored"})):
        made = post(erin, activity=f"own_{number}", source=given)
        assert made.status == 201, made.body
        assert made.body["source"] == whole
        assert erin.get(path(made.body)).body["source"] == whole
    assert FactorSource.objects.get(pk=MITECO).title == whole["title"]


def test_a_source_can_be_left_out_set_and_unset(erin: Person) -> None:
    made = post(erin, source=None).body
    assert made["source"] is None
    assert erin.patch(path(made), {"source": MITECO}).body["source"]["id"] == MITECO
    assert erin.patch(path(made), {"note": "x"}).body["source"]["id"] == MITECO
    answer = erin.patch(path(made), {"source": "nowhere"})
    assert refused(answer) == ["source"]
    assert answer.error("source")["code"] == "does_not_exist"
    assert erin.patch(path(made), {"source": None}).body["source"] is None


# Overlaps


@each(
    ("start", "end"),
    [
        ("2023-01-01", "2023-12-31"),
        ("2023-12-31", "2023-12-31"),
        ("2022-01-01", "2023-01-01"),
        ("2023-12-31", None),
        ("0001-01-01", None),
        ("2023-06-01", "2023-06-01"),
    ],
)
def test_two_factors_of_one_key_may_not_share_a_day(
    erin: Person, start: str, end: str | None
) -> None:
    first = post(erin).body
    answer = post(erin, valid_from=start, valid_to=end)
    assert refused(answer) == ["valid_from"]
    assert answer.error("valid_from")["code"] == "overlap"
    assert first["id"] in answer.error("valid_from")["detail"]
    other = post(erin, valid_from="2030-01-01", valid_to="2030-12-31").body
    assert refused(erin.patch(path(other), {"valid_from": start, "valid_to": end})) == [
        "valid_from"
    ]
    assert erin.get(path(other)).body == other


def test_an_open_factor_overlaps_all_that_follows(erin: Person) -> None:
    post(erin, valid_to=None)
    assert refused(post(erin, valid_from="2199-01-01", valid_to=None)) == ["valid_from"]
    assert post(erin, valid_from="2022-01-01", valid_to="2022-12-31").status == 201


def test_factors_of_one_key_may_follow_each_other(erin: Person) -> None:
    first = post(erin).body
    assert post(erin, valid_from="2022-01-01", valid_to="2022-12-31").status == 201
    assert post(erin, valid_from="2024-01-01", valid_to=None).status == 201
    assert refused(erin.patch(path(first), {"valid_to": "2024-01-01"})) == ["valid_from"]
    assert refused(erin.patch(path(first), {"valid_to": None})) == ["valid_from"]
    assert refused(erin.patch(path(first), {"valid_from": "2022-12-31"})) == ["valid_from"]
    assert erin.patch(path(first), {"valid_from": "2023-02-01"}).status == 200


@each(
    "fields",
    [
        {"activity": "own_wind"},
        {"country": "PT"},
        {"country": None},
        {"region": "Canarias"},
        {"method": "market"},
        MARKET,
        {"gwp_set": "AR6"},
        {"unit": "MWh"},
        {"category": "heat", "method": None},
    ],
)
def test_factors_of_other_keys_may_overlap_until_the_key_is_the_same(
    erin: Person, fields: dict[str, Any]
) -> None:
    first = post(erin).body
    other = post(erin, **fields)
    assert other.status == 201, other.body
    same = {name: first[name] for name in (*fields, "method")}
    assert refused(erin.patch(path(other.body), same)) == ["valid_from"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({}, {"country": "esp"}),
        (MARKET, {**MARKET, "supplier": " Somebody,   S.L. "}),
        ({}, {"activity": None, "method": None}),
    ],
)
def test_a_key_is_compared_as_it_is_stored(
    erin: Person, first: dict[str, Any], second: dict[str, Any]
) -> None:
    post(erin, **first)
    assert refused(post(erin, **second)) == ["valid_from"]


def test_an_own_factor_may_overlap_a_published_one_and_anothers(
    erin: Person, charlie: Person
) -> None:
    assert EmissionFactor.objects.filter(
        organization=None, activity="grid", country="ES", valid_from=date(2023, 1, 1)
    ).exists()
    assert post(erin).status == post(charlie).status == 201


def test_a_deleted_factor_overlaps_nothing_and_cannot_come_back_over_another(
    erin: Person,
) -> None:
    first = post(erin).body
    assert erin.delete(path(first)).status == 204
    second = post(erin)
    assert second.status == 201
    with pytest.raises(ValidationError):
        EmissionFactor.objects.get(pk=first["id"]).restore()
    assert erin.get(path(first)).status == 404
    assert erin.delete(path(second.body)).status == 204
    EmissionFactor.objects.get(pk=first["id"]).restore()
    assert without(erin.get(path(first)).body, "updated_at") == without(first, "updated_at")


# PUT and PATCH


CHANGES: dict[str, Any] = {
    "activity": "own_wind",
    "country": "PT",
    "region": "Canarias",
    "gwp_set": "AR5",
    "unit": "MWh",
    "valid_from": "2023-02-01",
    "valid_to": None,
    "co2e": Decimal("0.25"),
    "co2e_biomass": Decimal("0.1"),
    "scope": 3,
    "source_ref": "row 7",
    "note": "Checked",
}


@each("verb", VERBS)
@each("name", CHANGES)
def test_one_field_changes_and_the_others_stay(erin: Person, verb: str, name: str) -> None:
    before = post(erin, source=MITECO, note="Old").body
    answer = erin.call(verb, path(before), {name: CHANGES[name]})
    assert answer.status == 200, answer.body
    assert answer.body[name] == CHANGES[name]
    assert without(answer.body, name, "updated_at") == without(before, name, "updated_at")
    assert answer.body["updated_at"] > before["updated_at"]
    read = erin.get(path(before))
    assert read.body == answer.body
    assert read.headers["ETag"] == answer.headers["ETag"]


@each(
    ("change", "named"),
    [
        *(({name: None}, name) for name in (*REQUIRED, "co2e_biomass", "scope")),
        ({"co2e": -1}, "co2e"),
        ({"co2e": "0.5"}, "co2e"),
        ({"scope": "2"}, "scope"),
        ({"supplier": "Somebody"}, "supplier"),
        ({"category": "heat"}, "method"),
        ({"valid_to": "2022-12-31"}, "valid_to"),
        ({"valid_from": "2024-01-01"}, "valid_to"),
        ({"country": None, "region": "Ontario"}, "region"),
        ({"unit": "kw"}, "unit"),
    ],
)
def test_a_bad_value_is_refused_and_nothing_changes(
    erin: Person, change: dict[str, Any], named: str
) -> None:
    before = post(erin).body
    for verb in VERBS:
        assert refused(erin.call(verb, path(before), {"note": "New", **change})) == [named]
    assert erin.get(path(before)).body == before


def test_an_answer_can_be_sent_back_whole(erin: Person) -> None:
    before = post(erin, **MARKET, source=MITECO, region="Canarias", note="x").body
    answer = erin.call("PUT", path(before), before)
    assert answer.status == 200, answer.body
    assert without(answer.body, "updated_at") == without(before, "updated_at")


def test_an_etag_is_the_version_that_if_match_asks_for(erin: Person) -> None:
    made = post(erin)
    first = made.headers["ETag"]
    changed = erin.patch(path(made.body), {"co2e": 1}, **{"if-match": first})
    assert changed.status == 200
    assert changed.headers["ETag"] != first
    for verb in ("PUT", "PATCH", "DELETE"):
        late = erin.call(verb, path(made.body), {"co2e": 2}, **{"if-match": first})
        assert (late.status, late.body["code"]) == (412, "precondition_failed")
    assert erin.get(path(made.body)).body == changed.body
    version = changed.headers["ETag"]
    assert erin.delete(path(made.body), **{"if-match": version}).status == 204


# DELETE


def test_a_deleted_factor_is_seen_no_more(erin: Person) -> None:
    factor = post(erin).body
    answer = erin.delete(path(factor))
    assert (answer.status, answer.body) == (204, b"")
    for verb in ("GET", "PUT", "PATCH", "DELETE"):
        assert erin.call(verb, path(factor), {"note": "x"}).status == 404
    assert erin.get(f"{LIST}?own=true").body["total"] == 0


# What is published, and who may


@pytest.mark.parametrize("verb", ["PUT", "PATCH", "DELETE"])
def test_a_published_factor_is_read_only(alice: Person, verb: str) -> None:
    factor = published()
    before = alice.get(path(factor)).body
    assert (before["own"], before["co2e"]) == (False, Decimal("0.182"))
    answer = alice.call(verb, path(factor), {"note": "Mine", "co2e": 0})
    assert (answer.status, answer.body["code"]) == (403, "permission_denied")
    assert set(answer.body) == {"code", "detail"}
    assert alice.get(path(factor)).body == before


def test_everybody_reads_what_is_published(bob: Person, charlie: Person) -> None:
    factor = published()
    assert bob.get(path(factor)).body == charlie.get(path(factor)).body
    total = EmissionFactor.objects.filter(organization=None, deleted_at=None).count()
    assert bob.get(LIST).body["total"] == charlie.get(LIST).body["total"] == total


def test_a_viewer_reads_and_writes_nothing(bob: Person, erin: Person) -> None:
    factor = post(erin).body
    assert bob.get(path(factor)).body == factor
    assert bob.get(f"{LIST}?own=true").body["items"] == [factor]
    assert post(bob, activity="own_wind").status == 403
    for verb in ("PUT", "PATCH", "DELETE"):
        assert bob.call(verb, path(factor), {"note": "x"}).status == 403
    assert erin.get(path(factor)).body == factor


@each("verb", ["GET", "PUT", "PATCH", "DELETE"])
def test_somebody_elses_is_404_as_if_there_were_none(
    erin: Person, charlie: Person, verb: str
) -> None:
    theirs = post(charlie).body
    answer = erin.call(verb, path(theirs), {"note": "Mine"})
    assert answer.status == 404
    assert answer.body == erin.call(verb, f"{LIST}/{uuid4()}", {"note": "Mine"}).body
    assert charlie.get(path(theirs)).body == theirs
    assert erin.get(f"{LIST}?own=true").body["total"] == 0


# Recalculation before the answer


def test_every_write_of_a_factor_is_in_the_totals_before_its_answer(
    erin: Person, charlie: Person
) -> None:
    facility, theirs = erin.facility(), charlie.facility()
    bill = erin.consumption(facility)
    charlie.consumption(theirs)
    published_figures = (Decimal("169.28"), Decimal(260))
    assert co2e(erin, facility) == published_figures
    factor = post(erin).body
    assert co2e(erin, facility) == (500, 260)
    assert erin.get(f"/v1/consumptions/{bill['id']}").body["co2e"] == 500
    erin.patch(path(factor), {"co2e": Decimal("0.25")})
    assert co2e(erin, facility) == (250, 260)
    market = post(erin, method="market", co2e=Decimal("0.01")).body
    assert co2e(erin, facility) == (250, 10)
    erin.call("PUT", path(factor), {"unit": "MWh"})
    assert co2e(erin, facility) == (Decimal("0.25"), 10)
    erin.patch(path(factor), {"country": "PT"})
    assert co2e(erin, facility) == (Decimal("169.28"), 10)
    erin.patch(path(factor), {"country": None, "unit": "kWh", "valid_to": "2023-03-01"})
    assert co2e(erin, facility) == (250, 10)  # own, of an earlier day, before published
    erin.patch(path(factor), {"valid_from": "2023-03-31", "valid_to": "2023-03-31"})
    assert co2e(erin, facility)[0] == Decimal("171.883871")  # 30 days published, 1 day own
    erin.delete(path(factor))
    erin.delete(path(market))
    assert co2e(erin, facility) == published_figures
    assert co2e(charlie, theirs) == published_figures


def test_a_suppliers_factor_is_for_the_bills_that_name_it(erin: Person) -> None:
    facility = erin.facility()
    erin.consumption(facility, supplier="SOMEBODY, s.l.")
    erin.consumption(facility, supplier="Another")
    factor = post(erin, **MARKET, co2e=0).body
    assert co2e(erin, facility) == (Decimal("338.56"), 260)
    erin.patch(path(factor), {"supplier": None})
    assert co2e(erin, facility) == (Decimal("338.56"), 0)


def test_a_first_factor_makes_a_facility_complete_and_its_deletion_incomplete(
    erin: Person,
) -> None:
    facility = erin.facility()
    husks = {"category": "heat", "activity": "husks"}
    first = post(erin, **husks, valid_from="2030-01-01", valid_to=None).body
    bill = erin.consumption(facility, **husks)
    assert bill["co2e_reason"].startswith("no_factor: ")
    place = f"/v1/facilities/{facility['id']}"
    assert erin.get(place).body["co2e_status"] == "incomplete"
    erin.patch(path(first), {"valid_from": "2023-01-01"})
    assert erin.get(place).body["co2e_status"] == "complete"
    assert co2e(erin, facility) == (500, 500)
    erin.delete(path(first))
    assert erin.get(place).body["co2e_status"] == "incomplete"
    assert co2e(erin, facility) == (0, 0)


def test_a_note_or_a_source_moves_no_figure(erin: Person) -> None:
    facility = erin.facility()
    bill = erin.consumption(facility)
    factor = post(erin).body
    before = erin.get(f"/v1/consumptions/{bill['id']}").body
    erin.patch(path(factor), {"note": "Checked", "source": MITECO, "source_ref": "row 7"})
    assert erin.get(f"/v1/consumptions/{bill['id']}").body == before


def test_a_factor_that_makes_a_figure_too_large_is_refused(erin: Person) -> None:
    facility = erin.facility()
    bill = erin.consumption(facility, quantity=999_999_999_999)
    answer = post(erin, co2e=2)
    assert refused(answer) != []
    assert "too_large" in {one["code"] for one in answer.body["errors"]}
    assert erin.get(f"{LIST}?own=true").body["total"] == 0
    fits = post(erin, co2e=1).body
    assert co2e(erin, facility)[0] == 999_999_999_999
    assert erin.patch(path(fits), {"co2e": 2}).status == 422
    assert erin.get(path(fits)).body == fits
    assert co2e(erin, facility)[0] == 999_999_999_999
    erin.delete(path(fits))
    assert erin.get(f"/v1/consumptions/{bill['id']}").body["co2e"] == bill["co2e"]


# The list


@pytest.fixture
def own(erin: Person) -> dict[str, str]:
    """Own factors to choose among: id → letter."""
    factors: dict[str, dict[str, Any]] = {
        "A": {"activity": "own_a"},
        "B": {"activity": "own_b", "country": "PT", "region": "Norte", "unit": "MWh"},
        "C": {"activity": "own_c", "valid_to": None, **MARKET},
        "D": {**REFRIGERANT, "activity": "own_d"},
        "E": {**HEAT, "activity": "own_e", "valid_from": "2024-01-01", "valid_to": "2024-12-31"},
    }
    return {post(erin, **fields).body["id"]: letter for letter, fields in factors.items()}


@each(
    ("query", "found"),
    [
        ("", "EDCBA"),
        ("category=heat", "E"),
        ("category=heat&category=recharge", "ED"),
        ("category[]=electricity", "CBA"),
        ("activity=own_a", "A"),
        ("activity=own_a&activity=own_e", "EA"),
        ("activity=own", ""),
        ("country=ES", "ECA"),
        ("country=prt", "B"),
        ("country=", "D"),
        ("country=PT&country=", "DB"),
        ("region=Norte", "B"),
        ("region=", "EDCA"),
        ("supplier=Somebody,%20S.L.", "C"),
        ("method=market", "C"),
        ("method=location", "BA"),
        ("gwp_set=AR6", "D"),
        ("unit=MWh", "B"),
        ("unit=MWh&unit=kg", "DB"),
        ("source=miteco-v31", ""),
        ("valid_on=2023-12-31", "DCBA"),
        ("valid_on=2024-01-01", "EC"),
        ("valid_on=2022-12-31", ""),
        ("valid_on=2099-01-01", "C"),
        ("category=electricity&country=ES&valid_on=2024-06-01", "C"),
    ],
)
def test_a_filter_finds_what_it_names(
    erin: Person, own: dict[str, str], query: str, found: str
) -> None:
    answer = erin.get(f"{LIST}?own=true&{query}")
    assert answer.status == 200, answer.body
    assert "".join(own[one["id"]] for one in answer.body["items"]) == found
    assert answer.body["total"] == len(found)


def test_a_list_tells_own_from_published_by_source_too(
    erin: Person, charlie: Person, own: dict[str, str]
) -> None:
    post(charlie, activity="own_z")
    everything = EmissionFactor.objects.filter(organization=None, deleted_at=None)
    assert erin.get(f"{LIST}?own=false").body["total"] == everything.count()
    assert erin.get(LIST).body["total"] == everything.count() + len(own)
    assert [one["own"] for one in erin.get(f"{LIST}?size=6").body["items"]] == [True] * 5 + [False]
    answer = erin.get(f"{LIST}?source={MITECO}&source=ember&category=heat&size=100").body
    assert answer["total"] == everything.filter(source=MITECO, category="heat").count() > 0
    assert {one["source"]["id"] for one in answer["items"]} == {MITECO}


@each(
    ("query", "named"),
    [
        ("colour=green", "colour"),
        ("own=yes", "own"),
        ("own=", "own"),
        ("own=true&own=false", "own"),
        ("category=gas", "category"),
        ("country=XX", "country"),
        ("country=%25", "country"),
        ("country=%00", "country"),
        ("method=residual", "method"),
        ("method=", "method"),
        ("gwp_set=AR7", "gwp_set"),
        ("unit=kwh", "unit"),
        ("valid_on=2024-02-30", "valid_on"),
        ("valid_on=", "valid_on"),
        ("valid_on=20240101", "valid_on"),
        ("activity=%00", "activity"),
        ("source=%00", "source"),
        ("supplier=%00", "supplier"),
        ("sort=own", "sort"),
        ("sort=colour", "sort"),
        ("page=0", "page"),
        ("size=101", "size"),
    ],
)
def test_an_unknown_parameter_or_value_is_refused_by_its_name(
    bob: Person, query: str, named: str
) -> None:
    assert set(refused(bob.get(f"{LIST}?{query}"))) == {named}


@each("name", sorted(FIELDS - {"own", "note"}))
def test_a_list_sorts_by_each_field_both_ways_nulls_last_ties_newest_first(
    erin: Person, own: dict[str, str], name: str
) -> None:
    for letter, change in (
        ("A", {"co2e": 9, "source": "ember", "source_ref": "b", "scope": 3}),
        ("B", {"co2e": 10, "source": MITECO, "source_ref": "a", "co2e_biomass": 20}),
        ("C", {"co2e_biomass": 3, "gwp_set": "AR4"}),
    ):
        pk = next(pk for pk, one in own.items() if one == letter)
        assert erin.patch(f"{LIST}/{pk}", change).status == 200
    newest_first = erin.get(f"{LIST}?own=true").body["items"]

    def key(one: dict[str, Any]) -> Any:
        return one[name]["id"] if isinstance(one[name], dict) else one[name]

    given = [one for one in newest_first if one[name] is not None]
    for sign in ("", "-"):
        expected = sorted(given, key=key, reverse=sign == "-")
        expected += [one for one in newest_first if one[name] is None]
        listed = erin.get(f"{LIST}?own=true&sort={sign}{name}").body["items"]
        assert [key(one) for one in listed] == [key(one) for one in expected]
        assert [one["id"] for one in listed] == [one["id"] for one in expected]


def test_a_page_costs_the_same_number_of_queries_whatever_is_on_it(bob: Person) -> None:
    bob.get(LIST)  # the first use of a key writes when it was
    costs = []
    for size in (1, 100):
        with CaptureQueriesContext(connection) as queries:
            assert len(bob.get(f"{LIST}?size={size}").body["items"]) == size
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 3, queries.captured_queries
