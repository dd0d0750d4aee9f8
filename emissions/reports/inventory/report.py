"""An organization's greenhouse gas inventory of a calendar year.

By the structure of the GHG Protocol's Corporate Standard and Scope 2 Guidance: scope 1, scope 2
under both methods, biogenic CO2 apart. What has no figure comes first. Every part adds up to the
totals exactly, because all are sums of the same lines.
"""

from collections.abc import Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from django.db.models import Count, Q

from emissions.calculation.formula import convert, rounded
from emissions.calculation.units import ratio
from emissions.ledger.bills import Kilograms
from emissions.models import ClosedPeriod, EmissionFactor
from emissions.reports.adding import Sums
from emissions.reports.inventory.change import change_between
from emissions.reports.inventory.energy import energy_of
from emissions.reports.inventory.quantities import added_up
from emissions.reports.periods import Period
from emissions.reports.totals import Question, total_and_coverage
from facilities.categories import Category
from facilities.models import Facility
from organizations.database.decimals import ExactSum
from organizations.models import Organization

OFFICIAL = "miteco"
"""How the ids of the sources begin that publish Spain's official factors, MITECO's."""

REGISTER = "Real Decreto 214/2025"
KG_IN_TONNE = 1000
NOTHING = Kilograms()
FIGURES = Kilograms._fields


def inventory(organization: Organization, year: int, base_year: int | None) -> dict[str, Any]:
    """Everything that the report says; read it in one snapshot."""
    question = Question(organization.pk, Period.of_year(year))
    by_scope = {row["scope"]: row for row in _by(question, "scope")}
    total, coverage = total_and_coverage(question)
    return {
        "organization": {
            "id": organization.pk,
            "name": organization.name,
            "gwp_set": organization.gwp_set,
        },
        "year": year,
        **_state(organization.pk, year),
        "missing": question.kinds_without_figure(),
        "coverage": coverage,
        "scope_1": _kg(by_scope, 1, "co2e"),
        "scope_2_location": _kg(by_scope, 2, "co2e"),
        "scope_2_market": _kg(by_scope, 2, "co2e_market"),
        "scope_3": _kg(by_scope, 3, "co2e"),
        "biogenic": total.co2e_biomass,
        "total_location": total.co2e,
        "total_market": total.co2e_market,
        "by_scope": list(by_scope.values()),
        "by_category": _by(question, "scope", "category"),
        "by_fuel": _by(question, "scope", "category", "activity"),
        "by_country": _by(question, "country"),
        "by_facility": list(_by_facility(question)),
        "by_month": _by(question, "month"),
        "data_quality": _by(question, "data_quality"),
        "energy": energy_of(question),
        "esrs_e1_6": _gross_emissions(by_scope, total),
        "refrigerants": list(_refrigerants(question)),
        "base_year": change_between(organization.pk, base_year, year) if base_year else None,
        "factors": (factors := list(_factors(question))),
        "spain": _spain(question, factors),
    }


def _kg(by_scope: dict[int, dict[str, Any]], scope: int, name: str) -> Decimal:
    return by_scope[scope][name] if scope in by_scope else Decimal(0)


def _gross_emissions(by_scope: dict[int, dict[str, Any]], total: Sums) -> dict[str, Decimal]:
    """The data points of ESRS E1-6 (44, 48 to 52) that bills give, in t CO2e; biogenic CO2 beside
    them, as AR 43 asks. Of scope 3 bills give water alone."""
    kilograms = {
        "gross_scope_1": _kg(by_scope, 1, "co2e"),
        "gross_scope_2_location": _kg(by_scope, 2, "co2e"),
        "gross_scope_2_market": _kg(by_scope, 2, "co2e_market"),
        "gross_scope_3": _kg(by_scope, 3, "co2e"),
        "total_location": total.co2e,
        "total_market": total.co2e_market,
        "biogenic": total.co2e_biomass,
    }
    return {f"{name}_t": kg / KG_IN_TONNE for name, kg in kilograms.items()}


def _state(organization_id: UUID, year: int) -> dict[str, Any]:
    """Whether the figures may still change."""
    rows = ClosedPeriod.objects.filter(organization_id=organization_id, year=year)
    closed = rows.filter(reopened_at=None).first()
    return {
        "status": "closed" if closed else "open",
        "closed_at": closed and closed.closed_at,
        "closed_by": closed.closed_by or None if closed else None,
    }


def _by(question: Question, *keys: str) -> list[dict[str, Any]]:
    return [one.as_item() for one in question.grouped(keys)]


def _by_facility(question: Question) -> Iterator[dict[str, Any]]:
    """Every facility with figures, those that emit most first; deleted ones too."""
    sums = {one.keys["facility"]: one.sums for one in question.grouped(["facility"])}
    facilities = Facility.objects.in_bulk(list(sums))
    scopes: dict[tuple[UUID, int], Sums] = {
        (one.keys["facility"], one.keys["scope"]): one.sums
        for one in question.grouped(["facility", "scope"])
    }
    for pk in sorted(sums, key=lambda pk: (-sums[pk].co2e, pk)):
        one = facilities[pk]
        first, second = scopes.get((pk, 1)), scopes.get((pk, 2))
        yield {
            "facility_id": pk,
            "external_id": one.external_id or None,
            "name": one.name,
            "type": one.type,
            "country": one.country,
            "scope_1": first.co2e if first else Decimal(0),
            "scope_2_location": second.co2e if second else Decimal(0),
            "scope_2_market": second.co2e_market if second else Decimal(0),
            **sums[pk]._asdict(),
        }


def _refrigerants(question: Question) -> Iterator[dict[str, Any]]:
    """How much of each gas was refilled, in kg, and what that emits."""
    lines = question.lines().filter(category=Category.RECHARGE)
    found: dict[str, tuple[Fraction, Kilograms]] = {}
    for gas, unit, quantity, *kilograms in added_up(lines, ("activity", "unit"), FIGURES):
        kg, sums = found.get(gas, (Fraction(), NOTHING))
        kg += Fraction(quantity) * ratio(unit, "kg")
        found[gas] = (kg, sums.plus(Kilograms(*kilograms)))
    for gas, (kg, sums) in sorted(found.items(), key=lambda item: (-item[1][1].co2e, item[0])):
        yield {"gas": gas, "refilled_kg": rounded(convert(Decimal(1), kg)), **sums._asdict()}


def _factors(question: Question) -> Iterator[dict[str, Any]]:
    """Every factor as it was used, with its source, and what was computed with it."""
    used: dict[tuple[UUID, Decimal, str], dict[str, Any]] = {}
    for method, amount in (("location", "co2e"), ("market", "co2e_market")):
        rows = question.lines().order_by()
        key = (f"{method}_factor_id", f"{method}_value", f"{method}_unit")
        for *of_factor, lines, in_spain, kg in rows.values_list(*key).annotate(
            lines=Count("pk"),
            in_spain=Count("pk", filter=Q(country="ES")),
            kg=ExactSum(amount),
        ):
            one = used.setdefault(tuple(of_factor), {"lines": 0, "in_spain": False})
            one |= {"lines": max(one["lines"], lines), amount: kg}
            one["in_spain"] |= in_spain > 0
    stored = EmissionFactor.objects.select_related("source").in_bulk({key[0] for key in used})
    for (pk, value, unit), one in sorted(used.items(), key=lambda item: str(item[0])):
        factor, source = stored[pk], stored[pk].source
        yield {
            "factor_id": pk,
            "own": factor.own,
            **{
                name: getattr(factor, name) or None
                for name in (
                    "category",
                    "activity",
                    "country",
                    "region",
                    "supplier",
                    "method",
                    "gwp_set",
                )
            },
            "co2e_per_unit": value,
            "unit": unit,
            "valid_from": factor.valid_from,
            "valid_to": factor.valid_to,
            "source": source
            and {name: getattr(source, name) for name in ("id", "title", "url", "licence")},
            "source_ref": factor.source_ref or None,
            "lines": one["lines"],
            "co2e": one.get("co2e", Decimal(0)),
            "co2e_market": one.get("co2e_market", Decimal(0)),
            "in_spain": one["in_spain"],
        }


def _spain(question: Question, factors: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Whether all factors used in Spain are MITECO's official ones (Real Decreto 214/2025).

    Then the national register asks for no verification. Without a facility in Spain: null.
    """
    here = [one for one in factors if one["in_spain"]]
    others = [
        one for one in here if not (one["source"] and one["source"]["id"].startswith(OFFICIAL))
    ]
    facilities = question.lines().filter(country="ES").order_by().values("facility_id").distinct()
    return {
        "facilities": facilities.count(),
        "all_factors_official": not others if here else None,
        "rule": REGISTER,
        "not_official": others,
    }
