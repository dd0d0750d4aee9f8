"""A factor that very many bills use is edited: our run against the bare SQL that writes the same.

The bare SQL supersedes the lines, inserts the new ones, sets the bills' figures and the facilities'
totals, in one transaction on the same tables with the same indexes. It knows that one bill is one
line under one factor in its own unit, which is what makes it so short; ours finds out.
"""

from collections.abc import Callable, Iterator
from decimal import Decimal
from time import perf_counter

from django.db import connection

from benchmarks.frame import Row, compare, interleaved, say
from emissions.ledger.recalculation import check_or_repair
from emissions.ledger.runs import work_off
from emissions.models import EmissionFactor
from facilities.models import Facility
from organizations.models import Organization

BILLS_PER_FACILITY = 20

FACILITIES = """
INSERT INTO facilities_facility (id, organization_id, external_id, name, type, country, region,
    address, categories, logistic_factor, status, co2e, co2e_market, co2e_biomass, co2e_status,
    created_at, updated_at)
SELECT uuidv7(), %(organization)s, 'F' || n, 'Site ' || n, 'office', 'ES', '', '',
    'heat,electricity,water,recharge', 0.8, 'active', 0, 0, 0, 'complete', now(), now()
FROM generate_series(%(first)s, %(last)s) n
"""

BILLS = """
INSERT INTO emissions_consumption (id, organization_id, facility_id, external_id, category,
    activity, quantity, unit, start_date, end_date, supplier, cups, meter, data_quality, status,
    note, co2e, co2e_market, co2e_biomass, co2e_status, co2e_reason, created_at, updated_at)
SELECT uuidv7(), organization_id, id, external_id || '-' || n, 'heat', 'natural_gas', n * 10.25,
    'kWh', date '2023-01-01' + interval '1 month' * (n %% 12),
    date '2023-02-01' + interval '1 month' * (n %% 12) - interval '1 day', '', '', '', 'actual',
    'active', '', round(n * 10.25 * %(co2e)s, 6), round(n * 10.25 * %(co2e)s, 6), 0, 'calculated',
    '', now(), now()
FROM facilities_facility CROSS JOIN generate_series(1, %(each)s) n
WHERE organization_id = %(organization)s AND co2e = 0
"""

LINES = """
INSERT INTO emissions_emission (id, organization_id, consumption_id, facility_id, category,
    activity, scope, facility_type, country, region, supplier, gwp_set, month, start_date,
    end_date, quantity, unit, energy_kwh, data_quality, location_factor_id,
    location_value, location_biomass, location_unit, location_fallbacks, market_factor_id,
    market_value, market_unit, market_fallbacks, co2e, co2e_market, co2e_biomass, recorded_at)
SELECT uuidv7(), c.organization_id, c.id, c.facility_id, c.category, c.activity, 1, 'office',
    'ES', '', '', '', c.start_date, c.start_date, c.end_date, c.quantity, c.unit, c.quantity,
    c.data_quality, %(factor)s, %(co2e)s, 0, 'kWh', '', %(factor)s,
    %(co2e)s, 'kWh', '', round(c.quantity * %(co2e)s, 6), round(c.quantity * %(co2e)s, 6), 0, now()
FROM emissions_consumption c
WHERE c.organization_id = %(organization)s
    AND NOT EXISTS (SELECT FROM emissions_emission e
                    WHERE e.consumption_id = c.id AND e.superseded_at IS NULL)
"""

FIGURES = """
UPDATE emissions_consumption c
SET co2e = e.co2e, co2e_market = e.co2e_market, co2e_biomass = e.co2e_biomass,
    co2e_status = 'calculated', co2e_reason = '', updated_at = now()
FROM emissions_emission e
WHERE e.consumption_id = c.id AND e.superseded_at IS NULL AND c.organization_id = %(organization)s
"""

TOTALS = """
UPDATE facilities_facility f
SET co2e = s.co2e, co2e_market = s.co2e_market, co2e_biomass = s.co2e_biomass,
    co2e_status = 'complete', updated_at = now()
FROM (SELECT facility_id, sum(co2e) co2e, sum(co2e_market) co2e_market,
          sum(co2e_biomass) co2e_biomass
      FROM emissions_emission WHERE superseded_at IS NULL GROUP BY facility_id) s
WHERE s.facility_id = f.id AND f.organization_id = %(organization)s
"""

SUPERSEDE = """
UPDATE emissions_emission SET superseded_at = now()
WHERE superseded_at IS NULL AND organization_id = %(organization)s
"""


class Stage:
    """An organization with one gas factor of its own and the bills that use it."""

    def __init__(self) -> None:
        self.organization = Organization.objects.create(name="Bench")
        self.factor = EmissionFactor(
            organization=self.organization, category="heat", activity="natural_gas", country="ES",
            unit="kWh", valid_from="2022-01-01", co2e=Decimal("0.2"), co2e_biomass=0, scope=1,
        )  # fmt: skip
        self.factor.save()
        self.facilities = 0
        self.edits = 0

    def grow(self, facilities: int) -> None:
        """Adds facilities up to so many, each with its bills."""
        self.sql(FACILITIES, first=self.facilities + 1, last=facilities)
        self.sql(BILLS, each=BILLS_PER_FACILITY)
        self.sql(LINES)
        self.sql(TOTALS)
        self.facilities = facilities
        self.tidy()
        self.verify()

    def verify(self) -> None:
        """What the rival has stored is what we would compute."""
        some = Facility.objects.order_by("?").values_list("pk", flat=True)[:20]
        assert check_or_repair(self.organization.pk, some, check=True) == []

    def next_value(self) -> Decimal:
        self.edits += 1
        return Decimal("0.2") + Decimal("0.0001") * self.edits

    def ours(self) -> float:
        """Seconds until everything is right after the factor is saved; a worker does the most."""
        self.factor.refresh_from_db()
        self.factor.co2e = self.next_value()
        start = perf_counter()
        self.factor.save()
        self.request = perf_counter() - start
        work_off.func()
        seconds = perf_counter() - start
        self.tidy()
        self.verify()
        return seconds

    def bare_sql(self) -> float:
        """Seconds for the same rows."""
        value = self.next_value()
        start = perf_counter()
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            EmissionFactor.objects.filter(pk=self.factor.pk).update(co2e=value)
            self.sql(SUPERSEDE)
            self.sql(LINES)
            self.sql(FIGURES)
            self.sql(TOTALS)
            cursor.execute("COMMIT")
        seconds = perf_counter() - start
        self.tidy()
        self.verify()
        return seconds

    def sql(self, statement: str, **values: int) -> None:
        co2e = EmissionFactor.objects.values_list("co2e", flat=True).get(pk=self.factor.pk)
        with connection.cursor() as cursor:
            cursor.execute(
                statement,
                {
                    "organization": self.organization.pk,
                    "factor": self.factor.pk,
                    "co2e": co2e,
                    **values,
                },
            )

    def tidy(self) -> None:
        """Each round meets the tables as autovacuum would leave them."""
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")


def rows(quick: bool) -> Iterator[Row]:
    sizes = [1_000, 10_000] if quick else [10_000, 100_000, 1_000_000]
    stage = Stage()
    per_bill: list[float] = []
    for size in sizes:
        say(f"{size:,} bills")
        stage.grow(size // BILLS_PER_FACILITY)
        runs: dict[str, Callable[[], float]] = {"ours": stage.ours, "bare SQL": stage.bare_sql}
        measured = interleaved(runs, 1 if size == 1_000_000 else 3)
        per_bill.append(min(measured["ours"]) / size)
        yield compare(
            f"a factor of {size:,} bills is edited (the request: {stage.request:.2f} s)",
            "s",
            measured["ours"],
            ("bare SQL", measured["bare SQL"]),
            "≥ 0.35" if size == sizes[-1] else "",
            less_is_better=True,
        )
    yield Row(
        f"growth per bill from {sizes[0]:,} to {sizes[-1]:,}",
        f"{per_bill[-1] * 1e6:.0f} µs a bill",
        f"{per_bill[0] * 1e6:.0f} µs a bill",
        per_bill[-1] / per_bill[0],
        "≤ 1.5",
        f"{min(per_bill) * 1e6:.0f} … {max(per_bill) * 1e6:.0f} µs",
    )
