"""How tests read figures, and hold them to the formula and to each other."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from emissions.models import Emission
from tests.conftest import Person

FIGURES = ("co2e", "co2e_market", "co2e_biomass")
OVER_NEW_YEAR = {"start_date": "2022-12-22", "end_date": "2023-01-10"}
NOTHING = [None, None, None]


def kg(row: dict[str, Any]) -> list[Any]:
    """Location-based, market-based and biogenic."""
    return [row[name] for name in FIGURES]


def exactly(location: str, market: str | None = None, biomass: str = "0") -> list[Decimal]:
    return [Decimal(location), Decimal(location if market is None else market), Decimal(biomass)]


def half_up(kilograms: Fraction) -> Fraction:
    """Rounded to 6 decimals, halves away from zero."""
    steps = int(abs(kilograms) * 10**6 + Fraction(1, 2))
    return Fraction(steps if kilograms >= 0 else -steps, 10**6)


def again(person: Person, row: dict[str, Any], kind: str = "consumptions") -> dict[str, Any]:
    answer = person.get(f"/v1/{kind}/{row['id']}")
    assert answer.status == 200, answer.body
    return answer.body


def total(person: Person, facility: dict[str, Any]) -> list[Any]:
    """A facility's totals, which are its current lines' and its complete consumption's."""
    stored = again(person, facility, "facilities")
    lines = Emission.objects.current().filter(facility_id=facility["id"])
    sums = [sum((getattr(line, name) for line in lines), Decimal(0)) for name in FIGURES]
    assert kg(stored) == sums
    return kg(stored)


def completeness(person: Person, facility: dict[str, Any]) -> str:
    return again(person, facility, "facilities")["co2e_status"]


def change(person: Person, kind: str, row: dict[str, Any], **fields: Any) -> dict[str, Any]:
    answer = person.patch(f"/v1/{kind}/{row['id']}", fields)
    assert answer.status == 200, answer.body
    return answer.body


def lines_of(person: Person, bill: dict[str, Any]) -> list[dict[str, Any]]:
    """The lines of /calculation, after holding all of it to the contract."""
    body = person.get(f"/v1/consumptions/{bill['id']}/calculation").body
    assert body["consumption"] == again(person, bill)
    assert kg(body) == kg(body["consumption"])
    assert body["reason"] is None
    lines = body["lines"]
    assert sum(Fraction(line["quantity"]) for line in lines) == Fraction(bill["quantity"])
    for name in FIGURES:
        assert sum(line[name] for line in lines) == body[name]
    next_day = date.fromisoformat(bill["start_date"])
    carried: dict[tuple[str, str], Fraction] = {}
    for line in lines:
        first, last = (date.fromisoformat(line[name]) for name in ("start_date", "end_date"))
        assert first == next_day
        assert line["month"] == f"{first:%Y-%m}" == f"{last:%Y-%m}"
        assert line["days"] == (last - first).days + 1
        next_day = last + timedelta(days=1)
        hold_to_the_formula(line, bill["unit"], carried)
    assert next_day == date.fromisoformat(bill["end_date"]) + timedelta(days=1)
    return lines


def hold_to_the_formula(
    line: dict[str, Any], unit: str, carried: dict[tuple[str, str], Fraction]
) -> None:
    """Recomputes a line; `carried` is what rounding has left over, by figure and year."""
    year = line["month"][:4]
    shown_to = Fraction(1, 10**28)
    for method, name in (("location", "co2e"), ("market", "co2e_market")):
        used = line[method]
        factor = used["factor"]
        assert used["unit"] == factor["unit"]
        words = used["conversion_exact"].split()
        assert (words[0], words[1], words[2], words[4]) == ("1", unit, "=", factor["unit"])
        ratio, quantity = Fraction(words[3]), Fraction(line["quantity"])
        assert 0 <= ratio - Fraction(used["conversion"]) < shown_to
        assert abs(quantity * ratio - Fraction(used["converted_quantity"])) < shown_to
        product = quantity * ratio * Fraction(factor["co2e"])
        assert abs(product - Fraction(used["product"])) < shown_to
        before = carried.get((name, year), Fraction(0))
        assert abs(before - Fraction(used["carried"])) < shown_to
        assert half_up(product + before) == line[name]
        assert abs(product - Fraction(line[name])) <= Fraction(1, 10**6)
        carried[name, year] = product + before - Fraction(line[name])
    factor = line["location"]["factor"]
    ratio = Fraction(line["location"]["conversion_exact"].split()[3])
    biogenic = Fraction(line["quantity"]) * ratio * Fraction(factor["co2e_biomass"])
    before = carried.get(("co2e_biomass", year), Fraction(0))
    assert half_up(biogenic + before) == line["co2e_biomass"]
    carried["co2e_biomass", year] = biogenic + before - Fraction(line["co2e_biomass"])
    assert line["scope"] == factor["scope"]


def flags(person: Person, bill: dict[str, Any]) -> list[tuple[list[str], list[str]]]:
    """The fallbacks of each line, location-based and market-based."""
    lines = lines_of(person, bill)
    return [(line["location"]["fallbacks"], line["market"]["fallbacks"]) for line in lines]


def ledger(bill: dict[str, Any]) -> list[tuple[str, Decimal, bool]]:
    """Everything ever written of a bill: month, kg, and whether it counts."""
    lines = Emission.objects.filter(consumption_id=bill["id"]).order_by("recorded_at", "start_date")
    return [(f"{one.month:%Y-%m}", one.co2e, one.superseded_at is None) for one in lines]


def gas(person: Person, facility: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return person.consumption(facility, category="heat", activity="natural_gas", **fields)


def refill(person: Person, site: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """2.5 kg of R-410A."""
    day = {"start_date": "2023-07-14", "end_date": "2023-07-14"}
    given = {"category": "recharge", "activity": "R-410A", "quantity": Decimal("2.5"), "unit": "kg"}
    return person.consumption(site, **{**given, **day, **fields})


def two_years(person: Person) -> dict[str, Any]:
    """A facility with electricity and gas in 2022 and 2023 and a refill, and another whose bill
    has no factor; the first of them."""
    home = person.facility()
    for year in (2022, 2023):
        days = {"start_date": f"{year}-03-01", "end_date": f"{year}-03-31"}
        person.consumption(home, external_id=f"B-{year}", **days)
        gas(person, home, **days)
    refill(person, home)
    person.consumption(person.facility(name="Ice", country="AQ"))
    return home
