from datetime import timedelta
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from organizations.models import APIKey, Organization, Role


def find_organization(text: str) -> Organization:
    """The organization with this id. Raises CommandError."""
    try:
        return Organization.objects.get(pk=UUID(text))
    except ValueError as error:
        raise CommandError(
            f"ORG: “{text}” is not a UUID; create_organization prints one."
        ) from error
    except Organization.DoesNotExist as error:
        raise CommandError(f"ORG: there is no organization {text}.") from error


class Command(BaseCommand):
    help = "Creates an API key for an organization and prints it, for the only time."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("organization", metavar="ORG", help="The organization's id.")
        parser.add_argument("--name", required=True, help="What the key is for.")
        parser.add_argument("--role", choices=Role.values, default=Role.EDITOR)
        parser.add_argument("--expires-in-days", type=int, metavar="N", help="Default: never.")

    def handle(self, *args: Any, **options: Any) -> None:
        organization = find_organization(options["organization"])
        name = options["name"].strip()
        if not 0 < len(name) <= 100 or not name.isprintable():
            raise CommandError("--name: give 1 to 100 characters that can be printed.")
        days = options["expires_in_days"]
        if days is not None and not 1 <= days <= 36500:
            raise CommandError("--expires-in-days: give a number from 1 to 36500.")
        row = APIKey.issue(
            organization=organization,
            name=name,
            role=options["role"],
            expires_at=timezone.now() + timedelta(days=days) if days else None,
        )
        self.stdout.write(row.key)
