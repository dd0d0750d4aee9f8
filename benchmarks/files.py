"""Files to import: facilities, and bills month by month as they come."""

import csv
from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from stdnum.es import cups as cups_rule

MONTHS = 20

PLACES = [("ES", ""), ("PT", ""), ("DE", ""), ("FR", ""), ("GB", ""), ("CA", "CA-ON"), ("US", "")]
KINDS = [
    ("electricity", "grid", "kWh", "IBERDROLA CLIENTES, S.A.U."),
    ("heat", "natural_gas", "kWh", ""),
    ("water", "supply", "m3", ""),
    ("electricity", "grid", "MWh", ""),
]
WITH_CUPS = 4
"""Every so many facilities one has a CUPS, though half of those are not in Spain."""


def write(file: Path, rows: Iterable[dict[str, Any]]) -> Path:
    with file.open("w", encoding="utf-8", newline="") as target:
        writer: csv.DictWriter | None = None
        for row in rows:
            if writer is None:
                writer = csv.DictWriter(target, list(row))
                writer.writeheader()
            writer.writerow(row)
    return file


def facility_rows(count: int) -> Iterator[dict[str, Any]]:
    for number in range(count):
        country, region = PLACES[number % len(PLACES)]
        yield {
            "external_id": f"SITE-{number:06d}",
            "name": f"Site {number}",
            "type": ("office", "warehouse", "factory")[number % 3],
            "country": country,
            "region": region,
            "address": f"{number % 300} High Street, Town {number % 977}",
            "categories": "",
            "cups_list": cups(number) if number % WITH_CUPS == 0 else "",
            "logistic_factor": "0.8",
            "status": "active",
        }


def cups(number: int) -> str:
    code = f"ES{number:016d}"
    return code + cups_rule.calc_check_digits(code)


def bill_rows(facilities: int, months: Iterable[int] = range(MONTHS)) -> Iterator[dict[str, Any]]:
    """Each facility has one kind of bill a month; months are counted from January 2022."""
    for month in months:
        first = date(2022 + month // 12, month % 12 + 1, 1)
        last = first.replace(day=monthrange(first.year, first.month)[1])
        for number in range(facilities):
            category, activity, unit, supplier = KINDS[number % len(KINDS)]
            quantity = Decimal(number * 7919 % 900_000 + 1000 + month * 17) / 100
            yield {
                "external_id": f"BILL-{number:06d}-{month:02d}",
                "facility_id": f"SITE-{number:06d}",
                "category": category,
                "activity": activity,
                "quantity": quantity,
                "unit": unit,
                "start_date": first.isoformat(),
                "end_date": last.isoformat(),
                "supplier": supplier if PLACES[number % len(PLACES)][0] == "ES" else "",
                "cups": "",
                "data_quality": "actual",
                "note": "",
            }
