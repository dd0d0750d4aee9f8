"""The admin's pages over very many rows, against the same pages counting as stock Django does.

In the process, by Django's test client: what a page costs the database and the templates.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.paginator import Paginator
from django.db import connection, transaction
from django.db.utils import ProgrammingError
from django.test import Client
from django.test.utils import CaptureQueriesContext, override_settings
from django.urls import reverse

from benchmarks.frame import Row, compare, interleaved, say
from benchmarks.seed import settle
from emissions.models import Consumption, Emission, EmissionFactor
from facilities.models import Facility
from organizations.models import Membership, Organization, Role, User

ORGANIZATIONS = 20
BILLS_PER_FACILITY = 10

FACILITIES = """
INSERT INTO facilities_facility (id, organization_id, external_id, name, type, country, region,
    address, categories, logistic_factor, status, co2e, co2e_market, co2e_biomass, co2e_status,
    created_at, updated_at)
SELECT uuidv7(), o.id, 'F' || n, 'Site ' || md5(n::text), 'office',
    (ARRAY['ES', 'PT', 'FR', 'CA'])[1 + n %% 4], '', 'Calle ' || n,
    'heat,electricity,water,recharge', 0.8, 'active', 0, 0, 0,
    CASE WHEN n %% 7 = 0 THEN 'incomplete' ELSE 'complete' END, now(), now()
FROM organizations_organization o CROSS JOIN generate_series(1, %(each)s) n
"""

BILLS = """
INSERT INTO emissions_consumption (id, organization_id, facility_id, external_id, category,
    activity, quantity, unit, start_date, end_date, supplier, cups, meter, data_quality, status,
    note, co2e, co2e_market, co2e_biomass, co2e_status, co2e_reason, missing_on, created_at,
    updated_at)
SELECT uuidv7(), organization_id, id, external_id || '-' || n, b.category, b.activity, n * 10.25,
    'kWh', start_date, start_date + interval '1 month' - interval '1 day', '', '', '', 'actual',
    'active', '', kg, kg, kg * 0, CASE WHEN kg IS NULL THEN 'not_calculated' ELSE 'calculated' END,
    CASE WHEN kg IS NULL THEN 'no_factor: there is none' ELSE '' END,
    CASE WHEN kg IS NULL THEN start_date END, now(), now()
FROM facilities_facility
CROSS JOIN generate_series(1, %(each)s) n
CROSS JOIN LATERAL (SELECT
    (ARRAY['heat', 'electricity', 'heat'])[1 + n %% 3] AS category,
    (ARRAY['natural_gas', 'grid', 'straw'])[1 + n %% 3] AS activity,
    (date '2021-01-01' + interval '1 month' * ((ascii(name) * n + length(external_id)) %% 48))::date
        AS start_date,
    CASE WHEN n = 5 AND co2e_status = 'incomplete' THEN NULL ELSE n * 2.05 END AS kg) b
"""

LINES = """
INSERT INTO emissions_emission (id, organization_id, consumption_id, facility_id, category,
    activity, scope, facility_type, country, region, supplier, gwp_set, month, start_date,
    end_date, quantity, unit, energy_kwh, data_quality, location_factor_id,
    location_value, location_biomass, location_unit, location_fallbacks, market_factor_id,
    market_value, market_unit, market_fallbacks, co2e, co2e_market, co2e_biomass, recorded_at)
SELECT uuidv7(), organization_id, id, facility_id, category, activity, 1, 'office', 'ES', '', '',
    '', start_date, start_date, end_date, quantity, unit, quantity, data_quality, %(factor)s, 0.2,
    0, 'kWh', '', %(factor)s, 0.2, 'kWh', '', co2e, co2e, 0, now()
FROM emissions_consumption WHERE co2e IS NOT NULL
"""

TOTALS = "UPDATE facilities_facility SET co2e = 100, co2e_market = 100"

LISTS: dict[str, Any] = {
    "facilities": Facility,
    "consumption": Consumption,
    "emission lines": Emission,
    "factors": EmissionFactor,
}
ALLOWED = 1000
"""ms that a page may take."""

SEARCH = "?q=9f61408e"

Get = Callable[[], float]


def store(facilities: int) -> Organization:
    """Facilities of some organizations with their bills and lines; one of the organizations."""
    for number in range(ORGANIZATIONS):
        Organization.objects.create(name=f"Organization {number:02d}")
    factor = EmissionFactor.objects.filter(category="heat")[0]
    with transaction.atomic(), connection.cursor() as cursor:
        try:
            with transaction.atomic():  # nothing here refers to what is not there
                cursor.execute("SET LOCAL session_replication_role = replica")
        except ProgrammingError:
            say("every foreign key is checked: only a superuser may do without")
        cursor.execute(FACILITIES, {"each": facilities // ORGANIZATIONS})
        cursor.execute(BILLS, {"each": BILLS_PER_FACILITY})
        cursor.execute(LINES, {"factor": factor.pk})
        cursor.execute(TOTALS)
    settle()
    return Organization.objects.order_by("name")[0]


def browsers(organization: Organization) -> dict[str, Client]:
    """A superuser's, and one of staff of one organization."""
    root = User.objects.create_superuser("root@example.com", "-")
    member = User.objects.create_user("member@example.com", "-", is_staff=True)
    Membership.objects.create(user=member, organization=organization, role=Role.ADMIN)
    made = {}
    for who, user in (("superuser", root), ("staff of one organization", member)):
        made[who] = Client(SERVER_NAME=settings.ALLOWED_HOSTS[0])
        made[who].force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    return made


def opening(client: Client, address: str) -> Get:
    """Opens a page; how many ms it took."""

    def get() -> float:
        started = perf_counter()
        response = client.get(address)
        assert response.status_code == 200, (address, response.status_code)
        return 1000 * (perf_counter() - started)

    return get


@contextmanager
def stock() -> Iterator[None]:
    """The lists count as Django's own: what is found, and beside it what there is in all."""
    pages = [admin.site._registry[model] for model in LISTS.values()]
    for page in pages:
        vars(page).update(paginator=Paginator, show_full_result_count=True)
    try:
        yield
    finally:
        for page in pages:
            del page.paginator, page.show_full_result_count


def as_stock(get: Get) -> Get:
    def slower() -> float:
        with stock():
            return get()

    return slower


def queries(get: Get) -> int:
    with CaptureQueriesContext(connection) as captured:
        get()
    return len([one for one in captured if "SAVEPOINT" not in one["sql"]])


def addresses() -> tuple[dict[str, str], dict[str, str]]:
    """The lists, and the pages that count nothing a stock one would."""
    lists = {
        name: reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
        for name, model in LISTS.items()
    }
    lists["a search among the facilities"] = lists["facilities"] + SEARCH
    return lists, {
        "missing factors": reverse("admin:emissions_consumption_missing"),
        "the dashboard": reverse("admin:index"),
        "the dashboard's months": reverse("admin:emissions_emission_monthly"),
    }


def rows(quick: bool) -> Iterator[Row]:
    facilities = 10_000 if quick else 200_000
    say(f"storing {facilities:,} facilities with {BILLS_PER_FACILITY} bills each")
    organization = store(facilities)
    rounds = 3 if quick else 5
    lists, pages = addresses()
    counts: dict[str, int] = {}
    with override_settings(STORAGES={**settings.STORAGES, "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
    }}):  # fmt: skip
        for who, client in browsers(organization).items():
            for name, address in {**lists, **pages}.items():
                get, title = opening(client, address), f"{name}, as {who}"
                runs = {"ours": get} if name in pages else {"ours": get, "stock": as_stock(get)}
                for run in runs.values():
                    run()
                counts[title] = queries(get)
                measured = interleaved(runs, rounds)
                yield page(f"{title}, {counts[title]} queries", **measured)
    most = max(counts, key=lambda title: counts[title])
    yield Row(f"the most queries: {most}", str(counts[most]), "", counts[most], "≤ 9", "")


def page(name: str, ours: list[float], stock: list[float] | None = None) -> Row:
    """How long a page takes: against stock counting, or against what it may take."""
    if stock:
        return compare(name, "ms", ours, ("counting all", stock), less_is_better=True)
    allowed = [ALLOWED] * len(ours)
    return compare(name, "ms", ours, ("allowed", allowed), "≥ 1", less_is_better=True)
