"""The period that the page of figures is asked for: a year, a quarter of one, or any days."""

from calendar import monthrange
from datetime import date
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from emissions.admin.period import LONGEST
from emissions.reports.periods import Period
from emissions.rules import EARLIEST_DAY, LATEST_DAY
from organizations.rest.filters import DayField
from organizations.staff.cells import day

MONTHS_IN_QUARTER = 3


def day_field(label: Any) -> DayField:
    """A day that a bill may have, or none."""
    return DayField(
        label=label,
        required=False,
        input_formats=["%Y-%m-%d"],
        error_messages={"invalid": _("Write a day of the calendar like 2024-02-29.")},
        validators=[MinValueValidator(EARLIEST_DAY), MaxValueValidator(LATEST_DAY)],
    )


class PeriodForm(forms.Form):
    """What the address of the page says; an empty field is one that says nothing."""

    year = forms.IntegerField(
        label=_("Year"),
        required=False,
        min_value=EARLIEST_DAY.year,
        max_value=LATEST_DAY.year,
    )
    quarter = forms.IntegerField(label=_("Quarter"), required=False, min_value=1, max_value=4)
    start_date = day_field(_("From"))
    end_date = day_field(_("To"))
    page = forms.IntegerField(label=_("Page"), required=False, min_value=1)

    def clean(self) -> dict[str, Any]:
        asked: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return asked
        start, end = asked["start_date"], asked["end_date"]
        if asked["quarter"] and not asked["year"]:
            self.add_error("quarter", gettext("Choose its year too."))
        if asked["year"] and (start or end):
            self.add_error("year", gettext("Give a year or two days, not both."))
        elif start and not end:
            self.add_error("end_date", gettext("Give both days."))
        elif end and not start:
            self.add_error("start_date", gettext("Give both days."))
        elif start and end < start:
            sentence = gettext("It ends before it starts ({start}).")
            self.add_error("end_date", sentence.format(start=day(start)))
        elif start and (end.year - start.year) * 12 + end.month - start.month >= LONGEST:
            sentence = gettext("Choose no more than {years} years.")
            self.add_error("end_date", sentence.format(years=LONGEST // 12))
        return asked

    def sentences(self) -> list[str]:
        """What is wrong, each with the name of its field."""
        return [
            f"{self.fields[name].label}: {sentence}"
            for name, sentences in self.errors.items()
            for sentence in sentences
        ]

    def period(self) -> Period | None:
        """The days that were asked for; nothing where none were."""
        asked = self.cleaned_data
        if asked["start_date"]:
            return Period(asked["start_date"], asked["end_date"])
        if not asked["year"]:
            return None
        if not asked["quarter"]:
            return Period.of_year(asked["year"])
        last = asked["quarter"] * MONTHS_IN_QUARTER
        return Period(
            date(asked["year"], last - MONTHS_IN_QUARTER + 1, 1),
            date(asked["year"], last, monthrange(asked["year"], last)[1]),
        )

    def asked(self, period: Period) -> dict[str, Any]:
        """The parameters that say the period, which is the one of no parameter at all too."""
        names = ("year", "quarter", "start_date", "end_date")
        given = {name: self.cleaned_data[name] for name in names if self.cleaned_data[name]}
        return given or {"year": period.start and period.start.year}

    def name_of(self, period: Period) -> str:
        """2023; quarter 2 of 2023; 2023-03-10 – 2023-05-09."""
        asked = self.asked(period)
        if "start_date" in asked:
            days = (asked["start_date"], asked["end_date"])
            return " – ".join(date_format(day, "DATE_FORMAT") for day in days)
        if "quarter" in asked:
            return gettext("quarter {quarter} of {year}").format(**asked)
        return str(asked["year"])
