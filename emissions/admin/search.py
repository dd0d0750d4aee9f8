"""What the search beside every page finds: facilities, CUPS, meters, bills and factors.

By name, by the owner's own code and by id, among the rows that whoever asks sees on their pages.
Every kind gives a few; where there are more, the last one leads to the list that has them all.
"""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext
from unfold.dataclasses import SearchResult

from emissions.admin.links import list_of, page_of, rows_seen
from emissions.models import Consumption, EmissionFactor
from emissions.names import ACTIVITIES, activity_name
from facilities.admin import country_choices
from facilities.models import Facility, Meter, SupplyPoint
from facilities.names import country_name
from organizations.database.search import folded
from organizations.models import Organization

SHORTEST, LONGEST = 2, 100
"""Characters: one alone is in almost every name."""

LAST = "\uffff"
"""Sorts after every other character that a code has."""

EACH = 6
"""Results of a kind."""


def rows_found(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """The rows that a text names; an id leads to its row."""
    if not SHORTEST <= len(term) <= LONGEST:
        return
    yield from facilities(request, term)
    yield from points(request, term, SupplyPoint, "cups", "CUPS")
    yield from points(request, term, Meter, "code", gettext("Meter"))
    yield from bills(request, term)
    yield from factors(request, term)


def as_id(term: str) -> UUID | None:
    try:
        return UUID(term)
    except ValueError:
        return None


def coded(rows: Any, request: HttpRequest) -> QuerySet:
    """Live rows with an external_id. Naming the organizations is what their index begins with."""
    user: Any = request.user
    if user.is_superuser:
        rows = rows.filter(organization__in=Organization.objects.order_by().values("pk"))
    return rows.live().filter(external_id__is_set=True)


def result(row: Any, kind: str, icon: str, *about: str) -> SearchResult:
    gone = gettext("deleted") if row.deleted_at else ""
    description = " · ".join(filter(None, [kind, *about, gone]))
    return SearchResult(title=str(row), description=description, link=page_of(row), icon=icon)


def all_of(model: Any, what: str, term: str) -> SearchResult:
    return SearchResult(
        title=gettext("All {what} with “{term}”").format(what=what, term=term),
        description=gettext("List"),
        link=list_of(model, q=term),
        icon="list",
    )


def facilities(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """By the beginning of the external_id first, then by words of the name."""
    rows = rows_seen(Facility, request)
    found = {}
    if key := as_id(term):
        found.update({row.pk: row for row in rows.filter(pk=key)})
    by_code = coded(rows, request).filter(external_id__istartswith=term)
    named = rows.live()
    for word in term.split():
        named = named.filter(name__mentions=word)
    for one in (by_code.order_by("external_id"), named.order_by("name", "pk")):
        found.update({row.pk: row for row in one[: EACH + 1]})
    for row in list(found.values())[:EACH]:
        yield result(
            row, gettext("Facility"), "factory", country_name(row.country), row.external_id
        )
    if len(found) > EACH:
        yield all_of(Facility, gettext("facilities"), term)


def points(
    request: HttpRequest, term: str, model: Any, column: str, kind: str
) -> Iterator[SearchResult]:
    """CUPS or meters by their beginning, each with its facility's page."""
    page: Any = admin.site._registry[Facility]
    rows = page.visible(model.objects.filter(released_at=None), request)
    code = "".join(term.split())
    if model is SupplyPoint:
        code = code.replace("-", "").upper()
        rows = rows.filter(cups__startswith=code)
    else:
        rows = rows.filter(**{f"{column}__istartswith": code})
    for row in rows.select_related("facility").order_by(column)[:EACH]:
        yield SearchResult(
            title=getattr(row, column),
            description=gettext("{kind} of {facility}").format(kind=kind, facility=row.facility),
            link=page_of(row.facility),
            icon="electric_meter",
        )


def bills(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """By the beginning of the external_id, as it is typed or in one case, or by id. There may be
    millions: the bounds are what the index on the codes is searched by."""
    rows = rows_seen(Consumption, request).select_related("facility")
    found = {}
    if key := as_id(term):
        found.update({row.pk: row for row in rows.filter(pk=key)})
    for text in sorted({term, term.upper(), term.lower()}):
        by_code = coded(rows, request).filter(
            external_id__gte=text, external_id__lte=f"{text}{LAST}", external_id__startswith=text
        )
        found.update({row.pk: row for row in by_code.order_by("external_id")[: EACH + 1]})
    for row in list(found.values())[:EACH]:
        yield result(row, gettext("Bill"), "receipt_long", str(row.facility), row.external_id)
    if len(found) > EACH:
        yield all_of(Consumption, gettext("bills"), term)


def factors(request: HttpRequest, term: str) -> Iterator[SearchResult]:
    """By words of what they are for, where and from where; the newest first."""
    rows = rows_seen(EmissionFactor, request)
    if key := as_id(term):
        rows = rows.filter(pk=key)
    else:
        rows = rows.live()
        for word in term.split():
            rows = rows.filter(mentioned(word))
    found = list(rows.order_by("-valid_from", "country", "activity", "pk")[: EACH + 1])
    for row in found[:EACH]:
        yield result(row, gettext("Emission factor"), "function", row.source_ref, row.supplier)
    if len(found) > EACH:
        yield all_of(EmissionFactor, gettext("emission factors"), term)


def mentioned(word: str) -> Q:
    """Whether a factor has a word in its activity's or country's name, or in a text of its own."""
    plain = folded(word) or ""
    called = [code for code in ACTIVITIES if plain in (folded(activity_name(code)) or "")]
    there = [code for code, name in country_choices("") if code and plain in (folded(name) or "")]
    texts = ("activity", "region", "supplier", "source_ref")
    either = Q(activity__in=called) | Q(country__in=there)
    for name in texts:
        either |= Q(**{f"{name}__icontains": word})
    if word.isdecimal() and len(word) == 4:
        either |= Q(valid_from__year=int(word))
    return either
