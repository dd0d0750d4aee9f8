"""Changes of all kinds, in any order, through HTTP, each with what the plain model says of it."""

import re
from datetime import date, timedelta
from decimal import Decimal
from io import StringIO
from itertools import count
from typing import Any

import pytest
from django.core.management import call_command
from django.test import Client
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from organizations.models import Organization, Role
from tests.admin.conftest import at_the_admin
from tests.conftest import Answer, Cast, Person
from tests.emissions.machine.plain import KWH, Amounts, Bill, Factor, Plain, Site

ACTIVITY = "straw_of_ours"
YEARS = (2021, 2022, 2023, 2024)
FINE = {200, 201, 202, 204}

days = st.dates(date(YEARS[0], 1, 1), date(YEARS[-1], 12, 31))
lengths = st.integers(1, 500).map(timedelta)
quantities = st.decimals(0, 100_000, places=6)
per_unit = st.decimals(0, 10, places=8)
codes = st.sampled_from(["A-1", "A-2", "A-3", None])
countries = st.sampled_from(["ES", "FR"])
units = st.sampled_from(sorted(KWH))
numbers = st.integers(0, 1_000)
"""Which one of those that there are."""


def heat(on: bool) -> list[str]:
    return ["electricity", "heat"] if on else ["electricity"]


class Machine(RuleBasedStateMachine):
    people: Cast
    numbered = count()

    def __init__(self) -> None:
        super().__init__()
        self.plain = Plain()
        number = next(self.numbered)
        self.person = self.admin_of(f"alice{number}")
        self.other = self.admin_of(f"charlie{number}")
        self.staff: Client = at_the_admin(self.person.user)

    def admin_of(self, name: str) -> Person:
        organization = Organization.objects.create(name=name)
        return type(self).people(name, Role.ADMIN, organization)

    @initialize()
    def begin(self) -> None:
        """A factor that is never for anybody, so that the activity is known."""
        self.ask("POST", "/v1/emission-factors", self.factor_body(
            Factor("AQ", "kWh", date(2000, 1, 1), date(2000, 12, 31), Decimal(1), Decimal(0))
        ))  # fmt: skip
        self.add_a_site("ES", None)
        self.add_a_factor("ES", "kWh", date(2021, 1, 1), None, Decimal("0.20264"), Decimal(0))

    def ask(self, method: str, path: str, body: Any = None, status: Any = FINE) -> Answer:
        """Answers with one of these statuses, and with 404 to somebody of elsewhere."""
        if re.search("/[0-9a-f-]{36}$", path):
            assert self.other.call(method, path, body).status == 404, path
        answer = self.person.call(method, path, body)
        assert answer.status in status, (method, path, body, answer.status, answer.body)
        return answer

    def undelete(self, page: str, pk: str) -> None:
        self.staff.post(f"/admin/{page}/undelete/", {"id": [pk]})

    @staticmethod
    def one(rows: dict[str, Any], number: int) -> str:
        return sorted(rows)[number % len(rows)]

    # Sites

    @rule(country=countries, code=codes)
    def add_a_site(self, country: str, code: str | None) -> None:
        live = [one.external_id for one in self.plain.sites.values() if not one.deleted]
        taken = code is not None and code in live
        body = {"name": "Site", "type": "office", "country": country, "external_id": code}
        answer = self.ask("POST", "/v1/facilities", body, {422} if taken else {201})
        if not taken:
            self.plain.sites[answer.body["id"]] = Site(code, country)

    @rule(at=numbers, country=countries, on=st.booleans())
    def change_a_site(self, at: int, country: str, on: bool) -> None:
        pk = self.one(self.plain.sites, at)
        site = self.plain.sites[pk]
        body = {"country": country, "categories": heat(on)}
        self.ask("PATCH", f"/v1/facilities/{pk}", body, {404} if site.deleted else {200})
        if not site.deleted:
            site.country, site.heat = country, on

    @rule(at=numbers)
    def delete_or_restore_a_site(self, at: int) -> None:
        pk = self.one(self.plain.sites, at)
        site = self.plain.sites[pk]
        if not site.deleted:
            self.ask("DELETE", f"/v1/facilities/{pk}", None, {204})
            site.deleted = True
            return
        live = [one.external_id for one in self.plain.sites.values() if not one.deleted]
        taken = site.external_id is not None and site.external_id in live
        mine = [one for one in self.plain.bills.values() if one.site == pk and not one.deleted]
        taken = taken or any(self.taken(one.external_id) for one in mine)
        self.undelete("facilities/facility", pk)
        self.ask("GET", f"/v1/facilities/{pk}", None, {404} if taken else {200})
        site.deleted = taken

    # Bills

    def taken(self, code: str | None) -> bool:
        return code is not None and code in [one.external_id for one in self.plain.live_bills()]

    def bill_body(self, bill: Bill) -> dict[str, Any]:
        return {
            "facility_id": bill.site, "external_id": bill.external_id, "category": "heat",
            "activity": ACTIVITY, "quantity": bill.quantity, "unit": bill.unit,
            "start_date": bill.first.isoformat(), "end_date": bill.last.isoformat(),
        }  # fmt: skip

    @rule(at=numbers, code=codes, quantity=quantities, unit=units, first=days, length=lengths)
    def add_a_bill(
        self, at: int, code: str | None, quantity: Decimal, unit: str, first: date, length: Any
    ) -> None:
        pk = self.one(self.plain.sites, at)
        site = self.plain.sites[pk]
        bill = Bill(pk, code, quantity, unit, first, first + length)
        good = site.heat and not site.deleted and not self.taken(code)
        answer = self.ask(
            "POST", "/v1/consumptions", self.bill_body(bill), {201} if good else {422}
        )
        if good:
            self.add(answer.body["id"], bill)

    def add(self, pk: str, bill: Bill) -> None:
        bill.kept = dict.fromkeys(self.plain.closed)
        self.plain.bills[pk] = bill

    @precondition(lambda self: self.plain.bills)
    @rule(at=numbers, there=numbers, quantity=quantities, first=days, length=lengths,
          active=st.booleans(),
          what=st.sampled_from(["site", "quantity", "days", "active"]))  # fmt: skip
    def change_a_bill(
        self, at: int, there: int, quantity: Decimal, first: date, length: Any, active: bool,
        what: str,
    ) -> None:  # fmt: skip
        pk = self.one(self.plain.bills, at)
        bill = self.plain.bills[pk]
        site = self.one(self.plain.sites, there)
        fields: dict[str, dict[str, Any]] = {
            "site": {"site": site},
            "quantity": {"quantity": quantity},
            "days": {"first": first, "last": first + length},
            "active": {"active": active},
        }
        bodies: dict[str, dict[str, Any]] = {
            "site": {"facility_id": site},
            "quantity": {"quantity": quantity},
            "days": {
                "start_date": first.isoformat(), "end_date": (first + length).isoformat(),
            },
            "active": {"status": "active" if active else "inactive"},
        }  # fmt: skip
        hidden = bill.deleted or self.plain.sites[bill.site].deleted
        refused = what == "site" and not self.may_be_at(bill.site, site)
        status = {404} if hidden else {422} if refused else {200}
        answer = self.ask("PATCH", f"/v1/consumptions/{pk}", bodies[what], status)
        if answer.status == 200:
            for name, value in fields[what].items():
                setattr(bill, name, value)

    @precondition(lambda self: self.plain.bills)
    @rule(at=numbers)
    def delete_or_restore_a_bill(self, at: int) -> None:
        pk = self.one(self.plain.bills, at)
        bill = self.plain.bills[pk]
        if self.plain.sites[bill.site].deleted:
            self.ask("DELETE", f"/v1/consumptions/{pk}", None, {404})
        elif not bill.deleted:
            self.ask("DELETE", f"/v1/consumptions/{pk}", None, {204})
            bill.deleted = True
        else:
            self.undelete("emissions/consumption", pk)
            taken = self.taken(bill.external_id)  # or its category is off by now
            answer = self.ask("GET", f"/v1/consumptions/{pk}", None, {404} if taken else {200, 404})
            bill.deleted = answer.status == 404

    # Factors

    def factor_body(self, factor: Factor) -> dict[str, Any]:
        return {
            "category": "heat", "activity": ACTIVITY, "country": factor.country or None,
            "unit": factor.unit, "valid_from": factor.first.isoformat(),
            "valid_to": factor.last.isoformat() if factor.last else None,
            "co2e": factor.co2e, "co2e_biomass": factor.biomass,
        }  # fmt: skip

    @rule(country=st.sampled_from(["ES", "FR", ""]), unit=units, first=days,
          length=st.one_of(st.none(), lengths), co2e=per_unit, biomass=per_unit)  # fmt: skip
    def add_a_factor(
        self, country: str, unit: str, first: date, length: Any, co2e: Decimal, biomass: Decimal
    ) -> None:
        last = None if length is None else first + length
        factor = Factor(country, unit, first, last, co2e, biomass)
        taken = any(factor.overlaps(one) for one in self.plain.factors.values())
        body = self.factor_body(factor)
        answer = self.ask("POST", "/v1/emission-factors", body, {422} if taken else {201})
        if not taken:
            self.plain.factors[answer.body["id"]] = factor

    @precondition(lambda self: self.plain.factors)
    @rule(at=numbers, co2e=st.one_of(st.none(), per_unit))
    def change_or_delete_a_factor(self, at: int, co2e: Decimal | None) -> None:
        pk = self.one(self.plain.factors, at)
        if co2e is None:
            self.ask("DELETE", f"/v1/emission-factors/{pk}", None, {204})
            del self.plain.factors[pk]
        else:
            self.ask("PATCH", f"/v1/emission-factors/{pk}", {"co2e": co2e}, {200})
            self.plain.factors[pk].co2e = co2e

    # Files

    @rule(at=numbers, abort=st.booleans(), rows=st.lists(
        st.tuples(st.sampled_from(["A-1", "A-2", "A-3", "A-4"]), numbers, quantities, units, days,
                  lengths), min_size=1, max_size=4, unique_by=lambda row: row[0]))  # fmt: skip
    def bring_in_bills(self, at: int, abort: bool, rows: list[Any]) -> None:
        """Rows are told by their external_id; without `abort` the good ones are stored."""
        bills = [
            Bill(self.one(self.plain.sites, where), code, quantity, unit, first, first + length)
            for code, where, quantity, unit, first, length in rows
        ]
        good = [one for one in bills if self.can_be_brought_in(one)]
        path = "/v1/imports?kind=consumption&allow=overlap&on_error="
        body = [self.bill_body(one) for one in bills]
        answer = self.ask("POST", path + ("abort" if abort else "skip"), body, {201}).body
        assert answer["rejected"] == len(bills) - len(good), (answer, bills, good)
        if abort and len(good) < len(bills):
            assert answer["status"] == "refused", answer
            return
        assert answer["status"] == "stored", answer
        for one in good:
            [row] = self.ask("GET", f"/v1/consumptions?external_id={one.external_id}").body["items"]
            if known := self.plain.bills.get(row["id"]):
                one.kept, one.active = known.kept, known.active
                self.plain.bills[row["id"]] = one
            else:
                self.add(row["id"], one)

    def may_be_at(self, before: str | None, site: str) -> bool:
        """A bill that is there already stays, though its category is off by now."""
        there = self.plain.sites[site]
        return not there.deleted and (there.heat or before == site)

    def can_be_brought_in(self, bill: Bill) -> bool:
        live = self.plain.live_bills()
        known = [one.site for one in live if one.external_id == bill.external_id]
        return self.may_be_at(known[0] if known else None, bill.site)

    # Years

    @rule(year=st.sampled_from(YEARS))
    def close_or_reopen_a_year(self, year: int) -> None:
        if year in self.plain.closed:
            self.ask("POST", f"/v1/periods/{year}/reopen")
            self.plain.reopen(year)
        else:
            self.ask("POST", f"/v1/periods/{year}/close")
            self.plain.close(year)

    # What must hold

    @invariant()
    def every_site_has_its_total(self) -> None:
        for pk, site in self.plain.sites.items():
            answer = self.ask("GET", f"/v1/facilities/{pk}", None, {404} if site.deleted else {200})
            if not site.deleted:
                assert amounts(answer.body) == self.plain.of_site(pk), pk
                if not self.plain.closed:
                    incomplete = answer.body["co2e_status"] == "incomplete"
                    assert incomplete == self.plain.incomplete(pk)

    @invariant()
    def the_years_add_up(self) -> None:
        answer = self.ask("GET", "/v1/emissions?group_by=year").body
        years = {int(str(one["year"])[:4]): amounts(one) for one in answer["items"]}
        assert years == self.plain.of_years()

    def teardown(self) -> None:
        assert self.other.get("/v1/emissions").body["co2e"] == 0
        for pk, bill in self.plain.bills.items():
            hidden = bill.deleted or self.plain.sites[bill.site].deleted
            answer = self.ask("GET", f"/v1/consumptions/{pk}", None, {404} if hidden else {200})
            if not hidden:
                figures = None if answer.body["co2e"] is None else amounts(answer.body)
                assert figures == self.plain.of_bill(bill), answer.body
        wrong = StringIO()
        try:
            call_command("recalculate_co2e", check=True, stdout=wrong, stderr=StringIO())
        except SystemExit:
            pytest.fail(wrong.getvalue())


def amounts(body: dict[str, Any]) -> Amounts:
    """The kg of an answer; of heat both methods are one."""
    assert body["co2e_market"] == body["co2e"]
    return Decimal(body["co2e"]), Decimal(body["co2e_biomass"])
