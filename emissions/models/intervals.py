"""The intervals that a bill is the sum of, as a meter has read them, packed and exact."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import uuid_utils.compat as uuid
from django.core.exceptions import ValidationError
from django.db import models

from emissions.calculation.packing import pack, pack_flags, unpack, unpack_flags
from emissions.models.consumption import Consumption
from organizations.models import Organization
from organizations.tenancy import TenantQuerySet

DECIMALS = Decimal("0.000000001")
"""What does not end sooner is shown in so many."""


class Interval(NamedTuple):
    """What was used from one moment until the next."""

    start: datetime
    end: datetime
    quantity: Fraction
    estimated: bool


class Intervals(models.Model):
    """The intervals of one bill: all equally long, some perhaps missing.

    The quantity of each is a whole number of `numerator`/`denominator` of the bill's unit.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid7, editable=False)
    organization = models.ForeignKey(Organization, models.PROTECT, related_name="+", db_index=False)
    consumption = models.ForeignKey(Consumption, models.CASCADE, related_name="intervals")
    start = models.DateTimeField(help_text="When the first one begins.")
    seconds = models.PositiveIntegerField(help_text="How long each one is.")
    places = models.PositiveIntegerField(help_text="How many there would be without gaps.")
    count = models.PositiveIntegerField(help_text="How many there are.")
    zone = models.CharField(max_length=50, help_text="Whose local time: Europe/Madrid.")
    numerator = models.BigIntegerField()
    denominator = models.BigIntegerField()
    quantities = models.BinaryField(help_text="Packed whole numbers.")
    missing = models.BinaryField(help_text="Which places are gaps, packed; empty: none.")
    estimated = models.BinaryField(help_text="Which are estimated, packed; empty: none.")

    objects = TenantQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "intervals"
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "consumption"], name="intervals_once_per_consumption"
            ),
            models.CheckConstraint(
                condition=models.Q(denominator__gt=0, numerator__gt=0),
                name="intervals_size_positive",
            ),
            models.CheckConstraint(
                condition=models.Q(count__lte=models.F("places")), name="intervals_fit_places"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} × {self.seconds} s from {self.start}"

    def save(self, **kwargs: Any) -> None:
        """Stores them. Raises ValidationError when the bill is another organization's."""
        if self.organization_id != self.consumption.organization_id:
            raise ValidationError("The consumption is another organization's.")
        super().save(**kwargs)

    @property
    def size(self) -> Fraction:
        """What one whole number is, in the bill's unit."""
        return Fraction(self.numerator, self.denominator)

    def readings(self) -> dict[int, tuple[int, bool]]:
        """Second since 1970 at which each begins → its whole number, and whether estimated."""
        gaps = unpack_flags(bytes(self.missing), self.places)
        marked = unpack_flags(bytes(self.estimated), self.places)
        numbers = iter(unpack(bytes(self.quantities), self.count))
        begin = int(self.start.timestamp())
        return {
            begin + place * self.seconds: (next(numbers), marked[place])
            for place in range(self.places)
            if not gaps[place]
        }

    def each(self) -> Iterator[Interval]:
        """The intervals in their order."""
        zone, size = ZoneInfo(self.zone), self.size
        for second, (number, estimated) in self.readings().items():
            start, end = (
                datetime.fromtimestamp(one, UTC).astimezone(zone)
                for one in (second, second + self.seconds)
            )
            yield Interval(start, end, number * size, estimated)


def columns_of_readings(readings: Mapping[int, tuple[int, bool]], seconds: int) -> dict[str, Any]:
    """What `Intervals` keeps of readings, by second since 1970 at which each begins."""
    begin, end = min(readings), max(readings)
    places = range(begin, end + 1, seconds)
    missing = [second not in readings for second in places]
    estimated = [second in readings and readings[second][1] for second in places]
    return {
        "start": datetime.fromtimestamp(begin, UTC),
        "seconds": seconds,
        "places": len(places),
        "count": len(readings),
        "quantities": pack([readings[second][0] for second in places if second in readings]),
        "missing": pack_flags(missing),
        "estimated": pack_flags(estimated),
    }


def as_decimals(quantities: Sequence[Fraction]) -> list[Decimal]:
    """Quantities as numbers that end. Where one of them never ends, as a sixth of a kilowatt does,
    each is the difference of the running total, rounded, so that they add up to their sum.

    >>> as_decimals([Fraction(1, 12), Fraction(1, 12), Fraction(1, 12)])
    [Decimal('0.083333333'), Decimal('0.083333334'), Decimal('0.083333333')]
    """
    exact = [Decimal(one.numerator) / Decimal(one.denominator) for one in quantities]
    if all(Fraction(found) == one for found, one in zip(exact, quantities, strict=True)):
        return exact
    totals = [
        (Decimal(one.numerator) / Decimal(one.denominator)).quantize(DECIMALS, ROUND_HALF_UP)
        for one in accumulate(quantities, initial=Fraction(0))
    ]
    return [after - before for before, after in pairwise(totals)]
