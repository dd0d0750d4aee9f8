import csv
import json
import os
import secrets
from contextlib import suppress
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import connection, transaction
from django.utils import timezone

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility, SupplyPoint
from organizations.access.keys import digest
from organizations.models import APIKey, Membership, Organization, Role, User

DATA = Path(__file__).resolve().parents[2] / "data"
NAME = "Demo organization"
EMAIL = "admin@demo.example"
KEY, KEY_DAYS = "demo", 30
NEW_KEY = "made before and not kept here; a new one: manage.py create_api_key {} --name demo"
NEW_PASSWORD = f"(your password; a new one: manage.py changepassword {EMAIL})"


class Command(BaseCommand):
    help = (
        "Creates, once, an organization with 25 of Toronto's municipal buildings, their real "
        "consumption of 2021 and the city's own factors, and a fictional Spanish site; then prints "
        "an API key, an admin login (made once, and shown again) and a first request."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="Where it is served.")

    def handle(self, *args: Any, **options: Any) -> None:
        if not EmissionFactor.objects.filter(organization=None).exists():
            raise CommandError("There are no factors yet; run load_emission_factors first.")
        organization = Organization.objects.filter(name=NAME).order_by("created_at").first()
        if organization is None:
            self.stderr.write("Creating the demo organization …")
            organization = create_demo()
        kept = Kept()
        key, password = demo_key(organization, kept), demo_password(organization, kept)
        kept.write()
        url = options["url"].rstrip("/")
        self.stdout.write(
            f"organization  {organization.pk}\n"
            f"API key       {key or NEW_KEY.format(organization.pk)}\n"
            f"admin login   {EMAIL}  {password or NEW_PASSWORD}  at {url}/admin/\n"
            f"docs          {url}/v1/docs\n\n"
            f"curl '{url}/v1/facilities?size=3&sort=-co2e' "
            f"-H 'x-organization-id: {organization.pk}' -H 'x-api-key: {key or 'YOUR-KEY'}'\n"
        )


class Kept(dict[str, str]):
    """The demo's key and password, beside the SQLite file, for its owner's eyes alone.

    Elsewhere, on PostgreSQL for instance, they are printed once and kept nowhere.
    """

    def __init__(self) -> None:
        super().__init__()
        self._path = None
        if connection.vendor == "sqlite":
            self._path = Path(f"{connection.settings_dict['NAME']}-demo")
            with suppress(OSError, ValueError):
                self.update(json.loads(self._path.read_text(encoding="utf-8")))

    def write(self) -> None:
        if self._path is not None:
            flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
            with open(os.open(self._path, flags, 0o600), "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), 0o600)
                json.dump(self, file)


def demo_key(organization: Organization, kept: Kept) -> str:
    """The key that was shown before, or a new one; nothing where one is valid but not kept."""
    live = APIKey.objects.for_organization(organization.pk).filter(revoked_at=None, name=KEY)
    live = live.exclude(expires_at__lte=timezone.now())
    if (shown := kept.get("key", "")) and live.filter(digest=digest(shown)).exists():
        return shown
    if not kept and live.exists():
        return ""
    expires_at = timezone.now() + timedelta(days=KEY_DAYS)
    row = APIKey.issue(organization=organization, name=KEY, role=Role.ADMIN, expires_at=expires_at)
    kept["key"] = row.key
    return row.key


def demo_password(organization: Organization, kept: Kept) -> str:
    """The password that was shown before, or a new one for a new login.

    Nothing where its user has chosen another since: that one stays.
    """
    user = User.objects.filter(email__iexact=EMAIL).first()
    if user is None:
        kept["password"] = secrets.token_urlsafe(12)
        user = User.objects.create_superuser(EMAIL, kept["password"], name="Demo admin")
    Membership.objects.get_or_create(
        user=user, organization=organization, defaults={"role": Role.ADMIN}
    )
    shown = kept.get("password", "")
    return shown if user.check_password(shown) else ""


@transaction.atomic
def create_demo() -> Organization:
    """The demo organization with its factors, facilities and consumption, all rules applied."""
    organization = Organization.objects.create(name=NAME)
    for row in read("demo_factors.csv"):
        row.pop("source")
        store(
            EmissionFactor(
                organization=organization,
                **{
                    **row,
                    "valid_from": date.fromisoformat(row["valid_from"]),
                    "valid_to": date.fromisoformat(row["valid_to"]),
                    "co2e": Decimal(row["co2e"]),
                    "co2e_biomass": Decimal(row["co2e_biomass"]),
                    "scope": int(row["scope"]),
                },
            )
        )
    facilities = {}
    for row in read("demo_facilities.csv"):
        cups_list = list(filter(None, row.pop("cups_list").split("|")))
        categories = row.pop("categories").split("|")
        facility = Facility(organization=organization, categories=categories, **row)
        store(facility)
        facilities[facility.external_id] = facility
        for cups in cups_list:
            store(SupplyPoint(organization=organization, facility=facility, cups=cups))
    for row in read("demo_consumption.csv"):
        store(
            Consumption(
                organization=organization,
                **{
                    **row,
                    "facility": facilities[row["facility"]],
                    "quantity": Decimal(row["quantity"]),
                    "start_date": date.fromisoformat(row["start_date"]),
                    "end_date": date.fromisoformat(row["end_date"]),
                },
            )
        )
    return organization


def read(name: str) -> list[dict[str, Any]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def store(row: Any) -> None:
    row.full_clean(validate_constraints=False)
    row.save()
