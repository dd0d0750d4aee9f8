"""Somebody who keeps a copy of every list by its cursor, and what that copy should be."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from threading import Event, Thread
from typing import Any

from django.db import connection, connections, transaction

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from tests.conftest import Person

OF_LISTS: dict[str, Any] = {
    "facilities": Facility,
    "consumptions": Consumption,
    "emission-factors": EmissionFactor,
}

FUNCTION = """
CREATE FUNCTION stamped_anew() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF NEW.updated_at < now() THEN
        RAISE EXCEPTION '% is stamped before its transaction began', TG_TABLE_NAME;
    ELSIF TG_OP = 'UPDATE' AND NEW IS DISTINCT FROM OLD AND NEW.updated_at = OLD.updated_at THEN
        RAISE EXCEPTION '% is changed and not stamped', TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$
"""
ON_POSTGRESQL = """
CREATE TRIGGER stamped_anew BEFORE INSERT OR UPDATE ON {table}
FOR EACH ROW EXECUTE FUNCTION stamped_anew()
"""
ON_SQLITE = """
CREATE TRIGGER {table}_stamped_anew BEFORE UPDATE ON {table}
WHEN NEW.updated_at = OLD.updated_at
BEGIN SELECT RAISE(ABORT, '{table} is changed and not stamped'); END
"""


@contextmanager
def stamps_held() -> Iterator[None]:
    """The database refuses a change that does not move `updated_at`, or not far enough."""
    tables = [model._meta.db_table for model in OF_LISTS.values()]
    if connection.vendor == "postgresql":
        begin = [FUNCTION, *(ON_POSTGRESQL.format(table=table) for table in tables)]
        end = ["DROP FUNCTION stamped_anew CASCADE"]
    else:
        begin = [ON_SQLITE.format(table=table) for table in tables]
        end = [f"DROP TRIGGER {table}_stamped_anew" for table in tables]
    run(begin)
    try:
        yield
    finally:
        run(end)


def run(statements: Iterable[str]) -> None:
    with connection.cursor() as cursor:
        for one in statements:
            cursor.execute(one)


@contextmanager
def written_elsewhere(write: Callable[[], Any]) -> Iterator[None]:
    """A write in a transaction of another thread that is open inside, and committed behind."""
    written, commit = Event(), Event()

    def run_it() -> None:
        try:
            with transaction.atomic():
                write()
                written.set()
                commit.wait(30)
        finally:
            written.set()
            connections.close_all()

    thread = Thread(target=run_it)
    thread.start()
    assert written.wait(30)
    try:
        yield
    finally:
        commit.set()
        thread.join(30)


class Copy:
    """One list as its reader has it."""

    def __init__(self, person: Person, name: str, query: str = "include_deleted=true") -> None:
        self.person, self.name, self.query = person, name, query
        self.rows: dict[str, dict[str, Any]] = {}
        self.gone: dict[str, dict[str, Any]] = {}
        self.cursor = ""
        self.seen: set[tuple[str, str]] = set()

    def walk(self, size: int = 7) -> list[dict[str, Any]]:
        """Reads on until there is nothing more; what came."""
        came: list[dict[str, Any]] = []
        following: str | None = self.cursor
        while following is not None:
            self.cursor = following
            query = f"cursor={self.cursor}&size={size}&{self.query}"
            answer = self.person.get(f"/v1/{self.name}?{query}")
            assert answer.status == 200, answer.body
            assert set(answer.body) == {"items", "next_cursor"}
            items, following = answer.body["items"], answer.body["next_cursor"]
            assert bool(items) == bool(following)
            assert len(items) <= size
            came += items
        for item in came:
            version = (item["id"], item["updated_at"])
            assert version not in self.seen, f"{version} comes twice"
            self.seen.add(version)
            for kept in (self.rows, self.gone):
                kept.pop(item["id"], None)
            (self.gone if "deleted_at" in item else self.rows)[item["id"]] = item
        places = [(datetime.fromisoformat(item["updated_at"]), item["id"]) for item in came]
        assert places == sorted(places)
        return came


def every_page(person: Person, name: str, query: str = "") -> dict[str, dict[str, Any]]:
    """A list as its pages have it."""
    rows: dict[str, dict[str, Any]] = {}
    page, pages = 1, 1
    while page <= pages:
        body = person.get(f"/v1/{name}?size=100&page={page}&{query}").body
        rows |= {one["id"]: one for one in body["items"]}
        page, pages = page + 1, body["pages"]
    return rows


def assert_equal(copy: Copy, query: str = "") -> None:
    """A copy has what the list's pages have, and knows what is deleted."""
    rows = every_page(copy.person, copy.name, query)
    wrong = [pk for pk in {*rows, *copy.rows} if rows.get(pk) != copy.rows.get(pk)]
    told = [(copy.rows.get(pk), rows.get(pk)) for pk in wrong[:3]]
    assert not wrong, f"{copy.name}: {len(wrong)} rows differ (copy, list): {told}"
    gone = OF_LISTS[copy.name].objects.for_organization(copy.person.organization.pk)
    gone = {str(pk) for pk in gone.exclude(deleted_at=None).values_list("pk", flat=True)}
    told_gone = set(copy.gone)
    assert told_gone == gone, f"{copy.name}: deleted are {gone}, told were {told_gone}"
