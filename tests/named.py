"""Every statement about an organization's rows names the organization: looked at while tests run.

On Citus a statement that names its organization goes to the one shard that has its rows; one that
does not goes to all of them, or is refused (docs/scale.md). On plain PostgreSQL nobody would notice,
so each statement that the product sends during a test is read here, and the test fails that sent
one without. What a test itself sends, without any of the product's code, is not looked at.
"""

import re
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db.backends.utils import CursorWrapper

from organizations.access.author import REQUEST
from organizations.database import wall
from organizations.database.tenant import ABOUT

APPS = ("organizations", "facilities", "emissions")
ROOTS = tuple(f"{Path(settings.BASE_DIR) / one}/" for one in (*APPS, "config"))
TESTS = f"{Path(settings.BASE_DIR) / 'tests'}/"

EXCEPT = {
    "organizations/access/": "who is calling is found out before it is known for whom",
    "facilities_in_lots": "a command that walks through all organizations",
    "Command.subtotals": "the same",
}
"""Code whose statements need not name an organization, with the reason."""

PUBLISHED = {"emissions_emissionfactor", "emissions_historicalemissionfactor"}

found: list[str] = []
"""Statements that named none, with where they come from; the fixture in conftest.py empties it."""


@cache
def columns() -> dict[str, str]:
    """Table of organizations' rows → the column that says whose they are."""
    models = [one for label in APPS for one in apps.get_app_config(label).get_models()]
    tenants = {
        one._meta.db_table: "organization_id"
        for one in models
        if any(field.name == "organization" for field in one._meta.fields)
    }
    return {**tenants, "organizations_organization": "id"}


@cache
def mentioned() -> re.Pattern[str]:
    """A table where rows come from or go to, with its alias and the columns of an INSERT."""
    tables = "|".join(sorted(columns(), key=len, reverse=True))
    return re.compile(
        rf'(?P<verb>\w+|,)\s+"?(?P<table>{tables})"?(?!"?\.|\w)'
        r'(?:\s+(?:AS\s+)?"?(?P<alias>(?!(?:WHERE|SET|ON|INNER|LEFT|CROSS|JOIN|ORDER|GROUP|LIMIT|FOR'
        r'|UNION|USING|VALUES|SELECT|AS|FROM|DEFAULT|RETURNING|AND|OR)\b)\w+)"?)?'
        r"(?:\s*\((?P<inserted>[^()]*)\))?",
        re.IGNORECASE,
    )


COMPARED = re.compile(
    r'(?:"?(?P<alias>\w+)"?\.)?"?(?P<column>organization_id|id)"?'
    r"\s*(?P<how>=|IN\b|IS NULL|IS NOT DISTINCT FROM)\s*"
    r'(?P<query>\(SELECT)?(?:"?(?P<other>\w+)"?\."?(?P<its>\w+)"?)?',
    re.IGNORECASE,
)
NO_ROWS = re.compile(r"\s*(ANALYZE|COPY|SET|LOCK|CREATE|DROP|ALTER|EXPLAIN|TRUNCATE|SAVEPOINT)\b", re.I)


@cache
def unnamed(sql: str) -> tuple[str, ...]:
    """The tables of organizations' rows for which a statement says of no organization that it is
    theirs that are meant."""
    if NO_ROWS.match(sql) or not (tables := list(mentioned().finditer(sql))):
        return ()
    whose: dict[str, tuple[str, str]] = {}
    wanted: dict[str, str] = {}
    for one in tables:
        table, column = one["table"].lower(), columns()[one["table"].lower()]
        if one["verb"].upper() == "INTO":
            if column not in re.findall(r"\w+", one["inserted"] or ""):
                wanted[f"INSERT INTO {table}"] = table
            continue
        if table in PUBLISHED and one["verb"].upper() in ("JOIN", ","):
            continue  # it is on every node
        alias = one["alias"] or table
        whose[alias], wanted[alias] = (table, column), table
    known: set[str] = set()
    links: list[tuple[str, str]] = []
    for one in COMPARED.finditer(sql):
        names = [one["alias"]] if one["alias"] else list(whose)
        for alias in names:
            if alias not in whose or whose[alias][1] != one["column"].lower():
                continue
            other, its = one["other"], (one["its"] or "").lower()
            if one["query"]:
                continue
            if other is None:
                known.add(alias)
            elif its == "organization_id" or (other in whose and whose[other][1] == its):
                links.append((alias, other))
    for one in COMPARED.finditer(sql):  # excluded.organization_id, incoming.organization_id
        other = one["other"]
        if one["column"].lower() == "organization_id" and other in whose:
            if (one["its"] or "").lower() == whose[other][1] and one["alias"]:
                links.append((other, one["alias"]))
    known |= {b for pair in links for b in pair if b not in whose}  # rows of one organization
    grown = True
    while grown:
        grown = False
        for one, other in links:
            if (one in known) != (other in known):
                known |= {one, other}
                grown = True
    return tuple(sorted({table for alias, table in wanted.items() if alias not in known}))


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
    if not path or any(name in one for name in EXCEPT for one in path):
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
