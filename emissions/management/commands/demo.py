import csv
import secrets
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from emissions.models import Consumption, EmissionFactor
from facilities.models import Facility, SupplyPoint
from organizations.models import APIKey, Membership, Organization, Role, User

DATA = Path(__file__).resolve().parents[2] / "data"
NAME = "Demo organization"
EMAIL = "admin@demo.example"
KEY_DAYS = 30


class Command(BaseCommand):
    help = (
        "Creates, once, an organization with 25 of Toronto's municipal buildings, their real "
        "consumption of 2021 and the city's own factors, and a fictional Spanish site; then prints "
        "an API key, an admin login (both new each time) and a first request."
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
        url = options["url"].rstrip("/")
        key = APIKey.issue(
            organization=organization,
            name="demo",
            role=Role.ADMIN,
            expires_at=timezone.now() + timedelta(days=KEY_DAYS),
        ).key
        password = give_login(organization)
        self.stdout.write(
            f"organization  {organization.pk}\n"
            f"API key       {key}  (for {KEY_DAYS} days)\n"
            f"admin login   {EMAIL}  {password}  at {url}/admin/\n"
            f"docs          {url}/v1/docs\n\n"
            f"curl '{url}/v1/facilities?size=3&sort=-co2e' "
            f"-H 'x-organization-id: {organization.pk}' -H 'x-api-key: {key}'\n"
        )


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


def give_login(organization: Organization) -> str:
    """A superuser who is the organization's admin, with a new password, which is returned."""
    password = secrets.token_urlsafe(12)
    user = User.objects.filter(email__iexact=EMAIL).first()
    if user is None:
        user = User.objects.create_superuser(EMAIL, password, name="Demo admin")
    else:
        user.set_password(password)
        user.save(update_fields=["password"])
    Membership.objects.get_or_create(
        user=user, organization=organization, defaults={"role": Role.ADMIN}
    )
    return password
