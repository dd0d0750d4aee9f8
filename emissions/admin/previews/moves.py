"""Every facility that a previewed change moves, old → new: in pages, and as CSV.

The buttons of a preview send its form again, with `_moves` (where a page begins) or `_csv`.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.template.response import TemplateResponse

from emissions.ledger.bills import Kilograms
from facilities.models import Facility
from organizations.audit.recording import record_export
from organizations.rest.tables import as_text, csv_lines

MOVES, FILE = "_moves", "_csv"
SIZE = 50
"""So many facilities are on a page."""

AT_ONCE = 500
COLUMNS = (
    *("organization", "facility_id", "external_id", "name", "country"),
    *("co2e_before", "co2e_after", "co2e_market_before", "co2e_market_after"),
    *("co2e_biomass_before", "co2e_biomass_after"),
)

Pair = tuple[UUID, Kilograms, Kilograms]
"""A facility with its totals before and after."""


class Page(NamedTuple):
    """Some of the facilities, and where the next page begins; None at the end."""

    moves: list[Pair]
    next: str | None


def asked_for(request: HttpRequest) -> bool:
    return MOVES in request.POST or FILE in request.POST


def answer(
    page: Any,
    request: HttpRequest,
    context: dict[str, Any],
    organization_id: UUID | None,
    listed: Callable[[str], Page],
    every: Callable[[], Iterable[Pair]],
) -> HttpResponse:
    """A page of the facilities, or all of them as a file; both from a preview's own context."""
    if FILE in request.POST:
        if organization_id:
            record_export(organization_id, "preview", "csv")
        lines = csv_lines(COLUMNS, lambda: rows_of(every()), as_text)
        headers = {"Content-Disposition": 'attachment; filename="preview.csv"'}
        response: Any = StreamingHttpResponse(lines, "text/csv; charset=utf-8", headers=headers)
        return response
    found = listed(request.POST.get(MOVES, ""))
    names = Facility.objects.in_bulk([pk for pk, _, _ in found.moves])
    context |= {
        "rows": [
            {"facility": names[pk], "before": before, "after": after, "change": after.minus(before)}
            for pk, before, after in found.moves
        ],
        "next": found.next,
    }
    return TemplateResponse(request, "admin/emissions/previews/moves.html", context)


def rows_of(moves: Iterable[Pair]) -> Iterator[list[Any]]:
    """The values of COLUMNS."""
    block: list[Pair] = []
    for move in moves:
        block.append(move)
        if len(block) == AT_ONCE:
            yield from _named(block)
            block = []
    yield from _named(block)


def _named(block: list[Pair]) -> Iterator[list[Any]]:
    facilities = Facility.objects.select_related("organization")
    names = facilities.in_bulk([pk for pk, _, _ in block])
    for pk, before, after in block:
        one = names[pk]
        yield [
            *(str(one.organization), str(pk), one.external_id, one.name, one.country),
            *(value for pair in zip(before, after, strict=True) for value in pair),
        ]
