"""A ledger of very many lines, stored by SQL: each facility has one bill, of one line, a month."""

from typing import Any

from django.db import connection

from emissions.models import EmissionFactor
from organizations.models import Organization

MONTHS = 40

FACILITIES = """
INSERT INTO facilities_facility (id, organization_id, external_id, name, type, country, region,
    address, categories, logistic_factor, status, co2e, co2e_market, co2e_biomass, co2e_status,
    created_at, updated_at)
SELECT uuidv7(), %(organization)s, 'F' || n, 'Site ' || n,
    (ARRAY['office', 'warehouse', 'factory'])[1 + n %% 3],
    (ARRAY['ES', 'PT', 'DE', 'FR', 'GB', 'US', 'CA'])[1 + n %% 7], '', '',
    'heat,electricity,water,recharge', 0.8, 'active', 0, 0, 0, 'complete', now(), now()
FROM generate_series(1, %(facilities)s) n
"""

BILLS = """
INSERT INTO emissions_consumption (id, organization_id, facility_id, external_id, category,
    activity, quantity, unit, start_date, end_date, supplier, cups, meter, data_quality, status,
    note, co2e, co2e_market, co2e_biomass, co2e_status, co2e_reason, created_at, updated_at)
SELECT uuidv7(), f.organization_id, f.id, f.external_id || '-' || m, kind.category, kind.activity,
    kg * 5, kind.unit, first, (first + interval '1 month' - interval '1 day')::date, '', '', '',
    'actual', 'active', '', kg, kg, 0, 'calculated', '', now() - interval '1 hour',
    now() - interval '1 hour'
FROM generate_series(0, %(months)s - 1) m
CROSS JOIN LATERAL (SELECT (date '2022-01-01' + interval '1 month' * m)::date AS first) month
CROSS JOIN facilities_facility f
CROSS JOIN LATERAL (SELECT substr(f.external_id, 2)::int AS n) number
CROSS JOIN LATERAL (SELECT ((n::bigint * 7919 %% 900000 + 1000 + m * 17) / 1000.0)::numeric(18, 6)
    AS kg) amount
JOIN (VALUES (0, 'electricity', 'grid', 'kWh'), (1, 'heat', 'natural_gas', 'kWh'),
    (2, 'water', 'supply', 'm3'), (3, 'electricity', 'grid', 'MWh')
) kind (number, category, activity, unit) ON kind.number = n %% 4
WHERE f.organization_id = %(organization)s
"""

LINES = """
INSERT INTO emissions_emission (id, organization_id, consumption_id, facility_id, category,
    activity, scope, facility_type, country, region, supplier, gwp_set, month, start_date, end_date,
    quantity, unit, energy_kwh, data_quality, location_factor_id, location_value, location_biomass,
    location_unit, location_fallbacks, market_factor_id, market_value, market_unit,
    market_fallbacks, co2e, co2e_market, co2e_biomass, recorded_at)
SELECT uuidv7(), c.organization_id, c.id, c.facility_id, c.category, c.activity,
    CASE c.category WHEN 'heat' THEN 1 WHEN 'electricity' THEN 2 ELSE 3 END, f.type, f.country,
    f.region, '', '', c.start_date, c.start_date, c.end_date, c.quantity, c.unit,
    CASE c.unit WHEN 'kWh' THEN c.quantity WHEN 'MWh' THEN c.quantity * 1000 ELSE 0 END,
    c.data_quality, %(factor)s, 0.2, 0, c.unit,
    CASE f.country WHEN 'US' THEN 'earlier_year' ELSE '' END, %(factor)s, 0.2, c.unit, '', c.co2e,
    c.co2e_market, c.co2e_biomass, c.created_at
FROM emissions_consumption c JOIN facilities_facility f ON f.id = c.facility_id
WHERE c.organization_id = %(organization)s
ORDER BY c.start_date, c.id
"""


def store(organization: Organization, facilities: int) -> None:
    """Facilities of an organization with their bills and lines."""
    factor = EmissionFactor.objects.filter(category="heat")[0]
    values: dict[str, Any] = {
        "organization": organization.pk,
        "facilities": facilities,
        "months": MONTHS,
        "factor": factor.pk,
    }
    with connection.cursor() as cursor:
        for statement in (FACILITIES, BILLS, LINES):
            cursor.execute(statement, values)
