"""What the pages of a file call our columns and its faults, and say of a refused row."""

import re
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.importing.drafts.trials import Trial
from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility
from organizations.staff.said import said

MODELS: dict[str, Any] = {
    "consumption": Consumption,
    "facilities": Facility,
    "emission-factors": EmissionFactor,
}
LISTS = {
    "cups": "CUPS",
    "cups_list": _("CUPS"),
    "meter_list": _("meters"),
    "source_id": _("source"),
}
"""Columns that are no column of the model, or are called otherwise."""

FAULTS = {
    "overlap": _("bills that overlap"),
    "future_period": _("a period that ends in the future"),
    "zero_length": _("a period of one day"),
}
"""The faults that may be allowed in a file."""

OPTION = re.compile(r";[^;]*--(?:decimal|dates)\b.*?(?:comma|mdy)\)?\.", re.DOTALL)
"""What a command is told to say, in any language; a page has buttons for it."""


def column_name(kind: str, code: str) -> str:
    """A column with the code that sentences and files call it by: Start date (start_date)."""
    try:
        field: Any = MODELS[kind]._meta.get_field(code)
        name = str(field.verbose_name)
    except FieldDoesNotExist:
        name = code
    name = capfirst(str(LISTS.get(code, name)))
    return name if name.lower() == code else f"{name} ({code})"


def fault_name(code: str) -> str:
    """A fault with its code: bills that overlap (overlap)."""
    return f"{FAULTS[code]} ({code})"


def said_here(sentence: str) -> str:
    """Why a row is refused, without the options of a command."""
    return OPTION.sub(gettext("; choose which above."), said(sentence))


def refused_rows(trial: Trial) -> list[dict[str, Any]]:
    """The refused rows that a page shows, with their reasons in its language."""
    return [
        {
            "line": one.line,
            "cells": one.cells,
            "reasons": [said_here(why) for why in one.reasons],
        }
        for one in trial.refusals
    ]
