"""Exact decimal columns on every store.

SQLite has no decimal type: it keeps a DecimalField as a binary float and adds floats up. Here a
value is kept there as a whole number of its smallest step (a column of kg with 6 decimals holds
milligrams), so that equality, order and ranges are exact; sums are with `ExactSum`. PostgreSQL has
`numeric`.
"""

from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from django.db import models
from django.db.models import Func, Sum
from django.utils.translation import gettext

EVERY_DIGIT = Context(prec=200)
BIGINT_DIGITS = 18
"""How many decimal digits always fit SQLite's 64-bit integer."""


class TooSmall(ValueError):
    """A number that is not zero and would become zero."""


def to_places(number: Decimal, places: int) -> Decimal:
    """A number with no more decimals than its column keeps, rounded half up. Raises TooSmall.

    One beyond all bounds stays as it is, for the column's own limits to refuse.
    """
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or exponent >= -places or number.adjusted() > 100:
        return number
    step = Decimal(1).scaleb(-places)
    near = (
        number.quantize(step, ROUND_HALF_UP, EVERY_DIGIT) if number.adjusted() > -100 else step * 0
    )
    if number and not near:
        sentence = gettext("It is less than half of {step}, the smallest amount that is kept here.")
        raise TooSmall(sentence.format(step=f"{step:f}"))
    return near


class ExactDecimalField(models.DecimalField):
    """A DecimalField whose stored value is exact on SQLite too.

    Up to 18 digits it can be compared and summed in SQL; a wider one is kept on SQLite as text:
    exact, but not to be compared there.
    """

    def get_internal_type(self) -> str:
        return "ExactDecimalField"  # keeps SQLite's own float conversion for DecimalField away

    def db_type(self, connection: Any) -> str:
        if connection.vendor == "sqlite":
            return "bigint" if self._is_scaled else "text"
        return f"numeric({self.max_digits}, {self.decimal_places})"

    @property
    def _is_scaled(self) -> bool:
        return self.max_digits <= BIGINT_DIGITS

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        if hasattr(value, "as_sql"):
            return value
        value = self.to_python(value)
        if value is None or connection.vendor != "sqlite":
            return value
        if not self._is_scaled:
            return format(value, "f")
        scaled = value.scaleb(self.decimal_places)
        whole = int(scaled)
        if whole != scaled:
            raise ValueError(f"{self.name}: {value} has more than {self.decimal_places} decimals")
        return whole

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        """What is stored; a value that the column cannot hold exactly raises ValueError."""
        if value is not None and not hasattr(value, "as_sql"):
            number = self.to_python(value)
            whole_digits = self.max_digits - self.decimal_places
            fits = number.is_finite() and abs(number) < 10**whole_digits
            if not fits or number != number.quantize(Decimal(1).scaleb(-self.decimal_places)):
                raise ValueError(
                    f"{self.name}: {number} does not fit {whole_digits} digits and "
                    f"{self.decimal_places} decimals"
                )
        return self.get_db_prep_value(value, connection)

    def value_from_object(self, obj: models.Model) -> Any:
        """What a form shows: 0.8 and not 0.800000, 0 and not 0E-10."""
        value = super().value_from_object(obj)
        if not isinstance(value, Decimal):
            return value
        return value.quantize(Decimal(1)) if value == value.to_integral() else value.normalize()

    def get_db_converters(self, connection: Any) -> list[Any]:
        """PostgreSQL gives a Decimal as it is."""
        return super().get_db_converters(connection) if connection.vendor == "sqlite" else []

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        number = Decimal(str(value))
        return number.scaleb(-self.decimal_places) if self._is_scaled else number


HALF = 10**9
"""Where `ExactSum` divides a scaled value; 9 × 10⁹ values of either half add up to 64 bits."""


class ExactSum(Sum):
    """SUM of an ExactDecimalField of up to 18 digits that does not overflow SQLite's 64 bits.

    There the upper and the lower digits are added up apart, each with the sign of its value.
    """

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        upper, lower = self.copy(), self.copy()
        upper.template = f"SUM(%(expressions)s / {HALF})"
        lower.template = f"SUM(%(expressions)s %%%% {HALF})"
        halves = [half.as_sql(compiler, connection) for half in (upper, lower)]
        sql = " || ' ' || ".join(half for half, _ in halves)
        return f"({sql})", [one for _, params in halves for one in params]

    @property
    def convert_value(self) -> Any:
        """Before the field's own conversion, which scales."""
        return whole_sum


def whole_sum(value: Any, expression: Any, connection: Any) -> Any:
    """SQLite's two halves as one whole number; PostgreSQL's sum as it is."""
    if not isinstance(value, str):
        return value
    upper, lower = map(int, value.split())
    return upper * HALF + lower


def kilograms(help_text: str, **kwargs: Any) -> ExactDecimalField:
    """A computed column of kg with 6 decimals."""
    return ExactDecimalField(
        max_digits=18, decimal_places=6, editable=False, help_text=help_text, **kwargs
    )


class Share(Func):
    """A part of a value of 6 decimals, rounded half up to its own step, exactly on both stores.

    `Share(value, part, whole)` is value × part / whole; part and whole are whole numbers under
    10⁹. PostgreSQL's `div` is whole-number division; on SQLite the value is a whole number of
    steps, divided before it is multiplied so that 64 bits hold it.
    """

    output_field = ExactDecimalField(max_digits=18, decimal_places=6)

    def __init__(self, value: Any, part: Any, whole: Any) -> None:
        super().__init__(value, part, whole)

    def as_postgresql(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        (value, part, whole), params = self._operands(compiler)
        sql = (
            f"(sign({value}) * div(abs({value}) * 2000000 * {part} + {whole}, 2 * {whole})"
            " * 0.000001)"
        )
        return sql, [*params[0], *params[0], *params[1], *params[2], *params[2]]

    def as_sqlite(self, compiler: Any, connection: Any, **context: Any) -> tuple[str, Any]:
        (value, part, whole), params = self._operands(compiler)
        sql = (
            f"({value} / {whole} * {part}"
            f" + (2 * ({value} %% {whole}) * {part} + sign({value}) * {whole}) / (2 * {whole}))"
        )
        v, p, w = params
        return sql, [*v, *w, *p, *v, *w, *p, *v, *w, *w]

    def _operands(self, compiler: Any) -> tuple[list[str], list[Any]]:
        compiled = [compiler.compile(one) for one in self.get_source_expressions()]
        return [sql for sql, _ in compiled], [params for _, params in compiled]
