"""manage.py verify_audit: a changed digit, a missing row and another order show."""

from collections.abc import Callable
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.db import connection

from organizations.audit.chain import hash_of
from organizations.audit.event import AuditEvent
from organizations.models import Organization
from tests.cases import each
from tests.conftest import Person
from tests.examples import TIMES
from tests.organizations.conftest import log_in
from tests.test_concurrency import together
from tests.written_once import lifted

TABLE = "organizations_auditevent"


def verify(*options: str) -> tuple[int, list[str], list[str]]:
    """The exit status, the lines for scripts, and the messages."""
    out, err = StringIO(), StringIO()
    try:
        call_command("verify_audit", *options, stdout=out, stderr=err)
    except SystemExit as error:
        return int(str(error.code)), out.getvalue().splitlines(), err.getvalue().splitlines()
    return 0, out.getvalue().splitlines(), err.getvalue().splitlines()


@pytest.fixture
def five(alice: Person) -> Organization:
    """An organization with five events."""
    for _ in range(3):
        log_in("alice@example.com", "wrong")
    return alice.organization


def head(organization: Organization) -> str:
    last = AuditEvent.objects.filter(organization=organization).order_by("number").last()
    assert last is not None
    return f"{organization.pk} {last.number} {last.hash}"


@pytest.mark.django_db
def test_a_whole_chain_is_told_by_its_head(five: Organization, charlie: Person) -> None:
    heads = sorted([head(five), head(charlie.organization)])
    said = ["organizations 2, events 7, broken 0"]
    assert verify() == (0, heads, said)
    said = ["organizations 1, events 5, broken 0"]
    assert verify("--organization", str(five.pk)) == (0, [head(five)], said)


@pytest.mark.django_db
def test_no_organizations_is_nothing_to_find() -> None:
    assert verify() == (0, [], ["organizations 0, events 0, broken 0"])


def change(column: str, value: str) -> Callable[[], Any]:
    return lambda: sql(f"UPDATE {TABLE} SET {column} = {value} WHERE number = 3")


def swap() -> None:
    """Two events change their places; each still has its own content and hashes."""
    for old, new in ((3, 99), (4, 3), (99, 4)):
        sql(f"UPDATE {TABLE} SET number = {new} WHERE number = {old}")


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


@pytest.mark.django_db
@each(
    ("damage", "says"),
    [
        (change("actor", "'malory@example.com'"), "event 3 (ID) is not as it was recorded"),
        (change("address", "'127.0.0.2'"), "event 3 (ID) is not as it was recorded"),
        (change("details", """'{"into": "api"}'"""), "event 3 (ID) is not as it was recorded"),
        (change("recorded_at", "'2024-01-01T00:00:00+00:00'"), "event 3 (ID) is not as it was"),
        (change("hash", "previous_hash"), "event 3 (ID) is not as it was recorded"),
        (change("previous_hash", "hash"), "event 3 (ID) does not carry the hash of the one before"),
        (lambda: sql(f"DELETE FROM {TABLE} WHERE number = 1"), "event 1 is missing: after 0 comes"),
        (lambda: sql(f"DELETE FROM {TABLE} WHERE number = 3"), "event 3 is missing: after 2 comes"),
        (lambda: sql(f"DELETE FROM {TABLE} WHERE number IN (3, 4)"), "event 3 is missing: after 2"),
        (swap, "event 3 (ID) does not carry the hash of the one before it"),
    ],
)
def test_the_first_broken_event_is_named(
    five: Organization, damage: Callable[[], Any], says: str
) -> None:
    with lifted():
        damage()
    status, heads, said = verify()
    assert (status, heads) == (1, [])
    named = AuditEvent.objects.filter(organization=five, number=3).first()
    sentence = says.replace("ID", str(named.pk) if named else "")
    assert said[0].startswith(f"{five.pk}: {sentence}")
    assert said[1].endswith("broken 1")


@pytest.mark.django_db
def test_a_hash_that_is_made_to_fit_breaks_the_next_event(five: Organization) -> None:
    """Who changes an event and its hash must change all that come after it."""
    row = AuditEvent.objects.get(organization=five, number=3)
    row.actor = "malory@example.com"
    fitting = hash_of(row)
    with lifted():
        AuditEvent.objects.filter(pk=row.pk).update(actor=row.actor, hash=fitting)
    status, _, said = verify()
    assert status == 1
    assert ": event 4 (" in said[0]


@pytest.mark.django_db
def test_events_missing_at_the_end_are_told_by_a_head_that_was_kept(
    five: Organization, charlie: Person, tmp_path: Path
) -> None:
    kept = tmp_path / "heads"
    kept.write_text("\n".join([*verify()[1], ""]), encoding="utf-8")
    assert verify("--head", str(kept))[0] == 0
    log_in("alice@example.com", "wrong")
    assert verify("--head", str(kept))[0] == 0, "a chain that has grown still holds its old head"
    with lifted():
        sql(f"DELETE FROM {TABLE} WHERE number > 4")
    assert verify()[0] == 0, "nothing in the chain shows it"
    status, heads, said = verify("--head", str(kept))
    assert (status, heads) == (1, [head(charlie.organization)])
    assert said[0] == (
        f"{five.pk}: event 5 is missing: it ends at 4, and had 5 events when its head was noted"
    )


@pytest.mark.django_db
def test_a_chain_that_was_written_anew_does_not_hold_the_head(
    five: Organization, tmp_path: Path
) -> None:
    kept = tmp_path / "heads"
    kept.write_text(head(five), encoding="utf-8")
    with lifted():
        sql(f"DELETE FROM {TABLE} WHERE number = 5")
    log_in("alice@example.com", "wrong")
    assert verify()[0] == 0
    status, _, said = verify("--head", str(kept))
    assert status == 1
    assert said[0] == f"{five.pk}: event 5 is not the one whose hash was noted"


@pytest.mark.django_db
def test_a_whole_organization_that_is_gone_is_told_by_its_head(tmp_path: Path) -> None:
    kept = tmp_path / "heads"
    gone = uuid4()
    kept.write_text(f"{gone} 2 {'0' * 64}", encoding="utf-8")
    status, _, said = verify("--head", str(kept))
    assert status == 1
    assert said[0].startswith(f"{gone}: event 1 is missing")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "text", ["nonsense", "a b c", "0199f1c2-7b1e-7c3a-9d53-0d1f3a2b4c5d one hash"]
)
def test_heads_that_cannot_be_read_are_an_error(tmp_path: Path, text: str) -> None:
    kept = tmp_path / "heads"
    kept.write_text(text, encoding="utf-8")
    with pytest.raises(CommandError, match="line 1: write it as ORG NUMBER HASH"):
        call_command("verify_audit", "--head", str(kept))
    with pytest.raises(CommandError, match=r"--head: .*No such file"):
        call_command("verify_audit", "--head", str(tmp_path / "none"))
    with pytest.raises(CommandError, match=r"acme.*UUID"):
        call_command("verify_audit", "--organization", "acme")


@pytest.mark.django_db
def test_a_table_that_could_be_changed_is_named(five: Organization) -> None:
    with lifted():
        status, heads, said = verify()
    assert (status, heads) == (1, [head(five)])
    assert any(line.startswith(f"{TABLE}: the trigger {TABLE}_changed is missing") for line in said)
    assert any(line.startswith("emissions_emission: the trigger") for line in said)
    assert verify()[0] == 0


WRITERS = 8 if connection.vendor == "postgresql" else 4
ROUNDS = 4 * TIMES


@pytest.mark.usefixtures("committed")
def test_a_race_of_writers_makes_one_unbroken_chain(alice: Person, charlie: Person) -> None:
    facilities = [[alice.facility()["id"] for _ in range(ROUNDS)] for _ in range(WRITERS)]

    def delete(mine: list[str]) -> list[int]:
        return [alice.delete(f"/v1/facilities/{pk}").status for pk in mine]

    before = AuditEvent.objects.filter(organization=alice.organization).count()
    answers = together([partial(delete, mine) for mine in facilities])
    assert answers == [[204] * ROUNDS] * WRITERS
    status, heads, said = verify()
    assert status == 0, said
    assert head(alice.organization) in heads
    assert head(alice.organization).split()[1] == str(before + WRITERS * ROUNDS)
