"""The ledger's lines and the audit's events refuse to be changed, whoever tries and however."""

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from emissions.models import Emission
from organizations.audit.event import AuditEvent
from organizations.database.guards import Rewritable, WrittenOnce, unguarded
from organizations.models import User
from tests.admin.conftest import at_the_admin
from tests.conftest import PASSWORD, Person
from tests.written_once import GUARDED, lifted

pytestmark = pytest.mark.django_db

POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture
def rows(alice: Person) -> dict[str, Any]:
    """A line that counts, one that is superseded, and an event, by their tables."""
    bill = alice.consumption(alice.facility())
    alice.patch(f"/v1/consumptions/{bill['id']}", {"quantity": 2000})
    assert Emission.objects.count() == 2
    return {model._meta.db_table: list(model._base_manager.values()) for model in GUARDED}


def refused(statement: str) -> None:
    with pytest.raises(IntegrityError, match="is written once"), transaction.atomic():
        run(statement)


def run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def as_they_were(rows: dict[str, Any]) -> bool:
    return rows == {model._meta.db_table: list(model._base_manager.values()) for model in GUARDED}


@pytest.mark.parametrize("model", GUARDED, ids=lambda model: model.__name__)
def test_every_column_of_every_guarded_table_is_held(model: Any) -> None:
    """A migration that adds a column, or makes SQLite copy the table, ends with WrittenOnce."""
    assert unguarded(connection, model) == []


def test_the_ledger_and_the_audit_are_guarded() -> None:
    assert {Emission, AuditEvent} <= set(GUARDED)


def test_sql_changes_no_column_of_a_stored_row(rows: dict[str, Any]) -> None:
    for model in GUARDED:
        for field in model._meta.concrete_fields:
            if not field.name.startswith("superseded_"):
                refused(f'UPDATE {model._meta.db_table} SET "{field.column}" = "{field.column}"')
    assert as_they_were(rows)


def test_sql_deletes_no_row_and_empties_no_table(rows: dict[str, Any]) -> None:
    if POSTGRESQL:
        run("SET CONSTRAINTS ALL IMMEDIATE")  # TRUNCATE waits for nothing that is to be checked
    for table in rows:
        refused(f"DELETE FROM {table}")
        if POSTGRESQL:
            refused(f"TRUNCATE {table} CASCADE")
    assert as_they_were(rows)


def test_no_row_is_replaced_by_another(rows: dict[str, Any]) -> None:
    for table, stored in rows.items():
        columns = ", ".join(f'"{one}"' for one in stored[0])
        if POSTGRESQL:
            tail = "ON CONFLICT (id) DO UPDATE SET organization_id = excluded.organization_id"
            refused(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {table} {tail}")
        else:
            refused(f"REPLACE INTO {table} ({columns}) SELECT {columns} FROM {table}")
    assert as_they_were(rows)


def test_the_orm_changes_and_deletes_nothing(rows: dict[str, Any]) -> None:
    line, event = Emission.objects.current().get(), AuditEvent.objects.order_by("number")[0]
    line.co2e += 1
    for change in (
        line.save,
        line.delete,
        lambda: Emission.objects.update(co2e=0),
        Emission.objects.all().delete,
        event.save,
        event.delete,
        lambda: AuditEvent.objects.update(actor="nobody"),
        AuditEvent.objects.all().delete,
    ):
        with pytest.raises(IntegrityError, match="is written once"), transaction.atomic():
            change()
    assert as_they_were(rows)


def test_a_line_is_superseded_once_and_for_good(rows: dict[str, Any]) -> None:
    current = "superseded_at IS NULL"
    past = "superseded_at IS NOT NULL"
    now = f"'{timezone.now().isoformat()}'"
    refused(f"UPDATE emissions_emission SET superseded_at = NULL WHERE {past}")
    refused(f"UPDATE emissions_emission SET superseded_at = {now} WHERE {past}")
    refused(f"UPDATE emissions_emission SET superseded_at = NULL WHERE {current}")
    refused(f"UPDATE emissions_emission SET superseded_at = {now}, co2e = 0 WHERE {current}")
    assert as_they_were(rows)
    run(f"UPDATE emissions_emission SET superseded_at = {now} WHERE {current}")
    assert not Emission.objects.current().exists()


def test_a_superuser_of_the_admin_is_refused_too(rows: dict[str, Any]) -> None:
    root = at_the_admin(User.objects.create_superuser("root@example.com", PASSWORD))
    rows = {model._meta.db_table: list(model._base_manager.values()) for model in GUARDED}
    for model in GUARDED:
        for row in model._base_manager.all():
            everything_is_sent(root, model, row.pk)
    assert as_they_were(rows)


def everything_is_sent(client: Client, model: Any, pk: Any) -> None:
    name = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    form = {"co2e": "0", "actor": "nobody", "event": "login", "post": "yes"}
    for what in ("change", "delete"):
        assert client.post(reverse(f"{name}_{what}", args=[pk]), form).status_code == 403
    assert client.post(reverse(f"{name}_add"), form).status_code == 403
    chosen = {**form, "action": "delete_selected", "_selected_action": [str(pk)]}
    client.post(reverse(f"{name}_changelist"), chosen)


def test_a_migration_may_lift_the_guard_and_puts_it_back(rows: dict[str, Any]) -> None:
    lift = Rewritable("emissions_emission")
    guard = WrittenOnce("emissions_emission", closed_by="superseded_at")
    with Editor() as editor:
        lift.database_forwards("emissions", editor)
    run("UPDATE emissions_emission SET activity = 'grid'")
    assert unguarded(connection, Emission) != []
    with Editor() as editor:
        guard.database_forwards("emissions", editor)
    assert unguarded(connection, Emission) == []
    refused("UPDATE emissions_emission SET activity = 'grid'")


class Editor:
    """As much of a schema editor as the operations use, inside the test's transaction."""

    connection = connection

    def __enter__(self) -> "Editor":
        return self

    def __exit__(self, *args: object) -> None:
        """There is nothing to end."""

    def execute(self, sql: str, params: Any = None) -> None:
        run(sql)


def test_a_guard_that_misses_a_column_is_told() -> None:
    run("ALTER TABLE emissions_emission ADD COLUMN stray integer")
    assert unguarded(connection, Emission) == [
        "emissions_emission: the trigger emissions_emission_changed is missing, is off, or does "
        "not name every column"
    ]


@pytest.mark.usefixtures("committed")
def test_what_the_tests_throw_away_is_guarded_again() -> None:
    with lifted():
        assert all(unguarded(connection, model) for model in GUARDED)
    assert not any(unguarded(connection, model) for model in GUARDED)
