"""Whose row it is and who may do what: one table of every route, walked with every role.

A route of the router that has no row in ROUTES fails `test_every_route_is_in_the_table`, so that a
new one cannot forget its tenant.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import uuid4

import pytest
from django.contrib.admindocs.views import simplify_regex
from django.db import transaction

from config.api import urlpatterns
from emissions.models import EmissionFactor, Recalculation
from organizations.models import Organization, Role
from tests.cases import each
from tests.conftest import PASSWORD, Answer, Person, call, created

pytestmark = pytest.mark.django_db

CUPS = "ES1234123456789012JY"
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


class Route(NamedTuple):
    """A method of a path, its body when one is needed, and what each role is answered."""

    method: str
    path: str
    viewer: int = 200
    editor: int = 200
    admin: int = 200
    body: Any = None

    @property
    def id(self) -> str:
        return f"{self.method} {self.path}"


SITE = {"name": "Depot", "type": "depot", "country": "ES"}
BILL = {
    "facility_id": "{facility}",
    "category": "electricity",
    "quantity": 10,
    "unit": "kWh",
    "start_date": "2023-05-01",
    "end_date": "2023-05-31",
}
FACTOR = {
    "category": "heat",
    "activity": "peat",
    "unit": "kWh",
    "valid_from": "2023-01-01",
    "co2e": Decimal("0.38"),
}
LAYOUT = {
    "name": "Bills",
    "kind": "consumption",
    "columns": {
        "facility_id": "Sede",
        "quantity": "Consumo",
        "start_date": "Desde",
        "end_date": "Hasta",
    },
    "constants": {"category": "electricity", "unit": "kWh"},
}

YEAR = "2023"
"""In a path: every organization has its own."""

ROUTES = [
    Route("GET", "/v1/organization"),
    Route("GET", "/v1/facilities"),
    Route("POST", "/v1/facilities", 403, 201, 201, SITE),
    Route("GET", "/v1/facilities/{facility}"),
    Route("PUT", "/v1/facilities/{facility}", 403, 200, 200, {"name": "Changed"}),
    Route("PATCH", "/v1/facilities/{facility}", 403, 200, 200, {"name": "Changed"}),
    Route("DELETE", "/v1/facilities/{facility}", 403, 204, 204),
    Route("GET", "/v1/facilities/{facility}/emissions"),
    Route("GET", "/v1/facilities/{facility}/coverage"),
    Route("GET", "/v1/emissions"),
    Route("GET", "/v1/emissions/logistics"),
    Route("GET", "/v1/missing-factors"),
    Route("POST", "/v1/facilities/{facility}/preview", 403, 200, 200, {"country": "FR"}),
    Route("POST", "/v1/consumptions/preview", 403, 200, 200, BILL),
    Route("POST", "/v1/emission-factors/preview", 403, 200, 200, FACTOR),
    Route("GET", "/v1/reports/inventory?year=2023"),
    Route("GET", "/v1/periods"),
    Route("GET", f"/v1/periods/{YEAR}"),
    Route("GET", f"/v1/periods/{YEAR}/restatements"),
    Route("POST", f"/v1/periods/{YEAR}/close", 403, 403, 200),
    Route("POST", f"/v1/periods/{YEAR}/reopen", 403, 403, 409),  # it is open
    Route("GET", "/v1/consumptions"),
    Route("POST", "/v1/consumptions", 403, 201, 201, BILL),
    Route("GET", "/v1/consumptions/{consumption}"),
    Route("PUT", "/v1/consumptions/{consumption}", 403, 200, 200, {"note": "Changed"}),
    Route("PATCH", "/v1/consumptions/{consumption}", 403, 200, 200, {"note": "Changed"}),
    Route("DELETE", "/v1/consumptions/{consumption}", 403, 204, 204),
    Route("GET", "/v1/consumptions/{consumption}/calculation"),
    Route("GET", "/v1/consumptions/{consumption}/intervals"),
    Route("GET", "/v1/imports"),
    Route("POST", "/v1/imports?kind=facilities", 403, 201, 201, [SITE]),
    Route("GET", "/v1/imports/{import}"),
    Route("GET", "/v1/imports/{import}/rejects"),
    Route("GET", "/v1/imports/{import}/warnings"),
    Route("GET", "/v1/import-layouts"),
    Route("POST", "/v1/import-layouts", 403, 201, 201, {**LAYOUT, "name": "Another"}),
    Route("GET", "/v1/import-layouts/{layout}"),
    Route("PUT", "/v1/import-layouts/{layout}", 403, 200, 200, {"name": "Changed"}),
    Route("PATCH", "/v1/import-layouts/{layout}", 403, 200, 200, {"name": "Changed"}),
    Route("DELETE", "/v1/import-layouts/{layout}", 403, 204, 204),
    Route("GET", "/v1/emission-factors"),
    Route("POST", "/v1/emission-factors", 403, 201, 201, FACTOR),
    Route("GET", "/v1/emission-factors/{factor}"),
    Route("PUT", "/v1/emission-factors/{factor}", 403, 200, 200, {"note": "Changed"}),
    Route("PATCH", "/v1/emission-factors/{factor}", 403, 200, 200, {"note": "Changed"}),
    Route("DELETE", "/v1/emission-factors/{factor}", 403, 204, 204),
    Route("GET", "/v1/recalculations"),
    Route("GET", "/v1/recalculations/{recalculation}"),
    Route("GET", "/v1/api-keys", 403, 403, 200),
    Route("POST", "/v1/api-keys", 403, 403, 201, {"name": "one"}),
    Route("GET", "/v1/api-keys/{key}", 403, 403, 200),
    Route("DELETE", "/v1/api-keys/{key}", 403, 403, 204),
    Route("POST", "/v1/api-keys/{key}/rotate", 403, 403, 201, {}),
    Route("GET", "/v1/invitations", 403, 403, 200),
    Route("POST", "/v1/invitations", 403, 403, 201, {"email": "eva@example.com"}),
    Route("GET", "/v1/invitations/{invitation}", 403, 403, 200),
    Route("DELETE", "/v1/invitations/{invitation}", 403, 403, 204),
    Route("GET", "/v1/audit-events", 403, 403, 200),
]
PUBLIC = {
    ("POST", "/v1/auth/login"),
    ("POST", "/v1/auth/refresh"),
    ("POST", "/v1/auth/logout"),
    ("GET", "/v1/schema"),
    ("GET", "/v1/docs"),
}
OF_ONE = [route for route in ROUTES if "{" in route.path]


@dataclass(frozen=True)
class Rows:
    """One row of each kind in Alice's organization, by the names that ROUTES uses."""

    ids: dict[str, str]

    def path(self, route: Route) -> str:
        return route.path.format(**self.ids)

    def body(self, route: Route) -> Any:
        if not isinstance(route.body, dict):
            return route.body
        return {
            name: value.format(**self.ids) if isinstance(value, str) else value
            for name, value in route.body.items()
        }

    def call(self, person: Person, route: Route) -> Answer:
        return person.call(route.method, self.path(route), self.body(route))


KINDS = (
    "facility",
    "consumption",
    "import",
    "layout",
    "factor",
    "recalculation",
    "key",
    "invitation",
)
UNKNOWN = Rows({name: str(uuid4()) for name in KINDS})


@pytest.fixture
def rows(alice: Person) -> Rows:
    facility = alice.facility(external_id="HQ", cups_list=[CUPS])
    return Rows(
        {
            "facility": facility["id"],
            "consumption": alice.consumption(
                facility, external_id="INV-1", cups=CUPS, supplier="Alice Energy"
            )["id"],
            "import": created(alice.post("/v1/imports?kind=facilities&dry_run=true", [SITE]))["id"],
            "layout": created(alice.post("/v1/import-layouts", LAYOUT))["id"],
            "factor": alice.factor()["id"],
            "recalculation": str(
                Recalculation.objects.create(
                    organization=alice.organization,
                    cause="factor changed",
                    reaches=[],
                    facilities=1,
                    consumptions=1,
                ).pk
            ),
            "key": created(alice.post("/v1/api-keys", {"name": "ERP"}))["id"],
            "invitation": created(alice.post("/v1/invitations", {"email": "ida@example.com"}))[
                "id"
            ],
        }
    )


def undone(change: Callable[..., Answer], *args: Any) -> Answer:
    """The answer to a call whose changes are taken back."""
    with transaction.atomic():
        answer = change(*args)
        transaction.set_rollback(True)
    return answer


def served() -> Iterator[tuple[str, str]]:
    """Every (method, path) that the router serves; ids in paths all read {}."""
    for pattern in urlpatterns:
        path = "/v1" + simplify_regex(str(pattern.pattern))
        names = pattern.pattern.converters or pattern.pattern.regex.groupindex
        for name in names:
            path = path.replace(f"<{name}>", "{}")
        actions = getattr(pattern.callback, "actions", None)
        view = getattr(pattern.callback, "cls", None)
        for method in METHODS:
            if method.lower() in actions if actions else hasattr(view, method.lower()):
                yield method, path


def test_every_route_is_in_the_table() -> None:
    known = {(route.method, anonymous(route.path)) for route in ROUTES} | PUBLIC
    found = set(served())
    assert found - known == set(), "served, but without a row in ROUTES"
    assert known - found == set(), "in ROUTES, but not served"


def anonymous(path: str) -> str:
    path = path.partition("?")[0].replace(f"/{YEAR}", "/{}")
    for name in UNKNOWN.ids:
        path = path.replace(f"{{{name}}}", "{}")
    return path


EXPECTED = {(route.id, role): getattr(route, role) for route in ROUTES for role in Role.values}


def test_each_role_is_answered_as_the_table_says(
    rows: Rows, alice: Person, erin: Person, bob: Person
) -> None:
    answers = {
        (route.id, person.role): undone(rows.call, person, route)
        for route in ROUTES
        for person in (alice, erin, bob)
    }
    assert {key: answer.status for key, answer in answers.items()} == EXPECTED
    refused = [answer for answer in answers.values() if answer.status == 403]
    assert {frozenset(answer.body) for answer in refused} == {frozenset({"code", "detail"})}
    assert {answer.body["code"] for answer in refused} == {"permission_denied"}


def test_a_members_token_may_do_what_a_key_of_the_same_role_may(
    rows: Rows, alice: Person, erin: Person, bob: Person
) -> None:
    headers = {person.role: token_headers(person) for person in (alice, erin, bob)}
    answers = {
        (route.id, role): undone(
            call, route.method, rows.path(route), rows.body(route), headers[role]
        ).status
        for route in ROUTES
        for role in headers
    }
    assert answers == EXPECTED


def token_headers(person: Person) -> dict[str, str]:
    answer = call("POST", "/v1/auth/login", {"email": person.user.email, "password": PASSWORD})
    return {
        "authorization": f"Bearer {answer.body['access_token']}",
        "x-organization-id": str(person.organization.pk),
    }


def test_nothing_is_answered_without_credentials(rows: Rows, alice: Person) -> None:
    organization = {"x-organization-id": str(alice.organization.pk)}
    for route in ROUTES:
        answer, unknown = (
            call(route.method, some.path(route), some.body(route), organization)
            for some in (rows, UNKNOWN)
        )
        assert answer.status == unknown.status == 401, route.id
        assert answer.body == unknown.body
        assert answer.headers["WWW-Authenticate"]


def test_nothing_is_answered_for_an_organization_of_others(
    rows: Rows, alice: Person, charlie: Person
) -> None:
    """Charlie's key with Alice's organization in the header, as with an unknown one."""
    for route in ROUTES:
        foreign, unknown = (
            call(
                route.method,
                rows.path(route),
                rows.body(route),
                {**charlie.headers, "x-organization-id": str(pk)},
            )
            for pk in (alice.organization.pk, uuid4())
        )
        assert foreign.status == unknown.status == 404, route.id
        assert foreign.body == unknown.body


def test_anothers_row_looks_like_none(rows: Rows, alice: Person, charlie: Person) -> None:
    for route in OF_ONE:
        path = rows.path(route._replace(path=route.path.partition("}")[0] + "}"))
        before = alice.get(path)
        foreign, unknown = rows.call(charlie, route), UNKNOWN.call(charlie, route)
        assert foreign.status == unknown.status == 404, route.id
        assert foreign.body == unknown.body, route.id
        assert set(foreign.body) == {"code", "detail"}, route.id
        headers = [{**one.headers, "x-request-id": None} for one in (foreign, unknown)]
        assert headers[0] == headers[1], route.id
        assert alice.get(path).body == before.body, f"{route.id}: it is untouched"
        assert undone(rows.call, alice, route).status == route.admin, f"{route.id}: it was there"


@pytest.mark.parametrize(
    "pk", ["nope", "1", "%00", "ä", "' OR 1=1 --", pytest.param("0" * 5000, id="long")]
)
def test_an_id_that_is_no_uuid_looks_like_an_unknown_one(alice: Person, pk: str) -> None:
    odd = Rows(dict.fromkeys(UNKNOWN.ids, pk))
    for route in OF_ONE:
        answer, unknown = odd.call(alice, route), UNKNOWN.call(alice, route)
        assert answer.status == unknown.status == 404, route.id
        assert answer.body == unknown.body


@each("role", Role.values)
def test_a_deleted_row_looks_like_none(
    rows: Rows, alice: Person, erin: Person, bob: Person, role: str
) -> None:
    for path in ("/v1/consumptions/{consumption}", "/v1/facilities/{facility}"):
        assert alice.delete(path.format(**rows.ids)).status == 204
    assert alice.delete("/v1/emission-factors/" + rows.ids["factor"]).status == 204
    assert alice.delete("/v1/import-layouts/" + rows.ids["layout"]).status == 204
    assert alice.delete("/v1/invitations/" + rows.ids["invitation"]).status == 204
    person = next(one for one in (alice, erin, bob) if one.role == role)
    for route in OF_ONE:
        kept = any(one in route.path for one in ("{key}", "{recalculation}", "{import}"))
        if getattr(route, role) != 403 and not kept:
            deleted, unknown = rows.call(person, route), UNKNOWN.call(person, route)
            assert deleted.status == unknown.status == 404, route.id
            assert deleted.body == unknown.body


def test_what_a_path_does_not_do_is_405(rows: Rows, alice: Person) -> None:
    for path in {route.path.partition("?")[0] for route in ROUTES}:
        methods = {one.method for one in ROUTES if one.path.partition("?")[0] == path}
        for method in (*METHODS, "OPTIONS", "TRACE"):
            if method not in methods:
                answer = alice.call(method, path.format(**rows.ids), {})
                assert answer.status == 405, (method, path)
                assert answer.body["code"] == "method_not_allowed"
                head = {"HEAD"} if "GET" in methods else set()
                assert set(answer.headers["Allow"].split(", ")) == methods | head


def test_published_factors_are_read_only_for_every_role(
    alice: Person, erin: Person, bob: Person
) -> None:
    [published] = alice.get("/v1/emission-factors?own=false&size=1").body["items"]
    path = f"/v1/emission-factors/{published['id']}"
    for person in (alice, erin, bob):
        assert person.get(path).body == published
        for method, body in (("PUT", {"co2e": 0}), ("PATCH", {"co2e": 0}), ("DELETE", None)):
            answer = person.call(method, path, body)
            assert answer.status == 403, (person.role, method)
            assert answer.body["code"] == "permission_denied"
    assert alice.get(path).body == published


def test_a_bill_cannot_be_recorded_at_anothers_facility(
    rows: Rows, alice: Person, charlie: Person
) -> None:
    route = next(one for one in ROUTES if one.id == "POST /v1/consumptions")
    foreign, unknown = rows.call(charlie, route), UNKNOWN.call(charlie, route)
    assert foreign.status == unknown.status == 422
    assert foreign.fields == unknown.fields == ["facility_id"]
    assert foreign.error("facility_id")["code"] == "does_not_exist"
    says = foreign.error("facility_id")["detail"].replace(rows.ids["facility"], "ID")
    assert says == unknown.error("facility_id")["detail"].replace(UNKNOWN.ids["facility"], "ID")
    assert alice.get("/v1/consumptions").body["total"] == 1
    assert charlie.get("/v1/consumptions").body["total"] == 0


@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_a_bill_cannot_be_moved_to_anothers_facility(
    rows: Rows, alice: Person, charlie: Person, method: str
) -> None:
    own = charlie.facility()
    bill = charlie.consumption(own)
    before = alice.get(f"/v1/facilities/{rows.ids['facility']}").body
    path = f"/v1/consumptions/{bill['id']}"
    answer = charlie.call(method, path, {"facility_id": rows.ids["facility"]})
    assert answer.status == 422
    assert answer.fields == ["facility_id"]
    assert answer.error("facility_id")["code"] == "does_not_exist"
    assert charlie.get(path).body == bill
    assert alice.get(f"/v1/facilities/{rows.ids['facility']}").body == before


def test_a_deleted_facility_takes_no_bills(rows: Rows, alice: Person) -> None:
    alice.delete(f"/v1/facilities/{rows.ids['facility']}")
    route = next(one for one in ROUTES if one.id == "POST /v1/consumptions")
    answer = rows.call(alice, route)
    assert answer.status == 422
    assert answer.error("facility_id")["code"] == "does_not_exist"


@each("name", ["organization", "organization_id", "x-organization-id"])
def test_a_body_does_not_choose_the_organization(
    rows: Rows, alice: Person, charlie: Person, name: str
) -> None:
    chosen = {name: str(alice.organization.pk)}
    site = charlie.facility(**chosen)
    bill = charlie.consumption(site, **chosen)
    factor = charlie.factor(**chosen, activity="peat", category="heat", method=None)
    moved = charlie.patch(f"/v1/facilities/{site['id']}", chosen)
    assert moved.status == 200
    for path in (
        f"/v1/facilities/{site['id']}",
        f"/v1/consumptions/{bill['id']}",
        f"/v1/emission-factors/{factor['id']}",
    ):
        assert charlie.get(path).status == 200
        assert alice.get(path).status == 404
    assert alice.get(f"/v1/facilities?{name}={alice.organization.pk}").status == 422


@each(
    ("path", "kind"),
    [
        ("/v1/facilities", "facility"),
        ("/v1/consumptions", "consumption"),
        ("/v1/emission-factors?own=true", "factor"),
        ("/v1/api-keys", "key"),
    ],
)
def test_a_list_holds_the_organizations_own_rows_alone(
    rows: Rows, alice: Person, charlie: Person, path: str, kind: str
) -> None:
    assert rows.ids[kind] in [one["id"] for one in alice.get(path).body["items"]]
    own = {
        "facility": lambda: charlie.facility()["id"],
        "consumption": lambda: charlie.consumption(charlie.facility())["id"],
        "factor": lambda: charlie.factor()["id"],
        "key": lambda: created(charlie.post("/v1/api-keys", {"name": "two"}))["id"],
    }[kind]()
    answer = charlie.get(path).body
    ids = [one["id"] for one in answer["items"]]
    first_key = [one["id"] for one in answer["items"] if one.get("name") == "charlie"]
    assert ids == [own, *first_key]
    assert answer["total"] == len(ids)
    assert own not in [one["id"] for one in alice.get(path).body["items"]]


def test_published_factors_are_everybodys_and_own_ones_are_not(
    rows: Rows, alice: Person, charlie: Person
) -> None:
    mine, theirs = (one.get("/v1/emission-factors").body["total"] for one in (alice, charlie))
    assert mine == theirs + 1 > 1
    for query in ("?own=true", "?own=false&category=electricity&country=ES&valid_on=2023-06-01"):
        items = charlie.get(f"/v1/emission-factors{query}").body["items"]
        assert rows.ids["factor"] not in [one["id"] for one in items]
    assert items, "there are published ones of the same key"


@each(
    "query",
    [
        "facilities?external_id=HQ",
        f"facilities?cups={CUPS}",
        "facilities?name=Madrid",
        "facilities?country=ES",
        "consumptions?facility_id={facility}",
        "consumptions?external_id=INV-1",
        f"consumptions?cups={CUPS}",
        "consumptions?supplier=Alice Energy",
        "consumptions?category=electricity",
        "emission-factors?own=true&country=ES",
    ],
)
def test_a_filter_by_anothers_values_finds_nothing(
    rows: Rows, alice: Person, charlie: Person, query: str
) -> None:
    path = "/v1/" + query.format(**rows.ids)
    assert alice.get(path).body["total"] == 1
    answer = charlie.get(path)
    assert answer.status == 200
    assert (answer.body["items"], answer.body["total"]) == ([], 0)


def test_codes_are_unique_per_organization_alone(rows: Rows, charlie: Person) -> None:
    """Alice has them all; that is no business of Charlie's, who must not even learn it."""
    site = charlie.facility(external_id="HQ", cups_list=[CUPS])
    bill = charlie.consumption(site, external_id="INV-1", cups=CUPS)
    assert (site["external_id"], site["cups_list"]) == ("HQ", [CUPS])
    assert (bill["external_id"], bill["cups"]) == ("INV-1", CUPS)


def test_a_cups_of_anothers_facility_is_not_ones_own(rows: Rows, charlie: Person) -> None:
    bill = {**BILL, "facility_id": charlie.facility()["id"], "cups": CUPS}
    answer = charlie.post("/v1/consumptions", bill)
    assert answer.status == 422
    assert answer.error("cups")["code"] == "not_of_facility"


def test_ones_own_factor_is_never_applied_to_anothers_bill(alice: Person, charlie: Person) -> None:
    theirs = charlie.consumption(charlie.facility())
    own = alice.factor(co2e=7)
    market = alice.factor(co2e=9, method="market", supplier="Acme")
    mine = alice.consumption(alice.facility(), supplier="Acme")
    assert (mine["co2e"], mine["co2e_market"]) == (7000, 9000), "Alice's own come first for her"

    after = charlie.consumption(charlie.facility(), supplier="Acme")
    assert charlie.get(f"/v1/consumptions/{theirs['id']}").body == theirs, "not recalculated either"
    assert after["co2e_status"] == "calculated"
    assert (after["co2e"], after["co2e_market"]) == (theirs["co2e"], theirs["co2e_market"])
    [line] = charlie.get(f"/v1/consumptions/{after['id']}/calculation").body["lines"]
    for figure in (line["location"], line["market"]):
        assert figure["factor"]["own"] is False
        assert figure["factor"]["id"] not in (own["id"], market["id"])


def test_a_published_change_recalculates_each_with_ones_own_factors(
    alice: Person, charlie: Person
) -> None:
    """Bills of both are computed in one batch, with the factors of both at hand."""
    published = EmissionFactor.objects.create(
        category="heat", activity="peat", unit="kWh", valid_from="2023-01-01", co2e=2, scope=1
    )
    alice.factor(category="heat", activity="peat", method=None, co2e=7)
    bills = [
        person.consumption(person.facility(), category="heat", activity="peat")
        for person in (alice, charlie, alice, charlie)
    ]
    assert [bill["co2e"] for bill in bills] == [7000, 2000, 7000, 2000]
    published.co2e = Decimal(3)
    published.save()
    after = [
        person.get(f"/v1/consumptions/{bill['id']}").body["co2e"]
        for person, bill in zip((alice, charlie, alice, charlie), bills, strict=True)
    ]
    assert after == [7000, 3000, 7000, 3000]


def test_an_activity_that_anothers_factor_alone_knows_is_unknown(
    alice: Person, charlie: Person
) -> None:
    alice.factor(category="heat", activity="alices_secret_fuel", method=None)
    heat = {"category": "heat", "activity": "alices_secret_fuel"}
    assert alice.consumption(alice.facility(), **heat)["co2e_status"] == "calculated"
    for activity in ("alices_secret_fuel", "alices_secret_fue"):
        bill = {**BILL, "facility_id": charlie.facility()["id"], "category": "heat"}
        answer = charlie.post("/v1/consumptions", {**bill, "activity": activity})
        assert answer.status == 422
        detail = answer.error("activity")["detail"].replace(f"“{activity}”", "")
        assert "alices_secret_fuel" not in detail, "nor is it proposed"


def test_deleting_ones_own_factor_leaves_anothers_figures(alice: Person, charlie: Person) -> None:
    factors = [person.factor(co2e=co2e) for person, co2e in ((alice, 7), (charlie, 9))]
    bills = [person.consumption(person.facility()) for person in (alice, charlie)]
    assert [bill["co2e"] for bill in bills] == [7000, 9000]
    assert alice.delete(f"/v1/emission-factors/{factors[0]['id']}").status == 204
    assert charlie.get(f"/v1/consumptions/{bills[1]['id']}").body == bills[1]
    assert alice.get(f"/v1/consumptions/{bills[0]['id']}").body["co2e"] not in (7000, 9000)


def test_two_organizations_may_have_own_factors_of_one_key(alice: Person, charlie: Person) -> None:
    assert alice.factor()["id"] != charlie.factor()["id"]


def test_the_gwp_set_is_ones_own(alice: Person, charlie: Person, elsewhere: Organization) -> None:
    def refill(person: Person) -> dict[str, Any]:
        return person.consumption(
            person.facility(),
            category="recharge",
            activity="R-410A",
            quantity=1,
            unit="kg",
            start_date="2023-03-01",
            end_date="2023-03-01",
        )

    before = refill(alice)
    elsewhere.gwp_set = "AR4"
    elsewhere.save()
    assert refill(charlie)["co2e"] != before["co2e"]
    assert alice.get(f"/v1/consumptions/{before['id']}").body == before
    assert refill(alice)["co2e"] == before["co2e"]


def test_a_breakdown_holds_ones_own_lines_alone(rows: Rows, alice: Person, charlie: Person) -> None:
    site = charlie.facility()
    assert charlie.get(f"/v1/facilities/{site['id']}/emissions").body["items"] == []
    bill = charlie.consumption(site)
    body = charlie.get(f"/v1/facilities/{site['id']}/emissions").body
    assert body["co2e"] == bill["co2e"]
    alices = alice.get(f"/v1/facilities/{rows.ids['facility']}/emissions").body
    assert alices["co2e"] == alice.get(f"/v1/facilities/{rows.ids['facility']}").body["co2e"]
