"""What the page of a file offers: which column is which, what all rows share, how it is read."""

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.named import activities
from emissions.admin.uploads.guesses import guesses, unit_in
from emissions.admin.uploads.words import column_name
from emissions.importing.drafts.trials import Trial
from emissions.importing.kinds import KINDS
from emissions.models import Consumption
from emissions.names import unit_choices
from facilities.admin import country_choices
from facilities.names import category_choices
from organizations.importing.dates import ORDERS
from organizations.importing.numbers import STYLES
from organizations.models import Draft

CHOICES = {"decimal": STYLES, "dates": ORDERS}
WRITTEN = {
    "point": _("1,234.5 (a point)"), "comma": _("1.234,5 (a comma)"), "ymd": "2023-12-31",
    "dmy": "31/12/2023", "mdy": "12/31/2023",
}  # fmt: skip
CONSTANT = ("category", "activity", "unit", "supplier", "data_quality", "country", "type")
"""Columns that every row of a file may have in common."""


def mapping(draft: Draft, trial: Trial) -> list[dict[str, Any]]:
    """For each column of the file what it is, or may be, and what it could be."""
    fields = list(KINDS[draft.kind].fields())
    guessed: dict[str, str] = {}
    if not trial.counts and not draft.columns:
        guessed = guesses([one.theirs for one in trial.columns], fields)
    by_hand = draft.columns or guessed
    return [
        {
            "theirs": one.theirs,
            "cells": one.cells,
            "ours": next(
                (ours for ours, theirs in by_hand.items() if theirs == one.theirs),
                one.ours.split(", ")[0],
            ),
            "fields": [(name, column_name(draft.kind, name)) for name in fields],
        }
        for one in trial.columns
    ]


def constants(request: HttpRequest, draft: Draft, trial: Trial) -> list[dict[str, Any]]:
    """What all rows may have in common, with what is said or can be told of it."""
    fields = KINDS[draft.kind].fields()
    told = dict(draft.constants)
    if not trial.counts and draft.kind == "consumption" and not draft.constants:
        told["unit"] = unit_in(one.theirs for one in trial.columns)
    listed = {
        "category": category_choices(),
        "activity": activities(request),
        "unit": unit_choices(),
        "data_quality": Consumption._meta.get_field("data_quality").choices,
        "country": country_choices("")[1:],
    }
    return [
        {
            "name": name,
            "label": column_name(draft.kind, name),
            "value": told.get(name, ""),
            "choices": listed.get(name),
        }
        for name in CONSTANT
        if name in fields
    ]


def choices(draft: Draft, codes: set[str]) -> list[dict[str, Any]]:
    """How numbers and days may be written, and whether that has to be said."""
    labels = {"decimal": gettext("Numbers"), "dates": gettext("Days")}
    undecided = {"decimal": "ambiguous_number", "dates": "ambiguous_date"}
    return [
        {
            "name": name,
            "label": labels[name],
            "undecided": undecided[name] in codes,
            "options": [(one, WRITTEN[one], draft.said.get(name) == one) for one in styles],
        }
        for name, styles in CHOICES.items()
    ]
