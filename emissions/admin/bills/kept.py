"""What a deletion leaves in the figures: the lines of closed years stay."""

from decimal import Decimal
from typing import Any

from django.db.models import Q, Sum

from emissions.models import Emission


def of_deleted(row: Any, **of: Any) -> dict[str, Any]:
    """What the question before a deletion says of a facility's or a bill's kg CO2e.

    `leaving` goes with it; `kept` stays in the closed `kept_years`, none where it is nothing.
    `of` names its lines.
    """
    years = [int(year) for year in row.organization.closed_years.split(",") if year]
    closed = Q(month__year__in=years)
    lines = Emission.objects.current().filter(closed, **of) if years else Emission.objects.none()
    kept = lines.aggregate(kg=Sum("co2e"))["kg"] or Decimal(0)
    found = lines.order_by("month__year").values_list("month__year", flat=True).distinct()
    return {
        "leaving": None if row.co2e is None else row.co2e - kept,
        "kept": kept,
        "kept_years": ", ".join(map(str, found)),
    }
