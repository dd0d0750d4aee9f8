"""Every statement about an organization's rows names the organization: looked at while tests run.

On Citus a statement that names its organization goes to the one shard that has its rows; one that
does not goes to all of them, or is refused (docs/scale.md). On plain PostgreSQL nobody would
notice, so each statement that the product sends during a test is read here, and the test fails that
sent one without. What a test itself sends, without any of the product's code, is not looked at.
"""

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings
from django.db.backends.utils import CursorWrapper

from organizations.access.author import REQUEST
from organizations.database import wall
from organizations.database.tenant import ABOUT, owners

APPS = ("organizations", "facilities", "emissions")
ROOTS = tuple(f"{Path(settings.BASE_DIR) / one}/" for one in (*APPS, "config"))
TESTS = f"{Path(settings.BASE_DIR) / 'tests'}/"

EXCEPT = {
    "commands/verify_audit.py": "it walks through all organizations",
    "facilities_in_lots": "a command walks through all organizations",
    "commands/recalculate_co2e.py": "the same",
    "keep_all": "the same",
    "work_off": "the same, by the worker",
    "bring_in_waiting": "the same",
    "look_at_waiting": "the same",
    "ask_for_what_is_left_behind": "the same",
    "effects_of_factors": "a release of published factors reaches everybody",
    "require_same_organization": "whether it is another's is what it asks",
    "remember_who_must": "a superuser's log-in",
    "TimestampedModel.delete": "a person who is deleted was in several",
    "Reason.to_representation": "tests write rows by the serializer alone",
    "CodeList.to_representation": "the same",
}
"""Functions whose own statements need not name an organization, with the reason."""

PLUMBING = "organizations/database/"
"""What sends whatever it is given: a test that calls it sends a statement of its own."""

PUBLISHED = {"emissions_emissionfactor", "emissions_historicalemissionfactor"}

found: list[str] = []
"""Statements that named none, with where they come from; the fixture in conftest.py empties it."""


@cache
def columns() -> dict[str, str]:
    """Table of organizations' rows → the column that says whose they are."""
    return {table: str(field.column) for table, field in owners().items()}


NO_ALIAS = (
    "AND|AS|CROSS|DEFAULT|FOR|FROM|GROUP|INNER|JOIN|LEFT|LIMIT|ON|OR|ORDER|RETURNING|SELECT|SET|"
    "UNION|USING|VALUES|WHERE"
)


@cache
def mentioned() -> re.Pattern[str]:
    """A table where rows come from or go to, with its alias or the columns of an INSERT."""
    tables = "|".join(sorted(columns(), key=len, reverse=True))
    return re.compile(
        rf'(?P<verb>\w+|,)\s+"?(?P<table>{tables})"?(?!"?\.|\w)'
        rf'(?:\s+(?:AS\s+)?"?(?P<alias>(?!(?:{NO_ALIAS})\b)\w+)"?)?'
        r"(?:\s*\((?P<inserted>[^()]*)\))?",
        re.IGNORECASE,
    )


COMPARED = re.compile(
    r'(?:"?(?P<alias>\w+)"?\.)?"?(?P<column>organization_id|id)"?'
    r"\s*(?:=|IN\b|IS NULL)\s*"
    r'(?P<query>\(SELECT)?(?:"?(?P<other>\w+)"?\."?(?P<its>\w+)"?)?',
    re.IGNORECASE,
)
"""A condition on a column that may say whose rows are meant: it is one value or some, or another
table's column."""

NO_ROWS = re.compile(r"\s*(ALTER|ANALYZE|COPY|CREATE|DROP|EXPLAIN|LOCK|SET|TRUNCATE)\b", re.I)


@cache
def unnamed(sql: str) -> tuple[str, ...]:
    """The tables of which a statement does not say whose rows it means.

    It reads the text, not the grammar: an alias that is used twice is taken for one table.
    """
    if NO_ROWS.match(sql):
        return ()
    missing, of = set(), {}
    for one in mentioned().finditer(sql):
        table, verb = one["table"].lower(), one["verb"].upper()
        if verb == "INTO":
            if columns()[table] not in re.findall(r"\w+", one["inserted"] or ""):
                missing.add(table)
        elif table not in PUBLISHED or verb not in ("JOIN", ","):  # that is on every node
            of[one["alias"] or table] = table
    said, same = set(), []
    for one in COMPARED.finditer(sql):
        if sql[: one.start()].endswith("NOT ("):
            continue
        for alias in [one["alias"]] if one["alias"] else of:
            if alias not in of or columns()[of[alias]] != one["column"] or one["query"]:
                continue
            if one["other"] is None:
                said.add(alias)
            elif one["its"] == columns().get(of.get(one["other"], ""), "organization_id"):
                same.append((alias, one["other"]))
    said |= {other for _, other in same if other not in of}  # what a statement brings along
    for _ in same:
        for pair in same:
            if said.intersection(pair):
                said.update(pair)
    missing |= {table for alias, table in of.items() if alias not in said}
    return tuple(sorted(missing))


def product(frame: FrameType | None) -> Iterator[str]:
    """The product's functions that a statement comes from, innermost first, up to the test."""
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(TESTS) and name != __file__:
            return
        if name.startswith(ROOTS) and "/migrations/" not in name:
            inside = name.removeprefix(f"{settings.BASE_DIR}/")
            yield f"{inside}:{frame.f_lineno} {frame.f_code.co_qualname}"
        frame = frame.f_back


def look_at(sql: Any) -> None:
    tables = unnamed(str(sql))
    if not tables or ABOUT.get() == ():  # it is said to be about everybody
        return
    if wall.rows_of() == wall.EVERYBODY and REQUEST.get() is not None:
        return  # a superuser's page, or a log-in
    path = list(product(sys._getframe(2)))
    sender = next((one for one in path if not one.startswith(PLUMBING)), None)
    if sender is None or any(name in sender for name in EXCEPT):
        return
    found.append("\n    ".join([f"{', '.join(tables)}: {sql}", *path]))


def watch() -> None:
    """From here on every statement of this process is looked at."""
    for name in ("execute", "executemany"):
        setattr(CursorWrapper, name, looked_at(getattr(CursorWrapper, name)))


def looked_at(send: Callable[..., Any]) -> Callable[..., Any]:
    def execute(self: Any, sql: Any, *args: Any, **kwargs: Any) -> Any:
        look_at(sql)
        return send(self, sql, *args, **kwargs)

    return execute
