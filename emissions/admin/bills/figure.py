"""A bill's figure in words: beside the form while it is typed, and in the message once stored."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.translation import gettext

from emissions.admin.links import link, page_of
from emissions.importing.single import warnings_of
from emissions.ledger.effects import expected_of_consumption
from emissions.models import Consumption, Emission, EmissionFactor
from emissions.names import reason_in_words, unit_name
from organizations.staff.numbers import shown_number
from organizations.staff.values.masses import shown_mass

NEEDED = ("facility", "category", "quantity", "unit", "start_date", "end_date")
"""Without these of the form's fields there is nothing to work out yet."""


class Said(NamedTuple):
    """What is said of a bill's figure."""

    figure: str
    """Its kg and how they come about, or nothing."""

    reason: str
    """Why there is no figure, or nothing."""

    warnings: list[str]
    """What a file would be told of it; a sentence each, with the field's name."""


def said_of(row: Consumption, lines: Iterable[Emission]) -> Said:
    """A bill with its figures set, stored or not, and the lines that give them."""
    figure = "" if row.co2e is None else in_words(row, list(lines))
    if figure and row.co2e_reason:
        # A year is closed: its lines are those of an earlier bill, which this one does not make.
        figure = format_html(gettext("It counts with {} CO2e."), shown_mass(row.co2e))
    warned = [f"{_label(one)}: {one.detail}" for one in warnings_of(row)]
    return Said(figure, reason_in_words(row.co2e_reason), warned)


def said_of_stored(row: Consumption) -> Said:
    """What is said of a bill that has just been stored."""
    return said_of(row, Emission.objects.current().filter(consumption=row))


def said_of_typed(row: Consumption) -> Said:
    """What would be said of a bill if it were stored as it is now; nothing is stored.

    Raises ValidationError when a figure would be too large to be stored.
    """
    lines, figures = expected_of_consumption(row)
    for name, value in figures._asdict().items():
        setattr(row, name, value)
    return said_of(
        row, [Emission(**dict(zip(Emission.WRITTEN, one, strict=True))) for one in lines]
    )


def in_words(row: Consumption, lines: list[Emission]) -> str:
    """500 kg CO2e: 1,000 kWh × Grid electricity · Spain · 2023 · 0.5 kg CO2e per kWh; with
    a market-based figure that differs beside it."""
    location = factors_used(lines, "location")
    quantity = f"{shown_number(row.quantity)} {unit_name(row.unit)}"
    words = format_html(
        gettext("{} CO2e: {} × {}"), shown_mass(row.co2e), quantity, _named(location)
    )
    market = factors_used(lines, "market")
    if market != location:
        words = format_html(
            gettext("{}; market-based {}, by {}"),
            words,
            shown_mass(row.co2e_market),
            _named(market),
        )
    return words


def factors_used(lines: list[Emission], method: str) -> list[EmissionFactor]:
    """The factors of some lines, each once, in the lines' order, with the value that was used."""
    ids = list(dict.fromkeys(getattr(one, f"{method}_factor_id") for one in lines))
    known = EmissionFactor.objects.in_bulk(ids)
    return [known[one] for one in ids]


def _named(factors: list[EmissionFactor]) -> str:
    return format_html_join(" + ", "{}", ((link(page_of(one), one),) for one in factors))


def _label(fault: Any) -> str:
    field: Any = Consumption._meta.get_field(fault.column)
    return str(field.verbose_name)


def typed(page: Any, request: HttpRequest, row: Consumption | None) -> dict[str, Any]:
    """What to show beside a form as it has been typed so far: `said`, `refused` or neither yet."""
    if any(not request.POST.get(name, "").strip() for name in NEEDED):
        return {}
    form = page.get_form(request, row, change=row is not None)(request.POST, instance=row)
    if not form.is_valid():
        return {
            "refused": [
                (form.fields[name].label if name in form.fields else "", sentence)
                for name, sentences in form.errors.items()
                for sentence in sentences
            ]
        }
    try:
        stored = Consumption.objects.get(pk=row.pk) if row else None
        said = said_of_typed(form.instance)
        figures = (form.instance.co2e, stored.co2e if stored else None)
        change = None if None in figures else figures[0] - figures[1]
        return {"said": said, "stored": stored, "change": change}
    except ValidationError as error:
        return {"refused": [("", sentence) for sentence in error.messages]}
