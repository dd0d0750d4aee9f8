"""`as_of`: whatever is changed later, the answer of a moment can be had again."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from emissions.models import Emission
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Answer, Person
from tests.emissions.figures import kg
from tests.examples import examples
from tests.importing import run, write_csv

pytestmark = pytest.mark.django_db

BILLS: dict[str, dict[str, Any]] = {
    "power": {"category": "electricity", "quantity": 1000, "unit": "kWh", "end_date": "2023-04-09"},
    "gas": {
        "category": "heat", "activity": "natural_gas", "quantity": 1000, "unit": "kWh",
        "end_date": "2023-03-31",
    },
    "refill": {
        "category": "recharge", "activity": "R-410A", "quantity": 2, "unit": "kg",
        "end_date": "2023-03-01",
    },
}  # fmt: skip
GROUPED = {"group_by": ["category", "month", "country", "type", "facility", "data_quality"]}


def now() -> str:
    return datetime.now(UTC).isoformat()


def asked(person: Person, path: str, **query: Any) -> Any:
    answer: Answer = person.get(f"{path}?{urlencode(query, doseq=True)}")
    assert answer.status == 200, answer.body
    return answer.body


def test_a_later_factor_does_not_change_what_stood(erin: Person) -> None:
    bill = erin.consumption(erin.facility())
    then, stood = now(), asked(erin, "/v1/emissions")
    explained = asked(erin, f"/v1/consumptions/{bill['id']}/calculation")
    erin.factor(co2e=Decimal("0.5"))
    assert asked(erin, "/v1/emissions")["co2e"] == 500
    assert asked(erin, "/v1/emissions", as_of=then) == stood
    past = asked(erin, f"/v1/consumptions/{bill['id']}/calculation", as_of=then)
    [line] = past["lines"]
    assert (past["co2e"], line["location"]) == (
        explained["co2e"],
        explained["lines"][0]["location"],
    )
    assert line["superseded_at"] > then
    assert line["superseded_by"].startswith("erin")
    assert line["superseded_by"].endswith(" · POST /v1/emission-factors")


def test_an_explanation_of_the_past_shows_the_bill_as_it_was(erin: Person) -> None:
    site = erin.facility()
    bill = erin.consumption(site, note="first")
    then = now()
    erin.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 7, "note": "second"})
    erin.patch(f"/v1/facilities/{site['id']}", {"country": "FR", "type": "depot"})
    past = asked(erin, f"/v1/consumptions/{bill['id']}/calculation", as_of=then)
    assert (past["consumption"]["quantity"], past["consumption"]["note"]) == (1000, "first")
    assert kg(past) == kg(past["consumption"]) == kg(bill)
    assert past["lines"][0]["location"]["asked"]["country"] == "ES"
    assert past["as_of"] is not None


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "inactive"}, "inactive"),
        ({"activity": "hydrogen_of_nobody", "category": "heat"}, None),
    ],
)
def test_an_explanation_of_the_past_says_why_there_was_no_figure(
    erin: Person, fields: dict[str, Any], reason: str | None
) -> None:
    site = erin.facility()
    if reason is None:
        erin.factor(
            category="heat", activity="hydrogen_of_nobody", method=None, unit="kg",
            country="FR",
        )  # fmt: skip
        bill = erin.consumption(site, **fields, unit="kg")
        reason = "no_factor"
    else:
        bill = erin.consumption(site, **fields)
    then = now()
    assert erin.delete(f"/v1/consumptions/{erin.consumption(site)['id']}").status == 204
    erin.patch(f"/v1/consumptions/{bill['id']}", {"status": "active"})
    past = asked(erin, f"/v1/consumptions/{bill['id']}/calculation", as_of=then)
    assert (past["lines"], past["co2e"], past["reason"].split(":")[0]) == ([], None, reason)


def test_an_explanation_of_the_past_gives_the_reason_of_that_time(alice: Person) -> None:
    """Not the one of today, when the bill is somewhere else and the factors are others."""
    site = alice.facility(name="Ice", country="AQ")
    bill = alice.consumption(site, start_date="1985-01-01", end_date="1985-01-31")
    path = f"/v1/consumptions/{bill['id']}/calculation"
    reasons = []

    def remember() -> None:
        reasons.append((asked(alice, path)["reason"], now()))

    remember()
    factor = {"valid_from": "1985-01-01", "valid_to": "1985-12-31", "country": "AQ"}
    first = alice.factor(**factor, co2e=Decimal("0.3"))
    alice.factor(**factor, co2e=Decimal("0.4"), unit="MWh")
    alice.patch(f"/v1/consumptions/{bill['id']}", {"unit": "GJ"})
    remember()
    alice.delete(f"/v1/emission-factors/{first['id']}")
    remember()
    assert alice.post("/v1/periods/1985/close", None).status == 200
    alice.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 2})
    remember()
    alice.patch(f"/v1/facilities/{site['id']}", {"country": "ES"})
    remember()
    codes = [(reason or "").split(":")[0] for reason, _ in reasons]
    assert codes == ["no_factor", "ambiguous_factor", "", "period_closed", "period_closed"]
    for reason, moment in reasons:
        assert asked(alice, path, as_of=moment)["reason"] == reason


def test_before_a_bill_was_recorded_it_has_no_figure(erin: Person) -> None:
    site = erin.facility()
    then = now()
    bill = erin.consumption(site)
    past = asked(erin, f"/v1/consumptions/{bill['id']}/calculation", as_of=then)
    assert (past["lines"], past["co2e"]) == ([], None)
    assert "not recorded yet" in past["reason"]


def test_a_deleted_facility_still_has_its_past_in_the_totals(erin: Person) -> None:
    site = erin.facility(region="ES-MD")
    erin.consumption(site)
    then, stood = now(), asked(erin, "/v1/emissions", country="ES", region="ES-MD", name="Madrid")
    assert stood["co2e"]
    erin.delete(f"/v1/facilities/{site['id']}")
    assert asked(erin, "/v1/emissions", country="ES")["co2e"] == 0
    query = {"country": "ES", "region": "ES-MD", "name": "Madrid", "as_of": then}
    assert asked(erin, "/v1/emissions", **query) == stood


@each("path", ["/v1/emissions", "/v1/facilities/{}/emissions"])
@each(
    ("as_of", "code"),
    [("2999-01-01T00:00:00Z", "in_the_future"), ("yesterday", "invalid"), ("", None)],
)
def test_a_moment_that_is_none_or_has_not_come_is_refused(
    erin: Person, path: str, as_of: str, code: str | None
) -> None:
    answer = erin.get(f"{path.format(erin.facility()['id'])}?as_of={as_of}")
    assert (answer.status, answer.fields) == (422, ["as_of"])
    assert code in (None, answer.error("as_of")["code"])


def test_another_organization_has_another_past(erin: Person, charlie: Person) -> None:
    erin.consumption(erin.facility())
    assert asked(charlie, "/v1/emissions", as_of=now())["co2e"] == 0


def test_a_line_keeps_the_import_that_ended_it(
    erin: Person, organization: Organization, tmp_path: Any
) -> None:
    site = erin.facility(external_id="A")
    bill = erin.consumption(site, external_id="B-1")
    names = ("external_id", "category", "unit", "start_date", "end_date")
    row = {name: bill[name] for name in names}
    file = write_csv(tmp_path / "more.csv", [{**row, "facility_id": "A", "quantity": 5}])
    assert run("import_consumption", file, organization).status == 0
    [line] = Emission.objects.exclude(superseded_at=None)
    assert line.superseded_by.startswith("import more.csv")


class History(RuleBasedStateMachine):
    """Changes of all kinds, with the answers at their moments, asked again at the end."""

    person: Person
    admin: Person

    def __init__(self) -> None:
        super().__init__()
        self.bills: list[dict[str, Any]] = []
        self.remembered: list[tuple[str, dict[str, Any], str, Any]] = []

    @initialize()
    def begin(self) -> None:
        self.sites = [
            self.person.facility(name="One"),
            self.person.facility(name="Two", country="FR", type="depot"),
        ]

    def remember(self, path: str, **query: Any) -> None:
        answer = asked(self.person, path, **query)
        self.remembered.append((path, query, now(), answer))

    @rule(site=st.integers(0, 1), kind=st.sampled_from(["power", "gas", "refill"]))
    def record_a_bill(self, site: int, kind: str) -> None:
        bill = {"facility_id": self.sites[site]["id"], "start_date": "2023-03-01", **BILLS[kind]}
        answer = self.person.post("/v1/consumptions", bill)
        if answer.status == 201:  # else its category is off there
            self.bills.append(answer.body)

    @rule(at=st.integers(0, 9), change=st.sampled_from(
        [{"quantity": 3}, {"quantity": 1234.5}, {"status": "inactive"}, {"status": "active"},
         {"data_quality": "estimated"}, {"move": True}, {"delete": True}]))  # fmt: skip
    def change_a_bill(self, at: int, change: dict[str, Any]) -> None:
        if not self.bills:
            return
        bill = self.bills[at % len(self.bills)]
        path = f"/v1/consumptions/{bill['id']}"
        if "delete" in change:
            assert self.person.delete(path).status == 204
            self.bills.remove(bill)
            return
        body = {"facility_id": self.sites[at % 2]["id"]} if "move" in change else change
        assert self.person.patch(path, body).status in (200, 422)  # 422: its category is off there

    @rule(site=st.integers(0, 1), change=st.sampled_from(
        [{"country": "PT"}, {"country": "ES"}, {"country": "AQ"}, {"type": "school"},
         {"categories": ["heat"]}, {"categories": ["electricity", "heat", "recharge"]}]
    ))  # fmt: skip
    def change_a_facility(self, site: int, change: dict[str, Any]) -> None:
        path = f"/v1/facilities/{self.sites[site]['id']}"
        assert self.person.patch(path, change).status == 200

    @rule(country=st.sampled_from(["ES", "FR", "PT"]), cents=st.integers(1, 99))
    def add_or_change_a_factor(self, country: str, cents: int) -> None:
        co2e = Decimal(cents) / 100
        body = {
            "category": "electricity", "activity": "grid", "country": country, "unit": "kWh",
            "method": "location", "valid_from": "2023-01-01", "co2e": co2e,
        }  # fmt: skip
        answer = self.person.post("/v1/emission-factors", body)
        if answer.status == 422:
            own = asked(self.person, "/v1/emission-factors", own="true", country=country)["items"]
            path = f"/v1/emission-factors/{own[0]['id']}"
            assert self.person.patch(path, {"co2e": co2e}).status == 200

    @rule(what=st.sampled_from(["close", "reopen"]))
    def close_or_reopen_the_year(self, what: str) -> None:
        assert self.admin.post(f"/v1/periods/2023/{what}", None).status in (200, 409)

    @rule(grouped=st.booleans(), period=st.sampled_from(
        [{}, {"start_date": "2023-03-10", "end_date": "2023-03-20"}, {"start_date": "2023-07-01"}]
    ), country=st.sampled_from([{}, {"country": "ES"}, {"type": "depot"}]))  # fmt: skip
    def ask_for_totals(self, grouped: bool, period: Any, country: Any) -> None:
        self.remember("/v1/emissions", **period, **country, **(GROUPED if grouped else {}))

    @rule(site=st.integers(0, 1))
    def ask_for_a_facilitys(self, site: int) -> None:
        path = f"/v1/facilities/{self.sites[site]['id']}/emissions"
        self.remember(path, group_by=["month", "category"])

    @rule(at=st.integers(0, 9))
    def ask_for_an_explanation(self, at: int) -> None:
        if self.bills:
            bill = self.bills[at % len(self.bills)]
            self.remember(f"/v1/consumptions/{bill['id']}/calculation")

    def teardown(self) -> None:
        for path, query, moment, answer in self.remembered:
            again: Answer = self.person.get(
                f"{path}?{urlencode({**query, 'as_of': moment}, doseq=True)}"
            )
            if "consumptions" in path:
                if again.status == 404:  # the bill has been deleted since
                    continue
                assert figures_of(again.body) == figures_of(answer)
            else:
                assert again.body == answer


def figures_of(explained: dict[str, Any]) -> Any:
    """What of an explanation does not tell of what came later."""
    lines = [
        {name: value for name, value in line.items() if not name.startswith("superseded")}
        for line in explained["lines"]
    ]
    for line in lines:
        for method in ("location", "market"):
            used = line[method]["factor"]
            line[method] = {**line[method], "factor": (used["id"], used["co2e"], used["unit"])}
    quantity = {n: v for n, v in explained["consumption"].items() if n in ("quantity", "status")}
    return lines, quantity, kg(explained), kg(explained["consumption"]), explained["reason"]


def test_every_answer_can_be_had_again(erin: Person, alice: Person) -> None:
    """A machine changes bills, factors, facilities and years, and asks all its questions again."""

    class Machine(History):
        person, admin = erin, alice

        def __init__(self) -> None:
            super().__init__()
            alice.post("/v1/periods/2023/reopen", None)
            for own in asked(erin, "/v1/emission-factors", own="true", size=100)["items"]:
                erin.delete(f"/v1/emission-factors/{own['id']}")

    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=examples(5),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
