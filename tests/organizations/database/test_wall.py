"""The wall in the database, which stands when a filter is forgotten."""

import re
from contextlib import suppress
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.database import bulk, wall
from organizations.models import APIKey, Membership, Organization
from tests.cases import each
from tests.conftest import Person, call

pytestmark = pytest.mark.django_db

postgresql = pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no row-level security"
)


@postgresql
def test_every_table_of_organizations_has_the_wall() -> None:
    assert wall.unwalled() == []
    models: list[Any] = [one for one in apps.get_models() if hasattr(one, "organization_id")]
    assert len(models) > 15
    with connection.cursor() as cursor:
        for model in [*models, Organization]:
            cursor.execute(
                "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class"
                " WHERE oid = %s::regclass",
                [model._meta.db_table],
            )
            assert cursor.fetchone() == (True,), model


@postgresql
def test_a_table_without_it_is_named() -> None:
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE forgotten (organization_id uuid)")
    assert wall.unwalled() == ["forgotten"]


@postgresql
def test_the_tests_connect_as_a_role_that_it_binds() -> None:
    assert wall.is_bound()


@postgresql
def test_without_an_organization_there_are_no_rows(alice: Person, charlie: Person) -> None:
    for person in (alice, charlie):
        person.consumption(person.facility())
        person.factor()
    for scope, seen in (
        (wall.NOBODY, set()),
        (wall.organizations([alice.organization.pk]), {alice.organization.pk}),
        (wall.EVERYBODY, {alice.organization.pk, charlie.organization.pk}),
    ):
        with wall.seeing(scope):
            tables: list[Any] = [Facility, Consumption, APIKey, Membership]
            for model in tables:
                found = set(model.objects.values_list("organization_id", flat=True))
                assert found == seen, (model, scope)
            assert set(Organization.objects.values_list("pk", flat=True)) == seen
            factors = EmissionFactor.objects.order_by().values_list("organization_id", flat=True)
            assert set(factors.distinct()) == seen | {None}, "published factors are everybody's"


@postgresql
def test_nobody_writes_into_anothers_organization(alice: Person, charlie: Person) -> None:
    with wall.seeing(wall.organizations([alice.organization.pk])):
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            Facility.objects.bulk_create([Facility(organization=charlie.organization, name="x")])
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            factor = EmissionFactor.objects.filter(organization=None).first()
            assert factor is not None
            factor.pk = uuid4()
            EmissionFactor.objects.bulk_create([factor])
        theirs = Facility.objects.filter(organization=charlie.organization)
        assert theirs.update(name="taken") == 0
        published = EmissionFactor.objects.filter(organization=None)
        with pytest.raises(ProgrammingError, match="row-level security"), transaction.atomic():
            published.update(note="taken")


@postgresql
@each(
    "path",
    [
        "/v1/facilities?cursor=",
        "/v1/consumptions?cursor=",
        "/v1/emission-factors?own=true&cursor=",
    ],
)
def test_a_viewset_without_its_filter_shows_no_other_tenant(
    path: str, alice: Person, charlie: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = {}
    for person in (alice, charlie):
        facility = person.facility()
        bill, factor = person.consumption(facility), person.factor()
        made[person.role, person.organization.pk] = {facility["id"], bill["id"], factor["id"]}
    mine, theirs = made.values()
    monkeypatch.setattr(
        "organizations.tenancy.TenantQuerySet.for_organization", lambda self, _: self
    )
    rows = {one["id"] for one in alice.get(path).body["items"]}
    assert rows & mine
    assert not rows & theirs
    sorted_path = path.replace("cursor=", "sort=-updated_at")
    with suppress(ValueError):  # a list that names no organization is not even compiled
        assert not theirs & {one["id"] for one in alice.get(sorted_path).body["items"]}


@postgresql
def test_a_request_leaves_nothing_behind(alice: Person) -> None:
    alice.facility()
    with wall.seeing(wall.NOBODY):
        assert not Facility.objects.exists()
    assert alice.get("/v1/facilities").body["total"] == 1
    with wall.seeing(wall.NOBODY):
        assert not Facility.objects.exists()
        assert call("GET", "/v1/facilities").status == 401
        assert not Facility.objects.exists()


@postgresql
def test_what_is_undone_takes_the_sight_of_rows_back_with_it(alice: Person) -> None:
    alice.facility()
    with wall.seeing(wall.NOBODY), transaction.atomic():
        with pytest.raises(ZeroDivisionError), transaction.atomic():
            with wall.seeing(wall.EVERYBODY):
                assert Facility.objects.exists()
            raise ZeroDivisionError
        assert not Facility.objects.exists()
        with wall.seeing(wall.EVERYBODY):
            assert Facility.objects.exists()


@postgresql
def test_the_check_says_when_the_role_may_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    assert wall.role_may_pass(None) == []
    monkeypatch.setattr(wall, "BOUND", "SELECT false, false")  # a superuser cannot be made here
    monkeypatch.setattr(wall, "_bound", {})
    [said] = wall.role_may_pass(None)
    assert connection.settings_dict["USER"] in said.msg
    assert "docs/operations.md" in str(said.hint)


@postgresql
def test_behind_a_pooler_no_session_keeps_what_it_was_told(alice: Person) -> None:
    """DB_PREPARE=0: each transaction is told for itself."""
    alice.facility()
    options = connection.settings_dict["OPTIONS"]
    options["prepare_threshold"] = None
    unknown = {**alice.headers, "x-api-key": "no"}
    try:
        assert not wall.is_told_by_statements()
        assert alice.get("/v1/facilities").body["total"] == 1
        with wall.seeing(wall.NOBODY):
            assert not Facility.objects.exists()
        with wall.seeing(wall.EVERYBODY):
            assert Facility.objects.exists()
        assert call("GET", "/v1/facilities", headers=unknown).status == 401
    finally:
        options["prepare_threshold"] = 3


@postgresql
def test_a_statement_outside_a_transaction_becomes_one_there() -> None:
    elsewhere = connection.copy()
    elsewhere.settings_dict["OPTIONS"].update(prepare_threshold=None, pool=False)
    told = "SELECT current_setting('facilities.rows_of', true)"
    try:
        for scope in (wall.EVERYBODY, wall.NOBODY):
            with wall.seeing(scope), elsewhere.cursor() as cursor:
                cursor.execute(told)
                assert cursor.fetchone() == (scope,)
        with elsewhere.cursor() as cursor:
            assert cursor.cursor.cursor.execute(told).fetchone() == ("",), "nothing stays"
    finally:
        elsewhere.close()


@postgresql
@pytest.mark.usefixtures("committed")
def test_many_rows_are_stored_at_once_also_outside_a_transaction(alice: Person) -> None:
    """PostgreSQL takes no COPY into tables with the wall from whom it binds."""
    facility = Facility(organization=alice.organization, name="Tab\tand \\n", country="ES")
    columns = Facility._meta.concrete_fields
    for count in (bulk.FEW, bulk.FEW + 1):
        rows = []
        for _ in range(count):
            facility.pk = uuid4()
            rows.append([getattr(facility, one.attname) for one in columns])
        bulk.insert(Facility, [one.attname for one in columns], rows)
    stored = Facility.objects.for_organization(alice.organization.pk)
    assert stored.filter(name="Tab\tand \\n").count() == 2 * bulk.FEW + 1


GRANTS = re.compile(r"^(?:GRANT|ALTER DEFAULT).*?;$", re.MULTILINE | re.DOTALL)


@postgresql
def test_the_role_of_the_documentation_can_do_the_services_work(alice: Person) -> None:
    """Not the owner of any table, with what docs/operations.md grants it."""
    text = (settings.BASE_DIR / "docs" / "operations.md").read_text()
    grants = [one for one in GRANTS.findall(text) if "service" in one]
    assert len(grants) >= 3
    server: Any = connection
    version = server.pg_version
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute("CREATE ROLE service")
        cursor.execute("GRANT service TO CURRENT_USER")
        for grant in grants:
            if "MAINTAIN" not in grant or version >= 170000:
                cursor.execute(
                    grant.replace(
                        "DATABASE facilities", f"DATABASE {connection.ops.quote_name(name)}"
                    )
                )
        cursor.execute("SET ROLE service")
        try:
            facility = alice.facility(cups_list=["ES0021000000000001RK"])
            bill = alice.consumption(facility)
            assert alice.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 2}).status == 200
            alice.factor()
            months = [f"{year}-{month:02}-" for year in range(2020, 2023) for month in range(1, 13)]
            shared = {"facility_id": facility["id"], "category": "electricity", "unit": "kWh"}
            rows = [
                {**shared, "quantity": 7, "start_date": f"{one}05", "end_date": f"{one}28"}
                for one in months
            ]
            answer = alice.post("/v1/imports?kind=consumption", rows)
            assert answer.status == 201, answer.body
            assert answer.body["created"] == 36, answer.body["faults"]
            assert alice.delete(f"/v1/facilities/{facility['id']}").status == 204
            call_command("recalculate_co2e", check=True)
            for forbidden in (
                "ALTER TABLE facilities_facility DISABLE ROW LEVEL SECURITY",
                "DROP TRIGGER emissions_emission_changed ON emissions_emission",
            ):
                with pytest.raises(ProgrammingError, match="must be owner"), transaction.atomic():
                    cursor.execute(forbidden)
        finally:
            cursor.execute("RESET ROLE")
