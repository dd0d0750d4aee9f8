"""A period of days, and how much of a ledger line falls in it.

A line that a period cuts counts by days. What it has emitted up to and with one of its days is
co2e × days so far / all its days, rounded half up to the milligram; what falls in a period is the
difference of two such figures. So two adjoining periods add up to their union exactly, however many
there are, and a line that lies within a period counts as it is.
"""

from calendar import monthrange
from datetime import date, timedelta
from typing import Any, NamedTuple

from django.db.models import Case, F, Func, IntegerField, Q, Value, When
from rest_framework.exceptions import ValidationError

from emissions.rules import EARLIEST_DAY, LATEST_DAY
from organizations.database.decimals import ExactDecimalField, Share

AMOUNT = ExactDecimalField(max_digits=18, decimal_places=6)
ONE_DAY = timedelta(days=1)


class Period(NamedTuple):
    """The days from `start` to `end`, both included; without one of them, without that bound."""

    start: date | None = None
    end: date | None = None

    @staticmethod
    def is_year(year: int) -> bool:
        """Whether it is a calendar year that consumption may lie in."""
        return EARLIEST_DAY.year <= year <= LATEST_DAY.year

    @classmethod
    def of_year(cls, year: int) -> "Period":
        return cls(date(year, 1, 1), date(year, 12, 31))

    def checked(self) -> "Period":
        """The period. Raises ValidationError when it ends before it starts."""
        if self.start and self.end and self.end < self.start:
            sentence = f"It ends before it starts ({self.start})."
            raise ValidationError({"end_date": [sentence]}, code="reversed_period")
        return self

    def touched(self) -> Q:
        """The lines, or consumptions, with a day in the period."""
        condition = Q()
        if self.start:
            condition &= Q(end_date__gte=self.start)
        if self.end:
            condition &= Q(start_date__lte=self.end)
        return condition

    def touched_lines(self) -> Q:
        """The same for lines, with their months beside it, which an index knows."""
        return self.touched() & self.months()

    def months(self) -> Q:
        """What is of a month with a day in the period."""
        condition = Q()
        if self.start:
            condition &= Q(month__gte=self.start.replace(day=1))
        if self.end:
            condition &= Q(month__lte=self.end)
        return condition

    def is_of_whole_months(self) -> bool:
        """Whether it cuts no month."""
        whole_end = self.end is None or self.end == last_of_month(self.end)
        return whole_end and (self.start is None or self.start.day == 1)

    def amount(self, column: str) -> Any:
        """How much of an amount of a line that is touched falls in the period.

        A line lies in one month: bounds at the ends of months cut none.
        """
        whole: Any = Days(F("end_date"), F("start_date")) + 1
        amount: Any = F(column)
        if self.end and self.end != last_of_month(self.end):
            days: Any = Days(Value(self.end), F("start_date")) + 1
            inside = When(end_date__lte=self.end, then=F(column))
            amount = Case(inside, default=Share(F(column), days, whole), output_field=AMOUNT)
        if self.start and self.start.day != 1:
            days = Days(Value(self.start), F("start_date"))
            inside = When(start_date__gte=self.start, then=Value(0, AMOUNT))
            earlier = Case(inside, default=Share(F(column), days, whole), output_field=AMOUNT)
            amount = Minus(amount, earlier)
        return amount


ALWAYS = Period()


def last_of_month(day: date) -> date:
    return day.replace(day=monthrange(day.year, day.month)[1])


class Days(Func):
    """How many days after the second day the first one is."""

    output_field = IntegerField()
    arity = 2

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        return self.as_sql(
            compiler, connection, template="(%(expressions)s)", arg_joiner="::date - "
        )

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        template = "CAST(julianday(%(expressions)s) AS integer)"
        return self.as_sql(compiler, connection, template=template, arg_joiner=") - julianday(")


class Minus(Func):
    """The difference of two amounts."""

    output_field = AMOUNT
    arity = 2
    template = "(%(expressions)s)"
    arg_joiner = " - "
